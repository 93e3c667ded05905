//! Frames and bodies as JSON text. The only place that knows the encoding: `serde_json`, or in the browser
//! the small [`crate::json`].

#[cfg(target_family = "wasm")]
use crate::json as engine;
#[cfg(target_family = "wasm")]
pub use crate::json::{Wire as Decode, Wire as Encode};
#[cfg(not(target_family = "wasm"))]
pub use serde::{Serialize as Encode, de::DeserializeOwned as Decode};
#[cfg(not(target_family = "wasm"))]
use serde_json as engine;

use crate::Problem;
use crate::limit::{FRAME_BYTES_MAX, SERVER_FRAME_BYTES_MAX};

/// Why a text could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Longer than [`FRAME_BYTES_MAX`], or from a server [`SERVER_FRAME_BYTES_MAX`].
    #[error("{found} bytes where at most {limit} are allowed")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
        /// The length found, in bytes.
        found: usize,
    },
    /// Not JSON, or not of the expected shape. The message names line, column and expectation, never content.
    #[error("not understood: {0}")]
    Malformed(#[from] engine::Error),
}

/// Encodes a frame or body. Our own types always can be encoded.
///
/// # Panics
/// Never for the types of this crate: they have string keys and no failing serializers.
#[must_use]
pub fn encode(value: &impl Encode) -> String {
    #[cfg(target_family = "wasm")]
    return engine::to_string(value);
    #[cfg(not(target_family = "wasm"))]
    engine::to_string(value).expect("protocol types have string keys and no failing serializers")
}

/// Decodes a frame or body that a client sent.
///
/// # Errors
/// Too long, or not of the shape of `T`.
pub fn decode<T: Decode>(text: &str) -> Result<T, DecodeError> {
    decode_within(FRAME_BYTES_MAX, text)
}

/// Decodes a frame or body that the server sent: many entries at once may be longer than what a client
/// may send.
///
/// # Errors
/// Too long, or not of the shape of `T`.
pub fn decode_from_server<T: Decode>(text: &str) -> Result<T, DecodeError> {
    decode_within(SERVER_FRAME_BYTES_MAX, text)
}

fn decode_within<T: Decode>(limit: usize, text: &str) -> Result<T, DecodeError> {
    if text.len() > limit {
        return Err(DecodeError::TooLong { limit, found: text.len() });
    }
    Ok(engine::from_str(text)?)
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLong { limit, found } => {
                let mut problem = Self::too_long("frame", limit, found);
                problem.status = 413;
                problem
            }
            DecodeError::Malformed(source) => {
                let problem = Self::new("malformed", 400, "The frame or body was not understood");
                match place(&source) {
                    Some(place) => problem.with_detail(place),
                    None => problem,
                }
            }
        }
    }
}

/// `serde_json` quotes unexpected strings in its message: position and category only.
#[cfg(not(target_family = "wasm"))]
fn place(error: &serde_json::Error) -> Option<String> {
    use serde_json::error::Category;
    let category = match error.classify() {
        Category::Io => "could not be read",
        Category::Syntax => "not JSON",
        Category::Data => "a value of the wrong kind, or one too few or too many",
        Category::Eof => "ended too early",
    };
    Some(format!("line {}, column {}: {category}", error.line(), error.column()))
}

#[cfg(target_family = "wasm")]
const fn place(_: &engine::Error) -> Option<String> {
    None
}

#[cfg(test)]
mod tests {
    use crate::frame::{Goodbye, GoodbyeReason, Inbox, Submit};
    use crate::{ConversationStatus, Verification, VerificationMethod, codec};

    #[test]
    fn a_word_from_a_newer_server_means_the_cautious_thing() {
        let goodbye =
            codec::decode::<Goodbye>(r#"{"reason":"solar-flare","retryAfterMs":9}"#).expect("tolerated");
        assert_eq!(goodbye.reason, GoodbyeReason::ShuttingDown);
        assert_eq!(
            codec::decode::<Verification>(r#""super""#).expect("tolerated"),
            Verification::NotVerified
        );
        assert_eq!(
            codec::decode::<VerificationMethod>(r#""fax""#).expect("tolerated"),
            VerificationMethod::Other
        );
        let status = codec::decode::<ConversationStatus>(r#""snoozed""#).expect("tolerated");
        assert_eq!(status, ConversationStatus::Open);
    }

    #[test]
    fn fields_added_later_may_be_absent() {
        let id = "01890000-0000-7000-8000-000000000001";
        let old = format!(
            r#"{{"conversation":"{id}","submission":{{"id":"{id}","body":{{"requestHuman":{{}}}}}}}}"#
        );
        assert_eq!(codec::decode::<Submit>(&old).expect("tolerated").after, None);
        assert!(!codec::decode::<Inbox>(r#"{"changed":[],"removed":[]}"#).expect("tolerated").is_snapshot);
    }
}
