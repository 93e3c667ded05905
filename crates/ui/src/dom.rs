//! The document, as the shared views touch it: few and plain calls, none of them generic, since every visitor
//! downloads what they compile to.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{Document, Element, Event, EventTarget, HtmlElement};

/// The page's document.
///
/// # Panics
/// Outside of a page.
#[must_use]
pub fn document() -> Document {
    web_sys::window().and_then(|window| window.document()).expect("apps run in a page")
}

/// A new element. `class` may be empty.
///
/// # Panics
/// `tag` is no name of an element.
#[must_use]
pub fn make(tag: &str, class: &str) -> HtmlElement {
    let element: HtmlElement = document().create_element(tag).expect("the tag is a literal").unchecked_into();
    if !class.is_empty() {
        element.set_class_name(class);
    }
    element
}

/// A new element that says `text`, with the direction that the text has.
#[must_use]
pub fn make_saying(tag: &str, class: &str, text: &str) -> HtmlElement {
    let element = make(tag, class);
    say(&element, text);
    set(&element, "dir", "auto");
    element
}

/// The first element in `within` that `selector` finds.
///
/// # Panics
/// There is none: markup and code are not of the same build.
#[must_use]
pub fn find(within: &Element, selector: &str) -> HtmlElement {
    let found = within.query_selector(selector).ok().flatten();
    found.expect("the markup has all the parts that the code knows").unchecked_into()
}

/// Sets an attribute.
pub fn set(element: &Element, name: &str, value: &str) {
    let done = element.set_attribute(name, value);
    debug_assert!(done.is_ok(), "the attribute's name is a literal");
}

/// Replaces what an element says.
pub fn say(element: &Element, text: &str) {
    element.set_text_content(Some(text));
}

/// Takes an element off the screen or puts it back.
pub fn hide(element: &HtmlElement, is_hidden: bool) {
    element.set_hidden(is_hidden);
}

/// Puts `child` behind the other children of `parent`.
pub fn append(parent: &Element, child: &Element) {
    let done = parent.append_child(child);
    debug_assert!(done.is_ok(), "an element takes children");
}

/// Runs `act` at each `event`, for as long as `target` lives.
pub fn on(target: &EventTarget, event: &str, act: impl FnMut(Event) + 'static) {
    listen(target, event, Box::new(act));
}

fn listen(target: &EventTarget, event: &str, act: Box<dyn FnMut(Event)>) {
    // The browser frees it with the element.
    let act = Closure::wrap(act).into_js_value();
    target.add_event_listener_with_callback(event, act.unchecked_ref()).ok();
}

/// Where an event happened, or the element around it that `selector` finds.
#[must_use]
pub fn target(event: &Event, selector: &str) -> Option<HtmlElement> {
    let target: Element = event.target()?.unchecked_into();
    target.closest(selector).ok().flatten().map(JsCast::unchecked_into)
}
