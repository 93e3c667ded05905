//! What proves a brand.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// `/v/<brand>`, `/.well-known/portico-brand.json`, logos.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
