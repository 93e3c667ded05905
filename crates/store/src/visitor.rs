//! Visitors: who has opened a chat, and what they have said about themselves.

use core::fmt;
use portico_protocol::{BrandId, ConversationId, ParticipantId, Timestamp};

use crate::database::{Pool, Row, Statement, values};
use crate::writer::Writer;
use crate::{SaveError, StoreError};

/// A visitor of one brand.
#[derive(Clone, PartialEq)]
pub struct VisitorRecord {
    /// The visitor.
    pub id: ParticipantId,
    /// Whose chat was opened.
    pub brand: BrandId,
    /// The visitor's conversation with the brand; it exists once something was said.
    pub conversation: ConversationId,
    /// Who this is to the brand, as its back end signed for; unique within the brand.
    pub external_id: Option<String>,
    /// The name that the brand's back end signed for.
    pub display_name: Option<String>,
    /// The language, BCP 47.
    pub locale: String,
    /// The IANA time zone.
    pub time_zone: Option<String>,
    /// The page on which the chat was opened last.
    pub page_url: Option<String>,
    /// What that page told; JSON text.
    pub context: Option<String>,
    /// When the chat was first opened.
    pub created_at: Timestamp,
    /// When it was last opened.
    pub seen_at: Timestamp,
}

impl fmt::Debug for VisitorRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "VisitorRecord({})", self.id)
    }
}

/// Reads and changes visitors. From [`crate::Store::visitors`].
#[derive(Debug)]
pub struct Visitors<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

impl Visitors<'_> {
    /// The visitor with this id.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(&self, id: ParticipantId) -> Result<Option<VisitorRecord>, StoreError> {
        let sql = "SELECT id, brand, conversation, external_id, display_name, locale, time_zone, page_url, \
             context, created_at, seen_at FROM visitor WHERE id = $1";
        self.pool.find(sql, values![id]).await?.as_ref().map(visitor_of).transpose()
    }

    /// The visitor whom the brand knows by `external_id`.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find_identified(
        &self,
        brand: &BrandId,
        external_id: &str,
    ) -> Result<Option<VisitorRecord>, StoreError> {
        let sql = "SELECT id, brand, conversation, external_id, display_name, locale, time_zone, page_url, \
             context, created_at, seen_at FROM visitor WHERE brand = $1 AND external_id = $2";
        self.pool.find(sql, values![brand, external_id]).await?.as_ref().map(visitor_of).transpose()
    }

    /// The visitor whose conversation this is.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find_by_conversation(
        &self,
        conversation: ConversationId,
    ) -> Result<Option<VisitorRecord>, StoreError> {
        let sql = "SELECT id, brand, conversation, external_id, display_name, locale, time_zone, page_url, \
             context, created_at, seen_at FROM visitor WHERE conversation = $1";
        self.pool.find(sql, values![conversation]).await?.as_ref().map(visitor_of).transpose()
    }

    /// Stores a new visitor.
    ///
    /// # Errors
    /// [`SaveError::Taken`] if the id, the conversation or the external id belongs to another one.
    pub async fn create(&self, visitor: &VisitorRecord) -> Result<(), SaveError> {
        let sql = "INSERT INTO visitor (id, brand, conversation, external_id, display_name, locale, \
             time_zone, page_url, context, created_at, seen_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING";
        let values = values![
            visitor.id,
            &visitor.brand,
            visitor.conversation,
            visitor.external_id.clone(),
            visitor.display_name.clone(),
            visitor.locale.as_str(),
            visitor.time_zone.clone(),
            visitor.page_url.clone(),
            visitor.context.clone(),
            visitor.created_at,
            visitor.seen_at,
        ];
        match self.writer.write_one(Statement::new(sql, values)).await? {
            0 => Err(SaveError::Taken { what: "visitor" }),
            _ => Ok(()),
        }
    }

    /// Stores what the visitor's newest visit told: language, time zone, page, context and `seen_at`.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn update_visit(&self, visitor: &VisitorRecord) -> Result<(), StoreError> {
        let sql = "UPDATE visitor SET locale = $1, time_zone = $2, page_url = $3, context = $4, seen_at = $5 \
             WHERE id = $6";
        let values = values![
            visitor.locale.as_str(),
            visitor.time_zone.clone(),
            visitor.page_url.clone(),
            visitor.context.clone(),
            visitor.seen_at,
            visitor.id,
        ];
        self.writer.write_one(Statement::new(sql, values)).await.map(drop)
    }

    /// Records that the brand's back end signed for who this is.
    ///
    /// # Errors
    /// [`SaveError::Taken`] if another visitor of the brand is that person already, or this one is another.
    pub async fn identify(
        &self,
        id: ParticipantId,
        external_id: &str,
        display_name: Option<&str>,
    ) -> Result<(), SaveError> {
        let sql = "UPDATE visitor SET external_id = $1, display_name = $2 \
             WHERE id = $3 AND (external_id IS NULL OR external_id = $1) AND NOT EXISTS \
             (SELECT 1 FROM visitor AS other WHERE other.brand = visitor.brand AND other.external_id = $1 \
             AND other.id <> visitor.id)";
        let values = values![external_id, display_name, id];
        match self.writer.write_one(Statement::new(sql, values)).await? {
            0 => Err(SaveError::Taken { what: "identity" }),
            _ => Ok(()),
        }
    }
}

fn visitor_of(row: &Row) -> Result<VisitorRecord, StoreError> {
    let mut columns = row.columns("visitor");
    Ok(VisitorRecord {
        id: ParticipantId::from_bytes(columns.bytes("id")?),
        brand: columns.parse("brand")?,
        conversation: ConversationId::from_bytes(columns.bytes("conversation")?),
        external_id: columns.get("external_id")?,
        display_name: columns.get("display_name")?,
        locale: columns.get("locale")?,
        time_zone: columns.get("time_zone")?,
        page_url: columns.get("page_url")?,
        context: columns.get("context")?,
        created_at: columns.at("created_at")?,
        seen_at: columns.at("seen_at")?,
    })
}
