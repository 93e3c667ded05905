//! One open conversation: the bar above it, what everybody should notice, and the log.

use leptos::prelude::*;
use portico_protocol::{ConversationId, Owner};

use super::composer::DeskComposer;
use super::face::Face;
use super::glyph::{Glyph, Shape};
use super::log::Log;
use super::menu::{Item, Menu, label};
use super::panel::Panel;
use crate::desk::Desk;
use crate::route::Route;
use crate::talk::Talk;
use crate::words;

/// The conversation, its composer and what is known about the visitor.
#[component]
pub(crate) fn TalkView(
    /// Which conversation.
    id: ConversationId,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let talk = desk.open(id);
    view! {
        <div class="talk" data-details=move || desk.shows_details().get().then_some("")>
            <div class="middle">
                <TalkBar talk />
                <Strips talk />
                <Log talk />
                <TypingLine talk />
                <DeskComposer talk />
            </div>
            <Show when=move || desk.shows_details().get()>
                <Panel talk />
            </Show>
        </div>
    }
}

#[component]
fn TalkBar(talk: Talk) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let name = talk.visitor_name();
    view! {
        <header class="talk-bar">
            <button class="icon-button back" aria-label="Back to the list" on:click=move |_| desk.go(Route::Inbox)>
                <Glyph shape=Shape::Back />
            </button>
            <Face name is_online=talk.visitor_is_online() />
            <div class="who">
                <h1 id="talk-name" tabindex="-1" dir="auto">{name}</h1>
                <p>{move || standing(talk, desk)}</p>
            </div>
            <Actions talk />
        </header>
    }
}

/// Whether the visitor is there, and who answers: `Online · Bot answers`.
fn standing(talk: Talk, desk: Desk) -> String {
    let presence = if talk.visitor_is_online().get() { "Online" } else { "Offline" };
    let me = desk.me().participant;
    let answers = match (talk.is_closed().get(), &*talk.owner().read()) {
        (true, _) => "closed".to_owned(),
        (_, Some(Owner::Bot(_))) => "the bot answers".to_owned(),
        (_, Some(Owner::Queue(_))) => match talk.waiting_since().get() {
            Some(since) => {
                let waited = desk.now().get().as_millis() - since.as_millis();
                format!("has waited {}", words::long_span(waited))
            }
            None => "nobody answers yet".to_owned(),
        },
        (_, Some(Owner::Human(person))) if person.id == me => "you answer".to_owned(),
        (_, Some(Owner::Human(person))) => format!("{} answers", person.display_name),
        (_, Some(Owner::Unknown) | None) => return presence.to_owned(),
    };
    format!("{presence} · {answers}")
}

#[component]
fn Actions(talk: Talk) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let is_mine = talk.is_mine();
    let is_closed = talk.is_closed();
    let close_label = move || if is_closed.get() { "Open again" } else { "Close" };
    view! {
        <div class="actions">
            <Show when=move || is_mine.get()>
                <button class="button wide" on:click=move |_| talk.hand_back()>"Hand back to bot" <kbd aria-hidden="true">{"b"}</kbd></button>
            </Show>
            <Show when=move || !is_closed.get()>
                <button class="button wide" on:click=move |_| talk.close()>"Close" <kbd aria-hidden="true">{"e"}</kbd></button>
            </Show>
            <Show when=move || is_closed.get()>
                <button class="button wide" on:click=move |_| talk.reopen()>"Open again" <kbd aria-hidden="true">{"e"}</kbd></button>
            </Show>
            <Show when=move || !is_mine.get() && !is_closed.get()>
                <button class="button" data-kind="primary" on:click=move |_| talk.take_over()>"Take over" <kbd aria-hidden="true">{"t"}</kbd></button>
            </Show>
            <span class="narrow">
                <Menu label="Conversation actions" shape=Shape::More>
                    <Show when=move || is_mine.get()>
                        <Item label=label("Hand back to bot") shape=Shape::Return key="b" on_press=move |()| talk.hand_back() />
                    </Show>
                    <Item label=Signal::derive(move || close_label().to_owned()) shape=Shape::Closed key="e"
                        on_press=move |()| talk.close_or_reopen() />
                </Menu>
            </span>
            <button class="icon-button" aria-label="About the visitor" title="About the visitor (d)"
                aria-pressed=move || desk.shows_details().get().to_string() on:click=move |_| desk.toggle_details()>
                <Glyph shape=Shape::Panel />
            </button>
        </div>
    }
}

/// What must be noticed before one writes: that a colleague is here, too.
#[component]
fn Strips(talk: Talk) -> impl IntoView {
    let viewers = talk.viewers();
    let text = move || {
        let viewers = viewers.read();
        let names: Vec<&str> = viewers.iter().map(|viewer| viewer.display_name.as_str()).collect();
        let typing = talk.typing_colleagues().get();
        match (&names[..], &typing[..]) {
            (_, [name, ..]) => Some((format!("{name} is writing here right now"), "collision")),
            ([], []) => None,
            ([name], []) => Some((format!("{name} is looking at this conversation, too"), "presence")),
            ([first, rest @ ..], []) => {
                let others = words::counted(i64::try_from(rest.len()).unwrap_or(i64::MAX), "other");
                Some((format!("{first} and {others} are looking at this conversation, too"), "presence"))
            }
        }
    };
    view! {
        <div role="status">
            {move || text().map(|(text, kind)| view! {
                <p class="strip" data-kind=kind><Glyph shape=Shape::Eyes />{text}</p>
            })}
        </div>
    }
}

#[component]
fn TypingLine(talk: Talk) -> impl IntoView {
    let name = talk.visitor_name();
    view! {
        <p class="typing-line" role="status">
            {move || talk.visitor_is_typing().get().then(|| format!("{} is typing…", name.get()))}
        </p>
    }
}
