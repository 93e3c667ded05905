//! The log of a conversation.
//!
//! The markup is the app's own, with the classes that [`LogModel::attach`] names. The rows in it are made and
//! patched here, straight in the document: a keystroke's echo is one row, not a comparison of all of them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use portico_protocol::MessageId;
use web_sys::{Element, Event, HtmlElement};

use crate::bubble::{Act, RowView, pressed};
use crate::dom;
use crate::locale::day_number;
use crate::row::{Bubble, Delivery, Row, RowKey, Voice};
use crate::scroll::ScrollKeeper;

/// Closer than this to an edge of the window, the next part is asked for, in CSS pixels.
const ASK_WITHIN: i32 = 800;

/// What a log tells the one who drives it.
pub trait LogReader {
    /// The reader nears the oldest row drawn.
    fn wants_older(&self);
    /// The reader nears the newest row drawn, and there are newer ones.
    fn wants_newer(&self);
    /// The reader wants the newest.
    fn wants_newest(&self);
    /// The reader came to the newest.
    fn reached_newest(&self) {}
    /// Something is to be done with a message.
    fn act(&self, act: Act);
    /// More beside the time of a message.
    fn extras(&self, _: &Bubble) -> Option<HtmlElement> {
        None
    }
}

/// What a log draws. Written by the one who drives it, through [`LogModel::show`]. Clones are the same log.
#[derive(Clone, Default)]
pub struct LogModel(Rc<Log>);

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

struct Log {
    rows: RefCell<Vec<Drawn>>,
    edges: Cell<Edges>,
    is_at_end: Cell<bool>,
    parts: RefCell<Option<Rc<Parts>>>,
}

struct Drawn {
    key: RowKey,
    row: Row,
    /// None until there is a document to stand in.
    view: Option<RowView>,
}

/// The log's place in the document.
struct Parts {
    scroller: HtmlElement,
    list: HtmlElement,
    loading: HtmlElement,
    jump: HtmlElement,
    has_new: HtmlElement,
    /// New messages of others are heard exactly once, from a line of their own: a log that is itself live would
    /// read history aloud whenever one scrolls up, and each change of a tick.
    announcer: HtmlElement,
    keeper: ScrollKeeper,
    reader: Box<dyn LogReader>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            rows: RefCell::default(),
            edges: Cell::default(),
            is_at_end: Cell::new(true),
            parts: RefCell::default(),
        }
    }
}

impl LogModel {
    /// Draws in `frame` from now on: it holds `.message-log` with `.loading-older` and `.log-rows`, then
    /// `.jump-button` with a `span`, and `.announcer`.
    pub fn attach(&self, frame: &Element, reader: Box<dyn LogReader>) {
        let scroller = dom::find(frame, ".message-log");
        let list = dom::find(frame, ".log-rows");
        let parts = Rc::new(Parts {
            keeper: ScrollKeeper::new(scroller.clone(), list.clone()),
            loading: dom::find(frame, ".loading-older"),
            jump: dom::find(frame, ".jump-button"),
            has_new: dom::find(frame, ".jump-button span"),
            announcer: dom::find(frame, ".announcer"),
            scroller,
            list,
            reader,
        });
        let log = &self.0;
        // Weakly: the document's listeners must not keep a log whose view is gone.
        let listen = |target: &HtmlElement, event: &str, act: fn(&Log, &Event)| {
            let log = Rc::downgrade(log);
            dom::on(target, event, move |event| {
                if let Some(log) = log.upgrade() {
                    act(&log, &event);
                }
            });
        };
        listen(&parts.scroller, "scroll", |log, _| log.follow_reader());
        listen(&parts.jump, "click", |log, _| log.parts(|parts| parts.reader.wants_newest()));
        listen(&parts.list, "click", Log::pressed);
        *log.parts.borrow_mut() = Some(parts);
        let rows = log.rows.take();
        let rows = rows.into_iter().map(|drawn| drawn.row).collect();
        log.show(rows, log.edges.get());
    }

    /// Draws these rows from now on. Rows that were there before keep their nodes; only what differs changes.
    pub fn show(&self, rows: Vec<Row>, edges: Edges) {
        self.0.show(rows, edges);
    }

    /// The reader is at the newest message.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        self.0.is_at_end.get()
    }

    /// Goes to the newest row that is drawn, and stays with the newest.
    pub fn to_end(&self) {
        self.0.parts(|parts| parts.keeper.to_end());
        self.0.set_at_end(true);
    }
}

impl Log {
    fn parts(&self, act: impl FnOnce(&Parts)) {
        // Not borrowed meanwhile: what is done may draw.
        let parts = self.parts.borrow().clone();
        if let Some(parts) = parts {
            act(&parts);
        }
    }

    fn show(&self, rows: Vec<Row>, edges: Edges) {
        let edges_before = self.edges.replace(edges);
        let parts = self.parts.borrow().clone();
        let mut drawn = self.rows.borrow_mut();
        let news = if drawn.is_empty() { String::new() } else { spoken(&drawn, &rows) };
        *drawn = reconcile(core::mem::take(&mut drawn), rows, parts.as_deref());
        let Some(parts) = parts else { return };
        put_in_order(&parts.list, &drawn);
        if edges != edges_before {
            dom::hide(&parts.loading, !edges.is_loading);
            dom::set(&parts.scroller, "aria-busy", if edges.is_loading { "true" } else { "false" });
        }
        parts.keeper.restore();
        if !news.is_empty() && !edges.has_newer {
            dom::say(&parts.announcer, &news);
            dom::hide(&parts.has_new, self.is_at_end.get());
        }
    }

    fn follow_reader(&self) {
        self.parts(|parts| {
            let edges = self.edges.get();
            self.set_at_end(parts.keeper.note(!edges.has_newer));
            if edges.has_older && !edges.is_loading && parts.keeper.above() < ASK_WITHIN {
                parts.reader.wants_older();
            }
            if edges.has_newer && parts.keeper.below() < ASK_WITHIN {
                parts.reader.wants_newer();
            }
        });
    }

    fn set_at_end(&self, is_at_end: bool) {
        if self.is_at_end.replace(is_at_end) == is_at_end {
            return;
        }
        self.parts(|parts| {
            dom::hide(&parts.jump, is_at_end);
            if is_at_end {
                dom::hide(&parts.has_new, true);
                parts.reader.reached_newest();
            }
        });
    }

    fn pressed(&self, event: &Event) {
        let Some(item) = dom::target(event, "li") else { return };
        let message = self.rows.borrow().iter().find_map(|drawn| match (&drawn.view, drawn.key) {
            (Some(view), RowKey::Entry(id)) if view.item == item => Some(id),
            _ => None,
        });
        if let Some(act) = message.and_then(|message| pressed(event, message)) {
            self.parts(|parts| parts.reader.act(act));
        }
    }
}

/// What others said since the last drawing, for those who hear it: rows behind the last one known.
fn spoken(before: &[Drawn], rows: &[Row]) -> String {
    let is_known = |id: &MessageId| before.iter().rev().any(|drawn| drawn.key == RowKey::Entry(*id));
    let mut news: Vec<&Bubble> = Vec::new();
    for row in rows.iter().rev() {
        match row {
            Row::Bubble(bubble) if is_known(&bubble.id) => break,
            Row::Bubble(bubble) if bubble.delivery == Delivery::Received && bubble.voice != Voice::Note => {
                news.push(bubble);
            }
            _ => {}
        }
    }
    let mut spoken = String::new();
    for bubble in news.iter().rev() {
        for part in [&bubble.name, ": ", &bubble.text, "\n"] {
            spoken.push_str(part);
        }
    }
    spoken
}

fn reconcile(before: Vec<Drawn>, rows: Vec<Row>, parts: Option<&Parts>) -> Vec<Drawn> {
    let mut before: Vec<Option<Drawn>> = before.into_iter().map(Some).collect();
    let mut search_from = 0;
    let mut drawn = Vec::with_capacity(rows.len());
    for row in rows {
        let key = row.key(day_number);
        // Order hardly ever changes: the next one is nearly always the one looked for.
        let is_it = |at: &usize| before[*at].as_ref().is_some_and(|drawn| drawn.key == key);
        let found = (search_from..before.len()).chain(0..search_from).find(is_it);
        let known = found.and_then(|at| {
            search_from = at + 1;
            before[at].take()
        });
        drawn.push(Drawn { view: view(known, &row, parts), key, row });
    }
    for view in before.into_iter().flatten().filter_map(|gone| gone.view) {
        view.item.remove();
    }
    drawn
}

fn view(known: Option<Drawn>, row: &Row, parts: Option<&Parts>) -> Option<RowView> {
    let parts = parts?;
    let extras = |bubble: &Bubble| parts.reader.extras(bubble);
    match known {
        Some(Drawn { view: Some(mut view), row: before, .. }) => {
            if before != *row {
                view.update(&before, row, &extras);
            }
            Some(view)
        }
        _ => Some(RowView::new(row, &extras)),
    }
}

/// Nodes that stand where they belong are not touched: what is selected in them stays selected.
fn put_in_order(list: &HtmlElement, rows: &[Drawn]) {
    let mut next = list.first_element_child();
    for view in rows.iter().filter_map(|drawn| drawn.view.as_ref()) {
        let item: &Element = &view.item;
        match &next {
            Some(there) if there == item => next = there.next_element_sibling(),
            there => drop(list.insert_before(item, there.as_ref().map(AsRef::as_ref))),
        }
    }
}
