//! The live socket as a [`Wire`].

mod codec;

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::upgrade::OnUpgrade;
use portico_protocol::Problem;
use portico_protocol::limit::FRAME_BYTES_MAX;
use sha1::{Digest, Sha1};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::codec::{CloseCode, Decoder, Message, Violation};
use super::wire::{Received, Wire};
use crate::http::problem::ApiError;

/// Read at once, into the stack: what waits for more needs a buffer of its own, an idle connection none.
const READ_BYTES: usize = 8 * 1_024;
/// An emptied buffer larger than this is given back.
const CAPACITY_KEPT: usize = 1_024;
/// What a server appends to the client's key (RFC 6455 §1.3).
const ACCEPT_GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A WebSocket over any stream.
#[derive(Debug)]
pub(crate) struct WebSocket<S> {
    stream: S,
    decoder: Decoder,
    queued: Vec<u8>,
    /// How much of `queued` has left.
    sent: usize,
    close_code: CloseCode,
    closing: Closing,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closing {
    NotYet,
    /// The last frame is queued.
    Said,
    /// It has left, and so has everything before it.
    Sent,
}

/// Agrees to become a socket (RFC 6455 §4.2).
///
/// # Errors
/// The request does not ask for one, or not in a version that is spoken here.
pub(crate) fn accept(request: &mut Request<Body>) -> Result<(Response, OnUpgrade), ApiError> {
    let headers = request.headers();
    let is_upgrade = request.method() == Method::GET
        && has_token(headers, CONNECTION.as_str(), "upgrade")
        && has_token(headers, UPGRADE.as_str(), "websocket");
    if !is_upgrade {
        return Err(ApiError::new(426, "upgrade-required", "This address speaks WebSocket only"));
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(
            ApiError::new(400, "invalid", "A value is not valid").with_detail("Speak WebSocket version 13")
        );
    }
    let key = headers.get(SEC_WEBSOCKET_KEY).filter(|key| key.len() == 24);
    let key = key.ok_or_else(|| {
        ApiError::new(400, "invalid", "A value is not valid")
            .with_detail("Sec-WebSocket-Key is missing or malformed")
    })?;
    let accept = HeaderValue::from_str(&accept_key(key.as_bytes())).expect("base64 is a header value");
    let upgrade = hyper::upgrade::on(request);
    let headers = [
        (CONNECTION, HeaderValue::from_static("upgrade")),
        (UPGRADE, HeaderValue::from_static("websocket")),
        (SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok(((StatusCode::SWITCHING_PROTOCOLS, headers).into_response(), upgrade))
}

fn has_token(headers: &HeaderMap, name: &str, token: &str) -> bool {
    let values = headers.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|part| part.trim().eq_ignore_ascii_case(token))
}

fn accept_key(key: &[u8]) -> String {
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(ACCEPT_GUID).finalize())
}

impl<S> WebSocket<S> {
    /// A socket over a stream on which both sides have agreed to it.
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            decoder: Decoder::default(),
            queued: Vec::new(),
            sent: 0,
            close_code: CloseCode::Normal,
            closing: Closing::NotYet,
        }
    }

    fn take(&mut self, message: Result<Message, Violation>) -> Received {
        match message {
            Ok(Message::Text(text)) => Received::Text(text),
            Ok(Message::Binary) => {
                Received::Malformed(Problem::invalid("frame", "frames are text: send JSON, not bytes"))
            }
            Ok(Message::Ping(payload)) => {
                codec::encode_pong(&payload, &mut self.queued);
                Received::Control
            }
            Ok(Message::Pong) => Received::Control,
            Ok(Message::Close) => Received::Closed,
            Err(violation) => {
                self.close_code = violation.close_code();
                Received::Broken(explain(&violation))
            }
        }
    }
}

fn explain(violation: &Violation) -> Problem {
    match violation {
        Violation::TooLong(found) => {
            let mut problem = Problem::too_long("frame", FRAME_BYTES_MAX, *found);
            problem.status = 413;
            problem
        }
        Violation::NotUtf8 => Problem::new("malformed", 400, "The frame or body was not understood")
            .with_detail("A text frame must be UTF-8"),
        Violation::Protocol(offence) => {
            Problem::new("malformed", 400, "The frame or body was not understood")
                .with_detail(format!("Not WebSocket as in RFC 6455: {offence}"))
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire for WebSocket<S> {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        loop {
            if let Some(message) = self.decoder.next() {
                return Poll::Ready(self.take(message));
            }
            let mut bytes = [const { MaybeUninit::uninit() }; READ_BYTES];
            let mut read = ReadBuf::uninit(&mut bytes);
            let result = ready!(Pin::new(&mut self.stream).poll_read(context, &mut read));
            if result.is_err() || read.filled().is_empty() {
                return Poll::Ready(Received::Closed);
            }
            self.decoder.push(read.filled());
        }
    }

    fn send(&mut self, frame: &str) {
        codec::encode_text(frame, &mut self.queued);
    }

    fn queued_bytes(&self) -> usize {
        self.queued.len() - self.sent
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.queued.len() {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, &self.queued[self.sent..]))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += written;
        }
        self.sent = 0;
        self.queued.clear();
        if self.queued.capacity() > CAPACITY_KEPT {
            self.queued = Vec::new();
        }
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Also waits until the client hangs up, and throws away what it still sends: a connection that is closed
    /// with something unread is reset, and a reset takes our last frames with it (RFC 9112 §9.6).
    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing == Closing::NotYet {
            self.closing = Closing::Said;
            codec::encode_close(self.close_code, &mut self.queued);
        }
        if self.closing == Closing::Said {
            ready!(self.poll_flush(context))?;
            ready!(Pin::new(&mut self.stream).poll_shutdown(context))?;
            self.closing = Closing::Sent;
        }
        loop {
            let mut bytes = [const { MaybeUninit::uninit() }; READ_BYTES];
            let mut read = ReadBuf::uninit(&mut bytes);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_accept_key_is_that_of_the_standard() {
        // RFC 6455 §1.3.
        assert_eq!(super::accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
