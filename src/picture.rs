//! Pictures that a brand shows from its own site, drawn anew here.
//!
//! Whoever looks at a card shall not thereby tell the brand's web server, or anybody it rents pictures from,
//! that they look, and from where: browsers ask this server, and this server asks once for everybody. Drawing
//! anew drops whatever else the file held, and brings it to the width that the screen needs.

use std::collections::HashMap;
use std::io::Cursor;
use std::sync::Mutex;

use axum::http::Uri;
use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageFormat, ImageReader, Limits};
use tokio::sync::Semaphore;

use crate::proof::fetch::{FetchError, Fetcher};
use crate::proof::name::Domain;
use crate::proof::settings::Profile;

/// Largest file fetched, in bytes (Business Messages).
const FILE_BYTES_MAX: usize = 5 * 1024 * 1024;
/// Largest width and height, in pixels.
const SIDE_MAX: u32 = 8192;
/// Most memory for decoding one: four bytes a pixel of 25 megapixels.
const DECODE_BYTES_MAX: u64 = 100_000_000;
/// Widths that are drawn, in pixels. Others are not: each would be another file to keep.
pub const WIDTHS: [u32; 3] = [320, 640, 1280];
/// Pictures drawn at the same time; the others wait.
const DRAWN_AT_ONCE_MAX: usize = 2;
/// Most bytes of drawn pictures kept.
const KEPT_BYTES_MAX: usize = 48 * 1024 * 1024;
/// Of a hundred. Below, lines begin to blur; above, files grow without looking better.
const JPEG_QUALITY: u8 = 82;

/// Draws pictures, and keeps what it drew for a while.
#[derive(Debug)]
pub struct Pictures {
    turns: Semaphore,
    kept: Mutex<Kept>,
}

/// A drawn picture.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The file.
    pub bytes: Bytes,
    /// `image/jpeg` or `image/png`.
    pub media_type: &'static str,
}

/// Why there is no picture. Tells the brand what to mend.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// Not a web address, or not one of the brand's.
    #[error("pictures come from the brand's own domain, by https")]
    NotTheBrands,
    /// Another width than those that are drawn.
    #[error("the width is one of 320, 640 and 1280 pixels")]
    OtherWidth,
    /// It could not be fetched.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// Not a picture, damaged, or too many pixels.
    #[error("the file is not a JPEG, PNG or WebP picture of at most {SIDE_MAX} pixels a side: {0}")]
    Unreadable(#[from] image::ImageError),
}

/// Bounded by generations: what was not asked for while half of the room filled up anew is dropped.
#[derive(Debug, Default)]
struct Kept {
    young: HashMap<(String, u32), Picture>,
    old: HashMap<(String, u32), Picture>,
    young_bytes: usize,
}

impl Default for Pictures {
    fn default() -> Self {
        Self { turns: Semaphore::new(DRAWN_AT_ONCE_MAX), kept: Mutex::default() }
    }
}

impl Pictures {
    /// The picture at `url`, at most `width` pixels wide.
    ///
    /// # Errors
    /// See [`PictureError`].
    pub async fn load(
        &self,
        fetcher: &Fetcher,
        profile: &Profile,
        url: &str,
        width: u32,
    ) -> Result<Picture, PictureError> {
        if !WIDTHS.contains(&width) {
            return Err(PictureError::OtherWidth);
        }
        let (host, path) = address(fetcher, profile, url).ok_or(PictureError::NotTheBrands)?;
        let key = (url.to_owned(), width);
        if let Some(picture) = self.kept().get(&key) {
            return Ok(picture);
        }
        let _turn = self.turns.acquire().await.expect("nobody closes the semaphore");
        // While this one waited, another may have drawn it.
        if let Some(picture) = self.kept().get(&key) {
            return Ok(picture);
        }
        let file = fetcher.get(&host, &path, FILE_BYTES_MAX).await?;
        let drawn = tokio::task::spawn_blocking(move || draw(&file, width)).await;
        let picture = drawn.expect("drawing does not panic")?;
        self.kept().put(key, picture.clone());
        Ok(picture)
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Kept {
    fn get(&mut self, key: &(String, u32)) -> Option<Picture> {
        if let Some(picture) = self.young.get(key) {
            return Some(picture.clone());
        }
        let picture = self.old.remove(key)?;
        self.put(key.clone(), picture.clone());
        Some(picture)
    }

    fn put(&mut self, key: (String, u32), picture: Picture) {
        if self.young_bytes + picture.bytes.len() > KEPT_BYTES_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += picture.bytes.len();
        self.young.insert(key, picture);
    }
}

/// Host and path of `url`, if it is the brand's: its domain, another host of the same owner, or one that may
/// embed the chat. Anything else would make this server fetch for strangers.
fn address(fetcher: &Fetcher, profile: &Profile, url: &str) -> Option<(Domain, String)> {
    let uri: Uri = url.parse().ok()?;
    let host = Domain::parse(uri.authority()?.as_str(), fetcher.scope()).ok()?;
    let scheme = if host.is_local() { "http" } else { "https" };
    let is_owners = !host.is_local() && host.registrable() == profile.domain.registrable();
    let is_embedder = profile.embed_hosts.iter().any(|embedder| embedder.as_str() == host.as_str());
    let is_the_brands = host == profile.domain || is_owners || is_embedder;
    (uri.scheme_str() == Some(scheme) && is_the_brands)
        .then(|| (host, uri.path_and_query().map_or("/", |path| path.as_str()).to_owned()))
}

fn draw(file: &[u8], width: u32) -> Result<Picture, PictureError> {
    let mut reader =
        ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(image::ImageError::from)?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODE_BYTES_MAX);
    reader.limits(limits);
    let mut picture = reader.decode()?;
    if picture.width() > width {
        let height = (u64::from(picture.height()) * u64::from(width)).div_ceil(u64::from(picture.width()));
        let height = u32::try_from(height).unwrap_or(SIDE_MAX).max(1);
        picture = picture.resize_exact(width, height, FilterType::Triangle);
    }
    encode(&picture)
}

/// Photographs as JPEG; what one sees through as PNG.
fn encode(picture: &DynamicImage) -> Result<Picture, PictureError> {
    let mut bytes = Vec::new();
    let sees_through = picture.color().has_alpha() && picture.to_rgba8().pixels().any(|pixel| pixel[3] < 255);
    if sees_through {
        picture.to_rgba8().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png)?;
    } else {
        picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY))?;
    }
    let media_type = if sees_through { "image/png" } else { "image/jpeg" };
    Ok(Picture { bytes: bytes.into(), media_type })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::dns::Resolvers;
    use crate::proof::fetch::Reach;
    use crate::proof::name::{EmbedHost, Scope};

    fn profile() -> Profile {
        Profile {
            display_name: "Lumen".into(),
            domain: Domain::parse("www.lumen.example", Scope::Public).unwrap(),
            embed_hosts: vec![EmbedHost::parse("pictures.example.net", Scope::Public).unwrap()],
            color: "#123456".parse().unwrap(),
            privacy_url: "https://www.lumen.example/privacy".into(),
            terms_url: None,
        }
    }

    fn png(width: u32, height: u32, alpha: u8) -> Vec<u8> {
        let mut file = Vec::new();
        let picture = image::RgbaImage::from_pixel(width, height, image::Rgba([200, 90, 20, alpha]));
        picture.write_to(&mut Cursor::new(&mut file), ImageFormat::Png).unwrap();
        file
    }

    #[test]
    fn only_the_brands_own_hosts_are_asked() {
        let fetcher = Fetcher::new(Resolvers::none(), Reach::Public);
        let host = |url: &str| {
            address(&fetcher, &profile(), url).map(|(host, path)| format!("{}{path}", host.as_str()))
        };
        assert_eq!(host("https://www.lumen.example/a.png?v=2"), Some("www.lumen.example/a.png?v=2".into()));
        assert_eq!(host("https://cdn.lumen.example/a.png"), Some("cdn.lumen.example/a.png".into()));
        assert_eq!(host("https://pictures.example.net"), Some("pictures.example.net/".into()));
        for foreign in [
            "http://www.lumen.example/a.png",
            "https://lumen.example.evil.test/a.png",
            "https://evil.test/?https://www.lumen.example/",
            "https://user@www.lumen.example@evil.test/",
            "https://127.0.0.1/a.png",
            "https://localhost/a.png",
            "file:///etc/passwd",
            "//www.lumen.example/a.png",
            "/a.png",
            "",
        ] {
            assert_eq!(host(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_picture_is_drawn_anew_at_the_width_asked_for() {
        let drawn = draw(&png(1000, 500, 255), 320).unwrap();
        assert_eq!(drawn.media_type, "image/jpeg");
        let read = image::load_from_memory(&drawn.bytes).unwrap();
        assert_eq!((read.width(), read.height()), (320, 160));
        let small = draw(&png(10, 4000, 90), 320).unwrap();
        assert_eq!(small.media_type, "image/png", "what one sees through stays so");
        assert_eq!(image::load_from_memory(&small.bytes).unwrap().width(), 10, "nothing is blown up");
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_refused_before_it_is_decoded() {
        // A header alone that claims 60000 × 60000 pixels.
        let mut bomb = png(2, 2, 255);
        bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
        assert!(matches!(draw(&bomb, 320), Err(PictureError::Unreadable(_))));
        let half = png(600, 600, 255);
        let others: [&[u8]; 4] =
            [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"", &half[..half.len() / 2]];
        for other in others {
            assert!(matches!(draw(other, 320), Err(PictureError::Unreadable(_))));
        }
    }

    #[test]
    fn what_lies_behind_a_picture_is_gone() {
        let mut polyglot = png(40, 40, 255);
        polyglot.extend_from_slice(b"<script>alert(1)</script>");
        let drawn = draw(&polyglot, 320).unwrap();
        assert!(!drawn.bytes.windows(7).any(|window| window == b"<script"));
    }

    #[test]
    fn what_is_kept_stays_below_its_limit() {
        let mut kept = Kept::default();
        let picture = Picture { bytes: vec![0; 1024 * 1024].into(), media_type: "image/png" };
        for number in 0..200_u32 {
            kept.put((number.to_string(), 320), picture.clone());
            let held = (kept.young.len() + kept.old.len()) * picture.bytes.len();
            assert!(held <= KEPT_BYTES_MAX, "{held}");
        }
        assert!(kept.get(&("199".into(), 320)).is_some() && kept.get(&("0".into(), 320)).is_none());
    }
}
