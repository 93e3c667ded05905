//! What travels: its exact JSON, which is a promise, and what a peer of another age may send.
#![allow(clippy::unwrap_used, missing_docs)]

use portico_protocol::api::InboxQuery;
use portico_protocol::entry::{self, Bot, Edit, Note, Queue, Redaction, Slot, SuggestionResponse};
use portico_protocol::frame::*;
use portico_protocol::json::Wire;
use portico_protocol::limit::{FRAME_BYTES_MAX, SERVER_FRAME_BYTES_MAX, TEXT_CHARS_MAX};
use portico_protocol::message::{DialAction, LiveAgentRequest, OpenUrlAction};
use portico_protocol::participant::{Server, Visitor};
use portico_protocol::*;
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

fn conversation() -> ConversationId {
    "01890000-0000-7000-8000-000000000001".parse().unwrap()
}

fn message_id(last: u8) -> MessageId {
    MessageId::from_bytes([1, 0x89, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, last])
}

fn participant(last: u8) -> ParticipantId {
    ParticipantId::from_bytes(*message_id(last).as_bytes())
}

fn ada() -> Representative {
    let representative_type = RepresentativeType::Human;
    Representative { id: participant(2), representative_type, display_name: "Ada".into() }
}

fn rich_message() -> Message {
    let action = |text: &str, open_url_action, dial_action| {
        Suggestion::Action(Action {
            text: text.into(),
            postback_data: "p".into(),
            open_url_action,
            dial_action,
        })
    };
    Message {
        suggestions: vec![
            Suggestion::reply("Yes", "yes"),
            action("Open", Some(OpenUrlAction { url: "https://lumen.example/".into() }), None),
            action("Call", None, Some(DialAction { phone_number: "+33123456789".into() })),
            Suggestion::LiveAgentRequest(LiveAgentRequest {}),
        ],
        fallback: Some("plain".into()),
        ..Message::text("Bonjour \"you\"\n🦀")
    }
}

fn submissions() -> Vec<SubmissionBody> {
    let slot = Slot { name: "order".into(), value: "7".into(), source: Some(3) };
    vec![
        rich_message().into(),
        tapped().into(),
        RequestHuman { packet: vec![slot] }.into(),
        TakeOver {}.into(),
        HandBack {}.into(),
        Close {}.into(),
        Reopen {}.into(),
        Note { text: "among us".into() }.into(),
        Edit { target: message_id(1), message: Message::text("better") }.into(),
        Redaction { target: message_id(1) }.into(),
    ]
}

fn tapped() -> SuggestionResponse {
    SuggestionResponse { message: message_id(1), text: "Yes".into(), postback_data: "yes".into() }
}

fn client_frames() -> Vec<ClientFrame> {
    let conversation = conversation();
    let search = String::from("lamp");
    let mut frames: Vec<ClientFrame> = vec![
        Hello { version: PROTOCOL_VERSION, ticket: "secret-ticket".into() }.into(),
        Follow { conversation, after: 9 }.into(),
        Unfollow { conversation }.into(),
        Seen { conversation, delivered: 3, read: 2 }.into(),
        Typing { conversation, is_typing: true }.into(),
        LoadHistory { conversation, before: 9, limit: 50 }.into(),
        InboxQuery { view: InboxView::Mine, search, with_closed: true }.into(),
        Ping { nonce: 7 }.into(),
    ];
    frames.extend(submissions().into_iter().enumerate().map(|(n, body)| {
        let after = (n > 0).then(|| message_id(9));
        Submit { conversation, after, submission: Submission { id: message_id(8), body } }.into()
    }));
    frames
}

fn entries() -> Vec<Entry> {
    let at = Timestamp::from_millis(1_795_392_000_000);
    let owner = |to| entry::Handover { to, packet: Vec::new() };
    let bodies: Vec<(Author, EntryBody)> = vec![
        (Author::Visitor(Visitor { id: participant(1) }), Message::text("Hi").into()),
        (Author::Representative(ada()), rich_message().into()),
        (Author::Visitor(Visitor { id: participant(1) }), tapped().into()),
        (Author::Server(Server {}), owner(Owner::Queue(Queue {})).into()),
        (Author::Server(Server {}), owner(Owner::Bot(Bot {})).into()),
        (Author::Representative(ada()), owner(Owner::Human(ada())).into()),
        (Author::Representative(ada()), entry::RepresentativeJoined {}.into()),
        (Author::Representative(ada()), entry::RepresentativeLeft {}.into()),
        (Author::Representative(ada()), entry::Closed {}.into()),
        (Author::Server(Server {}), entry::Reopened {}.into()),
        (Author::Representative(ada()), Note { text: "among us".into() }.into()),
        (Author::Representative(ada()), Edit { target: message_id(2), message: Message::text("new") }.into()),
        (Author::Representative(ada()), Redaction { target: message_id(2) }.into()),
        (Author::Server(Server {}), entry::Hidden {}.into()),
    ];
    let numbered = bodies.into_iter().zip(1..);
    numbered
        .map(|((author, body), sequence)| Entry {
            sequence,
            id: message_id(sequence as u8),
            at,
            author,
            body,
        })
        .collect()
}

fn server_frames() -> Vec<ServerFrame> {
    let conversation = conversation();
    let at = Timestamp::from_millis(1_795_392_000_000);
    let watermark = Watermark { participant: participant(1), is_visitor: true, delivered: 4, read: 3 };
    let owner = Owner::Human(ada());
    let session = SessionId::from_bytes(*message_id(5).as_bytes());
    let problem = Problem::too_long("message.content.text", 3072, 4000).with_retry_after_ms(5);
    let summary = ConversationSummary {
        conversation,
        visitor_name: "Amber Heron".into(),
        is_identified: false,
        owner: owner.clone(),
        status: ConversationStatus::Open,
        head: 4,
        unread: 1,
        preview: "Hi".into(),
        preview_is_visitor: true,
        updated_at: at,
        waiting_since: Some(at),
        locale: "ar".into(),
        page_url: Some("https://shop.example/".into()),
    };
    vec![
        Welcome { version: PROTOCOL_VERSION, session, participant: participant(1), now: at }.into(),
        Followed { conversation, head: 4, owner, is_closed: false, watermarks: vec![watermark] }.into(),
        ServerFrame::Entries(Entries { conversation, entries: entries() }),
        ServerFrame::History(History { conversation, entries: Vec::new() }),
        Acknowledged { conversation, id: message_id(8), sequence: 4, at }.into(),
        Refused { conversation, id: message_id(8), problem: problem.clone() }.into(),
        WatermarkMoved { conversation, watermark }.into(),
        TypingNotice { conversation, representative: Some(ada()), is_typing: true }.into(),
        TypingNotice { conversation, representative: None, is_typing: false }.into(),
        Presence { conversation, viewers: vec![ada()], visitor_is_online: true }.into(),
        Waiting { conversation, before: 2, estimate_ms: Some(90_000), is_staffed: true, opens_at: Some(at) }
            .into(),
        Inbox { is_snapshot: true, changed: vec![summary], removed: vec![conversation] }.into(),
        ServerFrame::Pong(Ping { nonce: 7 }),
        Goodbye { reason: GoodbyeReason::TooSlow, retry_after_ms: 1000 }.into(),
        problem.into(),
    ]
}

fn lines<T: Serialize>(values: &[T]) -> String {
    values.iter().map(|value| codec::encode(value) + "\n").collect()
}

#[test]
fn client_frames_are_written_as_promised() {
    insta::assert_snapshot!(lines(&client_frames()));
}

#[test]
fn server_frames_are_written_as_promised() {
    insta::assert_snapshot!(lines(&server_frames()));
}

/// Each value comes back from its JSON; a field from the future changes nothing; a second kind is refused.
fn check_union<T: Serialize + DeserializeOwned + Wire + PartialEq + std::fmt::Debug>(values: Vec<T>) {
    for value in values {
        let text = codec::encode(&value);
        assert_eq!(codec::decode_from_server::<T>(&text).unwrap(), value, "{text}");
        // The browser's reader and writer say the same.
        assert_eq!(json::to_string(&value), text);
        assert_eq!(json::from_str::<T>(&text).as_ref(), Ok(&value), "{text}");
        let Value::Object(union) = serde_json::from_str(&text).unwrap() else { panic!("{text}") };
        let (kind, payload) = union.iter().next().unwrap();
        if let Value::Object(payload) = payload {
            let mut newer = payload.clone();
            newer.insert("futureField".into(), serde_json::json!({ "deep": [1, null, "x"] }));
            let newer = serde_json::json!({ kind: newer }).to_string();
            let payload_is_union = codec::decode::<T>(&newer).is_err();
            assert!(!payload_is_union, "a field from the future breaks {kind}");
            assert_eq!(codec::decode::<T>(&newer).unwrap(), value, "{newer}");
        }
        let mut two = union.clone();
        two.insert("aSecondKind".into(), Value::Object(serde_json::Map::new()));
        assert!(codec::decode::<T>(&Value::Object(two).to_string()).is_err(), "two kinds at once: {kind}");
    }
    assert!(codec::decode::<T>("{}").is_err(), "no kind at all");
    assert!(codec::decode::<T>("[]").is_err() && codec::decode::<T>("null").is_err());
}

#[test]
fn unions_round_trip_tolerate_new_fields_and_refuse_two_kinds() {
    check_union(client_frames());
    check_union(server_frames());
    check_union(submissions());
    check_union(entries().into_iter().map(|entry| entry.body).collect());
    check_union(entries().into_iter().map(|entry| entry.author).collect());
}

#[test]
fn a_kind_from_the_future_is_known_to_be_unknown_wherever_it_stands() {
    let new = r#"{"hologram":{"x":1}}"#;
    assert_eq!(codec::decode::<ClientFrame>(new).unwrap(), ClientFrame::Unknown);
    assert_eq!(codec::decode::<ServerFrame>(new).unwrap(), ServerFrame::Unknown);
    assert_eq!(codec::decode::<Owner>(new).unwrap(), Owner::Unknown);
    let message = format!(r#"{{"content":{new},"suggestions":[{new}],"fallback":"words"}}"#);
    let message = codec::decode::<Message>(&message).unwrap();
    assert_eq!((message.content.clone(), message.plain_text()), (Content::Unknown, "words"));
    assert_eq!(message.suggestions, [Suggestion::Unknown]);
    assert_eq!(message.check().unwrap_err().code(), "invalid", "what is not understood is not stored");
}

#[test]
fn limits_count_code_points_and_name_what_they_found() {
    assert_eq!(Message::text("🦀".repeat(TEXT_CHARS_MAX)).check(), Ok(()));
    let problem = Message::text("é".repeat(TEXT_CHARS_MAX + 1)).check().unwrap_err();
    assert_eq!((problem.limit, problem.found), (Some(3072), Some(3073)));
    assert_eq!(problem.field.as_deref(), Some("message.content.text"));
    let largest = codec::encode(&Message::text("\u{1}".repeat(TEXT_CHARS_MAX)));
    assert!(largest.len() <= FRAME_BYTES_MAX, "the longest text, escaped, still fits into a frame");
}

#[test]
fn frames_past_their_limit_are_refused_before_they_are_read() {
    let padded = |length: usize| format!("{}{}", " ".repeat(length - 20), r#"{"ping":{"nonce":7}}"#);
    assert!(codec::decode::<ClientFrame>(&padded(FRAME_BYTES_MAX)).is_ok());
    let problem = Problem::from(codec::decode::<ClientFrame>(&padded(FRAME_BYTES_MAX + 1)).unwrap_err());
    assert_eq!((problem.status, problem.limit), (413, Some(FRAME_BYTES_MAX as u64)));
    assert!(codec::decode_from_server::<ClientFrame>(&padded(FRAME_BYTES_MAX + 1)).is_ok());
    assert!(codec::decode_from_server::<ClientFrame>(&padded(SERVER_FRAME_BYTES_MAX + 1)).is_err());
}

#[test]
fn a_malformed_frame_is_explained_without_repeating_it() {
    let secret = r#"{"hello":{"version":"my password","ticket":5}}"#;
    let problem = Problem::from(codec::decode::<ClientFrame>(secret).unwrap_err());
    assert_eq!((problem.code(), problem.status), ("malformed", 400));
    let told = codec::encode(&problem);
    assert!(told.contains("column") && !told.contains("password"), "{told}");
}

#[test]
fn words_secrets_and_addresses_stay_out_of_debug_output() {
    let shown = format!("{:?}{:?}", client_frames(), entries());
    for hidden in ["Bonjour", "among us", "better", "yes", "lumen.example", "+33", "secret-ticket", "lamp"] {
        assert!(!shown.contains(hidden), "{hidden:?} would reach a log: {shown}");
    }
}

#[test]
fn an_entry_for_the_visitor_keeps_its_place_and_loses_what_is_the_brands() {
    let all = entries();
    let seen: Vec<_> = all.iter().cloned().map(Entry::for_visitor).collect();
    assert!(all.iter().zip(&seen).all(|(all, seen)| all.sequence == seen.sequence && all.id == seen.id));
    let told = codec::encode(&seen);
    assert!(!told.contains("among us") && !told.contains("\"postbackData\":\"yes\",\"text\""), "{told}");
    let response = seen.iter().find_map(|entry| match &entry.body {
        EntryBody::SuggestionResponse(response) => Some(response),
        _ => None,
    });
    assert_eq!(response.unwrap().postback_data, "");
}

prop_compose! {
    fn any_submission()(id: [u8; 16], text in ".{0,80}", postback in ".{0,20}", pick in 0..4_u8) -> Submission {
        let id = MessageId::from_bytes(id);
        let body = match pick {
            0 => Message::text(text).into(),
            1 => SuggestionResponse { message: id, text, postback_data: postback }.into(),
            2 => Note { text }.into(),
            _ => Edit { target: id, message: Message { fallback: Some(postback), ..Message::text(text) } }.into(),
        };
        Submission { id, body }
    }
}

proptest! {
    #[test]
    fn whatever_people_write_survives_the_wire(submission in any_submission(), after: Option<[u8; 16]>) {
        let after = after.map(MessageId::from_bytes);
        let frame = ClientFrame::Submit(Submit { conversation: conversation(), after, submission });
        prop_assert_eq!(codec::decode::<ClientFrame>(&codec::encode(&frame)).unwrap(), frame);
    }

    #[test]
    fn no_text_makes_a_decoder_panic(text in r#"[\{\}\[\]":,a-z0-9\\u. -]{0,200}"#) {
        let _ = codec::decode::<ClientFrame>(&text);
        let _ = codec::decode::<ServerFrame>(&text);
    }

    #[test]
    fn a_cut_or_changed_frame_is_an_error_or_another_frame(pick in 0..15_usize, cut: u16, byte: u8) {
        let text = codec::encode(&server_frames()[pick]).into_bytes();
        let at = usize::from(cut) % text.len();
        prop_assert!(codec::decode::<ServerFrame>(&String::from_utf8_lossy(&text[..at])).is_err());
        let mut changed = text;
        changed[at] = byte;
        let _ = codec::decode::<ServerFrame>(&String::from_utf8_lossy(&changed));
    }
}
