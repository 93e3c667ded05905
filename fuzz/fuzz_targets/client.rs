//! A hostile server: whatever it sends, the client's core neither panics nor shows an id twice.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use portico_client::{Client, Input, Now, Relay};
use portico_protocol::participant::Visitor;
use portico_protocol::{Author, ConversationId, Moment, ParticipantId, Timestamp, codec};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

fuzz_target!(|text: &str| {
    let conversation = ConversationId::from_bytes([1; 16]);
    let me = Author::Visitor(Visitor { id: ParticipantId::from_bytes([2; 16]) });
    let mut client = Client::new(me, Box::new(ChaCha8Rng::seed_from_u64(7)));
    let at =
        |millis| Now { moment: Moment::from_millis(millis), wall: Timestamp::from_millis(1_795_392_000_000) };
    client.follow(at(0), conversation);
    client.start(at(0));
    client.handle(at(1), Input::Opened { ticket: String::new() });
    let _ = client.say(at(2), conversation, "hello");
    for (line, millis) in text.lines().zip((3_u64..).step_by(500)) {
        let now = at(millis);
        match line.split_at_checked(1) {
            Some(("r", relay)) => {
                if let Some(relay) = Relay::decode(relay) {
                    client.handle(now, Input::Relay(relay));
                }
            }
            Some(("k", kept)) => {
                let _ = client.restore("02020202-0202-0202-0202-020202020202/submission/x", kept);
            }
            Some(("o", ticket)) => client.handle(now, Input::Opened { ticket: ticket.into() }),
            Some(("c", _)) => client.handle(now, Input::Closed),
            Some(("w", _)) => client.handle(now, Input::Woken),
            Some(("f", text)) => {
                if let Ok(frame) = codec::decode_from_server(text) {
                    client.handle(now, Input::Frame { frame, text: text.into() });
                }
            }
            _ => client.handle(now, Input::Tick),
        }
        while client.poll_effect().is_some() {}
        while client.poll_event().is_some() {}
        let held = client.conversation(conversation).expect("it is followed to the end");
        let mut ids = BTreeSet::new();
        assert!(held.timeline().window(0..usize::MAX).all(|row| ids.insert(row.id)), "a row stands twice");
    }
});
