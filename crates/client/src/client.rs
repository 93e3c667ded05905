//! Everything that one device does for one participant, composed.

mod command;
mod drive;
mod keep;
mod receive;

use std::collections::VecDeque;
use std::sync::Arc;

use portico_protocol::{
    Author, ClientFrame, ConversationId, EntryBody, MessageId, Moment, Problem, ServerFrame, Submission,
    Timestamp,
};
use rand_core::Rng;

use crate::connection::{Connection, Keeper};
use crate::conversation::Conversation;
use crate::inbox::Inbox;
use crate::outbox::{DraftState, Outbox, OutboxFull};
use crate::relay::Relay;
use crate::timeline::{Change, Row};
use crate::watermark::Delivery;

/// Both clocks, read together by the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For durations: never goes back.
    pub moment: Moment,
    /// For people: what the calendar says.
    pub wall: Timestamp,
}

/// What the driver tells the client.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// Time has passed: [`Client::wake_at`] was reached. Doing so too early is harmless.
    Tick,
    /// The socket is open; this is the ticket for it.
    Opened {
        /// One use, seconds old.
        ticket: String,
    },
    /// The server said something.
    Frame {
        /// The frame.
        frame: ServerFrame,
        /// As it came, for the tabs that follow this one.
        text: String,
    },
    /// The socket closed, or no ticket or socket could be had.
    Closed,
    /// The server gives no more tickets for this session: it ended.
    SessionEnded,
    /// The browser believes that there is a network again.
    Online,
    /// The page came back from sleep or from the background: whatever was open may be dead.
    Woken,
    /// Another tab said something.
    Relay(Relay),
}

/// What the driver must do, in this order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Fetch a ticket, open a socket, then tell [`Input::Opened`], or [`Input::Closed`] if that failed.
    Connect,
    /// Close the socket and tell nothing more of it.
    Disconnect,
    /// Send this over the socket.
    Transmit(ClientFrame),
    /// Keep this through a reload.
    Save(Save),
    /// Tell the other tabs.
    Relay(Relay),
}

/// One thing to keep in the device's storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Save {
    /// The name to keep it under; holds the participant's id, so that people who share a device share nothing.
    pub key: String,
    /// What to keep; `None`: remove it.
    pub value: Option<String>,
}

/// What changed, for views.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// [`Client::connectivity`] changed.
    Connectivity,
    /// Rows came, changed or went.
    Timeline {
        /// Where.
        conversation: ConversationId,
        /// How.
        change: Change,
    },
    /// The ticks of own messages changed: watermarks rose, or the outbox moved on.
    Delivery(ConversationId),
    /// The count of unread messages changed.
    Unread(ConversationId),
    /// Somebody began or ceased to type.
    Typing(ConversationId),
    /// Owner, closure, presence, waiting time or the loading of history changed.
    Status(ConversationId),
    /// The other side said something new: worth a sound and an announcement.
    News {
        /// Where.
        conversation: ConversationId,
        /// What; its words are in it.
        row: Arc<Row>,
    },
    /// Something other than a message was refused for good, such as taking over.
    Refused {
        /// Where.
        conversation: ConversationId,
        /// What was wanted.
        submission: Submission,
        /// Why it cannot be.
        problem: Problem,
    },
    /// The watched list changed.
    Inbox,
    /// The server complains about something that belongs to no submission.
    Problem(Problem),
    /// The session ended: a new one is needed before [`Client::start`] helps.
    SessionEnded,
    /// The server speaks another version: the page has to be loaded anew.
    Outdated,
    /// A follower's leader does not deliver: its tab may be frozen. A driver that can take its lock should.
    LeaderSilent,
}

/// The connection as people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connectivity {
    /// Not wanted, or ended.
    Idle,
    /// Being made.
    Connecting,
    /// There.
    Online,
    /// Failed; the next attempt comes by itself.
    Offline {
        /// When, where this tab knows it.
        retry_at: Option<Moment>,
    },
}

/// Why something could not be said.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SayError {
    /// A limit or a shape is broken; the server would refuse it.
    #[error("{}", .0.title)]
    Invalid(Problem),
    /// Too much is waiting already.
    #[error(transparent)]
    Full(#[from] OutboxFull),
}

/// How this tab reaches the server.
#[derive(Clone, Debug)]
enum Role {
    /// By its own socket, which it may share with followers; the number tells its connections apart.
    Leader { keeper: Keeper, has_followers: bool, connection: u32 },
    /// Through the leader's; the number is that of the leader's connection, while it stands.
    Follower { connection: Option<u32> },
}

/// The visitor's or the representative's half. See the crate's documentation for how to drive it.
pub struct Client {
    me: Author,
    rng: Box<dyn Rng>,
    role: Role,
    outbox: Outbox,
    conversations: Vec<Conversation>,
    inbox: Option<Inbox>,
    inbox_is_asked: bool,
    last_id_at: Timestamp,
    effects: VecDeque<Effect>,
    events: VecDeque<Event>,
}

impl Client {
    /// A client for `me`, who is a visitor or a representative. `rng` makes ids and spreads waits: in browsers the
    /// system's, in tests a seeded one. Does nothing until [`Client::start`] or [`Client::follow_leader`].
    #[must_use]
    pub fn new(me: Author, rng: Box<dyn Rng>) -> Self {
        Self {
            me,
            rng,
            role: Role::Leader { keeper: Keeper::new(), has_followers: false, connection: 0 },
            outbox: Outbox::default(),
            conversations: Vec::new(),
            inbox: None,
            inbox_is_asked: false,
            last_id_at: Timestamp::default(),
            effects: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    // ── Driving ─────────────────────────────────────────────────────────────────────────────────────────────

    /// Connects by an own socket, and stays connected until [`Client::stop`]. A follower becomes the leader.
    pub fn start(&mut self, now: Now) {
        if matches!(self.role, Role::Follower { .. }) {
            self.connection_lost();
            self.role = Role::Leader { keeper: Keeper::new(), has_followers: true, connection: 0 };
            self.effects.push_back(Effect::Relay(Relay::Lost));
        }
        self.keep(now, |keeper, _, wishes| keeper.start(now.moment, wishes));
        self.events.push_back(Event::Connectivity);
    }

    /// Disconnects and stays so. What was said meanwhile is kept.
    pub fn stop(&mut self, now: Now) {
        self.keep(now, |keeper, _, wishes| keeper.stop(wishes));
        self.connection_lost();
    }

    /// Reaches the server through the tab that leads, from now on.
    pub fn follow_leader(&mut self, now: Now) {
        self.keep(now, |keeper, _, wishes| keeper.stop(wishes));
        self.connection_lost();
        self.role = Role::Follower { connection: None };
        self.effects.push_back(Effect::Relay(Relay::Hello));
        self.events.push_back(Event::Connectivity);
    }

    /// Takes in what happened in the world.
    pub fn handle(&mut self, now: Now, input: Input) {
        match input {
            Input::Tick => {}
            Input::Opened { ticket } => {
                self.keep(now, |keeper, _, wishes| keeper.greet(now.moment, ticket, wishes))
            }
            Input::Frame { frame, text } => self.handle_leader_frame(now, frame, text),
            Input::Closed => self.give_up(now),
            Input::SessionEnded => self.end(now, Event::SessionEnded),
            // An early attempt is only worth it while one is waiting: an open connection proves itself.
            Input::Online => self.keep(now, |keeper, _, wishes| match keeper.state() {
                Connection::Waiting { .. } => keeper.start(now.moment, wishes),
                _ => keeper.probe(now.moment, wishes),
            }),
            Input::Woken => self.keep(now, |keeper, _, wishes| match keeper.state() {
                Connection::Waiting { .. } => keeper.start(now.moment, wishes),
                _ => keeper.probe(now.moment, wishes),
            }),
            Input::Relay(relay) => self.handle_relay(now, relay),
        }
        self.tick(now);
        self.pump(now);
    }

    /// The next thing to do, if any. Drain it after every call that takes `now`.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The next thing that changed, if any. Drain it after every call that takes `now`.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`Input::Tick`] is due even if nothing else happens.
    #[must_use]
    pub fn wake_at(&self) -> Option<Moment> {
        let of_role = match &self.role {
            Role::Leader { keeper, .. } => keeper.wake_at(),
            Role::Follower { .. } => None,
        };
        let of_outbox = if self.is_open() { self.outbox.retry_at() } else { None };
        let times = [of_role, of_outbox, self.outbox.acknowledge_until()];
        let of_conversations = self.conversations.iter().flat_map(drive::conversation_times);
        times.into_iter().chain(of_conversations).flatten().min()
    }

    /// The page is about to be hidden or closed: does now what would have waited a moment.
    pub fn flush(&mut self, now: Now) {
        for conversation in &mut self.conversations {
            conversation.save_draft_at = conversation.save_draft_at.map(|_| now.moment);
            conversation.report_at = conversation.report_at.map(|_| now.moment);
        }
        self.tick(now);
        self.pump(now);
    }

    // ── Looking ─────────────────────────────────────────────────────────────────────────────────────────────

    /// The connection as people see it.
    #[must_use]
    pub fn connectivity(&self) -> Connectivity {
        match &self.role {
            Role::Leader { keeper, .. } => match keeper.state() {
                Connection::Idle => Connectivity::Idle,
                Connection::Opening { .. } | Connection::Greeting { .. } => Connectivity::Connecting,
                Connection::Open => Connectivity::Online,
                Connection::Waiting { until } => Connectivity::Offline { retry_at: Some(until) },
            },
            Role::Follower { connection: Some(_) } => Connectivity::Online,
            Role::Follower { connection: None } => Connectivity::Offline { retry_at: None },
        }
    }

    /// Who this client acts for.
    #[must_use]
    pub const fn me(&self) -> &Author {
        &self.me
    }

    /// A conversation that is followed.
    #[must_use]
    pub fn conversation(&self, id: ConversationId) -> Option<&Conversation> {
        self.conversations.iter().find(|conversation| conversation.id() == id)
    }

    /// The watched list, if one is watched.
    #[must_use]
    pub const fn inbox(&self) -> Option<&Inbox> {
        self.inbox.as_ref()
    }

    /// What was said and is not yet in the log.
    #[must_use]
    pub const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// How far the message in `row` has got.
    #[must_use]
    pub fn delivery(&self, conversation: ConversationId, row: &Row) -> Delivery {
        let Some(conversation) = self.conversation(conversation) else { return Delivery::Received };
        if !row.is_echo() {
            let is_same_side = row.author.is_visitor() == self.me.is_visitor();
            return match row.body {
                EntryBody::Note(_) if conversation.is_own(row) => Delivery::Sent,
                _ if row.is_spoken() && is_same_side => {
                    conversation.watermarks().delivery(&row.author, row.sequence)
                }
                _ => Delivery::Received,
            };
        }
        match self.outbox.find(row.id).map(|draft| &draft.state) {
            None | Some(DraftState::Acknowledged { .. }) => Delivery::Sent,
            Some(DraftState::Refused(problem)) => Delivery::Failed(problem.clone()),
            Some(DraftState::InFlight { .. }) => Delivery::Sending,
            Some(DraftState::Queued) if self.is_open() => Delivery::Sending,
            Some(DraftState::Queued | DraftState::Delayed { .. }) => Delivery::Waiting,
        }
    }

    fn is_open(&self) -> bool {
        match &self.role {
            Role::Leader { keeper, .. } => keeper.is_open(),
            Role::Follower { connection } => connection.is_some(),
        }
    }

    fn find_mut(&mut self, id: ConversationId) -> Option<&mut Conversation> {
        self.conversations.iter_mut().find(|conversation| conversation.id() == id)
    }

    /// Ids grow even when the calendar goes back, so that drafts restored by id keep their order.
    fn mint(&mut self, wall: Timestamp) -> MessageId {
        let mut random = [0; 10];
        self.rng.fill_bytes(&mut random);
        self.last_id_at = wall.max(self.last_id_at.plus_millis(1));
        MessageId::new(self.last_id_at, random)
    }
}
