//! How far each participant has received and read.

use portico_protocol::{ConversationId, ParticipantId, Watermark};

use crate::StoreError;
use crate::database::{Pool, Row, values};
use crate::writer::Writer;

/// Reads and advances watermarks. From [`crate::Store::watermarks`].
#[derive(Debug)]
pub struct Watermarks<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

impl Watermarks<'_> {
    /// Everybody's watermarks in a conversation.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn of(&self, conversation: ConversationId) -> Result<Vec<Watermark>, StoreError> {
        let sql = "SELECT participant, is_visitor, delivered, read FROM watermark \
             WHERE conversation = $1 ORDER BY participant";
        let rows = self.pool.fetch(sql, values![conversation]).await?;
        rows.iter().map(watermark_of).collect()
    }

    /// One participant's watermark; none before the first was stored.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(
        &self,
        conversation: ConversationId,
        participant: ParticipantId,
    ) -> Result<Option<Watermark>, StoreError> {
        let sql = "SELECT participant, is_visitor, delivered, read FROM watermark \
             WHERE conversation = $1 AND participant = $2";
        let row = self.pool.find(sql, values![conversation, participant]).await?;
        row.as_ref().map(watermark_of).transpose()
    }

    /// Moves a watermark forward and returns where it stands now. It never goes back, and what was read
    /// counts as delivered. Durable on return; many moves share one commit.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn advance(
        &self,
        conversation: ConversationId,
        watermark: Watermark,
    ) -> Result<Watermark, StoreError> {
        self.writer.advance(conversation, watermark).await
    }

    /// The same without waiting: `reply` is called right after the commit, by the writer itself. It must be
    /// short and must not block.
    pub fn advance_then(
        &self,
        conversation: ConversationId,
        watermark: Watermark,
        reply: impl FnOnce(Result<Watermark, StoreError>) + Send + Sync + 'static,
    ) {
        self.writer.advance_then(conversation, watermark, Box::new(reply));
    }
}

pub(crate) fn watermark_of(row: &Row) -> Result<Watermark, StoreError> {
    let mut columns = row.columns("watermark");
    Ok(Watermark {
        participant: ParticipantId::from_bytes(columns.bytes("participant")?),
        is_visitor: columns.get("is_visitor")?,
        delivered: columns.number("delivered")?,
        read: columns.number("read")?,
    })
}
