//! Logs, read.

use portico_protocol::{ConversationId, Entry, MessageId};

use crate::StoreError;
use crate::database::{Pool, Row, values};

/// Reads logs. From [`crate::Store::entries`].
#[derive(Debug)]
pub struct Entries<'s> {
    pub(crate) pool: &'s Pool,
}

impl Entries<'_> {
    /// What comes after number `after`, oldest first, at most `limit` entries.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn after(
        &self,
        conversation: ConversationId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT id, sequence, at, author, body FROM entry \
             WHERE conversation = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";
        let rows = self.pool.fetch(sql, values![conversation, after, i64::from(limit)]).await?;
        rows.iter().map(entry_of).collect()
    }

    /// What comes right before number `before`, oldest first, at most `limit` entries.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn before(
        &self,
        conversation: ConversationId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<Entry>, StoreError> {
        let sql = "SELECT id, sequence, at, author, body FROM entry \
             WHERE conversation = $1 AND sequence < $2 ORDER BY sequence DESC LIMIT $3";
        let rows = self.pool.fetch(sql, values![conversation, before, i64::from(limit)]).await?;
        rows.iter().rev().map(entry_of).collect()
    }

    /// The newest entries, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn newest(&self, conversation: ConversationId, limit: u32) -> Result<Vec<Entry>, StoreError> {
        self.before(conversation, u64::MAX, limit).await
    }

    /// The entry with this id.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(
        &self,
        conversation: ConversationId,
        id: MessageId,
    ) -> Result<Option<Entry>, StoreError> {
        let sql = "SELECT id, sequence, at, author, body FROM entry WHERE id = $1 AND conversation = $2";
        self.pool.find(sql, values![id, conversation]).await?.as_ref().map(entry_of).transpose()
    }
}

pub(crate) fn entry_of(row: &Row) -> Result<Entry, StoreError> {
    let mut columns = row.columns("entry");
    Ok(Entry {
        id: MessageId::from_bytes(columns.bytes("id")?),
        sequence: columns.number("sequence")?,
        at: columns.at("at")?,
        author: columns.json("author")?,
        body: columns.json("body")?,
    })
}
