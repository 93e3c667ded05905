//! Flow files written in haste: every mistake is told, none makes the server fall.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portico_flow::Flow;

fuzz_target!(|text: &str| {
    match Flow::parse(text) {
        Ok(flow) => {
            let _ = (flow.greeting("de-AT"), flow.language_for("ar"));
        }
        Err(errors) => assert!(!errors.to_string().is_empty(), "a refusal without a reason"),
    }
});
