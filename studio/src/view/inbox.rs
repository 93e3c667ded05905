//! The list of conversations: views, search, rows.

use leptos::html::Input;
use leptos::prelude::*;
use portico_protocol::api::{InboxCounts, Me};
use portico_protocol::{ConversationId, ConversationSummary, InboxView, Owner, Timestamp};

use super::face::Face;
use super::glyph::{Glyph, Shape};
use super::menu::{AccountMenu, CheckItem, Menu};
use crate::desk::Desk;
use crate::route::Route;
use crate::words;

/// The list with everything above it.
#[component]
pub(crate) fn Inbox(
    /// The search field, for the shortcut that leads to it.
    search_field: NodeRef<Input>,
) -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <section class="inbox" aria-label="Inbox">
            <header>
                <div class="top">
                    <BrandLogo me=desk.me() />
                    <h1>{desk.me().brand.display_name.clone()}</h1>
                    <AccountMenu />
                </div>
                <Search field=search_field />
                <ViewTabs />
            </header>
            <ConversationList />
        </section>
    }
}

#[component]
fn BrandLogo(me: Me) -> impl IntoView {
    match me.brand.logo_url {
        Some(url) => view! { <img class="brand-logo" src=url alt="" /> }.into_any(),
        None => ().into_any(),
    }
}

#[component]
fn Search(field: NodeRef<Input>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let is_empty = move || desk.search().read().is_empty();
    let clear = move |_| {
        desk.search_for(String::new());
        if let Some(field) = field.get_untracked() {
            // Nothing depends on whether the focus could be moved.
            let _ = field.focus();
        }
    };
    view! {
        <div class="search" role="search">
            <Glyph shape=Shape::Search />
            <input node_ref=field type="search" aria-label="Search conversations" placeholder="Search" maxlength="200"
                autocomplete="off" spellcheck="false" prop:value=move || desk.search().get()
                on:input=move |event| desk.search_for(event_target_value(&event)) />
            <kbd aria-hidden="true" hidden=move || !is_empty()>{"/"}</kbd>
            <button class="icon-button" aria-label="Clear the search" hidden=is_empty on:click=clear>
                <Glyph shape=Shape::Cross />
            </button>
        </div>
    }
}

#[component]
fn ViewTabs() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let counts = desk.counts();
    let tab = move |view: InboxView,
                    label: &'static str,
                    count: fn(&InboxCounts) -> u32,
                    kind: &'static str| {
        let is_selected = move || desk.view().get() == view;
        view! {
            <button role="tab" id=tab_id(view) aria-selected=move || is_selected().to_string() aria-controls="conversations"
                tabindex=move || if is_selected() { "0" } else { "-1" } on:click=move |_| desk.show_view(view)>
                {label}
                {move || Some(count(&counts.read())).filter(|count| *count > 0).map(|count| view! {
                    <span class="count" data-kind=kind>{if count > 99 { "99+".into() } else { count.to_string() }}</span>
                })}
            </button>
        }
    };
    // The pattern of tabs: one stop of the Tab key, arrows move between them.
    let step = move |event: leptos::ev::KeyboardEvent| {
        const ORDER: [InboxView; 3] = [InboxView::Unassigned, InboxView::Mine, InboxView::All];
        let position = ORDER.iter().position(|view| *view == desk.view().get_untracked()).unwrap_or(0);
        let is_forward = match (event.key().as_str(), super::is_rtl()) {
            ("ArrowRight", false) | ("ArrowLeft", true) => true,
            ("ArrowLeft", false) | ("ArrowRight", true) => false,
            _ => return,
        };
        event.prevent_default();
        event.stop_propagation();
        let next = ORDER[(position + if is_forward { 1 } else { ORDER.len() - 1 }) % ORDER.len()];
        desk.show_view(next);
        super::focus_id(tab_id(next));
    };
    view! {
        <div class="views">
            <div role="tablist" aria-label="Which conversations" style:display="contents" on:keydown=step>
                {tab(InboxView::Unassigned, "Unassigned", |counts| counts.unassigned, "wait")}
                {tab(InboxView::Mine, "Mine", |counts| counts.mine, "plain")}
                {tab(InboxView::All, "All", |_| 0, "plain")}
            </div>
            <Menu label="List options" shape=Shape::More>
                <CheckItem label="Include closed" is_checked=desk.with_closed() on_toggle=move |()| desk.toggle_closed() />
            </Menu>
        </div>
    }
}

const fn tab_id(view: InboxView) -> &'static str {
    match view {
        InboxView::Unassigned => "tab-unassigned",
        InboxView::Mine => "tab-mine",
        InboxView::All => "tab-all",
    }
}

#[component]
fn ConversationList() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let list = desk.list();
    let is_empty = Memo::new(move |_| list.read().is_empty());
    view! {
        <div class="inbox-list" id="conversations" role="tabpanel" aria-labelledby=move || tab_id(desk.view().get())
            aria-busy=move || desk.is_loading().get().to_string()>
            <Show when=move || is_empty.get() && desk.is_loading().get()>
                <Skeleton />
            </Show>
            <Show when=move || is_empty.get() && !desk.is_loading().get()>
                <EmptyList />
            </Show>
            <ul aria-label="Conversations">
                <For each=move || list.get() key=|summary| summary.conversation let:summary>
                    <Row id=summary.conversation />
                </For>
            </ul>
            <Show when=move || desk.has_more().get()>
                <div class="inbox-more">
                    <button class="button" data-kind="quiet" on:click=move |_| desk.load_more()>{"Show older"}</button>
                </div>
            </Show>
        </div>
    }
}

#[component]
fn Skeleton() -> impl IntoView {
    view! {
        <div aria-hidden="true">
            {(0..6).map(|_| view! { <div class="skeleton"><i></i></div> }).collect_view()}
        </div>
        <p class="visually-hidden">{"Loading conversations"}</p>
    }
}

#[component]
fn EmptyList() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let is_search = move || !desk.search().read().trim().is_empty();
    let help = move || words::empty_list(desk.view().get(), is_search());
    view! {
        <div class="inbox-empty">
            <Glyph shape=Shape::Tray />
            <h2>{move || help().0}</h2>
            <p>{move || help().1}</p>
            <Show when=move || is_search() && !desk.with_closed().get()>
                <button class="button" on:click=move |_| desk.toggle_closed()>{"Include closed"}</button>
            </Show>
        </div>
    }
}

/// One conversation. Reads its own line from the list, so that a change redraws this line alone.
#[component]
fn Row(id: ConversationId) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let summary = desk.summary(id);
    let me = desk.me().participant;
    let read = move |field: fn(&ConversationSummary) -> String| {
        move || summary.read().as_ref().map(field).unwrap_or_default()
    };
    let name = Signal::derive(read(|summary| summary.visitor_name.clone()));
    let unread = move || summary.read().as_ref().map_or(0, |summary| summary.unread);
    let is_open = move || desk.route().get().conversation() == Some(id);
    let is_highlighted = move || desk.highlighted().get() == Some(id) && !is_open();
    let open = move |event: leptos::ev::MouseEvent| {
        // A middle click or Ctrl+click opens a tab, as links do.
        if event.button() == 0 && !event.ctrl_key() && !event.meta_key() && !event.shift_key() {
            event.prevent_default();
            desk.go(Route::Conversation(id));
        }
    };
    let updated = move || summary.read().as_ref().map(|summary| summary.updated_at).unwrap_or_default();
    view! {
        <li class="inbox-row" data-unread=move || (unread() > 0).then_some("")>
            <a href=Route::Conversation(id).path() id=row_id(id) on:click=open
                aria-current=move || is_open().then_some("true") data-highlighted=move || is_highlighted().then_some("")>
                <Face name />
                <span class="name" dir="auto">{name}</span>
                <Age at=Signal::derive(updated) />
                <span class="preview" dir="auto">{move || summary.read().as_ref().map(preview)}</span>
                {move || Some(unread()).filter(|unread| *unread > 0).map(|unread| view! {
                    <span class="unread">{unread}<span class="visually-hidden">{" unread"}</span></span>
                })}
                <span class="state" data-kind=move || summary.read().as_ref().map(state_kind)>
                    {move || summary.read().as_ref().map(|summary| view! { <Glyph shape=state_shape(summary) /> })}
                    {move || summary.read().as_ref().map(|summary| words::owner(summary, me, desk.now().get()))}
                </span>
            </a>
        </li>
    }
}

/// The id of a conversation's line, for moving the focus there.
#[must_use]
pub(crate) fn row_id(id: ConversationId) -> String {
    format!("row-{id}")
}

#[component]
fn Age(at: Signal<Timestamp>) -> impl IntoView {
    let desk = expect_context::<Desk>();
    view! {
        <time datetime=move || super::iso(at.get()) title=move || super::moment(at.get())>
            {move || words::short_span(at.get(), desk.now().get())}
        </time>
    }
}

fn preview(summary: &ConversationSummary) -> String {
    match (summary.preview.is_empty(), summary.preview_is_visitor) {
        (true, _) => "No words yet".into(),
        (_, true) => summary.preview.clone(),
        // Whose words stand last is the first question when one scans a list.
        (_, false) => format!("↩ {}", summary.preview),
    }
}

fn state_kind(summary: &ConversationSummary) -> &'static str {
    let waits = matches!(summary.owner, Owner::Queue(_)) && !words::is_closed(summary);
    if waits { "wait" } else { "plain" }
}

fn state_shape(summary: &ConversationSummary) -> Shape {
    match &summary.owner {
        _ if words::is_closed(summary) => Shape::Closed,
        Owner::Queue(_) => Shape::Clock,
        Owner::Bot(_) => Shape::Bot,
        Owner::Human(_) | Owner::Unknown => Shape::Person,
    }
}
