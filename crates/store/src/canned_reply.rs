//! Brands' ready-made texts.

use portico_protocol::api::CannedReply;
use portico_protocol::limit::CANNED_REPLIES_MAX;
use portico_protocol::{BrandId, MessageId};

use crate::database::{Pool, Row, Statement, values};
use crate::error::is_taken;
use crate::writer::Writer;
use crate::{SaveError, StoreError};

/// Reads and changes ready-made texts. From [`crate::Store::canned_replies`].
#[derive(Debug)]
pub struct CannedReplies<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

impl CannedReplies<'_> {
    /// All of a brand, by shortcut.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn of_brand(&self, brand: &BrandId) -> Result<Vec<CannedReply>, StoreError> {
        let sql = "SELECT id, shortcut, text FROM canned_reply WHERE brand = $1 ORDER BY shortcut LIMIT $2";
        let rows = self.pool.fetch(sql, values![brand, CANNED_REPLIES_MAX as u64]).await?;
        rows.iter().map(canned_reply_of).collect()
    }

    /// Stores a text, new or changed.
    ///
    /// # Errors
    /// [`SaveError::Taken`] if another text has the shortcut, [`SaveError::Full`] past
    /// [`CANNED_REPLIES_MAX`].
    pub async fn save(&self, brand: &BrandId, reply: &CannedReply) -> Result<(), SaveError> {
        let others = self.of_brand(brand).await?;
        let is_other = |other: &&CannedReply| other.id != reply.id;
        if others.iter().filter(is_other).any(|other| other.shortcut == reply.shortcut) {
            return Err(SaveError::Taken { what: "shortcut" });
        }
        if others.iter().filter(is_other).count() >= CANNED_REPLIES_MAX {
            return Err(SaveError::Full { limit: CANNED_REPLIES_MAX });
        }
        let sql = "INSERT INTO canned_reply (brand, id, shortcut, text) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (brand, id) DO UPDATE SET shortcut = excluded.shortcut, text = excluded.text";
        let values = values![brand, reply.id, reply.shortcut.as_str(), reply.text.as_str()];
        match self.writer.write_one(Statement::new(sql, values)).await {
            // Two people chose the same shortcut in the same moment.
            Err(error) if is_taken(&error) => Err(SaveError::Taken { what: "shortcut" }),
            result => Ok(result.map(drop)?),
        }
    }

    /// Deletes a text. Returns whether it was there.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn delete(&self, brand: &BrandId, id: MessageId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM canned_reply WHERE brand = $1 AND id = $2";
        Ok(self.writer.write_one(Statement::new(sql, values![brand, id])).await? > 0)
    }
}

fn canned_reply_of(row: &Row) -> Result<CannedReply, StoreError> {
    let mut columns = row.columns("canned_reply");
    Ok(CannedReply {
        id: MessageId::from_bytes(columns.bytes("id")?),
        shortcut: columns.get("shortcut")?,
        text: columns.get("text")?,
    })
}
