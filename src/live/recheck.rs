//! Looks now and then whether those who answer for a brand still may.

use std::sync::Arc;
use std::time::Duration;

use super::hub::Hub;
use crate::closing::ClosingWatch;

/// A revoked representative is out after this long at the latest. There are few at a time.
const EVERY: Duration = Duration::from_secs(5);

/// Rechecks until the server ends.
pub(crate) async fn recheck(hub: Arc<Hub>, mut closing: ClosingWatch) {
    loop {
        tokio::select! {
            () = closing.begun() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        if let Err(error) = hub.recheck_people().await {
            tracing::warn!(%error, "Could not recheck the representatives' sessions: {error}");
        }
    }
}
