//! Catalogues: written as a new version beside the one that readers see, swapped in one commit, searched by
//! ranges of terms.

use std::collections::HashMap;
use std::sync::LazyLock;

use portico_domain::catalogue::{FOUND_MAX, Postings, Search, TERMS_PER_WORD_MAX, Term, rank};
use portico_protocol::{BrandId, Product, Timestamp};
use sqlx::SqlStr;

use crate::StoreError;
use crate::database::{Pool, Row, Statement, Value, values};
use crate::template::Template;
use crate::writer::Writer;

/// An import that gave no sign of life for so long is taken for dead, in milliseconds. Each batch is a sign.
const ALIVE_FOR_MS: i64 = 60_000;
/// How many rows one commit deletes: few enough that a chat waits no longer than for another chat.
const DELETED_MAX: u64 = 1_000;
/// How often a search starts anew because a new catalogue came meanwhile.
const ATTEMPTS_MAX: usize = 4;
/// What no product has for a number: fills up what a statement does not need.
const NO_NUMBER: i64 = -1;

static INSERT_PRODUCTS: Template = Template::new(
    "INSERT INTO product (brand, version, number, id, body) SELECT * FROM (VALUES ",
    5,
    ") AS v WHERE column1 IS NOT NULL",
);
static INSERT_TERMS: Template = Template::new(
    "INSERT INTO product_term (brand, version, term, postings) SELECT * FROM (VALUES ",
    4,
    ") AS v WHERE column1 IS NOT NULL",
);
static SELECT_PRODUCTS: LazyLock<String> = LazyLock::new(|| {
    let numbers: Vec<_> = (0..FOUND_MAX).map(|index| format!("${}", index + 3)).collect();
    let numbers = numbers.join(", ");
    format!("SELECT number, body FROM product WHERE brand = $1 AND version = $2 AND number IN ({numbers})")
});

/// What is known of a brand's catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueRecord {
    /// Which import it is from; they are counted for each brand.
    pub version: u64,
    /// From which file or address, as the importer was told.
    pub source: String,
    /// When it replaced the one before.
    pub imported_at: Timestamp,
    /// How many products it has.
    pub product_count: u64,
}

/// Why an import does not go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Another import for the same brand is under way.
    #[error(
        "another import for this brand is under way; it counts as dead after a minute without a sign of life"
    )]
    Busy {
        /// When it counts as dead without another sign of life.
        until: Timestamp,
    },
    /// This import was silent for so long that another one took over.
    #[error("this import stood still for so long that another one took over")]
    Overtaken,
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads and replaces catalogues. From [`crate::Store::catalogues`].
#[derive(Debug)]
pub struct Catalogues<'s> {
    pub(crate) pool: &'s Pool,
    pub(crate) writer: &'s Writer,
}

/// A catalogue that is being written; nobody sees it before [`Import::swap`]. Every step is one short commit,
/// so that who imports chooses how much of the database the chats keep. Dropping it leaves what was written to
/// the next import, which clears it.
#[derive(Debug)]
pub struct Import<'s> {
    pool: &'s Pool,
    writer: &'s Writer,
    brand: BrandId,
    version: u64,
    /// Versions from here on are not cleared.
    clears_below: u64,
    product_count: u64,
}

impl<'s> Catalogues<'s> {
    /// The brand's catalogue, if it has one.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn find(&self, brand: &BrandId) -> Result<Option<CatalogueRecord>, StoreError> {
        find(self.pool, brand).await
    }

    /// One product by the shop's id.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn product(&self, brand: &BrandId, id: &str) -> Result<Option<Product>, StoreError> {
        // One statement sees one state: the version and its product.
        let sql = "SELECT product.number, product.body FROM catalogue JOIN product \
             ON product.brand = catalogue.brand AND product.version = catalogue.version AND product.id = $2 \
             WHERE catalogue.brand = $1";
        let row = self.pool.find(sql, values![brand, id]).await?;
        row.map(|row| product_of(&row).map(|(_, product)| product)).transpose()
    }

    /// The products that match, the best first, at most `limit` and never more than
    /// [`portico_domain::catalogue::FOUND_MAX`]. All of one catalogue, also while another one replaces it.
    ///
    /// # Errors
    /// The database is unavailable or holds a bad row.
    pub async fn search(
        &self,
        brand: &BrandId,
        search: &Search,
        limit: usize,
    ) -> Result<Vec<Product>, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let Some(before) = self.find(brand).await? else { return Ok(Vec::new()) };
            let found = self.search_version(brand, before.version, search, limit.min(FOUND_MAX)).await;
            // The rows of a version are deleted only after another one has taken its place.
            let after = self.find(brand).await?;
            if after.is_some_and(|after| after.version == before.version) {
                return found;
            }
        }
        Err(StoreError::Overloaded)
    }

    async fn search_version(
        &self,
        brand: &BrandId,
        version: u64,
        search: &Search,
        limit: usize,
    ) -> Result<Vec<Product>, StoreError> {
        let mut words = Vec::new();
        for word in &search.words {
            words.push(self.postings(brand, version, word).await?);
        }
        if words.is_empty() {
            words.push(self.postings(brand, version, "").await?);
        }
        let bad = |_| StoreError::BadRow { table: "product_term", column: "postings", id: brand.to_string() };
        let numbers = rank(search, &words, limit).map_err(bad)?;
        let mut values = values![brand, version];
        let wanted = numbers.iter().map(|number| i64::from(*number));
        values.extend(wanted.chain(std::iter::repeat(NO_NUMBER)).take(FOUND_MAX).map(Value::from));
        let sql = SqlStr::from_static(SELECT_PRODUCTS.as_str());
        let rows = self.pool.fetch(sql, values).await?;
        let mut products = rows.iter().map(product_of).collect::<Result<HashMap<_, _>, _>>()?;
        Ok(numbers.iter().filter_map(|number| products.remove(&u64::from(*number))).collect())
    }

    /// The postings of all terms that begin with `word`; for the empty one, its own.
    async fn postings(&self, brand: &BrandId, version: u64, word: &str) -> Result<Vec<Postings>, StoreError> {
        let first = word.as_bytes();
        // No UTF-8 holds this byte: whatever begins with the word sorts below.
        let past: Vec<u8> = first.iter().copied().chain([if word.is_empty() { 0 } else { 0xff }]).collect();
        let sql = "SELECT term, postings FROM product_term \
             WHERE brand = $1 AND version = $2 AND term >= $3 AND term < $4 ORDER BY term LIMIT $5";
        let values = values![brand, version, first, past, TERMS_PER_WORD_MAX as u64];
        let rows = self.pool.fetch(sql, values).await?;
        let postings = rows.iter().map(|row| {
            let mut columns = row.columns("product_term");
            let is_whole = columns.get::<&[u8]>("term")? == first;
            Ok(Postings { is_whole, bytes: columns.get("postings")? })
        });
        postings.collect()
    }

    /// Begins to write a new catalogue for `brand`.
    ///
    /// # Errors
    /// [`ImportError::Busy`] while another import is under way.
    pub async fn begin_import(&self, brand: &BrandId, now: Timestamp) -> Result<Import<'s>, ImportError> {
        let sql = "INSERT INTO catalogue_import (brand, version, alive_until) VALUES ($1, 1, $2) \
             ON CONFLICT (brand) DO UPDATE SET version = catalogue_import.version + 1, \
             alive_until = excluded.alive_until WHERE catalogue_import.alive_until <= $3 RETURNING version";
        let values = values![brand, now.plus_millis(ALIVE_FOR_MS), now];
        let outcomes = self.writer.write(vec![Statement::new(sql, values)]).await?;
        let row = outcomes.first().and_then(|outcome| outcome.rows.first());
        let Some(row) = row else {
            let sql = "SELECT brand, alive_until FROM catalogue_import WHERE brand = $1";
            let row = self.pool.find(sql, values![brand]).await?;
            let until = row.map(|row| {
                let mut columns = row.columns("catalogue_import");
                columns.skip(1);
                columns.at("alive_until")
            });
            return Err(ImportError::Busy { until: until.transpose()?.unwrap_or(now) });
        };
        let version = row.columns("catalogue_import").number("version")?;
        Ok(Import {
            pool: self.pool,
            writer: self.writer,
            brand: brand.clone(),
            version,
            clears_below: version,
            product_count: 0,
        })
    }
}

impl Import<'_> {
    /// Writes the next products. Returns the number of the first; the others follow.
    ///
    /// # Errors
    /// Another import took over, or it could not be stored.
    pub async fn add(&mut self, products: &[Product], now: Timestamp) -> Result<u64, ImportError> {
        let first = self.product_count;
        let mut values = Vec::with_capacity(products.len() * 5);
        for (number, product) in (first..).zip(products) {
            let body = portico_protocol::codec::encode(product);
            values.append(&mut values![&self.brand, self.version, number, product.id.as_str(), body]);
        }
        self.write(&INSERT_PRODUCTS, values, now).await?;
        self.product_count += products.len() as u64;
        Ok(first)
    }

    /// Writes terms of the index.
    ///
    /// # Errors
    /// Another import took over, or it could not be stored.
    pub async fn add_terms(&mut self, terms: Vec<Term>, now: Timestamp) -> Result<(), ImportError> {
        let mut values = Vec::with_capacity(terms.len() * 4);
        for Term { term, postings } in terms {
            values.append(&mut values![&self.brand, self.version, term.as_bytes(), postings]);
        }
        self.write(&INSERT_TERMS, values, now).await
    }

    /// Shows readers this catalogue instead of the one before, from one moment to the next.
    ///
    /// # Errors
    /// Another import took over, or it could not be stored.
    pub async fn swap(&mut self, source: &str, now: Timestamp) -> Result<(), ImportError> {
        // The import that was overtaken must not undo what its successor has shown.
        let sql = "INSERT INTO catalogue (brand, version, source, imported_at, product_count) \
             SELECT brand, version, $3, $4, $5 FROM catalogue_import WHERE brand = $1 AND version = $2 \
             ON CONFLICT (brand) DO UPDATE SET version = excluded.version, source = excluded.source, \
             imported_at = excluded.imported_at, product_count = excluded.product_count";
        let values = values![&self.brand, self.version, source, now, self.product_count];
        match self.writer.write_one(Statement::new(sql, values)).await? {
            0 => Err(ImportError::Overtaken),
            _ => Ok(()),
        }
    }

    /// Gives up: what was written is cleared, too, unless it was swapped already.
    pub const fn abandon(&mut self) {
        self.clears_below = self.version + 1;
    }

    /// Deletes some rows of versions that nobody reads. Returns whether there may be more.
    ///
    /// # Errors
    /// Another import took over, or it could not be stored.
    pub async fn clear_some(&mut self, now: Timestamp) -> Result<bool, ImportError> {
        let shown = find(self.pool, &self.brand).await?.map_or(0, |record| record.version);
        for (find_version, delete) in CLEARINGS {
            // Below the one that is shown, and between that and this one: both are short ranges of an index.
            for (from, to) in [(0, shown), (shown + 1, self.clears_below)] {
                let row = self.pool.find(find_version, values![&self.brand, from, to]).await?;
                let Some(row) = row else { continue };
                let version = row.columns("product").number("version")?;
                let statement = Statement::new(delete, values![&self.brand, version, DELETED_MAX]);
                self.write_alive(vec![statement], now).await?;
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Lets others import. What was not swapped is cleared by the next import.
    ///
    /// # Errors
    /// It could not be stored; the import then counts as dead after a minute.
    pub async fn end(self) -> Result<(), ImportError> {
        let sql = "UPDATE catalogue_import SET alive_until = 0 WHERE brand = $1 AND version = $2";
        self.writer.write_one(Statement::new(sql, values![&self.brand, self.version])).await?;
        Ok(())
    }

    async fn write(
        &self,
        template: &Template,
        values: Vec<Value>,
        now: Timestamp,
    ) -> Result<(), ImportError> {
        self.write_alive(template.statements(values, self.pool.placeholder()), now).await
    }

    /// Writes, and gives a sign of life with it.
    async fn write_alive(&self, mut statements: Vec<Statement>, now: Timestamp) -> Result<(), ImportError> {
        let sql = "UPDATE catalogue_import SET alive_until = $3 WHERE brand = $1 AND version = $2";
        let alive_until = now.plus_millis(ALIVE_FOR_MS);
        statements.push(Statement::new(sql, values![&self.brand, self.version, alive_until]));
        let outcomes = self.writer.write(statements).await?;
        match outcomes.last().map_or(0, |outcome| outcome.rows_affected) {
            // What was written belongs to a version that nobody will ever see; the next import clears it.
            0 => Err(ImportError::Overtaken),
            _ => Ok(()),
        }
    }
}

/// For each table of a version: which one has rows there, and how some of them are deleted.
const CLEARINGS: [(&str, &str); 2] = [
    (
        "SELECT version FROM product WHERE brand = $1 AND version >= $2 AND version < $3 \
         ORDER BY brand, version LIMIT 1",
        "DELETE FROM product WHERE brand = $1 AND version = $2 AND number IN \
         (SELECT number FROM product WHERE brand = $1 AND version = $2 ORDER BY number LIMIT $3)",
    ),
    (
        "SELECT version FROM product_term WHERE brand = $1 AND version >= $2 AND version < $3 \
         ORDER BY brand, version LIMIT 1",
        "DELETE FROM product_term WHERE brand = $1 AND version = $2 AND term IN \
         (SELECT term FROM product_term WHERE brand = $1 AND version = $2 ORDER BY term LIMIT $3)",
    ),
];

async fn find(pool: &Pool, brand: &BrandId) -> Result<Option<CatalogueRecord>, StoreError> {
    let sql = "SELECT brand, version, source, imported_at, product_count FROM catalogue WHERE brand = $1";
    let row = pool.find(sql, values![brand]).await?;
    row.map(|row| {
        let mut columns = row.columns("catalogue");
        columns.skip(1);
        Ok(CatalogueRecord {
            version: columns.number("version")?,
            source: columns.get("source")?,
            imported_at: columns.at("imported_at")?,
            product_count: columns.number("product_count")?,
        })
    })
    .transpose()
}

fn product_of(row: &Row) -> Result<(u64, Product), StoreError> {
    let mut columns = row.columns("product");
    Ok((columns.number("number")?, columns.json("body")?))
}
