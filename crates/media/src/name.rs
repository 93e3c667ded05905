//! Names of files: what strangers wrote, made fit for screens, disks and headers.

use std::fmt;

use crate::Kind;

/// Longest name, in bytes: what every common file system takes with room for " (2)".
pub const NAME_BYTES_MAX: usize = 200;
/// Longest ending that is taken for one, in bytes.
const EXTENSION_BYTES_MAX: usize = 10;

/// A name without a folder, control characters, reordering characters, or what Windows forbids; never empty.
#[derive(Clone, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// What is left of `given`. Only the part after the last slash of either kind counts.
    #[must_use]
    pub fn clean(given: &str) -> Self {
        let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
        let kept: String = last.chars().filter(|letter| !is_hostile(*letter)).collect();
        // A leading dot hides a file, a trailing one is dropped by Windows.
        let trimmed = kept.trim_matches(|letter: char| letter == '.' || letter.is_whitespace());
        let cut = cut(trimmed, NAME_BYTES_MAX).trim_end();
        if cut.is_empty() { Self("file".into()) } else { Self(cut.into()) }
    }

    /// The same with an ending that fits what the file is: `invoice.bat` that is a text becomes
    /// `invoice.bat.txt`.
    #[must_use]
    pub fn fit(&self, kind: Kind) -> Self {
        let fits =
            |extension: &str| kind.extensions().iter().any(|known| known.eq_ignore_ascii_case(extension));
        if self.0.rsplit_once('.').is_some_and(|(_, extension)| fits(extension)) {
            return self.clone();
        }
        let extension = kind.extensions()[0];
        // A picture that was re-encoded is no longer what its ending says.
        let base = match self.0.rsplit_once('.') {
            Some((base, old)) if is_picture_extension(old) && !base.is_empty() => base,
            _ => &self.0,
        };
        Self(format!("{}.{extension}", cut(base, NAME_BYTES_MAX - 1 - extension.len())))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parameters of a `Content-Disposition` (RFC 6266 §4.1): plain for old clients, and as RFC 8187 wants it.
    #[must_use]
    pub fn parameters(&self) -> String {
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() || " ._-()".contains(letter) { letter } else { '_' }
        };
        let plain: String = self.0.chars().map(plain).collect();
        let mut encoded = String::new();
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                encoded.push_str(&format!("%{byte:02X}"));
            }
        }
        format!("filename=\"{plain}\"; filename*=UTF-8''{encoded}")
    }
}

impl fmt::Debug for FileName {
    /// People write their names and affairs into the names of files.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FileName({} bytes)", self.0.len())
    }
}

fn is_picture_extension(extension: &str) -> bool {
    extension.len() <= EXTENSION_BYTES_MAX
        && [Kind::Jpeg, Kind::Png, Kind::Gif, Kind::Webp]
            .iter()
            .flat_map(|kind| kind.extensions())
            .any(|known| known.eq_ignore_ascii_case(extension))
}

/// Controls, what reorders or hides its neighbours (UTS #39 §5.4, UAX #9), and what a path could be made of.
fn is_hostile(letter: char) -> bool {
    letter.is_control()
        || "<>:\"|?*".contains(letter)
        || matches!(letter, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{fffd}' | '\u{e0000}'..='\u{e0fff}')
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(given: &str, expected: &str) {
        assert_eq!(FileName::clean(given).as_str(), expected, "{given:?}");
    }

    #[test]
    fn a_name_keeps_its_words_and_loses_its_tricks() {
        check("Rechnung März.pdf", "Rechnung März.pdf");
        check("../../etc/passwd", "passwd");
        check("C:\\Windows\\win.ini", "win.ini");
        check("..", "file");
        check("", "file");
        check("a\0b\r\nset-cookie: x.png", "abset-cookie x.png");
        check("photo\u{202e}gnp.exe", "photognp.exe");
        check(".htaccess", "htaccess");
    }

    #[test]
    fn an_ending_fits_the_bytes() {
        let fitted = |given: &str, kind| FileName::clean(given).fit(kind).as_str().to_owned();
        assert_eq!(fitted("list.CSV", Kind::Text), "list.CSV");
        assert_eq!(fitted("run.bat", Kind::Text), "run.bat.txt");
        assert_eq!(fitted("page.html", Kind::Pdf), "page.html.pdf");
        assert_eq!(fitted("shot.webp", Kind::Jpeg), "shot.jpg");
        assert_eq!(fitted("shot", Kind::Png), "shot.png");
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_header_or_its_folder(given: String) {
            for kind in Kind::ALL {
                let name = FileName::clean(&given).fit(kind);
                prop_assert!(!name.as_str().is_empty() && name.as_str().len() <= NAME_BYTES_MAX);
                prop_assert!(!name.as_str().contains(['/', '\\', '\0', '\n']) && !name.as_str().starts_with('.'));
                let parameters = name.parameters();
                prop_assert!(parameters.bytes().all(|byte| (b' '..0x7f).contains(&byte)), "{parameters}");
                prop_assert_eq!(parameters.matches('"').count(), 2);
            }
        }
    }
}
