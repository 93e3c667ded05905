//! What the store promises, against SQLite and PostgreSQL.
#![allow(clippy::unwrap_used, unreachable_pub, missing_docs)]

mod append;
mod bed;
mod fault;
mod inbox;
mod instance;
mod noun;
mod postgres;
