use std::task::{Context, Poll, Waker};

use portico_protocol::{RepresentativeType, Watermark};

use super::*;

fn conversation() -> ConversationId {
    ConversationId::from_bytes([1; 16])
}

fn person(number: u8) -> Representative {
    Representative {
        id: ParticipantId::from_bytes([number; 16]),
        representative_type: RepresentativeType::Human,
        display_name: format!("Person {number}"),
    }
}

fn brand() -> BrandId {
    "lumen".parse().expect("a brand id")
}

/// The newest presence that reached `mailbox`, and whether anything else did.
fn newest_presence(mailbox: &Mailbox) -> Option<(Vec<u8>, bool)> {
    let mut newest = None;
    while let Poll::Ready(input) = mailbox.poll_next(&Context::from_waker(Waker::noop())) {
        let Input::Presence(presence) = input else { panic!("not a presence: {input:?}") };
        let viewers = presence.viewers.iter().map(|viewer| viewer.id.as_bytes()[0]).collect();
        newest = Some((viewers, presence.visitor_is_online));
    }
    newest
}

#[test]
fn representatives_see_who_comes_and_goes_and_visitors_do_not() {
    let bus = Bus::default();
    let [visitor, second_device, anna, ben] = std::array::from_fn(|_| Arc::new(Mailbox::default()));
    bus.subscribe(conversation(), &visitor, None);
    bus.subscribe(conversation(), &anna, Some(&person(1)));
    assert_eq!(newest_presence(&anna), Some((vec![1], true)));
    bus.subscribe(conversation(), &second_device, None);
    assert_eq!(newest_presence(&anna), None, "the visitor was there already");
    bus.subscribe(conversation(), &ben, Some(&person(2)));
    assert_eq!(newest_presence(&anna), Some((vec![1, 2], true)));
    bus.unsubscribe(conversation(), &visitor);
    assert_eq!(newest_presence(&anna), None, "the visitor's other device is still there");
    bus.unsubscribe(conversation(), &second_device);
    assert_eq!(newest_presence(&anna), Some((vec![1, 2], false)));
    bus.unsubscribe(conversation(), &anna);
    assert_eq!(newest_presence(&ben), Some((vec![2], false)));
    assert_eq!(newest_presence(&visitor), None);
}

#[test]
fn what_nobody_follows_any_more_takes_no_memory() {
    let bus = Bus::default();
    let mailbox = Arc::new(Mailbox::default());
    bus.subscribe(conversation(), &mailbox, None);
    bus.subscribe(conversation(), &mailbox, None);
    bus.unsubscribe(conversation(), &mailbox);
    assert!(bus.topics.iter().all(|shard| lock(shard).is_empty()));
}

#[test]
fn reading_as_a_representative_changes_the_inbox_and_reading_as_the_visitor_does_not() {
    let bus = Bus::default();
    let watcher = Arc::new(Mailbox::default());
    assert!(bus.person_came(&brand(), &watcher));
    bus.watch_inbox(&brand(), &watcher);
    let moved = |is_visitor| WatermarkMoved {
        conversation: conversation(),
        watermark: Watermark { participant: person(1).id, is_visitor, delivered: 1, read: 1 },
    };
    bus.watermark_moved(&brand(), &moved(true));
    bus.watermark_moved(&brand(), &moved(false));
    let context = Context::from_waker(Waker::noop());
    assert!(matches!(watcher.poll_next(&context), Poll::Ready(Input::InboxChanged(_))));
    assert!(watcher.poll_next(&context).is_pending());
    assert!(bus.is_staffed(&brand()));
    assert!(bus.person_went(&brand(), &watcher));
    assert!(!bus.is_staffed(&brand()));
}
