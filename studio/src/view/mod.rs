//! What representatives see. Views draw and forward; the rules are in `desk`, `client` and on the server.
//!
//! Words stand in braces, `<h1>{"Inbox"}</h1>`: Leptos makes elements that hold nothing but literals by way of
//! `innerHTML`, which Trusted Types forbid here.

#![expect(unreachable_pub, reason = "the component macro makes properties public whatever the component is")]

mod app;
mod composer;
mod face;
mod glyph;
mod inbox;
mod log;
mod menu;
mod page;
mod panel;
mod sign_in;
mod talk;

pub(crate) use app::App;
pub(crate) use inbox::row_id;

use js_sys::{Array, Date, Intl, Object, Reflect};
use leptos::html::Input;
use leptos::prelude::*;
use portico_protocol::Timestamp;
use wasm_bindgen::{JsCast, JsValue};

/// The language of the studio's words, and so of its dates. Its texts are in English only.
pub(crate) const LANGUAGE: &str = "en-GB";

/// Whether the page reads right to left.
#[must_use]
pub(crate) fn is_rtl() -> bool {
    document().document_element().is_some_and(|root| root.get_attribute("dir").as_deref() == Some("rtl"))
}

/// Moves the focus to the element with this id, where it exists.
pub(crate) fn focus_id(id: &str) {
    if let Some(element) =
        document().get_element_by_id(id).and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok())
    {
        let _ = element.focus();
    }
}

fn focus(field: NodeRef<Input>) {
    if let Some(field) = field.get_untracked() {
        let _ = field.focus();
        field.select();
    }
}

fn blur(element: Option<&web_sys::Element>) {
    if let Some(element) = element.and_then(|element| element.dyn_ref::<web_sys::HtmlElement>()) {
        let _ = element.blur();
    }
}

/// Day and time.
#[must_use]
pub(crate) fn moment(at: Timestamp) -> String {
    format(at, &[("dateStyle", "medium"), ("timeStyle", "short")]).unwrap_or_default()
}

/// The time of day in another zone; `None` where the browser does not know the zone.
#[must_use]
pub(crate) fn time_in(at: Timestamp, zone: &str) -> Option<String> {
    format(at, &[("hour", "numeric"), ("minute", "2-digit"), ("weekday", "short"), ("timeZone", zone)])
}

/// For machines, in a `datetime` attribute.
#[must_use]
pub(crate) fn iso(at: Timestamp) -> String {
    date(at).to_iso_string().into()
}

/// The language's name: `German` for `de`; the tag itself where the browser knows no name.
#[must_use]
pub(crate) fn language_name(tag: &str) -> String {
    let options = object(&[("type", "language")]);
    let names = Intl::DisplayNames::new(&Array::of1(&LANGUAGE.into()), &options);
    names.of(tag).map_or_else(|| tag.to_owned(), String::from)
}

/// The members of a JSON object as lines; anything else as one line. The page said it, so nothing is trusted:
/// it only ever becomes text, and at most 30 lines of it.
#[must_use]
pub(crate) fn json_pairs(json: &str) -> Vec<(String, String)> {
    let Ok(value) = js_sys::JSON::parse(json) else { return Vec::new() };
    let Some(object) = value.dyn_ref::<Object>().filter(|object| !Array::is_array(object)) else {
        return vec![("Context".into(), json.to_owned())];
    };
    let pair = |entry: JsValue| {
        let entry: Array = entry.unchecked_into();
        Some((entry.get(0).as_string()?, shown(&entry.get(1))))
    };
    Object::entries(object).iter().take(30).filter_map(pair).collect()
}

fn shown(value: &JsValue) -> String {
    let json = || js_sys::JSON::stringify(value).ok().and_then(|text| text.as_string());
    value.as_string().or_else(json).unwrap_or_default()
}

/// Throws inside where an option is not known, such as a zone: that is caught, and there is no text.
fn format(at: Timestamp, options: &[(&str, &str)]) -> Option<String> {
    let arguments = Array::of2(&LANGUAGE.into(), &object(options));
    let method = Reflect::get(&date(at), &"toLocaleString".into()).ok()?;
    method.dyn_ref::<js_sys::Function>()?.apply(&date(at), &arguments).ok()?.as_string()
}

fn date(at: Timestamp) -> Date {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit 53 bits")]
    Date::new(&JsValue::from_f64(at.as_millis() as f64))
}

fn object(options: &[(&str, &str)]) -> Object {
    let object = Object::new();
    for (name, value) in options {
        // A fresh object takes any property.
        let _ = Reflect::set(&object, &(*name).into(), &(*value).into());
    }
    object
}
