//! What else can be done.

use std::cell::RefCell;
use std::rc::Rc;

use leptos::prelude::*;
use portico_browser::{address, page};
use portico_ui::dom;
use portico_ui::locale::{self, Key};
use portico_ui::theme::{Scheme, apply_scheme};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Element, HtmlElement, HtmlSelectElement};

use super::sheet::Sheet;
use crate::chat::{Phase, Visit};
use crate::{keep, session};

pub(super) fn bring_to_life(root: &Element, sheet: Sheet, chat: Visit) {
    let address = Rc::new(RefCell::new(String::new()));
    dom::on(&dom::find(root, ".menu-button"), "click", move |_| open(sheet, chat));
    dom::on(&sheet.find(".sheet-content"), "click", move |event| {
        let Some(button) = dom::target(&event, "[data-do]") else { return };
        match button.get_attribute("data-do").unwrap_or_default().as_str() {
            "menu" => open(sheet, chat),
            "person" => {
                sheet.close();
                chat.request_human();
            }
            "device" => show_device_link(sheet, chat, address.clone()),
            "copy" => {
                let _ = portico_browser::window().navigator().clipboard().write_text(&address.borrow());
                dom::say(&button, &locale::text(Key::Copied));
            }
            "transcript" => {
                sheet.close();
                chat.save_transcript();
            }
            "sound" => flip_sound(&button),
            "end" => sheet.open("end"),
            _ => {
                sheet.close();
                chat.end();
            }
        }
    });
    choices(sheet);
}

fn open(sheet: Sheet, chat: Visit) {
    let is_live = matches!(chat.phase.get_untracked(), Phase::Open | Phase::Reconnecting | Phase::Offline);
    for (what, is_there) in [
        ("person", is_live && chat.has_bot()),
        ("device", is_live),
        ("transcript", is_live),
        ("end", is_live),
    ] {
        let button = sheet.find(&[".menu [data-do=", what, "]"].concat());
        dom::hide(&button, !is_there);
    }
    sheet.open("menu");
}

/// Look, language and sound, as they are and as the visitor wants them.
fn choices(sheet: Sheet) {
    let choice = |class| -> HtmlSelectElement { sheet.find(class).unchecked_into() };
    let (scheme, language) = (choice(".scheme-choice"), choice(".language-choice"));
    scheme.set_value(keep::scheme().name());
    let chosen = scheme.clone();
    dom::on(&scheme, "change", move |_| {
        let scheme = Scheme::from_name(&chosen.value());
        keep::set_scheme(scheme);
        apply_scheme(scheme);
    });
    let chosen = language.clone();
    dom::on(&language, "change", move |_| {
        // The document is the server's, in one language: another one is another document.
        keep::set_language(&chosen.value());
        address::speak(&chosen.value());
    });
    show_sound(&sheet.find("[data-do=sound]"));
}

fn show_sound(button: &HtmlElement) {
    dom::set(button, "aria-checked", if keep::has_sound() { "true" } else { "false" });
}

fn flip_sound(button: &HtmlElement) {
    keep::set_sound(!keep::has_sound());
    show_sound(button);
    if keep::has_sound() {
        portico_browser::sound::chime();
    }
}

/// A link that works once, as a picture for the other device's camera.
fn show_device_link(sheet: Sheet, chat: Visit, address: Rc<RefCell<String>>) {
    let (picture, note) = (sheet.find(".device-code"), sheet.find(".device-page .proof-note"));
    let copy = sheet.find("[data-do=copy]");
    dom::hide(&picture, true);
    dom::hide(&copy, true);
    dom::say(&note, "");
    dom::say(&copy, &locale::text(Key::CopyLink));
    sheet.open("device");
    spawn_local(async move {
        match session::link_device(chat.bearer()).await {
            Ok(link) => {
                let svg = String::from(js_sys::encode_uri_component(&link.qr_svg));
                dom::set(&picture, "src", &["data:image/svg+xml,", &svg].concat());
                dom::say(&note, &locale::fill(Key::LinkExpires, "time", &locale::time(link.expires_at)));
                dom::hide(&picture, false);
                dom::hide(&copy, false);
                *address.borrow_mut() = link.url;
            }
            Err(error) => {
                let words = if page::is_online() { Key::Reconnecting } else { Key::Offline };
                dom::say(&note, &chat.words_for(error, words));
            }
        }
    });
}
