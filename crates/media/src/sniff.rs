//! What a file is, by its first bytes alone: an allow list.

use crate::text;

/// How much of a file's beginning decides what it is, in bytes.
pub const HEAD_BYTES: usize = 4096;

/// What people would call a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A picture: re-encoded, shown in place.
    Image,
    /// A film: kept as it is, played in place.
    Video,
    /// A sound: kept as it is, played in place.
    Audio,
    /// Anything else: kept as it is, only ever downloaded.
    File,
}

/// What may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are what they are called")]
pub enum Kind {
    Jpeg,
    Png,
    Gif,
    Webp,
    Mp4,
    Webm,
    OggVideo,
    OggAudio,
    Mp3,
    M4a,
    Wav,
    Pdf,
    Text,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::Webp,
        Self::Mp4,
        Self::Webm,
        Self::OggVideo,
        Self::OggAudio,
        Self::Mp3,
        Self::M4a,
        Self::Wav,
        Self::Pdf,
        Self::Text,
    ];

    /// For people who sent something else.
    pub const ALLOWED: &str = "JPEG, PNG, GIF and WebP pictures; MP4, WebM and Ogg films; MP3, M4A, Ogg and WAV sounds; PDF and plain text";

    /// As the `Content-Type` says it.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Mp4 => "video/mp4",
            Self::Webm => "video/webm",
            Self::OggVideo => "video/ogg",
            Self::OggAudio => "audio/ogg",
            Self::Mp3 => "audio/mpeg",
            Self::M4a => "audio/mp4",
            Self::Wav => "audio/wav",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain; charset=utf-8",
        }
    }

    /// The kind with this `Content-Type`.
    #[must_use]
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.media_type() == media_type)
    }

    /// Endings of names that fit, the usual one first. A file named otherwise would be opened by a program
    /// that its bytes were not checked for.
    #[must_use]
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg", "jpe"],
            Self::Png => &["png"],
            Self::Gif => &["gif"],
            Self::Webp => &["webp"],
            Self::Mp4 => &["mp4", "m4v"],
            Self::Webm => &["webm"],
            Self::OggVideo => &["ogv", "ogg"],
            Self::OggAudio => &["ogg", "oga", "opus"],
            Self::Mp3 => &["mp3"],
            Self::M4a => &["m4a"],
            Self::Wav => &["wav"],
            Self::Pdf => &["pdf"],
            Self::Text => &["txt", "csv", "tsv", "log", "md"],
        }
    }

    /// What people would call it.
    #[must_use]
    pub const fn family(self) -> Family {
        match self {
            Self::Jpeg | Self::Png | Self::Gif | Self::Webp => Family::Image,
            Self::Mp4 | Self::Webm | Self::OggVideo => Family::Video,
            Self::OggAudio | Self::Mp3 | Self::M4a | Self::Wav => Family::Audio,
            Self::Pdf | Self::Text => Family::File,
        }
    }
}

/// What the file that begins with `head` is; `None`: nothing that may come in. For [`Kind::Text`] the rest is
/// still to be read by a [`crate::TextCheck`].
#[must_use]
pub fn sniff(head: &[u8]) -> Option<Kind> {
    let head = &head[..head.len().min(HEAD_BYTES)];
    match head {
        [0xff, 0xd8, 0xff, ..] => Some(Kind::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Kind::Png),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Kind::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Kind::Webp),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some(Kind::Wav),
        [_, _, _, _, b'f', b't', b'y', b'p', rest @ ..] => mp4_kind(rest),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => is_webm(head).then_some(Kind::Webm),
        [b'O', b'g', b'g', b'S', 0, ..] => Some(ogg_kind(head)),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some(Kind::Pdf),
        [b'I', b'D', b'3', 2..=4, ..] => Some(Kind::Mp3),
        [0xff, 0xe0..=0xff, ..] => is_mp3_frame(head).then_some(Kind::Mp3),
        _ => text::may_begin(head).then_some(Kind::Text),
    }
}

/// By the major brand (ISO/IEC 14496-12 §4.3). HEIC, AVIF and `QuickTime` begin alike and are not on the list.
fn mp4_kind(after_ftyp: &[u8]) -> Option<Kind> {
    match after_ftyp.first_chunk::<4>()? {
        b"M4A " | b"M4B " => Some(Kind::M4a),
        b"isom" | b"iso2" | b"iso3" | b"iso4" | b"iso5" | b"iso6" | b"mp41" | b"mp42" | b"avc1" | b"M4V "
        | b"M4VH" | b"M4VP" | b"MSNV" | b"dash" | b"3gp4" | b"3gp5" | b"3gp6" => Some(Kind::Mp4),
        _ => None,
    }
}

/// The EBML header's `DocType` (RFC 8794 §11.2.6) says which of the Matroska formats it is.
fn is_webm(head: &[u8]) -> bool {
    let header = &head[..head.len().min(64)];
    header.windows(7).any(|bytes| bytes == [0x42, 0x82, 0x84, b'w', b'e', b'b', b'm'])
}

/// The first page holds the beginning of the first stream (RFC 3533 §6), films of a film first.
fn ogg_kind(head: &[u8]) -> Kind {
    let first = &head[..head.len().min(64)];
    let is_film = first.windows(7).any(|bytes| bytes == b"\x80theora");
    if is_film { Kind::OggVideo } else { Kind::OggAudio }
}

/// MPEG audio, layer III, with a bit rate and a sampling rate that exist: two bytes alone are met by chance.
fn is_mp3_frame(head: &[u8]) -> bool {
    let Some(&[_, second, third, _]) = head.first_chunk::<4>() else { return false };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    let (bit_rate, sampling_rate) = (third >> 4, third >> 2 & 3);
    version != 1 && layer == 1 && !matches!(bit_rate, 0 | 15) && sampling_rate != 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], expected: Option<Kind>) {
        assert_eq!(sniff(head), expected, "{}", String::from_utf8_lossy(head));
    }

    #[test]
    fn a_file_is_what_its_bytes_say() {
        check(b"\xff\xd8\xff\xe0\x00\x10JFIF", Some(Kind::Jpeg));
        check(b"\x89PNG\r\n\x1a\n", Some(Kind::Png));
        check(b"GIF89a", Some(Kind::Gif));
        check(b"RIFF\0\0\0\0WEBPVP8 ", Some(Kind::Webp));
        check(b"RIFF\0\0\0\0WAVEfmt ", Some(Kind::Wav));
        check(b"\0\0\0\x18ftypmp42\0\0\0\0", Some(Kind::Mp4));
        check(b"\0\0\0\x18ftypM4A \0\0\0\0", Some(Kind::M4a));
        check(b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm", Some(Kind::Webm));
        check(b"OggS\0\x02\0\0\0\0\0\0\0\0OpusHead", Some(Kind::OggAudio));
        check(b"OggS\0\x02\0\0\0\0\0\0\0\0\x80theora", Some(Kind::OggVideo));
        check(b"ID3\x04\0\0", Some(Kind::Mp3));
        check(b"\xff\xfb\x90\x00", Some(Kind::Mp3));
        check(b"%PDF-1.4", Some(Kind::Pdf));
        check("Größe;Preis\r\n38;49,90 €\r\n".as_bytes(), Some(Kind::Text));
    }

    #[test]
    fn what_a_browser_or_a_system_would_run_is_nothing() {
        for hostile in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"[..],
            b"<!DOCTYPE html><script>alert(1)</script>",
            b"\xef\xbb\xbf  \n<html>",
            b"hello <ScRiPt src=//evil.example>",
            b"<?xml version='1.0'?>",
            b"#!/bin/sh\nrm -rf /\n",
            b"MZ\x90\0\x03",
            b"\x7fELF\x02\x01\x01\0",
            b"PK\x03\x04",
            b"\0\0\0\x18ftypheic\0\0\0\0",
            b"\0\0\0\x14ftypqt  \0\0\0\0",
            b"\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska",
            b" %PDF-1.4 \0",
            b"\xff\xff\xff\xff",
            b"\xff\xfe<\0h\0t\0m\0l\0",
            b"",
        ] {
            check(hostile, None);
        }
    }

    #[test]
    fn a_media_type_names_one_kind() {
        for kind in Kind::ALL {
            assert_eq!(Kind::of_media_type(kind.media_type()), Some(kind));
        }
    }
}
