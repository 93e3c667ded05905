//! Server-sent events and POST, where sockets are blocked: the same frames, the same driver.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use portico_protocol::api::Connection;
use portico_protocol::frame::Hello;
use portico_protocol::{ClientFrame, Problem, codec};
use portico_seal::base64url;
use rand::Rng;

use crate::app::App;
use crate::clock;
use crate::http::origin;
use crate::http::problem::ApiError;
use crate::live::{self, NotTaken, Relay};

/// `/api/v1/live`.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/live", post(open))
        .route("/api/v1/live/{connection}", get(listen).post(receive))
}

/// Opens a connection with the `hello` in the body. What comes of it is the first event.
async fn open(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    origin::check(&app, &headers)?;
    let hello: Hello = decode(&body)?;
    let mut secret = [0; 32];
    clock::rng().fill_bytes(&mut secret);
    let (relay, wire) = app
        .relays
        .open(secret)
        .ok_or_else(|| ApiError::unavailable("Too many connections are open", 5_000))?;
    relay.push(vec![ClientFrame::Hello(hello)]).map_err(not_taken)?;
    tokio::spawn(live::drive(Arc::clone(&app.hub), app.closing.watch(), wire));
    let opened = Connection { connection: base64url::encode(secret) };
    Ok((StatusCode::CREATED, [(CACHE_CONTROL, "no-store")], Json(opened)))
}

/// The events of a connection, once.
async fn listen(State(app): State<Arc<App>>, Path(connection): Path<String>) -> Result<Response, ApiError> {
    let events = find(&app, &connection)?.listen().ok_or_else(|| {
        ApiError::new(409, "already-open", "Somebody listens to this connection already")
            .with_detail("Open a new connection and resume from what you hold")
    })?;
    let headers = [
        (CONTENT_TYPE.as_str(), "text/event-stream"),
        (CACHE_CONTROL.as_str(), "no-store"),
        // nginx would otherwise hold events back until its buffer is full.
        ("x-accel-buffering", "no"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

/// Takes an array of frames, all or none.
async fn receive(
    State(app): State<Arc<App>>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ApiError> {
    origin::check(&app, &headers)?;
    let frames: Vec<ClientFrame> = decode(&body)?;
    find(&app, &connection)?.push(frames).map_err(not_taken)?;
    Ok(StatusCode::NO_CONTENT)
}

fn find(app: &App, connection: &str) -> Result<Arc<Relay>, ApiError> {
    let secret = base64url::decode_array(connection);
    secret.and_then(|secret| app.relays.find(&secret)).ok_or_else(over)
}

fn not_taken(reason: NotTaken) -> ApiError {
    match reason {
        NotTaken::Full => ApiError::too_many_requests(1_000),
        NotTaken::Over => over(),
    }
}

fn over() -> ApiError {
    ApiError::new(404, "connection-over", "There is no such connection, or it has ended")
        .with_detail("Open a new one and resume from what you hold")
}

fn decode<T: serde::de::DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    let malformed = || Problem::new("malformed", 400, "The frame or body was not understood");
    let text = std::str::from_utf8(body).map_err(|_| malformed().with_detail("The body must be UTF-8"))?;
    Ok(codec::decode(text).map_err(Problem::from)?)
}
