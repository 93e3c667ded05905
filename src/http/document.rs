//! The documents that hold the chat.

use std::sync::Arc;

use axum::Router;

use crate::app::App;

/// `/w/<brand>` and `/c/<brand>`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
}
