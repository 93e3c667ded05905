//! The JSON API, as far as a browser calls it.

use std::pin::Pin;

use js_sys::Promise;
use portico_protocol::Problem;
use portico_protocol::codec::{Decode, Encode, decode, encode};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

/// Why a call brought nothing.
#[derive(Clone, Debug)]
pub enum CallError {
    /// The server was not reached.
    Unreachable,
    /// The server refused.
    Problem(Problem),
}

/// Calls `method` on `path`, and reads the answer. `bearer` stands in for a cookie where cookies are blocked.
///
/// # Errors
/// The server was not reached, refused, or answered something that is not understood.
pub async fn call<T: Decode>(
    method: &str,
    path: &str,
    body: Option<&impl Encode>,
    bearer: Option<&str>,
) -> Result<T, CallError> {
    let text = call_text(method, path, body.map(|body| encode(body)), bearer).await?;
    decode(&text).map_err(|error| CallError::Problem(error.into()))
}

/// Like [`call`], with bodies as text.
///
/// # Errors
/// The server was not reached or refused.
pub async fn call_text(
    method: &str,
    path: &str,
    body: Option<String>,
    bearer: Option<&str>,
) -> Result<String, CallError> {
    answer(ask(method, path, body, bearer)).await
}

/// Sends the request. `None`: the browser would not.
fn ask(method: &str, path: &str, body: Option<String>, bearer: Option<&str>) -> Option<Promise> {
    let request = RequestInit::new();
    request.set_method(method);
    let headers = Headers::new().ok()?;
    if let Some(body) = body {
        headers.set("content-type", "application/json").ok()?;
        request.set_body(&body.into());
    }
    if let Some(bearer) = bearer {
        headers.set("authorization", &["Bearer ", bearer].concat()).ok()?;
    }
    request.set_headers(&headers);
    Some(crate::window().fetch_with_str_and_init(path, &request))
}

/// Boxed, so that it is there once and not inside of each future that waits for it.
fn answer(sent: Option<Promise>) -> Pin<Box<dyn Future<Output = Result<String, CallError>>>> {
    Box::pin(async move {
        let unreachable = |_: JsValue| CallError::Unreachable;
        let sent = sent.ok_or(CallError::Unreachable)?;
        let response: Response = JsFuture::from(sent).await.map_err(unreachable)?.unchecked_into();
        let text = JsFuture::from(response.text().map_err(unreachable)?).await.map_err(unreachable)?;
        let text = text.as_string().unwrap_or_default();
        if response.ok() {
            return Ok(text);
        }
        // A proxy's own error page is no problem document: its status still says whether to try again.
        let status = response.status();
        let problem = decode(&text).unwrap_or_else(|_| {
            let problem = Problem::new("unexpected", status, "The server could not answer");
            if status >= 500 { problem.with_retry_after_ms(2_000) } else { problem }
        });
        Err(CallError::Problem(problem))
    })
}
