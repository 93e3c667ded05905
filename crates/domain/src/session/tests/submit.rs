//! What is submitted: rates, order, refusals for now.

use super::*;

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
