//! The binary as an operator meets it: start, refuse, serve, end.
#![allow(clippy::unwrap_used)]

mod chores;
mod config;
mod edge;
mod health;
mod lifecycle;
mod server;
mod tls;
