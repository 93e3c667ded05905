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
mod turns;

use std::collections::VecDeque;
use std::sync::Arc;

use portico_protocol::frame::{
    Acknowledged, Follow, Followed, Goodbye, GoodbyeReason, Hello, History, LoadHistory, Ping, Presence,
    Refused, Seen, Submit, Typing, TypingNotice, Waiting, WatermarkMoved, Welcome,
};
use portico_protocol::limit::{FOLLOWED_CONVERSATIONS_MAX, HEARTBEAT_MS, HISTORY_ENTRIES_MAX, IN_FLIGHT_MAX};
use portico_protocol::{
    BrandId, ClientFrame, ConversationId, ConversationSummary, Entry, MessageId, Moment, PROTOCOL_VERSION,
    ParticipantId, Problem, Representative, ServerFrame, SessionId, Submission, SubmissionBody, Timestamp,
    Watermark,
};

use self::follow::{Following, Growing};
use self::inbox::InboxWatch;
use self::turns::{Turn, Turns};
use crate::growth::{Growth, View};
use crate::rate::{self, Rate, TokenBucket, too_often};
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

/// What an admitted participant has going on.
#[derive(Debug)]
struct Open {
    admission: Admission,
    followed: Vec<Following>,
    inbox: Option<Box<InboxWatch>>,
    submissions: TokenBucket,
    frames: TokenBucket,
    in_flight: usize,
    turns: Turns,
    history_requests: u32,
    is_shutting_down: bool,
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
        self.stage = Stage::Open(Box::new(Open {
            admission,
            followed: Vec::new(),
            inbox: None,
            submissions: TokenBucket::full(rate, now),
            frames: TokenBucket::full(rate.times(rate::FRAMES_PER_SUBMISSION), now),
            in_flight: 0,
            turns: Turns::default(),
            history_requests: 0,
            is_shutting_down: false,
        }));
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

impl Open {
    fn handle_frame(&mut self, now: Moment, frame: ClientFrame, effects: &mut VecDeque<Effect>) {
        match frame {
            ClientFrame::Submit(submit) => self.submit(now, submit, effects),
            ClientFrame::Seen(seen) => self.see(&seen, effects),
            ClientFrame::Typing(typing) => self.type_on(now, &typing, effects),
            ClientFrame::Ping(ping) => send(effects, ServerFrame::Pong(Ping { nonce: ping.nonce })),
            ClientFrame::Follow(follow) => self.follow(&follow, effects),
            ClientFrame::Unfollow(unfollow) => self.unfollow(unfollow.conversation, effects),
            ClientFrame::LoadHistory(request) => self.load_history(&request, effects),
            ClientFrame::WatchInbox(query) => self.watch_inbox(query, effects),
            ClientFrame::Hello(_) => send(
                effects,
                Problem::new("hello-first", 400, "A connection starts with hello, once")
                    .with_detail("This connection was admitted already; the frame changed nothing"),
            ),
            ClientFrame::Unknown => send(
                effects,
                Problem::new("unknown-frame", 400, "This kind of frame is not known here")
                    .with_detail("It was ignored; nothing else changed"),
            ),
        }
    }

    fn handle(&mut self, now: Moment, is_congested: bool, input: Input, effects: &mut VecDeque<Effect>) {
        match input {
            Input::Grew(growth) => self.grow(&growth, is_congested, effects),
            Input::Submitted(conversation, id, result) => self.answer(conversation, id, result, effects),
            Input::Watermark(moved) => self.take_watermark(moved, effects),
            Input::Typing(from, notice) if self.hears_of(notice.conversation, from) => send(effects, notice),
            Input::Presence(presence) => self.take_presence(presence, effects),
            Input::Waiting(waiting) if self.find(waiting.conversation).is_some() => send(effects, waiting),
            Input::Opened(conversation, result) => self.opened(now, conversation, result, effects),
            Input::Loaded(conversation, result) => {
                self.loaded(now, is_congested, conversation, result, effects);
            }
            Input::HistoryLoaded(conversation, result) => self.history_loaded(conversation, result, effects),
            Input::InboxChanged(conversation) => {
                if let Some(inbox) = &mut self.inbox {
                    inbox.mark(now, conversation);
                }
            }
            Input::InboxLoaded(result) => {
                if let Some(frame) = self.inbox.as_mut().and_then(|inbox| inbox.loaded(now, result)) {
                    send(effects, frame);
                }
            }
            Input::SummariesLoaded(result) => {
                let me = self.admission.role.participant();
                if let Some(frame) = self.inbox.as_mut().and_then(|inbox| inbox.refreshed(now, me, result)) {
                    send(effects, frame);
                }
            }
            _ => {}
        }
    }

    fn wake_at(&self) -> Option<Moment> {
        let inbox = self.inbox.as_ref().and_then(|inbox| inbox.wake_at());
        self.followed.iter().filter_map(Following::wake_at).chain(inbox).min()
    }

    fn wake(&mut self, now: Moment, is_congested: bool, effects: &mut VecDeque<Effect>) {
        for following in &mut self.followed {
            if following.typing_lapses(now) {
                let notice = typing_notice(&self.admission.role, following.conversation, false);
                effects.push_back(Effect::TellTyping(notice));
            }
            effects.extend(following.retry(now, is_congested));
        }
        if let Some(inbox) = &mut self.inbox {
            effects.extend(inbox.wake(now));
        }
    }

    /// Continues everywhere that a congestion held up.
    fn catch_up(&mut self, effects: &mut VecDeque<Effect>) {
        for following in &mut self.followed {
            let after = following.missing(false);
            effects.extend(after.map(|after| Effect::LoadAfter(following.conversation, after)));
        }
    }

    fn follow(&mut self, follow: &Follow, effects: &mut VecDeque<Effect>) {
        if !self.reaches(follow.conversation) {
            return send(effects, not_yours("follow.conversation"));
        }
        if let Some(following) = self.find(follow.conversation) {
            following.start_over(follow.after);
        } else if self.followed.len() < FOLLOWED_CONVERSATIONS_MAX {
            self.followed.push(Following::new(follow.conversation, follow.after));
        } else {
            let found = FOLLOWED_CONVERSATIONS_MAX + 1;
            return send(effects, Problem::too_long("follow", FOLLOWED_CONVERSATIONS_MAX, found));
        }
        effects.push_back(Effect::Follow(follow.conversation, follow.after));
    }

    fn unfollow(&mut self, conversation: ConversationId, effects: &mut VecDeque<Effect>) {
        let Some(index) = self.followed.iter().position(|one| one.conversation == conversation) else {
            return;
        };
        let following = self.followed.swap_remove(index);
        let held = self.let_go(following, effects);
        for submission in held {
            self.answer(conversation, submission.id, Err(follow_first("submit.conversation")), effects);
        }
    }

    fn unfollow_all(&mut self, effects: &mut VecDeque<Effect>) {
        for following in std::mem::take(&mut self.followed) {
            self.let_go(following, effects);
        }
    }

    fn let_go(&self, mut following: Following, effects: &mut VecDeque<Effect>) -> Vec<Submission> {
        if following.stop_typing() {
            let notice = typing_notice(&self.admission.role, following.conversation, false);
            effects.push_back(Effect::TellTyping(notice));
        }
        effects.push_back(Effect::Unfollow(following.conversation));
        following.held
    }

    fn opened(
        &mut self,
        now: Moment,
        conversation: ConversationId,
        result: Result<Option<Opening>, Problem>,
        effects: &mut VecDeque<Effect>,
    ) {
        let (view, me) = (self.admission.role.view(), self.admission.role.participant());
        let Some(following) = self.find(conversation) else { return };
        match result {
            Ok(Some(opening)) => {
                let Some(entries) = following.opened(me, &opening) else { return };
                send(
                    effects,
                    Followed {
                        conversation,
                        head: opening.state.head,
                        owner: opening.state.owner.clone(),
                        is_closed: opening.state.is_closed,
                        watermarks: opening.watermarks.clone(),
                    },
                );
                send_entries(conversation, view, entries, effects);
                let after = following.missing(false);
                effects.extend(after.map(|after| Effect::LoadAfter(conversation, after)));
                for submission in std::mem::take(&mut following.held) {
                    effects.push_back(Effect::Submit(conversation, opening.state.visitor, submission));
                }
                self.settle_claim(conversation, effects);
            }
            Ok(None) => {
                let held = std::mem::take(&mut following.held);
                self.unfollow(conversation, effects);
                send(effects, not_yours("follow.conversation"));
                for submission in held {
                    self.answer(conversation, submission.id, Err(not_yours("submit.conversation")), effects);
                }
            }
            Err(_) => following.failed(now),
        }
    }

    fn grow(&mut self, growth: &Arc<Growth>, is_congested: bool, effects: &mut VecDeque<Effect>) {
        let view = self.admission.role.view();
        let Some(following) = self.find(growth.conversation) else { return };
        match following.grow(growth.first(), growth.last(), is_congested) {
            Growing::SendAll => effects.push_back(Effect::Send(Outgoing::Growth(Arc::clone(growth), view))),
            Growing::SendAfter(sequence) => send(effects, growth.frame_after(sequence, view)),
            Growing::LoadAfter(after) => effects.push_back(Effect::LoadAfter(growth.conversation, after)),
            Growing::Nothing => {}
        }
    }

    fn loaded(
        &mut self,
        now: Moment,
        is_congested: bool,
        conversation: ConversationId,
        result: Result<Vec<Entry>, Problem>,
        effects: &mut VecDeque<Effect>,
    ) {
        let view = self.admission.role.view();
        let Some(following) = self.find(conversation) else { return };
        let Some(entries) = result.ok().and_then(|entries| following.loaded(entries)) else {
            return following.failed(now);
        };
        send_entries(conversation, view, &entries, effects);
        let after = following.missing(is_congested);
        effects.extend(after.map(|after| Effect::LoadAfter(conversation, after)));
    }

    fn load_history(&mut self, request: &LoadHistory, effects: &mut VecDeque<Effect>) {
        if self.find(request.conversation).is_none() {
            return send(effects, follow_first("loadHistory.conversation"));
        }
        if self.history_requests >= HISTORY_REQUESTS_MAX {
            return send(effects, too_often("history requests at once", RETURN_AFTER_MS));
        }
        self.history_requests += 1;
        let limit = request.limit.clamp(1, HISTORY_ENTRIES_MAX);
        effects.push_back(Effect::LoadBefore(request.conversation, request.before, limit));
    }

    fn history_loaded(
        &mut self,
        conversation: ConversationId,
        result: Result<Vec<Entry>, Problem>,
        effects: &mut VecDeque<Effect>,
    ) {
        self.history_requests = self.history_requests.saturating_sub(1);
        let view = self.admission.role.view();
        match result {
            Ok(entries) => {
                let entries = entries.iter().map(|entry| view.of(entry)).collect();
                send(effects, History { conversation, entries });
            }
            Err(problem) => send(effects, problem),
        }
    }

    fn submit(&mut self, now: Moment, submit: Submit, effects: &mut VecDeque<Effect>) {
        let Submit { conversation, after, submission } = submit;
        let id = submission.id;
        match self.check_submit(now, conversation, after) {
            Ok(turn) => {
                let has_words = matches!(submission.body, SubmissionBody::Message(_));
                if has_words && self.find(conversation).is_some_and(Following::stop_typing) {
                    let notice = typing_notice(&self.admission.role, conversation, false);
                    effects.push_back(Effect::TellTyping(notice));
                }
                self.in_flight += 1;
                match after.filter(|_| turn == Turn::Later) {
                    Some(after) => self.turns.hold(after, conversation, submission),
                    None => self.append(conversation, submission, effects),
                }
            }
            Err(problem) => send(effects, Refused { conversation, id, problem }),
        }
    }

    /// Visitors reach their own conversation. What a person submits right after following waits until the
    /// store has said whose the conversation is.
    fn append(
        &mut self,
        conversation: ConversationId,
        submission: Submission,
        effects: &mut VecDeque<Effect>,
    ) {
        self.turns.start(submission.id);
        let visitor = match &self.admission.role {
            Role::Visitor { visitor, .. } => Some(*visitor),
            Role::Person { .. } => self.find(conversation).and_then(|following| following.visitor),
        };
        match (visitor, self.find(conversation)) {
            (Some(visitor), _) => effects.push_back(Effect::Submit(conversation, visitor, submission)),
            (None, Some(following)) => following.held.push(submission),
            (None, None) => {
                self.answer(conversation, submission.id, Err(follow_first("submit.conversation")), effects)
            }
        }
    }

    fn check_submit(
        &mut self,
        now: Moment,
        conversation: ConversationId,
        after: Option<MessageId>,
    ) -> Result<Turn, Problem> {
        if !self.reaches(conversation) {
            return Err(not_yours("submit.conversation"));
        }
        if self.is_shutting_down {
            return Err(Problem::new("unavailable", 503, "The server cannot do this at the moment")
                .with_detail("The server restarts; send it again on the next connection")
                .with_retry_after_ms(RETURN_AFTER_MS));
        }
        let turn = self.turns.of(after);
        if turn == Turn::Lost {
            return Err(out_of_turn());
        }
        if self.in_flight >= IN_FLIGHT_MAX {
            return Err(too_often("submissions without waiting for an answer", RETURN_AFTER_MS));
        }
        self.submissions.take(now).map_err(|wait_ms| too_often("messages", wait_ms))?;
        Ok(turn)
    }

    fn answer(
        &mut self,
        conversation: ConversationId,
        id: MessageId,
        result: Result<(u64, Timestamp), Problem>,
        effects: &mut VecDeque<Effect>,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let is_lost = result.as_ref().is_err_and(Problem::is_retryable);
        match result {
            Ok((sequence, at)) => send(effects, Acknowledged { conversation, id, sequence, at }),
            Err(problem) => send(effects, Refused { conversation, id, problem }),
        }
        if is_lost {
            for held in self.turns.lose(id) {
                self.answer(held.conversation, held.submission.id, Err(out_of_turn()), effects);
            }
        } else {
            for held in self.turns.settle(id) {
                self.append(held.conversation, held.submission, effects);
            }
        }
    }

    fn see(&mut self, seen: &Seen, effects: &mut VecDeque<Effect>) {
        let Some(following) = self.find(seen.conversation) else {
            return send(effects, follow_first("seen.conversation"));
        };
        following.see(seen.delivered, seen.read);
        self.settle_claim(seen.conversation, effects);
    }

    /// Moves the watermark, as far as the client has been sent what it says it has seen.
    fn settle_claim(&mut self, conversation: ConversationId, effects: &mut VecDeque<Effect>) {
        let participant = self.admission.role.participant();
        let is_visitor = self.admission.role.representative().is_none();
        let settled = self.find(conversation).and_then(Following::settle_claim);
        if let Some((delivered, read)) = settled {
            let watermark = Watermark { participant, is_visitor, delivered, read };
            effects.push_back(Effect::MoveWatermark(WatermarkMoved { conversation, watermark }));
        }
    }

    fn type_on(&mut self, now: Moment, typing: &Typing, effects: &mut VecDeque<Effect>) {
        let Some(following) = self.find(typing.conversation) else {
            return send(effects, follow_first("typing.conversation"));
        };
        let tells = if typing.is_typing { following.types(now) } else { following.stop_typing() };
        if tells {
            let notice = typing_notice(&self.admission.role, typing.conversation, typing.is_typing);
            effects.push_back(Effect::TellTyping(notice));
        }
    }

    fn take_watermark(&mut self, moved: WatermarkMoved, effects: &mut VecDeque<Effect>) {
        let is_mine = moved.watermark.participant == self.admission.role.participant();
        let Some(following) = self.find(moved.conversation) else { return };
        if is_mine {
            following.seen_elsewhere(moved.watermark.delivered, moved.watermark.read);
        }
        send(effects, moved);
    }

    fn take_presence(&mut self, mut presence: Presence, effects: &mut VecDeque<Effect>) {
        let Some(me) = self.admission.role.representative().map(|me| me.id) else { return };
        if self.find(presence.conversation).is_some() {
            presence.viewers.retain(|viewer| viewer.id != me);
            send(effects, presence);
        }
    }

    fn watch_inbox(&mut self, query: portico_protocol::api::InboxQuery, effects: &mut VecDeque<Effect>) {
        if self.admission.role.representative().is_none() {
            return send(effects, Problem::new("not-allowed", 403, "This participant may not do that"));
        }
        match InboxWatch::new(query) {
            Ok(inbox) => {
                let mut inbox = inbox.replacing(self.inbox.as_deref());
                effects.push_back(Effect::WatchInbox);
                effects.push_back(inbox.load());
                self.inbox = Some(Box::new(inbox));
            }
            Err(problem) => send(effects, problem),
        }
    }

    /// Visitors reach their conversation only. Persons reach those of their brand: which ones that are, the
    /// store knows, and answers `None` for others.
    fn reaches(&self, conversation: ConversationId) -> bool {
        match &self.admission.role {
            Role::Visitor { conversation: own, .. } => *own == conversation,
            Role::Person { .. } => true,
        }
    }

    fn hears_of(&mut self, conversation: ConversationId, from: ParticipantId) -> bool {
        from != self.admission.role.participant() && self.find(conversation).is_some()
    }

    fn find(&mut self, conversation: ConversationId) -> Option<&mut Following> {
        self.followed.iter_mut().find(|following| following.conversation == conversation)
    }
}

fn send(effects: &mut VecDeque<Effect>, frame: impl Into<ServerFrame>) {
    effects.push_back(Effect::Send(Outgoing::Frame(frame.into())));
}

fn send_entries(conversation: ConversationId, view: View, entries: &[Entry], effects: &mut VecDeque<Effect>) {
    if !entries.is_empty() {
        let entries = entries.iter().map(|entry| view.of(entry)).collect();
        send(effects, portico_protocol::frame::Entries { conversation, entries });
    }
}

fn typing_notice(role: &Role, conversation: ConversationId, is_typing: bool) -> TypingNotice {
    TypingNotice { conversation, representative: role.representative().cloned(), is_typing }
}

fn not_yours(field: &str) -> Problem {
    // The same whether it exists or not: ids of others must not be told apart.
    Problem::new("not-found", 404, "There is no such conversation of yours").with_field(field)
}

fn out_of_turn() -> Problem {
    Problem::new("out-of-turn", 409, "The message before it has to be stored first")
        .with_detail("Send both again, in their order")
        .with_retry_after_ms(RETURN_AFTER_MS)
}

fn follow_first(field: &str) -> Problem {
    Problem::new("not-followed", 409, "Follow the conversation first").with_field(field)
}

#[cfg(test)]
mod tests;
