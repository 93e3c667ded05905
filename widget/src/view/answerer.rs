//! Who answers now, and if nobody does yet, how long that takes.

use leptos::prelude::*;
use portico_protocol::entry::Owner as Answerer;
use portico_protocol::frame::Waiting;
use portico_ui::{Key, Locale};

use crate::chat::Visit;

const MINUTE_MS: u64 = 60_000;

/// One quiet line below the header.
#[component]
pub(super) fn AnswererLine(chat: Visit) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let line = move || match chat.answerer.get() {
        Some(Answerer::Bot(_)) => {
            let name = chat.brand.with_value(|brand| brand.bot_name.clone().unwrap_or_default());
            locale.fill(Key::BotIsAnswering, "name", &name)
        }
        Some(Answerer::Human(person)) => locale.fill(Key::HumanIsAnswering, "name", &person.display_name),
        Some(Answerer::Queue(_)) => waiting_line(locale, chat.waiting.get().as_ref()),
        Some(Answerer::Unknown) | None => String::new(),
    };
    view! { <p class="answerer" role="status">{line}</p> }
}

/// Only what was measured is promised.
fn waiting_line(locale: Locale, waiting: Option<&Waiting>) -> String {
    let Some(waiting) = waiting else { return locale.text(Key::Waiting) };
    if !waiting.is_staffed {
        return locale.text(Key::NobodyHere);
    }
    let mut line = match waiting.before {
        0 => locale.text(Key::WaitingNext),
        before => locale.count(Key::WaitingBefore, u64::from(before)),
    };
    if let Some(estimate) = waiting.estimate_ms {
        line.push_str(" · ");
        line.push_str(&locale.count(Key::WaitingEstimate, estimate.div_ceil(MINUTE_MS)));
    }
    line
}
