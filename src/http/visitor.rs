//! Visitors' sessions, tickets and device links.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// The part of `/api/v1` that visitors use.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
