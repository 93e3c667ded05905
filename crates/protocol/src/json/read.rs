//! Reading.

use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::Error;

/// Deepest nesting that is read, as in `serde_json`.
const DEPTH_MAX: u8 = 128;

type Result<T> = core::result::Result<T, Error>;

/// Reads `text`, all of it.
///
/// # Errors
/// It is not JSON, or not of the shape of `T`.
pub fn from_str<'de, T: de::Deserialize<'de>>(text: &'de str) -> Result<T> {
    let mut reader = Reader { text, at: 0, depth: DEPTH_MAX };
    let value = T::deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
}

/// A whole number, as far as its sign and size are known.
enum Number {
    Positive(u64),
    Negative(i64),
}

// None of these is generic: they are there once, however many types are read.
impl<'de> Reader<'de> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space; it is not taken.
    #[inline(never)]
    fn peek(&mut self) -> Result<u8> {
        while let Some(byte) = self.byte() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Error)
    }

    #[inline(never)]
    fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.peek()? == wanted {
            self.at += 1;
            Ok(())
        } else {
            Err(Error)
        }
    }

    #[inline(never)]
    fn literal(&mut self, wanted: &str) -> Result<()> {
        self.peek()?;
        if self.text[self.at..].starts_with(wanted) {
            self.at += wanted.len();
            Ok(())
        } else {
            Err(Error)
        }
    }

    fn end(&mut self) -> Result<()> {
        if self.peek().is_err() { Ok(()) } else { Err(Error) }
    }

    #[inline(never)]
    fn open(&mut self, bracket: u8) -> Result<()> {
        self.expect(bracket)?;
        self.depth = self.depth.checked_sub(1).filter(|left| *left > 0).ok_or(Error)?;
        Ok(())
    }

    fn close(&mut self, bracket: u8) -> Result<()> {
        self.depth += 1;
        self.expect(bracket)
    }

    /// Before an element: whether there is one. Takes the comma between two.
    #[inline(never)]
    fn has_next(&mut self, is_first: &mut bool, bracket: u8) -> Result<bool> {
        let next = self.peek()?;
        if next == bracket {
            return Ok(false);
        }
        if !core::mem::replace(is_first, false) {
            self.expect(b',')?;
            if self.peek()? == bracket {
                return Err(Error);
            }
        }
        Ok(true)
    }

    #[inline(never)]
    fn string(&mut self) -> Result<Cow<'de, str>> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.byte().ok_or(Error)? {
                b'"' => {
                    self.at += 1;
                    return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
                }
                b'\\' => return self.escaped_string(start).map(Cow::Owned),
                0..0x20 => return Err(Error),
                _ => self.at += 1,
            }
        }
    }

    fn escaped_string(&mut self, start: usize) -> Result<String> {
        let mut text = String::from(&self.text[start..self.at]);
        loop {
            let plain = self.at;
            while !matches!(self.byte().ok_or(Error)?, b'"' | b'\\' | 0..0x20) {
                self.at += 1;
            }
            text.push_str(&self.text[plain..self.at]);
            let mark = self.byte();
            self.at += 1;
            match mark {
                Some(b'"') => return Ok(text),
                Some(b'\\') => text.push(self.escape()?),
                _ => return Err(Error),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let kind = self.byte().ok_or(Error)?;
        self.at += 1;
        Ok(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.escaped_char(),
            _ => return Err(Error),
        })
    }

    /// `\u` and four digits, twice for what lies beyond the first plane (RFC 8259 §7).
    fn escaped_char(&mut self) -> Result<char> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or(Error);
        }
        if self.byte() != Some(b'\\') {
            return Err(Error);
        }
        self.at += 1;
        if self.byte() != Some(b'u') {
            return Err(Error);
        }
        self.at += 1;
        let second = self.four_digits()?.checked_sub(0xdc00).filter(|low| *low < 0x400).ok_or(Error)?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + second).ok_or(Error)
    }

    fn four_digits(&mut self) -> Result<u32> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16)).ok_or(Error)?;
            value = value * 16 + digit;
            self.at += 1;
        }
        Ok(value)
    }

    /// A whole number; fractions and exponents are none.
    #[inline(never)]
    fn number(&mut self) -> Result<Number> {
        let is_negative = self.peek()? == b'-';
        self.at += usize::from(is_negative);
        let value = self.digits()?;
        if matches!(self.byte(), Some(b'.' | b'e' | b'E')) {
            return Err(Error);
        }
        if is_negative {
            Ok(Number::Negative(0_i64.checked_sub_unsigned(value).ok_or(Error)?))
        } else {
            Ok(Number::Positive(value))
        }
    }

    fn digits(&mut self) -> Result<u64> {
        let start = self.at;
        let mut value = 0_u64;
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            let next = value.checked_mul(10).and_then(|value| value.checked_add(u64::from(digit - b'0')));
            value = next.ok_or(Error)?;
            self.at += 1;
        }
        let has_leading_zero = self.at - start > 1 && self.text.as_bytes()[start] == b'0';
        if self.at == start || has_leading_zero { Err(Error) } else { Ok(value) }
    }

    /// Passes over any value that this build does not know.
    #[inline(never)]
    fn skip(&mut self) -> Result<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'{' => self.skip_all(b'{', b'}'),
            b'[' => self.skip_all(b'[', b']'),
            _ => self.skip_number(),
        }
    }

    fn skip_all(&mut self, from: u8, to: u8) -> Result<()> {
        self.open(from)?;
        let mut is_first = true;
        while self.has_next(&mut is_first, to)? {
            if from == b'{' {
                self.string()?;
                self.expect(b':')?;
            }
            self.skip()?;
        }
        self.close(to)
    }

    fn skip_number(&mut self) -> Result<()> {
        self.at += usize::from(self.byte() == Some(b'-'));
        let zero = self.byte() == Some(b'0');
        let whole = self.skip_digits()?;
        if zero && whole > 1 {
            return Err(Error);
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.skip_digits()?;
        }
        Ok(())
    }

    fn skip_digits(&mut self) -> Result<usize> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(Error) } else { Ok(self.at - start) }
    }
}

macro_rules! numbers {
    ($($method:ident)+) => { $(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            match self.number()? {
                Number::Positive(value) => visitor.visit_u64(value),
                Number::Negative(value) => visitor.visit_i64(value),
            }
        }
    )+ };
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    /// Nothing on the wire leaves its kind open.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value> {
        Err(Error)
    }

    numbers! { deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = self.peek()? == b't';
        self.literal(if value { "true" } else { "false" })?;
        visitor.visit_bool(value)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.string()? {
            Cow::Borrowed(text) => visitor.visit_borrowed_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let name = self.string()?;
        visitor.visit_str(&name)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek()? == b'n' {
            self.literal("null")?;
            return visitor.visit_none();
        }
        visitor.visit_some(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.literal("null")?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.open(b'[')?;
        let value = visitor.visit_seq(Elements { reader: self, is_first: true })?;
        self.close(b']')?;
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.open(b'{')?;
        let value = visitor.visit_map(Elements { reader: self, is_first: true })?;
        self.close(b'}')?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let name = self.string()?;
        visitor.visit_enum(IntoDeserializer::<Error>::into_deserializer(&*name))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 f32 f64 char bytes byte_buf unit_struct tuple tuple_struct }
}

/// What lies between two brackets.
struct Elements<'a, 'de> {
    reader: &'a mut Reader<'de>,
    is_first: bool,
}

impl<'de> de::SeqAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.reader.has_next(&mut self.is_first, b']')? {
            return seed.deserialize(&mut *self.reader).map(Some);
        }
        Ok(None)
    }
}

impl<'de> de::MapAccess<'de> for Elements<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.reader.has_next(&mut self.is_first, b'}')? {
            return seed.deserialize(&mut *self.reader).map(Some);
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.reader.expect(b':')?;
        seed.deserialize(&mut *self.reader)
    }
}
