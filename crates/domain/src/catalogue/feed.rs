//! A feed in any of its formats: products and refusals, one after the other.

use std::collections::HashMap;
use std::io::{self, BufRead};

use portico_protocol::Product;

use super::item::{Addresses, Field};
use super::refusal::{Reason, Refusal};
use super::table::Table;
use super::xml::Xml;
use super::{ITEM_BYTES_MAX, ITEMS_MAX};

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// How a feed is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Values between tabs.
    Tsv,
    /// Values between commas.
    Csv,
    /// RSS 2.0 or Atom 1.0.
    Xml,
}

/// A product and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// On which line it begins.
    pub line: u64,
    /// The product.
    pub product: Product,
}

/// Why a feed cannot be read on. Nothing of it may then be used: what is missing is unknown.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// There is nothing in it.
    #[error("the feed is empty")]
    Empty,
    /// It is UTF-16, or says that it is in another encoding.
    #[error("the feed is written in {found}: save it as UTF-8")]
    Encoding {
        /// Which.
        found: String,
    },
    /// A field without which there is no product is in no column.
    #[error("the first line names no column {field}: it must hold the names of all columns")]
    MissingColumn {
        /// Which.
        field: Field,
    },
    /// The first line is no header.
    #[error("the first line has more than {columns} columns or {bytes} bytes")]
    HeaderTooLarge {
        /// How many columns are allowed.
        columns: usize,
        /// How many bytes.
        bytes: usize,
    },
    /// It is not XML, or ends too early.
    #[error("line {line}: {problem}")]
    Malformed {
        /// Where.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// An element, or what stands between items, is longer than an item may be.
    #[error("line {line}: more than {limit} bytes without a whole item")]
    TooLarge {
        /// Where.
        line: u64,
        /// How many bytes are allowed.
        limit: usize,
    },
    /// There are too many items.
    #[error("the feed has more than {limit} items")]
    TooManyItems {
        /// How many are allowed.
        limit: u32,
    },
    /// It could not be read.
    #[error("the feed could not be read")]
    Read(#[from] io::Error),
}

/// A feed that is being read.
pub struct Feed<R> {
    source: Source<R>,
    addresses: Addresses,
    /// On which line each id was first used.
    ids: HashMap<Box<str>, u64>,
    items: u32,
}

enum Source<R> {
    Table(Box<Table<R>>),
    Xml(Box<Xml<R>>),
}

impl<R> std::fmt::Debug for Feed<R> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Feed").field("items", &self.items).finish_non_exhaustive()
    }
}

impl<R: BufRead> Feed<R> {
    /// Begins to read. Without a format, it is told by the first line.
    ///
    /// # Errors
    /// The feed is empty, not UTF-8, or its header names not all columns that are needed.
    pub fn open(mut input: R, format: Option<Format>, addresses: Addresses) -> Result<Self, FeedError> {
        let start = input.fill_buf()?;
        if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
            return Err(FeedError::Encoding { found: "UTF-16".into() });
        }
        if start.is_empty() {
            return Err(FeedError::Empty);
        }
        let format = format.unwrap_or_else(|| sniff(start));
        if start.starts_with(UTF8_MARK) {
            input.consume(UTF8_MARK.len());
        }
        let source = match format {
            Format::Tsv => Source::Table(Box::new(Table::open(input, b'\t')?)),
            Format::Csv => Source::Table(Box::new(Table::open(input, b',')?)),
            Format::Xml => Source::Xml(Box::new(Xml::open(input))),
        };
        Ok(Self { source, addresses, ids: HashMap::new(), items: 0 })
    }

    /// The next product, or why it is none; `None` at the end.
    ///
    /// # Errors
    /// The feed cannot be read on.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator would invite to pass over the outer error"
    )]
    pub fn next(&mut self) -> Result<Option<Result<Entry, Refusal>>, FeedError> {
        let item = match &mut self.source {
            Source::Table(table) => table.next_item()?,
            Source::Xml(xml) => xml.next_item()?,
        };
        let Some(item) = item else { return Ok(None) };
        self.items += 1;
        if self.items > ITEMS_MAX {
            return Err(FeedError::TooManyItems { limit: ITEMS_MAX });
        }
        let item = match item {
            Ok(item) => item,
            Err(refusal) => return Ok(Some(Err(refusal))),
        };
        let line = item.line;
        let product =
            item.into_product(self.addresses).and_then(|product| match self.ids.get(product.id.as_str()) {
                Some(first) => Err(Reason::Duplicate { first: *first }),
                None => Ok(product),
            });
        Ok(Some(match product {
            Ok(product) => {
                self.ids.insert(product.id.as_str().into(), line);
                Ok(Entry { line, product })
            }
            Err(reason) => Err(Refusal { line, reason }),
        }))
    }
}

/// The format that the beginning of a feed speaks for.
fn sniff(start: &[u8]) -> Format {
    let start = start.strip_prefix(UTF8_MARK).unwrap_or(start);
    if start.trim_ascii_start().starts_with(b"<") {
        return Format::Xml;
    }
    let header = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if header.contains(&b'\t') { Format::Tsv } else { Format::Csv }
}

/// What [`super::xml`] says when its input holds too much between two items.
pub(super) fn too_large(line: u64) -> FeedError {
    FeedError::TooLarge { line, limit: ITEM_BYTES_MAX }
}
