//! The live part of the server as its clients meet it: the built binary, over sockets and over events with
//! POSTs.
#![allow(clippy::unwrap_used)]

mod chat;
mod clocks;
mod crash;
mod fault;
mod hostile;
#[path = "../../crates/store/tests/store/instance.rs"]
mod instance;
mod session;
mod support;
