//! What each participant may do, and what follows from it.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;

use portico_domain::conversation::derived_id;
use portico_domain::{Actor, Conversation, Policy, Refusal};
use portico_protocol::entry::{Edit, Note, Redaction, SuggestionResponse};
use portico_protocol::frame::{Close, HandBack, Reopen, RequestHuman, TakeOver};
use portico_protocol::{
    Entry, EntryBody, Message, MessageId, Owner, ParticipantId, Representative, RepresentativeType,
    Submission, SubmissionBody, Timestamp,
};
use proptest::prelude::*;

fn id(number: u8) -> MessageId {
    MessageId::new(Timestamp::from_millis(1_000 + i64::from(number)), [number; 10])
}

fn representative(number: u8, kind: RepresentativeType) -> Representative {
    let id = ParticipantId::new(Timestamp::default(), [number; 10]);
    Representative { id, representative_type: kind, display_name: format!("Number {number}") }
}

fn visitor() -> Actor {
    Actor::Visitor(ParticipantId::new(Timestamp::default(), [1; 10]))
}

fn bot() -> Actor {
    Actor::Representative(representative(2, RepresentativeType::Bot))
}

fn ida() -> Actor {
    Actor::Representative(representative(3, RepresentativeType::Human))
}

fn omar() -> Actor {
    Actor::Representative(representative(4, RepresentativeType::Human))
}

fn say(text: &str) -> SubmissionBody {
    Message::text(text).into()
}

/// A conversation with its whole log, driven as the writer drives it.
struct Log {
    policy: Policy,
    state: Conversation,
    entries: Vec<Entry>,
    now: i64,
}

impl Log {
    fn new() -> Self {
        let policy = Policy {
            bot: Some(representative(2, RepresentativeType::Bot)),
            greeting: vec![Message::text("Hello"), Message::text("What brings you here?")],
        };
        let Actor::Visitor(visitor) = visitor() else { unreachable!() };
        let state = Conversation::new("lykta".parse().unwrap(), visitor, &policy);
        Self { policy, state, entries: Vec::new(), now: 1_000_000 }
    }

    fn submit(&mut self, actor: &Actor, body: impl Into<SubmissionBody>) -> Result<MessageId, Refusal> {
        let number = u8::try_from(self.entries.len() % 250).unwrap();
        self.submit_as(id(number), actor, body)
    }

    fn submit_as(
        &mut self,
        id: MessageId,
        actor: &Actor,
        body: impl Into<SubmissionBody>,
    ) -> Result<MessageId, Refusal> {
        self.now += 1_000;
        let submission = Submission { id, body: body.into() };
        let target = match &submission.body {
            SubmissionBody::Edit(edit) => Some(edit.target),
            SubmissionBody::Redact(redaction) => Some(redaction.target),
            _ => None,
        };
        let target = target.and_then(|target| self.entries.iter().find(|entry| entry.id == target)).cloned();
        let now = Timestamp::from_millis(self.now);
        let decision = self.state.decide(&self.policy, actor, &submission, target.as_ref(), now)?;
        assert_eq!(decision.main_entry().id, id, "the submission keeps its id");
        for entry in decision.entries {
            self.state.apply(&self.policy, &entry);
            self.entries.push(entry);
        }
        Ok(id)
    }

    fn kinds(&self) -> Vec<&'static str> {
        let kind = |entry: &Entry| match &entry.body {
            EntryBody::Message(_) => "message",
            EntryBody::SuggestionResponse(_) => "tap",
            EntryBody::Handover(_) => "handover",
            EntryBody::RepresentativeJoined(_) => "joined",
            EntryBody::RepresentativeLeft(_) => "left",
            EntryBody::Closed(_) => "closed",
            EntryBody::Reopened(_) => "reopened",
            EntryBody::Note(_) => "note",
            EntryBody::Edit(_) => "edit",
            EntryBody::Redaction(_) => "redaction",
            _ => "other",
        };
        self.entries.iter().map(kind).collect()
    }
}

#[test]
fn the_greeting_stands_before_the_first_word_and_only_there() {
    let mut log = Log::new();
    log.submit(&visitor(), say("Hi")).unwrap();
    log.submit(&visitor(), say("Anybody?")).unwrap();
    assert_eq!(log.kinds(), ["message"; 4]);
    assert!(log.entries[0].author.is_representative() && log.entries[2].author.is_visitor());
}

#[test]
fn a_bot_that_no_longer_owns_the_conversation_is_refused() {
    let mut log = Log::new();
    log.submit(&visitor(), say("Hi")).unwrap();
    log.submit(&bot(), say("Hello!")).unwrap();
    log.submit(&visitor(), RequestHuman::default()).unwrap();
    assert_eq!(log.submit(&bot(), say("Wait!")), Err(Refusal::NotOwner));
    assert!(log.state.waiting_since.is_some());
    log.submit(&ida(), TakeOver {}).unwrap();
    assert_eq!(log.state.waiting_since, None);
    assert_eq!(log.submit(&bot(), say("Me too")), Err(Refusal::NotOwner));
    log.submit(&ida(), HandBack {}).unwrap();
    log.submit(&bot(), say("Back again")).unwrap();
}

#[test]
fn one_person_answers_at_a_time() {
    let mut log = Log::new();
    log.submit(&visitor(), say("Hi")).unwrap();
    assert_eq!(log.submit(&ida(), say("Hello")), Err(Refusal::NotOwner), "take over first");
    log.submit(&ida(), TakeOver {}).unwrap();
    assert_eq!(log.submit(&ida(), TakeOver {}), Err(Refusal::NoChange));
    log.submit(&omar(), TakeOver {}).unwrap();
    assert_eq!(log.submit(&ida(), say("Still me")), Err(Refusal::NotOwner));
    log.submit(&omar(), say("Omar here")).unwrap();
    assert_eq!(log.kinds()[3..], ["handover", "joined", "left", "handover", "joined", "message"]);
}

#[test]
fn writing_reopens_what_was_closed_and_the_bot_owns_it_again() {
    let mut log = Log::new();
    log.submit(&visitor(), say("Hi")).unwrap();
    log.submit(&ida(), TakeOver {}).unwrap();
    log.submit(&ida(), Close {}).unwrap();
    assert!(log.state.is_closed && matches!(log.state.owner, Owner::Bot(_)));
    assert_eq!(log.submit(&ida(), Close {}), Err(Refusal::NoChange));
    assert_eq!(log.submit(&ida(), say("One more thing")), Err(Refusal::NotOwner));
    log.submit(&visitor(), say("One more question")).unwrap();
    assert!(!log.state.is_closed);
    assert_eq!(log.kinds()[log.entries.len() - 2..], ["reopened", "message"]);
    log.submit(&ida(), Close {}).unwrap();
    log.submit(&ida(), Reopen {}).unwrap();
    assert!(!log.state.is_closed);
}

#[test]
fn nobody_does_what_is_not_theirs_to_do() {
    let mut log = Log::new();
    log.submit(&visitor(), say("Hi")).unwrap();
    let stranger = Actor::Visitor(ParticipantId::new(Timestamp::default(), [9; 10]));
    assert_eq!(log.submit(&stranger, say("Let me in")), Err(Refusal::NotAllowed));
    for body in [
        SubmissionBody::from(TakeOver {}),
        HandBack {}.into(),
        Close {}.into(),
        Reopen {}.into(),
        Note { text: "psst".into() }.into(),
        SubmissionBody::Unknown,
    ] {
        assert_eq!(log.submit(&visitor(), body.clone()), Err(Refusal::NotAllowed), "{body:?}");
    }
    let tap = SuggestionResponse { message: id(0), text: "Yes".into(), postback_data: "yes".into() };
    assert_eq!(log.submit(&ida(), tap), Err(Refusal::NotAllowed));
    assert_eq!(log.submit(&bot(), Note { text: "psst".into() }), Err(Refusal::NotAllowed));
}

#[test]
fn people_change_their_own_words_and_the_brand_may_empty_any() {
    let mut log = Log::new();
    let mine = log.submit(&visitor(), say("My card is …")).unwrap();
    let theirs = log.submit(&bot(), say("Hello!")).unwrap();
    let edit = |target| Edit { target, message: Message::text("Never mind") };
    assert_eq!(log.submit(&visitor(), edit(theirs)), Err(Refusal::UnknownTarget));
    assert_eq!(log.submit(&visitor(), edit(id(200))), Err(Refusal::UnknownTarget));
    log.submit(&visitor(), edit(mine)).unwrap();
    assert_eq!(log.submit(&visitor(), Redaction { target: theirs }), Err(Refusal::UnknownTarget));
    log.submit(&ida(), Redaction { target: mine }).unwrap();
}

#[test]
fn what_breaks_a_limit_is_refused_by_name() {
    let mut log = Log::new();
    let Err(Refusal::Invalid(problem)) = log.submit(&visitor(), say(&"ä".repeat(3_073))) else {
        panic!("accepted")
    };
    assert_eq!((problem.code(), problem.limit, problem.found), ("too-long", Some(3_072), Some(3_073)));
    assert!(matches!(log.submit(&visitor(), say("  \n ")), Err(Refusal::Invalid(_))));
    assert!(log.entries.is_empty(), "a refused first message leaves no greeting behind");
    log.submit(&visitor(), say(&"ä".repeat(3_072))).unwrap();
}

#[test]
fn a_clock_set_back_does_not_reorder_a_log() {
    let mut log = Log::new();
    log.submit(&visitor(), say("Before")).unwrap();
    log.now -= 3_600_000;
    log.submit(&visitor(), say("After")).unwrap();
    assert!(log.entries.is_sorted_by_key(|entry| entry.at));
}

#[test]
fn ids_that_a_client_drew_close_together_lead_to_distinct_ones() {
    let mut derived = BTreeSet::new();
    for last in 0..=255 {
        let mut bytes = *id(7).as_bytes();
        bytes[15] = last;
        for index in 0..=255 {
            let id = derived_id(MessageId::from_bytes(bytes), index);
            assert!(derived.insert(id), "collision at {last}, {index}");
            assert_eq!((id.as_bytes()[6] >> 4, id.as_bytes()[8] >> 6), (7, 2), "still a UUIDv7");
        }
    }
}

proptest! {
    /// Whatever anybody tries in whatever order: the log has no gaps, no id twice and no step back in time,
    /// and the fold of the log is the state.
    #[test]
    fn a_log_stays_a_log(acts in proptest::collection::vec((0..4_u8, 0..10_u8, -5_000..5_000_i64), 1..60)) {
        let mut log = Log::new();
        for (index, (who, what, jump)) in acts.into_iter().enumerate() {
            log.now += jump;
            let actor = [visitor(), bot(), ida(), omar()][usize::from(who)].clone();
            let target = log.entries.last().map_or(id(0), |entry| entry.id);
            let body: SubmissionBody = match what {
                0..=2 => say("words"),
                3 => RequestHuman::default().into(),
                4 => TakeOver {}.into(),
                5 => HandBack {}.into(),
                6 => Close {}.into(),
                7 => Reopen {}.into(),
                8 => Note { text: "note".into() }.into(),
                _ => Redaction { target }.into(),
            };
            let _ = log.submit_as(id(u8::try_from(index).unwrap()), &actor, body);
        }
        let mut ids = BTreeSet::new();
        let mut fold = Conversation::new(log.state.brand.clone(), log.state.visitor, &log.policy);
        for (index, entry) in log.entries.iter().enumerate() {
            prop_assert_eq!(entry.sequence, index as u64 + 1);
            prop_assert!(ids.insert(entry.id));
            prop_assert!(index == 0 || log.entries[index - 1].at <= entry.at);
            fold.apply(&log.policy, entry);
        }
        prop_assert_eq!(fold, log.state);
    }
}
