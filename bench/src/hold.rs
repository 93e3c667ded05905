//! What a server holds: every sender sends as soon as something of theirs was acknowledged.
//!
//! A message counts once it was acknowledged to the connection that sent it and delivered to another one of
//! the same conversation.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::client::{Http, Socket, count_entries, is_about, submit};
use crate::process::Process;
use crate::{Figures, Server};

pub(crate) const CONVERSATIONS: usize = 400;
/// Messages that one sender has on the wire unacknowledged.
const IN_FLIGHT: usize = 2;
pub(crate) const WARM_UP: Duration = Duration::from_secs(2);
pub(crate) const ROUND: Duration = Duration::from_secs(3);
pub(crate) const ROUNDS: usize = 5;

/// What all connections count together.
#[derive(Default)]
struct Tally {
    acknowledged: Cell<u64>,
    delivered: Cell<u64>,
}

impl Tally {
    fn complete(&self) -> f64 {
        self.acknowledged.get().min(self.delivered.get()) as f64
    }
}

pub(crate) async fn measure(server: Server) -> Result<Figures> {
    let mut http = Http::connect(server.port).await?;
    let tally = Rc::new(Tally::default());
    let mut connections = JoinSet::new();
    for session in http.open_sessions(CONVERSATIONS).await? {
        let (sender, receiver) = (http.follow(&session).await?, http.follow(&session).await?);
        connections.spawn_local(send_on_acknowledgement(sender, session.conversation, Rc::clone(&tally)));
        connections.spawn_local(count_deliveries(receiver, Rc::clone(&tally)));
    }
    eprintln!("{} connections in {CONVERSATIONS} conversations send", connections.len());
    let rounds = measure_rounds(server, &tally);
    tokio::select! {
        figures = rounds => figures,
        // They end only by an error.
        Some(ended) = connections.join_next() => ended?.map(|()| Figures::new()),
    }
}

async fn measure_rounds(server: Server, tally: &Tally) -> Result<Figures> {
    sleep(WARM_UP).await;
    let mut figures = Figures::new();
    for round in 1..=ROUNDS {
        let before =
            (Instant::now(), tally.complete(), server.process.cpu_time()?, Process::own().cpu_time()?);
        sleep(ROUND).await;
        let elapsed = before.0.elapsed().as_secs_f64();
        let messages = tally.complete() - before.1;
        let cpu_us = (server.process.cpu_time()? - before.2).as_secs_f64() * 1e6 / messages;
        let load = (Process::own().cpu_time()? - before.3).as_secs_f64() / elapsed * 100.0;
        let held = messages / elapsed;
        eprintln!(
            "round {round}: {held:.0} messages/s, {cpu_us:.1} µs each, the load takes {load:.0} % of its core"
        );
        for (name, value) in [("held", held), ("cpu_us", cpu_us), ("load_percent", load)] {
            figures.entry(name).or_default().push(value);
        }
    }
    Ok(figures)
}

async fn send_on_acknowledgement(mut socket: Socket, conversation: String, tally: Rc<Tally>) -> Result<()> {
    let mut sent = 0;
    while sent < IN_FLIGHT as u64 {
        sent += 1;
        socket.send(&submit(&conversation, sent)).await?;
    }
    loop {
        if is_about(socket.next().await?, "acknowledged") {
            tally.acknowledged.set(tally.acknowledged.get() + 1);
            sent += 1;
            socket.send(&submit(&conversation, sent)).await?;
        }
    }
}

async fn count_deliveries(mut socket: Socket, tally: Rc<Tally>) -> Result<()> {
    loop {
        let text = socket.next().await?;
        if is_about(text, "entries") {
            tally.delivered.set(tally.delivered.get() + count_entries(text));
        }
    }
}
