//! Lists of conversations: views, unread, pages, search.

use portico_domain::name::visitor_name;
use portico_protocol::api::InboxQuery;
use portico_protocol::entry::Note;
use portico_protocol::frame::{Close, RequestHuman, TakeOver};
use portico_protocol::{ConversationStatus, ConversationSummary, InboxView, Watermark};
use portico_store::{Asker, Cursor, InboxCounts, Store, SummaryPage};

use crate::bed::*;

fn query(view: InboxView) -> InboxQuery {
    InboxQuery { view, search: String::new(), with_closed: false }
}

fn search(words: &str) -> InboxQuery {
    InboxQuery { search: words.into(), ..query(InboxView::All) }
}

async fn page(store: &Store, query: &InboxQuery, cursor: Option<Cursor>) -> SummaryPage {
    let brand = brand();
    let asker = Asker { brand: &brand, representative: person(1).id };
    store.conversations().list(asker, query, cursor).await.unwrap()
}

/// The numbers of the conversations listed, in order.
async fn listed(store: &Store, query: &InboxQuery) -> Vec<u64> {
    page(store, query, None).await.conversations.iter().map(number_of).collect()
}

fn number_of(summary: &ConversationSummary) -> u64 {
    (0..1_000).find(|number| conversation(*number) == summary.conversation).unwrap()
}

on_both! {
    async fn a_summary_tells_what_the_inbox_shows(bed) {
        let record = visitor_record(1);
        bed.store.visitors().create(&record).await.unwrap();
        append(&bed.store, as_visitor(1).says(1, &"ä".repeat(200))).await;
        let SummaryPage { conversations, next } = page(&bed.store, &query(InboxView::All), None).await;
        let [summary] = conversations.try_into().unwrap();
        assert_eq!(next, None);
        assert_eq!(summary.visitor_name, visitor_name(visitor(1)));
        assert_eq!((summary.is_identified, summary.preview_is_visitor), (false, true));
        assert_eq!(summary.preview.chars().count(), 120);
        assert_eq!((summary.head, summary.unread), (1, 1));
        assert_eq!((summary.locale, summary.page_url), (record.locale, record.page_url));
        assert_eq!((summary.updated_at, summary.status), (at(10), ConversationStatus::Open));
        bed.store.visitors().identify(visitor(1), "customer-7", Some("Ada Lovelace")).await.unwrap();
        let [summary] = page(&bed.store, &query(InboxView::All), None).await.conversations.try_into().unwrap();
        assert_eq!((summary.visitor_name.as_str(), summary.is_identified), ("Ada Lovelace", true));
    }

    async fn unread_counts_what_the_visitor_said_since(bed) {
        let unread = async || page(&bed.store, &query(InboxView::All), None).await.conversations[0].unread;
        let asking = as_visitor(1).under(with_bot());
        append(&bed.store, asking.says(1, "one")).await;
        append(&bed.store, asking.says(2, "two")).await;
        assert_eq!(unread().await, 2);
        let read = |read| Watermark { participant: person(1).id, is_visitor: false, delivered: read, read };
        bed.store.watermarks().advance(conversation(1), read(2)).await.unwrap();
        assert_eq!(unread().await, 1);
        append(&bed.store, as_representative(person(2), 1).wants(3, TakeOver {})).await;
        append(&bed.store, as_representative(person(2), 1).says(4, "not the visitor's")).await;
        assert_eq!(unread().await, 1);
        bed.store.watermarks().advance(conversation(1), read(7)).await.unwrap();
        assert_eq!(unread().await, 0);
    }

    async fn each_view_holds_its_own_newest_first(bed) {
        for number in 1..=4 {
            let seconds = i64::try_from(number).unwrap() * 10;
            let asking = as_visitor(number).under(with_bot()).now(at(seconds));
            append(&bed.store, asking.says(number, "hi")).await;
        }
        let wants = RequestHuman::default();
        append(&bed.store, as_visitor(2).under(with_bot()).now(at(100)).wants(12, wants.clone())).await;
        append(&bed.store, as_visitor(3).under(with_bot()).now(at(90)).wants(13, wants)).await;
        append(&bed.store, as_representative(person(1), 1).now(at(95)).wants(11, TakeOver {})).await;
        append(&bed.store, as_representative(person(2), 4).now(at(80)).wants(14, TakeOver {})).await;
        assert_eq!(listed(&bed.store, &query(InboxView::All)).await, [2, 1, 3, 4]);
        assert_eq!(listed(&bed.store, &query(InboxView::Unassigned)).await, [2, 3]);
        assert_eq!(listed(&bed.store, &query(InboxView::Mine)).await, [1]);
        let brand = brand();
        let asker = Asker { brand: &brand, representative: person(1).id };
        let counts = bed.store.conversations().counts(asker).await.unwrap();
        assert_eq!(counts, InboxCounts { unassigned: 2, mine: 1, all: 4 });
        append(&bed.store, as_representative(person(1), 1).now(at(200)).wants(21, Close {})).await;
        assert_eq!(listed(&bed.store, &query(InboxView::All)).await, [2, 3, 4]);
        let with_closed = InboxQuery { with_closed: true, ..query(InboxView::All) };
        assert_eq!(listed(&bed.store, &with_closed).await, [1, 2, 3, 4]);
    }

    async fn another_brands_conversations_are_not_there(bed) {
        append(&bed.store, as_visitor(1).says(1, "hi")).await;
        let other = "other".parse().unwrap();
        let asker = Asker { brand: &other, representative: person(1).id };
        let conversations = bed.store.conversations();
        assert!(conversations.list(asker, &search("hi"), None).await.unwrap().conversations.is_empty());
        assert_eq!(conversations.find_summary(asker, conversation(1)).await.unwrap(), None);
        assert_eq!(conversations.counts(asker).await.unwrap(), InboxCounts::default());
    }

    async fn pages_follow_each_other_without_gap_or_repetition(bed) {
        // Three a second, so that the cursor must tell equals apart; every fifth is closed.
        for number in 0..130 {
            let now = at(i64::try_from(number / 3).unwrap());
            append(&bed.store, as_visitor(number).now(now).says(number, "hi")).await;
            if number % 5 == 0 {
                append(&bed.store, as_representative(person(1), number).now(now).wants(1_000 + number, Close {})).await;
            }
        }
        for (with_closed, expected) in [(false, 104), (true, 130)] {
            let query = InboxQuery { with_closed, ..query(InboxView::All) };
            let (mut seen, mut cursor) = (Vec::new(), None);
            loop {
                let SummaryPage { conversations, next } = page(&bed.store, &query, cursor).await;
                assert!(conversations.len() <= 50);
                seen.extend(conversations);
                let Some(next) = next else { break };
                // As it travels through an address.
                cursor = Some(next.to_string().parse().unwrap());
            }
            assert_eq!(seen.len(), expected);
            assert!(seen.is_sorted_by_key(|each| core::cmp::Reverse((each.updated_at, each.conversation))));
            seen.dedup_by_key(|each| each.conversation);
            assert_eq!(seen.len(), expected);
        }
        assert!("12".parse::<Cursor>().is_err());
        assert!("x.y".parse::<Cursor>().is_err());
    }

    async fn a_search_finds_all_its_words_in_any_letter_case(bed) {
        append(&bed.store, as_visitor(1).says(1, "Die grüne LAMPE, bitte")).await;
        append(&bed.store, as_representative(person(1), 1).wants(2, Note { text: "VIP, 100% sure".into() })).await;
        append(&bed.store, as_visitor(2).now(at(20)).says(3, "eine Lampe mit Griff_3")).await;
        for (words, expected) in [
            ("lampe", vec![2, 1]),
            ("GRÜNE lampe", vec![1]),
            // In two different entries.
            ("vip lampe", vec![1]),
            ("100%", vec![1]),
            ("%", vec![1]),
            ("griff_", vec![2]),
            ("_", vec![2]),
            ("!", vec![]),
            ("'; DROP TABLE entry; --", vec![]),
            ("tisch", vec![]),
            ("   ", vec![2, 1]),
        ] {
            assert_eq!(listed(&bed.store, &search(words)).await, expected, "{words:?}");
        }
        bed.store.visitors().create(&visitor_record(2)).await.unwrap();
        bed.store.visitors().identify(visitor(2), "7", Some("Ada Lovelace")).await.unwrap();
        assert_eq!(listed(&bed.store, &search("lovelace")).await, [2]);
    }

    async fn watching_a_list_asks_whether_one_conversation_belongs(bed) {
        append(&bed.store, as_visitor(1).says(1, "Lampe")).await;
        let brand = brand();
        let asker = Asker { brand: &brand, representative: person(1).id };
        let belongs = async |query: &InboxQuery| {
            bed.store.conversations().find_listed(asker, query, conversation(1)).await.unwrap().is_some()
        };
        assert!(belongs(&query(InboxView::All)).await);
        assert!(belongs(&query(InboxView::Unassigned)).await);
        assert!(!belongs(&query(InboxView::Mine)).await);
        assert!(belongs(&search("lampe")).await);
        assert!(!belongs(&search("tisch")).await);
        append(&bed.store, as_representative(person(1), 1).wants(2, Close {})).await;
        assert!(!belongs(&query(InboxView::All)).await);
        assert!(belongs(&InboxQuery { with_closed: true, ..query(InboxView::All) }).await);
    }
}
