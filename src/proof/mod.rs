//! Proofs of brands: DNS and well-known, cards and keys.

pub mod address;
pub mod dns;
pub mod fetch;
pub mod look;
pub mod name;
