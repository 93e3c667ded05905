//! The Portico server.

fn main() {}
