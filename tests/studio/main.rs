//! The studio's API as a browser meets it: signing in, sessions, the inbox, and what is kept from others.
#![allow(clippy::unwrap_used)]

mod account;
mod inbox;
mod live;
mod world;
