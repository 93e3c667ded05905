//! The group-commit writer: everything that is written goes through one task with one connection.
//!
//! A sync costs milliseconds and a row costs microseconds, so whatever arrives while one commit is under
//! way shares the next. Nothing is answered before its commit has returned.

use std::sync::Arc;

use portico_domain::{Actor, Conversation, Policy};
use portico_protocol::{BrandId, ConversationId, Entry, ParticipantId, Submission, Timestamp, Watermark};
use tokio::sync::{mpsc, oneshot};
use tracing::{debug, warn};

use crate::batch::{self, Failure};
use crate::cache::Cache;
use crate::checkpoint::Checkpoints;
use crate::connect::Connector;
use crate::database::{Connection, Outcome, Statement};
use crate::error::{Fault, fault_of};
use crate::{AppendError, StoreError};

/// What may wait to be written; past this, callers are told to come back.
const QUEUE_MAX: usize = 8_192;
/// What one commit takes in at most.
const BATCH_JOBS_MAX: usize = 1_024;
/// How often a batch is tried when another node was faster each time.
const ATTEMPTS_MAX: u32 = 8;

/// Something to be appended to a log.
#[derive(Clone, Debug)]
pub struct Append {
    /// To which log.
    pub conversation: ConversationId,
    /// The brand of the conversation.
    pub brand: BrandId,
    /// Whose conversation it is.
    pub visitor: ParticipantId,
    /// Who asks.
    pub actor: Actor,
    /// What for.
    pub submission: Submission,
    /// What the brand has set.
    pub policy: Arc<Policy>,
    /// When it arrived.
    pub now: Timestamp,
}

/// What was appended, durably.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The new entries in order; for a duplicate, the one entry that its first sending led to.
    pub entries: Arc<[Entry]>,
    /// Which of them carries the submission's own id.
    pub main: usize,
    /// Whether the same submission was stored before; then nothing was added now.
    pub was_duplicate: bool,
    /// The conversation after these entries, or as it is now for a duplicate.
    pub conversation: Conversation,
}

impl Appended {
    /// The entry that carries the submission's own id.
    #[must_use]
    pub fn main_entry(&self) -> &Entry {
        &self.entries[self.main]
    }
}

/// Tells the caller. Runs in the writer's task, between two commits: must be short, and must not block.
type Reply<T> = Box<dyn FnOnce(T) + Send + Sync>;

/// A reply that somebody awaits. Who no longer waits needs no answer.
fn awaited<T: Send + 'static>() -> (Reply<T>, oneshot::Receiver<T>) {
    let (sender, answer) = oneshot::channel();
    (Box::new(|value| drop(sender.send(value))), answer)
}

/// One thing to be written, and who waits for it.
pub(crate) enum Job {
    Append(Box<Append>, Reply<Result<Appended, AppendError>>),
    Advance(ConversationId, Watermark, Reply<Result<Watermark, StoreError>>),
    /// Other small changes: they share the appends' commits instead of competing with them for the lock.
    Write(Vec<Statement>, Reply<Result<Vec<Outcome>, StoreError>>),
    /// Everything queued before this is stored; nothing after it is taken.
    Close(Reply<()>),
}

/// Puts jobs into the writer's queue.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Job>,
}

impl Writer {
    /// Starts the writer's task on the current runtime. It ends when the last handle is gone.
    pub(crate) fn start(connector: Connector) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let checkpoints = Checkpoints::start(&connector);
        tokio::spawn(Task { connector, connection: None, cache: Cache::default(), checkpoints }.run(jobs));
        Self { queue }
    }

    pub(crate) async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let (reply, answer) = awaited();
        self.enqueue(Job::Append(Box::new(append), reply))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Without waiting: `reply` is told, also where the job could not even be queued.
    pub(crate) fn append_then(&self, append: Append, reply: Reply<Result<Appended, AppendError>>) {
        if let Err((job, error)) = self.try_enqueue(Job::Append(Box::new(append), reply)) {
            fail_job(job, &error);
        }
    }

    /// Without waiting: `reply` is told, also where the job could not even be queued.
    pub(crate) fn advance_then(
        &self,
        conversation: ConversationId,
        watermark: Watermark,
        reply: Reply<Result<Watermark, StoreError>>,
    ) {
        if let Err((job, error)) = self.try_enqueue(Job::Advance(conversation, watermark, reply)) {
            fail_job(job, &error);
        }
    }

    pub(crate) async fn advance(
        &self,
        conversation: ConversationId,
        watermark: Watermark,
    ) -> Result<Watermark, StoreError> {
        let (reply, answer) = awaited();
        self.enqueue(Job::Advance(conversation, watermark, reply))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs `statements` together or not at all, in one commit with whatever else is queued.
    pub(crate) async fn write(&self, statements: Vec<Statement>) -> Result<Vec<Outcome>, StoreError> {
        let (reply, answer) = awaited();
        self.enqueue(Job::Write(statements, reply))?;
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs one statement and returns how many rows it changed.
    pub(crate) async fn write_one(&self, statement: Statement) -> Result<u64, StoreError> {
        let outcomes = self.write(vec![statement]).await?;
        Ok(outcomes.first().map_or(0, |outcome| outcome.rows_affected))
    }

    pub(crate) async fn close(&self) {
        let (reply, answer) = awaited();
        // Waits for room: closing must not be refused because the store is busy.
        if self.queue.send(Job::Close(reply)).await.is_ok() {
            let _ = answer.await;
        }
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        self.try_enqueue(job).map_err(|(_, error)| error)
    }

    fn try_enqueue(&self, job: Job) -> Result<(), (Job, StoreError)> {
        self.queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(job) => (job, StoreError::Overloaded),
            mpsc::error::TrySendError::Closed(job) => (job, StoreError::Closed),
        })
    }
}

struct Task {
    connector: Connector,
    connection: Option<Connection>,
    cache: Cache,
    checkpoints: Option<Checkpoints>,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(BATCH_JOBS_MAX);
        while queue.recv_many(&mut jobs, BATCH_JOBS_MAX).await > 0 {
            let mut closers = Vec::new();
            for job in jobs.extract_if(.., |job| matches!(job, Job::Close(_))) {
                if let Job::Close(reply) = job {
                    queue.close();
                    closers.push(reply);
                }
            }
            let count = jobs.len();
            if let Err(error) = self.store(&mut jobs).await {
                fail_queued(&mut queue, &mut closers, &error);
            }
            if let Some(checkpoints) = &mut self.checkpoints {
                checkpoints.committed(count, self.connection.as_mut()).await;
            }
            // Everything sent before the channel was closed is still in it: answer after the last of it.
            if !closers.is_empty() {
                while queue.recv_many(&mut jobs, BATCH_JOBS_MAX).await > 0 {
                    let _ = self.store(&mut jobs).await;
                }
                if let Some(checkpoints) = self.checkpoints.take() {
                    checkpoints.close().await;
                }
                self.connection = None;
                for reply in closers {
                    reply(());
                }
            }
        }
    }

    /// Stores a batch and answers everybody in it, also where it failed.
    async fn store(&mut self, jobs: &mut Vec<Job>) -> Result<(), StoreError> {
        let mut attempt = 1;
        loop {
            let error = match self.attempt(jobs).await {
                Ok(answers) => {
                    batch::answer(jobs.drain(..), answers);
                    return Ok(());
                }
                Err(Failure::Store(error)) => return Err(fail(jobs, error)),
                Err(Failure::Statement(error)) => error,
            };
            match fault_of(&error) {
                // Another node was faster, or the connection was gone before it was needed. Trying again is
                // safe even where the commit's answer was lost: what it stored is then found by its ids.
                Fault::NotUnique | Fault::LostRace | Fault::Disconnected if attempt < ATTEMPTS_MAX => {
                    debug!(%error, attempt, "Storing a batch again");
                    attempt += 1;
                }
                // One bad value must not cost the others their place.
                Fault::Values if jobs.len() > 1 => {
                    for job in std::mem::take(jobs) {
                        // Whoever sent it was told; the others are stored.
                        let _ = Box::pin(self.store(&mut vec![job])).await;
                    }
                    return Ok(());
                }
                _ => return Err(fail(jobs, error.into())),
            }
        }
    }

    async fn attempt(&mut self, jobs: &[Job]) -> Result<Vec<batch::Answer>, Failure> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            empty => empty.insert(self.connector.connect_writer().await?),
        };
        let result = batch::store(connection, &mut self.cache, jobs).await;
        // After a failure the connection must prove that it still works and holds no transaction.
        if result.is_err() && connection.control("ROLLBACK").await.is_err() {
            self.connection = None;
        }
        result
    }
}

/// Fails what has queued up behind a failed batch: were it stored now, a message could overtake the one before
/// it, which its sender is only now told to send again.
fn fail_queued(queue: &mut mpsc::Receiver<Job>, closers: &mut Vec<Reply<()>>, error: &StoreError) {
    for _ in 0..queue.len() {
        match queue.try_recv() {
            Ok(Job::Close(reply)) => {
                queue.close();
                closers.push(reply);
            }
            Ok(job) => fail_job(job, error),
            Err(_) => return,
        }
    }
}

fn fail(jobs: &mut Vec<Job>, error: StoreError) -> StoreError {
    warn!(%error, jobs = jobs.len(), "Could not store a batch");
    for job in jobs.drain(..) {
        fail_job(job, &error);
    }
    error
}

fn fail_job(job: Job, error: &StoreError) {
    match job {
        Job::Append(_, reply) => reply(Err(error.clone().into())),
        Job::Advance(_, _, reply) => reply(Err(error.clone())),
        Job::Write(_, reply) => reply(Err(error.clone())),
        Job::Close(reply) => reply(()),
    }
}
