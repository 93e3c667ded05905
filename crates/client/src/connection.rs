//! One connection after another: opening, keeping alive, backing off.

use portico_protocol::frame::{Goodbye, GoodbyeReason, Hello, Ping};
use portico_protocol::limit::{HEARTBEAT_MS, PONG_WITHIN_MS};
use portico_protocol::{ClientFrame, Moment, PROTOCOL_VERSION};

/// How long a ticket and an open socket may take together, and then the welcome, in milliseconds.
pub const OPEN_WITHIN_MS: u64 = 20_000;
/// First wait after a connection failed, in milliseconds; doubled each time.
pub const BACKOFF_MS_MIN: u64 = 500;
/// Longest such wait, in milliseconds.
pub const BACKOFF_MS_MAX: u64 = 30_000;
/// A connection that lived this long was good: the next failure starts from the shortest wait again.
pub const STABLE_AFTER_MS: u64 = 10_000;
/// Longest wait that a server may ask for in its goodbye, in milliseconds.
pub const GOODBYE_MS_MAX: u64 = 5 * 60 * 1000;

/// Where the connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Nobody wants one, or the session has ended.
    Idle,
    /// The driver fetches a ticket and opens a socket.
    Opening {
        /// When that has taken too long.
        until: Moment,
    },
    /// The socket is open and `hello` was sent.
    Greeting {
        /// When the welcome has taken too long.
        until: Moment,
    },
    /// The server has welcomed this client.
    Open,
    /// The last one failed.
    Waiting {
        /// When the next one is tried.
        until: Moment,
    },
}

/// What a connection wants from its surroundings.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wish {
    Connect,
    Disconnect,
    Transmit(ClientFrame),
}

/// Keeps a connection: see the module.
#[derive(Clone, Debug)]
pub(crate) struct Keeper {
    state: Connection,
    attempts: u32,
    opened_at: Moment,
    heard_at: Moment,
    sent_at: Moment,
    pong_until: Option<Moment>,
    nonce: u32,
}

impl Keeper {
    pub(crate) fn new() -> Self {
        let zero = Moment::default();
        Self {
            state: Connection::Idle,
            attempts: 0,
            opened_at: zero,
            heard_at: zero,
            sent_at: zero,
            pong_until: None,
            nonce: 0,
        }
    }

    pub(crate) const fn state(&self) -> Connection {
        self.state
    }

    pub(crate) fn is_open(&self) -> bool {
        self.state == Connection::Open
    }

    /// Opens a connection unless there is one or one is on its way.
    pub(crate) fn start(&mut self, now: Moment, wishes: &mut Vec<Wish>) {
        if matches!(self.state, Connection::Idle | Connection::Waiting { .. }) {
            self.state = Connection::Opening { until: now + OPEN_WITHIN_MS };
            wishes.push(Wish::Connect);
        }
    }

    /// Ends the connection and opens no other.
    pub(crate) fn stop(&mut self, wishes: &mut Vec<Wish>) {
        if !matches!(self.state, Connection::Idle | Connection::Waiting { .. }) {
            wishes.push(Wish::Disconnect);
        }
        self.state = Connection::Idle;
        self.pong_until = None;
    }

    /// The socket is open: introduces this client.
    pub(crate) fn greet(&mut self, now: Moment, ticket: String, wishes: &mut Vec<Wish>) {
        if matches!(self.state, Connection::Opening { .. }) {
            self.state = Connection::Greeting { until: now + OPEN_WITHIN_MS };
            let hello = Hello { version: PROTOCOL_VERSION, ticket };
            wishes.push(Wish::Transmit(ClientFrame::Hello(hello)));
        }
    }

    pub(crate) fn welcomed(&mut self, now: Moment) {
        self.state = Connection::Open;
        (self.opened_at, self.heard_at, self.sent_at) = (now, now, now);
        self.pong_until = None;
    }

    /// Something arrived: the connection lives.
    pub(crate) const fn heard(&mut self, now: Moment) {
        self.heard_at = now;
        self.pong_until = None;
    }

    pub(crate) const fn sent(&mut self, now: Moment) {
        self.sent_at = now;
    }

    /// Asks at once whether the connection still lives: the device woke up, or somebody doubts it.
    pub(crate) fn probe(&mut self, now: Moment, wishes: &mut Vec<Wish>) {
        if self.is_open() && self.pong_until.is_none() {
            self.nonce = self.nonce.wrapping_add(1);
            self.pong_until = Some(now + PONG_WITHIN_MS);
            self.sent_at = now;
            wishes.push(Wish::Transmit(ClientFrame::Ping(Ping { nonce: self.nonce })));
        }
    }

    /// The connection closed or could not be opened. `random` spreads clients that all lost the same server.
    pub(crate) fn lost(&mut self, now: Moment, random: u32) {
        if matches!(self.state, Connection::Idle | Connection::Waiting { .. }) {
            return;
        }
        if self.is_open() && now.millis_since(self.opened_at) >= STABLE_AFTER_MS {
            self.attempts = 0;
        }
        let doubled = BACKOFF_MS_MIN << self.attempts.min(16);
        self.attempts += 1;
        let half = doubled.min(BACKOFF_MS_MAX) / 2;
        self.wait(now + half, half, random);
    }

    /// The server said goodbye, with the time to come back.
    pub(crate) fn dismissed(&mut self, now: Moment, goodbye: Goodbye, random: u32, wishes: &mut Vec<Wish>) {
        self.stop(wishes);
        if goodbye.reason != GoodbyeReason::SessionEnded {
            let millis = goodbye.retry_after_ms.clamp(BACKOFF_MS_MIN, GOODBYE_MS_MAX);
            self.wait(now + millis, millis, random);
        }
    }

    /// Until `earliest` and up to `spread_ms` longer.
    fn wait(&mut self, earliest: Moment, spread_ms: u64, random: u32) {
        self.state = Connection::Waiting { until: earliest + u64::from(random) % (spread_ms + 1) };
        self.pong_until = None;
    }

    /// Does what time demands. Tells whether the connection has to be given up.
    pub(crate) fn tick(&mut self, now: Moment, wishes: &mut Vec<Wish>) -> bool {
        match self.state {
            Connection::Idle => false,
            Connection::Waiting { until } => {
                if until <= now {
                    self.start(now, wishes);
                }
                false
            }
            Connection::Opening { until } | Connection::Greeting { until } => until <= now,
            Connection::Open => {
                if self.pong_until.is_none() && self.ping_at() <= now {
                    self.probe(now, wishes);
                }
                self.pong_until.is_some_and(|until| until <= now)
            }
        }
    }

    /// Silence in either direction counts: the server, too, drops a client that says nothing.
    fn ping_at(&self) -> Moment {
        self.heard_at.min(self.sent_at) + HEARTBEAT_MS
    }

    pub(crate) fn wake_at(&self) -> Option<Moment> {
        match self.state {
            Connection::Idle => None,
            Connection::Waiting { until }
            | Connection::Opening { until }
            | Connection::Greeting { until } => Some(until),
            Connection::Open => Some(self.pong_until.unwrap_or_else(|| self.ping_at())),
        }
    }
}
