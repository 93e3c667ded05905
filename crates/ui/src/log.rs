//! The log of a conversation.

use std::collections::BTreeSet;

use leptos::html::{Div, Ol};
use leptos::prelude::*;
use portico_protocol::MessageId;
use web_sys::HtmlElement;

use crate::bubble::{Act, LogRow};
use crate::icon::{Drawing, Icon};
use crate::locale::{Key, Locale, day_number};
use crate::row::{Bubble, Delivery, Row, RowKey, Voice};
use crate::scroll::ScrollKeeper;

/// Closer than this to an edge of the window, the next part is asked for, in CSS pixels.
const ASK_WITHIN: i32 = 800;

/// What a [`MessageLog`] draws. Written by the one who drives it, through [`LogModel::show`].
#[derive(Clone, Copy)]
pub struct LogModel {
    rows: RwSignal<Vec<Drawn>>,
    edges: RwSignal<Edges>,
    is_at_end: RwSignal<bool>,
    has_new_below: RwSignal<bool>,
    announcement: RwSignal<String>,
    keeper: StoredValue<Option<ScrollKeeper>, LocalStorage>,
}

/// What lies beyond the rows that are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Edges {
    /// There is something older, here or on the server.
    pub has_older: bool,
    /// There is something newer here.
    pub has_newer: bool,
    /// Older entries are on their way.
    pub is_loading: bool,
}

#[derive(Clone)]
struct Drawn {
    key: RowKey,
    row: ArcRwSignal<Row>,
}

impl Default for LogModel {
    fn default() -> Self {
        Self {
            rows: RwSignal::default(),
            edges: RwSignal::default(),
            is_at_end: RwSignal::new(true),
            has_new_below: RwSignal::default(),
            announcement: RwSignal::default(),
            keeper: StoredValue::new_local(None),
        }
    }
}

impl LogModel {
    /// Draws these rows from now on. Rows that were there before keep their nodes; only what differs changes.
    pub fn show(&self, rows: Vec<Row>, edges: Edges) {
        if self.edges.with_untracked(|known| *known != edges) {
            self.edges.set(edges);
        }
        let before = self.rows.get_untracked();
        let news = if before.is_empty() { Vec::new() } else { arrived(&before, &rows) };
        let drawn = reconcile(&before, rows);
        let same =
            drawn.len() == before.len() && drawn.iter().zip(&before).all(|(new, old)| new.key == old.key);
        if !same {
            self.rows.set(drawn);
        }
        if !news.is_empty() && !edges.has_newer {
            self.announce(&news);
        }
    }

    /// The reader is at the newest message.
    #[must_use]
    pub fn is_at_end(&self) -> Signal<bool> {
        self.is_at_end.into()
    }

    /// Goes to the newest row that is drawn, and stays with the newest.
    pub fn to_end(&self) {
        self.has_new_below.set(false);
        self.is_at_end.set(true);
        self.keeper.with_value(|keeper| keeper.as_ref().map(ScrollKeeper::to_end));
    }

    fn announce(&self, news: &[Bubble]) {
        if !self.is_at_end.get_untracked() {
            self.has_new_below.set(true);
        }
        let mut spoken = String::new();
        for bubble in news {
            for part in [&bubble.name, ": ", &bubble.text, "\n"] {
                spoken.push_str(part);
            }
        }
        self.announcement.set(spoken);
    }
}

/// What others said since the last drawing: rows behind the last one known.
fn arrived(before: &[Drawn], rows: &[Row]) -> Vec<Bubble> {
    let known: BTreeSet<MessageId> = before
        .iter()
        .filter_map(|drawn| match drawn.key {
            RowKey::Entry(id) => Some(id),
            _ => None,
        })
        .collect();
    let is_known = |row: &Row| matches!(row, Row::Bubble(bubble) if known.contains(&bubble.id));
    let newest_known = rows.iter().rposition(is_known).map_or(0, |position| position + 1);
    let news = rows[newest_known..].iter().filter_map(|row| match row {
        Row::Bubble(bubble) if bubble.delivery == Delivery::Received && bubble.voice != Voice::Note => {
            Some(bubble.clone())
        }
        _ => None,
    });
    news.collect()
}

fn reconcile(before: &[Drawn], rows: Vec<Row>) -> Vec<Drawn> {
    let mut search_from = 0;
    rows.into_iter()
        .map(|row| {
            let key = row.key(day_number);
            // Order hardly ever changes: the next one is nearly always the one looked for.
            let (head, tail) = before.split_at(search_from.min(before.len()));
            let found = tail.iter().chain(head).position(|drawn| drawn.key == key);
            let Some(found) = found else { return Drawn { key, row: ArcRwSignal::new(row) } };
            let found = (search_from + found) % before.len();
            search_from = found + 1;
            let drawn = before[found].clone();
            if drawn.row.with_untracked(|known| *known != row) {
                drawn.row.set(row);
            }
            drawn
        })
        .collect()
}

/// The scrolling log. New messages of others are heard exactly once, from a line of their own: a log that is
/// itself live would read history aloud whenever one scrolls up, and each change of a tick.
#[component]
pub fn MessageLog(
    /// What to draw.
    model: LogModel,
    /// The reader nears the oldest row drawn.
    #[prop(into)]
    on_older: Callback<()>,
    /// The reader nears the newest row drawn, and there are newer ones.
    #[prop(into)]
    on_newer: Callback<()>,
    /// The reader wants the newest.
    #[prop(into)]
    on_newest: Callback<()>,
    /// Something is to be done with a message.
    #[prop(into)]
    on_act: Callback<Act>,
    /// Draws more beside the time of a message.
    #[prop(optional)]
    extras: Option<Callback<Bubble, AnyView>>,
    /// What stands below the rows and scrolls with them: who types, suggestions.
    children: Children,
) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let (scroller, list) = (NodeRef::<Div>::new(), NodeRef::<Ol>::new());
    keep_place(model, scroller, list);
    let on_scroll = move |_| follow_reader(model, on_older, on_newer);
    let to_newest = move |_| on_newest.run(());
    view! {
        <div class="message-log-frame">
            <div
                class="message-log"
                role="log"
                aria-live="off"
                aria-label=locale.text(Key::Log)
                aria-busy=move || model.edges.read().is_loading.to_string()
                tabindex="0"
                node_ref=scroller
                on:scroll=on_scroll
            >
                <div class="loading-older" hidden=move || !model.edges.read().is_loading>
                    {locale.text(Key::LoadingOlder)}
                </div>
                <ol class="log-rows" node_ref=list>
                    <For each=move || model.rows.get() key=|drawn| drawn.key let:drawn>
                        <LogRow row=drawn.row on_act extras />
                    </For>
                </ol>
                {children()}
            </div>
            <button
                type="button"
                class="jump-button"
                hidden=move || model.is_at_end.get()
                aria-label=locale.text(Key::JumpToNewest)
                on:click=to_newest
            >
                <Drawing icon=Icon::ArrowDown />
                <span hidden=move || !model.has_new_below.get()>{locale.text(Key::NewMessages)}</span>
            </button>
            <div class="visually-hidden" aria-live="polite">{move || model.announcement.get()}</div>
        </div>
    }
}

fn keep_place(model: LogModel, scroller: NodeRef<Div>, list: NodeRef<Ol>) {
    Effect::new(move || {
        let (Some(scroller), Some(list)) = (scroller.get(), list.get()) else { return };
        let (scroller, list): (HtmlElement, HtmlElement) = (scroller.into(), list.into());
        model.keeper.set_value(Some(ScrollKeeper::new(scroller, list)));
    });
    // Runs behind the drawing of the rows: it was subscribed later.
    Effect::new(move || {
        model.rows.track();
        model.keeper.with_value(|keeper| keeper.as_ref().map(ScrollKeeper::restore));
    });
    on_cleanup(move || {
        model.keeper.try_with_value(|keeper| keeper.as_ref().map(ScrollKeeper::release));
    });
}

fn follow_reader(model: LogModel, on_older: Callback<()>, on_newer: Callback<()>) {
    let Some(keeper) = model.keeper.get_value() else { return };
    let edges = model.edges.get_untracked();
    let is_at_end = keeper.note(!edges.has_newer);
    if model.is_at_end.get_untracked() != is_at_end {
        model.is_at_end.set(is_at_end);
    }
    if is_at_end && model.has_new_below.get_untracked() {
        model.has_new_below.set(false);
    }
    if edges.has_older && !edges.is_loading && keeper.above() < ASK_WITHIN {
        on_older.run(());
    }
    if edges.has_newer && keeper.below() < ASK_WITHIN {
        on_newer.run(());
    }
}
