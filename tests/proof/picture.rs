//! Pictures from a brand's own site: fetched by TLS once, drawn anew, and from nowhere else.

use std::io::Cursor;

use image::ImageFormat;
use portico::picture::{PictureError, Pictures};
use portico::proof::fetch::FetchError;

use crate::world::{DOMAIN, World};

const URL: &str = "https://lumen.example/dag.png";

fn png(width: u32, height: u32, red: u8) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image::RgbImage::from_pixel(width, height, image::Rgb([red, 64, 128]))
        .write_to(&mut file, ImageFormat::Png)
        .unwrap();
    file.into_inner()
}

async fn load(
    world: &World,
    pictures: &Pictures,
    url: &str,
    width: u32,
) -> Result<image::RgbImage, PictureError> {
    let brand = world.brand();
    let picture = pictures.load(world.fetcher(), &brand.settings.profile, url, width).await?;
    assert_eq!(picture.media_type, "image/jpeg");
    Ok(image::load_from_memory(&picture.bytes).unwrap().to_rgb8())
}

#[tokio::test]
async fn a_picture_is_fetched_once_and_comes_in_the_width_asked_for() {
    let (world, pictures) = (World::start().await, Pictures::default());
    world.serve_file(&format!("{DOMAIN}/dag.png"), 200, &png(1600, 800, 32));
    assert_eq!(load(&world, &pictures, URL, 640).await.unwrap().dimensions(), (640, 320));
    assert_eq!(load(&world, &pictures, URL, 320).await.unwrap().dimensions(), (320, 160));
    // What was drawn is kept: the site is not asked again for each visitor.
    world.serve_file(&format!("{DOMAIN}/dag.png"), 404, b"");
    assert_eq!(load(&world, &pictures, URL, 640).await.unwrap().dimensions(), (640, 320));
    let other = load(&world, &pictures, URL, 1280).await.unwrap_err();
    assert!(matches!(other, PictureError::Fetch(FetchError::NotThere { .. })), "{other}");
}

#[tokio::test]
async fn what_is_foreign_redirected_too_large_or_no_picture_is_refused_with_the_reason() {
    let (world, pictures) = (World::start().await, Pictures::default());
    let mut large = png(8, 8, 1);
    large.resize(5 * 1024 * 1024 + 1, 0);
    for (name, status, file) in [
        ("moved.png", 302, &png(8, 8, 1)[..]),
        ("large.png", 200, &large),
        ("page.png", 200, b"<!doctype html><script>alert(1)</script>"),
        ("drawn.svg", 200, b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>alert(1)</script></svg>"),
        ("cut.png", 200, &png(900, 900, 1)[..60]),
    ] {
        world.serve_file(&format!("{DOMAIN}/{name}"), status, file);
    }
    for (url, reason) in [
        ("https://lumen.example/moved.png", "redirects to https://evil.example/"),
        ("https://lumen.example/large.png", "larger than 5242880 bytes"),
        ("https://lumen.example/page.png", "not a JPEG, PNG or WebP picture"),
        ("https://lumen.example/drawn.svg", "not a JPEG, PNG or WebP picture"),
        ("https://lumen.example/cut.png", "not a JPEG, PNG or WebP picture"),
        ("https://evil.example/dag.png", "the brand's own domain"),
        ("http://lumen.example/dag.png", "the brand's own domain"),
        ("https://169.254.169.254/latest/meta-data", "the brand's own domain"),
    ] {
        let error = load(&world, &pictures, url, 640).await.unwrap_err().to_string();
        assert!(error.contains(reason), "{url}: {error}");
    }
    let width = load(&world, &pictures, URL, 641).await.unwrap_err();
    assert!(matches!(width, PictureError::OtherWidth), "{width}");
}

#[tokio::test]
async fn a_domain_that_points_into_our_own_network_is_not_asked() {
    let (world, pictures) = (World::start().await, Pictures::default());
    let brand = world.brand();
    let looker = world.public_looker();
    let error = pictures.load(looker.fetcher(), &brand.settings.profile, URL, 640).await.unwrap_err();
    assert!(matches!(error, PictureError::Fetch(FetchError::NotPublic { .. })), "{error}");
}
