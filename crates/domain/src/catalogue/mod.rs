//! The catalogue: what a product feed may say, and how its products are found again.
//!
//! The rules are those of Google's product data specification, which shops already fulfil. A feed is read as
//! a stream in constant memory; an item that breaks a rule is refused by line with the reason, and a feed that
//! cannot be understood at all is refused as a whole.

mod feed;
mod index;
mod item;
mod refusal;
mod search;
mod table;
mod words;
mod xml;

pub use feed::{Entry, Feed, FeedError, Format};
pub use index::{Index, Term};
pub use item::{Addresses, Field};
pub use refusal::{Reason, Refusal};
pub use search::{BadPostings, Postings, Search, rank};
pub use words::fold;

/// Most items of a feed.
pub const ITEMS_MAX: u32 = 1_000_000;
/// Longest item, in bytes with all its quotes and tags. The longest legal one, with four bytes a character
/// and all pictures, has a tenth of this.
pub const ITEM_BYTES_MAX: usize = 1 << 20;
/// Most columns of a table.
pub const COLUMNS_MAX: usize = 256;
/// Longest id, in code points.
pub const ID_CHARS_MAX: usize = 50;
/// Longest title, in code points.
pub const TITLE_CHARS_MAX: usize = 150;
/// Longest description, in code points.
pub const DESCRIPTION_CHARS_MAX: usize = 5_000;
/// Longest address, in code points.
pub const LINK_CHARS_MAX: usize = 2_000;
/// Most additional pictures.
pub const ADDITIONAL_IMAGES_MAX: usize = 10;
/// Longest brand and part number, in code points.
pub const BRAND_CHARS_MAX: usize = 70;
/// Longest group id, in code points.
pub const GROUP_CHARS_MAX: usize = 50;
/// Longest colour and size, in code points.
pub const COLOR_CHARS_MAX: usize = 100;
/// Longest product type and category, in code points.
pub const TYPE_CHARS_MAX: usize = 750;
/// Longest term of the index, in code points: what is longer is found by its beginning.
pub const TERM_CHARS_MAX: usize = 40;
/// Most terms of one product; those of the title come first.
pub const TERMS_MAX: usize = 100;
/// Most words of a search; what follows is passed over.
pub const SEARCH_WORDS_MAX: usize = 8;
/// Most terms that one word of a search stands for, in the order of the alphabet.
pub const TERMS_PER_WORD_MAX: usize = 1_000;
/// Most products that a search gives.
pub const FOUND_MAX: usize = 50;
