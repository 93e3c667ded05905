//! What visitors, representatives and the server say to each other: ids, times, limits, messages,
//! log entries, frames, and the bodies of the JSON API.
//!
//! Pure: no clock, no randomness, no I/O, so the same code runs in the server, in both browser apps
//! and in tests. A type here is a promise to clients already deployed: fields may be added, never
//! renamed, and every union tolerates variants that it does not know yet.
//!
//! ```
//! use portico_protocol::{ClientFrame, codec};
//!
//! let frame = codec::decode::<ClientFrame>(r#"{"ping":{"nonce":7}}"#).expect("a known frame");
//! assert_eq!(codec::encode(&frame), r#"{"ping":{"nonce":7}}"#);
//! ```

mod oneof;

pub mod api;
pub mod boot;
pub mod brand;
pub mod codec;
pub mod color;
pub mod entry;
pub mod frame;
pub mod id;
pub mod inbox;
pub mod json;
pub mod limit;
pub mod message;
pub mod participant;
pub mod problem;
pub mod time;

pub use brand::{BrandCard, Verification, VerificationMethod};
pub use color::Color;
pub use entry::{Entry, EntryBody, Handover, Owner};
pub use frame::{ClientFrame, ServerFrame, Submission, SubmissionBody};
pub use id::{BrandId, ConversationId, MessageId, ParticipantId, SessionId};
pub use inbox::{ConversationStatus, ConversationSummary, InboxView};
pub use message::{Action, Content, Message, Suggestion};
pub use participant::{Author, Representative, RepresentativeType, Watermark};
pub use problem::{Problem, ProblemCode};
pub use time::{Moment, Timestamp};

/// The version of frames and bodies in this crate. A peer that offers another major number is told so
/// and refused: guessing at the meaning of a frame could lose a message.
pub const PROTOCOL_VERSION: u32 = 1;

/// Whether this build speaks as representatives do, too. Visitors' browsers do without what this guards.
pub const SPEAKS_FOR_STUDIO: bool = cfg!(any(feature = "studio", not(target_family = "wasm")));
