//! What no server on this machine can exceed: each message is appended to a bare log, synced in groups, then
//! acknowledged and delivered over the same sockets. It parses nothing, checks nothing and indexes nothing.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::rc::Rc;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::task::{spawn_blocking, spawn_local};

use crate::Figures;
use crate::client::{is_about, text};

type Connection = UnboundedSender<Rc<[u8]>>;

/// A message, and who sent it.
struct Appending {
    message: String,
    sender: Connection,
}

#[derive(Default)]
struct Followers {
    of: HashMap<String, Vec<Connection>>,
}

/// Serves until it is ended.
pub(crate) async fn serve(folder: &Path) -> Result<Figures> {
    fs::create_dir_all(folder)?;
    let log = File::create(folder.join("log"))?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    eprintln!("http://localhost:{}", listener.local_addr()?.port());
    let followers = Rc::new(RefCell::new(Followers::default()));
    let (queue, appends) = mpsc::unbounded_channel();
    spawn_local(append(log, appends, Rc::clone(&followers)));
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // Who hangs up concerns nobody else.
        let connection = converse(stream, queue.clone(), Rc::clone(&followers));
        spawn_local(async move { drop(connection.await) });
    }
}

async fn append(
    mut log: File,
    mut appends: UnboundedReceiver<Appending>,
    followers: Rc<RefCell<Followers>>,
) -> Result<()> {
    let mut group = Vec::new();
    while appends.recv_many(&mut group, 1_024).await > 0 {
        let bytes: Vec<u8> = group.iter().flat_map(|one| one.message.bytes()).collect();
        log = spawn_blocking(move || log.write_all(&bytes).and_then(|()| log.sync_data()).map(|()| log))
            .await??;
        for Appending { message, sender } in group.drain(..) {
            let conversation = text(&message, "conversation").unwrap_or_default();
            let id = text(&message, "id").unwrap_or_default();
            // Who has gone hears nothing.
            let _ = sender.send(frame(&format!(r#"{{"acknowledged":{{"id":"{id}"}}}}"#)));
            let entries = frame(&format!(r#"{{"entries":[{{"sequence":1,"is":{message}}}]}}"#));
            for follower in followers.borrow().of.get(conversation).into_iter().flatten() {
                let _ = follower.send(Rc::clone(&entries));
            }
        }
    }
    Ok(())
}

async fn converse(
    mut stream: TcpStream,
    queue: UnboundedSender<Appending>,
    followers: Rc<RefCell<Followers>>,
) -> Result<()> {
    let (own, mut outgoing) = mpsc::unbounded_channel::<Rc<[u8]>>();
    let (mut bytes, mut out) = (Vec::new(), Vec::new());
    let mut is_socket = false;
    loop {
        while let Some((message, length)) = if is_socket { take_frame(&bytes) } else { take_request(&bytes) }
        {
            bytes.drain(..length);
            if !is_socket {
                is_socket = message.starts_with("GET");
                out.extend_from_slice(answer_request(is_socket).as_bytes());
            } else if is_about(&message, "submit") {
                queue
                    .send(Appending { message, sender: own.clone() })
                    .ok()
                    .context("the log cannot be written")?;
            } else if is_about(&message, "hello") {
                out.extend_from_slice(&frame(r#"{"welcome":{}}"#));
            } else {
                let conversation = text(&message, "conversation").context("only follow is left")?;
                followers.borrow_mut().of.entry(conversation.to_owned()).or_default().push(own.clone());
                out.extend_from_slice(&frame(r#"{"followed":{}}"#));
            }
        }
        stream.write_all(&out).await?;
        out.clear();
        bytes.reserve(4_096);
        tokio::select! {
            read = stream.read_buf(&mut bytes) => if read? == 0 { return Ok(()) },
            Some(frame) = outgoing.recv() => {
                out.extend_from_slice(&frame);
                while let Ok(frame) = outgoing.try_recv() {
                    out.extend_from_slice(&frame);
                }
            }
        }
    }
}

/// A visitor's session and a ticket in one, or the agreement to become a socket.
fn answer_request(is_socket: bool) -> String {
    thread_local!(static NEXT: RefCell<u64> = const { RefCell::new(0) });
    if is_socket {
        return "HTTP/1.1 101 Switching Protocols\r\n\r\n".into();
    }
    let number = NEXT.with_borrow_mut(|next| std::mem::replace(next, *next + 1));
    let body = format!(r#"{{"conversation":"{number:036}","resume":"-","ticket":"-"}}"#);
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

fn take_request(bytes: &[u8]) -> Option<(String, usize)> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let end = head + length.unwrap_or(0_usize);
    (bytes.len() >= end).then_some((text, end))
}

/// The first frame, if it is complete, unmasked.
fn take_frame(bytes: &[u8]) -> Option<(String, usize)> {
    let (start, length) = match *bytes.get(1)? & 0x7f {
        126 => (4, usize::from(u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?))),
        length => (2, usize::from(length)),
    };
    let mask: [u8; 4] = bytes.get(start..start + 4)?.try_into().ok()?;
    let payload = bytes.get(start + 4..start + 4 + length)?;
    let unmasked = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
    Some((String::from_utf8(unmasked.collect()).ok()?, start + 4 + length))
}

/// A text frame of a server.
fn frame(text: &str) -> Rc<[u8]> {
    let length = text.len();
    let head = if length < 126 {
        vec![0x81, length as u8]
    } else {
        vec![0x81, 126, (length >> 8) as u8, length as u8]
    };
    [head.as_slice(), text.as_bytes()].concat().into()
}
