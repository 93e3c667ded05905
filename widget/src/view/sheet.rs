//! What slides over the chat: the proof, the menu, a question. One dialog with a page for each.

use portico_ui::dom;
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, HtmlDialogElement, HtmlElement};

/// A modal sheet. The browser's own dialog keeps the focus inside, gives it back, and closes on Escape. Copies are
/// the same sheet.
#[derive(Clone, Copy)]
pub(super) struct Sheet(&'static Parts);

struct Parts {
    dialog: HtmlDialogElement,
    title: HtmlElement,
}

impl Sheet {
    pub(super) fn new(root: &Element) -> Self {
        let dialog: HtmlDialogElement = dom::find(root, "dialog").unchecked_into();
        let title = dom::find(&dialog, "h2");
        let close = dom::find(&dialog, ".icon-button");
        // There is one, for as long as the page lives.
        let sheet = Self(Box::leak(Box::new(Parts { dialog, title })));
        dom::on(&close, "click", move |_| sheet.close());
        // A press on the backdrop lands on the dialog itself; everything else lies on its content.
        dom::on(&sheet.0.dialog, "click", move |event: Event| {
            if event.target() == event.current_target() {
                sheet.close();
            }
        });
        sheet
    }

    /// Shows one page of it.
    pub(super) fn open(self, page: &str) {
        let Parts { dialog, title } = self.0;
        let Ok(pages) = dialog.query_selector_all("[data-page]") else { return };
        for index in 0..pages.length() {
            let Some(node) = pages.get(index) else { continue };
            let node: HtmlElement = node.unchecked_into();
            let is_it = node.get_attribute("data-page").as_deref() == Some(page);
            dom::hide(&node, !is_it);
            if is_it {
                dom::say(title, &node.get_attribute("data-title").unwrap_or_default());
            }
        }
        if !dialog.open() {
            dialog.show_modal().ok();
        }
        // Said first by those who hear the page.
        title.focus().ok();
    }

    pub(super) fn close(self) {
        self.0.dialog.close();
    }

    pub(super) fn is_open(self) -> bool {
        self.0.dialog.open()
    }

    /// The part of it that `selector` finds.
    pub(super) fn find(self, selector: &str) -> HtmlElement {
        dom::find(&self.0.dialog, selector)
    }
}
