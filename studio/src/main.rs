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

use js_sys::{JSON, Object};
use leptos::prelude::*;
use portico_ui::locale;
use wasm_bindgen::JsCast;

fn main() {
    speak();
    leptos::mount::mount_to_body(|| view! { <view::App /> });
}

/// English, with what the shared texts say to visitors said to representatives instead.
fn speak() {
    const SHARED: &str = include_str!("../../public/locales/en.json");
    const OWN: &str = include_str!("../locale.json");
    let read = |json| JSON::parse(json).expect("checked by a test").unchecked_into::<Object>();
    let texts = Object::assign(&read(SHARED), &read(OWN));
    locale::speak(view::LANGUAGE, texts.into());
}
