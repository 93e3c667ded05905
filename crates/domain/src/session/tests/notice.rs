//! Watermarks, typing, presence: who is told, and when it ends.

use super::*;

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
