//! Lists, details and canned replies, each for one's own brand only.

use portico_protocol::api::{CannedReply, ConversationDetail, ConversationPage, InboxCounts};
use serde_json::{Value, json};

use crate::world::{ADA, RIVAL, World};

const REPLY: &str = "0193589a-0000-7000-8000-000000000001";

#[tokio::test]
async fn a_representative_sees_the_conversations_of_the_own_brand_alone() {
    let world = World::start().await;
    let cookie = world.sign_in(ADA).await;
    let page: ConversationPage = world.get("/api/v1/conversations?view=all", &cookie).await.json();
    let ids: Vec<_> = page.conversations.iter().map(|summary| summary.conversation).collect();
    assert_eq!(ids, [world.own]);
    assert_eq!(page.conversations[0].preview, "A word to lumen");
    assert_eq!(page.conversations[0].unread, 1);

    let detail = world.get(&format!("/api/v1/conversations/{}", world.own), &cookie).await;
    let detail: ConversationDetail = detail.json();
    assert_eq!(detail.visitor.time_zone.as_deref(), Some("Europe/Berlin"));
    let foreign = world.get(&format!("/api/v1/conversations/{}", world.foreign), &cookie).await;
    let nothing = world.get(&format!("/api/v1/conversations/{REPLY}"), &cookie).await;
    assert_eq!((foreign.status, nothing.status), (404, 404));
    assert_eq!(foreign.body, nothing.body, "a foreign conversation is told from none");
}

#[tokio::test]
async fn lists_are_searched_and_counted() {
    let world = World::start().await;
    let cookie = world.sign_in(ADA).await;
    let count = async |query: &str| {
        let page = world.get(&format!("/api/v1/conversations?{query}"), &cookie).await;
        page.json::<ConversationPage>().conversations.len()
    };
    assert_eq!(count("view=unassigned").await, 1, "without a bot it waits for a person");
    assert_eq!(count("view=mine").await, 0);
    assert_eq!(count("view=all&search=WORD+lumen").await, 1);
    assert_eq!(count("view=all&search=rival").await, 0, "words of another brand were found");
    assert_eq!(count("view=all&search=%25").await, 0, "a percent sign is a sign");
    let counts: InboxCounts = world.get("/api/v1/inbox-counts", &cookie).await.json();
    assert_eq!(counts, InboxCounts { unassigned: 1, mine: 0, mine_unread: 0, all: 1 });
}

#[tokio::test]
async fn a_query_that_is_not_understood_says_what_would_be() {
    let world = World::start().await;
    let cookie = world.sign_in(ADA).await;
    for query in ["", "view=everything", "view=all&withClosed=perhaps", "view=all&cursor=7"] {
        let answer = world.get(&format!("/api/v1/conversations?{query}"), &cookie).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "invalid"), "{query}: {}", answer.body);
    }
    let long = "a".repeat(201);
    let answer = world.get(&format!("/api/v1/conversations?view=all&search={long}"), &cookie).await;
    let problem: Value = answer.json();
    assert_eq!((problem["limit"].as_u64(), problem["found"].as_u64()), (Some(200), Some(201)));
}

#[tokio::test]
async fn canned_replies_are_the_brands_own_and_checked() {
    let world = World::start().await;
    let (ada, rolf) = (world.sign_in(ADA).await, world.sign_in(RIVAL).await);
    let path = format!("/api/v1/canned-replies/{REPLY}");
    let reply =
        |shortcut: &str, text: &str| json!({"id": REPLY, "shortcut": shortcut, "text": text}).to_string();
    for (shortcut, text) in [("", "words"), ("two words", "words"), ("ünï", "words"), ("returns", "  ")] {
        assert_eq!(
            world.change("PUT", &path, &ada, &reply(shortcut, text)).await.status,
            400,
            "{shortcut:?}"
        );
    }
    assert_eq!(world.change("PUT", &path, &ada, &reply("returns", "30 days")).await.status, 204);
    assert_eq!(world.change("PUT", &path, &ada, &reply("returns", "60 days")).await.status, 204);
    let replies: Vec<CannedReply> = world.get("/api/v1/canned-replies", &ada).await.json();
    assert_eq!(replies.iter().map(|reply| reply.text.as_str()).collect::<Vec<_>>(), ["60 days"]);
    assert_eq!(world.get("/api/v1/canned-replies", &rolf).await.body, "[]");

    let other = "0193589a-0000-7000-8000-000000000002";
    let body = json!({"id": other, "shortcut": "returns", "text": "again"}).to_string();
    let taken = world.change("PUT", &format!("/api/v1/canned-replies/{other}"), &ada, &body).await;
    assert_eq!((taken.status, taken.problem().as_str()), (409, "shortcut-taken"));

    assert_eq!(world.change("DELETE", &path, &rolf, "").await.status, 204);
    assert_ne!(world.get("/api/v1/canned-replies", &ada).await.body, "[]", "another brand deleted it");
    assert_eq!(world.change("DELETE", &path, &ada, "").await.status, 204);
    assert_eq!(world.get("/api/v1/canned-replies", &ada).await.body, "[]");
}

#[tokio::test]
async fn the_document_is_the_same_for_every_screen_and_stands_in_no_frame() {
    let world = World::start().await;
    for path in ["/studio", "/studio/sessions", "/studio/conversations/anything"] {
        let answer = world.get(path, "").await;
        // Without built apps it says so; either way it is a page of the studio.
        assert!(matches!(answer.status, 200 | 503), "{path}: {}", answer.head);
        if answer.status == 200 {
            assert!(answer.head.contains("frame-ancestors 'none'"), "{}", answer.head);
            assert!(!answer.body.contains("<script>"), "an inline script");
        }
    }
}
