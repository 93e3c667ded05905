//! Uploads, and the files that they became.

use portico_protocol::{MediaId, Problem};
use portico_store::{KeptMedia, MediaOutcome, MediaRecord, MediaUsage, SaveError};

use crate::bed::*;

fn upload(number: u8) -> MediaRecord {
    MediaRecord {
        id: MediaId::from_bytes([number; 16]),
        brand: brand(),
        conversation: visitor_record(1).conversation,
        participant: visitor(1),
        name: "Zähler.jpg".into(),
        bytes: 1_000,
        purpose: "image".into(),
        created_at: at(i64::from(number)),
        outcome: None,
    }
}

fn kept() -> KeptMedia {
    KeptMedia {
        received_at: at(40),
        kind: "image/jpeg".into(),
        kept_bytes: 800,
        sha256: [7; 32],
        sides: Some((640, 480)),
        placeholder: Some("data:image/png;base64,AAAA".into()),
    }
}

on_both! {
    async fn an_upload_ends_once_as_a_file_or_a_refusal(bed) {
        let media = bed.store.media();
        let (first, second) = (upload(1), upload(2));
        media.create(&first).await.unwrap();
        media.create(&second).await.unwrap();
        assert!(matches!(media.create(&first).await, Err(SaveError::Taken { .. })));
        assert_eq!(media.find(first.id).await.unwrap().as_ref(), Some(&first));
        assert_eq!(media.find(MediaId::from_bytes([9; 16])).await.unwrap(), None);

        let outcome = MediaOutcome::Kept(kept());
        assert!(media.end(first.id, "meter.jpg", &outcome, at(40)).await.unwrap());
        assert!(!media.end(first.id, "again.jpg", &outcome, at(41)).await.unwrap(), "it has ended");
        let found = media.find(first.id).await.unwrap().unwrap();
        assert_eq!((found.outcome, found.name.as_str()), (Some(outcome), "meter.jpg"));

        let refusal = MediaOutcome::Refused(Box::new(Problem::new("file-kind-refused", 415, "Refused")));
        assert!(media.end(second.id, "", &refusal, at(50)).await.unwrap());
        assert_eq!(media.find(second.id).await.unwrap().unwrap().outcome, Some(refusal));

        assert!(!media.cancel(first.id).await.unwrap(), "it is a file");
        assert!(media.cancel(second.id).await.unwrap());
        assert!(!media.cancel(second.id).await.unwrap());
    }

    async fn what_was_uploaded_in_a_day_is_counted(bed) {
        let media = bed.store.media();
        for number in 1..=4 {
            media.create(&upload(number)).await.unwrap();
        }
        let elsewhere = MediaRecord { conversation: visitor_record(2).conversation, ..upload(5) };
        media.create(&elsewhere).await.unwrap();
        media.end(upload(3).id, "a.jpg", &MediaOutcome::Kept(kept()), at(40)).await.unwrap();
        assert_eq!(media.count_open(visitor(1), at(0)).await.unwrap(), 4);
        assert_eq!(media.count_open(visitor(1), at(4)).await.unwrap(), 2);
        assert_eq!(media.count_open(visitor(2), at(0)).await.unwrap(), 0);
        let usage = media.usage(upload(1).conversation, at(2)).await.unwrap();
        assert_eq!(usage, MediaUsage { bytes: 3_000, since: Some(at(2)) });
        let usage = media.usage(visitor_record(3).conversation, at(0)).await.unwrap();
        assert_eq!(usage, MediaUsage { bytes: 0, since: None });
    }

    async fn what_was_never_finished_is_forgotten(bed) {
        let media = bed.store.media();
        for number in 1..=3 {
            media.create(&upload(number)).await.unwrap();
        }
        media.end(upload(1).id, "a.jpg", &MediaOutcome::Kept(kept()), at(40)).await.unwrap();
        assert_eq!(media.forget_unfinished(at(3)).await.unwrap(), [upload(2).id]);
        assert_eq!(media.forget_unfinished(at(3)).await.unwrap(), []);
        assert!(media.find(upload(1).id).await.unwrap().is_some(), "it became a file");
        assert!(media.find(upload(3).id).await.unwrap().is_some(), "it is not old");
    }
}
