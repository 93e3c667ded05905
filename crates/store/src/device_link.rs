//! One-use links that continue a conversation on another device.

use portico_protocol::{BrandId, ParticipantId, Timestamp};

use crate::database::{Row, Statement, values};
use crate::writer::Writer;
use crate::{SaveError, StoreError};

/// A link. Its secret is in the link alone; here is its SHA-256.
#[derive(Clone, Debug, PartialEq)]
pub struct DeviceLinkRecord {
    /// SHA-256 of the secret: the key under which the link is found.
    pub secret_hash: [u8; 32],
    /// Of which brand's chat.
    pub brand: BrandId,
    /// Whom it signs in.
    pub visitor: ParticipantId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// Makes and spends links. From [`crate::Store::device_links`].
#[derive(Debug)]
pub struct DeviceLinks<'s> {
    pub(crate) writer: &'s Writer,
}

impl DeviceLinks<'_> {
    /// Stores a new link.
    ///
    /// # Errors
    /// [`SaveError::Taken`] if the same secret is in use.
    pub async fn create(&self, link: &DeviceLinkRecord) -> Result<(), SaveError> {
        let sql = "INSERT INTO device_link (secret_hash, brand, visitor, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        let values = values![link.secret_hash, &link.brand, link.visitor, link.created_at, link.expires_at];
        match self.writer.write_one(Statement::new(sql, values)).await? {
            0 => Err(SaveError::Taken { what: "link" }),
            _ => Ok(()),
        }
    }

    /// Spends a link of `brand`: of all who try, one gets it. `None` if there is none such, or it was used,
    /// or is over.
    ///
    /// # Errors
    /// It could not be stored; the link is then still good.
    pub async fn redeem(
        &self,
        brand: &BrandId,
        secret_hash: [u8; 32],
        now: Timestamp,
    ) -> Result<Option<DeviceLinkRecord>, StoreError> {
        let sql = "UPDATE device_link SET used_at = $1 WHERE secret_hash = $2 AND brand = $3 \
             AND used_at IS NULL AND expires_at > $1 \
             RETURNING secret_hash, brand, visitor, created_at, expires_at";
        let outcomes = self.writer.write(vec![Statement::new(sql, values![now, secret_hash, brand])]).await?;
        outcomes.iter().flat_map(|outcome| &outcome.rows).next().map(device_link_of).transpose()
    }

    /// Forgets the links that were over before `before`. Returns how many.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn forget_ended(&self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM device_link WHERE expires_at < $1";
        self.writer.write_one(Statement::new(sql, values![before])).await
    }
}

fn device_link_of(row: &Row) -> Result<DeviceLinkRecord, StoreError> {
    let mut columns = row.columns("device_link");
    Ok(DeviceLinkRecord {
        secret_hash: columns.bytes("secret_hash")?,
        brand: columns.parse("brand")?,
        visitor: ParticipantId::from_bytes(columns.bytes("visitor")?),
        created_at: columns.at("created_at")?,
        expires_at: columns.at("expires_at")?,
    })
}
