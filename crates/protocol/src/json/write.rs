//! Writing.

use super::Wire;

/// A text that grows.
pub struct Writer(pub(super) String);

impl Writer {
    pub(crate) fn string(&mut self, text: &str) {
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

    pub(crate) fn number(&mut self, is_negative: bool, mut value: u64) {
        if is_negative {
            self.0.push('-');
        }
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
    fn separate(&mut self) {
        if !self.0.ends_with(['{', '[']) {
            self.0.push(',');
        }
    }

    /// Text that is JSON already.
    pub(crate) fn raw(&mut self, json: &str) {
        self.0.push_str(json);
    }

    pub(crate) fn array<T: Wire>(&mut self, elements: &[T]) {
        self.0.push('[');
        for element in elements {
            self.separate();
            element.write(self);
        }
        self.0.push(']');
    }

    pub(crate) fn member(&mut self, name: &str, value: &impl Wire) {
        self.name(name);
        value.write(self);
    }

    /// A member that is left out where it says nothing.
    pub(crate) fn optional(&mut self, name: &str, value: &impl Wire) {
        if !value.says_nothing() {
            self.member(name, value);
        }
    }

    /// `snake_case` in Rust is `camelCase` on the wire.
    fn name(&mut self, name: &str) {
        self.separate();
        self.0.push('"');
        let mut starts_word = false;
        for byte in name.bytes() {
            if byte == b'_' {
                starts_word = true;
            } else {
                let byte = if starts_word { byte.to_ascii_uppercase() } else { byte };
                starts_word = false;
                self.0.push(char::from(byte));
            }
        }
        self.0.push_str("\":");
    }
}
