//! Sessions: one participant's signed-in spans, each on one device.

use portico_protocol::{BrandId, ParticipantId, SessionId, Timestamp};

use crate::database::{Pool, Row, Statement, values};
use crate::writer::Writer;
use crate::{SaveError, StoreError};

/// Most sessions that a list shows.
const SESSIONS_MAX: i64 = 100;

/// Which kind of participant a session belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionRole {
    /// A visitor.
    Visitor,
    /// A person of the brand.
    Representative,
}

impl SessionRole {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Representative => "representative",
        }
    }
}

impl core::str::FromStr for SessionRole {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Visitor, Self::Representative].into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}

/// A session. Its secret is with the participant alone; here is its SHA-256.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionRecord {
    /// The session.
    pub id: SessionId,
    /// SHA-256 of the secret. Compare in constant time.
    pub secret_hash: [u8; 32],
    /// Which kind of participant.
    pub role: SessionRole,
    /// Whose.
    pub participant: ParticipantId,
    /// With which brand.
    pub brand: BrandId,
    /// Browser and system in plain words; may be empty.
    pub device: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, give or take.
    pub seen_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it was ended before that.
    pub revoked_at: Option<Timestamp>,
}

impl SessionRecord {
    /// Whether the session may be used at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Reads and changes sessions. From [`crate::Store::sessions`].
#[derive(Debug)]
pub struct Sessions<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

impl Sessions<'_> {
    /// The session with this id, live or not.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(&self, id: SessionId) -> Result<Option<SessionRecord>, StoreError> {
        let sql = "SELECT id, secret_hash, role, participant, brand, device, created_at, seen_at, expires_at, \
             revoked_at FROM session WHERE id = $1";
        self.pool.find(sql, values![id]).await?.as_ref().map(session_of).transpose()
    }

    /// The sessions of a participant that are live at `now`, the last used first.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn live_of(
        &self,
        participant: ParticipantId,
        now: Timestamp,
    ) -> Result<Vec<SessionRecord>, StoreError> {
        let sql = "SELECT id, secret_hash, role, participant, brand, device, created_at, seen_at, expires_at, \
             revoked_at FROM session WHERE participant = $1 AND revoked_at IS NULL AND expires_at > $2 \
             ORDER BY seen_at DESC LIMIT $3";
        let rows = self.pool.fetch(sql, values![participant, now, SESSIONS_MAX]).await?;
        rows.iter().map(session_of).collect()
    }

    /// Stores a new session.
    ///
    /// # Errors
    /// [`SaveError::Taken`] if the id is in use.
    pub async fn create(&self, session: &SessionRecord) -> Result<(), SaveError> {
        let sql = "INSERT INTO session (id, secret_hash, role, participant, brand, device, created_at, seen_at, \
             expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING";
        let values = values![
            session.id,
            session.secret_hash,
            session.role.as_str(),
            session.participant,
            &session.brand,
            session.device.as_str(),
            session.created_at,
            session.seen_at,
            session.expires_at,
        ];
        match self.writer.write_one(Statement::new(sql, values)).await? {
            0 => Err(SaveError::Taken { what: "session id" }),
            _ => Ok(()),
        }
    }

    /// Records that a session was used, and when it now ends.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn touch(
        &self,
        id: SessionId,
        seen_at: Timestamp,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE session SET seen_at = $1, expires_at = $2 WHERE id = $3 AND revoked_at IS NULL";
        self.writer.write_one(Statement::new(sql, values![seen_at, expires_at, id])).await.map(drop)
    }

    /// Gives a session to another participant: a visitor was identified as one whom the brand knows.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn reassign(&self, id: SessionId, participant: ParticipantId) -> Result<(), StoreError> {
        let sql = "UPDATE session SET participant = $1 WHERE id = $2";
        self.writer.write_one(Statement::new(sql, values![participant, id])).await.map(drop)
    }

    /// Ends a session of `participant`. Returns whether there was one to end.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn revoke(
        &self,
        id: SessionId,
        participant: ParticipantId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE session SET revoked_at = $1 \
             WHERE id = $2 AND participant = $3 AND revoked_at IS NULL";
        Ok(self.writer.write_one(Statement::new(sql, values![at, id, participant])).await? > 0)
    }

    /// Ends all sessions of `participant`. Returns how many.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn revoke_all(&self, participant: ParticipantId, at: Timestamp) -> Result<u64, StoreError> {
        let sql = "UPDATE session SET revoked_at = $1 WHERE participant = $2 AND revoked_at IS NULL";
        self.writer.write_one(Statement::new(sql, values![at, participant])).await
    }

    /// Forgets the sessions that ended before `before`. Returns how many.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn forget_ended(&self, before: Timestamp) -> Result<u64, StoreError> {
        let sql = "DELETE FROM session WHERE expires_at < $1 OR revoked_at < $1";
        self.writer.write_one(Statement::new(sql, values![before])).await
    }
}

fn session_of(row: &Row) -> Result<SessionRecord, StoreError> {
    let mut columns = row.columns("session");
    Ok(SessionRecord {
        id: SessionId::from_bytes(columns.bytes("id")?),
        secret_hash: columns.bytes("secret_hash")?,
        role: columns.parse("role")?,
        participant: ParticipantId::from_bytes(columns.bytes("participant")?),
        brand: columns.parse("brand")?,
        device: columns.get("device")?,
        created_at: columns.at("created_at")?,
        seen_at: columns.at("seen_at")?,
        expires_at: columns.at("expires_at")?,
        revoked_at: columns.maybe_at("revoked_at")?,
    })
}
