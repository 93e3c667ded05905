//! Strangers' files and their names: nothing that they hold breaks the reader, and nothing but pixels stays.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portico_media::picture::{SIDE_MAX, measure};
use portico_media::{Family, FileName, Kind, Picture, TextCheck, sniff};

/// Small enough for thousands of tries a second.
const PIXELS_MAX: u64 = 1 << 16;

fuzz_target!(|file: &[u8]| {
    if let Ok(name) = std::str::from_utf8(file) {
        for kind in Kind::ALL {
            let name = FileName::clean(name).fit(kind);
            assert!(!name.as_str().contains(['/', '\\', '\0', '\n', '\u{202e}']), "a name with tricks");
            assert!(name.parameters().bytes().all(|byte| (b' '..0x7f).contains(&byte)), "not for a header");
        }
    }
    let Some(kind) = sniff(file) else { return };
    if kind == Kind::Text {
        let (front, back) = file.split_at(file.len() / 2);
        let mut check = TextCheck::default();
        let in_pieces = check.read(front) && check.read(back) && check.is_whole();
        let mut check = TextCheck::default();
        assert_eq!(in_pieces, check.read(file) && check.is_whole(), "it hangs on where a text is cut");
    }
    if kind.family() != Family::Image {
        return;
    }
    let Ok((width, height)) = measure(file, kind) else { return };
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return;
    }
    if let Ok(drawn) = Picture::draw(file, kind) {
        assert!(drawn.width <= SIDE_MAX && drawn.height <= SIDE_MAX, "a picture without bounds");
        assert_eq!(sniff(&drawn.file), Some(drawn.kind), "not what it says");
    }
});
