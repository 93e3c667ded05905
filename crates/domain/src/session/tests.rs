#![allow(clippy::unwrap_used)]

mod follow;
mod inbox;
mod notice;
mod submit;

use portico_protocol::api::InboxQuery;
use portico_protocol::entry::{Bot, Note, Queue};
use portico_protocol::limit::{ENTRIES_PER_FRAME_MAX, TYPING_FOR_MS};
use portico_protocol::participant::Visitor;
use portico_protocol::{
    Author, ConversationStatus, EntryBody, InboxView, Message, Owner, RepresentativeType,
};
use proptest::prelude::*;

use super::*;
use portico_protocol::SubmissionBody;
use portico_protocol::frame::{Follow, LoadHistory, Ping, Seen, Submit, Typing};
use portico_protocol::limit::IN_FLIGHT_MAX;

const BRAND: &str = "lumen";
const NEVER: Timestamp = Timestamp::from_millis(i64::MAX);

fn brand() -> BrandId {
    BRAND.parse().unwrap()
}

fn conversation() -> ConversationId {
    ConversationId::from_bytes([3; 16])
}

fn visitor() -> ParticipantId {
    ParticipantId::from_bytes([2; 16])
}

fn anna() -> Representative {
    Representative {
        id: ParticipantId::from_bytes([9; 16]),
        representative_type: RepresentativeType::Human,
        display_name: "Anna".into(),
    }
}

fn message_id(number: u64) -> MessageId {
    MessageId::new(
        Timestamp::from_millis(1),
        [number.to_be_bytes().as_slice(), &[0, 0]].concat().try_into().unwrap(),
    )
}

fn entry(sequence: u64) -> Entry {
    Entry {
        sequence,
        id: message_id(sequence),
        at: Timestamp::from_millis(1),
        author: Author::Visitor(Visitor { id: visitor() }),
        body: EntryBody::Message(Message::text(format!("number {sequence}"))),
    }
}

fn state(head: u64) -> Conversation {
    Conversation { head, ..Conversation::new(brand(), visitor(), &Policy::default()) }
}

fn growth(entries: impl IntoIterator<Item = Entry>) -> Arc<Growth> {
    let entries: Arc<[Entry]> = entries.into_iter().collect();
    let head = entries.last().unwrap().sequence;
    Arc::new(Growth::new(conversation(), entries, state(head)))
}

/// A session with the clock that its test moves.
struct Desk {
    session: Session,
    now: Moment,
}

impl Desk {
    fn silent() -> Self {
        Self { session: Session::new(Rates::default(), Moment::default()), now: Moment::default() }
    }

    fn of(role: Role) -> Self {
        let mut desk = Self::silent();
        desk.say(Hello { version: PROTOCOL_VERSION, ticket: "ticket".into() });
        assert!(matches!(desk.effects()[..], [Effect::Admit(_)]));
        let admission = Admission {
            session: SessionId::from_bytes([1; 16]),
            role,
            expires_at: NEVER,
            policy: Arc::default(),
        };
        desk.hear(Input::Admitted(Ok(admission)));
        assert!(matches!(desk.frames()[..], [ServerFrame::Welcome(_)]));
        desk
    }

    fn visitor() -> Self {
        Self::of(Role::Visitor { brand: brand(), visitor: visitor(), conversation: conversation() })
    }

    fn anna() -> Self {
        Self::of(Role::Person { brand: brand(), representative: anna() })
    }

    /// Follows the conversation from `after`, which stands at `head` with the entries in between.
    fn following(mut self, after: u64, head: u64) -> Self {
        self.say(Follow { conversation: conversation(), after });
        let effects = self.effects();
        assert!(matches!(effects[..], [Effect::Follow(_, asked)] if asked == after));
        self.open(after, head);
        self
    }

    fn open(&mut self, after: u64, head: u64) {
        let entries = (after + 1..=head).take(ENTRIES_PER_FRAME_MAX).map(entry).collect();
        let opening = Opening { state: state(head), watermarks: Vec::new(), entries };
        self.hear(Input::Opened(conversation(), Ok(Some(opening))));
    }

    fn say(&mut self, frame: impl Into<ClientFrame>) {
        self.session.handle_frame(self.now, Timestamp::from_millis(1), frame.into());
    }

    fn hear(&mut self, input: Input) {
        self.session.handle(self.now, Timestamp::from_millis(1), input);
    }

    /// Lets time pass as a driver would: it wakes the session whenever it wants.
    fn wait(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(at) = self.session.wake_at().filter(|at| *at <= end) {
            assert!(at >= self.now || self.session.wake_at().is_some());
            self.now = self.now.max(at);
            self.session.wake(self.now);
            assert!(self.session.wake_at().is_none_or(|next| next > self.now), "would spin");
        }
        self.now = end;
    }

    fn effects(&mut self) -> Vec<Effect> {
        std::iter::from_fn(|| self.session.poll_effect()).collect()
    }

    /// What was sent; panics if anything else was asked for.
    fn frames(&mut self) -> Vec<ServerFrame> {
        self.effects().into_iter().map(|effect| sent(effect).expect("only frames")).collect()
    }

    fn submit(&mut self, id: u64, after: Option<u64>) {
        let body = SubmissionBody::Message(Message::text("hello"));
        let submission = Submission { id: message_id(id), body };
        self.say(Submit { conversation: conversation(), after: after.map(message_id), submission });
    }
}

fn sent(effect: Effect) -> Option<ServerFrame> {
    match effect {
        Effect::Send(Outgoing::Frame(frame)) => Some(frame),
        Effect::Send(Outgoing::Growth(growth, view)) => {
            Some(portico_protocol::codec::decode_from_server(growth.encoded(view)).unwrap())
        }
        _ => None,
    }
}

fn problem_code(frame: &ServerFrame) -> &str {
    match frame {
        ServerFrame::Problem(problem) => problem.code(),
        ServerFrame::Refused(refused) => refused.problem.code(),
        other => panic!("not a problem: {other:?}"),
    }
}

fn sequences(frames: &[ServerFrame]) -> Vec<u64> {
    let entries = frames.iter().filter_map(|frame| match frame {
        ServerFrame::Entries(entries) => Some(&entries.entries),
        _ => None,
    });
    entries.flatten().map(|entry| entry.sequence).collect()
}

#[test]
fn nothing_comes_before_hello_and_hello_comes_once() {
    let mut desk = Desk::silent();
    desk.say(Ping { nonce: 1 });
    let effects = desk.effects();
    assert!(matches!(effects[..], [Effect::Send(_), Effect::Close]));
    assert_eq!(problem_code(&sent(effects[0].clone()).unwrap()), "hello-first");

    let mut desk = Desk::visitor();
    desk.say(Hello { version: PROTOCOL_VERSION, ticket: "again".into() });
    assert_eq!(problem_code(&desk.frames()[0]), "hello-first");
    desk.say(Ping { nonce: 7 });
    assert_eq!(desk.frames(), [ServerFrame::Pong(Ping { nonce: 7 })], "the connection goes on");
}

#[test]
fn another_version_a_bad_ticket_and_silence_end_the_connection() {
    let mut desk = Desk::silent();
    desk.say(Hello { version: 2, ticket: "ticket".into() });
    assert_eq!(problem_code(&sent(desk.effects()[0].clone()).unwrap()), "unsupported-version");

    let mut desk = Desk::silent();
    desk.say(Hello { version: PROTOCOL_VERSION, ticket: "ticket".into() });
    desk.effects();
    desk.hear(Input::Admitted(Err(Problem::new("ticket-spent", 401, "This ticket was used before"))));
    let effects = desk.effects();
    assert!(matches!(effects[..], [Effect::Send(_), Effect::Close]));

    let mut desk = Desk::silent();
    desk.wait(HELLO_WITHIN_MS);
    assert!(
        matches!(sent(desk.effects()[0].clone()), Some(ServerFrame::Goodbye(goodbye)) if goodbye.reason == GoodbyeReason::Silent)
    );
    let mut desk = Desk::visitor();
    desk.wait(SILENCE_MS_MAX - 1);
    assert!(desk.effects().is_empty());
    desk.say(Ping { nonce: 1 });
    desk.frames();
    desk.wait(SILENCE_MS_MAX - 1);
    assert!(desk.effects().is_empty(), "a ping starts the count anew");
    desk.wait(1);
    assert!(matches!(desk.effects()[..], [Effect::Send(_), Effect::Close]));
}

#[test]
fn what_is_not_understood_is_named_and_too_much_of_it_ends_the_connection() {
    let mut desk = Desk::visitor();
    desk.say(ClientFrame::Unknown);
    assert_eq!(problem_code(&desk.frames()[0]), "unknown-frame");
    for _ in 1..MALFORMED_FRAMES_MAX {
        desk.hear(Input::Malformed(Problem::invalid("frame", "no")));
        assert_eq!(desk.frames().len(), 1);
    }
    desk.hear(Input::Malformed(Problem::invalid("frame", "no")));
    assert!(matches!(desk.effects()[..], [Effect::Send(_), Effect::Close]));
}

#[test]
fn frames_beyond_the_rate_wait_unread_and_none_is_lost() {
    let mut desk = Desk::visitor();
    let burst = 20 * rate::FRAMES_PER_SUBMISSION;
    for nonce in 0..=burst {
        assert!(desk.session.may_read());
        desk.say(Ping { nonce });
    }
    assert!(!desk.session.may_read());
    assert_eq!(desk.frames().len() as u32, burst + 1);
    desk.wait(100);
    assert!(desk.session.may_read());
}

#[test]
fn a_congested_client_is_not_read_not_loaded_for_and_goes_if_it_takes_nothing() {
    let mut desk = Desk::visitor().following(0, 1);
    desk.frames();
    desk.hear(Input::Congested(true));
    assert!(!desk.session.may_read());
    desk.hear(Input::Grew(growth([entry(2)])));
    desk.hear(Input::Grew(growth([entry(3)])));
    assert!(desk.effects().is_empty());
    desk.wait(CONGESTED_FOR_MS_MAX - 1);
    desk.hear(Input::Congested(true));
    desk.wait(CONGESTED_FOR_MS_MAX - 1);
    assert!(desk.effects().is_empty(), "it takes something now and then");
    desk.hear(Input::Congested(false));
    assert!(desk.session.may_read());
    assert!(matches!(desk.effects()[..], [Effect::LoadAfter(_, 1)]));
    desk.hear(Input::Congested(true));
    desk.wait(CONGESTED_FOR_MS_MAX);
    let frames: Vec<_> = desk.effects().into_iter().filter_map(sent).collect();
    assert!(
        matches!(&frames[..], [ServerFrame::Goodbye(goodbye)] if goodbye.reason == GoodbyeReason::TooSlow)
    );
}

#[test]
fn a_server_that_stops_answers_what_it_took_and_takes_nothing_more() {
    let mut desk = Desk::visitor();
    desk.submit(1, None);
    desk.effects();
    desk.hear(Input::ShuttingDown);
    desk.submit(2, None);
    let frames = desk.frames();
    assert!(matches!(&frames[..], [ServerFrame::Refused(refused)] if refused.problem.is_retryable()));
    desk.hear(Input::Submitted(conversation(), message_id(1), Ok((1, Timestamp::default()))));
    let effects = desk.effects();
    assert!(matches!(effects.last(), Some(Effect::Close)));
    let frames: Vec<_> = effects.into_iter().filter_map(sent).collect();
    assert!(matches!(&frames[..], [ServerFrame::Acknowledged(_), ServerFrame::Goodbye(_)]));
}

#[test]
fn an_expired_or_revoked_session_ends_at_once() {
    let mut desk = Desk::visitor();
    desk.session.handle_frame(desk.now, NEVER, ClientFrame::Ping(Ping { nonce: 1 }));
    assert!(matches!(desk.effects()[..], [Effect::Send(_), Effect::Close]));
    let mut desk = Desk::visitor();
    desk.hear(Input::SessionEnded);
    let frames: Vec<_> = desk.effects().into_iter().filter_map(sent).collect();
    assert!(
        matches!(&frames[..], [ServerFrame::Goodbye(goodbye)] if goodbye.reason == GoodbyeReason::SessionEnded)
    );
}
