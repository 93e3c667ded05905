//! One connection's server half, sans-IO: what a participant's frames lead to, and what the participant
//! must be sent.
//!
//! The driver feeds in frames ([`Session::handle_frame`]) and everything else that happens
//! ([`Session::handle`]), carries out what [`Session::poll_effect`] asks for, and calls [`Session::wake`] no
//! later than [`Session::wake_at`]. The session keeps a cursor for each conversation that it follows: the
//! last sequence number sent. Notices only say that a log grew; what does not join the cursor without a gap
//! is loaded from the store, so a lost, doubled or late notice can delay an entry but never lose, double or
//! swap one.

mod follow;
mod inbox;
mod open;
mod turns;

use std::collections::VecDeque;
use std::sync::Arc;

use portico_protocol::frame::{
    Goodbye, GoodbyeReason, Hello, Presence, TypingNotice, Waiting, WatermarkMoved, Welcome,
};
use portico_protocol::limit::HEARTBEAT_MS;
use portico_protocol::{
    BrandId, ClientFrame, ConversationId, ConversationSummary, Entry, MessageId, Moment, PROTOCOL_VERSION,
    ParticipantId, Problem, Representative, ServerFrame, SessionId, Submission, Timestamp, Watermark,
};

use self::open::{Open, send};
use crate::growth::{Growth, View};
use crate::rate::{self, Rate};
use crate::{Actor, Conversation, Policy};

/// How long a connection may take to say `hello`, in milliseconds.
pub const HELLO_WITHIN_MS: u64 = 10_000;
/// A client silent for so long is gone, in milliseconds: three heartbeats.
pub const SILENCE_MS_MAX: u64 = 3 * HEARTBEAT_MS;
/// A client that takes nothing of what waits for it for so long is too slow, in milliseconds.
pub const CONGESTED_FOR_MS_MAX: u64 = 10_000;
/// Frames that could not be understood, after which the connection ends.
pub const MALFORMED_FRAMES_MAX: u32 = 10;
/// History requests of one connection that may be under way.
pub const HISTORY_REQUESTS_MAX: u32 = 4;
/// When a client may come back that was too slow, in milliseconds.
const RETURN_AFTER_MS: u64 = 1_000;

/// Who speaks on a connection, and what they may reach.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// A visitor, who reaches one conversation.
    Visitor {
        /// With which brand.
        brand: BrandId,
        /// Who.
        visitor: ParticipantId,
        /// Which conversation.
        conversation: ConversationId,
    },
    /// A person of the brand, who reaches all its conversations.
    Person {
        /// Of which brand.
        brand: BrandId,
        /// Who.
        representative: Representative,
    },
}

impl Role {
    /// The brand.
    #[must_use]
    pub const fn brand(&self) -> &BrandId {
        match self {
            Self::Visitor { brand, .. } | Self::Person { brand, .. } => brand,
        }
    }

    /// Who.
    #[must_use]
    pub const fn participant(&self) -> ParticipantId {
        match self {
            Self::Visitor { visitor, .. } => *visitor,
            Self::Person { representative, .. } => representative.id,
        }
    }

    /// The same as the one who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        match self {
            Self::Visitor { visitor, .. } => Actor::Visitor(*visitor),
            Self::Person { representative, .. } => Actor::Representative(representative.clone()),
        }
    }

    /// The person, unless it is the visitor.
    #[must_use]
    pub const fn representative(&self) -> Option<&Representative> {
        match self {
            Self::Visitor { .. } => None,
            Self::Person { representative, .. } => Some(representative),
        }
    }

    const fn view(&self) -> View {
        match self {
            Self::Visitor { .. } => View::Visitor,
            Self::Person { .. } => View::Brand,
        }
    }
}

/// What a spent ticket stood for.
#[derive(Clone, Debug, PartialEq)]
pub struct Admission {
    /// The session.
    pub session: SessionId,
    /// Whose.
    pub role: Role,
    /// When the session ends.
    pub expires_at: Timestamp,
    /// What the brand has set, in the participant's language.
    pub policy: Arc<Policy>,
}

/// How often the two kinds of participants may submit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// A visitor's connection.
    pub visitor: Rate,
    /// A representative's connection.
    pub person: Rate,
}

impl Rates {
    /// The same, `times` as often.
    #[must_use]
    pub const fn times(self, times: u32) -> Self {
        Self { visitor: self.visitor.times(times), person: self.person.times(times) }
    }
}

impl Default for Rates {
    fn default() -> Self {
        Self { visitor: rate::VISITOR_SUBMISSIONS, person: rate::PERSON_SUBMISSIONS }
    }
}

/// What following a conversation begins with.
#[derive(Clone, Debug)]
pub struct Opening {
    /// The conversation as it stands, also if nothing was said in it yet.
    pub state: Conversation,
    /// How far everybody has got.
    pub watermarks: Vec<Watermark>,
    /// What comes after the asked sequence number, oldest first: at most a frame full. After zero: the newest.
    pub entries: Vec<Entry>,
}

/// Something that happened, other than a frame.
#[derive(Debug)]
pub enum Input {
    /// Answers [`Effect::Admit`].
    Admitted(Result<Admission, Problem>),
    /// A frame came that could not be understood.
    Malformed(Problem),
    /// What comes next cannot be understood any more.
    Broken(Problem),
    /// The client has gone.
    Gone,
    /// Answers [`Effect::Follow`]. `None`: no such conversation.
    Opened(ConversationId, Result<Option<Opening>, Problem>),
    /// Answers [`Effect::LoadAfter`].
    Loaded(ConversationId, Result<Vec<Entry>, Problem>),
    /// Answers [`Effect::LoadBefore`].
    HistoryLoaded(ConversationId, Result<Vec<Entry>, Problem>),
    /// Answers [`Effect::Submit`]: where the submission stands now, durably.
    Submitted(ConversationId, MessageId, Result<(u64, Timestamp), Problem>),
    /// A followed log grew.
    Grew(Arc<Growth>),
    /// Somebody received or read more.
    Watermark(WatermarkMoved),
    /// Somebody types, or has stopped.
    Typing(ParticipantId, TypingNotice),
    /// Other people came or went.
    Presence(Presence),
    /// The place in the line moved.
    Waiting(Waiting),
    /// A line of the watched inbox may have changed.
    InboxChanged(ConversationId),
    /// Answers [`Effect::LoadInbox`].
    InboxLoaded(Result<Vec<ConversationSummary>, Problem>),
    /// Answers [`Effect::LoadSummaries`]: the lines that exist.
    SummariesLoaded(Result<Vec<ConversationSummary>, Problem>),
    /// More waits to be sent than the driver likes to hold, and the client takes of it; or no longer.
    Congested(bool),
    /// The driver had to drop something: the client must come back and resume.
    Overflowed,
    /// The session was revoked.
    SessionEnded,
    /// The server stops.
    ShuttingDown,
}

/// What to send.
#[derive(Clone, Debug)]
pub enum Outgoing {
    /// This frame.
    Frame(ServerFrame),
    /// All entries of this growth, as encoded once for all who share the view.
    Growth(Arc<Growth>, View),
}

/// What the driver must do.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Spend this ticket; answer [`Input::Admitted`].
    Admit(String),
    /// Send this, in order.
    Send(Outgoing),
    /// Let growth, watermarks, typing and presence of this conversation come in, then load it as it stands
    /// with the entries after a sequence number; answer [`Input::Opened`].
    Follow(ConversationId, u64),
    /// Let nothing of it come in any longer.
    Unfollow(ConversationId),
    /// Load the entries after this sequence number, at most a frame full; answer [`Input::Loaded`].
    LoadAfter(ConversationId, u64),
    /// Load so many entries before this sequence number; answer [`Input::HistoryLoaded`].
    LoadBefore(ConversationId, u64, u32),
    /// Append this durably to the conversation of this visitor, in the order asked; answer [`Input::Submitted`].
    Submit(ConversationId, ParticipantId, Submission),
    /// Store this durably and tell the others.
    MoveWatermark(WatermarkMoved),
    /// Tell the others.
    TellTyping(TypingNotice),
    /// Let changes of the brand's inbox come in.
    WatchInbox,
    /// Load the first page; answer [`Input::InboxLoaded`].
    LoadInbox(portico_protocol::api::InboxQuery),
    /// Load these lines; answer [`Input::SummariesLoaded`].
    LoadSummaries(Vec<ConversationId>),
    /// Send what is left to send, then close. Nothing follows.
    Close,
}

/// One connection.
#[derive(Debug)]
pub struct Session {
    rates: Rates,
    stage: Stage,
    heard_at: Moment,
    malformed: u32,
    congested_since: Option<Moment>,
    /// Read no further frames before this: the client sends more than its rate.
    resume_at: Option<Moment>,
    effects: VecDeque<Effect>,
}

#[derive(Debug)]
enum Stage {
    Greeting,
    Admitting,
    Open(Box<Open>),
    /// With whom it was, if anybody was admitted.
    Closed(Option<Box<Admission>>),
}

impl Session {
    /// A connection that has just been made.
    #[must_use]
    pub fn new(rates: Rates, now: Moment) -> Self {
        Self {
            rates,
            stage: Stage::Greeting,
            heard_at: now,
            malformed: 0,
            congested_since: None,
            resume_at: None,
            effects: VecDeque::new(),
        }
    }

    /// What the driver must do next.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        let effect = self.effects.pop_front();
        if effect.is_none() && self.effects.capacity() > 8 {
            // Nearly all connections are idle nearly always: a burst must not cost memory ever after.
            self.effects = VecDeque::new();
        }
        effect
    }

    /// Whether the driver may read another frame. Not reading is what slows a client down without losing a
    /// word.
    #[must_use]
    pub const fn may_read(&self) -> bool {
        let is_open = !matches!(self.stage, Stage::Closed(_) | Stage::Admitting);
        is_open && self.resume_at.is_none() && self.congested_since.is_none()
    }

    /// Who was admitted, also after the end.
    #[must_use]
    pub fn admission(&self) -> Option<&Admission> {
        match &self.stage {
            Stage::Open(open) => Some(&open.admission),
            Stage::Closed(admission) => admission.as_deref(),
            Stage::Greeting | Stage::Admitting => None,
        }
    }

    /// When the driver must call [`Self::wake`], even if nothing else happens.
    #[must_use]
    pub fn wake_at(&self) -> Option<Moment> {
        let silent_at = match &self.stage {
            Stage::Closed(_) => return None,
            // Whom we do not read, we cannot call silent.
            _ if self.congested_since.is_some() || self.resume_at.is_some() => None,
            Stage::Greeting | Stage::Admitting => Some(self.heard_at + HELLO_WITHIN_MS),
            Stage::Open(_) => Some(self.heard_at + SILENCE_MS_MAX),
        };
        let too_slow_at = self.congested_since.map(|since| since + CONGESTED_FOR_MS_MAX);
        let inner = if let Stage::Open(open) = &self.stage { open.wake_at() } else { None };
        [silent_at, too_slow_at, self.resume_at, inner].into_iter().flatten().min()
    }

    /// Does what was put off until `now`.
    pub fn wake(&mut self, now: Moment) {
        if self.resume_at.is_some_and(|at| now >= at) {
            self.resume_at = None;
            // What waited meanwhile is read now: only from here on is the client silent.
            self.heard_at = now;
        }
        if self.congested_since.is_some_and(|since| now.millis_since(since) >= CONGESTED_FOR_MS_MAX) {
            return self.say_goodbye(GoodbyeReason::TooSlow, RETURN_AFTER_MS);
        }
        let is_read = self.congested_since.is_none() && self.resume_at.is_none();
        let silence_ms = now.millis_since(self.heard_at);
        let is_congested = self.congested_since.is_some();
        match &mut self.stage {
            Stage::Closed(_) => {}
            Stage::Greeting | Stage::Admitting if silence_ms >= HELLO_WITHIN_MS => {
                self.say_goodbye(GoodbyeReason::Silent, 0);
            }
            Stage::Greeting | Stage::Admitting => {}
            Stage::Open(_) if is_read && silence_ms >= SILENCE_MS_MAX => {
                self.say_goodbye(GoodbyeReason::Silent, 0);
            }
            Stage::Open(open) => open.wake(now, is_congested, &mut self.effects),
        }
    }

    /// Takes a frame that the client sent, at `now` by the steady clock and `wall` by the calendar.
    pub fn handle_frame(&mut self, now: Moment, wall: Timestamp, frame: ClientFrame) {
        self.heard_at = now;
        match &mut self.stage {
            Stage::Closed(_) => {}
            Stage::Greeting | Stage::Admitting => self.greet(frame),
            Stage::Open(open) if wall >= open.admission.expires_at => {
                self.say_goodbye(GoodbyeReason::SessionEnded, 0);
            }
            Stage::Open(open) => {
                if let Err(wait_ms) = open.frames.take(now) {
                    self.resume_at = Some(now + wait_ms);
                }
                open.handle_frame(now, frame, &mut self.effects);
            }
        }
    }

    /// Takes anything else that happened.
    pub fn handle(&mut self, now: Moment, wall: Timestamp, input: Input) {
        match (&mut self.stage, input) {
            (Stage::Closed(_), _) => {}
            (_, Input::Gone) => self.close(),
            (_, Input::Broken(problem)) => self.refuse_and_close(problem),
            (_, Input::Malformed(problem)) => self.refuse_malformed(now, problem),
            (_, Input::Overflowed) => self.say_goodbye(GoodbyeReason::TooSlow, RETURN_AFTER_MS),
            (_, Input::SessionEnded) => self.say_goodbye(GoodbyeReason::SessionEnded, 0),
            (Stage::Open(open), Input::ShuttingDown) => {
                open.is_shutting_down = true;
                self.end_if_drained();
            }
            (_, Input::ShuttingDown) => self.say_goodbye(GoodbyeReason::ShuttingDown, RETURN_AFTER_MS),
            (Stage::Admitting, Input::Admitted(Ok(admission))) => self.open(now, wall, admission),
            (Stage::Admitting, Input::Admitted(Err(problem))) => self.refuse_and_close(problem),
            (_, Input::Congested(is_congested)) => self.congest(now, is_congested),
            (Stage::Open(open), input) => {
                open.handle(now, self.congested_since.is_some(), input, &mut self.effects);
                self.end_if_drained();
            }
            (Stage::Greeting | Stage::Admitting, _) => {}
        }
    }

    fn greet(&mut self, frame: ClientFrame) {
        match frame {
            ClientFrame::Hello(Hello { version: PROTOCOL_VERSION, ticket })
                if matches!(self.stage, Stage::Greeting) =>
            {
                self.stage = Stage::Admitting;
                self.effects.push_back(Effect::Admit(ticket));
            }
            ClientFrame::Hello(Hello { version, .. }) if version != PROTOCOL_VERSION => {
                self.refuse_and_close(
                    Problem::new(
                        "unsupported-version",
                        400,
                        "This version of the protocol is not spoken here",
                    )
                    .with_field("hello.version")
                    .with_detail(format!(
                        "Version {version} was offered; this server speaks {PROTOCOL_VERSION}"
                    )),
                );
            }
            _ => self.refuse_and_close(
                Problem::new("hello-first", 400, "A connection starts with hello, once")
                    .with_detail("Send hello with a fresh ticket, and nothing else before it is answered"),
            ),
        }
    }

    fn open(&mut self, now: Moment, wall: Timestamp, admission: Admission) {
        let rate = match admission.role {
            Role::Visitor { .. } => self.rates.visitor,
            Role::Person { .. } => self.rates.person,
        };
        send(
            &mut self.effects,
            Welcome {
                version: PROTOCOL_VERSION,
                session: admission.session,
                participant: admission.role.participant(),
                now: wall,
            },
        );
        self.stage = Stage::Open(Box::new(Open::new(admission, rate, now)));
    }

    fn refuse_malformed(&mut self, now: Moment, problem: Problem) {
        self.heard_at = now;
        self.malformed += 1;
        if matches!(self.stage, Stage::Open(_)) && self.malformed < MALFORMED_FRAMES_MAX {
            send(&mut self.effects, problem);
        } else {
            self.refuse_and_close(problem);
        }
    }

    /// Told again, a congestion counts from now: the client does take something.
    fn congest(&mut self, now: Moment, is_congested: bool) {
        self.congested_since = is_congested.then_some(now);
        if is_congested {
            return;
        }
        self.heard_at = now;
        if let Stage::Open(open) = &mut self.stage {
            open.catch_up(&mut self.effects);
        }
    }

    fn end_if_drained(&mut self) {
        let is_drained =
            matches!(&self.stage, Stage::Open(open) if open.is_shutting_down && open.in_flight == 0);
        if is_drained {
            self.say_goodbye(GoodbyeReason::ShuttingDown, RETURN_AFTER_MS);
        }
    }

    fn refuse_and_close(&mut self, problem: Problem) {
        send(&mut self.effects, problem);
        self.close();
    }

    fn say_goodbye(&mut self, reason: GoodbyeReason, retry_after_ms: u64) {
        send(&mut self.effects, Goodbye { reason, retry_after_ms });
        self.close();
    }

    fn close(&mut self) {
        let admission = match std::mem::replace(&mut self.stage, Stage::Closed(None)) {
            Stage::Open(mut open) => {
                open.unfollow_all(&mut self.effects);
                Some(Box::new(open.admission))
            }
            _ => None,
        };
        self.stage = Stage::Closed(admission);
        self.effects.push_back(Effect::Close);
    }
}

#[cfg(test)]
mod tests;
