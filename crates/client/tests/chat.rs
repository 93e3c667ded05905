//! One visitor's client against frames written by hand.
#![allow(clippy::unwrap_used, missing_docs)]

use portico_client::{Amended, Change, Client, Connectivity, Delivery, Effect, Event, Input, Now};
use portico_protocol::frame::{Acknowledged, Entries, Followed, Refused, WatermarkMoved, Welcome};
use portico_protocol::participant::Visitor;
use portico_protocol::{
    Author, ClientFrame, ConversationId, Entry, Message, MessageId, Moment, Owner, ParticipantId, Problem,
    Representative, RepresentativeType, ServerFrame, SessionId, Timestamp, Watermark, codec, entry,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// A client, its clock, and what it has asked to keep.
struct Bench {
    client: Client,
    now: u64,
    stored: Vec<(String, String)>,
    sent: Vec<ClientFrame>,
    connects: usize,
    events: Vec<Event>,
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(last: u8) -> T {
    format!("01890000-0000-7000-8000-0000000000{last:02x}").parse().unwrap()
}

fn visitor() -> Author {
    Author::Visitor(Visitor { id: id(1) })
}

fn bot() -> Author {
    let representative_type = RepresentativeType::Bot;
    Author::Representative(Representative { id: id(2), representative_type, display_name: "Lumi".into() })
}

const WALL: i64 = 1_795_000_000_000;

impl Bench {
    fn new(seed: u64) -> Self {
        let client = Client::new(visitor(), Box::new(ChaCha8Rng::seed_from_u64(seed)));
        let (stored, sent, events) = Default::default();
        let mut bench = Self { client, now: 1_000, stored, sent, connects: 0, events };
        let now = bench.now();
        bench.client.follow(now, conversation());
        bench
    }

    fn now(&self) -> Now {
        Now { moment: Moment::from_millis(self.now), wall: Timestamp::from_millis(WALL + self.now as i64) }
    }

    fn drain(&mut self) {
        while let Some(effect) = self.client.poll_effect() {
            match effect {
                Effect::Transmit(frame) => self.sent.push(frame),
                Effect::Connect => self.connects += 1,
                Effect::Save(save) => {
                    self.stored.retain(|(key, _)| *key != save.key);
                    self.stored.extend(save.value.map(|value| (save.key, value)));
                }
                Effect::Disconnect | Effect::Relay(_) => {}
            }
        }
        while let Some(event) = self.client.poll_event() {
            self.events.push(event);
        }
    }

    fn handle(&mut self, input: Input) {
        let now = self.now();
        self.client.handle(now, input);
        self.drain();
    }

    fn frame(&mut self, frame: impl Into<ServerFrame>) {
        let frame: ServerFrame = frame.into();
        self.handle(Input::Frame { text: codec::encode(&frame), frame });
    }

    fn wait(&mut self, millis: u64) {
        self.now += millis;
        self.handle(Input::Tick);
    }

    fn open(&mut self, head: u64) {
        let now = self.now();
        self.client.start(now);
        self.handle(Input::Opened { ticket: "ticket".into() });
        let session: SessionId = id(9);
        self.frame(Welcome { version: 1, session, participant: id(1), now: now.wall });
        self.followed(head, vec![]);
    }

    fn followed(&mut self, head: u64, watermarks: Vec<Watermark>) {
        let owner = Owner::Bot(entry::Bot {});
        self.frame(Followed { conversation: conversation(), head, owner, is_closed: false, watermarks });
    }

    fn entries(&mut self, entries: Vec<Entry>) {
        self.frame(Entries { conversation: conversation(), entries });
    }

    fn say(&mut self, text: &str) -> MessageId {
        let now = self.now();
        let said = self.client.say(now, conversation(), text).unwrap();
        self.drain();
        said
    }

    fn submitted(&self) -> Vec<(MessageId, Option<MessageId>)> {
        let submits = self.sent.iter().filter_map(|frame| match frame {
            ClientFrame::Submit(submit) => Some((submit.submission.id, submit.after)),
            _ => None,
        });
        submits.collect()
    }

    fn rows(&self) -> Vec<(MessageId, u64)> {
        let timeline = self.client.conversation(conversation()).unwrap().timeline();
        timeline.window(0..usize::MAX).map(|row| (row.id, row.sequence)).collect()
    }

    fn delivery(&self, message: MessageId) -> Delivery {
        let held = self.client.conversation(conversation()).unwrap().timeline();
        let row = held.row(held.position_of(message).unwrap()).unwrap();
        self.client.delivery(conversation(), row)
    }
}

fn conversation() -> ConversationId {
    id(7)
}

fn said(sequence: u64, message: MessageId, author: Author, text: &str) -> Entry {
    let at = Timestamp::from_millis(WALL + sequence as i64);
    Entry { sequence, id: message, at, author, body: Message::text(text).into() }
}

fn acknowledged(sequence: u64, id: MessageId) -> Acknowledged {
    Acknowledged { conversation: conversation(), id, sequence, at: Timestamp::from_millis(WALL) }
}

#[test]
fn an_own_message_goes_from_waiting_to_read_in_one_row() {
    let mut bench = Bench::new(1);
    let hello = bench.say("Hello");
    assert_eq!(bench.rows(), [(hello, 0)]);
    assert_eq!(bench.delivery(hello), Delivery::Waiting);
    assert_eq!(bench.stored.len(), 1, "what was said offline is kept");

    bench.open(0);
    assert_eq!(bench.submitted(), [(hello, None)]);
    assert_eq!(bench.delivery(hello), Delivery::Sending);
    bench.frame(acknowledged(1, hello));
    assert_eq!(bench.delivery(hello), Delivery::Sent);
    assert!(bench.stored.is_empty(), "what is durable there need not be kept here");

    bench.entries(vec![said(1, hello, visitor(), "Hello")]);
    assert_eq!(bench.rows(), [(hello, 1)]);
    let updated = Event::Timeline { conversation: conversation(), change: Change::Updated { position: 0 } };
    assert!(bench.events.contains(&updated), "the echo becomes the entry where it stands");
    let (delivered, read) = (1, 0);
    let mut watermark = Watermark { participant: id(2), is_visitor: false, delivered, read };
    bench.frame(WatermarkMoved { conversation: conversation(), watermark });
    assert_eq!(bench.delivery(hello), Delivery::Delivered);
    watermark.read = 1;
    bench.frame(WatermarkMoved { conversation: conversation(), watermark });
    assert_eq!(bench.delivery(hello), Delivery::Read);
    watermark.read = 0;
    bench.frame(WatermarkMoved { conversation: conversation(), watermark });
    assert_eq!(bench.delivery(hello), Delivery::Read, "ticks never step back");
}

#[test]
fn a_message_typed_offline_survives_a_reload_and_is_sent_once_with_its_id() {
    let mut bench = Bench::new(2);
    let first = bench.say("one");
    // The calendar goes back an hour between two messages: their order must not.
    bench.now = 500;
    let second = bench.say("two");

    let mut reloaded = Bench::new(3);
    for (key, value) in bench.stored.iter().rev() {
        assert!(reloaded.client.restore(key, value));
    }
    reloaded.drain();
    assert_eq!(reloaded.rows(), [(first, 0), (second, 0)]);
    reloaded.open(0);
    assert_eq!(reloaded.submitted(), [(first, None), (second, Some(first))]);
    // It had been stored before the reload: its entry is far back in the log.
    reloaded.followed(90, vec![]);
    reloaded.entries((41..=90).map(|n| said(n, id(u8::try_from(n).unwrap()), bot(), "…")).collect());
    reloaded.frame(acknowledged(3, first));
    assert_eq!(reloaded.rows().last(), Some(&(second, 0)));
    assert!(!reloaded.rows().iter().any(|(row, _)| *row == first), "no echo stays for what is in the log");
    let third = reloaded.say("three");
    assert!(third > second, "new ids come after restored ones");
}

#[test]
fn what_another_participant_kept_is_left_alone() {
    let mut bench = Bench::new(4);
    bench.say("secret");
    let other = Author::Visitor(Visitor { id: id::<ParticipantId>(3) });
    let mut client = Client::new(other, Box::new(ChaCha8Rng::seed_from_u64(1)));
    assert!(!bench.stored.iter().any(|(key, value)| client.restore(key, value)));
}

#[test]
fn a_refusal_for_now_holds_back_what_comes_after_and_keeps_the_order() {
    let mut bench = Bench::new(5);
    bench.open(0);
    let ids: Vec<_> = ["a", "b", "c"].iter().map(|text| bench.say(text)).collect();
    assert_eq!(bench.submitted(), [(ids[0], None), (ids[1], Some(ids[0])), (ids[2], Some(ids[1]))]);
    let problem = Problem::new("rate-limited", 429, "Too fast").with_retry_after_ms(2_000);
    for id in &ids {
        bench.frame(Refused { conversation: conversation(), id: *id, problem: problem.clone() });
    }
    bench.sent.clear();
    bench.wait(1_000);
    assert_eq!(bench.submitted(), [], "not before the server said");
    bench.wait(1_500);
    assert_eq!(bench.submitted(), [(ids[0], None)], "one probes whether the server is ready again");
    bench.frame(acknowledged(1, ids[0]));
    bench.wait(500);
    assert_eq!(bench.submitted()[1..], [(ids[1], None), (ids[2], Some(ids[1]))]);
}

#[test]
fn a_refusal_for_good_stays_on_its_message_until_it_is_said_anew_or_discarded() {
    let mut bench = Bench::new(6);
    bench.open(0);
    let refused = bench.say("nope");
    let problem = Problem::new("not-allowed", 403, "No");
    bench.frame(Refused { conversation: conversation(), id: refused, problem: problem.clone() });
    assert_eq!(bench.delivery(refused), Delivery::Failed(problem.clone()));
    let now = bench.now();
    let again = bench.client.retry(now, refused).unwrap();
    bench.drain();
    assert_eq!(bench.rows(), [(again, 0)]);
    bench.frame(Refused { conversation: conversation(), id: again, problem });
    bench.client.discard(now, again);
    bench.drain();
    assert_eq!(bench.rows(), []);
    assert!(bench.stored.is_empty());
}

#[test]
fn a_lost_connection_is_opened_anew_later_and_later_and_resumes_after_what_is_held() {
    let mut bench = Bench::new(7);
    bench.open(2);
    bench.entries(vec![said(1, id(11), bot(), "Hi"), said(2, id(12), bot(), "there")]);
    let mut waits = Vec::new();
    for _ in 0..10 {
        bench.handle(Input::Closed);
        let Connectivity::Offline { retry_at: Some(until) } = bench.client.connectivity() else {
            panic!("{:?}", bench.client.connectivity());
        };
        waits.push(until.as_millis() - bench.now);
        bench.wait(until.as_millis() - bench.now);
        assert_eq!(bench.client.connectivity(), Connectivity::Connecting);
    }
    assert!(waits[0] <= 500 && waits[9] >= 15_000 && waits.iter().all(|wait| *wait <= 30_000), "{waits:?}");
    bench.sent.clear();
    bench.open(2);
    let follows =
        bench.sent.iter().filter(|frame| matches!(frame, ClientFrame::Follow(follow) if follow.after == 2));
    assert_eq!(follows.count(), 1);
}

#[test]
fn silence_is_probed_and_a_dead_connection_given_up() {
    let mut bench = Bench::new(8);
    bench.open(0);
    bench.sent.clear();
    bench.wait(24_999);
    assert_eq!(bench.sent, []);
    bench.wait(1);
    assert!(matches!(bench.sent[..], [ClientFrame::Ping(_)]), "{:?}", bench.sent);
    bench.wait(10_000);
    assert!(matches!(bench.client.connectivity(), Connectivity::Offline { .. }));
}

#[test]
fn a_gap_is_mended_by_following_anew_and_never_shown() {
    let mut bench = Bench::new(9);
    bench.open(1);
    bench.entries(vec![said(1, id(11), bot(), "Hi")]);
    bench.sent.clear();
    bench.entries(vec![said(3, id(13), bot(), "later")]);
    assert_eq!(bench.rows(), [(id(11), 1)]);
    assert!(matches!(&bench.sent[..], [ClientFrame::Follow(follow)] if follow.after == 1));
    // What the old question still brings is not the answer to the new one.
    bench.entries(vec![said(4, id(14), bot(), "latest")]);
    bench.followed(4, vec![]);
    bench.entries(vec![
        said(2, id(12), bot(), "a"),
        said(3, id(13), bot(), "later"),
        said(4, id(14), bot(), "latest"),
    ]);
    assert_eq!(bench.rows().iter().map(|(_, sequence)| *sequence).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn edits_and_redactions_change_rows_also_when_the_row_is_loaded_later() {
    let mut bench = Bench::new(10);
    bench.open(4);
    let edit = |sequence, text: &str| {
        let body = entry::Edit { target: id(12), message: Message::text(text) };
        Entry {
            sequence,
            id: id(30 + sequence as u8),
            at: Timestamp::default(),
            author: bot(),
            body: body.into(),
        }
    };
    let redaction = entry::Redaction { target: id(11) };
    let redacted =
        Entry { sequence: 4, id: id(40), at: Timestamp::default(), author: bot(), body: redaction.into() };
    bench.entries(vec![edit(3, "second"), redacted]);
    assert_eq!(bench.rows(), []);
    let now = bench.now();
    bench.client.load_older(now, conversation());
    bench.drain();
    let older = vec![said(1, id(11), bot(), "secret"), said(2, id(12), bot(), "first")];
    bench.frame(portico_protocol::frame::History { conversation: conversation(), entries: older });
    bench.entries(vec![edit(5, "third")]);
    let timeline = bench.client.conversation(conversation()).unwrap().timeline();
    let texts: Vec<_> = timeline.window(0..9).map(|row| row.text().to_owned()).collect();
    assert_eq!(texts, ["", "third"]);
    assert!(matches!(timeline.row(0).unwrap().amended, Amended::Redacted(_)));
    assert!(timeline.is_complete());
}

#[test]
fn unread_counts_the_other_side_until_it_was_on_screen_on_any_device() {
    let mut bench = Bench::new(11);
    bench.open(3);
    let own = bench.say("x");
    bench.entries(vec![
        said(1, own, visitor(), "x"),
        said(2, id(12), bot(), "a"),
        said(3, id(13), bot(), "b"),
    ]);
    let unread = |bench: &Bench| bench.client.conversation(conversation()).unwrap().unread();
    assert_eq!(unread(&bench), 2);
    bench.sent.clear();
    let now = bench.now();
    bench.client.read_up_to(now, conversation(), 2);
    bench.drain();
    assert_eq!(unread(&bench), 1);
    assert!(matches!(&bench.sent[..], [ClientFrame::Seen(seen)] if (seen.delivered, seen.read) == (3, 2)));
    let watermark = Watermark { participant: id(1), is_visitor: true, delivered: 3, read: 3 };
    bench.frame(WatermarkMoved { conversation: conversation(), watermark });
    assert_eq!(unread(&bench), 0, "read on the telephone");
}
