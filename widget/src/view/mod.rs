//! What is on screen. Views show what [`Visit`] tells and forward what visitors do; nothing else.
//!
//! The markup is the server's (`src/http/document/chat.html`): views find their parts in it by class.

mod composer;
mod menu;
mod proof;
mod sheet;
mod standing;
mod suggestion;

pub(crate) use composer::Composer;

use leptos::prelude::*;
use portico_protocol::boot::Boot;
use portico_ui::bubble::Act;
use portico_ui::{LogReader, dom};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, KeyboardEvent};

use crate::chat::Visit;

/// Connects the document with the chat.
pub(crate) fn bring_to_life(chat: Visit, boot: &Boot) {
    let root = root();
    let sheet = sheet::Sheet::new(&root);
    proof::bring_to_life(&root, sheet, boot.proof_expires_at);
    menu::bring_to_life(&root, sheet, chat);
    standing::bring_to_life(&root, chat, boot);
    suggestion::bring_to_life(&root, chat);
    chat.composer.attach(&root, chat);
    chat.log.attach(&dom::find(&root, ".message-log-frame"), Box::new(Reader(chat)));
    dom::on(&dom::find(&root, ".close-button"), "click", move |_| chat.close_panel());
    // Escape closes what lies on top: a sheet does so by itself, the panel is the page's.
    dom::on(&root, "keydown", move |event| {
        let event: KeyboardEvent = event.unchecked_into();
        if event.key() == "Escape" && !sheet.is_open() && !event.is_composing() {
            chat.close_panel();
        }
    });
}

/// The chat's outermost element.
pub(crate) fn root() -> HtmlElement {
    dom::find(&dom::document().document_element().expect("a document has a root"), ".chat")
}

/// Runs `show` now and whenever a signal that it reads has changed.
fn follow(show: impl Fn() + 'static) {
    fn erased(show: Box<dyn Fn()>) {
        // Views live as long as the page does.
        std::mem::forget(RenderEffect::new(move |_| show()));
    }
    erased(Box::new(show));
}

struct Reader(Visit);

impl LogReader for Reader {
    fn wants_older(&self) {
        self.0.show_older();
    }

    fn wants_newer(&self) {
        self.0.show_newer();
    }

    fn wants_newest(&self) {
        self.0.to_newest();
    }

    fn reached_newest(&self) {
        self.0.reached_newest();
    }

    fn act(&self, act: Act) {
        self.0.act(act);
    }
}
