//! The wire under a connection: a socket, or where sockets are blocked, server-sent events and POST.
//!
//! Both carry the same frames as text. Which of them works is found out once: after two sockets in a row
//! that never opened, the other way is taken for as long as the page lives.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use portico_protocol::api::Connection;
use portico_protocol::codec::decode;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use wasm_bindgen_futures::spawn_local;
use web_sys::{EventSource, MessageEvent, WebSocket};

use crate::api::call_text;

/// So many sockets that never opened, and the other way is taken.
const SOCKET_FAILURES_MAX: u32 = 2;
const LIVE_PATH: &str = "/api/v1/live";

/// What a wire tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Frames can be sent.
    Opened,
    /// A frame arrived.
    Frame(String),
    /// It is over; there will be no more from this wire.
    Closed,
}

/// Chooses between the two ways, and remembers which one works.
#[derive(Clone, Debug, Default)]
pub struct Wires {
    socket_failures: Rc<Cell<u32>>,
}

/// One wire. Dropping it closes it.
pub struct Wire(Box<dyn Way>);

trait Way {
    fn send(&self, frame: &str);
}

impl Wires {
    /// Opens a wire to the host that served this page.
    pub fn open(&self, hear: impl Fn(Signal) + 'static) -> Wire {
        let hear: Rc<dyn Fn(Signal)> = Rc::new(hear);
        if self.socket_failures.get() < SOCKET_FAILURES_MAX
            && let Some(socket) = Socket::open(&self.socket_failures, &hear)
        {
            return Wire(Box::new(socket));
        }
        Wire(Box::new(Posting::open(hear)))
    }
}

impl Wire {
    /// Sends a frame. What is lost is sent again by whoever needs it to arrive.
    pub fn send(&self, frame: &str) {
        self.0.send(frame);
    }
}

struct Socket {
    socket: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_open: Closure<dyn FnMut()>,
    _on_close: Closure<dyn FnMut()>,
}

impl Socket {
    fn open(failures: &Rc<Cell<u32>>, hear: &Rc<dyn Fn(Signal)>) -> Option<Self> {
        let socket = WebSocket::new(&socket_address()?).ok()?;
        let (heard, opened, closed) = (hear.clone(), hear.clone(), hear.clone());
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(frame) = event.data().as_string() {
                heard(Signal::Frame(frame));
            }
        });
        let reset = failures.clone();
        let has_opened = Rc::new(Cell::new(false));
        let opens = has_opened.clone();
        let on_open = Closure::<dyn FnMut()>::new(move || {
            reset.set(0);
            opens.set(true);
            opened(Signal::Opened);
        });
        let failures = failures.clone();
        let on_close = Closure::<dyn FnMut()>::new(move || {
            // While the device is offline every way fails: that says nothing about sockets.
            if !has_opened.get() && crate::window().navigator().on_line() {
                failures.set(failures.get() + 1);
            }
            closed(Signal::Closed);
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Some(Self { socket, _on_message: on_message, _on_open: on_open, _on_close: on_close })
    }
}

impl Way for Socket {
    fn send(&self, frame: &str) {
        self.socket.send_with_str(frame).ok();
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onmessage(None);
        self.socket.set_onopen(None);
        self.socket.set_onclose(None);
        self.socket.close().ok();
    }
}

fn socket_address() -> Option<String> {
    let location = crate::window().location();
    let scheme = if location.protocol().ok()? == "http:" { "ws://" } else { "wss://" };
    Some([scheme, &location.host().ok()?, "/ws"].concat())
}

/// Frames go out one request after the other, so that their order holds.
struct Posting(Rc<PostingState>);

struct PostingState {
    hear: Rc<dyn Fn(Signal)>,
    /// The address of this connection, once `hello` has brought one.
    path: RefCell<Option<String>>,
    waiting: RefCell<Vec<String>>,
    is_sending: Cell<bool>,
    is_closed: Cell<bool>,
    source: RefCell<Option<Events>>,
}

struct Events {
    source: EventSource,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_error: Closure<dyn FnMut()>,
}

impl Posting {
    fn open(hear: Rc<dyn Fn(Signal)>) -> Self {
        let state = Rc::new(PostingState {
            hear,
            path: RefCell::default(),
            waiting: RefCell::default(),
            is_sending: Cell::new(false),
            is_closed: Cell::new(false),
            source: RefCell::default(),
        });
        let opened = state.clone();
        // Behind the caller's own work: it does not hold the wire yet.
        spawn_local(async move { (opened.hear)(Signal::Opened) });
        Self(state)
    }
}

impl Way for Posting {
    fn send(&self, frame: &str) {
        self.0.waiting.borrow_mut().push(frame.to_owned());
        if !self.0.is_sending.replace(true) {
            spawn_local(PostingState::send_waiting(self.0.clone()));
        }
    }
}

impl Drop for Posting {
    fn drop(&mut self) {
        self.0.is_closed.set(true);
        self.0.source.borrow_mut().take();
    }
}

impl PostingState {
    async fn send_waiting(self: Rc<Self>) {
        while !self.is_closed.get() {
            let path = self.path.borrow().clone();
            let sent = match path {
                Some(path) => {
                    let frames = std::mem::take(&mut *self.waiting.borrow_mut());
                    if frames.is_empty() {
                        break;
                    }
                    let body = ["[", &frames.join(","), "]"].concat();
                    call_text("POST", &path, Some(body), None).await.is_ok()
                }
                None => self.clone().say_hello().await.is_some(),
            };
            if !sent {
                self.close();
            }
        }
        self.is_sending.set(false);
    }

    /// The first frame opens the connection; its answer names it.
    async fn say_hello(self: Rc<Self>) -> Option<()> {
        let hello = {
            let mut waiting = self.waiting.borrow_mut();
            (!waiting.is_empty()).then(|| waiting.remove(0))?
        };
        // The address says already that this is a `hello`: its body is what the frame holds.
        let body = hello.strip_prefix("{\"hello\":")?.strip_suffix('}')?.to_owned();
        let answer = call_text("POST", LIVE_PATH, Some(body), None).await.ok()?;
        let answer: Connection = decode(&answer).ok()?;
        let path = [LIVE_PATH, "/", &answer.connection].concat();
        let events = Events::open(&path, &self)?;
        *self.source.borrow_mut() = Some(events);
        *self.path.borrow_mut() = Some(path);
        Some(())
    }

    fn close(&self) {
        self.source.borrow_mut().take();
        if !self.is_closed.replace(true) {
            (self.hear)(Signal::Closed);
        }
    }
}

impl Events {
    fn open(path: &str, state: &Rc<PostingState>) -> Option<Self> {
        let source = EventSource::new(path).ok()?;
        let (heard, lost) = (Rc::downgrade(state), Rc::downgrade(state));
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let (Some(state), Some(frame)) = (heard.upgrade(), event.data().as_string()) {
                (state.hear)(Signal::Frame(frame));
            }
        });
        // It would come back by itself, but to a connection that is gone: the core opens the next one.
        let on_error = Closure::<dyn FnMut()>::new(move || {
            if let Some(state) = lost.upgrade() {
                spawn_local(async move { state.close() });
            }
        });
        source.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        source.set_onerror(Some(on_error.as_ref().unchecked_ref()));
        Some(Self { source, _on_message: on_message, _on_error: on_error })
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.source.close();
    }
}
