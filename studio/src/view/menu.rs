//! Menus: a button, and what it opens.

use leptos::html::{Button, Div};
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::glyph::{Glyph, Shape};
use portico_ui::theme::Scheme;

use crate::desk::Desk;
use crate::route::Route;

/// A button that opens a menu (the WAI-ARIA pattern: arrows move, Escape and a press elsewhere close).
#[component]
pub(crate) fn Menu(
    /// What the button is called.
    label: &'static str,
    /// What the button shows.
    shape: Shape,
    /// The items.
    children: ChildrenFn,
) -> impl IntoView {
    let is_open = RwSignal::new(false);
    let root = NodeRef::<Div>::new();
    let button = NodeRef::<Button>::new();
    let close = move || {
        is_open.set(false);
        if let Some(button) = button.get_untracked() {
            let _ = button.focus();
        }
    };
    let outside = window_event_listener(leptos::ev::pointerdown, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        if is_open.get_untracked() && !root.get_untracked().is_some_and(|root| root.contains(target.as_ref()))
        {
            is_open.set(false);
        }
    });
    on_cleanup(move || outside.remove());
    Effect::new(move |_| {
        if is_open.get()
            && let Some(root) = root.get_untracked()
        {
            move_focus(&root, 0, false);
        }
    });
    let keydown = move |event: leptos::ev::KeyboardEvent| {
        let Some(root) = root.get_untracked().filter(|_| is_open.get_untracked()) else { return };
        match event.key().as_str() {
            "Escape" => close(),
            "Tab" => return is_open.set(false),
            "ArrowDown" => move_focus(&root, 1, true),
            "ArrowUp" => move_focus(&root, -1, true),
            "Home" => move_focus(&root, 0, false),
            "End" => move_focus(&root, -1, false),
            // Enter and Space press the item; letters must not reach the desk's shortcuts either way.
            _ => return event.stop_propagation(),
        }
        event.prevent_default();
        event.stop_propagation();
    };
    // An item that does something closes the menu; one that is ticked leaves it open.
    let pressed = move |event: leptos::ev::MouseEvent| {
        let item = event.target().and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        if item.and_then(|item| item.closest("[role=menuitem]").ok().flatten()).is_some() {
            is_open.set(false);
        }
    };
    let children = StoredValue::new(children);
    view! {
        <div class="menu" node_ref=root on:keydown=keydown>
            <button class="icon-button" node_ref=button aria-label=label title=label aria-haspopup="menu"
                aria-expanded=move || is_open.get().to_string() on:click=move |_| is_open.update(|open| *open = !*open)>
                <Glyph shape />
            </button>
            <Show when=move || is_open.get()>
                <div role="menu" aria-label=label tabindex="-1" on:click=pressed>{children.with_value(|items| items())}</div>
            </Show>
        </div>
    }
}

/// Something to do.
#[component]
pub(crate) fn Item(
    /// What.
    #[prop(into)]
    label: Signal<String>,
    /// Its picture.
    shape: Shape,
    /// The shortcut that does the same.
    #[prop(optional)]
    key: Option<&'static str>,
    /// Does it.
    #[prop(into)]
    on_press: Callback<()>,
) -> impl IntoView {
    view! {
        <button role="menuitem" tabindex="-1" on:click=move |_| on_press.run(())>
            <Glyph shape />
            {label}
            {key.map(|key| view! { <kbd aria-hidden="true">{key}</kbd> })}
        </button>
    }
}

/// Something that is on or off.
#[component]
pub(crate) fn CheckItem(
    /// What.
    label: &'static str,
    /// Whether it is on.
    #[prop(into)]
    is_checked: Signal<bool>,
    /// Turns it.
    #[prop(into)]
    on_toggle: Callback<()>,
) -> impl IntoView {
    view! {
        <button role="menuitemcheckbox" tabindex="-1" aria-checked=move || is_checked.get().to_string()
            on:click=move |_| on_toggle.run(())>
            <span class="check"><Glyph shape=Shape::Tick /></span>
            {label}
        </button>
    }
}

/// The representative's own menu.
#[component]
pub(crate) fn AccountMenu() -> impl IntoView {
    let desk = expect_context::<Desk>();
    let settings = desk.settings();
    view! {
        <Menu label="Your account and settings" shape=Shape::Person>
            <div class="who" role="presentation">
                <strong>{desk.me().display_name.clone()}</strong>
                <span>{desk.me().email.clone()}</span>
            </div>
            <hr />
            <CheckItem label="Sound for new messages" is_checked=Signal::derive(move || settings.read().has_sound)
                on_toggle=move |()| desk.toggle_sound() />
            <CheckItem label="Desktop notifications" is_checked=Signal::derive(move || settings.read().has_notifications)
                on_toggle=move |()| desk.toggle_notifications() />
            <Item label=Signal::derive(move || theme_label(settings.read().theme).to_owned()) shape=Shape::Contrast
                on_press=move |()| desk.next_theme() />
            <hr />
            <Item label=label("Canned replies") shape=Shape::Lightning on_press=move |()| desk.go(Route::Replies) />
            <Item label=label("Signed-in devices") shape=Shape::Device on_press=move |()| desk.go(Route::Sessions) />
            <Item label=label("Keyboard shortcuts") shape=Shape::Keyboard key="?" on_press=move |()| desk.show_help() />
            <hr />
            <Item label=label("Sign out") shape=Shape::Leave on_press=move |()| desk.sign_out() />
        </Menu>
    }
}

/// A label that never changes.
#[must_use]
pub(crate) fn label(text: &'static str) -> Signal<String> {
    Signal::stored(text.to_owned())
}

const fn theme_label(theme: Scheme) -> &'static str {
    match theme {
        Scheme::Auto => "Colours: as the system",
        Scheme::Light => "Colours: light",
        Scheme::Dark => "Colours: dark",
    }
}

/// Moves the focus among the items: by `step` from where it is, or to the first (0) or last (-1).
fn move_focus(root: &web_sys::Element, step: i32, is_relative: bool) {
    let Ok(found) = root.query_selector_all("[role^=menuitem]") else { return };
    let count = i32::try_from(found.length()).unwrap_or(0);
    if count == 0 {
        return;
    }
    let items = (0..found.length()).filter_map(|index| found.get(index));
    let focused = document().active_element();
    let current = items.clone().position(|item| focused.as_deref().is_some_and(|focused| *focused == item));
    let current = current.and_then(|index| i32::try_from(index).ok()).filter(|_| is_relative);
    let next =
        current.map_or(if step < 0 { count - 1 } else { 0 }, |current| (current + step).rem_euclid(count));
    if let Some(item) =
        found.get(next.unsigned_abs()).and_then(|item| item.dyn_into::<web_sys::HtmlElement>().ok())
    {
        let _ = item.focus();
    }
}
