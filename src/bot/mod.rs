//! The brands' bots: which flow each brand has, and the runner that lets it answer.
//!
//! A brand's flow is the file `flows/<brand>.toml` in the data folder. It is read again when it changes; while
//! it is broken, the last good one goes on, and without a good one visitors wait for a person.

mod directory;
pub mod runner;

pub use directory::{Bot, Bots, FlowProblem, check_flow};
