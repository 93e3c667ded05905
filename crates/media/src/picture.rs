//! Pictures: measured before they are decoded, and drawn anew so that nothing of the file stays.

use std::io::Cursor;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fast_image_resize::images::Image;
use fast_image_resize::{PixelType, Resizer};
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};

use crate::Kind;

/// Most pixels of a picture: 50 megapixels.
pub const PIXELS_MAX: u64 = 50_000_000;
/// Most bytes that a decoded picture may take: [`PIXELS_MAX`] with colour and transparency.
pub const DECODED_BYTES_MAX: u64 = 4 * PIXELS_MAX;
/// Longest side of what is kept, in pixels.
pub const SIDE_MAX: u32 = 2560;
/// Widths of the small copies, in pixels; one is made where the picture is wider.
pub const THUMBNAIL_WIDTHS: [u32; 2] = [320, 960];
/// Longest side of the placeholder, in pixels.
pub const PLACEHOLDER_SIDE_MAX: u32 = 12;
/// Where an eye no longer sees the difference in a photograph.
const JPEG_QUALITY: u8 = 82;

/// A picture, drawn anew.
#[derive(Clone)]
pub struct Picture {
    /// [`Kind::Jpeg`], or [`Kind::Png`] where something is transparent.
    pub kind: Kind,
    /// In pixels, as seen.
    pub width: u32,
    /// In pixels, as seen.
    pub height: u32,
    /// The file.
    pub file: Vec<u8>,
    /// Its small copies, of the same kind, by width.
    pub thumbnails: Vec<(u32, Vec<u8>)>,
    /// A `data:` address of a PNG of at most [`PLACEHOLDER_SIDE_MAX`] pixels a side, to be drawn large and
    /// soft while the picture loads.
    pub placeholder: String,
}

/// Why a picture is refused.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// More pixels than [`PIXELS_MAX`].
    #[error("the picture has {width}×{height} pixels; at most {PIXELS_MAX} are taken")]
    TooManyPixels {
        /// In pixels, as the header says.
        width: u32,
        /// In pixels, as the header says.
        height: u32,
    },
    /// Decoded it would need more than [`DECODED_BYTES_MAX`].
    #[error("the picture takes {bytes} bytes of memory; at most {DECODED_BYTES_MAX} are taken")]
    TooDeep {
        /// What it would need.
        bytes: u64,
    },
    /// The file ends too early.
    #[error("the picture is not whole: the file ends before it does")]
    Truncated,
    /// It is no picture, or a broken one.
    #[error("the picture cannot be read")]
    Unreadable(#[source] image::ImageError),
}

/// Width and height of a picture by its header, without decoding it.
///
/// # Errors
/// It is too large, or no picture: see [`PictureError`].
pub fn measure(file: &[u8], kind: Kind) -> Result<(u32, u32), PictureError> {
    open(file, kind).map(|decoder| decoder.dimensions())
}

impl Picture {
    /// Draws the first picture of `file` anew: upright, of a bounded size, without anything but its pixels.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub fn draw(file: &[u8], kind: Kind) -> Result<Self, PictureError> {
        let mut decoder = open(file, kind)?;
        if kind == Kind::Jpeg && !is_whole_jpeg(file) {
            // The decoder would fill what is missing with grey.
            return Err(PictureError::Truncated);
        }
        let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
        let decoded = DynamicImage::from_decoder(decoder).map_err(PictureError::Unreadable)?;
        let mut pixels = Pixels::from(decoded).fit(SIDE_MAX, SIDE_MAX);
        // After making it smaller: turning needs a second copy.
        pixels = pixels.turn(orientation);
        let kind = if pixels.has_alpha { Kind::Png } else { Kind::Jpeg };
        let file = pixels.encode()?;
        let mut thumbnails = Vec::new();
        for width in THUMBNAIL_WIDTHS.into_iter().filter(|width| *width < pixels.width) {
            // A picture as tall as a tower is not small at any width.
            thumbnails.push((width, pixels.fitted(width, SIDE_MAX).encode()?));
        }
        let placeholder = pixels.fitted(PLACEHOLDER_SIDE_MAX, PLACEHOLDER_SIDE_MAX).png()?;
        let placeholder = format!("data:image/png;base64,{}", STANDARD.encode(placeholder));
        Ok(Self { kind, width: pixels.width, height: pixels.height, file, thumbnails, placeholder })
    }
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Picture({}×{})", self.width, self.height)
    }
}

fn open(file: &[u8], kind: Kind) -> Result<impl ImageDecoder + '_, PictureError> {
    let format = match kind {
        Kind::Png => ImageFormat::Png,
        Kind::Gif => ImageFormat::Gif,
        Kind::Webp => ImageFormat::WebP,
        _ => ImageFormat::Jpeg,
    };
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    // Sides are not limited here: that error would not say what was found.
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODED_BYTES_MAX + (16 << 20));
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(PictureError::Unreadable)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(PictureError::TooManyPixels { width, height });
    }
    let bytes = decoder.total_bytes();
    if bytes > DECODED_BYTES_MAX {
        return Err(PictureError::TooDeep { bytes });
    }
    Ok(decoder)
}

/// Whether a JPEG's end marker comes after the beginning of its scan (ITU T.81 §B.1.1). One inside a
/// thumbnail of the metadata does not count.
fn is_whole_jpeg(file: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker]) = file.get(at..at + 2).and_then(|bytes| bytes.first_chunk::<2>()) {
        match marker {
            // Start of scan.
            0xda => return file[at..].windows(2).any(|bytes| bytes == [0xff, 0xd9]),
            // Padding, and markers without a length.
            0xff => at += 1,
            0x01 | 0xd0..=0xd8 => at += 2,
            _ => {
                let Some(length) = file.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
    false
}

/// Red, green, blue, and alpha where something is transparent; eight bits each.
struct Pixels {
    width: u32,
    height: u32,
    has_alpha: bool,
    bytes: Vec<u8>,
}

impl From<DynamicImage> for Pixels {
    fn from(decoded: DynamicImage) -> Self {
        let (width, height) = (decoded.width(), decoded.height());
        if decoded.color().has_alpha() {
            let seen = decoded.into_rgba8();
            if seen.pixels().any(|pixel| pixel.0[3] != u8::MAX) {
                return Self { width, height, has_alpha: true, bytes: seen.into_raw() };
            }
            let bytes = DynamicImage::ImageRgba8(seen).into_rgb8().into_raw();
            return Self { width, height, has_alpha: false, bytes };
        }
        Self { width, height, has_alpha: false, bytes: decoded.into_rgb8().into_raw() }
    }
}

impl Pixels {
    fn fit(self, width_max: u32, height_max: u32) -> Self {
        if self.width <= width_max && self.height <= height_max {
            return self;
        }
        self.fitted(width_max, height_max)
    }

    /// A copy with the same shape within these sides.
    fn fitted(&self, width_max: u32, height_max: u32) -> Self {
        let (width, height) = fitting((self.width, self.height), (width_max, height_max));
        let kind = if self.has_alpha { PixelType::U8x4 } else { PixelType::U8x3 };
        let mut small = Image::new(width, height, kind);
        let source = fast_image_resize::images::ImageRef::new(self.width, self.height, &self.bytes, kind)
            .expect("as many bytes as width, height and kind say");
        Resizer::new().resize(&source, &mut small, None).expect("both are of one kind");
        Self { width, height, has_alpha: self.has_alpha, bytes: small.into_vec() }
    }

    fn turn(self, orientation: Orientation) -> Self {
        if orientation == Orientation::NoTransforms {
            return self;
        }
        let has_alpha = self.has_alpha;
        let mut seen = self.into_image();
        seen.apply_orientation(orientation);
        let (width, height) = (seen.width(), seen.height());
        Self { width, height, has_alpha, bytes: seen.into_bytes() }
    }

    fn into_image(self) -> DynamicImage {
        let whole = "as many bytes as width, height and kind say";
        if self.has_alpha {
            let pixels = image::RgbaImage::from_raw(self.width, self.height, self.bytes);
            return DynamicImage::ImageRgba8(pixels.expect(whole));
        }
        let pixels = image::RgbImage::from_raw(self.width, self.height, self.bytes);
        DynamicImage::ImageRgb8(pixels.expect(whole))
    }

    fn encode(&self) -> Result<Vec<u8>, PictureError> {
        if self.has_alpha {
            return self.png();
        }
        let mut file = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY);
        encoder
            .write_image(&self.bytes, self.width, self.height, ExtendedColorType::Rgb8)
            .map_err(PictureError::Unreadable)?;
        Ok(file)
    }

    fn png(&self) -> Result<Vec<u8>, PictureError> {
        let kind = if self.has_alpha { ExtendedColorType::Rgba8 } else { ExtendedColorType::Rgb8 };
        let mut file = Vec::new();
        let encoder = PngEncoder::new(&mut file);
        encoder.write_image(&self.bytes, self.width, self.height, kind).map_err(PictureError::Unreadable)?;
        Ok(file)
    }
}

/// The largest sides of the same shape within `max`, at least one pixel each, never larger than before.
fn fitting((width, height): (u32, u32), (width_max, height_max): (u32, u32)) -> (u32, u32) {
    let (wide, tall) = (u64::from(width), u64::from(height));
    let (wide_max, tall_max) = (u64::from(width_max), u64::from(height_max));
    let side = |pixels: u64| u32::try_from(pixels.max(1)).unwrap_or(u32::MAX);
    if wide <= wide_max && tall <= tall_max {
        return (width, height);
    }
    if wide * tall_max >= tall * wide_max {
        (width_max, side(tall * wide_max / wide))
    } else {
        (side(wide * tall_max / tall), height_max)
    }
}
