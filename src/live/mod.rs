//! Drives one domain session per connection: sockets, server-sent events, timers, back-pressure. What a
//! frame leads to is decided in `portico_domain::session`; here it is carried out.

mod connection;
mod hub;
mod line;
mod mailbox;
mod meter;
mod opening;
mod recheck;
mod relay;
mod ticket;
mod websocket;
mod wire;

pub use hub::{Hub, Submitting};
pub use mailbox::Mailbox;
pub use ticket::{TICKET_FOR_MS, Tickets};

pub(crate) use connection::drive;
pub(crate) use recheck::recheck;
pub(crate) use relay::{NotTaken, Relay, Relays};
pub(crate) use websocket::{WebSocket, accept};
