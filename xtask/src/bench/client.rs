//! What a benchmark needs of a visitor: sessions, tickets, sockets. It reads frames by their first words,
//! so that the load costs less than what it measures.

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// A visitor's session, as the server gave it.
#[derive(Clone)]
pub(super) struct Session {
    port: u16,
    pub(super) conversation: String,
    resume: String,
}

/// A connection that has said hello.
pub(super) type Socket = WebSocketStream<TcpStream>;

impl Session {
    pub(super) async fn open(port: u16, brand: &str) -> Result<Self> {
        let answer = post(port, "visitor-sessions", "", &json!({"brand": brand, "locale": "en"})).await?;
        let text = |name: &str| answer[name].as_str().map(str::to_owned).with_context(|| answer.to_string());
        Ok(Self { port, conversation: text("conversation")?, resume: text("resume")? })
    }

    pub(super) async fn ticket(&self) -> Result<String> {
        let answer = post(self.port, "tickets", &self.resume, &json!({})).await?;
        answer["ticket"].as_str().map(str::to_owned).with_context(|| answer.to_string())
    }

    /// Connects and follows the session's conversation.
    pub(super) async fn follow(&self) -> Result<Socket> {
        let mut socket = connect(self.port, &self.ticket().await?).await?;
        send(&mut socket, &json!({"follow": {"conversation": self.conversation, "after": 0}})).await?;
        expect(&mut socket, "{\"followed\"").await?;
        Ok(socket)
    }
}

/// Opens a socket, spends the ticket and awaits the welcome.
pub(super) async fn connect(port: u16, ticket: &str) -> Result<Socket> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4 * 1_024).write_buffer_size(0);
    let url = format!("ws://localhost:{port}/ws");
    let (mut socket, _) = tokio_tungstenite::client_async_with_config(url, stream, Some(config)).await?;
    send(&mut socket, &json!({"hello": {"version": 1, "ticket": ticket}})).await?;
    expect(&mut socket, "{\"welcome\"").await?;
    Ok(socket)
}

pub(super) async fn send(socket: &mut Socket, frame: &Value) -> Result<()> {
    Ok(socket.send(Message::text(frame.to_string())).await?)
}

/// Passes over frames until one begins with `start`.
async fn expect(socket: &mut Socket, start: &str) -> Result<()> {
    while let Some(message) = socket.next().await {
        let message = message?;
        let text = message.to_text().unwrap_or_default();
        if text.starts_with(start) {
            return Ok(());
        }
        if text.starts_with("{\"problem\"") || text.starts_with("{\"goodbye\"") {
            bail!("the server said {text}");
        }
    }
    bail!("the server hung up before it said {start}")
}

async fn post(port: u16, path: &str, bearer: &str, body: &Value) -> Result<Value> {
    let body = body.to_string();
    let length = body.len();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let authorization =
        if bearer.is_empty() { String::new() } else { format!("authorization: Bearer {bearer}\r\n") };
    let request = format!(
        "POST /api/v1/{path} HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: close\r\n{authorization}\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (_, body) = answer.split_once("\r\n\r\n").context("half an answer")?;
    serde_json::from_str(body).with_context(|| format!("POST {path}: {answer}"))
}
