//! Proofs of brands: DNS and well-known, cards and keys.
