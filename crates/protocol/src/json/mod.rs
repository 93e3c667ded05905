//! A small JSON reader and writer for serde, for the browser apps alone.
//!
//! Everything else uses `serde_json`. In WebAssembly that costs tens of kilobytes of every visitor's
//! download: its readers take structs from arrays too, its errors can say where and why, and all of it is
//! generated again for each type. This one knows what the wire needs: objects, arrays, texts, whole
//! numbers, booleans, null, and enums that are a text. Its error says nothing, since a browser could do
//! nothing with it.
//!
//! It accepts what `serde_json` accepts for the types of this crate, except structs written as arrays, and
//! writes the same bytes: both are tested.

mod read;
mod write;

pub use read::from_str;
pub use write::to_string;

use core::fmt::{self, Display};

/// The text is not JSON, or not of the expected shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error;

impl Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("not of the expected shape")
    }
}

impl core::error::Error for Error {}

impl serde::de::Error for Error {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }

    fn invalid_type(_: serde::de::Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self
    }

    fn invalid_value(_: serde::de::Unexpected<'_>, _: &dyn serde::de::Expected) -> Self {
        Self
    }

    fn invalid_length(_: usize, _: &dyn serde::de::Expected) -> Self {
        Self
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn unknown_field(_: &str, _: &'static [&'static str]) -> Self {
        Self
    }

    fn missing_field(_: &'static str) -> Self {
        Self
    }

    fn duplicate_field(_: &'static str) -> Self {
        Self
    }
}

impl serde::ser::Error for Error {
    fn custom<T: Display>(_: T) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests;
