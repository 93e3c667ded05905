//! What proves the brand. The server has written it; here it grows old.

use portico_browser::{clock, page};
use portico_protocol::Timestamp;
use portico_ui::dom;
use portico_ui::locale::{self, Key};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use super::sheet::Sheet;

/// `expires_at`: when what the document shows stops being proven; none if it shows no proof.
pub(super) fn bring_to_life(root: &HtmlElement, sheet: Sheet, expires_at: Option<Timestamp>) {
    if let Ok(times) = root.query_selector_all("[data-at]") {
        for time in (0..times.length()).filter_map(|index| times.get(index)) {
            write_time(time.unchecked_ref());
        }
    }
    let chat = root.clone();
    let look = move || {
        if expires_at.is_some_and(|at| at <= clock::timestamp()) {
            expire(&chat);
        }
    };
    look();
    let look_again = look.clone();
    page::watch(move |_| look_again());
    dom::on(&dom::find(root, ".brand-button"), "click", move |_| {
        look();
        sheet.open("proof");
    });
}

/// A page may be left open longer than its proof holds.
fn expire(chat: &Element) {
    while let Ok(Some(tick)) = chat.query_selector(".verified-tick") {
        tick.remove();
    }
    let verdict = dom::find(chat, ".proof-verdict");
    verdict.set_class_name("proof-verdict doubtful");
    dom::say(&verdict, &locale::text(Key::ProofExpired));
    let domain = dom::find(chat, ".brand-domain");
    if domain.child_element_count() == 1 {
        dom::append(&domain, &dom::make_saying("span", "doubt", &locale::text(Key::NotVerified)));
    }
}

/// As the reader's own zone and language have it.
fn write_time(element: &Element) {
    let millis = element.get_attribute("data-at").and_then(|millis| millis.parse().ok());
    if let Some(millis) = millis {
        dom::say(element, &locale::moment(Timestamp::from_millis(millis)));
    }
}
