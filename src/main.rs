//! The Portico server: arguments in, exit code out. Everything else is in the library.

use std::process::ExitCode;

/// Quicker than the system's with the many small values of a message; SQLite shares it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    portico::cli::main()
}
