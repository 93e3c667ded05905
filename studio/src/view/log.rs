//! The log of the open conversation, drawn by the views that the visitor's chat is drawn with.

use leptos::prelude::*;
use portico_ui::bubble::Act;
use portico_ui::row::{Bubble, Voice};
use portico_ui::{Delivery, MessageLog};

use super::glyph::{Glyph, Shape};
use crate::talk::Talk;

/// The log, with what only representatives can do beside each message.
#[component]
pub(crate) fn Log(talk: Talk) -> impl IntoView {
    let act = move |act| match act {
        Act::Retry(id) => talk.retry(id),
        Act::Discard(id) => talk.discard(id),
    };
    let extras = Callback::new(move |bubble: Bubble| view! { <BubbleActions talk bubble /> }.into_any());
    view! {
        <div class="talk-log">
            <MessageLog model=talk.log() on_older=move |()| talk.show_older() on_newer=move |()| talk.show_newer()
                on_newest=move |()| talk.show_newest() on_act=act extras>
                {None::<&str>}
            </MessageLog>
        </div>
    }
}

/// Rewriting one's own words; removing anybody's.
#[component]
fn BubbleActions(talk: Talk, bubble: Bubble) -> impl IntoView {
    let id = bubble.id;
    let is_unstored = matches!(bubble.delivery, Delivery::Sending | Delivery::Failed | Delivery::Refused);
    let is_stored = !bubble.is_redacted && !is_unstored;
    let may_edit = is_stored && bubble.is_own && bubble.voice == Voice::Human;
    let may_remove = is_stored && bubble.voice != Voice::Note;
    let edit = move || {
        view! {
            <button class="bubble-action" aria-label="Change this message" title="Change"
                on:click=move |_| talk.start_editing(id)><Glyph shape=Shape::Pencil /></button>
        }
    };
    let remove = move || {
        view! {
            <button class="bubble-action" aria-label="Remove the words of this message" title="Remove"
                on:click=move |_| talk.ask_to_redact(id)><Glyph shape=Shape::Bin /></button>
        }
    };
    (may_edit || may_remove).then(|| {
        view! {
            <span class="bubble-actions">{may_edit.then(edit)} {may_remove.then(remove)}</span>
        }
    })
}
