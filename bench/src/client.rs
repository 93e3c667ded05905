//! What the load needs of a visitor: sessions, tickets, sockets.
//!
//! Written out instead of taken from libraries, and looking at no more of a frame than its first word, so
//! that a core of load is enough for a core of server. The masks of its frames are zero: the server has to
//! unmask them all the same.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

const BRAND: &str = "bench";
/// About as long as what people write.
pub(crate) const WORDS: &str =
    "Hello, is the brass desk lamp still in stock, and would it arrive before Friday?";
const READ_BYTES: usize = 2 * 1_024;

/// A connection that asks for sessions and tickets, one after the other.
pub(crate) struct Http {
    port: u16,
    stream: TcpStream,
}

/// Connections come from so many addresses: between two addresses there are some 28,000 ports, and the system
/// looks for a free one the longer the fewer there are.
const ADDRESSES: u8 = 16;

async fn connect(port: u16) -> Result<TcpStream> {
    static NEXT: AtomicU8 = AtomicU8::new(0);
    let own = 1 + NEXT.fetch_add(1, Ordering::Relaxed) % ADDRESSES;
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 0, 0, own), 0).into())?;
    let stream = socket.connect((Ipv4Addr::LOCALHOST, port).into()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A visitor's session, as the server gave it.
pub(crate) struct Session {
    pub(crate) conversation: String,
    resume: String,
}

impl Http {
    pub(crate) async fn connect(port: u16) -> Result<Self> {
        Ok(Self { port, stream: connect(port).await? })
    }

    pub(crate) async fn open_sessions(&mut self, count: usize) -> Result<Vec<Session>> {
        let mut sessions = Vec::with_capacity(count);
        for _ in 0..count {
            let body = format!(r#"{{"brand":"{BRAND}","locale":"en"}}"#);
            let answer = self.post("visitor-sessions", "", &body).await?;
            let part = |name: &str| text(&answer, name).map(str::to_owned).with_context(|| answer.clone());
            sessions.push(Session { conversation: part("conversation")?, resume: part("resume")? });
        }
        Ok(sessions)
    }

    pub(crate) async fn ticket(&mut self, session: &Session) -> Result<String> {
        let answer = self.post("tickets", &session.resume, "{}").await?;
        text(&answer, "ticket").map(str::to_owned).context(answer.clone())
    }

    /// A connection that follows the session's conversation.
    pub(crate) async fn follow(&mut self, session: &Session) -> Result<Socket> {
        let mut socket = Socket::open(self.port, &self.ticket(session).await?).await?;
        let conversation = &session.conversation;
        socket.send(&format!(r#"{{"follow":{{"conversation":"{conversation}","after":0}}}}"#)).await?;
        socket.expect("followed").await?;
        Ok(socket)
    }

    async fn post(&mut self, path: &str, bearer: &str, body: &str) -> Result<String> {
        let (port, length) = (self.port, body.len());
        let request = format!(
            "POST /api/v1/{path} HTTP/1.1\r\nhost: localhost:{port}\r\nauthorization: Bearer {bearer}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        let start = read_head(&mut self.stream, &mut answer).await?;
        let head = String::from_utf8_lossy(&answer[..start]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let end = start + length.unwrap_or(0_usize);
        while answer.len() < end {
            read_more(&mut self.stream, &mut answer).await?;
        }
        Ok(String::from_utf8_lossy(&answer[start..end]).into_owned())
    }
}

/// A connection that has said hello.
pub(crate) struct Socket {
    stream: TcpStream,
    bytes: Vec<u8>,
    /// Where the first frame that was not taken yet begins.
    start: usize,
}

impl Socket {
    /// Connects, spends the ticket and awaits the welcome.
    pub(crate) async fn open(port: u16, ticket: &str) -> Result<Self> {
        let mut stream = connect(port).await?;
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: localhost:{port}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        let start = read_head(&mut stream, &mut bytes).await?;
        if !bytes.starts_with(b"HTTP/1.1 101") {
            bail!("the server said {}", String::from_utf8_lossy(&bytes));
        }
        let mut socket = Self { stream, bytes, start };
        socket.send(&format!(r#"{{"hello":{{"version":1,"ticket":"{ticket}"}}}}"#)).await?;
        socket.expect("welcome").await?;
        Ok(socket)
    }

    pub(crate) async fn send(&mut self, text: &str) -> Result<()> {
        Ok(self.stream.write_all(&frame(text)).await?)
    }

    /// The next frame's text. Nothing is lost where nobody waits for it to the end.
    pub(crate) async fn next(&mut self) -> Result<&str> {
        let payload = loop {
            if let Some(payload) = payload(&self.bytes[self.start..]) {
                break self.start + payload.start..self.start + payload.end;
            }
            self.bytes.drain(..self.start);
            self.start = 0;
            read_more(&mut self.stream, &mut self.bytes).await?;
        };
        self.start = payload.end;
        let text = std::str::from_utf8(&self.bytes[payload])?;
        if ["refused", "problem", "goodbye"].iter().any(|word| is_about(text, word)) {
            bail!("the server said {text}");
        }
        Ok(text)
    }

    /// Passes over frames until one is about `word`.
    pub(crate) async fn expect(&mut self, word: &str) -> Result<()> {
        while !is_about(self.next().await?, word) {}
        Ok(())
    }

    /// The same connection, to be written to from elsewhere.
    pub(crate) fn into_halves(self) -> Result<(std::net::TcpStream, Self)> {
        let stream = self.stream.into_std()?;
        let writer = stream.try_clone()?;
        Ok((writer, Self { stream: TcpStream::from_std(stream)?, ..self }))
    }
}

/// Whether a frame begins with `word`: unions are objects with one key.
pub(crate) fn is_about(text: &str, word: &str) -> bool {
    text.strip_prefix("{\"")
        .and_then(|rest| rest.strip_prefix(word))
        .is_some_and(|rest| rest.starts_with('"'))
}

/// The text under `name`, wherever it is first.
pub(crate) fn text<'a>(json: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    rest.split('"').next()
}

/// A message's frame. `number`, of at most 48 bits and unlike any other of the conversation, ends its id.
pub(crate) fn submit(conversation: &str, number: u64) -> String {
    let id = message_id(number);
    format!(
        r#"{{"submit":{{"conversation":"{conversation}","submission":{{"id":"{id}","body":{{"message":{{"content":{{"text":"{WORDS}"}}}}}}}}}}}}"#
    )
}

/// How many entries a frame holds.
pub(crate) fn count_entries(text: &str) -> u64 {
    text.matches("\"sequence\":").count() as u64
}

/// The numbers that end the ids of the entries in a frame, in their order.
pub(crate) fn numbers(text: &str) -> impl Iterator<Item = u64> {
    let entries = text.split("\"sequence\":").skip(1);
    entries.filter_map(|entry| number(self::text(entry, "id")?))
}

/// The number that ends a message's id.
pub(crate) fn number(id: &str) -> Option<u64> {
    u64::from_str_radix(id.get(24..)?, 16).ok()
}

/// A UUID of version 7, as clients make them.
fn message_id(number: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
    format!("{:08x}-{:04x}-7000-8000-{number:012x}", now >> 16, now & 0xffff)
}

/// A text frame (RFC 6455 §5.2).
pub(crate) fn frame(text: &str) -> Vec<u8> {
    let length = text.len();
    let mut bytes = Vec::with_capacity(length + 8);
    match length {
        0..=125 => bytes.extend([0x81, 0x80 | length as u8]),
        _ => bytes.extend([0x81, 0x80 | 126, (length >> 8) as u8, length as u8]),
    }
    bytes.extend([0; 4]);
    bytes.extend_from_slice(text.as_bytes());
    bytes
}

/// Where the payload of the frame at the start of `bytes` lies, once it is complete.
fn payload(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let (start, length) = match *bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        127 => (10, usize::try_from(u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)).ok()?),
        length => (2, usize::from(length)),
    };
    (bytes.len() >= start + length).then(|| start..start + length)
}

/// Reads up to the end of an HTTP head. Returns where that is.
async fn read_head(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<usize> {
    loop {
        read_more(stream, bytes).await?;
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            return Ok(at + 4);
        }
    }
}

async fn read_more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<()> {
    bytes.reserve(READ_BYTES);
    if stream.read_buf(bytes).await? == 0 {
        bail!("the server hung up");
    }
    Ok(())
}
