//! Server-sent events and POST, where sockets are blocked.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// `/api/v1/live`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
