//! Reading.

use std::borrow::Cow;

use super::{Error, Result, Value};

/// Deepest nesting that is read, as in `serde_json`.
const DEPTH_MAX: u8 = 128;

/// Reads `text`, all of it.
pub(super) fn parse(text: &str) -> Result<Value<'_>> {
    let mut reader = Reader { text, at: 0, depth: DEPTH_MAX };
    let value = reader.value()?;
    reader.end()?;
    Ok(value)
}

struct Reader<'de> {
    text: &'de str,
    at: usize,
    depth: u8,
}

impl<'de> Reader<'de> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space; it is not taken.
    fn peek(&mut self) -> Result<u8> {
        while let Some(byte) = self.byte() {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Ok(byte);
            }
            self.at += 1;
        }
        Err(Error)
    }

    fn expect(&mut self, wanted: u8) -> Result<()> {
        if self.peek()? == wanted {
            self.at += 1;
            Ok(())
        } else {
            Err(Error)
        }
    }

    fn literal(&mut self, wanted: &str, value: Value<'de>) -> Result<Value<'de>> {
        if self.text.as_bytes()[self.at..].starts_with(wanted.as_bytes()) {
            self.at += wanted.len();
            Ok(value)
        } else {
            Err(Error)
        }
    }

    fn end(&mut self) -> Result<()> {
        if self.peek().is_err() { Ok(()) } else { Err(Error) }
    }

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
    fn has_next(&mut self, is_first: bool, bracket: u8) -> Result<bool> {
        let next = self.peek()?;
        if next == bracket {
            return Ok(false);
        }
        if !is_first {
            self.expect(b',')?;
            if self.peek()? == bracket {
                return Err(Error);
            }
        }
        Ok(true)
    }

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

    fn value(&mut self) -> Result<Value<'de>> {
        Ok(match self.peek()? {
            b'"' => Value::Text(self.string()?),
            b't' => self.literal("true", Value::Bool(true))?,
            b'f' => self.literal("false", Value::Bool(false))?,
            b'n' => self.literal("null", Value::Null)?,
            b'{' => {
                let mut members = Vec::new();
                self.open(b'{')?;
                while self.has_next(members.is_empty(), b'}')? {
                    let name = self.string()?;
                    self.expect(b':')?;
                    members.push((name, self.value()?));
                }
                self.close(b'}')?;
                Value::Object(members)
            }
            b'[' => {
                let mut elements = Vec::new();
                self.open(b'[')?;
                while self.has_next(elements.is_empty(), b']')? {
                    elements.push(self.value()?);
                }
                self.close(b']')?;
                Value::Array(elements)
            }
            _ => self.number()?,
        })
    }

    /// A whole number; what has a fraction or an exponent, or is larger than any number on the wire, is read as a
    /// number that no type takes.
    fn number(&mut self) -> Result<Value<'de>> {
        let is_negative = self.byte() == Some(b'-');
        self.at += usize::from(is_negative);
        let start = self.at;
        let mut whole = Some(0_u64);
        while let Some(digit @ b'0'..=b'9') = self.byte() {
            whole = whole.and_then(|whole| whole.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
            self.at += 1;
        }
        let length = self.at - start;
        if length == 0 || (length > 1 && self.text.as_bytes()[start] == b'0') {
            return Err(Error);
        }
        if matches!(self.byte(), Some(b'.' | b'e' | b'E')) {
            return self.fraction();
        }
        Ok(match whole {
            Some(whole) if is_negative => {
                0_i64.checked_sub_unsigned(whole).map_or(Value::Other, Value::Negative)
            }
            Some(whole) => Value::Number(whole),
            None => Value::Other,
        })
    }

    fn fraction(&mut self) -> Result<Value<'de>> {
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(Value::Other)
    }

    fn digits(&mut self) -> Result<()> {
        let start = self.at;
        while matches!(self.byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(Error) } else { Ok(()) }
    }
}
