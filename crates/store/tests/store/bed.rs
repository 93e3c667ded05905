//! What every test starts from: a fresh, empty store, and a few people.

use std::sync::Arc;
use std::time::Duration;

use portico_domain::{Actor, Policy};
use portico_protocol::entry::{Edit, Redaction};
use portico_protocol::{
    BrandId, ConversationId, Entry, Message, MessageId, ParticipantId, Representative, RepresentativeType,
    Submission, SubmissionBody, Timestamp,
};
use portico_store::{Append, AppendError, Appended, Options, Store};
use tempfile::TempDir;

use crate::postgres;

/// Runs each test against both databases.
macro_rules! on_both {
    ($($(#[$outer:meta])* async fn $name:ident($bed:ident) $body:block)+) => { $(
        $(#[$outer])*
        mod $name {
            use super::*;

            async fn check($bed: $crate::bed::Bed) $body

            #[tokio::test]
            async fn sqlite() { check($crate::bed::Bed::sqlite().await).await; }

            #[tokio::test]
            async fn postgres() { check($crate::bed::Bed::postgres().await).await; }
        }
    )+ };
}
pub(crate) use on_both;

/// Locks are not waited for longer than this in tests.
const LOCK_FOR: Duration = Duration::from_millis(50);

pub struct Bed {
    pub url: String,
    pub store: Store,
    pub _folder: Option<TempDir>,
}

impl Bed {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portico.db").display());
        Self::open(url, Some(folder)).await
    }

    pub async fn postgres() -> Self {
        Self::open(postgres::fresh_database().await, None).await
    }

    async fn open(url: String, folder: Option<TempDir>) -> Self {
        let store = Store::open(&options(&url)).await.unwrap();
        store.migrate().await.unwrap();
        Self { url, store, _folder: folder }
    }

    /// The same database, seen by another process: with a writer and states of its own.
    pub async fn second_node(&self) -> Store {
        Store::open(&options(&self.url).for_tool()).await.unwrap()
    }

    /// Runs raw SQL, as nobody in production does.
    pub async fn tamper(&self, sql: &'static str) {
        self.raw().await.run(sql).await;
    }

    /// A connection beside the store.
    pub async fn raw(&self) -> Raw {
        use sqlx::{Connection as _, PgConnection, SqliteConnection};
        if self.url.starts_with("sqlite:") {
            Raw::Sqlite(SqliteConnection::connect(&self.url).await.unwrap())
        } else {
            Raw::Postgres(PgConnection::connect(&self.url).await.unwrap())
        }
    }
}

pub enum Raw {
    Sqlite(sqlx::SqliteConnection),
    Postgres(sqlx::PgConnection),
}

impl Raw {
    pub async fn run(&mut self, sql: &'static str) {
        match self {
            Self::Sqlite(connection) => drop(sqlx::raw_sql(sql).execute(connection).await.unwrap()),
            Self::Postgres(connection) => drop(sqlx::raw_sql(sql).execute(connection).await.unwrap()),
        }
    }

    pub async fn number(&mut self, sql: &'static str) -> i64 {
        match self {
            Self::Sqlite(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.unwrap(),
            Self::Postgres(connection) => sqlx::query_scalar(sql).fetch_one(connection).await.unwrap(),
        }
    }
}

pub fn options(url: &str) -> Options {
    let mut options = Options::new(url);
    options.lock_for = LOCK_FOR;
    options
}

pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + seconds * 1_000)
}

/// A number that makes an id: the same number, the same id.
fn random(number: u64) -> [u8; 10] {
    // The last byte is left to the ids that are derived from this one.
    let mut random = [0; 10];
    random[1..9].copy_from_slice(&number.to_be_bytes());
    random
}

pub fn brand() -> BrandId {
    "lumen".parse().unwrap()
}

pub fn conversation(number: u64) -> ConversationId {
    ConversationId::new(at(0), random(number))
}

pub fn message_id(number: u64) -> MessageId {
    MessageId::new(at(0), random(number))
}

pub fn visitor(number: u64) -> ParticipantId {
    ParticipantId::new(at(0), random(number))
}

pub fn person(number: u64) -> Representative {
    Representative {
        id: ParticipantId::new(at(1), random(number)),
        representative_type: RepresentativeType::Human,
        display_name: format!("Mara {number}"),
    }
}

pub fn bot() -> Representative {
    let id = ParticipantId::new(at(2), random(0));
    Representative { id, representative_type: RepresentativeType::Bot, display_name: "Lumi".into() }
}

/// New conversations wait for a person.
pub fn without_bot() -> Arc<Policy> {
    Arc::default()
}

/// New conversations are the bot's, which greets.
pub fn with_bot() -> Arc<Policy> {
    Arc::new(Policy { bot: Some(bot()), greeting: vec![Message::text("Hello, I am a bot.")] })
}

/// One who asks for appends, in one conversation after the other.
#[derive(Clone)]
pub struct Asking {
    pub append: Append,
}

/// The visitor of conversation `number`.
pub fn as_visitor(number: u64) -> Asking {
    asking(number, Actor::Visitor(visitor(number)))
}

/// A representative in conversation `number`.
pub fn as_representative(who: Representative, number: u64) -> Asking {
    asking(number, Actor::Representative(who))
}

fn asking(number: u64, actor: Actor) -> Asking {
    let submission = Submission { id: message_id(0), body: SubmissionBody::Unknown };
    Asking {
        append: Append {
            conversation: conversation(number),
            brand: brand(),
            visitor: visitor(number),
            actor,
            submission,
            policy: without_bot(),
            now: at(10),
        },
    }
}

impl Asking {
    pub fn under(mut self, policy: Arc<Policy>) -> Self {
        self.append.policy = policy;
        self
    }

    pub fn now(mut self, now: Timestamp) -> Self {
        self.append.now = now;
        self
    }

    /// Asks for `body` under the id made of `id`.
    pub fn wants(&self, id: u64, body: impl Into<SubmissionBody>) -> Append {
        let mut append = self.append.clone();
        append.submission = Submission { id: message_id(id), body: body.into() };
        append
    }

    pub fn says(&self, id: u64, text: &str) -> Append {
        self.wants(id, Message::text(text))
    }

    pub fn edits(&self, id: u64, target: u64, text: &str) -> Append {
        self.wants(id, Edit { target: message_id(target), message: Message::text(text) })
    }

    pub fn redacts(&self, id: u64, target: u64) -> Append {
        self.wants(id, Redaction { target: message_id(target) })
    }
}

/// Appends what must not be refused.
pub async fn append(store: &Store, append: Append) -> Appended {
    store.append(append).await.expect("this append is allowed")
}

pub async fn refusal(store: &Store, append: Append) -> portico_domain::Refusal {
    match store.append(append).await {
        Err(AppendError::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// The whole log, which must have no gaps.
pub async fn log(store: &Store, number: u64) -> Vec<Entry> {
    let entries = store.entries().after(conversation(number), 0, u32::MAX).await.unwrap();
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(entry.sequence, index as u64 + 1, "the log has a gap");
    }
    entries
}

/// What was said in a log, in order.
pub async fn words(store: &Store, number: u64) -> Vec<String> {
    let entries = log(store, number).await;
    let words = entries.iter().filter_map(|entry| match &entry.body {
        portico_protocol::EntryBody::Message(message) => Some(message.plain_text().to_owned()),
        portico_protocol::EntryBody::SuggestionResponse(response) => Some(response.text.clone()),
        _ => None,
    });
    words.collect()
}

pub fn visitor_record(number: u64) -> portico_store::VisitorRecord {
    portico_store::VisitorRecord {
        id: visitor(number),
        brand: brand(),
        conversation: conversation(number),
        external_id: None,
        display_name: None,
        locale: "de-AT".into(),
        time_zone: Some("Europe/Vienna".into()),
        page_url: Some("https://shop.example/lamps?from=\"mail\"".into()),
        context: Some(r#"{"cart":3}"#.into()),
        created_at: at(0),
        seen_at: at(1),
    }
}
