#![allow(clippy::unwrap_used)]

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
fn a_follower_gets_what_it_lacks_in_full_frames_and_then_each_growth() {
    let mut desk = Desk::visitor().following(20, 250);
    let effects = desk.effects();
    assert!(
        matches!(sent(effects[0].clone()), Some(ServerFrame::Followed(followed)) if followed.head == 250)
    );
    let Some(Effect::LoadAfter(_, 120)) = effects.last() else { panic!("the rest is loaded: {effects:?}") };
    desk.hear(Input::Grew(growth([entry(251)])));
    desk.hear(Input::Loaded(conversation(), Ok((121..=220).map(entry).collect())));
    let effects = desk.effects();
    assert!(matches!(effects[..], [Effect::Send(_), Effect::LoadAfter(_, 220)]));
    desk.hear(Input::Loaded(conversation(), Ok((221..=251).map(entry).collect())));
    assert_eq!(sequences(&desk.frames()), (221..=251).collect::<Vec<_>>());
    desk.hear(Input::Grew(growth([entry(252), entry(253)])));
    assert_eq!(sequences(&desk.frames()), [252, 253]);
}

#[test]
fn doubled_and_overlapping_notices_add_nothing_twice_and_a_gap_is_loaded() {
    let mut desk = Desk::visitor().following(0, 3);
    assert_eq!(sequences(&desk.frames()), [1, 2, 3]);
    desk.hear(Input::Grew(growth([entry(3)])));
    assert_eq!(desk.frames(), []);
    desk.hear(Input::Grew(growth([entry(3), entry(4)])));
    assert_eq!(sequences(&desk.frames()), [4]);
    desk.hear(Input::Grew(growth([entry(6)])));
    assert!(matches!(desk.effects()[..], [Effect::LoadAfter(_, 4)]));
}

#[test]
fn a_store_that_is_away_is_asked_again_until_it_is_back() {
    let mut desk = Desk::visitor();
    desk.say(Follow { conversation: conversation(), after: 5 });
    desk.effects();
    let away = || Problem::new("unavailable", 503, "away").with_retry_after_ms(1);
    desk.hear(Input::Opened(conversation(), Err(away())));
    desk.wait(1_000);
    assert!(matches!(desk.effects()[..], [Effect::Follow(_, 5)]));
    desk.open(5, 6);
    assert_eq!(sequences(&desk.frames()), [6]);
    desk.hear(Input::Grew(growth([entry(8)])));
    desk.effects();
    desk.hear(Input::Loaded(conversation(), Err(away())));
    assert!(desk.effects().is_empty());
    desk.wait(1_000);
    assert!(matches!(desk.effects()[..], [Effect::LoadAfter(_, 6)]));
}

#[test]
fn a_visitor_reaches_one_conversation_and_a_person_those_that_the_store_says() {
    let other = ConversationId::from_bytes([8; 16]);
    let mut desk = Desk::visitor();
    desk.say(Follow { conversation: other, after: 0 });
    assert_eq!(problem_code(&desk.frames()[0]), "not-found");
    let submission = Submission { id: message_id(1), body: SubmissionBody::Message(Message::text("hi")) };
    desk.say(Submit { conversation: other, after: None, submission });
    assert_eq!(problem_code(&desk.frames()[0]), "not-found");

    let mut desk = Desk::anna();
    desk.submit(1, None);
    assert_eq!(problem_code(&desk.frames()[0]), "not-followed");
    desk.say(Follow { conversation: conversation(), after: 0 });
    desk.submit(2, None);
    assert!(matches!(desk.effects()[..], [Effect::Follow(..)]), "held until the store has answered");
    desk.hear(Input::Opened(conversation(), Ok(None)));
    let frames: Vec<_> = desk.effects().into_iter().filter_map(sent).collect();
    assert_eq!(frames.iter().map(problem_code).collect::<Vec<_>>(), ["not-found", "not-found"]);
    desk.say(Follow { conversation: conversation(), after: 0 });
    desk.submit(3, None);
    desk.effects();
    desk.open(0, 1);
    let submits = |effect: &Effect| matches!(effect, Effect::Submit(_, whose, _) if *whose == visitor());
    assert!(desk.effects().iter().any(submits));
}

#[test]
fn a_visitor_never_sees_notes_however_they_come() {
    let note = |sequence| Entry { body: EntryBody::Note(Note { text: "secret".into() }), ..entry(sequence) };
    for (mut desk, sees) in [(Desk::visitor(), false), (Desk::anna(), true)] {
        desk.say(Follow { conversation: conversation(), after: 0 });
        desk.effects();
        let opening = Opening { state: state(1), watermarks: Vec::new(), entries: vec![note(1)] };
        desk.hear(Input::Opened(conversation(), Ok(Some(opening))));
        desk.hear(Input::Grew(growth([note(2)])));
        desk.hear(Input::Grew(growth([note(2), note(3)])));
        desk.hear(Input::Grew(growth([note(5)])));
        desk.hear(Input::Loaded(conversation(), Ok(vec![note(4), note(5)])));
        desk.say(LoadHistory { conversation: conversation(), before: 2, limit: 10 });
        desk.hear(Input::HistoryLoaded(conversation(), Ok(vec![note(1)])));
        let frames: Vec<_> = desk.effects().into_iter().filter_map(sent).collect();
        assert_eq!(sequences(&frames), [1, 2, 3, 4, 5]);
        let text: String = frames.iter().map(portico_protocol::codec::encode).collect();
        assert_eq!(text.contains("secret"), sees);
    }
}

#[test]
fn who_submits_too_often_is_told_when_to_try_again_and_nothing_overtakes() {
    let mut desk = Desk::visitor();
    for id in 0..20 {
        desk.submit(id, None);
        assert!(matches!(desk.effects()[..], [Effect::Submit(..)]));
        desk.hear(Input::Submitted(conversation(), message_id(id), Ok((id + 1, Timestamp::default()))));
        assert!(matches!(desk.frames()[..], [ServerFrame::Acknowledged(_)]));
    }
    desk.submit(20, None);
    let frames = desk.frames();
    let [ServerFrame::Refused(refused)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!((refused.problem.code(), refused.problem.retry_after_ms), ("rate-limited", Some(1_000)));
    desk.now = desk.now + 1_000;
    desk.submit(21, Some(20));
    assert_eq!(problem_code(&desk.frames()[0]), "out-of-turn", "there is room, but 20 comes first");
    desk.submit(20, None);
    assert!(matches!(desk.effects()[..], [Effect::Submit(..)]));
}

#[test]
fn a_refusal_for_now_by_the_store_holds_back_what_comes_behind() {
    let mut desk = Desk::visitor();
    desk.submit(1, None);
    desk.effects();
    let away = Problem::new("unavailable", 503, "away").with_retry_after_ms(1);
    desk.hear(Input::Submitted(conversation(), message_id(1), Err(away)));
    desk.submit(2, Some(1));
    desk.submit(3, Some(2));
    let codes: Vec<_> = desk.frames().iter().map(|frame| problem_code(frame).to_owned()).collect();
    assert_eq!(codes, ["unavailable", "out-of-turn", "out-of-turn"]);
}

#[test]
fn more_on_the_wire_than_allowed_is_refused() {
    let mut desk = Desk::visitor();
    for id in 0..IN_FLIGHT_MAX as u64 {
        desk.submit(id, None);
    }
    assert_eq!(desk.effects().len(), IN_FLIGHT_MAX);
    desk.submit(99, None);
    assert_eq!(problem_code(&desk.frames()[0]), "rate-limited");
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
fn watermarks_only_grow_and_never_pass_what_was_sent() {
    let mut desk = Desk::visitor().following(0, 5);
    desk.frames();
    let moved = |desk: &mut Desk, delivered, read| {
        desk.say(Seen { conversation: conversation(), delivered, read });
        match &desk.effects()[..] {
            [] => None,
            [Effect::MoveWatermark(moved)] => Some((moved.watermark.delivered, moved.watermark.read)),
            effects => panic!("{effects:?}"),
        }
    };
    assert_eq!(moved(&mut desk, 3, 2), Some((3, 2)));
    assert_eq!(moved(&mut desk, 2, 1), None);
    assert_eq!(moved(&mut desk, 99, 98), Some((5, 5)));
    assert_eq!(moved(&mut desk, u64::MAX, u64::MAX), None);
    desk.hear(Input::Grew(growth([entry(6)])));
    desk.frames();
    assert_eq!(moved(&mut desk, 0, 6), Some((6, 6)), "what was read was delivered");
}

#[test]
fn what_was_seen_before_the_log_is_open_counts_once_it_is() {
    let mut desk = Desk::visitor();
    desk.say(Follow { conversation: conversation(), after: 2 });
    desk.say(Seen { conversation: conversation(), delivered: 2, read: 2 });
    assert!(matches!(desk.effects()[..], [Effect::Follow(..)]));
    desk.open(2, 2);
    assert!(desk.effects().iter().any(|effect| matches!(
        effect,
        Effect::MoveWatermark(moved) if moved.watermark.read == 2
    )));
}

#[test]
fn typing_is_told_seldom_and_ends_by_message_by_lapse_and_with_the_connection() {
    let told = |desk: &mut Desk| -> Vec<bool> {
        let told = desk.effects().into_iter().filter_map(|effect| match effect {
            Effect::TellTyping(notice) => Some(notice.is_typing),
            _ => None,
        });
        told.collect()
    };
    let typing = |is_typing| Typing { conversation: conversation(), is_typing };
    let mut desk = Desk::visitor().following(0, 1);
    desk.frames();
    desk.say(typing(true));
    desk.say(typing(true));
    assert_eq!(told(&mut desk), [true]);
    desk.submit(1, None);
    assert_eq!(told(&mut desk), [false]);
    desk.say(typing(true));
    desk.wait(TYPING_FOR_MS);
    assert_eq!(told(&mut desk), [true, false]);
    desk.say(typing(false));
    assert!(told(&mut desk).is_empty());
    desk.say(typing(true));
    desk.hear(Input::Gone);
    assert_eq!(told(&mut desk), [true, false]);
}

#[test]
fn nobody_is_told_of_their_own_typing_or_their_own_presence() {
    let mut desk = Desk::anna().following(0, 1);
    desk.frames();
    let notice = |from| {
        Input::Typing(
            from,
            TypingNotice { conversation: conversation(), representative: None, is_typing: true },
        )
    };
    desk.hear(notice(anna().id));
    assert_eq!(desk.frames(), []);
    desk.hear(notice(visitor()));
    assert_eq!(desk.frames().len(), 1);
    let ben = Representative { id: ParticipantId::from_bytes([7; 16]), ..anna() };
    let viewers = vec![anna(), ben.clone()];
    desk.hear(Input::Presence(Presence { conversation: conversation(), viewers, visitor_is_online: true }));
    let expected = Presence { conversation: conversation(), viewers: vec![ben], visitor_is_online: true };
    assert_eq!(desk.frames(), [ServerFrame::Presence(expected)]);
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

fn summary(number: u8, owner: Owner) -> ConversationSummary {
    ConversationSummary {
        conversation: ConversationId::from_bytes([number; 16]),
        visitor_name: "Blue Heron".into(),
        is_identified: false,
        owner,
        status: ConversationStatus::Open,
        head: 1,
        unread: 1,
        preview: String::new(),
        preview_is_visitor: true,
        updated_at: Timestamp::default(),
        waiting_since: None,
        locale: "en".into(),
        page_url: None,
    }
}

#[test]
fn a_watched_inbox_gathers_changes_and_tells_what_came_and_what_left() {
    let mut desk = Desk::anna();
    let query = InboxQuery { view: InboxView::Unassigned, search: String::new(), with_closed: false };
    desk.say(query);
    assert!(matches!(desk.effects()[..], [Effect::WatchInbox, Effect::LoadInbox(_)]));
    desk.hear(Input::InboxLoaded(Ok(vec![summary(1, Owner::Queue(Queue {}))])));
    assert!(matches!(&desk.frames()[..], [ServerFrame::Inbox(inbox)] if inbox.is_snapshot));
    for number in [1, 2, 1, 4] {
        desk.hear(Input::InboxChanged(ConversationId::from_bytes([number; 16])));
    }
    assert!(desk.effects().is_empty());
    desk.wait(150);
    let effects = desk.effects();
    let [Effect::LoadSummaries(asked)] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(asked.len(), 3);
    let lines = vec![summary(1, Owner::Bot(Bot {})), summary(2, Owner::Queue(Queue {}))];
    desk.hear(Input::SummariesLoaded(Ok(lines)));
    let frames = desk.frames();
    let [ServerFrame::Inbox(inbox)] = &frames[..] else { panic!("{frames:?}") };
    assert_eq!(inbox.changed.iter().map(|line| line.conversation.as_bytes()[0]).collect::<Vec<_>>(), [2]);
    assert_eq!(inbox.removed.iter().map(|id| id.as_bytes()[0]).collect::<Vec<_>>(), [1, 4]);
}

#[test]
fn a_search_or_a_storm_of_changes_loads_the_page_anew() {
    for (search, changes) in [("lamp", 1), ("", 60)] {
        let mut desk = Desk::anna();
        desk.say(InboxQuery { view: InboxView::All, search: search.into(), with_closed: true });
        desk.effects();
        desk.hear(Input::InboxLoaded(Ok(Vec::new())));
        desk.frames();
        for number in 0..changes {
            desk.hear(Input::InboxChanged(ConversationId::from_bytes([number; 16])));
        }
        desk.wait(150);
        assert!(matches!(desk.effects()[..], [Effect::LoadInbox(_)]));
    }
    let mut desk = Desk::visitor();
    desk.say(InboxQuery { view: InboxView::All, search: String::new(), with_closed: true });
    assert_eq!(problem_code(&desk.frames()[0]), "not-allowed");
}

proptest! {
    /// Whatever notices are lost, doubled, late or swapped, and whenever the client is congested, starts over
    /// or the store is away: each follower is sent every entry once and in order.
    #[test]
    fn a_follower_is_sent_the_log_and_nothing_else(
        commits in prop::collection::vec(1_u64..4, 1..30),
        fates in prop::collection::vec(0_u8..10, 30),
        congestions in prop::collection::vec(any::<bool>(), 30),
        holds in 0_u64..5,
    ) {
        let mut desk = Desk::visitor();
        let mut head = holds;
        desk.say(Follow { conversation: conversation(), after: holds });
        let mut received: Vec<u64> = Vec::new();
        let mut late = Vec::new();
        for (index, commit) in commits.iter().enumerate() {
            let notice = growth((head + 1..=head + commit).map(entry));
            head += commit;
            match fates[index] {
                0 | 1 => {}
                2 | 3 => late.push(notice),
                4 => { desk.hear(Input::Grew(Arc::clone(&notice))); desk.hear(Input::Grew(notice)) }
                _ => desk.hear(Input::Grew(notice)),
            }
            if fates[index] == 5 {
                late.drain(..).rev().for_each(|notice| desk.hear(Input::Grew(notice)));
            }
            desk.hear(Input::Congested(congestions[index]));
            carry_out(&mut desk, head, fates[index] == 6, &mut received);
            desk.wait(300);
        }
        // The network heals, and one last notice arrives.
        desk.hear(Input::Congested(false));
        head += 1;
        desk.hear(Input::Grew(growth([entry(head)])));
        for _ in 0..5 {
            carry_out(&mut desk, head, false, &mut received);
            desk.wait(1_000);
        }
        let first = if holds == 0 { received[0] } else { holds + 1 };
        prop_assert_eq!(received, (first..=head).collect::<Vec<_>>());
    }
}

/// Plays driver and store, whose log has the entries up to `head`.
fn carry_out(desk: &mut Desk, head: u64, store_is_away: bool, received: &mut Vec<u64>) {
    while let Some(effect) = desk.session.poll_effect() {
        let away = || Problem::new("unavailable", 503, "away").with_retry_after_ms(1);
        match effect {
            Effect::Follow(..) if store_is_away => desk.hear(Input::Opened(conversation(), Err(away()))),
            Effect::Follow(_, after) => desk.open(after, head),
            Effect::LoadAfter(..) if store_is_away => desk.hear(Input::Loaded(conversation(), Err(away()))),
            Effect::LoadAfter(_, after) => {
                let loaded = (after + 1..=head).take(ENTRIES_PER_FRAME_MAX).map(entry).collect();
                desk.hear(Input::Loaded(conversation(), Ok(loaded)));
            }
            effect => received.extend(sequences(&sent(effect).into_iter().collect::<Vec<_>>())),
        }
    }
}
