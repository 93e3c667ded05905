//! JSON in which no name occurs twice.
//!
//! Two parsers that keep different ones of two equal names read different facts from the same signed
//! bytes (RFC 8725 §2.4): such a text is refused whole, at any depth.

use core::fmt;
use std::collections::HashSet;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Reads `bytes` as one JSON object without repeated names and with nothing after it. An array is refused, which
/// serde would take for an object's values in order.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Err(serde::de::Error::custom("not an object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    NoRepeatedNames.deserialize(&mut deserializer)?;
    deserializer.end()?;
    serde_json::from_slice(bytes)
}

/// Reads any value and keeps nothing of it. Depth is bounded by `serde_json`.
#[derive(Clone, Copy)]
struct NoRepeatedNames;

impl<'de> DeserializeSeed<'de> for NoRepeatedNames {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NoRepeatedNames {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON without repeated names")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            members.next_value_seed(self)?;
            if !names.insert(name) {
                return Err(serde::de::Error::custom("a name occurs twice"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn repeated_names_and_trailing_bytes_are_refused_at_any_depth() {
        for accepted in [r#"{"a":1,"b":{"a":[null,true,-1,1.5,"x"]}}"#, " {} "] {
            assert!(parse::<Value>(accepted.as_bytes()).is_ok(), "{accepted} was refused");
        }
        for refused in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            r#"{"y":[{"x":{"b":1,"b":2}}]}"#,
            "[]",
            "7",
            "{} {}",
            "{}x",
            "",
            r#"{"a":[1,]}"#,
            &r#"{"a":"#.repeat(200),
        ] {
            assert!(parse::<Value>(refused.as_bytes()).is_err(), "{refused} was accepted");
        }
        assert!(parse::<Value>(b"{\"a\":\"\xff\"}").is_err());
    }
}
