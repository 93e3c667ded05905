//! The page as the browser sees it: visible or not, online or not, and what it is called.

use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::Closure;
use web_sys::{EventTarget, VisibilityState};

/// Something happened to the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// Somebody looks at it again.
    Shown,
    /// Nobody looks at it any more; it may never run again.
    Hidden,
    /// The browser believes that there is a network.
    Online,
    /// The browser knows that there is none.
    Offline,
}

/// Whether somebody may be looking.
#[must_use]
pub fn is_visible() -> bool {
    let document = crate::window().document();
    document.is_none_or(|document| document.visibility_state() == VisibilityState::Visible)
}

/// Whether there may be a network.
#[must_use]
pub fn is_online() -> bool {
    crate::window().navigator().on_line()
}

/// Hears what happens to the page, for as long as it lives.
pub fn watch(hear: impl Fn(Happening) + Clone + 'static) {
    let window = crate::window();
    let visibility = hear.clone();
    let on_visibility = move || visibility(if is_visible() { Happening::Shown } else { Happening::Hidden });
    if let Some(document) = window.document() {
        on(&document, "visibilitychange", on_visibility);
    }
    for (name, happening) in [
        // Back from the back-forward cache: nothing that was open then still is.
        ("pageshow", Happening::Shown),
        ("pagehide", Happening::Hidden),
        ("online", Happening::Online),
        ("offline", Happening::Offline),
    ] {
        let hear = hear.clone();
        on(&window, name, move || hear(happening));
    }
}

/// Hears the height that is really seen, in whole CSS pixels: some phones lay the keyboard over the page.
pub fn watch_height(hear: impl Fn(u32) + 'static) {
    let Some(viewport) = crate::window().visual_viewport() else { return };
    let seen = viewport.clone();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "screens are smaller")]
    on(&viewport, "resize", move || hear(seen.height() as u32));
}

/// Puts the count of unread messages before the page's title, as browsers' tabs show it.
pub fn badge_title(title: &str, unread: u32) {
    let Some(document) = crate::window().document() else { return };
    if unread == 0 {
        document.set_title(title);
    } else {
        document.set_title(&["(", &portico_protocol::codec::encode(&unread), ") ", title].concat());
    }
}

/// Runs `act` after `millis`, unless the returned timer is dropped before.
#[must_use]
pub fn after(millis: u64, act: impl FnOnce() + 'static) -> Timer {
    let act = Closure::once(act);
    let millis = i32::try_from(millis).unwrap_or(i32::MAX);
    let set = crate::window()
        .set_timeout_with_callback_and_timeout_and_arguments_0(act.as_ref().unchecked_ref(), millis);
    Timer { id: set.unwrap_or_default(), _act: act }
}

/// A wake-up call; dropping it cancels it.
#[derive(Debug)]
pub struct Timer {
    id: i32,
    _act: Closure<dyn FnMut()>,
}

impl Drop for Timer {
    fn drop(&mut self) {
        crate::window().clear_timeout_with_handle(self.id);
    }
}

fn on(target: &EventTarget, name: &str, act: impl Fn() + 'static) {
    let act = Closure::<dyn FnMut()>::new(act);
    target.add_event_listener_with_callback(name, act.as_ref().unchecked_ref()).ok();
    act.forget();
}
