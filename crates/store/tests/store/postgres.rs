//! A private PostgreSQL: one instance for each test process, a fresh database for each test.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

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
# Crashes are tested by killing clients, not the server: it need not sync.
$as "$1/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off -c max_connections=300 >&2 &
server=$!
until grep -qs ready "$folder/data/postmaster.pid"; do kill -0 "$server"; sleep 0.02; done
echo "$folder"
cat >/dev/null
"#;

struct Instance {
    folder: String,
    _watch: Child,
}

/// The address of a new, empty database.
pub async fn fresh_database() -> String {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let folder = &INSTANCE.get_or_init(start).folder;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let url = |database: &str| format!("postgres://portico@localhost/{database}?host={folder}");
    let mut connection = PgConnection::connect(&url("postgres")).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name} STRATEGY file_copy"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    url(&name)
}

fn start() -> Instance {
    let mut watch = Command::new("sh")
        .args(["-c", SCRIPT, "sh"])
        .arg(binaries())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut folder = String::new();
    BufReader::new(watch.stdout.take().unwrap()).read_line(&mut folder).unwrap();
    assert!(!folder.is_empty(), "PostgreSQL did not start");
    Instance { folder: folder.trim_end().to_owned(), _watch: watch }
}

/// Debian keeps the server's programs out of PATH, a folder for each version.
fn binaries() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    found.sort();
    found.reverse();
    found.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    let found = found.into_iter().find(|folder| folder.join("initdb").exists());
    found.expect("these tests need PostgreSQL's initdb and postgres: install the package postgresql")
}
