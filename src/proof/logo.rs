//! Logos: sniffed, bounded before decoding, drawn anew as a small PNG.
//!
//! Drawing anew drops whatever else the file held: metadata, trailing bytes, another format's payload.

use std::io::Cursor;

use image::imageops::FilterType;
use image::{ImageFormat, ImageReader, Limits};
use portico_seal::base64url;
use sha2::{Digest as _, Sha256};

/// Largest file accepted, in bytes.
pub const UPLOAD_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Largest width and height accepted, in pixels.
const UPLOAD_SIDE_MAX: u32 = 4096;
/// Most memory for decoding: four bytes for each pixel of the largest picture.
const DECODE_BYTES_MAX: u64 = 4 * (UPLOAD_SIDE_MAX as u64) * (UPLOAD_SIDE_MAX as u64);
/// Width and height of the result, in pixels; halved until the file is small enough.
const SIDE: u32 = 256;
/// Smallest width and height accepted and made, in pixels.
const SIDE_MIN: u32 = 64;
/// Largest result, in bytes (RBM allows the same).
pub const LOGO_BYTES_MAX: usize = 50 * 1024;

/// A square PNG of at most [`LOGO_BYTES_MAX`].
#[derive(Clone, PartialEq, Eq)]
pub struct Logo(Vec<u8>);

/// Why a file is no logo.
#[derive(Debug, thiserror::Error)]
pub enum LogoError {
    /// Too many bytes.
    #[error("the file has {found} bytes; at most {UPLOAD_BYTES_MAX} are accepted")]
    TooLarge {
        /// How many.
        found: usize,
    },
    /// Not PNG, JPEG or WebP by its first bytes.
    #[error("the file is not a PNG, JPEG or WebP picture")]
    OtherFormat,
    /// Damaged, or too many pixels.
    #[error("the picture cannot be read, or has more than {UPLOAD_SIDE_MAX} pixels a side: {0}")]
    Unreadable(image::ImageError),
    /// Not square enough, or too small.
    #[error("the picture is {width}×{height}; a logo is square and has at least {SIDE_MIN} pixels a side")]
    WrongShape {
        /// In pixels.
        width: u32,
        /// In pixels.
        height: u32,
    },
}

impl Logo {
    /// Reads an uploaded file.
    ///
    /// # Errors
    /// See [`LogoError`].
    pub fn read(file: &[u8]) -> Result<Self, LogoError> {
        if file.len() > UPLOAD_BYTES_MAX {
            return Err(LogoError::TooLarge { found: file.len() });
        }
        let format = image::guess_format(file).map_err(|_| LogoError::OtherFormat)?;
        if !matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP) {
            return Err(LogoError::OtherFormat);
        }
        let mut limits = Limits::default();
        limits.max_image_width = Some(UPLOAD_SIDE_MAX);
        limits.max_image_height = Some(UPLOAD_SIDE_MAX);
        limits.max_alloc = Some(DECODE_BYTES_MAX);
        let mut reader = ImageReader::with_format(Cursor::new(file), format);
        reader.limits(limits);
        let picture = reader.decode().map_err(LogoError::Unreadable)?;
        let (width, height) = (picture.width(), picture.height());
        if width != height || width < SIDE_MIN {
            return Err(LogoError::WrongShape { width, height });
        }
        let mut side = SIDE.min(width);
        loop {
            let mut png = Vec::new();
            let drawn = picture.resize_exact(side, side, FilterType::Lanczos3).to_rgba8();
            drawn.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).map_err(LogoError::Unreadable)?;
            // At 64 pixels even noise needs no more than 17 kB.
            if png.len() <= LOGO_BYTES_MAX {
                return Ok(Self(png));
            }
            side = (side / 2).max(SIDE_MIN);
        }
    }

    /// The PNG file.
    #[must_use]
    pub fn png(&self) -> &[u8] {
        &self.0
    }

    /// Its hash, as manifests and cards name it.
    #[must_use]
    pub fn sha256(&self) -> String {
        sha256(&self.0)
    }
}

/// The hash of a logo file, as manifests and cards name it.
#[must_use]
pub fn sha256(file: &[u8]) -> String {
    base64url::encode(Sha256::digest(file))
}

impl std::fmt::Debug for Logo {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Logo({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use image::{Rgb, RgbImage};
    use proptest::prelude::*;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        // Noise: the worst case for a PNG's size.
        let mut state = 1_u32;
        let picture = RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [_, red, green, blue] = state.to_be_bytes();
            Rgb([red, green, blue])
        });
        let mut file = Vec::new();
        picture.write_to(&mut Cursor::new(&mut file), format).unwrap();
        file
    }

    #[test]
    fn a_picture_becomes_a_small_square_png_and_nothing_of_the_file_stays() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            let mut file = picture(300, 300, format);
            file.extend_from_slice(b"<script>alert(1)</script>");
            let logo = Logo::read(&file).unwrap();
            assert!(logo.png().len() <= LOGO_BYTES_MAX && logo.png().starts_with(b"\x89PNG"));
            assert!(!logo.png().windows(8).any(|bytes| bytes == b"<script>"));
            let drawn = image::load_from_memory(logo.png()).unwrap();
            assert_eq!(drawn.width(), drawn.height());
            assert_eq!(logo.sha256().len(), 43);
        }
    }

    #[test]
    fn what_is_no_small_square_picture_is_refused() {
        let check = |file: &[u8]| Logo::read(file).unwrap_err().to_string();
        assert!(check(b"<svg xmlns='http://www.w3.org/2000/svg'/>").contains("not a PNG"));
        assert!(check(b"GIF89a..........").contains("not a PNG"));
        assert!(check(&picture(300, 200, ImageFormat::Png)).contains("300×200"));
        assert!(check(&picture(32, 32, ImageFormat::Png)).contains("at least 64"));
        assert!(check(&vec![0; UPLOAD_BYTES_MAX + 1]).contains("at most"));
        // A small file that claims 60,000 pixels a side.
        let mut bomb = picture(64, 64, ImageFormat::Png);
        bomb[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        bomb[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(check(&bomb).contains("cannot be read"));
    }

    proptest! {
        #[test]
        fn no_file_makes_reading_panic(bytes: Vec<u8>, at: prop::sample::Index, with: u8) {
            let _ = Logo::read(&bytes);
            let mut changed = picture(64, 64, ImageFormat::Png);
            let at = at.index(changed.len());
            changed[at] = with;
            let _ = Logo::read(&changed);
        }
    }
}
