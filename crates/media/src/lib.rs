//! Reads strangers' files: what they really are, and what of them may be shown to others.
//!
//! Pure: bytes in, bytes out. No file, clock, network or randomness, so that all of it can be fuzzed. Nothing
//! here believes a name or a declared type; nothing of a picture's file is passed on, only its pixels.
//!
//! ```
//! use portico_media::{Kind, sniff};
//!
//! assert_eq!(sniff(b"%PDF-1.7\n"), Some(Kind::Pdf));
//! assert_eq!(sniff(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), None);
//! ```

pub mod name;
pub mod picture;
pub mod sniff;
pub mod text;

pub use name::FileName;
pub use picture::{Picture, PictureError};
pub use sniff::{Family, Kind, sniff};
pub use text::TextCheck;
