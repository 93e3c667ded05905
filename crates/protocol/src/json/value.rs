//! What a text holds, before it has a type; and the types that are part of all others.

use std::borrow::Cow;

use super::{Error, Result, Wire, Writer};

/// Anything in JSON, borrowed from the text where it can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number from zero on.
    Number(u64),
    /// A whole number below zero.
    Negative(i64),
    /// A number that the wire does not use: with a fraction, or larger than any of its types.
    Other,
    /// `"…"`
    Text(Cow<'a, str>),
    /// `[…]`
    Array(Vec<Self>),
    /// `{…}`, in the order of the text.
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Value<'a> {
    pub(crate) fn text(&self) -> Result<&str> {
        match self {
            Self::Text(text) => Ok(text),
            _ => Err(Error),
        }
    }

    pub(crate) fn elements(&self) -> Result<&[Self]> {
        match self {
            Value::Array(elements) => Ok(elements),
            _ => Err(Error),
        }
    }

    fn members(&self) -> Result<&[(Cow<'a, str>, Self)]> {
        match self {
            Value::Object(members) => Ok(members),
            _ => Err(Error),
        }
    }

    /// The one member of a union.
    pub(crate) fn only_member(&self) -> Result<(&str, &Self)> {
        match self.members()? {
            [(name, value)] => Ok((name, value)),
            _ => Err(Error),
        }
    }

    /// Whether this is an object: all that a type without members asks.
    pub(crate) fn check_object(&self) -> Result<()> {
        self.members().map(drop)
    }

    /// `name` in `snake_case`, as the field is called in Rust.
    fn find(&self, name: &str) -> Result<Option<&Self>> {
        let found = self.members()?.iter().find(|(member, _)| is_name(member, name));
        Ok(found.map(|(_, value)| value))
    }

    pub(crate) fn required<T: Wire>(&self, name: &str) -> Result<T> {
        T::read(self.find(name)?.ok_or(Error)?)
    }

    pub(crate) fn optional<T: Wire + Default>(&self, name: &str) -> Result<T> {
        self.find(name)?.map_or_else(|| Ok(T::default()), T::read)
    }
}

/// Whether `camel` is what `snake_case` is called on the wire.
fn is_name(camel: &str, snake: &str) -> bool {
    let mut camel = camel.bytes();
    let mut starts_word = false;
    for byte in snake.bytes() {
        if byte == b'_' {
            starts_word = true;
        } else {
            let wanted = if starts_word { byte.to_ascii_uppercase() } else { byte };
            starts_word = false;
            if camel.next() != Some(wanted) {
                return false;
            }
        }
    }
    camel.next().is_none()
}

impl Wire for bool {
    fn read(value: &Value<'_>) -> Result<Self> {
        match value {
            Value::Bool(value) => Ok(*value),
            _ => Err(Error),
        }
    }

    fn write(&self, out: &mut Writer) {
        out.raw(if *self { "true" } else { "false" });
    }

    fn says_nothing(&self) -> bool {
        !self
    }
}

macro_rules! unsigned {
    ($($number:ty),+) => { $(
        impl Wire for $number {
            fn read(value: &Value<'_>) -> Result<Self> {
                match value {
                    Value::Number(value) => Self::try_from(*value).map_err(|_| Error),
                    _ => Err(Error),
                }
            }

            fn write(&self, out: &mut Writer) {
                out.number(false, (*self).into());
            }
        }
    )+ };
}
unsigned!(u16, u32, u64);

impl Wire for i64 {
    fn read(value: &Value<'_>) -> Result<Self> {
        match value {
            Value::Number(value) => Self::try_from(*value).map_err(|_| Error),
            Value::Negative(value) => Ok(*value),
            _ => Err(Error),
        }
    }

    fn write(&self, out: &mut Writer) {
        out.number(*self < 0, self.unsigned_abs());
    }
}

impl Wire for String {
    fn read(value: &Value<'_>) -> Result<Self> {
        value.text().map(Self::from)
    }

    fn write(&self, out: &mut Writer) {
        out.string(self);
    }

    fn says_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn read(value: &Value<'_>) -> Result<Self> {
        match value {
            Value::Null => Ok(None),
            value => T::read(value).map(Some),
        }
    }

    fn write(&self, out: &mut Writer) {
        match self {
            None => out.raw("null"),
            Some(value) => value.write(out),
        }
    }

    fn says_nothing(&self) -> bool {
        self.is_none()
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn read(value: &Value<'_>) -> Result<Self> {
        // A plain loop: `collect` into a `Result` compiles to five times as much, for each type.
        let mut all = Self::new();
        for element in value.elements()? {
            all.push(T::read(element)?);
        }
        Ok(all)
    }

    fn write(&self, out: &mut Writer) {
        out.array(self);
    }

    fn says_nothing(&self) -> bool {
        self.is_empty()
    }
}

impl Wire for () {
    fn read(_: &Value<'_>) -> Result<Self> {
        Ok(())
    }

    fn write(&self, out: &mut Writer) {
        out.raw("null");
    }
}
