//! A connection without a socket: frames come by POST, and go as server-sent events.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use axum::body::Bytes;
use futures_util::Stream;
use portico_protocol::ClientFrame;

use super::wire::{Received, Wire};

/// Relays of this process, whether somebody listens to them or not.
const RELAYS_MAX: usize = 8_192;
/// Frames of one client that may wait for its driver.
const FRAMES_MAX: usize = 128;

/// The relays of this process, by the secret that their clients hold.
#[derive(Debug, Default)]
pub(crate) struct Relays {
    open: Mutex<HashMap<[u8; 32], Arc<Relay>>>,
}

/// What driver and requests share.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    frames: VecDeque<ClientFrame>,
    events: VecDeque<Bytes>,
    event_bytes: usize,
    driver: Option<Waker>,
    listener: Option<Waker>,
    has_listener: bool,
    /// The listener has gone, or the driver has ended.
    is_over: bool,
}

/// Why frames were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// Too many wait.
    Full,
    /// The connection has ended.
    Over,
}

impl Relays {
    /// A new relay under `secret`; `None` where there are too many.
    pub(crate) fn open(self: &Arc<Self>, secret: [u8; 32]) -> Option<(Arc<Relay>, RelayWire)> {
        let mut open = self.lock();
        if open.len() >= RELAYS_MAX {
            return None;
        }
        let relay = Arc::new(Relay::default());
        open.insert(secret, Arc::clone(&relay));
        let wire = RelayWire { relays: Arc::clone(self), secret, relay: Arc::clone(&relay) };
        Some((relay, wire))
    }

    /// The relay whose client holds `secret`.
    pub(crate) fn find(&self, secret: &[u8; 32]) -> Option<Arc<Relay>> {
        self.lock().get(secret).map(Arc::clone)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Arc<Relay>>> {
        // No code that holds the lock can panic half-way.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Relay {
    /// Hands frames to the driver, all or none.
    pub(crate) fn push(&self, frames: Vec<ClientFrame>) -> Result<(), NotTaken> {
        let mut state = self.lock();
        if state.is_over {
            return Err(NotTaken::Over);
        }
        if state.frames.len() + frames.len() > FRAMES_MAX {
            return Err(NotTaken::Full);
        }
        state.frames.extend(frames);
        wake(&mut state.driver);
        Ok(())
    }

    /// What the client is told from now on; `None` where somebody listens already, or it is over.
    pub(crate) fn listen(self: &Arc<Self>) -> Option<Events> {
        let mut state = self.lock();
        if state.has_listener || (state.is_over && state.events.is_empty()) {
            return None;
        }
        state.has_listener = true;
        Some(Events { relay: Arc::clone(self) })
    }

    fn end(&self) {
        let mut state = self.lock();
        state.is_over = true;
        wake(&mut state.driver);
        wake(&mut state.listener);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// The driver's end.
#[derive(Debug)]
pub(crate) struct RelayWire {
    relays: Arc<Relays>,
    secret: [u8; 32],
    relay: Arc<Relay>,
}

impl Wire for RelayWire {
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let mut state = self.relay.lock();
        if let Some(frame) = state.frames.pop_front() {
            return Poll::Ready(Received::Frame(frame));
        }
        if state.is_over {
            return Poll::Ready(Received::Closed);
        }
        state.driver = Some(context.waker().clone());
        Poll::Pending
    }

    fn send(&mut self, frame: &str) {
        // JSON holds no line break, so a frame is one line of `data` (HTML §9.2.6).
        let event = Bytes::from(format!("data: {frame}\n\n"));
        let mut state = self.relay.lock();
        state.event_bytes += event.len();
        state.events.push_back(event);
        wake(&mut state.listener);
    }

    fn queued_bytes(&self) -> usize {
        self.relay.lock().event_bytes
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.relay.lock();
        if state.is_over {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        if state.events.is_empty() {
            return Poll::Ready(Ok(()));
        }
        state.driver = Some(context.waker().clone());
        Poll::Pending
    }

    fn poll_close(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(context)
    }
}

impl Drop for RelayWire {
    fn drop(&mut self) {
        self.relays.lock().remove(&self.secret);
        self.relay.end();
    }
}

/// The client's end: the body of an event stream.
#[derive(Debug)]
pub(crate) struct Events {
    relay: Arc<Relay>,
}

impl Stream for Events {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.relay.lock();
        if let Some(event) = state.events.pop_front() {
            state.event_bytes -= event.len();
            wake(&mut state.driver);
            return Poll::Ready(Some(Ok(event)));
        }
        if state.is_over {
            return Poll::Ready(None);
        }
        state.listener = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        // Who comes back resumes on a new connection from what they hold.
        self.relay.end();
    }
}
