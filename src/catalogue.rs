//! Importing a product feed: reads it, checks it, writes it beside the catalogue that readers see, swaps.

use std::io::BufRead;

use portico_domain::catalogue::{Feed, FeedError, Index, Refusal};
use portico_protocol::{BrandId, Moment, Product};
use portico_store::{ImportError, Store, StoreError};

use crate::clock;

/// Products that one commit writes: about as much work as its sync, which chats wait for anyway.
const PRODUCTS_MAX: usize = 512;
/// Terms that one commit writes, and bytes of postings.
const TERMS_MAX: usize = 1_024;
const POSTINGS_BYTES_MAX: usize = 256 << 10;

/// What an import does.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    /// Where the feed comes from, for people to read.
    pub source: &'a str,
    /// Whose catalogue is replaced.
    pub brand: &'a BrandId,
    /// What a bad line means for the others.
    pub refusals: Refusals,
}

/// What a bad line means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusals {
    /// They are imported without it.
    ImportRest,
    /// Nothing is imported.
    RefuseAll,
}

/// How an import went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Products that the catalogue has now; zero: the one before is still there.
    pub imported: u64,
    /// Items that were refused.
    pub refused: u64,
}

/// Who is told how an import goes.
pub trait Watch {
    /// An item was refused.
    fn refused(&mut self, refusal: &Refusal);
    /// So many items were read.
    fn read(&mut self, items: u64);
}

/// Nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Watch for Silent {
    fn refused(&mut self, _: &Refusal) {}
    fn read(&mut self, _: u64) {}
}

/// Why nothing was imported. The catalogue before is untouched.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The feed cannot be understood.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// It could not be written.
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Import(error.into())
    }
}

/// Replaces the brand's catalogue by `feed`, from one moment to the next. Reads as a stream, and leaves the
/// database as long to others as it has used it. A feed without a single product replaces nothing.
///
/// # Errors
/// The feed cannot be read to its end, another import is under way, or it could not be stored.
pub async fn import<R: BufRead>(
    store: &Store,
    mut feed: Feed<R>,
    settings: &Settings<'_>,
    watch: &mut impl Watch,
) -> Result<Report, Failure> {
    let catalogues = store.catalogues();
    let mut import = catalogues.begin_import(settings.brand, clock::now()).await?;
    let result = write(&mut import, &mut feed, settings, watch).await;
    if !result.as_ref().is_ok_and(|report| report.imported > 0) {
        import.abandon();
        // What stays is cleared by the next import; why this one failed is what counts.
        let _ = clear(&mut import).await;
    }
    // Also after a failure, so that the next try need not wait; what failed first is what is told.
    let ended = import.end().await;
    let report = result?;
    ended?;
    Ok(report)
}

async fn write<R: BufRead>(
    import: &mut portico_store::Import<'_>,
    feed: &mut Feed<R>,
    settings: &Settings<'_>,
    watch: &mut impl Watch,
) -> Result<Report, Failure> {
    clear(import).await?;
    let (mut report, mut items, mut index) = (Report::default(), 0, Index::default());
    let mut products = Vec::with_capacity(PRODUCTS_MAX);
    while let Some(item) = feed.next()? {
        items += 1;
        match item {
            Ok(entry) => products.push(entry.product),
            Err(refusal) => {
                report.refused += 1;
                watch.refused(&refusal);
            }
        }
        let is_in_vain = report.refused > 0 && settings.refusals == Refusals::RefuseAll;
        if is_in_vain {
            // Read on, so that all that is wrong is told at once.
            products.clear();
        } else if products.len() == PRODUCTS_MAX {
            add(import, &mut index, &mut products).await?;
            watch.read(items);
        }
    }
    watch.read(items);
    if report.refused > 0 && settings.refusals == Refusals::RefuseAll {
        return Ok(report);
    }
    add(import, &mut index, &mut products).await?;
    let imported = items - report.refused;
    if imported == 0 {
        return Ok(report);
    }
    add_terms(import, index).await?;
    import.swap(settings.source, clock::now()).await?;
    report.imported = imported;
    clear(import).await?;
    Ok(report)
}

async fn add(
    import: &mut portico_store::Import<'_>,
    index: &mut Index,
    products: &mut Vec<Product>,
) -> Result<(), Failure> {
    if products.is_empty() {
        return Ok(());
    }
    let first = politely(import.add(products, clock::now())).await?;
    for (number, product) in (first..).zip(products.drain(..)) {
        index.add(u32::try_from(number).unwrap_or(u32::MAX), &product);
    }
    Ok(())
}

async fn add_terms(import: &mut portico_store::Import<'_>, index: Index) -> Result<(), Failure> {
    let (mut batch, mut bytes) = (Vec::new(), 0);
    for term in index.into_terms() {
        bytes += term.postings.len();
        batch.push(term);
        if batch.len() == TERMS_MAX || bytes >= POSTINGS_BYTES_MAX {
            politely(import.add_terms(std::mem::take(&mut batch), clock::now())).await?;
            bytes = 0;
        }
    }
    if !batch.is_empty() {
        politely(import.add_terms(batch, clock::now())).await?;
    }
    Ok(())
}

/// Deletes what nobody reads: the catalogue before, and what imports that died have left.
async fn clear(import: &mut portico_store::Import<'_>) -> Result<(), Failure> {
    while politely(import.clear_some(clock::now())).await? {}
    Ok(())
}

/// Runs one short commit, then leaves the database to others for as long: SQLite lets the quickest in, not the
/// one that waits longest, and a chat must not wait for an import.
async fn politely<T>(commit: impl Future<Output = Result<T, ImportError>>) -> Result<T, ImportError> {
    let began_at = clock::moment();
    let result = commit.await;
    let ended_at = clock::moment();
    let used_ms = ended_at.millis_since(began_at);
    clock::sleep_until(Moment::from_millis(ended_at.as_millis() + used_ms)).await;
    result
}
