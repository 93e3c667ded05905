//! Where one writes.

use portico_protocol::limit::TEXT_CHARS_MAX;
use portico_ui::dom;
use portico_ui::locale::{self, Key};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlTextAreaElement, KeyboardEvent};

use super::root;
use crate::chat::Visit;

/// From this many characters left on, the writer is told how many.
const WARN_WITHIN: usize = 200;

/// The field that grows with what is written, and the button that sends it. Enter sends, Shift and Enter
/// breaks the line, and an Enter that chooses among an input method's candidates does neither.
///
/// What is written lies in the field alone: what somebody wrote there before this code came is a draft like any.
pub(crate) struct Composer {
    field: HtmlTextAreaElement,
    /// As tall as the text; the field fills it. No height is ever measured by script.
    mirror: HtmlElement,
    button: HtmlElement,
    remaining: HtmlElement,
}

impl Composer {
    pub(crate) fn find() -> Self {
        let root = root();
        Self {
            field: dom::find(&root, "textarea").unchecked_into(),
            mirror: dom::find(&root, ".composer-field"),
            button: dom::find(&root, ".send-button"),
            remaining: dom::find(&root, ".composer-remaining"),
        }
    }

    pub(super) fn attach(&self, root: &Element, chat: Visit) {
        dom::on(&self.field, "keydown", move |event| {
            let key: &KeyboardEvent = event.unchecked_ref();
            // WebKit reports the Enter that ends a composition as key code 229, after the composition.
            let composes = key.is_composing() || key.key_code() == 229;
            if key.key() == "Enter" && !key.shift_key() && !composes {
                event.prevent_default();
                chat.composer.send(chat);
            }
        });
        dom::on(&dom::find(root, ".composer"), "submit", move |event| {
            event.prevent_default();
            chat.composer.send(chat);
            chat.composer.focus();
        });
        dom::on(&self.field, "input", move |_| {
            chat.composer.written();
            chat.typed(&chat.composer.text());
        });
        self.written();
    }

    /// Puts the cursor into the field.
    pub(crate) fn focus(&self) {
        self.field.focus().ok();
    }

    /// What is written at the moment.
    pub(crate) fn text(&self) -> String {
        self.field.value()
    }

    /// Replaces what is written, with the cursor behind it. Nothing is sent.
    pub(crate) fn set_text(&self, text: &str) {
        self.field.set_value(text);
        self.written();
    }

    fn send(&self, chat: Visit) {
        let text = self.text();
        let words = text.trim();
        // What is not taken stays in the field.
        if !words.is_empty() && chars_left(&text) >= 0 && chat.say(words) {
            self.set_text("");
        }
    }

    fn written(&self) {
        let text = self.text();
        let left = chars_left(&text);
        let count = left.unsigned_abs();
        let remaining = match left {
            ..0 => locale::count(Key::TooLong, count),
            _ if count as usize <= WARN_WITHIN => locale::count(Key::CharactersLeft, count),
            _ => String::new(),
        };
        let can_send = left >= 0 && !text.trim().is_empty();
        dom::set(&self.mirror, "data-text", &text);
        dom::set(&self.button, "aria-disabled", if can_send { "false" } else { "true" });
        dom::say(&self.remaining, &remaining);
        let class = if left < 0 { "composer-remaining exceeded" } else { "composer-remaining" };
        self.remaining.set_class_name(class);
    }
}

/// Negative: so many too many.
fn chars_left(text: &str) -> i32 {
    // A text has at most as many code points as bytes: short ones need no counting.
    let length = if text.len() + WARN_WITHIN < TEXT_CHARS_MAX { text.len() } else { text.chars().count() };
    TEXT_CHARS_MAX as i32 - length as i32
}
