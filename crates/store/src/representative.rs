//! Representatives' accounts.

use core::fmt;
use portico_protocol::{BrandId, ParticipantId, Timestamp};

use crate::database::{Pool, Row, Statement, values};
use crate::writer::Writer;
use crate::{SaveError, StoreError};

/// Most accounts of one brand.
const REPRESENTATIVES_MAX: i64 = 1_000;

/// A person who answers for a brand.
#[derive(Clone, PartialEq)]
pub struct RepresentativeRecord {
    /// The person.
    pub id: ParticipantId,
    /// For which brand.
    pub brand: BrandId,
    /// The address to sign in with, in lower case; unique on this server.
    pub email: String,
    /// The password's argon2id hash in PHC form.
    pub password_hash: String,
    /// The name that visitors see.
    pub display_name: String,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it was disabled, if it is.
    pub disabled_at: Option<Timestamp>,
}

impl fmt::Debug for RepresentativeRecord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RepresentativeRecord({})", self.id)
    }
}

/// Reads and changes accounts. From [`crate::Store::representatives`].
#[derive(Debug)]
pub struct Representatives<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

impl Representatives<'_> {
    /// The account with this id.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(&self, id: ParticipantId) -> Result<Option<RepresentativeRecord>, StoreError> {
        let sql = "SELECT id, brand, email, password_hash, display_name, created_at, disabled_at \
             FROM representative WHERE id = $1";
        self.pool.find(sql, values![id]).await?.as_ref().map(representative_of).transpose()
    }

    /// The account with this address, in any letter case.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find_by_email(&self, email: &str) -> Result<Option<RepresentativeRecord>, StoreError> {
        let sql = "SELECT id, brand, email, password_hash, display_name, created_at, disabled_at \
             FROM representative WHERE email = $1";
        let row = self.pool.find(sql, values![email.to_lowercase()]).await?;
        row.as_ref().map(representative_of).transpose()
    }

    /// All accounts of a brand, by name.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn of_brand(&self, brand: &BrandId) -> Result<Vec<RepresentativeRecord>, StoreError> {
        let sql = "SELECT id, brand, email, password_hash, display_name, created_at, disabled_at \
             FROM representative WHERE brand = $1 ORDER BY display_name, id LIMIT $2";
        let rows = self.pool.fetch(sql, values![brand, REPRESENTATIVES_MAX]).await?;
        rows.iter().map(representative_of).collect()
    }

    /// Stores a new account.
    ///
    /// # Errors
    /// [`SaveError::Taken`] if the address is in use on this server.
    pub async fn create(&self, account: &RepresentativeRecord) -> Result<(), SaveError> {
        let sql = "INSERT INTO representative (id, brand, email, password_hash, display_name, created_at, \
             disabled_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
        let values = values![
            account.id,
            &account.brand,
            account.email.to_lowercase(),
            account.password_hash.as_str(),
            account.display_name.as_str(),
            account.created_at,
            account.disabled_at,
        ];
        match self.writer.write_one(Statement::new(sql, values)).await? {
            0 => Err(SaveError::Taken { what: "e-mail address" }),
            _ => Ok(()),
        }
    }

    /// Disables an account, or with `None` enables it again. Returns whether it is there. Its sessions are
    /// ended apart: [`crate::Sessions::revoke_all`].
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn set_disabled(&self, id: ParticipantId, at: Option<Timestamp>) -> Result<bool, StoreError> {
        let sql = "UPDATE representative SET disabled_at = $1 WHERE id = $2";
        Ok(self.writer.write_one(Statement::new(sql, values![at, id])).await? > 0)
    }

    /// Replaces the password's hash. Returns whether the account is there.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn set_password_hash(&self, id: ParticipantId, hash: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE representative SET password_hash = $1 WHERE id = $2";
        Ok(self.writer.write_one(Statement::new(sql, values![hash, id])).await? > 0)
    }

    /// Replaces the name that visitors see. Returns whether the account is there.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn rename(&self, id: ParticipantId, display_name: &str) -> Result<bool, StoreError> {
        let sql = "UPDATE representative SET display_name = $1 WHERE id = $2";
        Ok(self.writer.write_one(Statement::new(sql, values![display_name, id])).await? > 0)
    }
}

fn representative_of(row: &Row) -> Result<RepresentativeRecord, StoreError> {
    let mut columns = row.columns("representative");
    Ok(RepresentativeRecord {
        id: ParticipantId::from_bytes(columns.bytes("id")?),
        brand: columns.parse("brand")?,
        email: columns.get("email")?,
        password_hash: columns.get("password_hash")?,
        display_name: columns.get("display_name")?,
        created_at: columns.at("created_at")?,
        disabled_at: columns.maybe_at("disabled_at")?,
    })
}
