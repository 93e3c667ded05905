//! The seeded world, in which both halves of a conversation meet under everything that goes wrong between them.
//!
//! A [`World`] holds visitors with several devices and tabs, representatives, a bot, server nodes made of
//! [`portico_domain::Session`] and [`portico_domain::Conversation::decide`], a durable log with an explicit commit
//! point, and wires that delay, break and fall silent. One seed decides everything: what people do, how long each
//! frame takes, what breaks when. Time is simulated, so an hour takes milliseconds, and a seed that fails once
//! fails always.
//!
//! ```
//! let report = portico_testkit::World::seeded(7).run().expect("seed 7 holds every promise");
//! assert!(report.stored > 0);
//! ```

mod check;
mod device;
mod log;
mod plan;
mod script;
mod server;
mod world;

pub use check::Violation;
pub use plan::Plan;
pub use world::{Report, World};
