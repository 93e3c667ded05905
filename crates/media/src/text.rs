//! Plain text, and nothing that a browser or a shell would run.

/// Words that make a browser take a text for a page, or a server take it for a program.
const MARKUP: [&[u8]; 7] = [b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?"];

/// Whether a text may begin so. A character may be cut at the end.
pub(crate) fn may_begin(head: &[u8]) -> bool {
    let mut check = TextCheck::default();
    let plain = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).trim_ascii_start();
    let is_program = matches!(plain, [b'<', ..] | [b'#', b'!', ..] | [b'%', b'P', b'D', b'F', ..] | []);
    let has_markup =
        MARKUP.iter().any(|word| plain.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word)));
    !is_program && !has_markup && check.read(head)
}

/// Reads a text piece by piece: UTF-8 without control characters.
#[derive(Debug, Default)]
pub struct TextCheck {
    /// The beginning of a character that the last piece cut.
    cut: Vec<u8>,
}

impl TextCheck {
    /// Reads on; whether all is plain text so far.
    pub fn read(&mut self, piece: &[u8]) -> bool {
        let joined;
        let bytes = if self.cut.is_empty() {
            piece
        } else {
            joined = [&self.cut, piece].concat();
            &joined[..]
        };
        let whole = match std::str::from_utf8(bytes) {
            Ok(_) => bytes.len(),
            // A character is at most four bytes long: what is cut is at most three.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return false,
        };
        let is_plain = !bytes[..whole].iter().any(|byte| is_control(*byte));
        self.cut = bytes[whole..].to_vec();
        is_plain
    }

    /// Whether the text ended with a whole character.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.cut.is_empty()
    }
}

const fn is_control(byte: u8) -> bool {
    (byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c)) || byte == 0x7f
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_alike_wherever_it_is_cut() {
        let text = "Maße: 3 €, 🙂\r\n".as_bytes();
        for at in 0..=text.len() {
            let mut check = TextCheck::default();
            assert!(check.read(&text[..at]) && check.read(&text[at..]) && check.is_whole(), "cut at {at}");
        }
        let mut check = TextCheck::default();
        assert!(check.read(&text[..text.len() - 3]) && !check.is_whole());
        for binary in [&b"a\0b"[..], b"\x1b[31m", b"\xff\xfe", b"\xc3\x28"] {
            assert!(!TextCheck::default().read(binary), "{binary:?}");
        }
    }
}
