//! Frames and bodies as JSON text. The only place that knows the encoding.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Problem;
use crate::limit::FRAME_BYTES_MAX;

/// Why a text could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`FRAME_BYTES_MAX`].
    #[error("{found} bytes where at most {FRAME_BYTES_MAX} are allowed")]
    TooLong {
        /// The length found, in bytes.
        found: usize,
    },
    /// Not JSON, or not of the expected shape. The message names line, column and expectation, never content.
    #[error("not understood: {0}")]
    Malformed(#[from] serde_json::Error),
}

/// Encodes a frame or body. Our own types always can be encoded.
///
/// # Panics
/// Never for the types of this crate: they have string keys and no failing serializers.
#[must_use]
pub fn encode(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("protocol types have string keys and no failing serializers")
}

/// Decodes a frame or body that came from outside.
///
/// # Errors
/// Too long, or not of the shape of `T`.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, DecodeError> {
    if text.len() > FRAME_BYTES_MAX {
        return Err(DecodeError::TooLong { found: text.len() });
    }
    Ok(serde_json::from_str(text)?)
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLong { found } => {
                let mut problem = Self::too_long("frame", FRAME_BYTES_MAX, found);
                problem.status = 413;
                problem
            }
            // serde_json quotes unexpected strings in its message: position and category only.
            DecodeError::Malformed(source) => {
                Self::new("malformed", 400, "The frame or body was not understood").with_detail(format!(
                    "line {}, column {}: {}",
                    source.line(),
                    source.column(),
                    category(&source)
                ))
            }
        }
    }
}

fn category(error: &serde_json::Error) -> &'static str {
    use serde_json::error::Category;
    match error.classify() {
        Category::Io => "could not be read",
        Category::Syntax => "not JSON",
        Category::Data => "a value of the wrong kind, or one too few or too many",
        Category::Eof => "ended too early",
    }
}
