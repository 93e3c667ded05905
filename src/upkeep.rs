//! Forgets what nobody needs any more.

use std::time::Duration;

use portico_store::{Store, StoreError};
use tracing::{info, warn};

use crate::clock;
use crate::closing::ClosingWatch;

const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How long an ended session is kept, so that its owner can still be told of it.
const ENDED_SESSION_FOR_MS: i64 = 30 * DAY_MS;
/// How long a used or expired link to another device is kept: until then a second use is told from a forged one.
const ENDED_LINK_FOR_MS: i64 = 7 * DAY_MS;
/// How long it is kept how long somebody waited: older waits say nothing about the next one.
const WAIT_FOR_MS: i64 = 90 * DAY_MS;
/// How many findings about a brand's proof are kept. One is recorded only where something has changed.
const PROOFS_MAX: u32 = 1_000;

/// Once at the start and then daily, until the server ends.
pub(crate) async fn run(store: Store, mut closing: ClosingWatch) {
    loop {
        match forget(&store).await {
            Ok(0) => {}
            Ok(rows) => info!(rows, "Forgot {rows} rows that nobody needs any more"),
            Err(error) => warn!(%error, "Could not forget what is old: {error}"),
        }
        tokio::select! {
            () = closing.begun() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

async fn forget(store: &Store) -> Result<u64, StoreError> {
    let now = clock::now();
    let sessions = store.sessions().forget_ended(now.plus_millis(-ENDED_SESSION_FOR_MS)).await?;
    let links = store.device_links().forget_ended(now.plus_millis(-ENDED_LINK_FOR_MS)).await?;
    let waits = store.conversations().forget_waits(now.plus_millis(-WAIT_FOR_MS)).await?;
    let proofs = store.brands().forget_proofs(PROOFS_MAX).await?;
    Ok(sessions + links + waits + proofs)
}
