//! Everything that one device does for one participant, composed.

use std::collections::VecDeque;
use std::sync::Arc;

use portico_protocol::api::InboxQuery;
use portico_protocol::entry::{Edit, Note, Redaction, SuggestionResponse};
use portico_protocol::frame::{
    Acknowledged, Close, Entries, Follow, Followed, GoodbyeReason, HandBack, History, LoadHistory, Refused,
    Reopen, RequestHuman, Seen, Submit, TakeOver, Typing, Unfollow, Welcome,
};
use portico_protocol::limit::{ACKNOWLEDGE_WITHIN_MS, FOLLOWED_CONVERSATIONS_MAX, HISTORY_ENTRIES_MAX};
use portico_protocol::message::{Suggestion, check_chars};
use portico_protocol::{
    Author, ClientFrame, ConversationId, ConversationSummary, EntryBody, Message, MessageId, Moment,
    PROTOCOL_VERSION, Problem, ServerFrame, Submission, SubmissionBody, Timestamp,
};
use rand_core::Rng;

use crate::connection::{Connection, Keeper, Wish};
use crate::conversation::{Conversation, Following, HistoryLoad};
use crate::inbox::Inbox;
use crate::outbox::{Draft, DraftState, Outbox, OutboxFull};
use crate::relay::Relay;
use crate::timeline::{Amended, Change, Fit, Row};
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
    Frame(ServerFrame),
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
            Input::Frame(frame) => self.handle_leader_frame(now, frame),
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
        let of_conversations = self.conversations.iter().flat_map(conversation_times);
        times.into_iter().chain(of_conversations).flatten().min()
    }

    /// Takes back what [`Effect::Save`] kept; call it for every kept pair after following the conversations and
    /// before starting. Returns whether the pair was this participant's and of use; if not, it may be removed.
    pub fn restore(&mut self, key: &str, value: &str) -> bool {
        let Some(kind) = key.strip_prefix(self.key_prefix().as_str()) else { return false };
        if let Some(id) = kind.strip_prefix(DRAFT_KEY) {
            let Ok(id) = id.parse() else { return false };
            let Some(conversation) = self.find_mut(id) else { return true };
            conversation.draft = value.into();
            return true;
        }
        let Some(draft) = Draft::decode(value) else { return false };
        let conversation = draft.conversation;
        self.last_id_at = self.last_id_at.max(id_time(draft.submission.id));
        self.outbox.restore(draft);
        self.show_echoes(conversation);
        true
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

    // ── Conversations ───────────────────────────────────────────────────────────────────────────────────────

    /// Follows a conversation. Past [`FOLLOWED_CONVERSATIONS_MAX`], the one followed longest is let go.
    pub fn follow(&mut self, now: Now, id: ConversationId) {
        if self.conversation(id).is_some() {
            return;
        }
        if self.conversations.len() >= FOLLOWED_CONVERSATIONS_MAX {
            self.unfollow(now, self.conversations[0].id());
        }
        self.conversations.push(Conversation::new(id, self.me.clone()));
        self.show_echoes(id);
        self.pump(now);
    }

    /// Lets a conversation go. What was said in it is still sent.
    pub fn unfollow(&mut self, now: Now, id: ConversationId) {
        let Some(at) = self.conversations.iter().position(|conversation| conversation.id() == id) else {
            return;
        };
        self.flush(now);
        let gone = self.conversations.remove(at);
        self.outbox.take_stored(id, u64::MAX);
        if self.is_open() && gone.following != Following::Wanted {
            self.transmit(now, ClientFrame::Unfollow(Unfollow { conversation: id }));
        }
    }

    /// Asks for older entries of a conversation; harmless while they are on their way or there are none.
    pub fn load_older(&mut self, now: Now, id: ConversationId) {
        if let Some(conversation) = self.find_mut(id).filter(|conversation| conversation.can_load_older()) {
            conversation.history = HistoryLoad::Wanted;
            self.events.push_back(Event::Status(id));
            self.pump(now);
        }
    }

    /// The participant has had everything up to `sequence` on screen, in a visible window.
    pub fn read_up_to(&mut self, now: Now, id: ConversationId, sequence: u64) {
        let Some(conversation) = self.find_mut(id) else { return };
        if conversation.read(now.moment, sequence) && conversation.count_unread() {
            self.events.push_back(Event::Unread(id));
        }
        self.pump(now);
    }

    /// The composer now holds `text`: keeps it through a reload and lets the others see that one types.
    pub fn typed(&mut self, now: Now, id: ConversationId, text: &str) {
        let is_open = self.is_open();
        let Some(conversation) = self.find_mut(id) else { return };
        if conversation.draft == text {
            return;
        }
        conversation.draft = text.into();
        conversation.save_draft_at.get_or_insert(now.moment + crate::conversation::SAVE_DELAY_MS);
        let typing = &mut conversation.own_typing;
        let is_typing = !text.trim().is_empty();
        let is_news = if is_typing { typing.typed(now.moment) } else { typing.stopped() };
        if is_open && is_news {
            self.transmit(now, ClientFrame::Typing(Typing { conversation: id, is_typing }));
        }
    }

    /// Watches the list that `query` describes, instead of another one.
    pub fn watch_inbox(&mut self, now: Now, query: InboxQuery) {
        self.inbox = Some(Inbox::new(query));
        self.inbox_is_asked = false;
        self.events.push_back(Event::Inbox);
        self.pump(now);
    }

    /// Adds an older page of the watched list that was asked for over HTTP.
    pub fn extend_inbox(&mut self, page: Vec<ConversationSummary>) {
        if let Some(inbox) = &mut self.inbox {
            inbox.extend(page);
            self.events.push_back(Event::Inbox);
        }
    }

    // ── Saying and doing ────────────────────────────────────────────────────────────────────────────────────

    /// Says `text`, trimmed, and empties the composer.
    ///
    /// # Errors
    /// The text is empty or too long, or too much is waiting already; the composer keeps it.
    pub fn say(&mut self, now: Now, id: ConversationId, text: &str) -> Result<MessageId, SayError> {
        self.send(now, id, Message::text(text.trim()))
    }

    /// Says `message` and empties the composer.
    ///
    /// # Errors
    /// As [`Client::say`].
    pub fn send(&mut self, now: Now, id: ConversationId, message: Message) -> Result<MessageId, SayError> {
        message.check().map_err(SayError::Invalid)?;
        let said = self.submit(now, id, SubmissionBody::Message(message))?;
        self.empty_composer(id);
        Ok(said)
    }

    /// Visitor: taps a suggestion of `message`. Opening its page or dialling its number is up to the view.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn tap(
        &mut self,
        now: Now,
        id: ConversationId,
        message: MessageId,
        suggestion: &Suggestion,
    ) -> Result<MessageId, SayError> {
        let (text, postback_data) = match suggestion {
            Suggestion::Reply(reply) => (&reply.text, &reply.postback_data),
            Suggestion::Action(action) => (&action.text, &action.postback_data),
            Suggestion::LiveAgentRequest(_) => return self.request_human(now, id),
            Suggestion::Unknown => {
                return Err(SayError::Invalid(Problem::invalid("suggestion", "not known")));
            }
        };
        let response =
            SuggestionResponse { message, text: text.clone(), postback_data: postback_data.clone() };
        self.submit(now, id, SubmissionBody::SuggestionResponse(response))
    }

    /// Visitor: asks for a person.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn request_human(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::RequestHuman(RequestHuman::default()))
    }

    /// Person: answers from now on.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn take_over(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::TakeOver(TakeOver {}))
    }

    /// Person: lets the bot answer again.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn hand_back(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::HandBack(HandBack {}))
    }

    /// Representative: closes the conversation.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn close(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::Close(Close {}))
    }

    /// Representative: opens the conversation again.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn reopen(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::Reopen(Reopen {}))
    }

    /// Person: leaves a note for colleagues and empties the composer.
    ///
    /// # Errors
    /// The note is empty or too long, or too much is waiting already.
    pub fn note(&mut self, now: Now, id: ConversationId, text: &str) -> Result<MessageId, SayError> {
        let text = text.trim();
        check_chars("note.text", text, portico_protocol::limit::NOTE_CHARS_MAX).map_err(SayError::Invalid)?;
        if text.is_empty() {
            return Err(SayError::Invalid(Problem::invalid("note.text", "a note needs words")));
        }
        let noted = self.submit(now, id, SubmissionBody::Note(Note { text: text.into() }))?;
        self.empty_composer(id);
        Ok(noted)
    }

    /// Rewrites an own message. The row changes when the server has stored it.
    ///
    /// # Errors
    /// As [`Client::say`].
    pub fn edit(
        &mut self,
        now: Now,
        id: ConversationId,
        target: MessageId,
        text: &str,
    ) -> Result<MessageId, SayError> {
        let message = Message::text(text.trim());
        message.check().map_err(SayError::Invalid)?;
        self.submit(now, id, SubmissionBody::Edit(Edit { target, message }))
    }

    /// Removes the words of an own message; as a person, of any.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn redact(&mut self, now: Now, id: ConversationId, target: MessageId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::Redact(Redaction { target }))
    }

    /// Says anew what was refused for good, as the newest message.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn retry(&mut self, now: Now, id: MessageId) -> Result<MessageId, SayError> {
        let Some(draft) = self.outbox.find(id).filter(|draft| draft.is_refused()).cloned() else {
            return Ok(id);
        };
        self.discard(now, id);
        self.submit(now, draft.conversation, draft.submission.body)
    }

    /// Takes back what the server has not taken. What may be on the wire already cannot be taken back.
    pub fn discard(&mut self, now: Now, id: MessageId) {
        let Some(draft) = self.outbox.find(id) else { return };
        if draft.is_acknowledged() || matches!(draft.state, DraftState::InFlight { .. }) {
            return;
        }
        if draft.is_refused() {
            self.effects.push_back(Effect::Relay(Relay::Discarded(id)));
        }
        self.drop_draft(id);
        self.pump(now);
    }

    /// Asks for `body` to be appended, and shows it at once where it is words.
    fn submit(&mut self, now: Now, id: ConversationId, body: SubmissionBody) -> Result<MessageId, SayError> {
        let submission = Submission { id: self.mint(now.wall), body };
        let said = submission.id;
        self.outbox.push(id, submission)?;
        self.save_submission(said);
        self.show_echoes(id);
        self.pump(now);
        Ok(said)
    }

    // ── Inside ──────────────────────────────────────────────────────────────────────────────────────────────

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

    fn keep(&mut self, now: Now, act: impl FnOnce(&mut Keeper, u32, &mut Vec<Wish>)) {
        let random = self.rng.next_u32();
        let Role::Leader { keeper, .. } = &mut self.role else { return };
        let before = keeper.state();
        let mut wishes = Vec::new();
        act(keeper, random, &mut wishes);
        if keeper.state() != before {
            self.events.push_back(Event::Connectivity);
        }
        for wish in wishes {
            match wish {
                Wish::Connect => self.effects.push_back(Effect::Connect),
                Wish::Disconnect => self.effects.push_back(Effect::Disconnect),
                Wish::Transmit(frame) => self.transmit(now, frame),
            }
        }
    }

    fn transmit(&mut self, now: Now, frame: ClientFrame) {
        match &mut self.role {
            Role::Leader { keeper, .. } => {
                keeper.sent(now.moment);
                self.effects.push_back(Effect::Transmit(frame));
            }
            Role::Follower { .. } => self.effects.push_back(Effect::Relay(Relay::Up(frame))),
        }
    }

    /// The socket closed or is given up: the next one is tried after a while.
    fn give_up(&mut self, now: Now) {
        self.keep(now, |keeper, random, _| keeper.lost(now.moment, random));
        self.connection_lost();
    }

    fn end(&mut self, now: Now, event: Event) {
        self.keep(now, |keeper, _, wishes| keeper.stop(wishes));
        self.connection_lost();
        self.events.push_back(event);
    }

    /// Forgets what only held for the connection that is gone.
    fn connection_lost(&mut self) {
        let is_leader = matches!(self.role, Role::Leader { .. });
        self.effects.retain(|effect| match effect {
            Effect::Transmit(_) => false,
            Effect::Relay(Relay::Up(_)) => is_leader,
            _ => true,
        });
        self.outbox.connection_lost();
        self.inbox_is_asked = false;
        if let Some(inbox) = &mut self.inbox {
            inbox.connection_lost();
        }
        for conversation in &mut self.conversations {
            conversation.connection_lost();
            let id = conversation.id();
            self.events.extend([Event::Delivery(id), Event::Typing(id), Event::Status(id)]);
        }
        if let Role::Leader { has_followers: true, .. } = self.role {
            self.effects.push_back(Effect::Relay(Relay::Lost));
        }
    }

    fn tick(&mut self, now: Now) {
        self.outbox.release(now.moment);
        let mut is_dead = self.outbox.acknowledge_until().is_some_and(|until| until <= now.moment);
        match &self.role {
            Role::Leader { .. } => {
                self.keep(now, |keeper, _, wishes| is_dead |= keeper.tick(now.moment, wishes));
                if is_dead {
                    self.effects.push_back(Effect::Disconnect);
                    self.give_up(now);
                }
            }
            Role::Follower { .. } if is_dead => {
                self.outbox.connection_lost();
                self.effects.push_back(Effect::Relay(Relay::Up(ClientFrame::Ping(
                    portico_protocol::frame::Ping { nonce: 0 },
                ))));
                self.events.push_back(Event::LeaderSilent);
            }
            Role::Follower { .. } => {}
        }
        for at in 0..self.conversations.len() {
            self.tick_conversation(now, at);
        }
    }

    fn tick_conversation(&mut self, now: Now, at: usize) {
        let conversation = &mut self.conversations[at];
        let id = conversation.id();
        if conversation.typists.tick(now.moment) {
            self.events.push_back(Event::Typing(id));
        }
        // An answer that does not come is asked for again; the connection itself may be well.
        if matches!(conversation.following, Following::Asked { until } if until <= now.moment) {
            conversation.following = Following::Wanted;
        }
        if conversation.behind_until.take_if(|until| *until <= now.moment).is_some() {
            conversation.following = Following::Wanted;
        }
        if matches!(conversation.history, HistoryLoad::Asked { until } if until <= now.moment) {
            conversation.history = HistoryLoad::Idle;
            self.events.push_back(Event::Status(id));
        }
        let save = conversation.save_draft_at.take_if(|due| *due <= now.moment);
        let draft = save.map(|_| conversation.draft.clone());
        let has_stopped = conversation.own_typing.tick(now.moment);
        if let Some(draft) = draft {
            self.save_draft(id, draft);
        }
        if has_stopped && self.is_open() {
            self.transmit(now, ClientFrame::Typing(Typing { conversation: id, is_typing: false }));
        }
    }

    /// Sends whatever may be sent now.
    fn pump(&mut self, now: Now) {
        if !self.is_open() {
            return;
        }
        if let Some(inbox) = self.inbox.as_ref().filter(|_| !self.inbox_is_asked) {
            let frame = ClientFrame::WatchInbox(inbox.query().clone());
            self.inbox_is_asked = true;
            self.transmit(now, frame);
        }
        let until = now.moment + ACKNOWLEDGE_WITHIN_MS;
        for at in 0..self.conversations.len() {
            let conversation = &mut self.conversations[at];
            let id = conversation.id();
            if conversation.following == Following::Wanted {
                conversation.following = Following::Asked { until };
                let after = conversation.timeline.to();
                self.transmit(now, ClientFrame::Follow(Follow { conversation: id, after }));
                continue;
            }
            if conversation.following != Following::Live {
                continue;
            }
            let report = conversation.poll_report(now.moment);
            let history = (conversation.history == HistoryLoad::Wanted).then(|| conversation.timeline.from());
            if history.is_some() {
                conversation.history = HistoryLoad::Asked { until };
            }
            if let Some((delivered, read)) = report {
                self.transmit(now, ClientFrame::Seen(Seen { conversation: id, delivered, read }));
            }
            if let Some(before) = history {
                let load = LoadHistory { conversation: id, before, limit: HISTORY_ENTRIES_MAX };
                self.transmit(now, ClientFrame::LoadHistory(load));
            }
        }
        while let Some(submit) = self.outbox.poll_transmit(now.moment) {
            self.events.push_back(Event::Delivery(submit.conversation));
            self.transmit(now, ClientFrame::Submit(submit));
        }
    }

    fn handle_leader_frame(&mut self, now: Now, frame: ServerFrame) {
        let Role::Leader { keeper, has_followers, .. } = &mut self.role else { return };
        // Whatever comes after the connection was given up belongs to no state of this client.
        if matches!(keeper.state(), Connection::Idle | Connection::Waiting { .. }) {
            return;
        }
        keeper.heard(now.moment);
        let is_greeting = matches!(keeper.state(), Connection::Greeting { .. });
        match frame {
            ServerFrame::Welcome(welcome) if is_greeting => self.handle_welcome(now, &welcome),
            ServerFrame::Goodbye(goodbye) => {
                self.keep(now, |keeper, random, wishes| {
                    keeper.dismissed(now.moment, goodbye, random, wishes)
                });
                self.connection_lost();
                if goodbye.reason == GoodbyeReason::SessionEnded {
                    self.events.push_back(Event::SessionEnded);
                }
            }
            ServerFrame::Problem(problem) if is_greeting => self.handle_refused_hello(now, problem),
            ServerFrame::Pong(_) | ServerFrame::Welcome(_) => {}
            _ if is_greeting => {}
            ServerFrame::Problem(problem) => self.events.push_back(Event::Problem(problem)),
            frame => {
                // What was refused for now is this tab's to send again.
                let is_own =
                    matches!(&frame, ServerFrame::Refused(refused) if refused.problem.is_retryable());
                if *has_followers && !is_own {
                    self.effects.push_back(Effect::Relay(Relay::Down(frame.clone())));
                }
                self.handle_frame(now, frame);
            }
        }
    }

    fn handle_welcome(&mut self, now: Now, welcome: &Welcome) {
        if welcome.version != PROTOCOL_VERSION {
            return self.end(now, Event::Outdated);
        }
        self.keep(now, |keeper, _, _| keeper.welcomed(now.moment));
        let number = self.rng.next_u32();
        if let Role::Leader { connection, .. } = &mut self.role {
            *connection = number;
        }
        self.effects.push_back(Effect::Relay(Relay::Open(number)));
        for conversation in &self.conversations {
            self.events.push_back(Event::Delivery(conversation.id()));
        }
    }

    /// The ticket was too old or spent, or something worse.
    fn handle_refused_hello(&mut self, now: Now, problem: Problem) {
        if problem.code() == "unsupported-version" {
            return self.end(now, Event::Outdated);
        }
        self.effects.push_back(Effect::Disconnect);
        self.give_up(now);
        self.events.push_back(Event::Problem(problem));
    }

    fn handle_relay(&mut self, now: Now, relay: Relay) {
        match (&mut self.role, relay) {
            (Role::Leader { keeper, has_followers, connection }, Relay::Hello) => {
                *has_followers = true;
                let state = if keeper.is_open() { Relay::Open(*connection) } else { Relay::Lost };
                self.effects.push_back(Effect::Relay(state));
            }
            (Role::Leader { keeper, has_followers, .. }, Relay::Up(frame)) => {
                *has_followers = true;
                let is_open = keeper.is_open();
                use ClientFrame as F;
                match frame {
                    F::Ping(_) => self.keep(now, |keeper, _, wishes| keeper.probe(now.moment, wishes)),
                    F::Submit(submit) => self.adopt(submit),
                    F::Follow(_) | F::Seen(_) | F::Typing(_) | F::LoadHistory(_) if is_open => {
                        self.transmit(now, frame);
                    }
                    // Each tab greets, watches and unfollows for itself; while there is no connection, followers
                    // hold what they have and say it again.
                    _ => {}
                }
            }
            (_, Relay::Discarded(id)) => {
                if self.outbox.find(id).is_some_and(Draft::is_refused) {
                    self.drop_draft(id);
                }
            }
            (Role::Follower { connection }, Relay::Open(number)) if *connection != Some(number) => {
                self.connection_lost();
                self.role = Role::Follower { connection: Some(number) };
                self.events.push_back(Event::Connectivity);
            }
            (Role::Follower { connection: Some(_) }, Relay::Lost) => {
                self.role = Role::Follower { connection: None };
                self.connection_lost();
                self.events.push_back(Event::Connectivity);
            }
            (Role::Follower { connection: Some(_) }, Relay::Down(frame)) => self.handle_frame(now, frame),
            _ => {}
        }
    }

    /// Sends what a follower said, as if it had been said here. If nothing more fits, the follower asks again.
    fn adopt(&mut self, submit: Submit) {
        let Submit { conversation, submission, .. } = submit;
        let id = submission.id;
        if let Some(draft) = self.outbox.find(id) {
            // The follower may have missed the answer that this tab has heard.
            if let DraftState::Refused(problem) = &draft.state {
                let refused = Refused { conversation, id, problem: problem.clone() };
                self.effects.push_back(Effect::Relay(Relay::Down(refused.into())));
            }
        } else if self.outbox.push(conversation, submission).is_ok() {
            self.save_submission(id);
            self.show_echoes(conversation);
        }
    }

    fn handle_frame(&mut self, now: Now, frame: ServerFrame) {
        match frame {
            ServerFrame::Followed(followed) => self.handle_followed(now, &followed),
            ServerFrame::Entries(entries) => self.handle_entries(now, entries),
            ServerFrame::History(history) => self.handle_history(now, history),
            ServerFrame::Acknowledged(acknowledged) => self.handle_acknowledged(&acknowledged),
            ServerFrame::Refused(refused) => self.handle_refused(now, refused),
            ServerFrame::Watermark(moved) => {
                let Some(conversation) = self.find_mut(moved.conversation) else { return };
                if conversation.watermarks.raise(moved.watermark) {
                    let is_counted_anew = conversation.count_unread();
                    self.events.push_back(Event::Delivery(moved.conversation));
                    self.events.extend(is_counted_anew.then_some(Event::Unread(moved.conversation)));
                }
            }
            ServerFrame::Typing(notice) => {
                let Some(conversation) = self.find_mut(notice.conversation) else { return };
                if conversation.typists.notice(now.moment, notice.representative, notice.is_typing) {
                    self.events.push_back(Event::Typing(notice.conversation));
                }
            }
            ServerFrame::Presence(presence) => {
                let Some(conversation) = self.find_mut(presence.conversation) else { return };
                let id = presence.conversation;
                conversation.presence = Some(presence);
                self.events.push_back(Event::Status(id));
            }
            ServerFrame::Waiting(waiting) => {
                let Some(conversation) = self.find_mut(waiting.conversation) else { return };
                let id = waiting.conversation;
                conversation.waiting = Some(waiting);
                self.events.push_back(Event::Status(id));
            }
            ServerFrame::Inbox(frame) => {
                if let Some(inbox) = &mut self.inbox {
                    inbox.fold(frame);
                    self.events.push_back(Event::Inbox);
                }
            }
            _ => {}
        }
    }

    fn handle_followed(&mut self, now: Now, followed: &Followed) {
        let mut changes = Vec::new();
        let id = followed.conversation;
        let Some(conversation) = self.find_mut(id) else { return };
        if conversation.followed(now.moment, followed, &mut changes) {
            conversation.following = Following::Wanted;
        }
        self.tell(id, changes);
        self.events.extend([Event::Status(id), Event::Delivery(id)]);
    }

    fn handle_entries(&mut self, now: Now, frame: Entries) {
        let id = frame.conversation;
        let mut changes = Vec::new();
        let at = self.conversations.iter().position(|conversation| conversation.id() == id);
        let Some(conversation) = at.map(|at| &mut self.conversations[at]) else { return };
        if conversation.following != Following::Live {
            return;
        }
        let known_to = conversation.timeline.to();
        let ids: Vec<MessageId> = frame.entries.iter().map(|entry| entry.id).collect();
        if conversation.merge(now.moment, frame.entries, &mut changes) == Fit::Gap {
            conversation.following = Following::Wanted;
            return;
        }
        let news = conversation.timeline.newest_first();
        let news = news.take_while(|row| row.is_echo() || row.sequence > known_to);
        let mut news: Vec<_> = news.filter(|row| conversation.is_news(row)).cloned().collect();
        news.reverse();
        self.settle(id, &ids, &mut changes);
        self.tell(id, changes);
        self.events.extend(news.into_iter().map(|row| Event::News { conversation: id, row }));
        self.events.extend([Event::Status(id), Event::Typing(id)]);
    }

    /// Takes out of the outbox what has arrived as entries.
    fn settle(&mut self, id: ConversationId, arrived: &[MessageId], changes: &mut Vec<Change>) {
        let Some(to) = self.conversation(id).map(|conversation| conversation.timeline.to()) else { return };
        let mut settled = self.outbox.take_stored(id, to);
        for message in arrived {
            if self.outbox.remove(*message).is_some() {
                self.save(&submission_key(*message), None);
                settled.push(*message);
            }
        }
        let Some(conversation) = self.find_mut(id) else { return };
        for message in settled {
            // Does nothing where the echo has become a row.
            conversation.timeline.discard_echo(message, changes);
        }
    }

    fn handle_history(&mut self, now: Now, history: History) {
        let id = history.conversation;
        let mut changes = Vec::new();
        let Some(conversation) =
            self.find_mut(id).filter(|conversation| !conversation.timeline.holds_nothing())
        else {
            return;
        };
        conversation.history = HistoryLoad::Idle;
        if history.entries.is_empty() {
            conversation.timeline.mark_complete();
        }
        let ids: Vec<MessageId> = history.entries.iter().map(|entry| entry.id).collect();
        if conversation.merge(now.moment, history.entries, &mut changes) == Fit::Joined {
            self.settle(id, &ids, &mut changes);
        }
        self.tell(id, changes);
        self.events.push_back(Event::Status(id));
    }

    fn handle_acknowledged(&mut self, acknowledged: &Acknowledged) {
        let (id, message) = (acknowledged.conversation, acknowledged.id);
        if self.outbox.acknowledge(message, acknowledged.sequence).is_none() {
            return;
        }
        self.save(&submission_key(message), None);
        // Its entry is not on the way: it came long ago, or nobody here follows.
        let to = self.conversation(id).map(|conversation| conversation.timeline.to());
        if to.is_none_or(|to| acknowledged.sequence <= to) {
            self.drop_draft(message);
        }
        self.events.push_back(Event::Delivery(id));
    }

    fn handle_refused(&mut self, now: Now, refused: Refused) {
        let (id, message, problem) = (refused.conversation, refused.id, refused.problem);
        let is_for_good = !problem.is_retryable();
        let jitter = self.rng.next_u32();
        let Some(draft) = self.outbox.refuse(now.moment, message, problem.clone(), jitter) else { return };
        if is_for_good && !draft.is_shown() {
            let submission = draft.submission.clone();
            self.drop_draft(message);
            // What is so already needs no complaint.
            if problem.code() != "no-change" {
                self.events.push_back(Event::Refused { conversation: id, submission, problem });
            }
        } else if is_for_good {
            self.save_submission(message);
        }
        self.events.push_back(Event::Delivery(id));
    }

    /// Takes a draft out of outbox, storage and screen.
    fn drop_draft(&mut self, message: MessageId) {
        let Some(draft) = self.outbox.remove(message) else { return };
        self.save(&submission_key(message), None);
        let mut changes = Vec::new();
        if let Some(conversation) = self.find_mut(draft.conversation) {
            conversation.timeline.discard_echo(message, &mut changes);
        }
        self.tell(draft.conversation, changes);
    }

    fn show_echoes(&mut self, id: ConversationId) {
        let mut changes = Vec::new();
        let Some(conversation) = self.conversations.iter_mut().find(|conversation| conversation.id() == id)
        else {
            return;
        };
        for draft in self.outbox.of(id).filter(|draft| draft.is_shown()) {
            let body = match &draft.submission.body {
                SubmissionBody::Message(message) => message.clone().into(),
                SubmissionBody::SuggestionResponse(response) => response.clone().into(),
                SubmissionBody::Note(note) => note.clone().into(),
                _ => continue,
            };
            let author = conversation.author().clone();
            let (id, at) = (draft.submission.id, id_time(draft.submission.id));
            let row = Row { id, sequence: 0, at, author, body, amended: Amended::No };
            conversation.timeline.echo(row, &mut changes);
        }
        self.tell(id, changes);
    }

    fn tell(&mut self, id: ConversationId, changes: Vec<Change>) {
        if let Some(conversation) = self.find_mut(id)
            && conversation.count_unread()
        {
            self.events.push_back(Event::Unread(id));
        }
        let events = changes.into_iter().map(|change| Event::Timeline { conversation: id, change });
        self.events.extend(events);
    }

    fn empty_composer(&mut self, id: ConversationId) {
        let Some(conversation) = self.find_mut(id) else { return };
        conversation.own_typing.sent();
        conversation.save_draft_at = None;
        conversation.draft.clear();
        self.save_draft(id, String::new());
    }

    fn save_draft(&mut self, id: ConversationId, draft: String) {
        let mut key = String::from(DRAFT_KEY);
        key.push_str(&id.to_string());
        self.save(&key, (!draft.is_empty()).then_some(draft));
    }

    /// Keeps a draft as it stands now, if it is of the kind that is kept.
    fn save_submission(&mut self, id: MessageId) {
        if let Some(draft) = self.outbox.find(id).filter(|draft| draft.is_kept()) {
            let value = draft.encode();
            self.save(&submission_key(id), Some(value));
        }
    }

    fn save(&mut self, kind: &str, value: Option<String>) {
        let mut key = self.key_prefix();
        key.push_str(kind);
        self.effects.push_back(Effect::Save(Save { key, value }));
    }

    /// People who share a device share nothing that is kept on it.
    fn key_prefix(&self) -> String {
        let mut prefix = self.me.participant().map(|me| me.to_string()).unwrap_or_default();
        prefix.push('/');
        prefix
    }
}

const DRAFT_KEY: &str = "draft/";

fn submission_key(id: MessageId) -> String {
    let mut key = String::from("submission/");
    key.push_str(&id.to_string());
    key
}

/// When an id was made (UUIDv7, RFC 9562 §5.7).
fn id_time(id: MessageId) -> Timestamp {
    let millis = id.as_bytes()[..6].iter().fold(0, |millis, byte| millis << 8 | i64::from(*byte));
    Timestamp::from_millis(millis)
}

fn conversation_times(conversation: &Conversation) -> [Option<Moment>; 7] {
    let asked = match conversation.following {
        Following::Asked { until } => Some(until),
        _ => None,
    };
    let loading = match conversation.history {
        HistoryLoad::Asked { until } => Some(until),
        _ => None,
    };
    let report_at = conversation.report_at.filter(|_| conversation.following == Following::Live);
    let typing = conversation.own_typing.idle_at();
    [
        asked,
        conversation.behind_until,
        loading,
        report_at,
        typing,
        conversation.typists.expire_at(),
        conversation.save_draft_at,
    ]
}
