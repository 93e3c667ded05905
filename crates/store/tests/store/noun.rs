//! Visitors, sessions, accounts, ready-made texts, links, brands.

use portico_protocol::SessionId;
use portico_protocol::api::CannedReply;
use portico_protocol::limit::CANNED_REPLIES_MAX;
use portico_store::{
    BrandKey, BrandProof, DeviceLinkRecord, RepresentativeRecord, SaveError, SessionRecord, SessionRole,
};

use crate::bed::*;

fn session(number: u8) -> SessionRecord {
    SessionRecord {
        id: SessionId::from_bytes([number; 16]),
        secret_hash: [number; 32],
        role: SessionRole::Representative,
        participant: person(1).id,
        brand: brand(),
        device: "Firefox on Linux".into(),
        created_at: at(0),
        seen_at: at(i64::from(number)),
        expires_at: at(1_000),
        revoked_at: None,
    }
}

fn account(number: u64, email: &str) -> RepresentativeRecord {
    RepresentativeRecord {
        id: person(number).id,
        brand: brand(),
        email: email.into(),
        password_hash: "$argon2id$…".into(),
        display_name: person(number).display_name,
        created_at: at(0),
        disabled_at: None,
    }
}

fn canned_reply(number: u64, shortcut: &str) -> CannedReply {
    CannedReply { id: message_id(number), shortcut: shortcut.into(), text: "Bitte schön.".into() }
}

on_both! {
    async fn a_visitor_is_found_by_id_conversation_and_identity(bed) {
        let visitors = bed.store.visitors();
        let record = visitor_record(1);
        visitors.create(&record).await.unwrap();
        assert_eq!(visitors.find(record.id).await.unwrap().as_ref(), Some(&record));
        assert_eq!(visitors.find_by_conversation(record.conversation).await.unwrap().as_ref(), Some(&record));
        assert!(matches!(visitors.create(&record).await, Err(SaveError::Taken { .. })));

        let mut later = record.clone();
        (later.locale, later.page_url, later.seen_at) = ("ar".into(), None, at(50));
        visitors.update_visit(&later).await.unwrap();
        assert_eq!(visitors.find(record.id).await.unwrap().as_ref(), Some(&later));

        visitors.identify(record.id, "customer-7", Some("Ada")).await.unwrap();
        let found = visitors.find_identified(&brand(), "customer-7").await.unwrap().unwrap();
        assert_eq!((found.id, found.display_name.as_deref()), (record.id, Some("Ada")));
        assert_eq!(visitors.find_identified(&"other".parse().unwrap(), "customer-7").await.unwrap(), None);
        // Signed for again: the name may change, the person may not.
        visitors.identify(record.id, "customer-7", Some("Ada L.")).await.unwrap();
        assert!(matches!(visitors.identify(record.id, "customer-8", None).await, Err(SaveError::Taken { .. })));
        visitors.create(&visitor_record(2)).await.unwrap();
        assert!(matches!(visitors.identify(visitor(2), "customer-7", None).await, Err(SaveError::Taken { .. })));
    }

    async fn a_session_lives_until_it_expires_or_is_revoked(bed) {
        let sessions = bed.store.sessions();
        for number in 1..=3 {
            sessions.create(&session(number)).await.unwrap();
        }
        assert!(matches!(sessions.create(&session(1)).await, Err(SaveError::Taken { .. })));
        let found = sessions.find(session(2).id).await.unwrap().unwrap();
        assert_eq!(found, session(2));
        assert!(found.is_live(at(999)) && !found.is_live(at(1_000)));
        let live = async |now| -> Vec<u8> {
            let live = sessions.live_of(person(1).id, now).await.unwrap();
            live.iter().map(|session| session.id.as_bytes()[0]).collect()
        };
        assert_eq!(live(at(10)).await, [3, 2, 1]);
        sessions.touch(session(1).id, at(20), at(2_000)).await.unwrap();
        assert_eq!(live(at(10)).await, [1, 3, 2]);
        assert_eq!(live(at(1_500)).await, [1]);
        assert!(!sessions.revoke(session(3).id, person(2).id, at(30)).await.unwrap(), "somebody else's");
        assert!(sessions.revoke(session(3).id, person(1).id, at(30)).await.unwrap());
        assert!(!sessions.revoke(session(3).id, person(1).id, at(31)).await.unwrap());
        assert!(!sessions.find(session(3).id).await.unwrap().unwrap().is_live(at(30)));
        assert_eq!(live(at(40)).await, [1, 2]);
        assert_eq!(sessions.revoke_all(person(1).id, at(50)).await.unwrap(), 2);
        assert!(live(at(60)).await.is_empty());
        assert_eq!(sessions.forget_ended(at(40)).await.unwrap(), 1);
        assert_eq!(sessions.find(session(3).id).await.unwrap(), None);
    }

    async fn an_account_has_one_address_on_the_whole_server(bed) {
        let accounts = bed.store.representatives();
        accounts.create(&account(1, "Mara@Lumen.example")).await.unwrap();
        let found = accounts.find_by_email("MARA@lumen.example").await.unwrap().unwrap();
        assert_eq!((found.id, found.email.as_str()), (person(1).id, "mara@lumen.example"));
        let twice = accounts.create(&account(2, "mara@lumen.EXAMPLE")).await;
        assert!(matches!(twice, Err(SaveError::Taken { what: "e-mail address" })));
        assert!(accounts.set_disabled(person(1).id, Some(at(5))).await.unwrap());
        assert!(accounts.set_password_hash(person(1).id, "new").await.unwrap());
        assert!(accounts.rename(person(1).id, "Mara B.").await.unwrap());
        let found = accounts.find(person(1).id).await.unwrap().unwrap();
        assert_eq!((found.disabled_at, found.password_hash.as_str()), (Some(at(5)), "new"));
        assert_eq!(found.display_name, "Mara B.");
        assert!(accounts.set_disabled(person(1).id, None).await.unwrap());
        assert!(!accounts.set_disabled(person(9).id, None).await.unwrap());
        accounts.create(&account(3, "abe@lumen.example")).await.unwrap();
        let names = accounts.of_brand(&brand()).await.unwrap().into_iter().map(|account| account.display_name);
        assert_eq!(names.collect::<Vec<_>>(), ["Mara 3", "Mara B."]);
    }

    async fn a_ready_made_text_has_a_shortcut_of_its_own(bed) {
        let replies = bed.store.canned_replies();
        replies.save(&brand(), &canned_reply(1, "thanks")).await.unwrap();
        replies.save(&brand(), &canned_reply(1, "danke")).await.unwrap();
        let taken = replies.save(&brand(), &canned_reply(2, "danke")).await;
        assert!(matches!(taken, Err(SaveError::Taken { what: "shortcut" })));
        replies.save(&"other".parse().unwrap(), &canned_reply(2, "danke")).await.unwrap();
        assert_eq!(replies.of_brand(&brand()).await.unwrap(), [canned_reply(1, "danke")]);
        for number in 1..CANNED_REPLIES_MAX as u64 {
            replies.save(&brand(), &canned_reply(number + 10, &format!("s-{number}"))).await.unwrap();
        }
        let full = replies.save(&brand(), &canned_reply(9_999, "one-more")).await;
        assert!(matches!(full, Err(SaveError::Full { limit: CANNED_REPLIES_MAX })));
        replies.save(&brand(), &canned_reply(1, "still-changes")).await.unwrap();
        assert!(replies.delete(&brand(), message_id(1)).await.unwrap());
        assert!(!replies.delete(&brand(), message_id(1)).await.unwrap());
    }

    async fn a_device_link_is_spent_once(bed) {
        let links = bed.store.device_links();
        let link = |number: u8| DeviceLinkRecord {
            secret_hash: [number; 32],
            brand: brand(),
            visitor: visitor(1),
            created_at: at(0),
            expires_at: at(300),
        };
        links.create(&link(1)).await.unwrap();
        links.create(&link(2)).await.unwrap();
        let redeem = async |number: u8, now| links.redeem(&brand(), [number; 32], now).await.unwrap();
        assert_eq!(links.redeem(&"other".parse().unwrap(), [1; 32], at(1)).await.unwrap(), None);
        let tries = futures_util::future::join_all((0..5).map(|_| redeem(1, at(1)))).await;
        assert_eq!(tries.into_iter().flatten().collect::<Vec<_>>(), [link(1)]);
        assert_eq!(redeem(1, at(2)).await, None);
        assert_eq!(redeem(2, at(300)).await, None, "it is over");
        assert_eq!(redeem(3, at(1)).await, None, "there is none such");
        assert_eq!(links.forget_ended(at(301)).await.unwrap(), 2);
    }

    async fn a_brand_keeps_settings_keys_logo_and_proofs(bed) {
        let brands = bed.store.brands();
        brands.save(&brand(), "{}", at(1)).await.unwrap();
        brands.save(&brand(), r#"{"name":"Lumen"}"#, at(2)).await.unwrap();
        brands.save(&"atelier".parse().unwrap(), "{}", at(3)).await.unwrap();
        let all = brands.all().await.unwrap();
        assert_eq!(all.iter().map(|brand| brand.id.as_str()).collect::<Vec<_>>(), ["atelier", "lumen"]);
        let found = brands.find(&brand()).await.unwrap().unwrap();
        assert_eq!((found.created_at, found.updated_at), (at(1), at(2)));
        assert_eq!(found.settings, r#"{"name":"Lumen"}"#);
        // Whoever compares sees a change even where the clock stands still or goes back.
        let mut seen = found.updated_at;
        for now in [at(2), at(1), at(2)] {
            brands.touch(&brand(), now).await.unwrap();
            let updated_at = brands.find(&brand()).await.unwrap().unwrap().updated_at;
            assert!(updated_at > seen);
            seen = updated_at;
        }

        assert_eq!(brands.logo(&brand()).await.unwrap(), None);
        brands.set_logo(&brand(), Some(&[0, 1, 255]), at(3)).await.unwrap();
        assert_eq!(brands.logo(&brand()).await.unwrap(), Some(vec![0, 1, 255]));

        let key = |id: &str, created_at| BrandKey { id: id.into(), sealed: vec![7; 48], created_at, retired_at: None };
        brands.add_key(&brand(), &key("old", at(1))).await.unwrap();
        brands.add_key(&brand(), &key("new", at(2))).await.unwrap();
        assert!(brands.add_key(&"nobody".parse().unwrap(), &key("x", at(1))).await.is_err());
        brands.retire_key(&brand(), "old", at(3)).await.unwrap();
        let old = BrandKey { retired_at: Some(at(3)), ..key("old", at(1)) };
        assert_eq!(brands.keys(&brand()).await.unwrap(), [key("new", at(2)), old]);

        for number in 1..=3 {
            // The clock may stand still or go back: the order is that of recording.
            let proof = BrandProof { at: at(9), finding: number.to_string() };
            brands.record_proof(&brand(), &proof).await.unwrap();
        }
        let proofs = brands.proofs(&brand(), 2).await.unwrap();
        assert_eq!(proofs.iter().map(|proof| proof.finding.as_str()).collect::<Vec<_>>(), ["3", "2"]);
        brands.record_proof(&"atelier".parse().unwrap(), &BrandProof { at: at(9), finding: "only".into() }).await.unwrap();
        assert_eq!(brands.forget_proofs(2).await.unwrap(), 1);
        assert_eq!(brands.proofs(&brand(), 9).await.unwrap().len(), 2);
        assert_eq!(brands.proofs(&"atelier".parse().unwrap(), 9).await.unwrap().len(), 1, "each brand for itself");
    }
}
