//! One batch: load what is missing, decide in memory in the order of arrival, store everything in one
//! transaction.
//!
//! Two nodes on one PostgreSQL need no lock of their own. Whoever appends from a stale head collides with
//! the primary key `(conversation, sequence)`, is rolled back and decides again. Rows are written in the
//! order of their keys, one table after the other, so that two batches never wait for each other in a circle.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use portico_domain::Conversation;
use portico_protocol::{
    BrandId, ConversationId, Entry, MessageId, Owner, ParticipantId, SubmissionBody, Timestamp, Watermark,
    codec,
};

use crate::cache::Cache;
use crate::database::{Connection, Outcome, Statement, Value, values};
use crate::entry::entry_of;
use crate::error::{Fault, fault_of};
use crate::fold::{Fold, fold_of, words};
use crate::redaction;
use crate::template::Template;
use crate::watermark::watermark_of;
use crate::writer::{Append, Appended, Job};
use crate::{AppendError, StoreError};

static SELECT_FOLDS: Template = Template::new(
    "SELECT id, brand, visitor, head, owner, is_closed, last_at, waiting_since, said_by_visitor, preview, \
     preview_is_visitor, preview_sequence FROM conversation WHERE id IN (VALUES ",
    1,
    ")",
);
static SELECT_ENTRIES: Template = Template::new(
    "SELECT id, sequence, at, author, body, conversation FROM entry WHERE (id, conversation) IN (VALUES ",
    2,
    ")",
);
static INSERT_ENTRIES: Template = Template::new(
    "INSERT INTO entry (conversation, sequence, id, at, author, body, words, said_by_visitor) \
     SELECT * FROM (VALUES ",
    8,
    ") AS v WHERE column1 IS NOT NULL",
);
static SAVE_FOLDS: Template = Template::new(
    "INSERT INTO conversation (id, brand, visitor, head, owner, owner_kind, owner_participant, is_closed, \
     last_at, waiting_since, said_by_visitor, preview, preview_is_visitor, preview_sequence) \
     SELECT * FROM (VALUES ",
    14,
    ") AS v WHERE column1 IS NOT NULL ON CONFLICT (id) DO UPDATE SET head = excluded.head, owner = excluded.owner, \
     owner_kind = excluded.owner_kind, owner_participant = excluded.owner_participant, \
     is_closed = excluded.is_closed, last_at = excluded.last_at, waiting_since = excluded.waiting_since, \
     said_by_visitor = excluded.said_by_visitor, preview = excluded.preview, \
     preview_is_visitor = excluded.preview_is_visitor, preview_sequence = excluded.preview_sequence",
);
static ADVANCE_WATERMARKS: Template = Template::new(
    "INSERT INTO watermark (participant, is_visitor, delivered, read, conversation) SELECT * FROM (VALUES ",
    5,
    ") AS v WHERE column1 IS NOT NULL ON CONFLICT (conversation, participant) DO UPDATE SET \
     delivered = CASE WHEN excluded.delivered > watermark.delivered THEN excluded.delivered \
     ELSE watermark.delivered END, \
     read = CASE WHEN excluded.read > watermark.read THEN excluded.read ELSE watermark.read END \
     RETURNING participant, is_visitor, delivered, read, conversation",
);
const INSERT_WAIT: &str = "INSERT INTO wait (brand, ended_at, conversation, waited_ms) VALUES ($1, $2, $3, $4) \
     ON CONFLICT DO NOTHING";

/// Why a batch was not stored.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A statement failed.
    Statement(sqlx::Error),
    /// A row could not be read.
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::Statement(error)
    }
}

/// The answer to one job.
pub(crate) enum Answer {
    Append(Result<Appended, AppendError>),
    Advance(Result<Watermark, StoreError>),
    Write(Result<Vec<Outcome>, StoreError>),
}

/// Tells everybody in a batch what became of their job.
pub(crate) fn answer(jobs: impl Iterator<Item = Job>, answers: Vec<Answer>) {
    for pair in jobs.zip(answers) {
        match pair {
            (Job::Append(_, reply), Answer::Append(result)) => reply(result),
            (Job::Advance(_, _, reply), Answer::Advance(result)) => reply(result),
            (Job::Write(_, reply), Answer::Write(result)) => reply(result),
            _ => unreachable!("answers are made in the order and of the kind of their jobs"),
        }
    }
}

/// Stores a batch. On failure nothing of it is stored, and a transaction may still be open.
pub(crate) async fn store(
    connection: &mut Connection,
    cache: &mut Cache,
    jobs: &[Job],
) -> Result<Vec<Answer>, Failure> {
    let mut batch = Batch::load(connection, cache, jobs).await?;
    let mut appends = batch.decide_all(jobs);
    batch.find_refused_duplicates(connection, jobs, &mut appends).await?;
    let watermarks = merge_watermarks(jobs);
    let has_writes = jobs.iter().any(|job| matches!(job, Job::Write(..)));
    if batch.entries.is_empty() && watermarks.is_empty() && !has_writes {
        batch.put_back(cache);
        return Ok(appends.into_iter().map(|result| Answer::Append(result.expect("only appends"))).collect());
    }
    connection.begin().await?;
    batch.write(connection).await?;
    let watermarks = advance_watermarks(connection, watermarks).await?;
    let mut answers = Vec::with_capacity(jobs.len());
    for (job, append) in jobs.iter().zip(appends) {
        answers.push(match job {
            Job::Append(..) => Answer::Append(append.expect("every append was decided")),
            Job::Advance(conversation, watermark, _) => {
                let stored = watermarks.get(&(*conversation, watermark.participant));
                Answer::Advance(Ok(*stored.expect("RETURNING gives every row that was written")))
            }
            Job::Write(statements, _) => Answer::Write(write_apart(connection, statements).await?),
            Job::Close(_) => unreachable!("the task takes these out"),
        });
    }
    connection.control("COMMIT").await?;
    batch.put_back(cache);
    Ok(answers)
}

type Key = (ConversationId, MessageId);
type Decided = Option<Result<Appended, AppendError>>;

#[derive(Default)]
struct Batch {
    folds: HashMap<ConversationId, Result<Fold, StoreError>>,
    /// Entries that were in the database before: first sendings of what came again, and targets.
    known: HashMap<Key, Result<Entry, StoreError>>,
    /// Decided in this batch, by the submission's id.
    pending: HashMap<Key, (Arc<[Entry]>, usize)>,
    /// To be inserted, in the order of their decisions, each with the conversation's count of what the visitor has said.
    entries: Vec<(ConversationId, Arc<[Entry]>, Vec<u64>)>,
    waits: Vec<(BrandId, Timestamp, ConversationId, i64)>,
    /// Whose words shall be forgotten.
    redacted: Vec<(ConversationId, Entry)>,
}

impl Batch {
    /// Brings together the states and earlier entries that the jobs' decisions need.
    async fn load(connection: &mut Connection, cache: &mut Cache, jobs: &[Job]) -> Result<Self, Failure> {
        let mut batch = Self::default();
        let mut cold = BTreeSet::new();
        for append in appends(jobs) {
            let id = append.conversation;
            if batch.folds.contains_key(&id) || cold.contains(&id) {
                continue;
            }
            match cache.take(id) {
                Some(fold) => drop(batch.folds.insert(id, Ok(fold))),
                None => drop(cold.insert(id)),
            }
        }
        batch.load_folds(connection, &cold).await?;
        let mut keys = Vec::new();
        for append in appends(jobs) {
            let (id, submission) = (append.conversation, &append.submission);
            let fold = batch.folds.get(&id).and_then(|fold| fold.as_ref().ok());
            // A conversation just read is not in memory yet: only the database knows what was sent before.
            let may_be_stored = fold.is_some_and(|fold| fold.has_recent(submission.id) || cold.contains(&id));
            if may_be_stored {
                keys.push((id, submission.id));
            }
            keys.extend(target_of(&submission.body).map(|target| (id, target)));
        }
        batch.load_entries(connection, &keys).await?;
        Ok(batch)
    }

    async fn load_folds(
        &mut self,
        connection: &mut Connection,
        ids: &BTreeSet<ConversationId>,
    ) -> Result<(), Failure> {
        let values = ids.iter().map(|id| Value::from(*id)).collect();
        let statements = SELECT_FOLDS.statements(values, connection.placeholder());
        for row in connection.fetch_all(statements).await? {
            let id = ConversationId::from_bytes(row.columns("conversation").bytes("id")?);
            // One bad row must not stop the others: its own conversation alone is refused.
            self.folds.insert(id, fold_of(&row).map(|(_, fold)| fold));
        }
        Ok(())
    }

    async fn load_entries(&mut self, connection: &mut Connection, keys: &[Key]) -> Result<(), Failure> {
        let values = keys.iter().flat_map(|(conversation, id)| values![*id, *conversation]).collect();
        let statements = SELECT_ENTRIES.statements(values, connection.placeholder());
        for row in connection.fetch_all(statements).await? {
            self.known.insert(key_of(&row)?, entry_of(&row));
        }
        Ok(())
    }

    fn decide_all(&mut self, jobs: &[Job]) -> Vec<Decided> {
        let decide = |job: &Job| match job {
            Job::Append(append, _) => Some(self.decide(append)),
            _ => None,
        };
        jobs.iter().map(decide).collect()
    }

    fn decide(&mut self, append: &Append) -> Result<Appended, AppendError> {
        let key = (append.conversation, append.submission.id);
        if let Some(duplicate) = self.duplicate(key)? {
            return Ok(duplicate);
        }
        let target_key = target_of(&append.submission.body).map(|target| (append.conversation, target));
        let target = target_key.and_then(|key| self.entry(key)).transpose()?;
        let fold = self.folds.entry(append.conversation).or_insert_with(|| {
            Ok(Fold::new(Conversation::new(append.brand.clone(), append.visitor, &append.policy)))
        });
        let fold = fold.as_mut().map_err(|error| error.clone())?;
        let before = &fold.conversation;
        if before.brand != append.brand {
            return Err(portico_domain::Refusal::NotAllowed.into());
        }
        let decision =
            before.decide(&append.policy, &append.actor, &append.submission, target.as_ref(), append.now)?;
        let (waiting_since, head) = (before.waiting_since, before.head);
        let mut said = Vec::with_capacity(decision.entries.len());
        for entry in &decision.entries {
            fold.apply(&append.policy, entry, target.as_ref());
            said.push(fold.said_by_visitor);
        }
        debug_assert!(fold.conversation.head > head, "a decision appends something");
        if let (Some(since), Owner::Human(_)) = (waiting_since, &fold.conversation.owner) {
            let at = fold.conversation.last_at;
            let waited_ms = at.as_millis().saturating_sub(since.as_millis());
            self.waits.push((append.brand.clone(), at, append.conversation, waited_ms));
        }
        if let (SubmissionBody::Redact(_), Some(target)) = (&append.submission.body, target) {
            self.redacted.push((append.conversation, target));
        }
        let conversation = fold.conversation.clone();
        let entries: Arc<[Entry]> = decision.entries.into();
        self.pending.insert(key, (Arc::clone(&entries), decision.main));
        self.entries.push((append.conversation, Arc::clone(&entries), said));
        Ok(Appended { entries, main: decision.main, was_duplicate: false, conversation })
    }

    /// What was refused may be the second sending of what was accepted: taking over twice is refused, taking
    /// over once and being asked again is not.
    async fn find_refused_duplicates(
        &mut self,
        connection: &mut Connection,
        jobs: &[Job],
        decided: &mut [Decided],
    ) -> Result<(), Failure> {
        let is_refused = |decided: &Decided| matches!(decided, Some(Err(AppendError::Refused(_))));
        let mut keys = Vec::new();
        for (job, decided) in jobs.iter().zip(&*decided) {
            if let (Job::Append(append, _), true) = (job, is_refused(decided)) {
                let key = (append.conversation, append.submission.id);
                let exists = matches!(self.folds.get(&key.0), Some(Ok(fold)) if fold.conversation.head > 0);
                if exists && !self.known.contains_key(&key) {
                    keys.push(key);
                }
            }
        }
        self.load_entries(connection, &keys).await?;
        for (job, decided) in jobs.iter().zip(decided) {
            if let (Job::Append(append, _), true) = (job, is_refused(decided))
                && let Some(first) = self.duplicate((append.conversation, append.submission.id)).transpose()
            {
                *decided = Some(first.map_err(AppendError::from));
            }
        }
        Ok(())
    }

    /// The result of the first sending, if there was one.
    fn duplicate(&self, key: Key) -> Result<Option<Appended>, StoreError> {
        let Some(entry) = self.entry(key).transpose()? else { return Ok(None) };
        let Some(Ok(fold)) = self.folds.get(&key.0) else { return Ok(None) };
        let conversation = fold.conversation.clone();
        Ok(Some(Appended { entries: Arc::new([entry]), main: 0, was_duplicate: true, conversation }))
    }

    fn entry(&self, key: Key) -> Option<Result<Entry, StoreError>> {
        let pending = self.pending.get(&key).map(|(entries, main)| Ok(entries[*main].clone()));
        pending.or_else(|| self.known.get(&key).cloned())
    }

    /// Writes what was decided, inside the transaction.
    async fn write(&mut self, connection: &mut Connection) -> Result<(), Failure> {
        // By conversation, keeping the order within each: see the module's own words on circles.
        self.entries.sort_by_key(|(conversation, ..)| *conversation);
        let mut rows = Vec::with_capacity(self.entries.len() * 8);
        let mut changed = Vec::new();
        for (conversation, entries, said) in &self.entries {
            if changed.last() != Some(conversation) {
                changed.push(*conversation);
            }
            for (entry, said) in entries.iter().zip(said) {
                push_entry(&mut rows, *conversation, entry, *said);
            }
        }
        execute_rows(connection, &INSERT_ENTRIES, rows).await?;
        let mut folds = Vec::with_capacity(changed.len() * 14);
        for id in changed {
            if let Some(Ok(fold)) = self.folds.get(&id) {
                fold.push_values(id, &mut folds);
            }
        }
        execute_rows(connection, &SAVE_FOLDS, folds).await?;
        for (brand, at, conversation, waited_ms) in &self.waits {
            let values = values![brand, *at, *conversation, *waited_ms];
            connection.execute(Statement::new(INSERT_WAIT, values)).await?;
        }
        for (conversation, target) in &self.redacted {
            redaction::forget(connection, *conversation, target).await?;
        }
        Ok(())
    }

    /// Gives the states back to the cache: after the commit, or when nothing was changed.
    fn put_back(self, cache: &mut Cache) {
        for (id, fold) in self.folds {
            // The state of a conversation whose first submission was refused is not worth keeping.
            if let Ok(fold) = fold
                && fold.conversation.head > 0
            {
                cache.put(id, fold);
            }
        }
    }
}

fn appends(jobs: &[Job]) -> impl Iterator<Item = &Append> {
    jobs.iter().filter_map(|job| match job {
        Job::Append(append, _) => Some(&**append),
        _ => None,
    })
}

const fn target_of(body: &SubmissionBody) -> Option<MessageId> {
    match body {
        SubmissionBody::Edit(edit) => Some(edit.target),
        SubmissionBody::Redact(redaction) => Some(redaction.target),
        _ => None,
    }
}

fn key_of(row: &crate::database::Row) -> Result<Key, StoreError> {
    let mut columns = row.columns("entry");
    let id = MessageId::from_bytes(columns.bytes("id")?);
    columns.skip(4);
    Ok((ConversationId::from_bytes(columns.bytes("conversation")?), id))
}

fn push_entry(rows: &mut Vec<Value>, conversation: ConversationId, entry: &Entry, said_by_visitor: u64) {
    rows.extend([
        conversation.into(),
        entry.sequence.into(),
        entry.id.into(),
        entry.at.into(),
        codec::encode(&entry.author).into(),
        codec::encode(&entry.body).into(),
        words(&entry.body).map(str::to_lowercase).into(),
        said_by_visitor.into(),
    ]);
}

/// Runs a statement for all rows.
async fn execute_rows(
    connection: &mut Connection,
    template: &Template,
    values: Vec<Value>,
) -> Result<(), sqlx::Error> {
    for statement in template.statements(values, connection.placeholder()) {
        connection.execute(statement).await?;
    }
    Ok(())
}

/// The furthest that each participant moves in this batch: one row may be written only once a statement.
fn merge_watermarks(jobs: &[Job]) -> BTreeMap<(ConversationId, ParticipantId), Watermark> {
    let mut merged = BTreeMap::new();
    for job in jobs {
        if let Job::Advance(conversation, watermark, _) = job {
            let stored = merged.entry((*conversation, watermark.participant)).or_insert(*watermark);
            stored.read = stored.read.max(watermark.read);
            stored.delivered = stored.delivered.max(watermark.delivered).max(stored.read);
        }
    }
    merged
}

async fn advance_watermarks(
    connection: &mut Connection,
    merged: BTreeMap<(ConversationId, ParticipantId), Watermark>,
) -> Result<HashMap<(ConversationId, ParticipantId), Watermark>, Failure> {
    let row = |((conversation, participant), watermark): ((ConversationId, _), Watermark)| {
        let Watermark { is_visitor, delivered, read, .. } = watermark;
        values![participant, is_visitor, delivered, read, conversation]
    };
    let mut stored = HashMap::with_capacity(merged.len());
    let values = merged.into_iter().flat_map(row).collect();
    let statements = ADVANCE_WATERMARKS.statements(values, connection.placeholder());
    for row in connection.fetch_all(statements).await? {
        let watermark = watermark_of(&row)?;
        let mut columns = row.columns("watermark");
        columns.skip(4);
        let conversation = ConversationId::from_bytes(columns.bytes("conversation")?);
        stored.insert((conversation, watermark.participant), watermark);
    }
    Ok(stored)
}

/// Runs one caller's statements so that their failure leaves the rest of the batch alone.
async fn write_apart(
    connection: &mut Connection,
    statements: &[Statement],
) -> Result<Result<Vec<Outcome>, StoreError>, Failure> {
    connection.control("SAVEPOINT apart").await?;
    let mut outcomes = Vec::with_capacity(statements.len());
    for statement in statements {
        match connection.run(statement.clone()).await {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) if matches!(fault_of(&error), Fault::NotUnique | Fault::Values) => {
                connection.control("ROLLBACK TO apart").await?;
                connection.control("RELEASE apart").await?;
                return Ok(Err(error.into()));
            }
            Err(error) => return Err(error.into()),
        }
    }
    connection.control("RELEASE apart").await?;
    Ok(Ok(outcomes))
}
