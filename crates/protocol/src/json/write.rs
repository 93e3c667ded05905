//! Writing.

use serde::ser::{self, Impossible, Serialize};

use super::Error;

type Result<T> = core::result::Result<T, Error>;

/// Writes `value`.
///
/// # Errors
/// It holds something that the wire does not know: a fraction, bytes, an enum that is no text.
pub fn to_string(value: &impl Serialize) -> Result<String> {
    let mut writer = Writer(String::new());
    value.serialize(&mut writer)?;
    Ok(writer.0)
}

struct Writer(String);

impl Writer {
    #[inline(never)]
    fn string(&mut self, text: &str) {
        self.0.push('"');
        let mut plain = 0;
        for (at, byte) in text.bytes().enumerate() {
            let short = match byte {
                b'"' => Some('"'),
                b'\\' => Some('\\'),
                8 => Some('b'),
                9 => Some('t'),
                10 => Some('n'),
                12 => Some('f'),
                13 => Some('r'),
                0..0x20 => None,
                _ => continue,
            };
            self.0.push_str(&text[plain..at]);
            plain = at + 1;
            self.0.push('\\');
            match short {
                Some(letter) => self.0.push(letter),
                None => {
                    self.0.push_str("u00");
                    for digit in [byte >> 4, byte & 15] {
                        self.0.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
                    }
                }
            }
        }
        self.0.push_str(&text[plain..]);
        self.0.push('"');
    }

    #[inline(never)]
    fn number(&mut self, mut value: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        for digit in &digits[at..] {
            self.0.push(char::from(*digit));
        }
    }

    /// A comma, except after the opening bracket.
    #[inline(never)]
    fn separate(&mut self) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }
}

macro_rules! unsigned {
    ($($method:ident $type:ty),+) => { $(
        fn $method(self, value: $type) -> Result<()> {
            self.number(value.into());
            Ok(())
        }
    )+ };
}

macro_rules! signed {
    ($($method:ident $type:ty),+) => { $(
        fn $method(self, value: $type) -> Result<()> {
            if value < 0 {
                self.0.push('-');
            }
            self.number(i64::from(value).unsigned_abs());
            Ok(())
        }
    )+ };
}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Open<'a>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Open<'a>;
    type SerializeStruct = Open<'a>;
    type SerializeStructVariant = Impossible<(), Error>;

    unsigned! { serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64 }
    signed! { serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64 }

    fn serialize_bool(self, value: bool) -> Result<()> {
        self.0.push_str(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_f32(self, _: f32) -> Result<()> {
        Err(Error)
    }

    fn serialize_f64(self, _: f64) -> Result<()> {
        Err(Error)
    }

    fn serialize_char(self, _: char) -> Result<()> {
        Err(Error)
    }

    fn serialize_str(self, value: &str) -> Result<()> {
        self.string(value);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<()> {
        Err(Error)
    }

    fn serialize_none(self) -> Result<()> {
        self.0.push_str("null");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        self.serialize_none()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_none()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<()> {
        Err(Error)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'a>> {
        self.0.push('[');
        Ok(Open { writer: self, bracket: ']' })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple> {
        Err(Error)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct> {
        Err(Error)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        Err(Error)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'a>> {
        self.0.push('{');
        Ok(Open { writer: self, bracket: '}' })
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'a>> {
        self.serialize_map(None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant> {
        Err(Error)
    }
}

/// Something whose closing bracket is still to come.
struct Open<'a> {
    writer: &'a mut Writer,
    bracket: char,
}

impl Open<'_> {
    fn close(self) -> Result<()> {
        self.writer.0.push(self.bracket);
        Ok(())
    }
}

impl ser::SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.writer.separate();
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        self.writer.separate();
        key.serialize(&mut *self.writer)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.writer.0.push(':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

impl ser::SerializeStruct for Open<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.writer.separate();
        self.writer.string(key);
        self.writer.0.push(':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}
