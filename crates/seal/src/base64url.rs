//! Base64 with the URL alphabet and no padding (RFC 4648 §5), as JWS writes it.
//!
//! Decoding is canonical: padding, white space and spare bits that are not zero are refused, so that two
//! different texts never mean the same bytes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// The text for `bytes`.
#[must_use]
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of `text`, if it is their one canonical text.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The `N` bytes of `text`, if it is the one canonical text of exactly so many.
#[must_use]
pub fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    decode(text)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_canonical_text_decodes() {
        assert_eq!(decode("AQI"), Some(vec![1, 2]));
        for refused in ["AQJ", "AQI=", "AQI ", " AQI", "AQI\n", "A", "AQ+/", "AQ.I", "é"] {
            assert_eq!(decode(refused), None, "{refused:?} was accepted");
        }
        assert_eq!(decode_array::<3>("AQI"), None);
    }
}
