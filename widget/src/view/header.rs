//! Who speaks, and whether that is proven.

use leptos::prelude::*;
use portico_browser::clock;
use portico_ui::icon::{Drawing, Icon, VerifiedTick};
use portico_ui::{Avatar, Key, Locale};

use super::Over;
use crate::chat::Visit;

/// The brand first: name, tick if and only if it is proven, domain. All of it opens the proof.
#[component]
pub(super) fn Header(chat: Visit, over: RwSignal<Over>) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let brand = chat.brand.get_value();
    let tick = brand
        .shows_tick(clock::timestamp())
        .then(|| view! { <VerifiedTick label=locale.text(Key::Verified) /> });
    let doubt = tick.is_none().then(|| view! { <span class="doubt">{locale.text(Key::NotVerified)}</span> });
    let color = brand.color.parse().unwrap_or(portico_protocol::Color::BLACK);
    view! {
        <header class="chat-header">
            <button type="button" class="brand-button" aria-haspopup="dialog" on:click=move |_| over.set(Over::Proof)>
                <Avatar name=brand.display_name.clone() color logo=brand.logo_url />
                <span class="brand-words">
                    <span class="brand-name">
                        <bdi>{brand.display_name}</bdi>
                        {tick}
                    </span>
                    <span class="brand-domain">
                        <span dir="ltr">{brand.domain}</span>
                        {doubt}
                    </span>
                </span>
            </button>
            <button
                type="button"
                class="icon-button"
                aria-haspopup="dialog"
                aria-label=locale.text(Key::Menu)
                on:click=move |_| over.set(Over::Menu)
            >
                <Drawing icon=Icon::More />
            </button>
            {chat
                .is_framed
                .then(|| {
                    view! {
                        <button
                            type="button"
                            class="icon-button"
                            aria-label=locale.text(Key::Close)
                            on:click=move |_| chat.close_panel()
                        >
                            <Drawing icon=Icon::Close />
                        </button>
                    }
                })}
        </header>
    }
}
