//! What is served as it is: the apps' code and styles, the loader, icons.
//!
//! `cargo xtask build` makes `dist/`: files under `assets/` carry a hash of their content in their name and
//! may be kept for ever; others are asked for again. Each compressible file lies there in Brotli and gzip
//! too. `manifest.json` tells the hashed path of each plain name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::http::problem::ApiError;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// For hashed names: the content never changes.
const CACHE_FOR_EVER: &str = "public, max-age=31536000, immutable";
/// For the loader and other plain names: short, so that a new release reaches every page within minutes.
const CACHE_BRIEFLY: &str = "public, max-age=300, stale-while-revalidate=86400";

/// The files of `dist/`.
#[derive(Debug)]
pub struct Assets {
    source: Source,
}

#[derive(Debug)]
enum Source {
    Embedded { files: BTreeMap<&'static str, &'static [u8]>, manifest: BTreeMap<String, String> },
    Folder(PathBuf),
}

impl Assets {
    /// Those inside the binary; in a debug build those in the workspace's `dist/`, read when asked for.
    #[must_use]
    pub fn load() -> Self {
        let source = if cfg!(debug_assertions) && EMBEDDED.is_empty() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dist");
            if !folder.join("manifest.json").exists() {
                tracing::warn!("No assets are built: run `cargo xtask build` to see the apps");
            }
            Source::Folder(folder)
        } else {
            let files: BTreeMap<_, _> = EMBEDDED.iter().copied().collect();
            let manifest = files.get("manifest.json").map(|bytes| parse_manifest(bytes)).unwrap_or_default();
            Source::Embedded { files, manifest }
        };
        Self { source }
    }

    /// The address of the asset with the plain `name`, such as `widget.wasm`: `/assets/widget-3f9c….wasm`.
    /// `None` where it was not built.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<String> {
        let path = match &self.source {
            Source::Embedded { manifest, .. } => manifest.get(name).cloned(),
            Source::Folder(folder) => {
                let manifest = std::fs::read(folder.join("manifest.json")).ok()?;
                parse_manifest(&manifest).remove(name)
            }
        };
        path.map(|path| format!("/{path}"))
    }

    /// The content of the file at `path` in `dist/`, if there is one.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<Cow<'static, [u8]>> {
        match &self.source {
            Source::Embedded { files, .. } => files.get(path).map(|bytes| Cow::Borrowed(*bytes)),
            Source::Folder(folder) => {
                let stays_inside =
                    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
                stays_inside.then(|| std::fs::read(folder.join(path)).ok().map(Cow::Owned))?
            }
        }
    }
}

fn parse_manifest(bytes: &[u8]) -> BTreeMap<String, String> {
    serde_json::from_slice(bytes).unwrap_or_default()
}

/// `/assets/…`, `/embed.js` and the other files with plain names.
pub fn routes() -> Router<Arc<App>> {
    let mut router = Router::new().route("/assets/{*path}", get(serve));
    for name in ["/embed.js", "/embed.d.ts", "/favicon.ico", "/favicon.svg", "/robots.txt"] {
        router = router.route(name, get(serve));
    }
    // Pages of `cargo xtask dev` ask it whether there is a newer build.
    if cfg!(debug_assertions) { router.route("/dev/built", get(serve)) } else { router }
}

async fn serve(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    answer(&app.assets, path, request.headers()).unwrap_or_else(|| ApiError::not_found().into_response())
}

/// The file at `path`, in the smallest encoding that the client reads. axum drops the body for HEAD.
fn answer(assets: &Assets, path: &str, headers: &HeaderMap) -> Option<Response> {
    let is_servable = !path.ends_with(".br") && !path.ends_with(".gz") && path != "manifest.json";
    let plain = assets.read(path).filter(|_| is_servable)?;
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut encodings =
        [("br", ".br"), ("gzip", ".gz")].into_iter().filter(|(name, _)| accepts(accepted, name));
    let encoded = encodings.find_map(|(name, suffix)| Some((name, assets.read(&format!("{path}{suffix}"))?)));
    let tag = entity_tag(path, &plain);
    let (encoding, content) = encoded.map_or((None, plain), |(name, content)| (Some(name), content));
    let mut response = if names(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        match content {
            Cow::Borrowed(bytes) => Bytes::from_static(bytes),
            Cow::Owned(bytes) => Bytes::from(bytes),
        }
        .into_response()
    };
    describe(response.headers_mut(), path, &tag, encoding);
    Some(response)
}

fn describe(headers: &mut HeaderMap, path: &str, tag: &str, encoding: Option<&'static str>) {
    let cache = if path.starts_with("assets/") { CACHE_FOR_EVER } else { CACHE_BRIEFLY };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(cache));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(ETAG, HeaderValue::from_str(tag).expect("hexadecimal digits or a file name of ours"));
    // Pages of other sites load the loader, and fetch the apps ahead without credentials.
    headers.insert(CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    if let Some(encoding) = encoding {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
}

/// Whether the client holds the content with this tag already.
fn names(headers: &HeaderMap, tag: &str) -> bool {
    let given = headers.get_all(IF_NONE_MATCH).into_iter().filter_map(|value| value.to_str().ok());
    given.flat_map(|tags| tags.split(',')).map(str::trim).any(|given| given == tag || given == "*")
}

/// The same on every node, for the content in any encoding, and therefore weak (RFC 9110 §8.8.1). A hashed
/// name is a tag already.
fn entity_tag(path: &str, plain: &[u8]) -> String {
    if let Some(name) = path.strip_prefix("assets/") {
        return format!("W/\"{name}\"");
    }
    let digest = Sha256::digest(plain);
    let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("W/\"{hex}\"")
}

/// Whether an `Accept-Encoding` allows `encoding` (RFC 9110 §12.5.3): named or by `*`, and not with `q=0`.
pub(crate) fn accepts(accepted: &str, encoding: &str) -> bool {
    let quality = |wanted: &str| {
        accepted.split(',').find_map(|part| {
            let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
            let quality = parameters.trim().strip_prefix("q=").and_then(|q| q.trim().parse::<f32>().ok());
            name.trim().eq_ignore_ascii_case(wanted).then(|| quality.unwrap_or(1.0))
        })
    };
    quality(encoding).or_else(|| quality("*")).is_some_and(|quality| quality > 0.0)
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "css" => "text/css; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        "html" => "text/html; charset=utf-8",
        "txt" | "ts" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
