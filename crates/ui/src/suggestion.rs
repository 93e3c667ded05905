//! Ready-made answers.

use leptos::prelude::*;
use portico_protocol::Suggestion;

use crate::locale::{Key, Locale};

/// The row of tappable suggestions under the newest message; absent when empty.
#[component]
pub fn SuggestionRow(
    /// What can be tapped right now.
    #[prop(into)]
    suggestions: Signal<Vec<Suggestion>>,
    /// Runs once with the one that is tapped. What opens or dials has done so by itself.
    #[prop(into)]
    on_pick: Callback<Suggestion>,
) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let chips = move || {
        let draw = |suggestion| chip(locale, suggestion, on_pick);
        suggestions.get().into_iter().map(draw).collect_view()
    };
    view! {
        <ul
            class="suggestion-row"
            aria-label=locale.text(Key::Suggestions)
            hidden=move || suggestions.read().is_empty()
        >
            {chips}
        </ul>
    }
}

fn chip(locale: Locale, suggestion: Suggestion, on_pick: Callback<Suggestion>) -> impl IntoView {
    let (label, href) = match &suggestion {
        Suggestion::Reply(reply) => (reply.text.clone(), None),
        Suggestion::Action(action) => {
            let open = action.open_url_action.as_ref().map(|open| open.url.clone());
            let dial = || action.dial_action.as_ref().map(|dial| ["tel:", &dial.phone_number].concat());
            (action.text.clone(), open.or_else(dial))
        }
        Suggestion::LiveAgentRequest(_) => (locale.text(Key::TalkToPerson), None),
        // A newer server offers something that this build cannot do.
        Suggestion::Unknown => return None,
    };
    let pick = move |_| on_pick.run(suggestion.clone());
    Some(match href {
        None => {
            view! { <li><button type="button" class="chip" dir="auto" on:click=pick>{label}</button></li> }
                .into_any()
        }
        Some(href) => view! {
            <li>
                <a class="chip" dir="auto" href=href target="_blank" rel="noopener noreferrer" on:click=pick>
                    {label}
                </a>
            </li>
        }
        .into_any(),
    })
}
