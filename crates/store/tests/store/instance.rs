//! A private PostgreSQL in a folder of its own, gone with the process that started it.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// Lays and starts an instance in a new folder, says where, and waits until its input ends, which happens
/// when this process does, however it does: then it stops the instance and removes the folder.
const SCRIPT: &str = r#"
set -eu
folder=$(mktemp -d /tmp/portico-postgres.XXXXXX)
trap 'kill -INT "$server" 2>/dev/null && wait "$server" || true; rm -rf "$folder"' EXIT
server=
as=
if [ "$(id -u)" = 0 ]; then
    # PostgreSQL refuses to run as root.
    chown postgres "$folder"
    as="setpriv --reuid=postgres --regid=postgres --clear-groups --"
fi
cd "$folder"
$as "$1/initdb" --pgdata="$folder/data" --username=portico --auth=trust --encoding=UTF8 --locale=C --no-sync >&2
# A cluster that has run for a while reuses its log's files; a new one would fill each with zeros while commits wait.
$as "$1/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c "fsync=$2" -c max_connections=300 -c wal_init_zero=off >&2 &
server=$!
until grep -qs ready "$folder/data/postmaster.pid"; do kill -0 "$server"; sleep 0.02; done
echo "$folder"
cat >/dev/null
"#;

/// A running instance.
pub(crate) struct Instance {
    folder: String,
    /// Its standard input is what keeps the instance alive.
    _watch: Child,
}

impl Instance {
    /// Starts one by way of `wrapper` (such as `taskset -c 0`), with `fsync` on or off.
    ///
    /// # Panics
    /// PostgreSQL is not installed or does not start.
    pub(crate) fn start(wrapper: &[&str], fsync: &str) -> Self {
        let words: Vec<&str> = wrapper.iter().copied().chain(["sh", "-c", SCRIPT, "sh"]).collect();
        let mut watch = Command::new(words[0])
            .args(&words[1..])
            .arg(binaries())
            .arg(fsync)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a shell");
        let mut folder = String::new();
        let stdout = watch.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut folder).expect("its output is text");
        assert!(!folder.is_empty(), "PostgreSQL did not start");
        Self { folder: folder.trim_end().to_owned(), _watch: watch }
    }

    /// The address of one of its databases.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://portico@localhost/{database}?host={}", self.folder)
    }
}

/// Debian keeps the server's programs out of PATH, a folder for each version.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    found.sort();
    found.reverse();
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let found = found.into_iter().find(|folder| folder.join("initdb").exists());
    found.expect("this needs PostgreSQL's initdb and postgres: install the package postgresql")
}
