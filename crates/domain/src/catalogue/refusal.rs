//! Why an item did not come into the catalogue.

use super::item::Field;

/// An item that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Refusal {
    /// On which line the item begins, counted from 1.
    pub line: u64,
    /// Why.
    pub reason: Reason,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// A field without which a product cannot be shown.
    #[error("{field} is missing")]
    Missing {
        /// Which.
        field: Field,
    },
    /// A text is longer than its field allows.
    #[error("{field} has {found} characters, at most {limit} are allowed")]
    TooLong {
        /// Which.
        field: Field,
        /// How many code points are allowed.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// There are more values than the field allows.
    #[error("{field} has {found} values, at most {limit} are allowed")]
    TooMany {
        /// Which.
        field: Field,
        /// How many are allowed.
        limit: usize,
        /// How many there are.
        found: usize,
    },
    /// A value that the field does not allow.
    #[error("{field}: {problem}")]
    Invalid {
        /// Which.
        field: Field,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Longer than any item may be.
    #[error("the item has {found} bytes, at most {limit} are allowed: is a quotation mark never closed?")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
        /// How many were found.
        found: u64,
    },
    /// More values than the header has names.
    #[error("there are {found} fields, but the header names {limit}")]
    TooManyFields {
        /// How many the header names.
        limit: usize,
        /// How many were found.
        found: usize,
    },
    /// An XML entity beyond the five that XML itself has: the others are how feeds are made to explode.
    #[error("the entity &{name}; is unknown: write the character itself")]
    UnknownEntity {
        /// Its name, shortened.
        name: String,
    },
    /// Two items with one id.
    #[error("id was used on line {first} already")]
    Duplicate {
        /// On which line it was first used.
        first: u64,
    },
}

impl Reason {
    pub(super) fn invalid(field: Field, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }
}
