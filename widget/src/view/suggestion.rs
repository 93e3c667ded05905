//! Ready-made answers under the newest message.

use leptos::prelude::*;
use portico_protocol::{Suggestion, codec};
use portico_ui::dom;
use portico_ui::locale::{self, Key};
use web_sys::{Element, HtmlElement};

use super::follow;
use crate::chat::Visit;

/// The attribute that says which suggestion a chip is.
const INDEX: &str = "data-index";

/// A press counts once; what opens or dials has done so by itself.
pub(super) fn bring_to_life(root: &Element, chat: Visit) {
    let row = dom::find(root, ".suggestion-row");
    dom::on(&row, "click", move |event| {
        let index =
            dom::target(&event, ".chip").and_then(|chip| chip.get_attribute(INDEX)?.parse::<usize>().ok());
        let picked = index.and_then(|index| chat.suggestions.with_untracked(|all| all.get(index).cloned()));
        if let Some(suggestion) = picked {
            chat.pick(&suggestion);
        }
    });
    follow(move || {
        chat.suggestions.with(|suggestions| {
            dom::say(&row, "");
            dom::hide(&row, suggestions.is_empty());
            for (index, suggestion) in suggestions.iter().enumerate() {
                if let Some(chip) = chip(suggestion) {
                    dom::set(&chip, INDEX, &codec::encode(&(index as u32)));
                    let item = dom::make("li", "");
                    dom::append(&item, &chip);
                    dom::append(&row, &item);
                }
            }
        });
    });
}

fn chip(suggestion: &Suggestion) -> Option<HtmlElement> {
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
        // A newer server offers something that this build cannot do.
        Suggestion::Unknown => None,
    }
}
