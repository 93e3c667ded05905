//! Uploads, and the files that they became.

use portico_protocol::{BrandId, ConversationId, MediaId, ParticipantId, Problem, Timestamp};

use crate::database::{Pool, Row, Statement, values};
use crate::writer::Writer;
use crate::{SaveError, StoreError};

/// Most uploads that are forgotten in one go.
const FORGET_MAX: u64 = 1_000;

/// An upload, or the file that it became.
#[derive(Clone, PartialEq)]
pub struct MediaRecord {
    /// The upload's id, and the file's.
    pub id: MediaId,
    /// The brand of the conversation.
    pub brand: BrandId,
    /// Who takes part in it may fetch the file.
    pub conversation: ConversationId,
    /// Who uploads it.
    pub participant: ParticipantId,
    /// Its name, made harmless.
    pub name: String,
    /// How long it was announced to be.
    pub bytes: u64,
    /// What the sender takes it for.
    pub purpose: String,
    /// When the upload began.
    pub created_at: Timestamp,
    /// What became of it; `None`: not all of it is there, or it was not looked at yet.
    pub outcome: Option<MediaOutcome>,
}

/// What became of an upload.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaOutcome {
    /// A file.
    Kept(KeptMedia),
    /// Nothing.
    Refused(Box<Problem>),
}

/// What is known of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptMedia {
    /// When its last byte had come.
    pub received_at: Timestamp,
    /// Its `Content-Type`.
    pub kind: String,
    /// How long it is as it is kept.
    pub kept_bytes: u64,
    /// SHA-256 of it as it was sent.
    pub sha256: [u8; 32],
    /// A picture's width and height in pixels.
    pub sides: Option<(u32, u32)>,
    /// What is drawn while a picture loads.
    pub placeholder: Option<String>,
}

/// What was uploaded to a conversation since a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaUsage {
    /// Bytes announced, kept or not.
    pub bytes: u64,
    /// When the first of them was.
    pub since: Option<Timestamp>,
}

impl std::fmt::Debug for MediaRecord {
    /// Names of files are people's words.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MediaRecord({})", self.id)
    }
}

/// Reads and changes uploads. From [`crate::Store::media`].
#[derive(Debug)]
pub struct MediaFiles<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

const COLUMNS: &str = "id, brand, conversation, participant, name, bytes, purpose, created_at, ended_at, refusal, \
     kind, kept_bytes, sha256, width, height, placeholder";

impl MediaFiles<'_> {
    /// The upload or file with this id.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(&self, id: MediaId) -> Result<Option<MediaRecord>, StoreError> {
        let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS} FROM media WHERE id = $1"));
        self.pool.find(sql, values![id]).await?.as_ref().map(media_of).transpose()
    }

    /// How many uploads `participant` has begun and not finished since `since`.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn count_open(&self, participant: ParticipantId, since: Timestamp) -> Result<u64, StoreError> {
        let sql =
            "SELECT COUNT(*) FROM media WHERE participant = $1 AND ended_at IS NULL AND created_at >= $2";
        let row = self.pool.find(sql, values![participant, since]).await?;
        row.map_or(Ok(0), |row| row.columns("media").number("count"))
    }

    /// How much was uploaded to `conversation` since `since`.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn usage(
        &self,
        conversation: ConversationId,
        since: Timestamp,
    ) -> Result<MediaUsage, StoreError> {
        // PostgreSQL sums whole numbers to a numeric, which has no whole number's type.
        let sql = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT), MIN(created_at) FROM media \
             WHERE conversation = $1 AND created_at >= $2";
        let Some(row) = self.pool.find(sql, values![conversation, since]).await? else {
            return Ok(MediaUsage { bytes: 0, since: None });
        };
        let mut columns = row.columns("media");
        Ok(MediaUsage { bytes: columns.number("bytes")?, since: columns.maybe_at("created_at")? })
    }

    /// Stores a new upload.
    ///
    /// # Errors
    /// [`SaveError::Taken`] if the id is in use.
    pub async fn create(&self, media: &MediaRecord) -> Result<(), SaveError> {
        let sql = "INSERT INTO media (id, brand, conversation, participant, name, bytes, purpose, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING";
        let values = values![
            media.id,
            &media.brand,
            media.conversation,
            media.participant,
            media.name.as_str(),
            media.bytes,
            media.purpose.as_str(),
            media.created_at
        ];
        match self.writer.write_one(Statement::new(sql, values)).await? {
            0 => Err(SaveError::Taken { what: "upload" }),
            _ => Ok(()),
        }
    }

    /// Stores what became of an upload, under its final name. `false`: it was cancelled, or had ended already.
    ///
    /// # Errors
    /// It could not be stored; the upload is then still open.
    pub async fn end(
        &self,
        id: MediaId,
        name: &str,
        outcome: &MediaOutcome,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let statement = match outcome {
            MediaOutcome::Kept(kept) => {
                let sql = "UPDATE media SET ended_at = $2, kind = $3, kept_bytes = $4, sha256 = $5, width = $6, \
                     height = $7, placeholder = $8, name = $9 WHERE id = $1 AND ended_at IS NULL";
                let (width, height) = kept.sides.unzip();
                let values = values![
                    id,
                    kept.received_at,
                    kept.kind.as_str(),
                    kept.kept_bytes,
                    kept.sha256,
                    width.map(i64::from),
                    height.map(i64::from),
                    kept.placeholder.clone(),
                    name
                ];
                Statement::new(sql, values)
            }
            MediaOutcome::Refused(problem) => {
                let sql = "UPDATE media SET ended_at = $2, refusal = $3 WHERE id = $1 AND ended_at IS NULL";
                let text = portico_protocol::codec::encode(&**problem);
                Statement::new(sql, values![id, at, text])
            }
        };
        Ok(self.writer.write_one(statement).await? > 0)
    }

    /// Deletes an upload that has not become a file. Returns whether it was there.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn cancel(&self, id: MediaId) -> Result<bool, StoreError> {
        let sql = "DELETE FROM media WHERE id = $1 AND kind IS NULL";
        Ok(self.writer.write_one(Statement::new(sql, values![id])).await? > 0)
    }

    /// Forgets uploads that began before `before` and have not become files. Returns which, at most a
    /// thousand in one go.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn forget_unfinished(&self, before: Timestamp) -> Result<Vec<MediaId>, StoreError> {
        let sql = "DELETE FROM media WHERE id IN (SELECT id FROM media WHERE kind IS NULL AND created_at < $1 \
             ORDER BY created_at LIMIT $2) RETURNING id";
        let outcomes = self.writer.write(vec![Statement::new(sql, values![before, FORGET_MAX])]).await?;
        let rows = outcomes.iter().flat_map(|outcome| &outcome.rows);
        rows.map(|row| Ok(MediaId::from_bytes(row.columns("media").bytes("id")?))).collect()
    }
}

fn media_of(row: &Row) -> Result<MediaRecord, StoreError> {
    let mut columns = row.columns("media");
    let mut media = MediaRecord {
        id: MediaId::from_bytes(columns.bytes("id")?),
        brand: columns.parse("brand")?,
        conversation: ConversationId::from_bytes(columns.bytes("conversation")?),
        participant: ParticipantId::from_bytes(columns.bytes("participant")?),
        name: columns.get("name")?,
        bytes: columns.number("bytes")?,
        purpose: columns.get("purpose")?,
        created_at: columns.at("created_at")?,
        outcome: None,
    };
    let Some(received_at) = columns.maybe_at("ended_at")? else { return Ok(media) };
    if columns.get::<Option<String>>("refusal")?.is_some() {
        let mut columns = row.columns("media");
        columns.skip(9);
        media.outcome = Some(MediaOutcome::Refused(Box::new(columns.json("refusal")?)));
        return Ok(media);
    }
    let kind = columns.get("kind")?;
    let kept_bytes = columns.number("kept_bytes")?;
    let sha256 = columns.bytes("sha256")?;
    let sides = (columns.get::<Option<i64>>("width")?, columns.get::<Option<i64>>("height")?);
    let side = |pixels: i64| u32::try_from(pixels).ok();
    media.outcome = Some(MediaOutcome::Kept(KeptMedia {
        received_at,
        kind,
        kept_bytes,
        sha256,
        sides: sides.0.and_then(side).zip(sides.1.and_then(side)),
        placeholder: columns.get("placeholder")?,
    }));
    Ok(media)
}
