//! The clocks of a program, set by a test: libfaketime, which asks a file at every call.

use std::ffi::OsString;
use std::path::Path;

/// What the clocks of a program show.
pub(crate) struct Clocks {
    file: tempfile::NamedTempFile,
}

/// Where Debian and others put the library.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

impl Clocks {
    /// As the machine's.
    pub(crate) fn new() -> Self {
        let clocks = Self { file: tempfile::NamedTempFile::new().unwrap() };
        clocks.set(0);
        clocks
    }

    /// So many seconds before or after the machine's.
    pub(crate) fn set(&self, seconds: i64) {
        std::fs::write(self.file.path(), format!("{seconds:+}\n")).unwrap();
    }

    /// What makes a program go by these clocks.
    pub(crate) fn environment(&self) -> [(&'static str, OsString); 3] {
        let library = LIBRARIES.iter().find(|library| Path::new(library).exists());
        let library = library.expect("this needs libfaketime: install the package faketime");
        [
            ("LD_PRELOAD", library.into()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.path().into()),
            ("FAKETIME_NO_CACHE", "1".into()),
        ]
    }
}
