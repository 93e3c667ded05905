//! The wire's own reader and writer, for the browser apps alone.
//!
//! Everything else uses `serde_json` through serde's derives. In WebAssembly those cost every visitor tens of
//! kilobytes, since all of it is generated again for each type. Here a text is read into a [`Value`] by code that
//! is there once, and a type only says which members it has: `wire!` beside each type. It knows what the wire
//! needs: objects, arrays, texts, whole numbers, booleans, null. Its error says nothing, since a browser could do
//! nothing with it.
//!
//! It accepts what `serde_json` accepts for the types of this crate, except structs written as arrays, and counts
//! the first of members that are given twice; it writes the same bytes. Tests compare the two.

mod macros;
mod read;
mod value;
mod write;

pub(crate) use macros::wire;
pub use value::Value;
pub use write::Writer;

use core::fmt::{self, Display};

/// What can be read from and written to the wire.
pub trait Wire: Sized {
    /// Takes the value out of what was read.
    ///
    /// # Errors
    /// It has not the expected shape.
    fn read(value: &Value<'_>) -> Result<Self>;

    /// Writes the value.
    fn write(&self, out: &mut Writer);

    /// Whether an optional member with this value is left out.
    fn says_nothing(&self) -> bool {
        false
    }
}

type Result<T> = core::result::Result<T, Error>;

/// The text is not JSON, or not of the expected shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error;

impl Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not of the expected shape")
    }
}

impl core::error::Error for Error {}

/// Reads `text`, all of it.
///
/// # Errors
/// It is not JSON, or not of the shape of `T`.
pub fn from_str<T: Wire>(text: &str) -> Result<T> {
    T::read(&read::parse(text)?)
}

/// Writes `value`.
#[must_use]
pub fn to_string(value: &impl Wire) -> String {
    let mut out = Writer(String::new());
    value.write(&mut out);
    out.0
}

#[cfg(test)]
mod tests;
