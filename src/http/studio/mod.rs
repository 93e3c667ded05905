//! What representatives use: the studio itself and its part of `/api/v1`.
//!
//! Everything but signing in goes through [`session::SignedIn`], which proves who asks; everything that is
//! read or changed is limited to that representative's brand by the store's own queries.

mod account;
mod inbox;
pub mod session;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LINK};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::http::problem::ApiError;

/// The studio loads nothing from anywhere else, runs nothing inline, and stands in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// `/studio` and its part of `/api/v1`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/studio", get(document))
        .route("/studio/{*path}", get(document))
        .route("/api/v1/sign-in", post(account::sign_in))
        .route("/api/v1/sign-out", post(account::sign_out))
        .route("/api/v1/me", get(account::me))
        .route("/api/v1/studio-tickets", post(account::issue_ticket))
        .route("/api/v1/sessions", get(account::sessions).delete(account::end_other_sessions))
        .route("/api/v1/sessions/{session}", delete(account::end_session))
        .route("/api/v1/conversations", get(inbox::conversations))
        .route("/api/v1/conversations/{conversation}", get(inbox::conversation))
        .route("/api/v1/inbox-counts", get(inbox::counts))
        .route("/api/v1/canned-replies", get(inbox::canned_replies))
        .route(
            "/api/v1/canned-replies/{reply}",
            put(inbox::save_canned_reply).delete(inbox::delete_canned_reply),
        )
}

/// The same document for every screen: the app reads the address itself.
async fn document(State(app): State<Arc<App>>) -> Result<Response, ApiError> {
    let address = |name| app.assets.address(name);
    let (Some(script), Some(module), Some(styles)) =
        (address("studio.js"), address("studio.wasm"), address("studio.css"))
    else {
        return Err(ApiError::unavailable("The studio was not built: run `cargo xtask build`", 60_000));
    };
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>Portico</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1, interactive-widget=resizes-content\">\n\
         <meta name=\"robots\" content=\"noindex\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <link rel=\"stylesheet\" href=\"{styles}\">\n<script type=\"module\" src=\"{script}\"></script>\n\
         </head>\n<body>\n<noscript>The studio needs JavaScript.</noscript>\n</body>\n</html>\n"
    );
    let preload = format!("<{module}>; rel=preload; as=fetch; crossorigin, <{script}>; rel=modulepreload");
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
        (LINK, preload.as_str()),
    ];
    Ok((headers, page).into_response())
}

/// A JSON body. What is wrong with it is told as a problem, without repeating any of it.
fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| ApiError::new(400, "malformed", "The body is not UTF-8"))?;
    portico_protocol::codec::decode(text).map_err(|error| ApiError(error.into()))
}

/// A JSON answer.
fn json(value: &impl serde::Serialize) -> Response {
    ([(CONTENT_TYPE, "application/json")], portico_protocol::codec::encode(value)).into_response()
}
