//! Appending: numbers, order, resends, edits, forgetting, watermarks.

use portico_domain::Refusal;
use portico_protocol::entry::{Note, Slot, SuggestionResponse};
use portico_protocol::frame::{HandBack, RequestHuman, TakeOver};
use portico_protocol::{EntryBody, Owner, Watermark};
use tokio::task::JoinSet;

use crate::bed::*;

on_both! {
    async fn what_is_appended_is_what_is_read(bed) {
        let asking = as_visitor(1).under(with_bot());
        let appended = append(&bed.store, asking.says(1, "Is the lamp in stock?")).await;
        assert_eq!((appended.entries.len(), appended.main, appended.was_duplicate), (2, 1, false));
        assert_eq!(appended.main_entry().id, message_id(1));
        assert_eq!(log(&bed.store, 1).await, *appended.entries);
        assert_eq!(words(&bed.store, 1).await, ["Hello, I am a bot.", "Is the lamp in stock?"]);
        let state = bed.store.conversations().find(conversation(1)).await.unwrap().unwrap();
        assert_eq!(state, appended.conversation);
        assert_eq!(bed.store.conversations().find(conversation(2)).await.unwrap(), None);
    }

    async fn every_kind_of_character_survives(bed) {
        let text = "a\u{0} b\u{7} \"quoted\\\" 🙂 \u{202e}ltr ﷽ \u{10ffff} '; DROP TABLE entry; --";
        append(&bed.store, as_visitor(1).says(1, text)).await;
        assert_eq!(words(&bed.store, 1).await, [text]);
    }

    async fn a_page_of_the_log_is_asked_for_by_number(bed) {
        for number in 1..=7 {
            append(&bed.store, as_visitor(1).says(number, &number.to_string())).await;
        }
        let numbers = |entries: Vec<portico_protocol::Entry>| {
            entries.iter().map(|entry| entry.sequence).collect::<Vec<_>>()
        };
        let (entries, id) = (bed.store.entries(), conversation(1));
        assert_eq!(numbers(entries.after(id, 4, 2).await.unwrap()), [5, 6]);
        assert_eq!(numbers(entries.before(id, 4, 2).await.unwrap()), [2, 3]);
        assert_eq!(numbers(entries.newest(id, 3).await.unwrap()), [5, 6, 7]);
        assert!(entries.after(id, 7, 9).await.unwrap().is_empty());
        assert_eq!(entries.find(id, message_id(6)).await.unwrap().unwrap().sequence, 6);
        assert_eq!(entries.find(conversation(2), message_id(6)).await.unwrap(), None);
    }

    async fn a_resend_is_stored_once_and_gets_the_first_result(bed) {
        let asking = as_visitor(1).under(with_bot());
        let first = append(&bed.store, asking.says(1, "hi")).await;
        let check = async |store: &portico_store::Store| {
            let again = append(store, asking.clone().now(at(99)).says(1, "hi")).await;
            assert!(again.was_duplicate);
            assert_eq!(again.main_entry(), first.main_entry());
            assert_eq!(log(store, 1).await.len(), 2);
        };
        check(&bed.store).await;
        // After so many more that it is no longer in memory.
        for number in 100..150 {
            append(&bed.store, asking.says(number, "more")).await;
        }
        let again = append(&bed.store, asking.says(1, "hi")).await;
        assert!(again.was_duplicate);
        assert_eq!(again.conversation.head, 52);
        // On a node that knows nothing of it.
        let other = bed.second_node().await;
        assert!(append(&other, asking.says(1, "hi")).await.was_duplicate);
        assert_eq!(log(&bed.store, 1).await.len(), 52);
    }

    async fn a_resend_within_one_batch_is_stored_once(bed) {
        let asking = as_visitor(1);
        let sent = (0..20).map(|_| append(&bed.store, asking.says(1, "hi")));
        let answers = futures_util::future::join_all(sent).await;
        assert_eq!(answers.iter().filter(|answer| !answer.was_duplicate).count(), 1);
        assert!(answers.iter().all(|answer| answer.main_entry().sequence == 1));
        assert_eq!(log(&bed.store, 1).await.len(), 1);
    }

    async fn what_would_be_refused_now_but_was_accepted_is_a_duplicate(bed) {
        append(&bed.store, as_visitor(1).says(1, "hi")).await;
        let mara = as_representative(person(1), 1);
        let first = append(&bed.store, mara.wants(2, TakeOver {})).await;
        let again = append(&bed.store, mara.wants(2, TakeOver {})).await;
        assert!(again.was_duplicate);
        assert_eq!(again.main_entry(), first.main_entry());
        assert_eq!(refusal(&bed.store, mara.wants(3, TakeOver {})).await, Refusal::NoChange);
        for number in 100..150 {
            append(&bed.store, mara.wants(number, Note { text: "…".into() })).await;
        }
        assert!(append(&bed.store, mara.wants(2, TakeOver {})).await.was_duplicate);
        assert!(append(&bed.second_node().await, mara.wants(2, TakeOver {})).await.was_duplicate);
    }

    async fn a_refusal_leaves_no_trace(bed) {
        let mara = as_representative(person(1), 1);
        assert_eq!(refusal(&bed.store, mara.says(1, "hi")).await, Refusal::NotOwner);
        assert_eq!(refusal(&bed.store, as_visitor(1).edits(2, 1, "x")).await, Refusal::UnknownTarget);
        assert_eq!(bed.store.conversations().find(conversation(1)).await.unwrap(), None);
        append(&bed.store, as_visitor(1).says(3, "hi")).await;
        let mut stranger = as_visitor(1);
        stranger.append.actor = as_visitor(2).append.actor;
        assert_eq!(refusal(&bed.store, stranger.says(4, "hi")).await, Refusal::NotAllowed);
        let mut elsewhere = as_visitor(1);
        elsewhere.append.brand = "other".parse().unwrap();
        assert_eq!(refusal(&bed.store, elsewhere.says(5, "hi")).await, Refusal::NotAllowed);
        assert_eq!(log(&bed.store, 1).await.len(), 1);
    }

    async fn a_clock_set_back_does_not_reorder_a_log(bed) {
        append(&bed.store, as_visitor(1).now(at(3_600)).says(1, "first")).await;
        append(&bed.store, as_visitor(1).now(at(0)).says(2, "second")).await;
        let log = log(&bed.store, 1).await;
        assert_eq!(log.iter().map(|entry| entry.at).collect::<Vec<_>>(), [at(3_600), at(3_600)]);
    }

    async fn many_at_once_keep_every_log_whole_and_in_order(bed) {
        let mut tasks = JoinSet::new();
        for number in 0..20 {
            let store = bed.store.clone();
            tasks.spawn(async move {
                for message in 0..25 {
                    append(&store, as_visitor(number).says(number * 1_000 + message, &message.to_string())).await;
                }
            });
        }
        tasks.join_all().await;
        let expected: Vec<_> = (0..25).map(|number| number.to_string()).collect();
        for number in 0..20 {
            assert_eq!(words(&bed.store, number).await, expected);
        }
    }

    async fn two_nodes_append_to_the_same_logs_without_gaps_or_loss(bed) {
        let mut tasks = JoinSet::new();
        for node in 0..2 {
            let store = if node == 0 { bed.store.clone() } else { bed.second_node().await };
            for number in 0..5 {
                let store = store.clone();
                tasks.spawn(async move {
                    for message in 0..20 {
                        let id = (number * 2 + node) * 1_000 + message;
                        // A node that was slower eight times in a row says so, and is asked again.
                        while store.append(as_visitor(number).says(id, &id.to_string())).await.is_err() {}
                    }
                });
            }
        }
        tasks.join_all().await;
        for number in 0..5 {
            let words = words(&bed.store, number).await;
            assert_eq!(words.len(), 40);
            for node in 0..2 {
                let of_node = |word: &&String| word.parse::<u64>().unwrap() / 1_000 == number * 2 + node;
                let expected = (0..20).map(|message| ((number * 2 + node) * 1_000 + message).to_string());
                assert!(words.iter().filter(of_node).cloned().eq(expected), "out of order: {words:?}");
            }
        }
    }

    async fn an_edit_changes_what_lists_show(bed) {
        append(&bed.store, as_visitor(1).says(1, "Is the lmap in stock?")).await;
        append(&bed.store, as_visitor(1).edits(2, 1, "Is the lamp in stock?")).await;
        let mara = person(1);
        let asker = portico_store::Asker { brand: &brand(), representative: mara.id };
        let summary = bed.store.conversations().find_summary(asker, conversation(1)).await.unwrap().unwrap();
        assert_eq!(summary.preview, "Is the lamp in stock?");
        assert_eq!(refusal(&bed.store, as_visitor(1).edits(3, 9, "x")).await, Refusal::UnknownTarget);
        // Target and edit in one batch.
        let both = [as_visitor(1).says(4, "tpyo"), as_visitor(1).edits(5, 4, "typo")];
        futures_util::future::join_all(both.map(|each| append(&bed.store, each))).await;
        assert_eq!(log(&bed.store, 1).await.len(), 4);
    }

    async fn a_redaction_forgets_the_words_everywhere(bed) {
        const SECRET: &str = "Mauerblume";
        let asking = as_visitor(1).under(with_bot());
        append(&bed.store, asking.says(1, &format!("my password is {SECRET}"))).await;
        append(&bed.store, asking.edits(2, 1, &format!("my password is not {SECRET}"))).await;
        let slots = [("password", SECRET, 2), ("product", "lamp", 1)];
        let packet = slots.map(|(name, value, source)| {
            Slot { name: name.into(), value: value.into(), source: Some(source) }
        });
        let bot = as_representative(bot(), 1).under(with_bot());
        append(&bed.store, bot.wants(3, RequestHuman { packet: packet.to_vec() })).await;
        append(&bed.store, asking.redacts(4, 1)).await;
        let mut raw = bed.raw().await;
        let found = "SELECT (SELECT COUNT(*) FROM entry WHERE lower(body) LIKE '%mauerblume%' \
             OR words LIKE '%mauerblume%') + (SELECT COUNT(*) FROM conversation WHERE preview LIKE '%Mauerblume%')";
        assert_eq!(raw.number(found).await, 0);
        let log = log(&bed.store, 1).await;
        assert!(matches!(&log[1].body, EntryBody::Message(message) if message.plain_text().is_empty()));
        assert!(matches!(&log[3].body, EntryBody::Handover(handover) if handover.packet.len() == 1));
        // What is forgotten cannot be said again by a late edit, nor found by a resend.
        let again = append(&bed.store, asking.says(1, &format!("my password is {SECRET}"))).await;
        assert!(again.was_duplicate);
        assert_eq!(raw.number(found).await, 0);
    }

    async fn a_redacted_tap_keeps_its_shape(bed) {
        append(&bed.store, as_visitor(1).says(1, "hi")).await;
        let response =
            SuggestionResponse { message: message_id(1), text: "Yes".into(), postback_data: "yes".into() };
        append(&bed.store, as_visitor(1).wants(2, response)).await;
        append(&bed.store, as_visitor(1).redacts(3, 2)).await;
        let log = log(&bed.store, 1).await;
        let EntryBody::SuggestionResponse(response) = &log[1].body else { panic!("changed its kind") };
        assert_eq!((response.text.as_str(), response.postback_data.as_str()), ("", ""));
    }

    async fn a_watermark_only_grows_and_read_is_delivered(bed) {
        let watermark = |delivered, read| Watermark { participant: visitor(1), is_visitor: true, delivered, read };
        let advance = async |delivered, read| {
            bed.store.watermarks().advance(conversation(1), watermark(delivered, read)).await.unwrap()
        };
        assert_eq!(advance(3, 1).await, watermark(3, 1));
        assert_eq!(advance(2, 0).await, watermark(3, 1));
        assert_eq!(advance(0, 5).await, watermark(5, 5));
        let both = futures_util::future::join(advance(9, 1), advance(7, 7)).await;
        assert_eq!(both.1, watermark(9, 7));
        // Whoever comes later in a batch with less takes nothing back.
        let both = futures_util::future::join(advance(11, 11), advance(10, 10)).await;
        assert_eq!(both, (watermark(11, 11), watermark(11, 11)));
        assert_eq!(bed.store.watermarks().of(conversation(1)).await.unwrap(), [watermark(11, 11)]);
        assert_eq!(bed.store.watermarks().of(conversation(2)).await.unwrap(), []);
        let found = bed.store.watermarks().find(conversation(1), visitor(1)).await.unwrap();
        assert_eq!(found, Some(watermark(11, 11)));
    }

    async fn the_time_waited_for_a_person_is_measured(bed) {
        let asking = as_visitor(1).under(with_bot());
        append(&bed.store, asking.says(1, "hi")).await;
        append(&bed.store, asking.clone().now(at(100)).wants(2, RequestHuman::default())).await;
        assert_eq!(bed.store.conversations().waiting(&brand()).await.unwrap(), [(conversation(1), at(100))]);
        let mara = as_representative(person(1), 1).under(with_bot());
        let taken = append(&bed.store, mara.clone().now(at(130)).wants(3, TakeOver {})).await;
        assert_eq!(taken.conversation.owner, Owner::Human(person(1)));
        assert_eq!(bed.store.conversations().last_waits_ms(&brand(), 10).await.unwrap(), [30_000]);
        assert_eq!(bed.store.conversations().waiting(&brand()).await.unwrap(), []);
        append(&bed.store, mara.now(at(140)).wants(4, HandBack {})).await;
        assert_eq!(bed.store.conversations().last_waits_ms(&brand(), 10).await.unwrap(), [30_000]);
        assert_eq!(bed.store.conversations().forget_waits(at(0)).await.unwrap(), 0);
        assert_eq!(bed.store.conversations().forget_waits(at(1_000_000_000)).await.unwrap(), 1);
        assert!(bed.store.conversations().last_waits_ms(&brand(), 10).await.unwrap().is_empty());
    }
}
