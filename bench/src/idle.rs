//! Connections that are signed in and say nothing.

use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;

use crate::client::{Http, Socket};
use crate::hold::CONVERSATIONS;
use crate::{Figures, Server};

/// As far as the limit on open files allows.
const IDLE_MAX: usize = 19_500;
/// Tickets live for seconds: they are taken in portions, outside the measured time.
const PORTION: usize = 2_500;
/// Connections that are being opened at the same time.
const OPENING: usize = 64;

pub(crate) async fn measure(server: Server) -> Result<Figures> {
    let mut http = Http::connect(server.port).await?;
    let sessions = http.open_sessions(CONVERSATIONS).await?;
    let before = server.process.resident_kib()?;
    let mut sockets = Vec::with_capacity(IDLE_MAX);
    let mut spent = Duration::ZERO;
    while sockets.len() < IDLE_MAX {
        let mut http = Http::connect(server.port).await?;
        let mut tickets = Vec::new();
        for index in sockets.len()..IDLE_MAX.min(sockets.len() + PORTION) {
            tickets.push(http.ticket(&sessions[index % sessions.len()]).await?);
        }
        let began_at = Instant::now();
        sockets.extend(open(server.port, tickets).await?);
        spent += began_at.elapsed();
        eprintln!("{} connections, {:.0}/s", sockets.len(), sockets.len() as f64 / spent.as_secs_f64());
    }
    let count = sockets.len() as f64;
    let each_kib = (server.process.resident_kib()? - before) / count;
    eprintln!("{each_kib:.2} KiB each");
    Ok(Figures::from([
        ("connections", vec![count]),
        ("connection_kib", vec![each_kib]),
        ("connects", vec![count / spent.as_secs_f64()]),
    ]))
}

async fn open(port: u16, tickets: Vec<String>) -> Result<Vec<Socket>> {
    let mut opened = Vec::with_capacity(tickets.len());
    let mut opening = JoinSet::new();
    for ticket in tickets {
        if opening.len() >= OPENING
            && let Some(socket) = opening.join_next().await
        {
            opened.push(socket??);
        }
        opening.spawn_local(async move { Socket::open(port, &ticket).await });
    }
    while let Some(socket) = opening.join_next().await {
        opened.push(socket??);
    }
    Ok(opened)
}
