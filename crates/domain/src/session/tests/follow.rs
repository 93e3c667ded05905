//! What followers are sent: the log, once and in order, whatever comes in between.

use super::*;

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
