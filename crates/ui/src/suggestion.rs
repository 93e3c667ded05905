//! Something to tap.

use portico_protocol::Suggestion;
use web_sys::HtmlElement;

use crate::dom;
use crate::locale::{self, Key};

/// The button or link for `suggestion`; none for what a newer server offers and this build cannot do.
#[must_use]
pub fn chip(suggestion: &Suggestion) -> Option<HtmlElement> {
    let button = |label: &str| {
        let button = dom::make_saying("button", "chip", label);
        dom::set(&button, "type", "button");
        button
    };
    match suggestion {
        Suggestion::Reply(reply) => Some(button(&reply.text)),
        Suggestion::LiveAgentRequest(_) => Some(button(&locale::text(Key::TalkToPerson))),
        Suggestion::Action(action) => {
            let dialled = action.dial_action.as_ref().map(|dial| ["tel:", &dial.phone_number].concat());
            let address = action.open_url_action.as_ref().map(|open| open.url.clone()).or(dialled)?;
            let link = dom::make_saying("a", "chip", &action.text);
            dom::set(&link, "href", &address);
            dom::set(&link, "target", "_blank");
            dom::set(&link, "rel", "noopener noreferrer");
            Some(link)
        }
        Suggestion::Unknown => None,
    }
}
