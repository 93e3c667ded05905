//! What the server's document gives this app to start from.

use portico_protocol::boot::Boot;
use portico_protocol::codec;
use portico_ui::{dom, locale};

/// Reads it, and learns the document's language. `None`: the document was not written by our server.
pub(crate) fn read() -> Option<Boot> {
    let boot: Boot = codec::decode_from_server(&data("portico-boot")?).ok()?;
    locale::speak(&boot.locale, js_sys::JSON::parse(&data("portico-texts")?).ok()?);
    Some(boot)
}

/// The JSON in the element `id`.
fn data(id: &str) -> Option<String> {
    dom::document().get_element_by_id(id)?.text_content()
}
