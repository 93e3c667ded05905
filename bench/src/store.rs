//! The store alone, without a server between.

use std::time::Instant;

use anyhow::{Result, ensure};
use portico_protocol::ConversationId;
use portico_store::{Options, Store};

use crate::newest::{NEWEST, READS};

/// How long each of many reads of the newest messages takes, in milliseconds.
pub(crate) async fn time_newest(database: &str, conversations: &[String]) -> Result<Vec<f64>> {
    let store = Store::open(&Options::new(database).for_tool()).await?;
    let mut millis = Vec::with_capacity(READS);
    for read in 0..READS {
        let conversation: ConversationId = conversations[read * 7 % conversations.len()].parse()?;
        let began_at = Instant::now();
        let entries = store.entries().newest(conversation, NEWEST).await?;
        millis.push(began_at.elapsed().as_secs_f64() * 1e3);
        ensure!(entries.len() == NEWEST as usize, "not a page");
    }
    store.close().await;
    Ok(millis)
}
