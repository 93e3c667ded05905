//! Frames from a hostile client: both JSON engines agree on them, and what is understood survives the wire.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portico_protocol::json::Wire;
use portico_protocol::{ClientFrame, ServerFrame, Submission, SubmissionBody, codec, json};
use serde::Serialize;
use serde::de::DeserializeOwned;

fuzz_target!(|text: &str| {
    agree::<ClientFrame>(text);
    agree::<ServerFrame>(text);
    if let Some(Submission { body: SubmissionBody::Message(message), .. }) = agree::<Submission>(text) {
        let _ = message.check();
    }
});

fn agree<T: DeserializeOwned + Serialize + Wire + PartialEq>(text: &str) -> Option<T> {
    let (small, large) = (json::from_str::<T>(text).ok(), serde_json::from_str::<T>(text).ok());
    assert!(small == large, "the browser's engine and the server's read it differently");
    let value = large?;
    let written = codec::encode(&value);
    assert!(json::to_string(&value) == written, "they write it differently");
    // What is unknown is written as nothing at all, and comes back as an error: never as something else.
    if let Ok(again) = codec::decode_from_server::<T>(&written) {
        assert!(again == value, "it came back as something else");
    }
    Some(value)
}
