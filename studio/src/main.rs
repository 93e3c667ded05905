//! The studio: where representatives answer. An inbox, conversations, canned replies, signed-in devices.

mod api;
mod canned;
mod desk;
mod door;
mod route;
mod settings;
mod shortcut;
mod talk;
mod view;
mod words;

use std::collections::BTreeMap;

use leptos::prelude::*;
use portico_ui::Locale;

fn main() {
    leptos::mount::mount_to_body(|| {
        provide_context(locale());
        view! { <view::App /> }
    });
}

/// English, with what the shared texts say to visitors said to representatives instead.
fn locale() -> Locale {
    const SHARED: &str = include_str!("../../public/locales/en.json");
    const OWN: &str = include_str!("../locale.json");
    let read =
        |json| portico_protocol::codec::decode::<BTreeMap<String, String>>(json).expect("checked by a test");
    let mut texts = read(SHARED);
    texts.extend(read(OWN));
    Locale::new(view::LANGUAGE, texts)
}
