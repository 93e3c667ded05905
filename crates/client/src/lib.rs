//! The visitor's and the representative's half of a conversation, sans-IO: what to send, what to keep, what to
//! show. No sockets, no clock, no storage: a driver does all that, in browsers `portico-browser`, in tests the
//! seeded world of `portico-testkit`.
//!
//! # Driving it
//! ```text
//! let mut client = Client::new(me, rng);
//! client.follow(now, conversation);                     // a visitor has one, the studio many
//! for (key, value) in storage { client.restore(&key, &value); }
//! client.start(now);                                    // or follow_leader(now): another tab has the socket
//! loop {
//!     while let Some(effect) = client.poll_effect() {   // in this order
//!         Connect     => fetch a ticket, open a socket, then handle(Opened { ticket }) or handle(Closed)
//!         Disconnect  => close the socket, drop its callbacks
//!         Transmit    => socket.send(codec::encode(&frame))
//!         Save        => storage.set / remove
//!         Relay       => broadcast_channel.post(relay.encode())
//!     }
//!     while let Some(event) = client.poll_event() { refresh what it names from client.conversation(id) }
//!     sleep until client.wake_at(), then handle(Tick); or feed whatever happens earlier
//! }
//! ```
//! Commands ([`Client::say`], [`Client::read_up_to`], [`Client::typed`] …) are called at any time; drain effects and
//! events after each. What was said is on screen and in storage when the command returns and before it is sent.
//!
//! # What it promises
//! - What was said and not refused ends up in the log exactly once, in the order of saying, whatever is lost,
//!   repeated or restarted in between.
//! - A [`Timeline`] is an unbroken run of the log, and an id stands in it once, at every moment.
//! - Watermarks only grow; a message's ticks never step back.

pub mod client;
pub mod connection;
pub mod conversation;
pub mod inbox;
pub mod outbox;
pub mod relay;
pub mod timeline;
pub mod typing;
pub mod watermark;

pub use client::{Client, Connectivity, Effect, Event, Input, Now, Save, SayError};
pub use connection::Connection;
pub use conversation::Conversation;
pub use inbox::Inbox;
pub use outbox::{Draft, DraftState, Outbox, OutboxFull};
pub use relay::Relay;
pub use timeline::{Amended, Change, Row, Timeline};
pub use watermark::{Delivery, Watermarks};
