//! How the server ends: everybody who holds something open is told, and waited for.

use tokio::sync::watch;

/// Held by the server. Hands a [`ClosingWatch`] to each task that must finish before the process may end.
#[derive(Debug)]
pub struct Closing {
    begun: watch::Sender<bool>,
}

/// Held by a task that must be told of the end, and waited for, until it is dropped.
#[derive(Debug)]
pub struct ClosingWatch {
    begun: watch::Receiver<bool>,
}

impl Default for Closing {
    fn default() -> Self {
        Self { begun: watch::Sender::new(false) }
    }
}

impl Closing {
    /// For a new task.
    #[must_use]
    pub fn watch(&self) -> ClosingWatch {
        ClosingWatch { begun: self.begun.subscribe() }
    }

    /// Whether the server is about to end.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.begun.borrow()
    }

    /// Tells every task.
    pub fn begin(&self) {
        self.begun.send_replace(true);
    }

    /// Completes when no [`ClosingWatch`] is left.
    pub async fn drained(&self) {
        self.begun.closed().await;
    }
}

impl ClosingWatch {
    /// Completes when the server is about to end. Safe to drop and call again.
    pub async fn begun(&mut self) {
        // The sender lives in the App, which the watching task holds too; were it gone, it is the end as well.
        let _ = self.begun.wait_for(|begun| *begun).await;
    }
}
