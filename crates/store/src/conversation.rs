//! Conversations as states and as lists.

use core::fmt;
use core::str::FromStr;

use portico_domain::Conversation;
use portico_domain::name::visitor_name;
use portico_protocol::api::InboxQuery;
use portico_protocol::{
    BrandId, ConversationId, ConversationStatus, ConversationSummary, InboxView, ParticipantId, Timestamp,
};
use sqlx::AssertSqlSafe;

use crate::StoreError;
use crate::database::{Pool, Row, Statement, Value, values};
use crate::fold::fold_of;
use crate::writer::Writer;

/// Conversations on one page of a list.
const PAGE: usize = 50;
/// How many conversations one page of a search looks through. The next page looks further.
const SEARCHED_PER_PAGE: u64 = 1_000;
/// Words of a search that count.
const SEARCH_WORDS_MAX: usize = 8;
/// Most conversations that a count tells; more are shown as "more than".
const COUNT_MAX: i64 = 1_000;
/// Most waiting conversations that are listed.
const WAITING_MAX: i64 = 1_000;

/// The representative for whom a list is made: unread is theirs, and *mine* means them.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// Only conversations of this brand are ever shown.
    pub brand: &'a BrandId,
    /// Who asks.
    pub representative: ParticipantId,
}

/// Where a page ended. Opaque to clients; as text it can be part of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    at: Timestamp,
    conversation: ConversationId,
}

impl Cursor {
    const NEWEST: Self =
        Self { at: Timestamp::from_millis(i64::MAX), conversation: ConversationId::from_bytes([0xff; 16]) };

    fn of(summary: &ConversationSummary) -> Self {
        Self { at: summary.updated_at, conversation: summary.conversation }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.at.as_millis(), self.conversation)
    }
}

/// The text is not a cursor that a list gave out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct InvalidCursor;

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (at, conversation) = text.split_once('.').ok_or(InvalidCursor)?;
        let at = at.parse().map(Timestamp::from_millis).map_err(|_| InvalidCursor)?;
        Ok(Self { at, conversation: conversation.parse().map_err(|_| InvalidCursor)? })
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct SummaryPage {
    /// Newest first, at most 50. A page of a search may hold few and still not be the last.
    pub conversations: Vec<ConversationSummary>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<Cursor>,
}

/// How many open conversations each view holds, up to 1000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InboxCounts {
    /// Waiting for a person.
    pub unassigned: u32,
    /// Owned by the one who asks.
    pub mine: u32,
    /// All of the brand.
    pub all: u32,
}

/// Reads conversations. From [`crate::Store::conversations`].
#[derive(Debug)]
pub struct Conversations<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

/// The columns that [`summary_of`] reads. `$1` is the one who asks.
const SELECT_SUMMARY: &str = "SELECT c.id, c.visitor, v.display_name, v.external_id, c.owner, c.is_closed, \
     c.head, c.said_by_visitor, e.said_by_visitor, c.preview, c.preview_is_visitor, c.last_at, \
     c.waiting_since, v.locale, v.page_url";
const JOIN_SUMMARY: &str = " LEFT JOIN visitor AS v ON v.id = c.visitor \
     LEFT JOIN watermark AS w ON w.conversation = c.id AND w.participant = $1 \
     LEFT JOIN entry AS e ON e.conversation = c.id \
     AND e.sequence = CASE WHEN w.read > c.head THEN c.head ELSE w.read END";

impl Conversations<'_> {
    /// The state of a conversation; `None` while nothing has been said in it.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(&self, id: ConversationId) -> Result<Option<Conversation>, StoreError> {
        let sql = "SELECT id, brand, visitor, head, owner, is_closed, last_at, waiting_since, \
             said_by_visitor, preview, preview_is_visitor, preview_sequence FROM conversation WHERE id = $1";
        let row = self.pool.find(sql, values![id]).await?;
        Ok(row.as_ref().map(fold_of).transpose()?.map(|(_, fold)| fold.conversation))
    }

    /// One line of the inbox; `None` if the conversation is not of the asker's brand or nothing has been
    /// said in it.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find_summary(
        &self,
        asker: Asker<'_>,
        id: ConversationId,
    ) -> Result<Option<ConversationSummary>, StoreError> {
        let sql =
            format!("{SELECT_SUMMARY} FROM conversation AS c{JOIN_SUMMARY} WHERE c.id = $2 AND c.brand = $3");
        let values = values![asker.representative, id, asker.brand];
        self.pool.find(AssertSqlSafe(sql), values).await?.as_ref().map(summary_of).transpose()
    }

    /// Whether a conversation of the asker's brand belongs in a list: what watching the list needs.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find_listed(
        &self,
        asker: Asker<'_>,
        query: &InboxQuery,
        id: ConversationId,
    ) -> Result<Option<ConversationSummary>, StoreError> {
        let Some(summary) = self.find_summary(asker, id).await? else { return Ok(None) };
        if summary.status == ConversationStatus::Closed && !query.with_closed {
            return Ok(None);
        }
        let here = Cursor::of(&summary);
        let slice = self.slice(asker, query, summary.status, here, Span::Only(id)).await?;
        Ok(slice.conversations.into_iter().next())
    }

    /// One page of the asker's inbox, newest first, from `cursor` on.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn list(
        &self,
        asker: Asker<'_>,
        query: &InboxQuery,
        cursor: Option<Cursor>,
    ) -> Result<SummaryPage, StoreError> {
        let from = cursor.unwrap_or(Cursor::NEWEST);
        let open = self.slice(asker, query, ConversationStatus::Open, from, Span::Before).await?;
        if !query.with_closed {
            return Ok(open);
        }
        let closed = self.slice(asker, query, ConversationStatus::Closed, from, Span::Before).await?;
        Ok(merge(open, closed))
    }

    /// How many open conversations each view holds.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn counts(&self, asker: Asker<'_>) -> Result<InboxCounts, StoreError> {
        let mut counts = InboxCounts::default();
        for (view, count) in [
            (InboxView::Unassigned, &mut counts.unassigned),
            (InboxView::Mine, &mut counts.mine),
            (InboxView::All, &mut counts.all),
        ] {
            let sql = format!(
                "SELECT COUNT(*) FROM (SELECT 1 AS one FROM conversation AS c \
                 WHERE c.brand = $1 AND c.is_closed = $2{} LIMIT $4) AS counted",
                of_view(view, "$3"),
            );
            let values = values![asker.brand, false, asker.representative, COUNT_MAX];
            let row = self.pool.find(AssertSqlSafe(sql), values).await?;
            let number = row.map(|row| row.columns("conversation").number("count")).transpose()?;
            *count = u32::try_from(number.unwrap_or_default()).unwrap_or(u32::MAX);
        }
        Ok(counts)
    }

    /// The open conversations of a brand that wait for a person, the longest waiting first, and since when.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn waiting(&self, brand: &BrandId) -> Result<Vec<(ConversationId, Timestamp)>, StoreError> {
        let sql = "SELECT id, waiting_since FROM conversation \
             WHERE brand = $1 AND is_closed = $2 AND owner_kind = 'queue' AND waiting_since IS NOT NULL \
             ORDER BY waiting_since, id LIMIT $3";
        let rows = self.pool.fetch(sql, values![brand, false, WAITING_MAX]).await?;
        let waiting_of = |row: &Row| {
            let mut columns = row.columns("conversation");
            Ok((ConversationId::from_bytes(columns.bytes("id")?), columns.at("waiting_since")?))
        };
        rows.iter().map(waiting_of).collect()
    }

    /// The open conversations of a brand in which the visitor had the last word and the bot owes an answer.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn unanswered_by_bot(&self, brand: &BrandId) -> Result<Vec<ConversationId>, StoreError> {
        let sql = "SELECT id FROM conversation WHERE brand = $1 AND is_closed = $2 AND owner_kind = 'bot' \
             AND preview_is_visitor = $3 ORDER BY last_at DESC LIMIT $4";
        let rows = self.pool.fetch(sql, values![brand, false, true, WAITING_MAX]).await?;
        let id_of = |row: &Row| Ok(ConversationId::from_bytes(row.columns("conversation").bytes("id")?));
        rows.iter().map(id_of).collect()
    }

    /// How long the last people of a brand waited until a person took over, newest first, in milliseconds.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn last_waits_ms(&self, brand: &BrandId, limit: u32) -> Result<Vec<u64>, StoreError> {
        let sql = "SELECT waited_ms FROM wait WHERE brand = $1 ORDER BY ended_at DESC LIMIT $2";
        let rows = self.pool.fetch(sql, values![brand, i64::from(limit)]).await?;
        rows.iter().map(|row| row.columns("wait").number("waited_ms")).collect()
    }

    /// Forgets how long people waited who were answered before `before`. Returns how many.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn forget_waits(&self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM wait WHERE ended_at < $1";
        self.writer.write_one(Statement::new(sql, values![before])).await
    }

    /// The matching conversations of one status in a span, and how far the search has looked.
    async fn slice(
        &self,
        asker: Asker<'_>,
        query: &InboxQuery,
        status: ConversationStatus,
        from: Cursor,
        span: Span,
    ) -> Result<SummaryPage, StoreError> {
        let words = search_patterns(&query.search);
        let mut values = values![
            asker.representative,
            asker.brand,
            status == ConversationStatus::Closed,
            from.at,
            from.conversation,
        ];
        let where_span = match span {
            Span::Before => "c.last_at <= $4 AND (c.last_at < $4 OR c.id < $5)",
            Span::Only(_) => "c.last_at = $4 AND c.id = $5",
        };
        let candidates = format!(
            "FROM conversation AS c WHERE c.brand = $2 AND c.is_closed = $3 AND {where_span}{}",
            of_view(query.view, "$1"),
        );
        const NEWEST_FIRST: &str = "ORDER BY c.last_at DESC, c.id DESC LIMIT";
        let searched = if words.is_empty() { PAGE as u64 + 1 } else { SEARCHED_PER_PAGE };
        let matches = words.iter().enumerate().map(|(index, _)| word_occurs(index + 6)).collect::<String>();
        let sql = format!(
            "{SELECT_SUMMARY} FROM (SELECT c.* {candidates} {NEWEST_FIRST} {searched}) AS c{JOIN_SUMMARY} \
             WHERE c.brand = $2{matches} {NEWEST_FIRST} {}",
            PAGE + 1,
        );
        let is_search = !words.is_empty();
        let span_values = values.clone();
        values.extend(words.into_iter().map(Value::from));
        let rows = self.pool.fetch(AssertSqlSafe(sql), values).await?;
        let mut conversations = rows.iter().map(summary_of).collect::<Result<Vec<_>, _>>()?;
        if conversations.len() > PAGE {
            conversations.truncate(PAGE);
            let next = conversations.last().map(Cursor::of);
            return Ok(SummaryPage { conversations, next });
        }
        if !is_search {
            return Ok(SummaryPage { conversations, next: None });
        }
        let last =
            format!("SELECT c.id, c.last_at, $1 {candidates} {NEWEST_FIRST} 1 OFFSET {}", searched - 1);
        let row = self.pool.find(AssertSqlSafe(last), span_values).await?;
        Ok(SummaryPage { conversations, next: row.as_ref().map(cursor_of).transpose()? })
    }
}

/// Which part of a list is looked at.
enum Span {
    /// What comes after the cursor, that is: what is older.
    Before,
    /// The conversation at the cursor.
    Only(#[expect(dead_code, reason = "says at the call what the cursor names")] ConversationId),
}

fn of_view(view: InboxView, asker: &str) -> String {
    match view {
        InboxView::All => String::new(),
        InboxView::Unassigned => " AND c.owner_kind = 'queue'".into(),
        InboxView::Mine => format!(" AND c.owner_participant = {asker}"),
    }
}

fn word_occurs(parameter: usize) -> String {
    format!(
        " AND (lower(v.display_name) LIKE ${parameter} ESCAPE '!' OR EXISTS (SELECT 1 FROM entry AS said \
         WHERE said.conversation = c.id AND said.words LIKE ${parameter} ESCAPE '!'))"
    )
}

/// The words of a search as patterns for `LIKE … ESCAPE '!'`.
fn search_patterns(search: &str) -> Vec<String> {
    let pattern = |word: &str| {
        let escaped = word.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        format!("%{escaped}%")
    };
    search.split_whitespace().take(SEARCH_WORDS_MAX).map(pattern).collect()
}

/// Two lists as one. Where one of them was not looked through to its end, the page stops there too.
fn merge(first: SummaryPage, second: SummaryPage) -> SummaryPage {
    let mut next = first.next.max(second.next);
    let mut conversations = first.conversations;
    conversations.extend(second.conversations);
    conversations.retain(|summary| next.is_none_or(|next| Cursor::of(summary) >= next));
    conversations.sort_by_key(|summary| core::cmp::Reverse(Cursor::of(summary)));
    if conversations.len() > PAGE {
        conversations.truncate(PAGE);
        next = conversations.last().map(Cursor::of);
    }
    SummaryPage { conversations, next }
}

fn cursor_of(row: &Row) -> Result<Cursor, StoreError> {
    let mut columns = row.columns("conversation");
    let conversation = ConversationId::from_bytes(columns.bytes("id")?);
    Ok(Cursor { at: columns.at("last_at")?, conversation })
}

fn summary_of(row: &Row) -> Result<ConversationSummary, StoreError> {
    let mut columns = row.columns("conversation");
    let conversation = ConversationId::from_bytes(columns.bytes("id")?);
    let visitor = ParticipantId::from_bytes(columns.bytes("visitor")?);
    let display_name = columns.get::<Option<String>>("display_name")?;
    let external_id = columns.get::<Option<&str>>("external_id")?;
    let owner = columns.json("owner")?;
    let is_closed = columns.get::<bool>("is_closed")?;
    let head = columns.number("head")?;
    let said = columns.number("said_by_visitor")?;
    let read = columns.get::<Option<i64>>("said_by_visitor")?.unwrap_or_default();
    Ok(ConversationSummary {
        conversation,
        visitor_name: display_name.unwrap_or_else(|| visitor_name(visitor)),
        is_identified: external_id.is_some(),
        owner,
        status: if is_closed { ConversationStatus::Closed } else { ConversationStatus::Open },
        head,
        unread: u32::try_from(said.saturating_sub(read.unsigned_abs())).unwrap_or(u32::MAX),
        preview: columns.get("preview")?,
        preview_is_visitor: columns.get("preview_is_visitor")?,
        updated_at: columns.at("last_at")?,
        waiting_since: columns.maybe_at("waiting_since")?,
        locale: columns.get::<Option<String>>("locale")?.unwrap_or_default(),
        page_url: columns.get("page_url")?,
    })
}
