//! What happens around every request: an id, a log line without content, a count, and headers that keep the
//! answer from being misused.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use rand::Rng;
use tokio::time::timeout;
use tracing::Instrument;

use crate::app::App;
use crate::clock;
use crate::http::client::Client;
use crate::http::problem::ApiError;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Longest request id taken over from a trusted proxy, in bytes.
const REQUEST_ID_BYTES_MAX: usize = 64;

/// How long a client may take to send its body, and we to begin the answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Wraps every handler. Only the route's pattern is logged: paths hold tokens, queries hold words.
pub async fn attend(State(app): State<Arc<App>>, client: Client, request: Request, next: Next) -> Response {
    let began_at = clock::moment();
    let id = request_id(&client, request.headers());
    let method = method_name(request.method());
    let route = request.extensions().get().map_or("none", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", request.id = id.to_str().unwrap_or_default());

    let answering = AssertUnwindSafe(next.run(request)).catch_unwind().instrument(span.clone());
    let mut response = match timeout(ANSWER_WITHIN, answering).await {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => answer_panic(&route),
        Err(_) => ApiError::new(408, "too-slow", "The request did not arrive in time").into_response(),
    };

    let millis = clock::moment().millis_since(began_at);
    let status = response.status();
    span.in_scope(|| {
        tracing::debug!(
            http.route = route,
            http.status = status.as_u16(),
            duration_ms = millis,
            "{method} {route} was answered {status}"
        );
    });
    app.metrics.http_requests.with_label_values(&[route.as_str(), method, status.as_str()]).inc();
    #[expect(clippy::cast_precision_loss, reason = "a duration of 2^53 ms will not be seen")]
    app.metrics.http_seconds.with_label_values(&[route.as_str()]).observe(millis as f64 / 1_000.0);
    protect(response.headers_mut(), app.config.public_url.is_secure() && client.is_secure);
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// A known name: a method is any text that a stranger sends, and each text would be one more time series.
fn method_name(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method == known).unwrap_or("other")
}

fn answer_panic(route: &str) -> Response {
    // The panic hook has logged where and why.
    tracing::error!(http.route = route, "A handler of {route} panicked: please report this");
    ApiError::new(500, "internal", "Something went wrong on the server").into_response()
}

/// A trusted proxy's id, so that its log and ours can be laid side by side; else a new one.
fn request_id(client: &Client, headers: &HeaderMap) -> HeaderValue {
    let is_plain = |value: &&HeaderValue| {
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
        (1..=REQUEST_ID_BYTES_MAX).contains(&value.len()) && value.as_bytes().iter().all(is_plain)
    };
    let given = headers.get(REQUEST_ID).filter(|_| client.is_through_trusted_proxy).filter(is_plain);
    given.cloned().unwrap_or_else(|| {
        let text = format!("{:016x}", clock::rng().next_u64());
        HeaderValue::from_str(&text).expect("hexadecimal digits are a header value")
    })
}

/// The strictest headers, where the handler did not choose its own.
fn protect(headers: &mut HeaderMap, is_secure: bool) {
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "no-referrer");
    default(
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    default(header::CACHE_CONTROL, "no-store");
    if is_secure {
        // Two years, as browsers' preload lists ask; sub-domains are the brand's own affair.
        default(header::STRICT_TRANSPORT_SECURITY, "max-age=63072000");
    }
}
