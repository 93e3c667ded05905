//! The live socket.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::get;
use hyper_util::rt::TokioIo;

use crate::app::App;
use crate::http::origin;
use crate::http::problem::ApiError;
use crate::live::{self, WebSocket};

/// `/ws`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/ws", get(open))
}

/// Whoever connects is nobody until `hello` spends a ticket.
async fn open(State(app): State<Arc<App>>, mut request: Request<Body>) -> Result<Response, ApiError> {
    origin::check(&app, request.headers())?;
    let (response, upgrade) = live::accept(&mut request)?;
    let closing = app.closing.watch();
    tokio::spawn(async move {
        // Who breaks off before the upgrade concerns nobody.
        let Ok(upgraded) = upgrade.await else { return };
        live::drive(Arc::clone(&app.hub), closing, WebSocket::new(TokioIo::new(upgraded))).await;
    });
    Ok(response)
}
