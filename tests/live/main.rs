//! The live part of the server as its clients meet it: the built binary, over sockets and over events with
//! POSTs.
#![allow(clippy::unwrap_used)]

mod chat;
mod crash;
mod hostile;
mod session;
mod support;
