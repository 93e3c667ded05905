//! The server's half of a conversation, sans-IO: what each participant may do, what follows from it, and
//! what a connected client must be sent. No clock, no sockets, no SQL: `src/live` drives it, `store` runs
//! its decisions inside the transaction that makes them durable.

pub mod brand;
pub mod conversation;
pub mod growth;
pub mod name;
pub mod rate;
pub mod session;
pub mod waiting;

pub use conversation::{Actor, Conversation, Decision, Policy, Refusal};
pub use growth::{Growth, View};
pub use session::{Admission, Role, Session};
