//! One row of the log.

use leptos::prelude::*;
use portico_protocol::MessageId;

use crate::locale::{Key, Locale};
use crate::row::{Bubble, Delivery, Notice, Row, Voice};
use crate::words::words;

/// What can be done with one's own message that did not get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Send it again.
    Retry(MessageId),
    /// Forget it.
    Discard(MessageId),
}

/// Draws whatever the row is. Its kind never changes, what it says may.
#[component]
pub fn LogRow(
    /// The row.
    row: ArcRwSignal<Row>,
    /// Runs when something is to be done with a message.
    on_act: Callback<Act>,
    /// Draws more beside the time: what only representatives can do.
    extras: Option<Callback<Bubble, AnyView>>,
) -> impl IntoView {
    let locale = expect_context::<Locale>();
    match row.get_untracked() {
        Row::Day(at) => view! { <li class="day-row">{locale.day(at)}</li> }.into_any(),
        Row::Unread => view! { <li class="unread-row">{locale.text(Key::Unread)}</li> }.into_any(),
        Row::Notice(_, notice) => {
            view! { <li class="notice-row" dir="auto">{said(locale, &notice)}</li> }.into_any()
        }
        Row::Bubble(_) => {
            let bubble = Memo::new(move |_| match row.get() {
                Row::Bubble(bubble) => Some(bubble),
                _ => None,
            });
            let bubble = Signal::derive(move || bubble.get().expect("a row keeps its kind"));
            view! { <BubbleRow bubble on_act extras /> }.into_any()
        }
    }
}

/// Something that was said. Few nodes: a long log is drawn from many of these.
#[component]
fn BubbleRow(
    bubble: Signal<Bubble>,
    on_act: Callback<Act>,
    extras: Option<Callback<Bubble, AnyView>>,
) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let class = move || bubble.with(row_class);
    // The words stay as they are when only the ticks change: what is selected stays selected.
    let text = Memo::new(move |_| bubble.with(|bubble| (bubble.text.clone(), bubble.markup)));
    let author = Memo::new(move |_| bubble.with(|bubble| author(locale, bubble)));
    let author_line = move || {
        author.get().map(|(name, badge)| {
            let badge = badge.map(|badge| view! { <b class="badge">{badge}</b> });
            view! { <span class="author" dir="auto">{name}{badge}</span> }
        })
    };
    let content = move || match text.get() {
        (text, _) if text.is_empty() => {
            view! { <div class="bubble redacted">{locale.text(Key::Redacted)}</div> }.into_any()
        }
        text => view! { <div class="bubble" use:words=text></div> }.into_any(),
    };
    view! {
        <li class=class>
            {author_line}
            {content}
            {move || meta(locale, bubble.get(), on_act, extras)}
        </li>
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
        (" failed", matches!(bubble.delivery, Delivery::Failed | Delivery::Refused)),
    ] {
        if holds {
            class.push_str(name);
        }
    }
    class
}

/// Name and badge above a group. One's own name is there for those who hear the log.
fn author(locale: Locale, bubble: &Bubble) -> Option<(String, Option<String>)> {
    let badge = match bubble.voice {
        Voice::Bot => Some(locale.text(Key::BotBadge)),
        Voice::Note => Some(locale.text(Key::Note)),
        _ => None,
    };
    let name = if bubble.is_own { locale.text(Key::You) } else { bubble.name.clone() };
    bubble.is_first.then_some((name, badge))
}

/// Time and fate below a group.
fn meta(
    locale: Locale,
    bubble: Bubble,
    on_act: Callback<Act>,
    extras: Option<Callback<Bubble, AnyView>>,
) -> Option<AnyView> {
    let fate = match bubble.delivery {
        Delivery::Received => None,
        Delivery::Sending => Some(Key::Sending),
        Delivery::Sent => Some(Key::Sent),
        Delivery::Delivered => Some(Key::Delivered),
        Delivery::Read => Some(Key::Read),
        Delivery::Failed => Some(Key::Failed),
        Delivery::Refused => Some(Key::Refused),
    };
    let is_shown = bubble.is_last || bubble.is_edited || extras.is_some();
    if !is_shown {
        return None;
    }
    let mut line = locale.time(bubble.at);
    for key in bubble.is_edited.then_some(Key::Edited).into_iter().chain(fate) {
        line.push_str(" · ");
        line.push_str(&locale.text(key));
    }
    let id = bubble.id;
    let button = move |key, act| {
        view! { <button type="button" class="text-button" on:click=move |_| on_act.run(act)>{locale.text(key)}</button> }
    };
    let retry = (bubble.delivery == Delivery::Failed).then(|| button(Key::Retry, Act::Retry(id)));
    let failed = matches!(bubble.delivery, Delivery::Failed | Delivery::Refused);
    let discard = failed.then(|| button(Key::Discard, Act::Discard(id)));
    let extras = extras.map(|extras| extras.run(bubble));
    Some(view! { <div class="meta">{line}{retry}{discard}{extras}</div> }.into_any())
}

fn said(locale: Locale, notice: &Notice) -> String {
    match notice {
        Notice::Waiting => locale.text(Key::Waiting),
        Notice::Joined(name) => locale.fill(Key::Joined, "name", name),
        Notice::Left(name) => locale.fill(Key::Left, "name", name),
        Notice::BotAnswers => locale.text(Key::BotAnswers),
        Notice::Closed => locale.text(Key::Closed),
        Notice::Reopened => locale.text(Key::Reopened),
    }
}
