use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Wire, from_str, to_string};
use crate::api::{DeviceLink, OpenVisitorSession, VisitorSession};
use crate::json::wire;
use crate::{ClientFrame, Problem, ServerFrame, Submission};

/// Every kind of value that the wire knows, in frames that both sides send.
const FRAMES: [&str; 7] = [
    r#"{"entries":{"conversation":"01900000-0000-7000-8000-000000000008","entries":[{"sequence":18446744073709551615,"id":"01900000-0000-7000-8000-000000000001","at":-5,"author":{"representative":{"id":"01900000-0000-7000-8000-000000000002","representativeType":"BOT","displayName":"Lumi"}},"body":{"message":{"content":{"text":"a\"b\\c\n\t\u0001é😀/"},"suggestions":[{"reply":{"text":"Yes","postbackData":"y"}},{"liveAgentRequest":{}}]}}}]}}"#,
    r#"{"followed":{"conversation":"01900000-0000-7000-8000-000000000008","head":0,"owner":{"queue":{}},"isClosed":false,"watermarks":[{"participant":"01900000-0000-7000-8000-000000000002","isVisitor":true,"delivered":1,"read":0}]}}"#,
    r#"{"goodbye":{"reason":"too-slow","retryAfterMs":2000}}"#,
    r#"{"refused":{"conversation":"01900000-0000-7000-8000-000000000008","id":"01900000-0000-7000-8000-000000000001","problem":{"type":"/problems/x","title":"No","status":403}}}"#,
    r#"{"fromTheFuture":{"deep":[1.5e+3,-0.1,null,true,{"a":[[]]}]}}"#,
    r#"{"waiting":{"conversation":"01900000-0000-7000-8000-000000000008","before":2,"estimateMs":null,"isStaffed":true}}"#,
    r#" { "pong" : { "nonce" : 7 , "new" : [ ] } } "#,
];

#[track_caller]
fn agree<T: DeserializeOwned + Serialize + Wire + PartialEq>(text: &str) {
    let (ours, theirs) = (from_str::<T>(text).ok(), serde_json::from_str::<T>(text).ok());
    assert!(ours == theirs, "{}: {text}", if ours.is_some() { "only we accept" } else { "we differ" });
    if let Some(value) = ours {
        assert_eq!(Some(to_string(&value)), serde_json::to_string(&value).ok());
    }
}

#[test]
fn frames_are_read_and_written_as_serde_json_does() {
    for frame in FRAMES {
        assert!(from_str::<ServerFrame>(frame).is_ok(), "{frame}");
        agree::<ServerFrame>(frame);
    }
}

#[test]
fn what_is_no_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "{}",
        "[]",
        "nul",
        "{\"pong\":{\"nonce\":01}}",
        "{\"pong\":{\"nonce\":-1}}",
        "{\"pong\":{\"nonce\":1.0}}",
        "{\"pong\":{\"nonce\":1},}",
        "{\"pong\":{\"nonce\":1}} x",
        "{\"pong\":{\"nonce\":4294967296}}",
        "{\"pong\":{\"nonce\":}}",
        "{\"pong\":{\"nonce\" 1}}",
        "{\"x\":\"\\x\"}",
        "{\"x\":\"\u{1}\"}",
        "{\"x\":01}",
        "{\"x\":1.}",
        "{\"x\":.5}",
        "{\"x\":1e}",
    ] {
        assert!(from_str::<ServerFrame>(text).is_err(), "{text}");
        agree::<ServerFrame>(text);
    }
}

#[test]
fn half_a_character_is_no_text() {
    for words in ["\\ud800", "\\udc00", "\\ud800\\u0041", "\\ud800x", "\\u12"] {
        let text = ["{\"words\":\"", words, "\",\"at\":0,\"count\":0}"].concat();
        assert!(from_str::<Words>(&text).is_err(), "{text}");
        agree::<Words>(&text);
    }
}

#[test]
fn nesting_without_end_is_refused_and_does_not_overflow() {
    for depth in [100, 200, 100_000] {
        let text = ["{\"x\":", &"[".repeat(depth), &"]".repeat(depth), "}"].concat();
        assert_eq!(from_str::<ServerFrame>(&text).is_ok(), depth < 127);
    }
}

proptest! {
    #[test]
    fn changed_frames_are_judged_alike(index in 0..FRAMES.len(), at: prop::sample::Index, change in "[\\[\\]{}\":,0-9a-fn\\\\ .-]{0,3}") {
        let frame = FRAMES[index];
        let mut at = at.index(frame.len());
        while !frame.is_char_boundary(at) {
            at -= 1;
        }
        let after = frame[at..].chars().next().map_or(at, |char| at + char.len_utf8());
        let text = [&frame[..at], &change, &frame[after..]].concat();
        // `-0` is a fraction to serde_json, and structs may be arrays to it: see the module.
        prop_assume!(!text.contains("-0") && !text.contains(":[\"") && !text.contains(":[0") && !text.contains(":[1"));
        agree::<ServerFrame>(&text);
        agree::<ClientFrame>(&text);
    }

    #[test]
    fn any_words_survive(words in ".{0,40}", at: i64, count: u64) {
        prop_assert_eq!(from_str::<Words>(&serde_json::json!({"words": words, "at": at, "count": count}).to_string()), Ok(Words { words: words.clone(), at, count }));
        let written = to_string(&Words { words: words.clone(), at, count });
        prop_assert_eq!(serde_json::from_str::<Words>(&written).expect("JSON"), Words { words, at, count });
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}\":,0-9a-fnu\\\\ .-]{0,40}") {
        agree::<Problem>(&text);
        let _ = from_str::<Submission>(&text);
        let _ = from_str::<VisitorSession>(&text);
        let _ = from_str::<DeviceLink>(&text);
        let _ = from_str::<OpenVisitorSession>(&text);
    }
}

#[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
struct Words {
    words: String,
    at: i64,
    count: u64,
}
wire!(struct Words { words, at, count });
