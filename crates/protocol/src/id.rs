//! Ids: one type a kind, so that swapping two does not compile.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::{Builder, Uuid};

use crate::Timestamp;
use crate::json::wire;
use crate::limit::BRAND_ID_BYTES_MAX;

/// Why a text is not an id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}")]
pub struct InvalidId {
    /// The type that was asked for.
    pub kind: &'static str,
}

macro_rules! ids {
    ($( $(#[$outer:meta])* $name:ident )+) => { $(
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id (UUIDv7, RFC 9562 §5.7): `at` orders it, `random` makes it unguessable.
            #[must_use]
            pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
                Self(Builder::from_unix_timestamp_millis(at.as_millis().unsigned_abs(), &random).into_uuid())
            }

            /// The id with exactly these bytes, as a database or another id gave them.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self { Self(Uuid::from_bytes(bytes)) }

            /// The id as text, without what `Display` brings along: visitors download this.
            #[must_use]
            pub fn text(&self) -> String {
                hyphenated(self.as_bytes())
            }

            /// The sixteen bytes, in network order.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] { self.0.as_bytes() }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut buffer = Uuid::encode_buffer();
                formatter.write_str(self.0.hyphenated().encode_lower(&mut buffer))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Display::fmt(self, formatter) }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                parse_hyphenated(text).map(Self::from_bytes).ok_or(InvalidId { kind: stringify!($name) })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut buffer = Uuid::encode_buffer();
                serializer.serialize_str(self.0.hyphenated().encode_lower(&mut buffer))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserialize_text(deserializer)
            }
        }

        wire!(text $name, $name::text);
    )+ };
}

ids! {
    /// One exchange between a visitor and a brand. Knowing it grants no access.
    ConversationId
    /// A log entry's id, chosen by the sender before sending: a resend carries the same id, so it is
    /// stored once.
    MessageId
    /// A visitor, a bot or a person at the brand.
    ParticipantId
    /// One participant's signed-in span on one device. Knowing it grants no access.
    SessionId
}

/// The one form that travels (RFC 9562 §4). The library reads three more, which nobody sends and visitors would
/// download.
fn parse_hyphenated(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let mut digits = 0;
    for (at, byte) in text.bytes().enumerate() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if byte != b'-' {
                return None;
            }
            continue;
        }
        let digit = char::from(byte).to_digit(16)?;
        let slot: &mut u8 = bytes.get_mut(digits / 2)?;
        *slot = *slot << 4 | digit as u8;
        digits += 1;
    }
    (digits == 32).then_some(bytes)
}

fn hyphenated(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

/// A brand's short name in addresses: lower-case letters, digits and inner hyphens, 1 to 40 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BrandId(Box<str>);

impl BrandId {
    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for BrandId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=BRAND_ID_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(allowed) && !text.starts_with('-') && !text.ends_with('-') {
            Ok(Self(text.into()))
        } else {
            Err(InvalidId { kind: "BrandId" })
        }
    }
}

impl fmt::Display for BrandId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for BrandId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Serialize for BrandId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for BrandId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize_text(deserializer)
    }
}

wire!(text BrandId, BrandId::as_str);

fn deserialize_text<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err = InvalidId>,
    D: Deserializer<'de>,
{
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_brand_id_is_short_lower_case_and_has_no_outer_hyphen() {
        let too_long = "a".repeat(BRAND_ID_BYTES_MAX + 1);
        for refused in ["", "-a", "a-", "Lumen", "lu men", "lümen", "a/b", too_long.as_str()] {
            assert!(refused.parse::<BrandId>().is_err(), "{refused:?} was accepted");
        }
        assert_eq!("lumen-2".parse::<BrandId>().expect("valid").as_str(), "lumen-2");
    }

    proptest! {
        #[test]
        fn ids_sort_by_time_and_survive_text(at in 0_i64..4_000_000_000_000, random: [u8; 10]) {
            let id = MessageId::new(Timestamp::from_millis(at), random);
            let later = MessageId::new(Timestamp::from_millis(at + 1), random);
            prop_assert!(id < later);
            prop_assert_eq!(id.to_string().parse::<MessageId>(), Ok(id));
            prop_assert_eq!(id.text(), id.to_string());
        }

        #[test]
        fn no_text_makes_an_id_panic(text in ".{0,60}") {
            let _ = text.parse::<ConversationId>();
            let _ = text.parse::<BrandId>();
        }
    }
}
