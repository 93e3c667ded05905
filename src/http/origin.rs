//! Which pages may talk to the server with a visitor's or representative's rights: its own.

use axum::http::HeaderMap;
use axum::http::header::ORIGIN;
use portico_protocol::Problem;

use crate::app::App;
use crate::http::problem::ApiError;

/// Refuses what a page of another origin asks. The frame is served from here, so its requests carry our own
/// origin whatever page holds it. Browsers always name the origin of sockets and of POSTs; what names none is
/// no browser, holds no cookie of anybody's, and could name any.
///
/// # Errors
/// The page is of another origin.
pub(crate) fn check(app: &App, headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    if origin.as_bytes() == app.config.public_url.origin().as_bytes() {
        return Ok(());
    }
    Err(ApiError(Problem::new("foreign-origin", 403, "Another site may not do this").with_detail(format!(
        "Only pages of {} may. If this is that host, set public-url to the address that visitors see",
        app.config.public_url
    ))))
}
