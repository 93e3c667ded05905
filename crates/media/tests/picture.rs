//! What becomes of pictures, honest and hostile.
#![allow(clippy::unwrap_used)]

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use portico_media::picture::{PLACEHOLDER_SIDE_MAX, SIDE_MAX, measure};
use portico_media::{Kind, Picture, PictureError, sniff};
use proptest::prelude::*;

/// Left half red, right half blue: one sees how it was turned.
fn photograph(width: u32, height: u32) -> DynamicImage {
    let pixel = |x, _| if x < width / 2 { Rgb([230, 20, 20]) } else { Rgb([20, 20, 230]) };
    RgbImage::from_fn(width, height, pixel).into()
}

fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A JPEG with an orientation and a place in its EXIF (CIPA DC-008 §4.6).
fn with_exif(jpeg: &[u8], orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x02".to_vec();
    tiff.extend([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    // The pointer to the place, and there the latitude's reference.
    tiff.extend([0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 38, 0, 0, 0, 0]);
    tiff.extend([0, 1, 0, 1, 0, 2, 0, 0, 0, 2, b'N', 0, 0, 0, 0, 0, 0, 0]);
    tiff.extend(b"GPS-48.2082N-16.3738E");
    let payload = [b"Exif\0\0", &tiff[..]].concat();
    let length = u16::try_from(payload.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &length, &payload, &jpeg[2..]].concat()
}

fn holds(file: &[u8], word: &[u8]) -> bool {
    file.windows(word.len()).any(|bytes| bytes == word)
}

#[test]
fn a_photograph_is_turned_upright_and_tells_no_place() {
    let jpeg = with_exif(&file(&photograph(64, 32), ImageFormat::Jpeg), 6);
    assert!(holds(&jpeg, b"GPS-48"));
    assert_eq!(measure(&jpeg, Kind::Jpeg).unwrap(), (64, 32));
    let drawn = Picture::draw(&jpeg, Kind::Jpeg).unwrap();
    assert_eq!((drawn.kind, drawn.width, drawn.height), (Kind::Jpeg, 32, 64));
    for gone in [&b"GPS"[..], b"Exif", b"ICC"] {
        assert!(!holds(&drawn.file, gone), "{}", String::from_utf8_lossy(gone));
    }
    // Turned by a quarter to the right: what was left is now above.
    let seen = image::load_from_memory(&drawn.file).unwrap().into_rgb8();
    assert!(seen.get_pixel(16, 8).0[0] > 150 && seen.get_pixel(16, 56).0[2] > 150);
}

#[test]
fn a_large_picture_becomes_bounded_with_small_copies() {
    let drawn = Picture::draw(&file(&photograph(3000, 1500), ImageFormat::Jpeg), Kind::Jpeg).unwrap();
    assert_eq!((drawn.width, drawn.height), (SIDE_MAX, SIDE_MAX / 2));
    let widths: Vec<u32> = drawn.thumbnails.iter().map(|(width, _)| *width).collect();
    assert_eq!(widths, [320, 960]);
    for (width, small) in &drawn.thumbnails {
        let seen = image::load_from_memory(small).unwrap();
        assert_eq!((seen.width(), seen.height()), (*width, width / 2));
    }
    assert!(drawn.placeholder.starts_with("data:image/png;base64,") && drawn.placeholder.len() < 1_000);
    let thin = Picture::draw(&file(&photograph(4000, 1), ImageFormat::Png), Kind::Png).unwrap();
    assert_eq!((thin.width, thin.height), (SIDE_MAX, 1));
}

#[test]
fn transparency_stays_and_only_where_it_is_seen() {
    let clear = RgbaImage::from_fn(40, 40, |x, _| Rgba([9, 9, 9, if x < 20 { 0 } else { 255 }]));
    let drawn = Picture::draw(&file(&clear.into(), ImageFormat::Png), Kind::Png).unwrap();
    assert_eq!((drawn.kind, sniff(&drawn.file)), (Kind::Png, Some(Kind::Png)));
    let opaque = RgbaImage::from_pixel(40, 40, Rgba([9, 9, 9, 255]));
    let drawn = Picture::draw(&file(&opaque.into(), ImageFormat::WebP), Kind::Webp).unwrap();
    assert_eq!((drawn.kind, sniff(&drawn.file)), (Kind::Jpeg, Some(Kind::Jpeg)));
}

#[test]
fn of_a_moving_picture_the_first_is_kept() {
    let mut gif = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut gif);
    for colour in [[200, 0, 0, 255], [0, 0, 200, 255]] {
        encoder.encode_frame(image::Frame::new(RgbaImage::from_pixel(20, 20, Rgba(colour)))).unwrap();
    }
    drop(encoder);
    let drawn = Picture::draw(&gif, Kind::Gif).unwrap();
    let seen = image::load_from_memory(&drawn.file).unwrap().into_rgb8();
    assert!(seen.get_pixel(10, 10).0[0] > 150, "the first is red");
}

#[test]
fn a_header_that_claims_too_much_is_refused_before_anything_is_decoded() {
    let mut bomb = file(&photograph(8, 8), ImageFormat::Png);
    bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
    bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
    // The header's checksum, as the attacker would write it.
    let sum = crc32(&bomb[12..29]);
    bomb[29..33].copy_from_slice(&sum.to_be_bytes());
    let refused = measure(&bomb, Kind::Png).unwrap_err();
    assert!(matches!(refused, PictureError::TooManyPixels { width: 60_000, height: 60_000 }), "{refused:?}");
}

/// ISO 3309, as PNG wants it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}

#[test]
fn half_a_picture_is_refused() {
    for (format, kind) in
        [(ImageFormat::Jpeg, Kind::Jpeg), (ImageFormat::Png, Kind::Png), (ImageFormat::WebP, Kind::Webp)]
    {
        let whole = file(&photograph(300, 200), format);
        assert!(Picture::draw(&whole, kind).is_ok());
        assert!(Picture::draw(&whole[..whole.len() * 2 / 3], kind).is_err(), "{kind:?}");
    }
}

#[test]
fn what_hides_behind_a_picture_does_not_stay() {
    let mut both = file(&photograph(30, 30), ImageFormat::Jpeg);
    both.extend_from_slice(b"<html><script>alert(1)</script>PK\x03\x04");
    let drawn = Picture::draw(&both, Kind::Jpeg).unwrap();
    assert!(!holds(&drawn.file, b"<script>") && !holds(&drawn.file, b"PK\x03\x04"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn no_file_makes_reading_panic(bytes: Vec<u8>, at: prop::sample::Index, with: u8, kind in 0..4_usize) {
        let kind = Kind::ALL[kind];
        let format = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP][kind as usize];
        let _ = Picture::draw(&bytes, kind);
        let mut changed = file(&photograph(24, 24), format);
        let at = at.index(changed.len());
        changed[at] = with;
        if let Ok(drawn) = Picture::draw(&changed, kind) {
            prop_assert!(drawn.width <= SIDE_MAX && drawn.height <= SIDE_MAX);
            prop_assert!(drawn.placeholder.len() < 1_000, "{PLACEHOLDER_SIDE_MAX} pixels a side");
        }
    }
}
