//! Compresses the documents that the server writes; assets lie compressed beside themselves.
//!
//! A text that holds a secret beside something of an attacker's choice tells the secret by its compressed length
//! (BREACH). So only HTML is compressed: documents hold what anybody may read of a brand and the texts of one
//! language, the same for everybody who asks. Tickets and words travel as JSON, which goes out as it is.

use std::io::Write;

use axum::body::{Body, Bytes, HttpBody as _, to_bytes};
use axum::extract::Request;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use crate::http::asset::accepts;

/// Less does not get smaller.
const DOCUMENT_BYTES_MIN: u64 = 256;
/// More is no document of ours.
const DOCUMENT_BYTES_MAX: u64 = 256 << 10;
/// The last step that costs a document less than a millisecond.
const BROTLI_QUALITY: u32 = 7;
/// A window of 64 KiB: larger than nearly every document, and small to allocate.
const BROTLI_WINDOW_BITS: u32 = 16;

#[derive(Clone, Copy)]
enum Encoding {
    Brotli,
    Gzip,
}

/// Sends an HTML answer in the smallest encoding that the client reads.
pub(super) async fn compress(request: Request, next: Next) -> Response {
    let encoding = choose(request.headers());
    let mut response = next.run(request).await;
    if !is_document(&response) {
        return response;
    }
    response.headers_mut().append(VARY, HeaderValue::from_static("accept-encoding"));
    let Some(encoding) = encoding else { return response };
    let (mut head, body) = response.into_parts();
    // Its length is known and bounded, so that this neither waits nor fails.
    let plain = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let Ok(encoded) = encoding.encode(&plain) else { return Response::from_parts(head, Body::from(plain)) };
    head.headers.insert(CONTENT_ENCODING, HeaderValue::from_static(encoding.name()));
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(Bytes::from(encoded)))
}

fn choose(headers: &HeaderMap) -> Option<Encoding> {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    [Encoding::Brotli, Encoding::Gzip].into_iter().find(|encoding| accepts(accepted, encoding.name()))
}

fn is_document(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let length = response.body().size_hint().exact().unwrap_or(0);
    let is_encoded = response.headers().contains_key(CONTENT_ENCODING);
    kind.starts_with(b"text/html")
        && !is_encoded
        && (DOCUMENT_BYTES_MIN..=DOCUMENT_BYTES_MAX).contains(&length)
}

impl Encoding {
    const fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn encode(self, plain: &[u8]) -> std::io::Result<Vec<u8>> {
        let encoded = Vec::with_capacity(plain.len() / 2);
        match self {
            Self::Brotli => {
                let (quality, window) = (BROTLI_QUALITY, BROTLI_WINDOW_BITS);
                let mut writer = brotli::CompressorWriter::new(encoded, plain.len(), quality, window);
                writer.write_all(plain)?;
                Ok(writer.into_inner())
            }
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(encoded, flate2::Compression::default());
                writer.write_all(plain)?;
                writer.finish()
            }
        }
    }
}
