//! Errors as RFC 9457 problems.

use std::error::Error;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use portico_protocol::Problem;
use portico_store::StoreError;

/// A failed request. Handlers return it; the body is `application/problem+json`.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError(pub Problem);

impl ApiError {
    /// A problem of the kind `code`.
    #[must_use]
    pub fn new(status: u16, code: &str, title: &str) -> Self {
        Self(Problem::new(code, status, title))
    }

    /// Nothing is at this address, or nothing that the asker may know of.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "not-found", "There is nothing at this address")
    }

    /// The address exists, the method does not.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(405, "method-not-allowed", "This address does not answer that method")
    }

    /// The session is missing, expired or revoked.
    #[must_use]
    pub fn not_signed_in() -> Self {
        Self::new(401, "not-signed-in", "A valid session is needed")
    }

    /// The session exists, the right does not.
    #[must_use]
    pub fn forbidden(detail: &str) -> Self {
        Self(Problem::new("forbidden", 403, "This is not allowed").with_detail(detail))
    }

    /// Too much in too short a time.
    #[must_use]
    pub fn too_many_requests(retry_after_ms: u64) -> Self {
        let problem = Problem::new("rate-limited", 429, "Too many requests in a short time");
        Self(problem.with_retry_after_ms(retry_after_ms))
    }

    /// Something that the server needs is away for a while.
    #[must_use]
    pub fn unavailable(detail: &str, retry_after_ms: u64) -> Self {
        let problem = Problem::new("unavailable", 503, "The server cannot do this at the moment");
        Self(problem.with_detail(detail).with_retry_after_ms(retry_after_ms))
    }

    /// Our own failure: logs the whole chain of causes, tells the client nothing of it.
    #[must_use]
    pub fn internal(source: &(dyn Error + 'static)) -> Self {
        tracing::error!(error = %Chain(source), "Could not answer a request: {}", Chain(source));
        Self::new(500, "internal", "Something went wrong on the server")
    }

    /// Adds what is wrong with this very request.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<String>) -> Self {
        Self(self.0.with_detail(detail))
    }
}

/// The database is away or full: worth another try. A bad row is our own failure.
impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let Some(retry_after_ms) = error.retry_after_ms() else { return Self::internal(&error) };
        tracing::error!(error = %Chain(&error), "The store did not answer: {}", Chain(&error));
        Self::unavailable("The database does not answer", retry_after_ms)
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self(problem) = self;
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = portico_protocol::codec::encode(&problem);
        let mut response = (status, [(CONTENT_TYPE, "application/problem+json")], body).into_response();
        if let Some(millis) = problem.retry_after_ms {
            // RFC 9110 §10.2.3 counts whole seconds: round up, or the client comes back too early.
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(millis.div_ceil(1_000)));
        }
        response
    }
}

/// An error with all its causes, in one line.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(formatter, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}
