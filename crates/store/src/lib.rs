//! All SQL: one text for SQLite and PostgreSQL, and the group-commit writer.
//!
//! Whatever returns from here with success is durable: committed and synced. Nothing here knows sockets,
//! clocks or randomness; times and ids come from the caller. Every list is bounded.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # use portico_protocol::{ConversationId, Timestamp};
//! # let folder = tempfile::tempdir()?;
//! # let url = format!("sqlite:{}", folder.path().join("portico.db").display());
//! use portico_store::{Options, Store};
//!
//! let store = Store::open(&Options::new(url)).await?;
//! store.migrate().await?;
//! let conversation = ConversationId::new(Timestamp::from_millis(0), [0; 10]);
//! assert!(store.entries().newest(conversation, 50).await?.is_empty());
//! # store.close().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```

mod batch;
mod brand;
mod cache;
mod canned_reply;
mod checkpoint;
mod connect;
mod conversation;
mod database;
mod device_link;
mod entry;
mod error;
mod fold;
mod migration;
mod redaction;
mod representative;
mod session;
mod store;
mod template;
mod visitor;
mod watermark;
mod writer;

pub use brand::{BrandKey, BrandProof, BrandRecord, Brands};
pub use canned_reply::CannedReplies;
pub use conversation::{Asker, Conversations, Cursor, InboxCounts, InvalidCursor, SummaryPage};
pub use device_link::{DeviceLinkRecord, DeviceLinks};
pub use entry::Entries;
pub use error::{AppendError, BackupError, MigrateError, OpenError, SaveError, StoreError};
pub use representative::{RepresentativeRecord, Representatives};
pub use session::{SessionRecord, SessionRole, Sessions};
pub use store::{Access, Options, Store};
pub use visitor::{VisitorRecord, Visitors};
pub use watermark::Watermarks;
pub use writer::{Append, Appended};
