//! The built binary, started on a free port with a data folder of its own, and a client that writes raw HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

/// How long anything may take before the test fails.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A running `portico serve`; killed when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    log: Receiver<String>,
    /// Lines that were read while another one was awaited.
    passed: Vec<String>,
    _data: Option<TempDir>,
}

/// `portico` with `arguments` and without the environment's settings.
pub(crate) fn portico<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portico"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PORTICO_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What `portico` with `arguments` prints until it ends by itself.
pub(crate) fn output<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    portico(arguments).output().unwrap()
}

/// What a failed `output` told.
pub(crate) fn complaint(output: &Output) -> String {
    assert!(!output.status.success(), "it succeeded");
    String::from_utf8(output.stderr.clone()).unwrap()
}

impl Server {
    /// A server with a fresh data folder.
    pub(crate) fn start(options: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut server = Self::start_on(data.path(), options);
        server._data = Some(data);
        server
    }

    /// A server on a folder that is there.
    pub(crate) fn start_on(data: &Path, options: &[&str]) -> Self {
        let mut command = portico(["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()]);
        let mut child = command.args(options).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (sender, log) = channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut server = Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            child,
            log,
            passed: Vec::new(),
            _data: None,
        };
        let line = server.wait_for_line("Serving ");
        // Text and JSON lines both hold the address that was bound.
        let at = line.find("127.0.0.1:").expect("the line tells the address");
        let end = line[at..].find(|letter: char| !letter.is_ascii_digit() && !".:".contains(letter));
        server.address = line[at..end.map_or(line.len(), |end| at + end)].parse().unwrap();
        server
    }

    /// The next log line that holds `words`.
    pub(crate) fn wait_for_line(&mut self, words: &str) -> String {
        loop {
            match self.log.recv_timeout(SOON) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => self.passed.push(line),
                Err(_) => panic!("no line with {words:?} among:\n{}", self.passed.join("\n")),
            }
        }
    }

    /// Everything that was logged and not awaited. Call it when the server has ended.
    pub(crate) fn whole_log(&self) -> String {
        self.passed.iter().cloned().chain(self.log.iter()).collect::<Vec<_>>().join("\n")
    }

    /// Everything that was logged and not read yet. Call it when the server has ended.
    pub(crate) fn rest_of_log(&self) -> String {
        self.log.iter().collect::<Vec<_>>().join("\n")
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream
    }

    /// The whole answer to `GET path`, with more header lines, each ended by `\r\n`.
    pub(crate) fn get(&self, path: &str, headers: &str) -> String {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"))
    }

    /// The whole answer to the bytes of a request.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(request.as_bytes()).unwrap();
        read_all(&mut stream)
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    /// How it ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Everything until the other side closes. A reset after the answer is a close as well.
pub(crate) fn read_all(stream: &mut impl Read) -> String {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert!(!bytes.is_empty() || error.kind() == std::io::ErrorKind::ConnectionReset, "{error}");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The value of a header in a raw answer.
pub(crate) fn header<'a>(answer: &'a str, name: &str) -> Option<&'a str> {
    let head = answer.split("\r\n\r\n").next()?;
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
