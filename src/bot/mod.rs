//! Bots: each conversation whose owner is a bot is answered here.
