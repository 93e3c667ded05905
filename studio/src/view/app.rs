//! The whole: door or desk, what is said over both, and the keyboard.

use leptos::ev::KeyboardEvent;
use leptos::html::Input;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::glyph::{Glyph, Shape};
use super::inbox::Inbox;
use super::page::{Dialog, RepliesPage, SessionsPage};
use super::sign_in::SignInPage;
use super::talk::TalkView;
use crate::desk::{Desk, Link};
use crate::door::{Door, Stage};
use crate::route::Route;
use crate::shortcut::{Press, SHEET, Shortcut, shortcut};

/// The studio.
#[component]
pub(crate) fn App() -> impl IntoView {
    let door = Door::open();
    move || {
        match door.stage().get() {
        Stage::Asking => ().into_any(),
        Stage::Unreachable => view! { <Unreachable door /> }.into_any(),
        Stage::Outside => view! {
            <SignInPage problem=door.problem() is_busy=door.is_busy() on_submit=move |form| door.sign_in(form) />
        }.into_any(),
        Stage::Inside(me) => {
            provide_context(Desk::new(*me, door));
            view! { <DeskPage /> }.into_any()
        }
    }
    }
}

#[component]
fn Unreachable(door: Door) -> impl IntoView {
    view! {
        <main class="nothing-open" role="alert">
            <Glyph shape=Shape::Tray />
            <h2>{"Portico cannot be reached"}</h2>
            <p>{"Check your connection. Nothing is lost: what visitors write waits on the server."}</p>
            <button class="button" on:click=move |_| door.ask()>{"Try again"}</button>
        </main>
    }
}

#[component]
fn DeskPage() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let search = NodeRef::<Input>::new();
    let route = Memo::new(move |_| desk.route().get());
    let keys = window_event_listener(leptos::ev::keydown, move |event| on_key(desk, search, &event));
    on_cleanup(move || keys.remove());
    let screen = move || match route.get() {
        Route::Inbox => view! { <NothingOpen /> }.into_any(),
        Route::Conversation(id) => view! { <TalkView id /> }.into_any(),
        Route::Replies => view! { <RepliesPage /> }.into_any(),
        Route::Sessions => view! { <SessionsPage /> }.into_any(),
    };
    view! {
        <main class="desk" data-shows=move || if route.get() == Route::Inbox { "list" } else { "screen" }>
            <Connection />
            <Inbox search_field=search />
            <div class="screen">{screen}</div>
        </main>
        <Toasts />
        <Show when=move || desk.shows_help().get()><Help /></Show>
        <Show when=move || desk.redacting().read().is_some()><ConfirmRedaction /></Show>
    }
}

#[component]
fn NothingOpen() -> impl IntoView {
    view! {
        <div class="nothing-open">
            <Glyph shape=Shape::Bubble />
            <h2>{"No conversation open"}</h2>
            <p>"Choose one from the list. " <kbd>{"j"}</kbd> " and " <kbd>{"k"}</kbd> " move, " <kbd>{"Enter"}</kbd> " opens, " <kbd>{"?"}</kbd> " shows all keys."</p>
        </div>
    }
}

/// One quiet line while the connection is away. Nothing typed is lost meanwhile, and it says so.
#[component]
fn Connection() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <div role="status">
            {move || (desk.link().get() == Link::Away).then(|| view! {
                <p class="connection">
                    "Reconnecting. What you send meanwhile is kept and goes out by itself."
                    <button class="button" on:click=move |_| desk.reconnect()>{"Try now"}</button>
                </p>
            })}
        </div>
    }
}

#[component]
fn Toasts() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <div class="toasts" role="status">
            {move || desk.toast().get().map(|text| view! {
                <p class="toast">
                    {text}
                    <button class="icon-button" aria-label="Dismiss" on:click=move |_| desk.dismiss_toast()><Glyph shape=Shape::Cross /></button>
                </p>
            })}
        </div>
    }
}

#[component]
fn Help() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let line = |(keys, meaning): (&'static str, &'static str)| {
        let keys = keys.split_whitespace().map(|key| view! { <kbd>{key}</kbd>" " }).collect_view();
        view! { <dt>{keys}</dt><dd>{meaning}</dd> }
    };
    view! {
        <Dialog title="Keyboard shortcuts" on_close=move |()| desk.hide_help()>
            <dl class="keys">{SHEET.into_iter().map(line).collect_view()}</dl>
        </Dialog>
    }
}

#[component]
fn ConfirmRedaction() -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <Dialog title="Remove these words?" on_close=move |()| desk.redact(false)>
            <p>{"They disappear for the visitor and for your colleagues, and are erased from storage. This cannot be undone; that something was removed stays visible."}</p>
            <div class="actions">
                <button class="button" on:click=move |_| desk.redact(false)>{"Keep them"}</button>
                <button class="button" data-kind="danger" on:click=move |_| desk.redact(true)>{"Remove for good"}</button>
            </div>
        </Dialog>
    }
}

fn on_key(desk: Desk, search: NodeRef<Input>, event: &KeyboardEvent) {
    let target = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    let is_in = |selector: &str| {
        target.as_ref().is_some_and(|target| target.closest(selector).ok().flatten().is_some())
    };
    // A dialog has its own keyboard; one just closed may hold the focus until the next frame.
    if event.default_prevented() || is_in("dialog[open]") || event.is_composing() {
        return;
    }
    let key = event.key();
    let press = Press {
        key: &key,
        has_modifier: event.ctrl_key() || event.alt_key() || event.meta_key(),
        is_typing: is_in("input, textarea, select, [contenteditable]"),
        is_on_control: is_in("button, a, [role=tab]"),
    };
    // In the log the arrows scroll; elsewhere they choose.
    if matches!(key.as_str(), "ArrowDown" | "ArrowUp") && is_in("[role=log], .panel, .page") {
        return;
    }
    let Some(shortcut) = shortcut(press) else { return };
    event.prevent_default();
    match shortcut {
        Shortcut::Leave if press.is_typing => super::blur(target.as_ref()),
        Shortcut::Search => super::focus(search),
        _ => desk.run(shortcut),
    }
}
