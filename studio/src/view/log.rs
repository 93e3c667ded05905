//! The log of the open conversation, drawn by the views that the visitor's chat is drawn with.

use leptos::html::Div;
use leptos::prelude::*;
use portico_ui::bubble::Act;
use portico_ui::row::{Bubble, Voice};
use portico_ui::{Delivery, LogReader, dom};
use web_sys::HtmlElement;

use super::glyph::Shape;
use crate::talk::Talk;

/// The log, with what only representatives can do beside each message.
#[component]
pub(crate) fn Log(talk: Talk) -> impl IntoView {
    let frame = NodeRef::<Div>::new();
    frame.on_load(move |frame| talk.log().attach(&frame, Box::new(Reader(talk))));
    view! {
        <div class="talk-log">
            <div class="message-log-frame" node_ref=frame>
                <div class="message-log" role="log" aria-live="off" aria-label={"Conversation"} tabindex="0">
                    <div class="loading-older" hidden>{"Loading older messages…"}</div>
                    <ol class={"log-rows"}></ol>
                </div>
                <button type="button" class="jump-button" aria-label="Jump to the newest message" hidden>
                    <super::glyph::Glyph shape=Shape::Down />
                    <span hidden>{"New messages"}</span>
                </button>
                <div class={"visually-hidden announcer"} aria-live="polite"></div>
            </div>
        </div>
    }
}

struct Reader(Talk);

impl LogReader for Reader {
    fn wants_older(&self) {
        self.0.show_older();
    }

    fn wants_newer(&self) {
        self.0.show_newer();
    }

    fn wants_newest(&self) {
        self.0.show_newest();
    }

    fn act(&self, act: Act) {
        match act {
            Act::Retry(id) => self.0.retry(id),
            Act::Discard(id) => self.0.discard(id),
        }
    }

    /// Rewriting one's own words; removing anybody's.
    fn extras(&self, bubble: &Bubble) -> Option<HtmlElement> {
        let (talk, id) = (self.0, bubble.id);
        let is_unstored = matches!(bubble.delivery, Delivery::Sending | Delivery::Failed | Delivery::Refused);
        let is_stored = !bubble.is_redacted && !is_unstored;
        let may_edit = is_stored && bubble.is_own && bubble.voice == Voice::Human;
        let may_remove = is_stored && bubble.voice != Voice::Note;
        if !may_edit && !may_remove {
            return None;
        }
        let actions = dom::make("span", "bubble-actions");
        if may_edit {
            let edit = button("Change this message", "Change", Shape::Pencil);
            dom::on(&edit, "click", move |_| talk.start_editing(id));
            dom::append(&actions, &edit);
        }
        if may_remove {
            let remove = button("Remove the words of this message", "Remove", Shape::Bin);
            dom::on(&remove, "click", move |_| talk.ask_to_redact(id));
            dom::append(&actions, &remove);
        }
        Some(actions)
    }
}

fn button(label: &str, title: &str, shape: Shape) -> HtmlElement {
    let button = dom::make("button", "bubble-action");
    for (name, value) in [("type", "button"), ("aria-label", label), ("title", title)] {
        dom::set(&button, name, value);
    }
    dom::append(&button, &shape.draw());
    button
}
