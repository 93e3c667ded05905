//! What else can be done.

use leptos::prelude::*;
use portico_browser::{CallError, clock};
use portico_client::{Client, Row};
use portico_protocol::ConversationId;
use portico_protocol::api::DeviceLink;
use portico_protocol::entry::Owner as Answerer;
use portico_ui::icon::{Drawing, Icon};
use portico_ui::theme::{Scheme, apply_scheme};
use portico_ui::{Key, Locale, Sheet};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, HtmlAnchorElement, Url};

use super::Over;
use crate::chat::{Complaint, Phase, Visit};
use crate::history::transcript;
use crate::{keep, session};

/// The languages that come with Portico, by the names that their speakers give them.
const LANGUAGES: [(&str, &str); 4] =
    [("en", "English"), ("de", "Deutsch"), ("es", "Español"), ("ar", "العربية")];

/// The menu, and what opens from it.
#[component]
pub(super) fn Menu(chat: Visit, over: RwSignal<Over>) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let page = RwSignal::new(Page::Actions);
    let title = move || locale.text(page.get().title());
    let close = move |()| {
        over.set(Over::Nothing);
        page.set(Page::Actions);
    };
    view! {
        <Sheet
            open=Signal::derive(move || over.get() == Over::Menu)
            on_close=close
            title=Signal::derive(title)
        >
            {move || match page.get() {
                Page::Actions => view! { <Actions chat page close=Callback::new(close) /> }.into_any(),
                Page::Device => view! { <DevicePage chat /> }.into_any(),
                Page::End => view! { <EndPage chat page close=Callback::new(close) /> }.into_any(),
            }}
        </Sheet>
    }
}

/// Which page of the menu is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Page {
    Actions,
    Device,
    End,
}

impl Page {
    const fn title(self) -> Key {
        match self {
            Self::Actions => Key::Menu,
            Self::Device => Key::ContinueElsewhere,
            Self::End => Key::End,
        }
    }
}

#[component]
fn Actions(chat: Visit, page: RwSignal<Page>, close: Callback<()>) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let is_live = move || matches!(chat.phase.get(), Phase::Open | Phase::Reconnecting | Phase::Offline);
    let has_bot = move || matches!(chat.answerer.get(), Some(Answerer::Bot(_)));
    let save_transcript = move |()| {
        chat.with_whole_history(move |client, id| download_transcript(chat, locale, client, id));
        close.run(());
    };
    let call_person = move |()| {
        chat.request_human();
        close.run(());
    };
    view! {
        <ul class="menu">
            <Show when=move || is_live() && has_bot()>
                <Action icon=Icon::Person label=Key::TalkToPerson on_press=call_person />
            </Show>
            <Show when=is_live>
                <Action icon=Icon::Device label=Key::ContinueElsewhere on_press=move |()| page.set(Page::Device) />
                <Action icon=Icon::Download label=Key::Transcript on_press=save_transcript />
            </Show>
            <SoundSwitch />
            <SchemeChoice />
            <LanguageChoice />
            <Show when=is_live>
                <Action icon=Icon::Stop label=Key::End on_press=move |()| page.set(Page::End) />
            </Show>
        </ul>
    }
}

#[component]
fn Action(icon: Icon, label: Key, #[prop(into)] on_press: Callback<()>) -> impl IntoView {
    let locale = expect_context::<Locale>();
    view! {
        <li>
            <button type="button" class="menu-item" on:click=move |_| on_press.run(())>
                <Drawing icon />
                <span>{locale.text(label)}</span>
            </button>
        </li>
    }
}

#[component]
fn SoundSwitch() -> impl IntoView {
    let locale = expect_context::<Locale>();
    let is_on = RwSignal::new(keep::has_sound());
    let flip = move |_| {
        is_on.update(|is_on| *is_on = !*is_on);
        keep::set_sound(is_on.get_untracked());
        if is_on.get_untracked() {
            portico_browser::sound::chime();
        }
    };
    view! {
        <li>
            <button
                type="button"
                class="menu-item"
                role="switch"
                aria-checked=move || is_on.get().to_string()
                on:click=flip
            >
                <Drawing icon=Icon::Sound />
                <span>{locale.text(Key::Sound)}</span>
            </button>
        </li>
    }
}

#[component]
fn SchemeChoice() -> impl IntoView {
    let locale = expect_context::<Locale>();
    let choose = |event| {
        let scheme = Scheme::from_name(&event_target_value(&event));
        keep::set_scheme(scheme);
        apply_scheme(scheme);
    };
    let option = |scheme: Scheme, key| {
        view! { <option value=scheme.name() selected=keep::scheme() == scheme>{locale.text(key)}</option> }
    };
    view! {
        <li>
            <label class="menu-item">
                <Drawing icon=Icon::Moon />
                <span>{locale.text(Key::Theme)}</span>
                <select on:change=choose>
                    {option(Scheme::Auto, Key::ThemeAuto)}
                    {option(Scheme::Light, Key::ThemeLight)}
                    {option(Scheme::Dark, Key::ThemeDark)}
                </select>
            </label>
        </li>
    }
}

#[component]
fn LanguageChoice() -> impl IntoView {
    let locale = expect_context::<Locale>();
    // The document is the server's, in one language: another one is another document.
    let choose = |event| {
        let address = ["?locale=", &event_target_value(&event)].concat();
        portico_browser::window().location().set_search(&address).ok();
    };
    let own = locale.tag();
    let options = LANGUAGES.map(|(tag, name)| {
        view! { <option value=tag lang=tag selected=own.starts_with(tag)>{name}</option> }
    });
    view! {
        <li>
            <label class="menu-item">
                <Drawing icon=Icon::Globe />
                <span>{locale.text(Key::Language)}</span>
                <select on:change=choose>{options.into_iter().collect_view()}</select>
            </label>
        </li>
    }
}

/// A link that works once, as a picture for the other device's camera.
#[component]
fn DevicePage(chat: Visit) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let link = RwSignal::new(None::<DeviceLink>);
    spawn_local(async move {
        match session::link_device(chat.bearer()).await {
            Ok(made) => drop(link.try_set(Some(made))),
            Err(CallError::Problem(problem)) => chat.complaint.set(Some(Complaint::Problem(problem))),
            Err(CallError::Unreachable) => {}
        }
    });
    let is_copied = RwSignal::new(false);
    let drawn = move || {
        link.get().map(|link| {
            let picture = ["data:image/svg+xml,", &String::from(js_sys::encode_uri_component(&link.qr_svg))].concat();
            let address = link.url.clone();
            let copy = move |_| {
                let _ = portico_browser::window().navigator().clipboard().write_text(&address);
                is_copied.set(true);
            };
            let copy_label = move || locale.text(if is_copied.get() { Key::Copied } else { Key::CopyLink });
            view! {
                <img class="device-code" src=picture alt=locale.text(Key::ContinueElsewhere) width="208" height="208" />
                <p class="proof-note">{locale.fill(Key::LinkExpires, "time", &locale.time(link.expires_at))}</p>
                <button type="button" class="button" on:click=copy>{copy_label}</button>
            }
        })
    };
    view! {
        <div class="device-page">
            <p>{locale.text(Key::ContinueScan)}</p>
            {drawn}
        </div>
    }
}

#[component]
fn EndPage(chat: Visit, page: RwSignal<Page>, close: Callback<()>) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let end = move |_| {
        chat.end();
        close.run(());
    };
    view! {
        <p class="proof-note">{locale.text(Key::EndDetail)}</p>
        <div class="button-row">
            <button type="button" class="button" on:click=move |_| page.set(Page::Actions)>
                {locale.text(Key::Cancel)}
            </button>
            <button type="button" class="button danger" on:click=end>{locale.text(Key::End)}</button>
        </div>
    }
}

fn download_transcript(chat: Visit, locale: Locale, client: &Client, id: ConversationId) {
    let Some(conversation) = client.conversation(id) else { return };
    let brand = chat.brand.get_value();
    let line = |row: &Row| {
        let name = match &row.author {
            portico_protocol::Author::Representative(who) => who.display_name.clone(),
            _ => locale.text(Key::You),
        };
        row.is_spoken().then(|| [&locale.moment(row.at), " · ", &name, "\n", row.text(), "\n"].concat())
    };
    let head = [&brand.display_name, " · ", &brand.domain, " · ", &locale.moment(clock::timestamp()), "\n\n"]
        .concat();
    let text = head + &transcript(conversation, line);
    let parts = js_sys::Array::of1(&text.into());
    let Ok(blob) = Blob::new_with_str_sequence(&parts) else { return };
    let Ok(address) = Url::create_object_url_with_blob(&blob) else { return };
    let anchor: Option<HtmlAnchorElement> = document().create_element("a").ok().map(JsCast::unchecked_into);
    if let Some(anchor) = anchor {
        anchor.set_href(&address);
        anchor.set_download(&[brand.brand.as_str(), ".txt"].concat());
        anchor.click();
    }
    Url::revoke_object_url(&address).ok();
}
