//! The built binary with a brand and a representative, and clients that speak JSON of their own making: nothing
//! here shares code with the server.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// How long anything may take before the test fails.
pub(crate) const SOON: Duration = Duration::from_secs(30);
pub(crate) const BRAND: &str = "lumen";
pub(crate) const EMAIL: &str = "anna@lumen.example";
const PASSWORD: &str = "a lamp in every window";

/// A running server on a data folder of its own; killed when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    ground: Ground,
}

/// What a server stands on.
pub(crate) struct Ground {
    pub(crate) data: TempDir,
    /// For the server and for every command beside it.
    pub(crate) arguments: Vec<String>,
    /// For the server alone.
    pub(crate) environment: Vec<(&'static str, OsString)>,
}

impl Default for Ground {
    fn default() -> Self {
        Self { data: tempfile::tempdir().unwrap(), arguments: Vec::new(), environment: Vec::new() }
    }
}

/// An answer to a request.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Ground {
    fn portico(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PORTICO_"))
        {
            command.env_remove(name);
        }
        command.args(arguments).arg("--data").arg(self.data.path()).args(&self.arguments);
        command
    }

    /// Runs a command to its end. Returns what it printed.
    fn run(&self, arguments: &[&str], input: &str) -> String {
        use std::io::Write;
        let mut command = self.portico(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    async fn serve(&self) -> (Child, SocketAddr) {
        let mut command =
            self.portico(&["serve", "--listen", "127.0.0.1:0", "--address-limit-factor", "1000"]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = tokio::process::ChildStderr::from_std(child.stderr.take().unwrap()).unwrap();
        let mut lines = BufReader::new(stderr).lines();
        let mut seen = Vec::new();
        let address = loop {
            let Some(line) = soon(lines.next_line()).await.unwrap() else { panic!("{}", seen.join("\n")) };
            if let Some(at) = line.contains("Serving ").then(|| line.find("127.0.0.1:")).flatten() {
                let end = line[at..].find(|letter: char| !letter.is_ascii_digit() && !".:".contains(letter));
                break line[at..end.map_or(line.len(), |end| at + end)].parse().unwrap();
            }
            seen.push(line);
        };
        // A pipe that nobody reads would stop the server sooner or later.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        (child, address)
    }
}

impl Server {
    /// With a brand and one representative.
    pub(crate) async fn start() -> Self {
        Self::start_on(Ground::default()).await
    }

    pub(crate) async fn start_on(ground: Ground) -> Self {
        let brand = ["brand", "add", BRAND, "--name", "Lumen", "--domain", "lumen.example"];
        ground.run(&[&brand[..], &["--privacy-url", "https://lumen.example/privacy"]].concat(), "");
        let add = ["representative", "add", EMAIL, "--brand", BRAND, "--name", "Anna", "--password-stdin"];
        ground.run(&add, PASSWORD);
        let (child, address) = ground.serve().await;
        Self { address, child, ground }
    }

    /// Runs a command beside the running server. Returns what it printed.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        self.ground.run(arguments, "")
    }

    pub(crate) fn data(&self) -> &Path {
        self.ground.data.path()
    }

    /// As `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) async fn stop(&mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &id]).status().unwrap().success());
        let end = tokio::time::Instant::now() + SOON;
        while self.child.try_wait().unwrap().is_none() {
            assert!(tokio::time::Instant::now() < end, "it did not end");
            tokio::task::yield_now().await;
        }
    }

    /// On the same data folder, maybe at another address.
    pub(crate) async fn start_again(&mut self) {
        (self.child, self.address) = self.ground.serve().await;
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.address.port())
    }

    pub(crate) async fn post(&self, path: &str, headers: &str, body: &Value) -> Answer {
        self.ask("POST", path, headers, &body.to_string()).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\norigin: {}\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n{headers}\r\n{body}",
            self.origin()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        soon(stream.read_to_string(&mut text)).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: serde_json::from_str(body).unwrap_or(Value::Null) }
    }

    /// A new visitor's session.
    pub(crate) async fn visit(&self) -> Visit {
        self.visit_with(json!({ "brand": BRAND, "locale": "en" })).await
    }

    pub(crate) async fn visit_with(&self, body: Value) -> Visit {
        let answer = self.post("/api/v1/visitor-sessions", "", &body).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let text = |name: &str| answer.body[name].as_str().unwrap().to_owned();
        Visit { ticket: text("ticket"), conversation: text("conversation"), resume: text("resume") }
    }

    /// A ticket for one more connection.
    pub(crate) async fn ticket(&self, visit: &Visit) -> String {
        let bearer = format!("authorization: Bearer {}\r\n", visit.resume);
        let answer = self.post("/api/v1/tickets", &bearer, &json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["ticket"].as_str().unwrap().to_owned()
    }

    /// A new connection of a visitor.
    pub(crate) async fn connect(&self, visit: &Visit) -> Socket {
        Socket::welcome(self, &self.ticket(visit).await).await
    }

    /// A new visitor, connected and following.
    pub(crate) async fn visitor(&self) -> (Visit, Socket) {
        let visit = self.visit().await;
        let mut socket = Socket::welcome(self, &visit.ticket).await;
        socket.follow(&visit.conversation, 0).await;
        (visit, socket)
    }

    /// The representative's cookie.
    pub(crate) async fn sign_in(&self) -> String {
        let answer = self.post("/api/v1/sign-in", "", &json!({ "email": EMAIL, "password": PASSWORD })).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let cookie = answer.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    /// A connection of the representative.
    pub(crate) async fn representative(&self) -> Socket {
        let cookie = self.sign_in().await;
        let answer = self.post("/api/v1/studio-tickets", &format!("cookie: {cookie}\r\n"), &json!({})).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        Socket::welcome(self, answer.body["ticket"].as_str().unwrap()).await
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.expect("it took too long")
}

/// A visitor's session.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) ticket: String,
    pub(crate) conversation: String,
    pub(crate) resume: String,
}

/// A socket of an independent implementation.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// Frames that came while another one was awaited.
    passed: Vec<Value>,
}

/// A fresh id, so that nothing is a duplicate by accident.
pub(crate) fn new_id() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("01890000-0000-7000-8000-{:012x}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn submit(conversation: &str, id: &str, text: &str) -> Value {
    let body = json!({ "message": { "content": { "text": text } } });
    json!({ "submit": { "conversation": conversation, "submission": { "id": id, "body": body } } })
}

impl Socket {
    /// Connected, and nobody yet.
    pub(crate) async fn open(server: &Server) -> Self {
        let mut request = format!("ws://{}/ws", server.address).into_client_request().unwrap();
        request.headers_mut().insert("origin", server.origin().parse().unwrap());
        let (stream, _) = soon(tokio_tungstenite::connect_async(request)).await.unwrap();
        Self { stream, passed: Vec::new() }
    }

    /// Connected and admitted.
    pub(crate) async fn welcome(server: &Server, ticket: &str) -> Self {
        let mut socket = Self::open(server).await;
        socket.hello(ticket).await;
        socket.expect("welcome").await;
        socket
    }

    pub(crate) async fn hello(&mut self, ticket: &str) {
        self.send(json!({ "hello": { "version": 1, "ticket": ticket } })).await;
    }

    /// Follows, and returns the conversation as it stands.
    pub(crate) async fn follow(&mut self, conversation: &str, after: u64) -> Value {
        self.send(json!({ "follow": { "conversation": conversation, "after": after } })).await;
        self.expect("followed").await
    }

    /// Says something and waits until it is durable. Returns its sequence number.
    pub(crate) async fn say(&mut self, conversation: &str, text: &str) -> u64 {
        let id = new_id();
        self.send(submit(conversation, &id, text)).await;
        self.acknowledged(&id).await
    }

    pub(crate) async fn acknowledged(&mut self, id: &str) -> u64 {
        loop {
            let acknowledged = self.expect("acknowledged").await;
            if acknowledged["id"] == id {
                return acknowledged["sequence"].as_u64().unwrap();
            }
        }
    }

    /// Does something and waits until it is durable.
    pub(crate) async fn act(&mut self, conversation: &str, body: Value) -> u64 {
        let id = new_id();
        let submission = json!({ "id": id, "body": body });
        self.send(json!({ "submit": { "conversation": conversation, "submission": submission } })).await;
        self.acknowledged(&id).await
    }

    pub(crate) async fn send(&mut self, frame: Value) {
        self.send_message(Message::text(frame.to_string())).await;
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        soon(self.stream.send(message)).await.unwrap();
    }

    /// Puts something on the wire without waiting for the server to take what came before.
    pub(crate) async fn try_send(&mut self, frame: Value) -> bool {
        self.stream.send(Message::text(frame.to_string())).await.is_ok()
    }

    /// The next frame, whatever it is; `None` when the server has closed.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            match soon(self.stream.next()).await {
                Some(Ok(Message::Text(text))) => return Some(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(_)) | Err(_)) | None => return None,
                Some(Ok(_)) => {}
            }
        }
    }

    /// How the server closed, after what it still sent.
    pub(crate) async fn closed(&mut self) -> Option<CloseFrame> {
        loop {
            match soon(self.stream.next()).await {
                Some(Ok(Message::Close(frame))) => return frame,
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The payload of the next frame of `kind`; the others are kept.
    pub(crate) async fn expect(&mut self, kind: &str) -> Value {
        if let Some(at) = self.passed.iter().position(|frame| frame.get(kind).is_some()) {
            return self.passed.remove(at)[kind].take();
        }
        loop {
            let mut frame =
                self.next().await.unwrap_or_else(|| panic!("closed before {kind}: {:?}", self.passed));
            if frame.get(kind).is_some() {
                return frame[kind].take();
            }
            self.passed.push(frame);
        }
    }

    /// The entries up to number `last`, as they came, each with its frames' order kept.
    pub(crate) async fn entries_until(&mut self, last: u64) -> Vec<Value> {
        let mut entries = Vec::new();
        while entries.last().is_none_or(|entry: &Value| entry["sequence"].as_u64() < Some(last)) {
            let frame = self.expect("entries").await;
            entries.extend(frame["entries"].as_array().unwrap().iter().cloned());
        }
        entries
    }

    /// Asks until the server answers a ping: everything it sent before has then arrived.
    pub(crate) async fn settle(&mut self) -> Vec<Value> {
        self.send(json!({ "ping": { "nonce": 77 } })).await;
        self.expect("pong").await;
        std::mem::take(&mut self.passed)
    }
}

pub(crate) fn sequences(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|entry| entry["sequence"].as_u64().unwrap()).collect()
}

pub(crate) fn texts(entries: &[Value]) -> Vec<&str> {
    entries.iter().filter_map(|entry| entry["body"]["message"]["content"]["text"].as_str()).collect()
}

/// A connection's events, read as they come.
pub(crate) struct Events {
    lines: tokio::io::Lines<BufReader<TcpStream>>,
}

impl Events {
    /// A connection by events and POSTs. Returns its path, too.
    pub(crate) async fn connect(server: &Server, ticket: &str) -> (String, Self) {
        let answer = server.post("/api/v1/live", "", &json!({ "version": 1, "ticket": ticket })).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let path = format!("/api/v1/live/{}", answer.body["connection"].as_str().unwrap());
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        assert!(soon(lines.next_line()).await.unwrap().unwrap().contains(" 200 "));
        (path, Self { lines })
    }

    /// The next frame; `None` at the end. Headers and the chunks' lengths between the events say nothing.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        while let Some(line) = soon(self.lines.next_line()).await.ok()? {
            if let Some(data) = line.strip_prefix("data: ") {
                return Some(serde_json::from_str(data).unwrap());
            }
        }
        None
    }
}
