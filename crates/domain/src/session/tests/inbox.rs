//! The watched inbox.

use super::*;

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
