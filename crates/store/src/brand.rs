//! Brands, their keys, and what the checks of their proofs found.

use portico_protocol::{BrandId, Timestamp};

use crate::StoreError;
use crate::database::{Pool, Row, Statement, values};
use crate::writer::Writer;

/// Most brands on one server.
const BRANDS_MAX: i64 = 10_000;
/// Most keys of a brand that are read: two are valid at once, the rest is history.
const KEYS_MAX: i64 = 100;

/// A brand. The settings are opaque here.
#[derive(Clone, Debug, PartialEq)]
pub struct BrandRecord {
    /// The name in addresses.
    pub id: BrandId,
    /// JSON text.
    pub settings: String,
    /// When it was added.
    pub created_at: Timestamp,
    /// When its settings last changed.
    pub updated_at: Timestamp,
}

/// A signing key of a brand.
#[derive(Clone, PartialEq)]
pub struct BrandKey {
    /// The key's id, as signatures name it.
    pub id: String,
    /// The private key, encrypted by the caller.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when nothing new is signed with it.
    pub retired_at: Option<Timestamp>,
}

impl core::fmt::Debug for BrandKey {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "BrandKey({})", self.id)
    }
}

/// What one check of a brand's proof found.
#[derive(Clone, Debug, PartialEq)]
pub struct BrandProof {
    /// When it was checked.
    pub at: Timestamp,
    /// JSON text, opaque here.
    pub finding: String,
}

/// Reads and changes brands. From [`crate::Store::brands`].
#[derive(Debug)]
pub struct Brands<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

impl Brands<'_> {
    /// All brands, by id.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn all(&self) -> Result<Vec<BrandRecord>, StoreError> {
        let sql = "SELECT id, settings, created_at, updated_at FROM brand ORDER BY id LIMIT $1";
        self.pool.fetch(sql, values![BRANDS_MAX]).await?.iter().map(brand_of).collect()
    }

    /// The brand with this id.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(&self, id: &BrandId) -> Result<Option<BrandRecord>, StoreError> {
        let sql = "SELECT id, settings, created_at, updated_at FROM brand WHERE id = $1";
        self.pool.find(sql, values![id]).await?.as_ref().map(brand_of).transpose()
    }

    /// Adds a brand or replaces its settings.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn save(&self, id: &BrandId, settings: &str, now: Timestamp) -> Result<(), StoreError> {
        let sql = "INSERT INTO brand (id, settings, created_at, updated_at) VALUES ($1, $2, $3, $3) \
             ON CONFLICT (id) DO UPDATE SET settings = excluded.settings, updated_at = excluded.updated_at";
        self.writer.write_one(Statement::new(sql, values![id, settings, now])).await.map(drop)
    }

    /// Notes that something about the brand changed: whoever compares `updated_at` reads it again. Differs from
    /// before even where the clock stood still or was set back.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn touch(&self, id: &BrandId, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE brand SET updated_at = CASE WHEN updated_at >= $1 THEN updated_at + 1 ELSE $1 END \
             WHERE id = $2";
        self.writer.write_one(Statement::new(sql, values![now, id])).await.map(drop)
    }

    /// The brand's logo, an image file as the caller stored it.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn logo(&self, id: &BrandId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.pool.find("SELECT logo FROM brand WHERE id = $1", values![id]).await?;
        Ok(row.map(|row| row.columns("brand").get("logo")).transpose()?.flatten())
    }

    /// Replaces the brand's logo, or with `None` removes it.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn set_logo(
        &self,
        id: &BrandId,
        logo: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE brand SET logo = $1, updated_at = $2 WHERE id = $3";
        self.writer.write_one(Statement::new(sql, values![logo, now, id])).await.map(drop)
    }

    /// The brand's keys, newest first.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn keys(&self, brand: &BrandId) -> Result<Vec<BrandKey>, StoreError> {
        let sql = "SELECT id, sealed, created_at, retired_at FROM brand_key WHERE brand = $1 \
             ORDER BY created_at DESC, id LIMIT $2";
        self.pool.fetch(sql, values![brand, KEYS_MAX]).await?.iter().map(key_of).collect()
    }

    /// Adds a key to a brand that is there.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn add_key(&self, brand: &BrandId, key: &BrandKey) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO brand_key (brand, id, sealed, created_at, retired_at) VALUES ($1, $2, $3, $4, $5)";
        let values = values![brand, key.id.as_str(), key.sealed.as_slice(), key.created_at, key.retired_at];
        self.writer.write_one(Statement::new(sql, values)).await.map(drop)
    }

    /// Signs nothing new with a key from `at` on.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn retire_key(&self, brand: &BrandId, key: &str, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE brand_key SET retired_at = $1 WHERE brand = $2 AND id = $3 AND retired_at IS NULL";
        self.writer.write_one(Statement::new(sql, values![at, brand, key])).await.map(drop)
    }

    /// Records what a check found. Nothing recorded is ever changed.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn record_proof(&self, brand: &BrandId, proof: &BrandProof) -> Result<(), StoreError> {
        let sql = "INSERT INTO brand_proof (brand, number, at, finding) \
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3 FROM brand_proof WHERE brand = $1";
        let values = values![brand, proof.at, proof.finding.as_str()];
        self.writer.write_one(Statement::new(sql, values)).await.map(drop)
    }

    /// Forgets all but the newest `kept` findings of each brand. Returns how many.
    ///
    /// # Errors
    /// It could not be stored.
    pub async fn forget_proofs(&self, kept: u32) -> Result<u64, StoreError> {
        let sql = "DELETE FROM brand_proof WHERE number <= \
             (SELECT MAX(newest.number) FROM brand_proof AS newest WHERE newest.brand = brand_proof.brand) - $1";
        self.writer.write_one(Statement::new(sql, values![i64::from(kept)])).await
    }

    /// What the last checks found, newest first, at most `limit`.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn proofs(&self, brand: &BrandId, limit: u32) -> Result<Vec<BrandProof>, StoreError> {
        let sql = "SELECT at, finding FROM brand_proof WHERE brand = $1 ORDER BY number DESC LIMIT $2";
        let rows = self.pool.fetch(sql, values![brand, i64::from(limit)]).await?;
        rows.iter().map(proof_of).collect()
    }
}

fn brand_of(row: &Row) -> Result<BrandRecord, StoreError> {
    let mut columns = row.columns("brand");
    Ok(BrandRecord {
        id: columns.parse("id")?,
        settings: columns.get("settings")?,
        created_at: columns.at("created_at")?,
        updated_at: columns.at("updated_at")?,
    })
}

fn key_of(row: &Row) -> Result<BrandKey, StoreError> {
    let mut columns = row.columns("brand_key");
    Ok(BrandKey {
        id: columns.get("id")?,
        sealed: columns.get("sealed")?,
        created_at: columns.at("created_at")?,
        retired_at: columns.maybe_at("retired_at")?,
    })
}

fn proof_of(row: &Row) -> Result<BrandProof, StoreError> {
    let mut columns = row.columns("brand_proof");
    Ok(BrandProof { at: columns.at("at")?, finding: columns.get("finding")? })
}
