//! How the connection stands, and what went wrong: small and quiet, since nothing is lost.

use leptos::prelude::*;
use portico_protocol::Problem;
use portico_ui::{Key, Locale};

use crate::chat::{Complaint, Phase, Visit};

/// The state of the connection, if it is worth a word. A blink of the network is not: it comes late (`chat.css`).
#[component]
pub(super) fn StatusLine(chat: Visit) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let line = Memo::new(move |_| match chat.phase.get() {
        Phase::Opening => Some(Key::Connecting),
        Phase::Offline => Some(Key::Offline),
        Phase::Reconnecting => Some(Key::Reconnecting),
        _ => None,
    });
    let text = move || line.get().map(|key| locale.text(key));
    view! {
        <p class="status-line" role="status" class:shown=move || line.get().is_some()>
            {text}
        </p>
    }
}

/// Why the last thing that the visitor wanted did not happen.
#[component]
pub(super) fn ComplaintLine(chat: Visit) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let text = move || {
        chat.complaint.get().map(|complaint| match complaint {
            Complaint::OutboxFull => locale.text(Key::OutboxFull),
            Complaint::Problem(problem) => words(locale, &problem),
        })
    };
    view! { <p class="complaint" role="alert">{text}</p> }
}

fn words(locale: Locale, problem: &Problem) -> String {
    match problem.retry_after_ms {
        Some(after) => locale.fill(Key::TooFast, "seconds", &locale.number(after.div_ceil(1_000))),
        None => problem.detail.clone().unwrap_or_else(|| problem.title.clone()),
    }
}
