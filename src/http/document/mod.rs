//! The documents that hold the chat: in a frame on the brand's page, and as a page of its own.
//!
//! Each is the whole chat already: header and proof, composer, menu. The app that arrives later only makes it
//! live, so people see and write before its code is there, and nothing is drawn twice or downloaded as code.
//! No script in it is inline, its one inline style is named by its hash, and nothing depends on who asks but
//! the language.

mod language;
mod markup;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LINK, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use portico_protocol::BrandId;
use portico_protocol::boot::Surface;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::clock;
use crate::http::problem::ApiError;
use markup::{Document, Files};

/// `/w/<brand>` and `/c/<brand>`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/w/{brand}", get(frame)).route("/c/{brand}", get(page))
}

/// What may be asked of a document.
#[derive(Debug, Default, Deserialize)]
struct Wishes {
    /// The page's language, BCP 47.
    #[serde(default)]
    locale: String,
}

async fn frame(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    Query(wishes): Query<Wishes>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    answer(&app, &brand, &wishes, &headers, Surface::Frame)
}

async fn page(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    Query(wishes): Query<Wishes>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    answer(&app, &brand, &wishes, &headers, Surface::Page)
}

fn answer(
    app: &App,
    brand: &str,
    wishes: &Wishes,
    headers: &HeaderMap,
    surface: Surface,
) -> Result<Response, ApiError> {
    let now = clock::now();
    let brand: BrandId = brand.parse().map_err(|_| ApiError::not_found())?;
    app.brands.find(&brand).ok_or_else(ApiError::not_found)?;
    let (locale, texts) = language::choose(&app.assets, wishes, headers).ok_or_else(not_built)?;
    let card = app.brand_card(&brand, &locale, now).ok_or_else(ApiError::not_found)?;
    let address = |name| app.assets.address(name).ok_or_else(not_built);
    let files = Files {
        style: address("widget.css")?,
        script: address("widget.js")?,
        module: address("widget.wasm")?,
    };
    let ancestors = match surface {
        Surface::Frame => app.brands.frame_ancestors(&brand, now).ok_or_else(ApiError::not_found)?,
        Surface::Page => "'none'".into(),
    };
    let texts = serde_json::from_str(&texts).map_err(|_| not_built())?;
    let document = Document { card: &card, locale: &locale, texts: &texts, surface, files: &files, now };
    Ok(respond(&document, &ancestors))
}

fn not_built() -> ApiError {
    ApiError::new(503, "not-built", "This server was built without its apps")
        .with_detail("Run `cargo xtask build`, then start it again")
}

fn respond(document: &Document<'_>, ancestors: &str) -> Response {
    let header = |value: &str| HeaderValue::from_str(value).ok();
    let theme = document.theme();
    let mut response = document.write(&theme).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, header("text/html; charset=utf-8")),
        (CONTENT_LANGUAGE, header(document.locale)),
        (CONTENT_SECURITY_POLICY, header(&content_policy(ancestors, &theme))),
        // Cards are signed for hours: a document may be shown again for a minute, not for a day.
        (CACHE_CONTROL, header("private, max-age=60")),
        (VARY, header("accept-language")),
        (LINK, header(&document.files.preloads())),
        // Pages that isolate themselves may still hold the frame: `frame-ancestors` says which may.
        (HeaderName::from_static("cross-origin-resource-policy"), header("cross-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            header("camera=(), geolocation=(), microphone=(), payment=()"),
        ),
    ] {
        if let Some(value) = value {
            headers.insert(name, value);
        }
    }
    response
}

/// Nothing from elsewhere, nothing inline but this one style, no text that becomes markup.
fn content_policy(ancestors: &str, style: &str) -> String {
    let style = BASE64_STANDARD.encode(Sha256::digest(style));
    format!(
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'sha256-{style}'; \
         img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors {ancestors}; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_allows_nothing_inline_and_no_stranger_to_frame_it() {
        let policy = content_policy("https://lumen.example", ":root{}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
        assert!(policy.contains("frame-ancestors https://lumen.example;"));
    }
}
