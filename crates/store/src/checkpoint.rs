//! Moves SQLite's log into its file beside the writer, so that no commit has to wait for it.
//!
//! SQLite would do it inside a commit, which then takes tens of milliseconds, for everybody who waits for it.
//! A connection of its own can copy pages while commits go on, but the log begins anew only where nothing is
//! left to copy when a transaction begins. So the bulk is copied here, in passes that get shorter: where no
//! commit falls into one, SQLite syncs the file at its end. The writer is then asked for the last pass, which
//! finds little left to copy and to sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::debug;

use crate::connect::Connector;
use crate::database::Connection;

/// How much is committed between two checkpoints: some 8,192 pages, since what changes with every batch shall
/// move once in many.
const JOBS: usize = 4_096;
/// The first one copies the bulk, the second one what came meanwhile, the third one falls between two commits.
const PASSES: usize = 3;

/// Decides when, and does all but the last pass.
pub(crate) struct Checkpoints {
    committed: usize,
    is_last_pass_due: Arc<AtomicBool>,
    wake: mpsc::Sender<()>,
    task: JoinHandle<()>,
}

impl Checkpoints {
    /// Starts the task that copies, on the current runtime; PostgreSQL needs none.
    pub(crate) fn start(connector: &Connector) -> Option<Self> {
        connector.path()?;
        let (wake, woken) = mpsc::channel(1);
        let is_last_pass_due = Arc::new(AtomicBool::new(false));
        let task = tokio::spawn(run(connector.clone(), woken, Arc::clone(&is_last_pass_due)));
        Some(Self { committed: 0, is_last_pass_due, wake, task })
    }

    /// Counts what the writer has committed, between two commits, and does the last pass where it is time.
    pub(crate) async fn committed(&mut self, jobs: usize, writer: Option<&mut Connection>) {
        self.committed += jobs;
        if self.committed >= JOBS && self.wake.try_send(()).is_ok() {
            self.committed = 0;
        }
        if self.is_last_pass_due.swap(false, Ordering::Relaxed)
            && let Some(connection) = writer
        {
            // Where it fails the next commit does too, and is told.
            let _ = pass(connection).await;
        }
    }

    /// Ends the task and its connection.
    pub(crate) async fn close(self) {
        drop(self.wake);
        let _ = self.task.await;
    }
}

async fn run(connector: Connector, mut woken: mpsc::Receiver<()>, is_last_pass_due: Arc<AtomicBool>) {
    let mut connection = None;
    while woken.recv().await.is_some() {
        match copy(&connector, &mut connection).await {
            Ok(()) => is_last_pass_due.store(true, Ordering::Relaxed),
            Err(error) => {
                // Nothing is lost: the log grows until the next try, and past its limit commits move it.
                debug!(%error, "Could not move the log");
                connection = None;
            }
        }
    }
}

async fn copy(connector: &Connector, connection: &mut Option<Connection>) -> Result<(), sqlx::Error> {
    let connection = match connection {
        Some(connection) => connection,
        empty => empty.insert(connector.connect_writer().await?),
    };
    for _ in 0..PASSES {
        pass(connection).await?;
    }
    Ok(())
}

async fn pass(connection: &mut Connection) -> Result<(), sqlx::Error> {
    connection.control("PRAGMA wal_checkpoint(PASSIVE)").await
}
