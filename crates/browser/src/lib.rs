//! Drives the client core in a browser: sockets and their fallback, timers, storage, tabs, the page around
//! the frame, sound.
//!
//! Everything here reaches into the world and decides nothing: what to send, keep and show is
//! [`portico_client`]'s, which runs the same in tests. An app makes a [`Driver`] from a
//! [`portico_client::Client`], hears its events, and calls commands through [`Driver::with`].

pub mod address;
pub mod api;
pub mod clock;
pub mod driver;
pub mod embedder;
pub mod notification;
pub mod page;
pub mod sound;
pub mod storage;
pub mod tabs;
pub mod ticket;
pub mod wire;

pub use api::CallError;
pub use driver::Driver;
pub use embedder::Embedder;
pub use ticket::Tickets;

/// The window. There always is one: nothing here runs in a worker.
#[must_use]
pub fn window() -> web_sys::Window {
    web_sys::window().expect("the apps run in a document")
}
