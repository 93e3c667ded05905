//! Measures the store: durable appends a second and their CPU time, and the newest page of a long log.
//!
//! `cargo run --release -p portico-store --example append_bench -- [url] [messages] [conversations] [in flight]`
//!
//! Pin it to one core with `taskset -c 0` to see what a server with one core has. Without an address it uses
//! a temporary SQLite file; give its folder in `TMPDIR`, since a file system in memory syncs for nothing.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use portico_domain::{Actor, Policy};
use portico_protocol::{
    BrandId, ConversationId, Message, MessageId, ParticipantId, Submission, SubmissionBody, Timestamp,
};
use portico_store::{Append, Options, Store};

const TEXT: &str = "Hello, is the brass desk lamp still in stock, and would it arrive before Friday?";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let folder = tempfile::tempdir().unwrap();
    let default_url = format!("sqlite:{}", folder.path().join("portico.db").display());
    let url = arguments.first().filter(|url| !url.is_empty()).cloned().unwrap_or(default_url);
    let number =
        |index: usize, default: u64| arguments.get(index).map_or(default, |text| text.parse().unwrap());
    let (messages, conversations, in_flight) = (number(1, 100_000), number(2, 400), number(3, 400));

    let store = Store::open(&Options::new(url)).await.unwrap();
    store.migrate().await.unwrap();
    // Every task walks over its own conversations, so that all are busy at once.
    let (started, cpu) = (Instant::now(), cpu_time());
    let tasks = (0..in_flight).map(|task| {
        let store = store.clone();
        tokio::spawn(async move {
            for turn in 0..messages / in_flight {
                let conversation = (turn * in_flight + task) % conversations;
                store.append(append(conversation, turn)).await.unwrap();
            }
        })
    });
    futures_util::future::join_all(tasks.collect::<Vec<_>>()).await;
    let (elapsed, cpu) = (started.elapsed(), cpu_time() - cpu);
    let appended = messages / in_flight * in_flight;
    println!(
        "{appended} appends to {conversations} conversations, {in_flight} in flight: {:.0}/s, {:.1} µs of CPU each",
        appended as f64 / elapsed.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / appended as f64,
    );
    read_newest(&store, conversations).await;
    store.close().await;
}

/// The newest 50 entries of one log after the other.
async fn read_newest(store: &Store, conversations: u64) {
    let mut times = Vec::new();
    for round in 0..2_000 {
        let started = Instant::now();
        let entries = store.entries().newest(conversation_id(round * 7 % conversations), 50).await.unwrap();
        times.push(started.elapsed());
        std::hint::black_box(entries);
    }
    times.sort();
    let at = |share: f64| times[(times.len() as f64 * share) as usize].as_secs_f64() * 1e3;
    println!("newest 50 entries: p50 {:.3} ms, p99 {:.3} ms", at(0.5), at(0.99));
}

fn append(conversation: u64, turn: u64) -> Append {
    thread_local! {
        static POLICY: Arc<Policy> = Arc::default();
        static BRAND: BrandId = "lumen".parse().unwrap();
    }
    let visitor = ParticipantId::new(Timestamp::from_millis(0), random(conversation));
    let now = Timestamp::from_millis(1_790_000_000_000 + i64::try_from(turn).unwrap());
    Append {
        conversation: conversation_id(conversation),
        brand: BRAND.with(Clone::clone),
        visitor,
        actor: Actor::Visitor(visitor),
        submission: Submission {
            id: MessageId::new(now, random(conversation ^ (turn << 32))),
            body: SubmissionBody::Message(Message::text(TEXT)),
        },
        policy: POLICY.with(Clone::clone),
        now,
    }
}

fn conversation_id(number: u64) -> ConversationId {
    ConversationId::new(Timestamp::from_millis(1_790_000_000_000), random(number))
}

fn random(number: u64) -> [u8; 10] {
    let mut random = [0; 10];
    // Spread, as random bytes are.
    random[2..].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    random
}

/// User and system time of this process: fields 14 and 15 of `/proc/self/stat`, in ticks of 10 ms.
fn cpu_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields = stat.rsplit(')').next().unwrap().split_whitespace();
    Duration::from_millis(fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap() * 10).sum())
}
