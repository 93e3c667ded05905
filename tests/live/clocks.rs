//! The clocks of a program, set by a test: a library that is loaded before the C library asks a file at every call.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// What the clocks of a program show.
pub(crate) struct Clocks {
    file: tempfile::NamedTempFile,
}

impl Clocks {
    /// As the machine's.
    pub(crate) fn new() -> Self {
        let clocks = Self { file: tempfile::NamedTempFile::new().unwrap() };
        clocks.set(0);
        clocks
    }

    /// So many seconds before or after the machine's. In one step, so that nobody reads half of it.
    pub(crate) fn set(&self, seconds: i64) {
        let next = self.file.path().with_extension("next");
        std::fs::write(&next, seconds.to_string()).unwrap();
        std::fs::rename(next, self.file.path()).unwrap();
    }

    /// What makes a program's calendar go by these clocks.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        vec![("LD_PRELOAD", library().into()), ("TEST_CLOCK_FILE", self.file.path().into())]
    }
}

/// Compiled once for each test program, by the compiler that SQLite is built with.
fn library() -> PathBuf {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    let compile = || {
        let library =
            PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("clock-{}.so", std::process::id()));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/clock.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&library).arg(source);
        assert!(compiler.status().unwrap().success(), "{source} cannot be compiled");
        library
    };
    LIBRARY.get_or_init(compile).clone()
}
