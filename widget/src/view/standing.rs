//! How the chat stands: who answers, how the connection is, who types, what went wrong. Small and quiet lines.

use leptos::prelude::*;
use portico_protocol::boot::Boot;
use portico_ui::dom;
use portico_ui::locale::{self, Key};
use web_sys::Element;

use super::follow;
use crate::chat::{Phase, Visit};

pub(super) fn bring_to_life(root: &Element, chat: Visit, boot: &Boot) {
    let answerer = dom::find(root, ".answerer");
    follow(move || chat.answerer.with(|line| dom::say(&answerer, line)));

    let typing = dom::find(root, ".typing-row");
    follow(move || {
        chat.typist.with(|line| {
            dom::say(&typing, line);
            dom::hide(&typing, line.is_empty());
        });
    });

    // Why the last thing that the visitor wanted did not happen.
    let complaint = dom::find(root, ".complaint");
    follow(move || chat.complaint.with(|line| dom::say(&complaint, line)));

    // A blink of the network is not worth a word: this line comes late (`chat.css`).
    let status = dom::find(root, ".status-line");
    follow(move || {
        let key = match chat.phase.get() {
            Phase::Opening => Key::Connecting,
            Phase::Offline => Key::Offline,
            Phase::Reconnecting => Key::Reconnecting,
            _ => return status.set_class_name("status-line"),
        };
        dom::say(&status, &locale::text(key));
        status.set_class_name("status-line shown");
    });

    continuing(root, chat, boot.display_name.clone());
}

/// Instead of the conversation: a question, before a link from another device is used up, or an ending. Scanners and
/// previews open links by themselves: only a press does anything.
fn continuing(root: &Element, chat: Visit, name: String) {
    let (section, conversation) = (dom::find(root, ".continuing"), dom::find(root, ".conversation"));
    let (title, detail) = (dom::find(&section, "h2"), dom::find(&section, "p"));
    let button = dom::find(&section, "button");
    dom::on(&button, "click", move |_| match chat.phase.get_untracked() {
        Phase::AsksToContinue => chat.continue_here(),
        _ => chat.start_here(),
    });
    follow(move || {
        let words = match chat.phase.get() {
            Phase::AsksToContinue => Some((Key::ContinueHere, Key::ContinueHereDetail, Key::Continue)),
            Phase::Ended => Some((Key::Ended, Key::EndedDetail, Key::StartHere)),
            Phase::LinkIsSpent => Some((Key::LinkSpent, Key::LinkSpentDetail, Key::StartHere)),
            _ => None,
        };
        dom::hide(&section, words.is_none());
        dom::hide(&conversation, words.is_some());
        if let Some((head, body, act)) = words {
            dom::say(&title, &locale::text(head));
            dom::say(&detail, &locale::fill(body, "name", &name));
            dom::say(&button, &locale::text(act));
        }
    });
}
