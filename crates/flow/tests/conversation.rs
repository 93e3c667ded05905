//! Whole conversations with a small flow, and every kind of mistake in a file.
#![allow(clippy::unwrap_used, missing_docs)]

use portico_flow::{Answer, Flow, Heard, Staffing, State, Turn};
use portico_protocol::participant::Visitor;
use portico_protocol::{Author, Entry, EntryBody, Message, MessageId, ParticipantId, Suggestion, Timestamp};

const FLOW: &str = include_str!("flow.toml");

struct Talk {
    flow: Flow,
    state: State,
    turn: Turn,
    log: Vec<Entry>,
}

impl Talk {
    fn new(locale: &str) -> Self {
        let turn = Turn { locale: locale.into(), now: monday_at_ten(), staffing: Staffing::default() };
        Self { flow: Flow::parse(FLOW).unwrap(), state: State::default(), turn, log: Vec::new() }
    }

    fn write(&mut self, text: &str) -> Answer {
        self.log.push(Entry {
            sequence: self.log.len() as u64 + 1,
            id: MessageId::new(Timestamp::default(), [7; 10]),
            at: self.turn.now,
            author: Author::Visitor(Visitor { id: ParticipantId::new(Timestamp::default(), [1; 10]) }),
            body: EntryBody::Message(Message::text(text)),
        });
        self.flow.hear(&mut self.state, &Heard::Text(text), self.log.len() as u64, &self.turn)
    }

    fn tap(&mut self, postback_data: &str) -> Answer {
        self.flow.hear(&mut self.state, &Heard::Tapped { postback_data, text: "" }, 1, &self.turn)
    }
}

fn monday_at_ten() -> Timestamp {
    Timestamp::from_millis(1_795_424_400_000) // 2026-11-23T09:00:00Z, ten o'clock in Oslo
}

fn words(answer: &Answer) -> Vec<&str> {
    answer.messages.iter().map(Message::plain_text).collect()
}

fn offers_person(answer: &Answer) -> bool {
    let suggestions = answer.messages.iter().flat_map(|message| &message.suggestions);
    suggestions.into_iter().any(|suggestion| matches!(suggestion, Suggestion::LiveAgentRequest(_)))
}

#[test]
fn the_greeting_comes_in_the_nearest_language() {
    let flow = Flow::parse(FLOW).unwrap();
    assert_eq!(flow.greeting("de-AT")[0].plain_text(), "Guten Tag, ich bin Ada, ein Bot.");
    assert_eq!(flow.greeting("fr")[0].plain_text(), "Hello, I am Ada, a bot.");
    assert_eq!(flow.greeting("en").last().unwrap().suggestions.len(), 3);
}

#[test]
fn a_rule_answers_in_the_language_it_was_recognised_in() {
    let mut talk = Talk::new("en");
    assert_eq!(words(&talk.write("how long does delivry take?")), ["Two days."]);
    assert_eq!(words(&talk.write("und die Lieferzeit?")), ["Zwei Tage."]);
}

#[test]
fn questions_are_asked_once_checked_and_their_answers_used() {
    let mut talk = Talk::new("en");
    assert_eq!(words(&talk.write("where is my order")), ["What is the order number?"]);
    assert_eq!(words(&talk.write("dunno")), ["Six digits, please."]);
    assert_eq!(words(&talk.write("123 456")), ["Order 123456 is on its way."]);
    assert_eq!(
        words(&talk.write("where is my order")),
        ["Order 123456 is on its way."],
        "it was said before"
    );
}

#[test]
fn choices_are_tapped_or_written_and_lead_to_their_case() {
    let mut talk = Talk::new("en");
    let asked = talk.tap("rule:lamp");
    assert_eq!(asked.messages[0].suggestions.len(), 2);
    assert_eq!(words(&talk.tap("choice:bed")), ["The small one."]);
    let mut other = Talk::new("en");
    other.tap("rule:lamp");
    assert_eq!(words(&other.write("for the kitchen I think")), ["Any of them."]);
    let mut forged = Talk::new("en");
    forged.tap("rule:lamp");
    assert_eq!(
        words(&forged.tap("choice:roof")),
        ["Bedroom or kitchen?"],
        "an option that was never offered"
    );
}

#[test]
fn another_question_in_the_middle_is_answered_and_cancel_ends_the_asking() {
    let mut talk = Talk::new("en");
    talk.write("where is my order");
    assert_eq!(words(&talk.write("how long is delivery?")), ["Two days."]);
    talk.write("where is my order");
    assert_eq!(words(&talk.write("cancel")), ["Never mind then."]);
    assert_eq!(words(&talk.write("123456")), ["Sorry?"], "nobody asked any more");
}

#[test]
fn two_misses_in_a_row_offer_a_person() {
    let mut talk = Talk::new("en");
    assert_eq!(words(&talk.write("xyzzy")), ["Sorry?"]);
    assert_eq!(words(&talk.write("delivery")), ["Two days."], "a hit in between starts the count anew");
    assert_eq!(words(&talk.write("plugh")), ["Sorry?"]);
    let second = talk.write("frotz");
    assert_eq!(words(&second), ["Shall I get a person?"]);
    assert!(offers_person(&second));
    assert_eq!(second.handover, None, "offering is not doing");
}

#[test]
fn a_person_is_called_with_what_is_known_and_an_honest_wait() {
    let mut talk = Talk::new("en");
    talk.write("where is my order");
    talk.write("654321");
    talk.turn.staffing = Staffing { is_staffed: true, estimate_ms: Some(61_000) };
    let answer = talk.write("let me talk to a person");
    assert_eq!(words(&answer), ["One moment, about 2 min."]);
    let packet = answer.handover.unwrap();
    assert_eq!((packet[0].name.as_str(), packet[0].value.as_str()), ("order", "654321"));

    talk.turn.staffing = Staffing::default();
    talk.turn.now = monday_at_ten().plus_millis(4 * 24 * 3_600_000 + 9 * 3_600_000);
    assert_eq!(words(&talk.write("a person please")), ["We are back on Monday, 09:00."], "Friday evening");
}

#[test]
fn a_replayed_log_leads_to_the_same_state() {
    let mut talk = Talk::new("en");
    for text in ["where is my order", "nope", "how long", "where is my order", "111222", "frotz"] {
        talk.write(text);
    }
    assert_eq!(talk.flow.replay(&talk.log), talk.state);
}

#[test]
fn mistakes_are_told_with_line_and_reason() {
    let broken = FLOW
        .replace(
            r#"suggest = ["delivery", "order", "person"]"#,
            r#"suggest = ["delivry", "order", "person"]"#,
        )
        .replace("kind = \"digits\"", "kind = \"digit\"")
        .replace("Europe/Oslo", "Europe/Olso")
        .replace("09:00-17:00", "17:00-09:00")
        .replace("say.de = \"Zwei Tage.\"\n", "")
        .replace("url = \"https://ada.example/lamps\"", "url = \"javascript:alert(1)\"");
    insta::assert_snapshot!(Flow::parse(&broken).unwrap_err().to_string());
}

#[test]
fn what_is_not_toml_is_told_with_its_line() {
    let error = Flow::parse("name = \"Ada\"\nlanguages = [\"en\"\n").unwrap_err();
    assert!(error.to_string().starts_with("line "), "{error}");
    let unknown = Flow::parse(&FLOW.replace("[person]", "[preson]")).unwrap_err();
    assert!(unknown.to_string().contains("preson"), "{unknown}");
}

proptest::proptest! {
    #[test]
    fn nothing_that_is_written_makes_it_panic(texts in proptest::collection::vec(".{0,80}", 1..8)) {
        let mut talk = Talk::new("en");
        for text in &texts {
            for message in talk.write(text).messages {
                proptest::prop_assert!(message.check().is_ok());
            }
        }
        proptest::prop_assert_eq!(talk.flow.replay(&talk.log), talk.state);
    }

    #[test]
    fn no_file_makes_it_panic(cut in 0_usize..4000, junk in "[ -~\\n]{0,20}") {
        let cut = (0..=cut.min(FLOW.len())).rev().find(|at| FLOW.is_char_boundary(*at)).unwrap();
        let _ = Flow::parse(&format!("{}{junk}{}", &FLOW[..cut], &FLOW[cut..]));
    }
}
