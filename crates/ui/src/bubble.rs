//! One row of the log.

use portico_protocol::MessageId;
use web_sys::HtmlElement;

use crate::dom;
use crate::locale::{self, Key};
use crate::row::{Bubble, Delivery, Notice, Row, Voice};
use crate::words;

/// What can be done with one's own message that did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send it again.
    Retry(MessageId),
    /// Forget it.
    Discard(MessageId),
}

/// The attribute of a button that says what it does.
const ACT: &str = "data-act";
const RETRY: &str = "retry";
const DISCARD: &str = "discard";

/// Adds more beside the time of a message: what only representatives can do.
pub type Extras<'a> = &'a dyn Fn(&Bubble) -> Option<HtmlElement>;

/// A row as it stands in the document. Its kind never changes, what it says may. Few nodes: a long log is drawn
/// from many of these.
pub(crate) struct RowView {
    pub(crate) item: HtmlElement,
    author: Option<HtmlElement>,
    content: Option<HtmlElement>,
    meta: Option<HtmlElement>,
}

impl RowView {
    pub(crate) fn new(row: &Row, extras: Extras<'_>) -> Self {
        let item = match row {
            Row::Day(at) => dom::make_saying("li", "day-row", &locale::day(*at)),
            Row::Unread => dom::make_saying("li", "unread-row", &locale::text(Key::Unread)),
            Row::Notice(_, notice) => dom::make_saying("li", "notice-row", &said(notice)),
            Row::Bubble(_) => dom::make("li", ""),
        };
        let mut view = Self { item, author: None, content: None, meta: None };
        if let Row::Bubble(bubble) = row {
            view.draw(None, bubble, extras);
        }
        view
    }

    pub(crate) fn update(&mut self, before: &Row, row: &Row, extras: Extras<'_>) {
        if let (Row::Bubble(before), Row::Bubble(bubble)) = (before, row) {
            self.draw(Some(before), bubble, extras);
        }
    }

    /// The words stay as they are when only the ticks change: what is selected stays selected.
    fn draw(&mut self, before: Option<&Bubble>, bubble: &Bubble, extras: Extras<'_>) {
        self.item.set_class_name(&row_class(bubble));
        if before.is_none_or(|before| before.text != bubble.text) {
            replace(&mut self.content, content(bubble));
            if let Some(content) = &self.content {
                dom::append(&self.item, content);
            }
        }
        replace(&mut self.author, author(bubble));
        if let Some(author) = &self.author {
            self.item.prepend_with_node_1(author).ok();
        }
        replace(&mut self.meta, meta(bubble, extras));
        if let Some(meta) = &self.meta {
            dom::append(&self.item, meta);
        }
    }
}

fn replace(part: &mut Option<HtmlElement>, with: Option<HtmlElement>) {
    if let Some(part) = core::mem::replace(part, with) {
        part.remove();
    }
}

fn row_class(bubble: &Bubble) -> String {
    let mut class = String::from("bubble-row");
    for (name, holds) in [
        (" own", bubble.is_own_side),
        (" note", bubble.voice == Voice::Note),
        (" first", bubble.is_first),
        (" last", bubble.is_last),
        (" pending", bubble.delivery == Delivery::Sending),
        (" failed", is_failed(bubble)),
    ] {
        if holds {
            class.push_str(name);
        }
    }
    class
}

const fn is_failed(bubble: &Bubble) -> bool {
    matches!(bubble.delivery, Delivery::Failed | Delivery::Refused)
}

/// Name and badge above a group. One's own name is there for those who hear the log.
fn author(bubble: &Bubble) -> Option<HtmlElement> {
    if !bubble.is_first {
        return None;
    }
    let own = bubble.is_own.then(|| locale::text(Key::You));
    let line = dom::make_saying("span", "author", own.as_deref().unwrap_or(&bubble.name));
    let badge = match bubble.voice {
        Voice::Bot => Some(Key::BotBadge),
        Voice::Note => Some(Key::Note),
        _ => None,
    };
    if let Some(key) = badge {
        dom::append(&line, &dom::make_saying("b", "badge", &locale::text(key)));
    }
    Some(line)
}

fn content(bubble: &Bubble) -> Option<HtmlElement> {
    if bubble.text.is_empty() {
        return Some(dom::make_saying("div", "bubble redacted", &locale::text(Key::Redacted)));
    }
    let content = dom::make("div", "bubble");
    words::write(&content, &bubble.text, bubble.markup);
    Some(content)
}

/// Time and fate below a group.
fn meta(bubble: &Bubble, extras: Extras<'_>) -> Option<HtmlElement> {
    let fate = match bubble.delivery {
        Delivery::Received => None,
        Delivery::Sending => Some(Key::Sending),
        Delivery::Sent => Some(Key::Sent),
        Delivery::Delivered => Some(Key::Delivered),
        Delivery::Read => Some(Key::Read),
        Delivery::Failed => Some(Key::Failed),
        Delivery::Refused => Some(Key::Refused),
    };
    let extra = extras(bubble);
    if !(bubble.is_last || bubble.is_edited || is_failed(bubble) || extra.is_some()) {
        return None;
    }
    let mut line = locale::time(bubble.at);
    for key in bubble.is_edited.then_some(Key::Edited).into_iter().chain(fate) {
        line.push_str(" · ");
        line.push_str(&locale::text(key));
    }
    let meta = dom::make("div", "meta");
    dom::say(&meta, &line);
    if bubble.delivery == Delivery::Failed {
        dom::append(&meta, &button(RETRY, Key::Retry));
    }
    if is_failed(bubble) {
        dom::append(&meta, &button(DISCARD, Key::Discard));
    }
    if let Some(extra) = extra {
        dom::append(&meta, &extra);
    }
    Some(meta)
}

fn button(act: &str, label: Key) -> HtmlElement {
    let button = dom::make("button", "text-button");
    dom::set(&button, "type", "button");
    dom::set(&button, ACT, act);
    dom::say(&button, &locale::text(label));
    button
}

/// What a press in the row of `message` asks for.
pub(crate) fn pressed(event: &web_sys::Event, message: MessageId) -> Option<Act> {
    let act = dom::target(event, "[data-act]")?.get_attribute(ACT)?;
    Some(if act == RETRY { Act::Retry(message) } else { Act::Discard(message) })
}

fn said(notice: &Notice) -> String {
    match notice {
        Notice::Waiting => locale::text(Key::Waiting),
        Notice::Joined(name) => locale::fill(Key::Joined, "name", name),
        Notice::Left(name) => locale::fill(Key::Left, "name", name),
        Notice::BotAnswers => locale::text(Key::BotAnswers),
        Notice::Closed => locale::text(Key::Closed),
        Notice::Reopened => locale::text(Key::Reopened),
    }
}
