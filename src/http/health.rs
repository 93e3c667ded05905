//! Whether the server lives, and whether it should be sent visitors.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::routing::get;

use crate::app::App;
use crate::http::problem::ApiError;

/// `/healthz` and `/readyz`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/healthz", get(async || "ok\n")).route("/readyz", get(ready))
}

/// Not ready while shutting down or without a database, so that a balancer sends new visitors elsewhere.
async fn ready(State(app): State<Arc<App>>) -> Result<&'static str, ApiError> {
    if app.closing.has_begun() {
        return Err(ApiError::unavailable("This server is shutting down", 1_000));
    }
    app.store.check().await?;
    Ok("ready\n")
}
