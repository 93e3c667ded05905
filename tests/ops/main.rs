//! The binary as an operator meets it: start, refuse, serve, end.
#![allow(clippy::unwrap_used)]

mod chores;
#[path = "../live/clocks.rs"]
mod clocks;
mod config;
mod doctor;
mod edge;
mod health;
mod lifecycle;
mod server;
mod tls;
