//! The pages beside the inbox: signed-in devices, canned replies.

use leptos::html::{Input, Textarea};
use leptos::prelude::*;
use portico_protocol::api::{CannedReply, SessionSummary};
use portico_protocol::limit::TEXT_CHARS_MAX;

use super::glyph::{Glyph, Shape};
use crate::desk::Desk;
use crate::route::Route;
use crate::words;

/// A page with a headline.
#[component]
fn Page(
    /// The headline.
    title: &'static str,
    /// What one can do here.
    help: &'static str,
    /// Beside the headline.
    #[prop(optional, into)]
    action: ViewFn,
    children: Children,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <div class="page">
            <div class="inner">
                <header>
                    <button class="icon-button back" aria-label="Back to the list" on:click=move |_| desk.go(Route::Inbox)>
                        <Glyph shape=Shape::Back />
                    </button>
                    <div><h1>{title}</h1><p>{help}</p></div>
                    {action.run()}
                </header>
                {children()}
            </div>
        </div>
    }
}

/// The representative's own sessions, each of which can be ended.
#[component]
pub(crate) fn SessionsPage() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let sessions = desk.sessions();
    desk.load_sessions();
    let has_others = move || sessions.read().iter().any(|session| !session.is_current);
    view! {
        <Page title="Signed-in devices" help="End a session that you do not know. Its device is signed out at once.">
            <ul class="rows" aria-label="Sessions">
                <For each=move || sessions.get() key=|session| session.session let:session><Session session /></For>
            </ul>
            <Show when=has_others>
                <div><button class="button" data-kind="danger" on:click=move |_| desk.end_other_sessions()>{"Sign out everywhere else"}</button></div>
            </Show>
        </Page>
    }
}

#[component]
fn Session(session: SessionSummary) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let id = session.session;
    let seen = session.seen_at;
    let created = super::moment(session.created_at);
    let used = move || match words::short_span(seen, desk.now().get()).as_str() {
        "now" => "used just now".to_owned(),
        _ => format!("used {} ago", words::long_span(desk.now().get().as_millis() - seen.as_millis())),
    };
    let end = if session.is_current {
        view! { <span class="here">{"This device"}</span> }.into_any()
    } else {
        let name = format!("Sign out {}", session.device);
        view! { <button class="button" aria-label=name on:click=move |_| desk.end_session(id)>{"Sign out"}</button> }.into_any()
    };
    view! {
        <li>
            <Glyph shape=Shape::Device />
            <div class="text"><strong>{session.device}</strong><p>"Signed in " {created} ", " {used}</p></div>
            {end}
        </li>
    }
}

/// The brand's ready-made texts.
#[component]
pub(crate) fn RepliesPage() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let replies = desk.replies();
    // The reply in the dialog; a fresh one has no shortcut yet.
    let edited = RwSignal::new(None::<CannedReply>);
    let add = move || {
        view! {
            <button class="button" data-kind="primary" on:click=move |_| edited.set(Some(desk.new_reply()))>
                <Glyph shape=Shape::Plus />"New reply"
            </button>
        }
    };
    view! {
        <Page title="Canned replies" help="Type / in an empty reply to use one. {name} becomes the visitor’s name, if it is known." action=add>
            <Show when=move || replies.read().is_empty()>
                <div class="inbox-empty">
                    <Glyph shape=Shape::Lightning />
                    <h2>{"No canned replies yet"}</h2>
                    <p>{"Write down what you type again and again, once for everybody."}</p>
                </div>
            </Show>
            <ul class="rows" aria-label="Canned replies" hidden=move || replies.read().is_empty()>
                <For each=move || replies.get() key=|reply| (reply.id, reply.shortcut.clone(), reply.text.clone()) let:reply>
                    <Reply reply edited />
                </For>
            </ul>
            {move || edited.get().map(|reply| view! { <ReplyDialog reply on_close=move |()| edited.set(None) /> })}
        </Page>
    }
}

#[component]
fn Reply(reply: CannedReply, edited: RwSignal<Option<CannedReply>>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (id, shown) = (reply.id, reply.clone());
    let (change, remove) = (format!("Change /{}", reply.shortcut), format!("Delete /{}", reply.shortcut));
    view! {
        <li>
            <div class="text"><code>"/"{shown.shortcut}</code><p dir="auto">{shown.text}</p></div>
            <button class="icon-button" aria-label=change on:click=move |_| edited.set(Some(reply.clone()))><Glyph shape=Shape::Pencil /></button>
            <button class="icon-button" aria-label=remove on:click=move |_| desk.delete_reply(id)><Glyph shape=Shape::Bin /></button>
        </li>
    }
}

#[component]
fn ReplyDialog(reply: CannedReply, #[prop(into)] on_close: Callback<()>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let (shortcut, text) = (NodeRef::<Input>::new(), NodeRef::<Textarea>::new());
    let problem = RwSignal::new(None::<String>);
    let id = reply.id;
    let title = if reply.shortcut.is_empty() { "New reply" } else { "Change reply" };
    let save = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let (Some(shortcut), Some(text)) = (shortcut.get_untracked(), text.get_untracked()) else { return };
        let shortcut = shortcut.value().trim().trim_start_matches('/').to_owned();
        desk.save_reply(CannedReply { id, shortcut, text: text.value() }, problem, on_close);
    };
    view! {
        <Dialog title on_close>
            <form on:submit=save style:display="contents">
                <div class="field">
                    <label for="shortcut">{"Shortcut"}</label>
                    <input node_ref=shortcut id="shortcut" required maxlength="40" pattern="/?[A-Za-z0-9\\-]+" prop:value=reply.shortcut
                        autocomplete="off" autocapitalize="none" spellcheck="false" aria-describedby="shortcut-hint" autofocus />
                    <span class="hint" id="shortcut-hint">{"Letters, digits and hyphens, such as returns"}</span>
                </div>
                <div class="field">
                    <label for="reply-text">{"Text"}</label>
                    <textarea node_ref=text id="reply-text" required dir="auto" rows="5" maxlength=TEXT_CHARS_MAX.to_string() prop:value=reply.text></textarea>
                </div>
                <div role="alert">{move || problem.get().map(|problem| view! { <p class="problem">{problem}</p> })}</div>
                <div class="actions">
                    <button type="button" class="button" on:click=move |_| on_close.run(())>{"Cancel"}</button>
                    <button class="button" data-kind="primary">{"Save"}</button>
                </div>
            </form>
        </Dialog>
    }
}

/// A modal card. The browser's own dialog keeps the focus inside, gives it back, and closes on Escape.
#[component]
pub(crate) fn Dialog(
    /// What it is about.
    title: &'static str,
    /// It was closed, however.
    #[prop(into)]
    on_close: Callback<()>,
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<leptos::html::Dialog>::new();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get().filter(|dialog| !dialog.open()) {
            // Fails only for a dialog that is not in the page; this one is.
            let _ = dialog.show_modal();
        }
    });
    // A press on the backdrop lands on the dialog itself; everything else lies on its content.
    let backdrop = move |event: leptos::ev::MouseEvent| {
        if event.target() == event.current_target() {
            on_close.run(());
        }
    };
    view! {
        <dialog class="card" node_ref=dialog aria-labelledby="dialog-title" on:close=move |_| on_close.run(()) on:click=backdrop>
            <header>
                <h2 id="dialog-title">{title}</h2>
                <button class="icon-button" aria-label="Close" on:click=move |_| on_close.run(())><Glyph shape=Shape::Cross /></button>
            </header>
            <div class="body">{children()}</div>
        </dialog>
    }
}
