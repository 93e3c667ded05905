//! Ready-made answers under the newest message.

use leptos::prelude::*;
use portico_protocol::codec;
use portico_ui::dom;
use portico_ui::suggestion::chip;
use web_sys::Element;

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
