//! What the machine does to the server: clocks that somebody sets, a disk that fills, a database that is locked or
//! gone and comes back. No restart mends any of it.

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use crate::clocks::Clocks;
use crate::instance::Instance;
use crate::support::{BRAND, Ground, Server, Socket, Visit, new_id, sequences, submit, texts};

const HOUR_S: i64 = 3_600;
const DAY_S: i64 = 24 * HOUR_S;

/// For a server whose calendar alone is set, as people and time servers do.
fn calendar(clocks: &Clocks) -> Ground {
    Ground { environment: clocks.environment(), ..Ground::default() }
}

/// For a server whose steady clock is set as well, as if the time had passed.
fn all(clocks: &Clocks) -> Ground {
    let mut ground = calendar(clocks);
    ground.environment.push(("TEST_CLOCK_STEADY", "1".into()));
    ground
}

fn at_ms(entry: &Value) -> i64 {
    entry["at"].as_i64().unwrap()
}

fn bearer(visit: &Visit) -> String {
    format!("authorization: Bearer {}\r\n", visit.resume)
}

async fn log(server: &Server, visit: &Visit) -> Vec<Value> {
    let mut socket = server.connect(visit).await;
    let head = socket.follow(&visit.conversation, 0).await["head"].as_u64().unwrap();
    if head == 0 { Vec::new() } else { socket.entries_until(head).await }
}

#[tokio::test]
async fn a_clock_set_back_an_hour_reorders_no_log_and_ends_no_session() {
    let clocks = Clocks::new();
    let mut server = Server::start_on(calendar(&clocks)).await;
    let (visit, mut socket) = server.visitor().await;
    let spare = server.ticket(&visit).await;
    socket.say(&visit.conversation, "before").await;
    clocks.set(-HOUR_S);
    socket.say(&visit.conversation, "after").await;
    // Tickets, rates and heartbeats go by the steady clock.
    let mut other = Socket::welcome(&server, &spare).await;
    other.follow(&visit.conversation, 2).await;
    other.say(&visit.conversation, "from the other device").await;
    let mut anna = server.representative().await;
    anna.follow(&visit.conversation, 0).await;
    assert_eq!(anna.entries_until(3).await.len(), 3);
    server.stop().await;
    server.start_again().await;
    let mut socket = server.connect(&visit).await;
    socket.follow(&visit.conversation, 3).await;
    socket.say(&visit.conversation, "after a restart").await;

    let entries = log(&server, &visit).await;
    assert_eq!(sequences(&entries), [1, 2, 3, 4]);
    assert_eq!(texts(&entries), ["before", "after", "from the other device", "after a restart"]);
    assert!(entries.is_sorted_by_key(at_ms), "a log never goes back in time");
    let (newcomer, mut socket) = server.visitor().await;
    socket.say(&newcomer.conversation, "hello").await;
    let hour_ms = at_ms(&entries[0]) - at_ms(&log(&server, &newcomer).await[0]);
    assert!(hour_ms > 3_000_000, "the clock was never set: a difference of {hour_ms} ms");
}

#[tokio::test]
async fn a_ticket_that_waited_half_a_minute_admits_nobody() {
    let clocks = Clocks::new();
    let server = Server::start_on(all(&clocks)).await;
    let visit = server.visit().await;
    clocks.set(31);
    let mut late = Socket::open(&server).await;
    late.hello(&visit.ticket).await;
    let problem = late.expect("problem").await;
    assert_eq!((&problem["type"], &problem["status"]), (&json!("/problems/ticket-expired"), &json!(401)));
    late.closed().await;
    Socket::welcome(&server, &server.ticket(&visit).await).await;
}

#[tokio::test]
async fn a_session_that_nobody_used_for_half_a_year_opens_nothing() {
    let clocks = Clocks::new();
    let server = Server::start_on(calendar(&clocks)).await;
    let (visit, mut socket) = server.visitor().await;
    socket.say(&visit.conversation, "hello").await;
    let studio = format!("cookie: {}\r\n", server.sign_in().await);
    assert_eq!(server.post("/api/v1/studio-tickets", &studio, &json!({})).await.status, 200);
    clocks.set(181 * DAY_S);
    socket.send(submit(&visit.conversation, &new_id(), "still there?")).await;
    assert_eq!(socket.expect("goodbye").await["reason"], json!("session-ended"));
    assert_eq!(server.post("/api/v1/tickets", &bearer(&visit), &json!({})).await.status, 401);
    assert_eq!(server.post("/api/v1/studio-tickets", &studio, &json!({})).await.status, 401);
    let resume = json!({ "brand": BRAND, "locale": "en", "resume": visit.resume });
    let anew = server.visit_with(resume).await;
    assert_ne!(anew.conversation, visit.conversation);
}

/// A file system of its own to fill: only root can mount one.
struct SmallDisk;

impl SmallDisk {
    fn mount(ground: &Ground) -> Option<PathBuf> {
        let folder = ground.data.path();
        let mount = ["-t", "tmpfs", "-o", "size=8m", "tmpfs"];
        let mounted = Command::new("mount").args(mount).arg(folder).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success()).then(|| folder.into())
    }
}

/// Unmounts, also where the test fails. Lazily: the database's files may still be open.
struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Submits `text` until the server can no longer store it; the refusal must be one for now.
async fn say_until_refused(socket: &mut Socket, visit: &Visit, text: &str) -> (String, u64) {
    let mut stored = 0;
    loop {
        let id = new_id();
        socket.send(submit(&visit.conversation, &id, text)).await;
        let answer = loop {
            let frame = socket.next().await.expect("the connection goes on");
            if frame.get("acknowledged").is_some() || frame.get("refused").is_some() {
                break frame;
            }
        };
        let Some(refused) = answer.get("refused") else {
            stored += 1;
            continue;
        };
        let problem = &refused["problem"];
        assert!(problem["retryAfterMs"].is_u64(), "refused for good: {problem}");
        if problem["type"] == json!("/problems/unavailable") {
            return (id, stored);
        }
        // Too fast for the rates: as told, later.
        let wait_ms = problem["retryAfterMs"].as_u64().unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(wait_ms)).await;
    }
}

/// Submits the same message until it is stored.
async fn say_until_stored(socket: &mut Socket, visit: &Visit, id: &str, text: &str) -> u64 {
    loop {
        socket.send(submit(&visit.conversation, id, text)).await;
        let frame = socket.next().await.expect("the connection goes on");
        if let Some(acknowledged) = frame.get("acknowledged") {
            return acknowledged["sequence"].as_u64().unwrap();
        }
        if let Some(refused) = frame.get("refused") {
            let wait_ms = refused["problem"]["retryAfterMs"].as_u64().expect("refused for now");
            tokio::time::sleep(std::time::Duration::from_millis(wait_ms.min(1_000))).await;
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_words_keeps_what_is_readable_and_recovers_without_a_restart() {
    let ground = Ground::default();
    let Some(disk) = SmallDisk::mount(&ground) else { return };
    let _unmount = Unmount(disk.clone());
    let server = Server::start_on(ground).await;
    let (visit, mut socket) = server.visitor().await;
    socket.say(&visit.conversation, "before").await;
    let spare = server.ticket(&visit).await;
    let mut ballast = std::fs::File::create(disk.join("ballast")).unwrap();
    let full = loop {
        if let Err(error) = ballast.write_all(&[0; 4_096]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::StorageFull);
    let (refused, stored) = say_until_refused(&mut socket, &visit, &"long ".repeat(500)).await;
    // What was acknowledged is readable, on a connection made now, and the pages are there.
    let mut reader = Socket::welcome(&server, &spare).await;
    assert_eq!(reader.follow(&visit.conversation, 0).await["head"], json!(1 + stored));
    assert_eq!(reader.entries_until(1 + stored).await.len() as u64, 1 + stored);
    assert_eq!(server.ask("GET", &format!("/v/{BRAND}"), "", "").await.status, 200);
    assert_eq!(server.ask("GET", "/healthz", "", "").await.status, 200);

    drop(ballast);
    std::fs::remove_file(disk.join("ballast")).unwrap();
    assert_eq!(say_until_stored(&mut socket, &visit, &refused, "after").await, 2 + stored);
    let entries = log(&server, &visit).await;
    assert_eq!(sequences(&entries), (1..=2 + stored).collect::<Vec<_>>());
    assert_eq!(texts(&entries).last(), Some(&"after"));
}

#[tokio::test]
async fn a_database_locked_by_another_program_refuses_for_now_and_goes_on_when_it_is_free() {
    let server = Server::start().await;
    let (visit, mut socket) = server.visitor().await;
    socket.say(&visit.conversation, "before").await;
    let spare = server.ticket(&visit).await;
    let file = SqliteConnectOptions::new().filename(server.data().join("portico.db"));
    let mut other = file.connect().await.unwrap();
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let (refused, stored) = say_until_refused(&mut socket, &visit, "during").await;
    assert_eq!(stored, 0);
    let mut reader = Socket::welcome(&server, &spare).await;
    reader.follow(&visit.conversation, 0).await;
    assert_eq!(texts(&reader.entries_until(1).await), ["before"]);
    sqlx::raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(say_until_stored(&mut socket, &visit, &refused, "during").await, 2);
    assert_eq!(texts(&log(&server, &visit).await), ["before", "during"]);
}

/// Stands between the server and PostgreSQL: a test takes it away and puts it back.
struct Wire {
    folder: tempfile::TempDir,
    to: PathBuf,
    connections: JoinSet<()>,
}

impl Wire {
    const SOCKET: &str = ".s.PGSQL.5432";

    fn new(instance: &Instance) -> Self {
        let url = instance.url("postgres");
        let (_, folder) = url.split_once("host=").unwrap();
        let folder = PathBuf::from(folder);
        let mut wire = Self {
            folder: tempfile::tempdir().unwrap(),
            to: folder.join(Self::SOCKET),
            connections: JoinSet::new(),
        };
        wire.mend();
        wire
    }

    fn url(&self) -> String {
        format!("postgres://portico@localhost/postgres?host={}", self.folder.path().display())
    }

    fn mend(&mut self) {
        let listener = UnixListener::bind(self.folder.path().join(Self::SOCKET)).unwrap();
        let to = self.to.clone();
        self.connections.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((mut from, _)) = listener.accept().await {
                let to = to.clone();
                connections.spawn(async move {
                    let mut to = UnixStream::connect(to).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut from, &mut to).await;
                });
            }
        });
    }

    async fn cut(&mut self) {
        self.connections.shutdown().await;
        std::fs::remove_file(self.folder.path().join(Self::SOCKET)).unwrap();
    }
}

/// On threads of its own: the wire works while commands run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_gone_for_a_while_costs_time_and_no_word() {
    let instance = Instance::start(&[], "off");
    let mut wire = Wire::new(&instance);
    let arguments = vec!["--database".to_owned(), wire.url()];
    let server = Server::start_on(Ground { arguments, ..Ground::default() }).await;
    let (visit, mut socket) = server.visitor().await;
    socket.say(&visit.conversation, "before").await;
    wire.cut().await;
    let (refused, stored) = say_until_refused(&mut socket, &visit, "during").await;
    assert_eq!(stored, 0);
    assert_eq!(server.ask("GET", "/readyz", "", "").await.status, 503);
    assert_eq!(server.ask("GET", "/healthz", "", "").await.status, 200);
    wire.mend();
    assert_eq!(say_until_stored(&mut socket, &visit, &refused, "during").await, 2);
    socket.say(&visit.conversation, "after").await;
    assert_eq!(server.ask("GET", "/readyz", "", "").await.status, 200);
    assert_eq!(texts(&log(&server, &visit).await), ["before", "during", "after"]);
}
