//! How soon the newest messages of a long conversation are there, in a store that holds many.

use std::time::Instant;

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use crate::client::{Http, Socket, count_entries, is_about, submit};
use crate::{Figures, Server, quantile, store};

const CONVERSATIONS: usize = 100;
const MESSAGES: u64 = 10_000;
/// As many as a connection may have unacknowledged.
const IN_FLIGHT: u64 = 16;
/// How many of the newest.
pub(crate) const NEWEST: u32 = 50;
pub(crate) const READS: usize = 2_000;

pub(crate) async fn measure(server: Server, database: &str) -> Result<Figures> {
    let mut http = Http::connect(server.port).await?;
    let (mut sockets, mut conversations) = (Vec::new(), Vec::new());
    let mut filling = JoinSet::new();
    for session in http.open_sessions(CONVERSATIONS).await? {
        let socket = http.follow(&session).await?;
        conversations.push(session.conversation.clone());
        filling.spawn_local(fill(socket, session.conversation));
    }
    eprintln!("storing {} messages", CONVERSATIONS as u64 * MESSAGES);
    while let Some(filled) = filling.join_next().await {
        sockets.push(filled??);
    }
    let mut millis = Vec::with_capacity(READS);
    for read in 0..READS {
        let (socket, conversation) = &mut sockets[read * 7 % CONVERSATIONS];
        let request = format!(
            r#"{{"loadHistory":{{"conversation":"{conversation}","before":{},"limit":{NEWEST}}}}}"#,
            u32::MAX
        );
        let began_at = Instant::now();
        socket.send(&request).await?;
        let text = socket.next().await?;
        anyhow::ensure!(is_about(text, "history") && count_entries(text) == u64::from(NEWEST), "not a page");
        millis.push(began_at.elapsed().as_secs_f64() * 1e3);
    }
    let mut in_store = store::time_newest(database, &conversations).await.context("the store")?;
    let figures = [("socket_p50", quantile(&mut millis, 0.5)), ("socket_p99", quantile(&mut millis, 0.99))];
    let in_store =
        [("store_p50", quantile(&mut in_store, 0.5)), ("store_p99", quantile(&mut in_store, 0.99))];
    Ok(figures.into_iter().chain(in_store).map(|(name, value)| (name, vec![value])).collect())
}

/// Sends until the conversation is long, and until all of that was delivered here.
async fn fill(mut socket: Socket, conversation: String) -> Result<(Socket, String)> {
    let (mut sent, mut acknowledged, mut delivered) = (0, 0, 0);
    while delivered < MESSAGES || acknowledged < MESSAGES {
        while sent < MESSAGES.min(acknowledged + IN_FLIGHT) {
            sent += 1;
            socket.send(&submit(&conversation, sent)).await?;
        }
        let text = socket.next().await?;
        if is_about(text, "acknowledged") {
            acknowledged += 1;
        } else if is_about(text, "entries") {
            delivered += count_entries(text);
        }
    }
    Ok((socket, conversation))
}
