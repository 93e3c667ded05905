//! What representatives use.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// `/studio` and its part of `/api/v1`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
