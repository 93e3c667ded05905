//! The server under load: it has one core with its database, the load has the other.
//!
//! Every message is stored and synced, acknowledged to the one connection and delivered to another of the
//! same conversation; a message counts once it was both.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::stream::{self, SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _, TryStreamExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant as TokioInstant, interval_at, sleep};
use tokio_tungstenite::tungstenite::Message;

use crate::bench::client::{Session, Socket, connect};
use crate::bench::postgres::Instance;
use crate::bench::process::Server;
use crate::report::Row;
use crate::shell::{command, root};

const SERVER_CORE: [&str; 3] = ["taskset", "-c", "0"];
const BRAND: &str = "bench";
const CONVERSATIONS: usize = 400;
/// Messages that one sender has on the wire unacknowledged.
const IN_FLIGHT: usize = 2;
const WARM_UP: Duration = Duration::from_secs(2);
const MEASURED: Duration = Duration::from_secs(8);
/// Idle connections, as far as the limit on file descriptors allows.
const IDLE_MAX: usize = 19_500;
/// Connections that are being opened at the same time.
const OPENING: usize = 64;
const WORDS: &str = "Hello, is the brass desk lamp still in stock, and would it arrive before Friday?";

/// Starts a server on an empty SQLite database and loads it, phase after phase.
pub(crate) fn measure_sqlite() -> Result<Vec<Row>> {
    measure(None, 22_000.0)
}

/// The same on PostgreSQL, which shares the server's core and syncs each commit too.
pub(crate) fn measure_postgres() -> Result<Vec<Row>> {
    let instance = Instance::start(&SERVER_CORE, "on");
    measure(Some(&instance.url("postgres")), 10_000.0)
}

fn measure(database: Option<&str>, messages_per_second: f64) -> Result<Vec<Row>> {
    let data = root().join("target/bench/server");
    let _ = std::fs::remove_dir_all(&data);
    let database: Vec<&str> = database.map_or(Vec::new(), |url| vec!["--database", url]);
    add_brand(&data, &database)?;
    pin_this_process();
    let wide = [
        ["--address-limit-factor", "100000"],
        ["--connection-limit-factor", "100000"],
        ["--connections-per-address-max", "30000"],
    ];
    let arguments = [wide.as_flattened(), &database].concat();
    let server = Server::start(&data, &SERVER_CORE, &arguments)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sessions = open_sessions(server.port).await?;
        let mut rows = measure_throughput(&server, &sessions, messages_per_second).await?;
        let held = rows.first().map_or(0.0, |row| row.measured);
        rows.extend(measure_latency(&sessions, held / 2.0).await?);
        rows.extend(measure_idle(&server, &sessions).await?);
        Ok(rows)
    })
}

fn add_brand(data: &Path, database: &[&str]) -> Result<()> {
    let brand =
        ["--name", "Bench", "--domain", "bench.example", "--privacy-url", "https://bench.example/privacy"];
    let mut add = command("target/release/portico", ["brand", "add", BRAND]);
    let added = add.args(brand).args(database).arg("--data").arg(data).stdout(Stdio::null()).status()?;
    if added.success() { Ok(()) } else { bail!("`portico brand add` failed") }
}

/// The load shall not take the server's core, and may open as many files as the system allows. On a machine
/// with one core, or without these programs, it runs where it can: the report then says less.
fn pin_this_process() {
    let this = std::process::id().to_string();
    let pin = ["taskset", "--all-tasks", "--cpu-list", "--pid", "1", &this];
    let raise = ["prlimit", "--nofile=65536:65536", "--pid", &this];
    for words in [&pin[..], &raise[..]] {
        let _ = Command::new(words[0]).args(&words[1..]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

async fn open_sessions(port: u16) -> Result<Vec<Session>> {
    let open = (0..CONVERSATIONS).map(|_| Session::open(port, BRAND));
    stream::iter(open).buffer_unordered(OPENING).try_collect().await
}

/// What all connections of one phase count together.
#[derive(Default)]
struct Tally {
    acknowledged: AtomicU64,
    delivered: AtomicU64,
    is_over: AtomicBool,
}

/// As fast as acknowledgements allow.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures with the real clock")]
async fn measure_throughput(server: &Server, sessions: &[Session], target: f64) -> Result<Vec<Row>> {
    let tally = Arc::new(Tally::default());
    let mut tasks = JoinSet::new();
    for session in sessions {
        let (sender, receiver) = (session.follow().await?, session.follow().await?);
        tasks.spawn(send_on_acknowledgement(sender, session.conversation.clone(), Arc::clone(&tally)));
        tasks.spawn(count_deliveries(receiver, Arc::clone(&tally)));
    }
    sleep(WARM_UP).await;
    let (began_at, cpu) = (Instant::now(), server.cpu_time()?);
    let before = stored(&tally);
    sleep(MEASURED).await;
    let messages = stored(&tally) - before;
    let (elapsed, cpu) = (began_at.elapsed(), server.cpu_time()? - cpu);
    tally.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let count = messages as f64;
    Ok(vec![
        Row::at_least("stored, acknowledged, delivered, messages/s", count / elapsed.as_secs_f64(), target),
        Row::at_most("CPU of the server a message, µs", cpu.as_secs_f64() * 1e6 / count, 38.0),
    ])
}

fn stored(tally: &Tally) -> u64 {
    tally.acknowledged.load(Ordering::Relaxed).min(tally.delivered.load(Ordering::Relaxed))
}

async fn send_on_acknowledgement(socket: Socket, conversation: String, tally: Arc<Tally>) -> Result<()> {
    let (mut sink, mut frames) = socket.split();
    let mut ids = Ids::default();
    for _ in 0..IN_FLIGHT {
        submit(&mut sink, &conversation, &mut ids, WORDS).await?;
    }
    while !tally.is_over.load(Ordering::Relaxed) {
        let frame = frames.next().await.context("the server hung up")??;
        let text = frame.to_text().unwrap_or_default();
        if text.starts_with("{\"acknowledged\"") {
            tally.acknowledged.fetch_add(1, Ordering::Relaxed);
            submit(&mut sink, &conversation, &mut ids, WORDS).await?;
        } else if !text.starts_with("{\"entries\"") && !frame.is_ping() {
            bail!("the server said {text}");
        }
    }
    Ok(())
}

async fn count_deliveries(mut socket: Socket, tally: Arc<Tally>) -> Result<()> {
    while !tally.is_over.load(Ordering::Relaxed) {
        let frame = socket.next().await.context("the server hung up")??;
        let entries = frame.to_text().unwrap_or_default().matches("\"sequence\":").count();
        tally.delivered.fetch_add(entries as u64, Ordering::Relaxed);
    }
    Ok(())
}

/// At a fixed rate, whatever comes back: each message says when it was meant to be sent, and its latency is
/// counted from then, so that a stall is felt by all who had to wait for it.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures with the real clock")]
async fn measure_latency(sessions: &[Session], per_second: f64) -> Result<Vec<Row>> {
    let epoch = Instant::now();
    let tally = Arc::new(Tally::default());
    let (latencies, mut collected) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    let period = Duration::from_secs_f64(sessions.len() as f64 / per_second.max(1.0));
    for (index, session) in sessions.iter().enumerate() {
        let (sender, receiver) = (session.follow().await?, session.follow().await?);
        let (sink, frames) = sender.split();
        let offset = WARM_UP + period.mul_f64(index as f64 / sessions.len() as f64);
        let start = TokioInstant::from_std(epoch) + offset;
        tasks.spawn(send_on_time(
            sink,
            session.conversation.clone(),
            epoch,
            start,
            period,
            Arc::clone(&tally),
        ));
        tasks.spawn(drain(frames, Arc::clone(&tally)));
        tasks.spawn(time_deliveries(receiver, epoch, latencies.clone(), Arc::clone(&tally)));
    }
    drop(latencies);
    sleep(WARM_UP + MEASURED).await;
    tally.is_over.store(true, Ordering::Relaxed);
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let mut millis = Vec::new();
    while let Ok(latency) = collected.try_recv() {
        millis.push(latency);
    }
    millis.sort_by(f64::total_cmp);
    let at = |share: f64| millis.get((millis.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    Ok(vec![
        Row::told("half of that: delivered messages/s", millis.len() as f64 / MEASURED.as_secs_f64()),
        Row::at_most("half of that: intended to delivered, p50 ms", at(0.5), 2.0),
        Row::at_most("half of that: intended to delivered, p99 ms", at(0.99), 15.0),
    ])
}

async fn send_on_time(
    mut sink: SplitSink<Socket, Message>,
    conversation: String,
    epoch: Instant,
    start: TokioInstant,
    period: Duration,
    tally: Arc<Tally>,
) -> Result<()> {
    let mut ids = Ids::default();
    let mut clock = interval_at(start, period);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Burst);
    while !tally.is_over.load(Ordering::Relaxed) {
        let intended = clock.tick().await.into_std().duration_since(epoch);
        let text = format!("@{} {WORDS}", intended.as_micros());
        submit(&mut sink, &conversation, &mut ids, &text).await?;
    }
    Ok(())
}

async fn drain(mut frames: SplitStream<Socket>, tally: Arc<Tally>) -> Result<()> {
    while !tally.is_over.load(Ordering::Relaxed) {
        let frame = frames.next().await.context("the server hung up")??;
        let text = frame.to_text().unwrap_or_default();
        if text.starts_with("{\"refused\"") || text.starts_with("{\"problem\"") {
            bail!("the server said {text}");
        }
    }
    Ok(())
}

async fn time_deliveries(
    mut socket: Socket,
    epoch: Instant,
    latencies: mpsc::UnboundedSender<f64>,
    tally: Arc<Tally>,
) -> Result<()> {
    while !tally.is_over.load(Ordering::Relaxed) {
        let frame = socket.next().await.context("the server hung up")??;
        let now = epoch.elapsed();
        for part in frame.to_text().unwrap_or_default().split("\"text\":\"@").skip(1) {
            let digits = part.split(' ').next().unwrap_or_default();
            if let Ok(intended) = digits.parse().map(Duration::from_micros) {
                let _ = latencies.send(now.saturating_sub(intended).as_secs_f64() * 1e3);
            }
        }
    }
    Ok(())
}

/// Connections that are signed in and say nothing.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures with the real clock")]
async fn measure_idle(server: &Server, sessions: &[Session]) -> Result<Vec<Row>> {
    let before = server.resident_bytes()?;
    let mut sockets = Vec::new();
    let mut spent = Duration::ZERO;
    while sockets.len() < IDLE_MAX {
        // Tickets live for seconds: they are taken in portions, outside the measured time.
        let portion = (IDLE_MAX - sockets.len()).min(2_000);
        let tickets = (0..portion).map(|index| sessions[index % sessions.len()].ticket());
        let tickets: Vec<String> = stream::iter(tickets).buffer_unordered(OPENING).try_collect().await?;
        let began_at = Instant::now();
        let opened = stream::iter(tickets.iter().map(|ticket| connect(server.port, ticket)));
        let opened: Vec<_> = opened.buffer_unordered(OPENING).collect().await;
        spent += began_at.elapsed();
        let held = sockets.len();
        sockets.extend(opened.into_iter().filter_map(Result::ok));
        if sockets.len() < held + portion {
            // The system gives no more files, or the server no more room.
            break;
        }
    }
    let count = sockets.len() as f64;
    let bytes = server.resident_bytes()?.saturating_sub(before) as f64;
    Ok(vec![
        Row::told("idle connections held", count),
        Row::at_most("memory of the server an idle connection, KiB", bytes / 1_024.0 / count, 12.0),
        Row::at_least("signed-in connects/s", count / spent.as_secs_f64(), 5_000.0),
    ])
}

/// Message ids: UUIDs of version 7 as far as the server looks.
#[derive(Default)]
struct Ids {
    next: u64,
    sender: u64,
}

impl Ids {
    fn next(&mut self) -> String {
        if self.sender == 0 {
            static SENDERS: AtomicU64 = AtomicU64::new(1);
            self.sender = SENDERS.fetch_add(1, Ordering::Relaxed);
        }
        self.next += 1;
        let (high, low) = (self.next >> 12, self.next & 0xfff);
        format!("{:08x}-{:04x}-7{low:03x}-8000-{:010x}00", high >> 16, high & 0xffff, self.sender)
    }
}

async fn submit(
    sink: &mut SplitSink<Socket, Message>,
    conversation: &str,
    ids: &mut Ids,
    text: &str,
) -> Result<()> {
    let id = ids.next();
    let frame = format!(
        r#"{{"submit":{{"conversation":"{conversation}","submission":{{"id":"{id}","body":{{"message":{{"content":{{"text":"{text}"}}}}}}}}}}}}"#
    );
    Ok(sink.send(Message::text(frame)).await?)
}
