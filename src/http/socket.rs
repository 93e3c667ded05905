//! The live socket.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// `/ws`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
