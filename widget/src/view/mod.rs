//! What is on screen. Views draw what [`Visit`] tells and forward what visitors do; nothing else.

mod answerer;
mod continuing;
mod header;
mod menu;
mod proof;
mod status;

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use portico_ui::{Composer, Key, Locale, MessageLog, SuggestionRow};

use crate::chat::{Phase, Visit};
use answerer::AnswererLine;
use continuing::Continuing;
use header::Header;
use menu::Menu;
use proof::ProofSheet;
use status::{ComplaintLine, StatusLine};

/// Which sheet lies over the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// None.
    Nothing,
    /// What proves the brand.
    Proof,
    /// What else can be done.
    Menu,
}

/// The whole chat.
#[component]
pub(crate) fn App(chat: Visit, locale: Locale) -> impl IntoView {
    provide_context(locale);
    let over = RwSignal::new(Over::Nothing);
    let name = chat.brand.with_value(|brand| brand.display_name.clone());
    // Escape closes what lies on top: a sheet does so by itself, the panel is the page's.
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" && over.get_untracked() == Over::Nothing && !event.is_composing() {
            chat.close_panel();
        }
    };
    let is_asking =
        move || matches!(chat.phase.get(), Phase::AsksToContinue | Phase::LinkIsSpent | Phase::Ended);
    view! {
        <main class="chat" class:framed=chat.is_framed on:keydown=on_key>
            <h1 class="visually-hidden">{locale.fill(Key::ChatWith, "name", &name)}</h1>
            <Header chat over />
            <StatusLine chat />
            <Show when=is_asking fallback=move || view! { <Conversation chat /> }>
                <Continuing chat />
            </Show>
            <ProofSheet chat over />
            <Menu chat over />
        </main>
    }
}

#[component]
fn Conversation(chat: Visit) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let at_end = chat.log.is_at_end();
    Effect::new(move || {
        if at_end.get() {
            chat.reached_newest();
        }
    });
    let typing = move || chat.typist.get().map(|name| locale.fill(Key::Typing, "name", &name));
    view! {
        <AnswererLine chat />
        <MessageLog
            model=chat.log
            on_older=move |()| chat.show_older()
            on_newer=move |()| chat.show_newer()
            on_newest=move |()| chat.to_newest()
            on_act=move |act| chat.act(act)
        >
            <div class="typing-row" role="status" hidden=move || chat.typist.read().is_none()>
                {typing}
            </div>
            <SuggestionRow suggestions=chat.suggestions on_pick=move |suggestion| chat.pick(suggestion) />
        </MessageLog>
        <ComplaintLine chat />
        <Composer
            handle=chat.composer
            label=locale.text(Key::Composer)
            placeholder=locale.text(Key::ComposerPlaceholder)
            on_input=move |text| chat.typed(text)
            on_send=move |text| chat.say(text)
        />
    }
}
