//! The chat a visitor sees, in a frame on the brand's page or as a page of its own.
//!
//! The server's document is the whole chat already (`src/http/document`); this makes it live. Nothing is asked
//! of the server and nothing is kept before the chat is opened.

// Without the standard entry point, which would bring standard output along.
#![no_main]

mod boot;
mod chat;
mod history;
mod keep;
mod session;
mod view;

use leptos::prelude::Owner;
use portico_browser::address;
use portico_protocol::boot::Surface;
use portico_ui::theme::{apply_height, apply_scheme};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::chat::Visit;

/// A third of the code of the standard one, and as quick with blocks as small as a chat's.
#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();

#[wasm_bindgen(start)]
fn start() {
    // Without it, the document was not written by our server: there is nothing to start from.
    let Some(boot) = boot::read() else { return };
    // The page around asks for its own language; what the visitor chose comes first.
    let is_another = |tag: &String| !boot.locale.starts_with(tag.as_str());
    if keep::language().filter(is_another).is_some_and(|tag| address::speak(&tag)) {
        return;
    }
    apply_scheme(keep::scheme());
    // Drives effects; it fails only where it runs already.
    let _ = any_spawner::Executor::init_wasm_bindgen();
    let owner = Owner::new();
    owner.with(|| {
        let chat = Visit::new(&boot);
        view::bring_to_life(chat, &boot);
        // In a frame, the page around it does this.
        if boot.surface == Surface::Page {
            portico_browser::page::watch_height(apply_height);
        }
        chat.begin(boot.surface);
    });
    // Lives as long as the page does.
    std::mem::forget(owner);
}
