//! The chat a visitor sees, in a frame on the brand's page or as a page of its own.
//!
//! The server's document has painted header and skeleton already; this takes their place. Nothing is asked
//! of the server and nothing is kept before the chat is opened.

#![expect(unreachable_pub, reason = "the component macro makes the structs of properties public")]

mod boot;
mod chat;
mod history;
mod keep;
mod session;
mod view;

use leptos::prelude::*;
use portico_ui::theme::{apply_color, apply_height, apply_scheme};
use wasm_bindgen::JsCast;
use web_sys::HtmlTextAreaElement;

use crate::boot::{Boot, Surface};
use crate::chat::Visit;
use crate::view::App;

fn main() {
    // Without it, the document was not written by our server: there is nothing to start from.
    let Some(boot) = Boot::read() else { return };
    if let Ok(color) = boot.brand.color.parse() {
        apply_color(color);
    }
    apply_scheme(keep::scheme());
    let early = EarlyWords::take();
    let root = document().get_element_by_id("portico").expect("the server's document has the root");
    root.set_text_content(None);
    let owner = Owner::new();
    let (chat, locale) = owner.with(|| (Visit::new(&boot), boot.locale()));
    let handle = leptos::mount::mount_to(root.unchecked_into(), move || view! { <App chat locale /> });
    // Both live as long as the page does.
    handle.forget();
    std::mem::forget(owner);
    early.give_back(chat);
    // In a frame, the page around it does this.
    if boot.surface == Surface::Page {
        portico_browser::page::watch_height(apply_height);
    }
    chat.begin(boot.surface);
}

/// What somebody wrote into the document's own field before this code was there.
struct EarlyWords {
    text: String,
    was_focused: bool,
}

impl EarlyWords {
    fn take() -> Self {
        let field: Option<HtmlTextAreaElement> =
            document().query_selector("#portico textarea").ok().flatten().map(JsCast::unchecked_into);
        let was_focused = field.is_some() && document().active_element() == field.clone().map(Into::into);
        Self { text: field.map(|field| field.value()).unwrap_or_default(), was_focused }
    }

    fn give_back(self, chat: Visit) {
        if !self.text.is_empty() {
            chat.composer.set_text(&self.text);
        }
        if self.was_focused {
            chat.composer.focus();
        }
    }
}
