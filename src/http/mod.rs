//! HTTP: routes, extractors, pages. Alone knows status codes and headers.

pub mod asset;
pub mod attend;
pub mod brand;
pub mod client;
mod compress;
pub mod document;
mod door;
pub mod events;
pub mod explanation;
pub mod health;
pub mod limit;
pub mod metrics;
mod origin;
pub mod problem;
pub mod server;
pub mod socket;
pub mod studio;
pub mod tls;
pub mod visitor;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use portico_protocol::limit::FRAME_BYTES_MAX;

use crate::app::App;
use crate::http::problem::ApiError;

/// Every address of the server.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(asset::routes())
        .merge(brand::routes())
        .merge(document::routes())
        .merge(events::routes())
        .merge(health::routes())
        .merge(metrics::routes())
        .merge(explanation::routes())
        .merge(socket::routes())
        .merge(studio::routes())
        .merge(visitor::routes())
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(DefaultBodyLimit::max(FRAME_BYTES_MAX))
        .layer(middleware::from_fn(compress::compress))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), attend::attend))
        .with_state(app)
}
