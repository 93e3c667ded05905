//! The page's address, for apps with several screens.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;

/// The path of the page's address.
#[must_use]
pub fn path() -> String {
    crate::window().location().pathname().unwrap_or_default()
}

/// Goes to `path` without asking the server; Back leads to where one was.
pub fn go(path: &str) {
    if path != self::path()
        && let Ok(history) = crate::window().history()
    {
        history.push_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(path)).ok();
    }
}

/// Hears when Back or Forward changed the address, for as long as the page lives.
pub fn watch(hear: impl Fn() + 'static) {
    let hear = Closure::<dyn FnMut()>::new(hear);
    let window = crate::window();
    window.add_event_listener_with_callback("popstate", hear.as_ref().unchecked_ref()).ok();
    hear.forget();
}

/// What is behind `#`.
#[must_use]
pub fn fragment() -> String {
    let hash = crate::window().location().hash().unwrap_or_default();
    hash.trim_start_matches('#').to_owned()
}

/// Loads the page anew at the same address with this fragment: everything in memory is gone.
pub fn reload(fragment: &str) {
    let location = crate::window().location();
    location.set_hash(fragment).ok();
    location.reload().ok();
}

/// Loads the page anew in the language `tag`, BCP 47, without a step in the history. Whether it does: an address
/// that asks for this language already stays as it is.
pub fn speak(tag: &str) -> bool {
    let location = crate::window().location();
    let wish = ["?locale=", tag].concat();
    let is_asked = location.search().is_ok_and(|search| search == wish);
    !is_asked && location.replace(&[wish, location.hash().unwrap_or_default()].concat()).is_ok()
}
