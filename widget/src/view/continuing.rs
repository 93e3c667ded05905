//! Instead of the conversation: a question, before a link from another device is used up, or an ending.

use leptos::prelude::*;
use portico_ui::{Key, Locale};

use crate::chat::{Phase, Visit};

/// Scanners and previews open links by themselves: only a press does anything.
#[component]
pub(super) fn Continuing(chat: Visit) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let name = chat.brand.with_value(|brand| brand.display_name.clone());
    let (title, detail, button) = match chat.phase.get_untracked() {
        Phase::AsksToContinue => (
            locale.text(Key::ContinueHere),
            locale.fill(Key::ContinueHereDetail, "name", &name),
            view! {
                <button type="button" class="button primary" on:click=move |_| chat.continue_here()>
                    {locale.text(Key::Continue)}
                </button>
            }
            .into_any(),
        ),
        phase => {
            let (title, detail) = match phase {
                Phase::Ended => (Key::Ended, Key::EndedDetail),
                _ => (Key::LinkSpent, Key::LinkSpentDetail),
            };
            let begin = view! {
                <button type="button" class="button primary" on:click=move |_| chat.start_here()>
                    {locale.text(Key::StartHere)}
                </button>
            };
            (locale.text(title), locale.text(detail), begin.into_any())
        }
    };
    view! {
        <section class="continuing">
            <h2>{title}</h2>
            <p>{detail}</p>
            {button}
        </section>
    }
}
