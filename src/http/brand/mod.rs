//! What proves a brand, for people and for programs: the proof page, the manifests, the card, the logo.

mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use portico_protocol::BrandId;
use portico_protocol::codec::encode;
use portico_seal::ManifestFile;
use portico_seal::manifest::MANIFEST_PATH;
use serde::Deserialize;

use crate::app::App;
use crate::clock;
use crate::http::problem::ApiError;
use crate::proof::Brand;

/// Most manifests in one answer; on a host with more brands, ask with `?brand=`.
const MANIFESTS_MAX: usize = 100;
/// The page needs its own style sheet and the logo, and nothing else in the world.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// The page's colours and measures are the chat's own.
const STYLE: &str = concat!(include_str!("../../../crates/ui/src/tokens.css"), include_str!("proof.css"));
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// `/v/<brand>`, `/.well-known/portico-brand.json`, `/b/<brand>/logo`, `/api/v1/brands/<brand>`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/v/{brand}", get(show_proof))
        .route("/proof.css", get(show_style))
        .route(MANIFEST_PATH, get(list_manifests))
        .route("/b/{brand}/logo", get(show_logo))
        .route("/api/v1/brands/{brand}", get(show_card))
}

/// The proof page, where the address bar can be trusted: a full page, never in a frame.
async fn show_proof(State(app): State<Arc<App>>, Path(brand): Path<String>) -> Result<Response, ApiError> {
    let now = clock::now();
    let brand = find(&app, &brand)?;
    let card = app.brands.card(&brand.id, now).ok_or_else(ApiError::not_found)?;
    let page = Html(page::render(&brand, &card, &app.config.public_url, now));
    Ok(([(CONTENT_SECURITY_POLICY, PAGE_POLICY)], page).into_response())
}

async fn show_style() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "public, max-age=3600")], STYLE)
}

#[derive(Deserialize)]
struct ManifestQuery {
    brand: Option<String>,
}

/// The manifests of this host. What the operator has withdrawn is not among them.
async fn list_manifests(
    State(app): State<Arc<App>>,
    Query(query): Query<ManifestQuery>,
) -> Result<Response, ApiError> {
    let brands = match query.brand {
        Some(brand) => vec![find(&app, &brand)?],
        None => app.brands.all(),
    };
    let now = clock::now();
    let shown = brands.iter().filter(|brand| brand.settings.withdrawn_at.is_none()).take(MANIFESTS_MAX);
    let manifests = shown.filter_map(|brand| app.brands.manifest(&brand.id, now)).collect();
    Ok(public_json(encode(&ManifestFile { manifests })))
}

/// The card that the chat shows, with its signature.
async fn show_card(State(app): State<Arc<App>>, Path(brand): Path<String>) -> Result<Response, ApiError> {
    let brand = find(&app, &brand)?;
    let card = app.brands.card(&brand.id, clock::now()).ok_or_else(ApiError::not_found)?;
    Ok(public_json(encode(&*card)))
}

/// The logo. Its address carries its hash, so that it may be kept for ever.
async fn show_logo(
    State(app): State<Arc<App>>,
    Path(brand): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let brand = find(&app, &brand)?;
    let hash = brand.settings.logo_sha256.clone().ok_or_else(ApiError::not_found)?;
    let cache = if query.as_ref() == Some(&hash) {
        "public, max-age=31536000, immutable"
    } else {
        "public, no-cache"
    };
    let etag = format!("\"{hash}\"");
    let head = [
        (CONTENT_TYPE, HeaderValue::from_static("image/png")),
        (CACHE_CONTROL, HeaderValue::from_static(cache)),
        (RESOURCE_POLICY, HeaderValue::from_static("cross-origin")),
        (ETAG, HeaderValue::from_str(&etag).map_err(|error| ApiError::internal(&error))?),
    ];
    if headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, head).into_response());
    }
    let png = app.brands.logo(&brand.id).await.map_err(|error| ApiError::internal(&error))?;
    Ok((head, png.ok_or_else(ApiError::not_found)?).into_response())
}

fn find(app: &App, brand: &str) -> Result<Arc<Brand>, ApiError> {
    let id: BrandId = brand.parse().map_err(|_| ApiError::not_found())?;
    app.brands.find(&id).ok_or_else(ApiError::not_found)
}

/// Facts that anybody may read from anywhere, to check them.
fn public_json(body: String) -> Response {
    let head = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "public, max-age=60"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (RESOURCE_POLICY, "cross-origin"),
    ];
    (head, body).into_response()
}
