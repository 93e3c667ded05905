//! What the server's document gives this app to start from.

use std::collections::BTreeMap;

use leptos::prelude::document;
use portico_protocol::{BrandCard, codec};
use portico_ui::Locale;
use serde::Deserialize;

/// The element that holds it, as JSON.
const ELEMENT: &str = "portico-boot";

/// Where the chat is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Surface {
    /// In a frame on the brand's page.
    Frame,
    /// As a page of its own.
    Page,
}

/// See the module.
#[derive(Deserialize)]
pub(crate) struct Boot {
    pub(crate) brand: BrandCard,
    pub(crate) locale: String,
    pub(crate) surface: Surface,
    pub(crate) strings: BTreeMap<String, String>,
}

impl Boot {
    pub(crate) fn read() -> Option<Self> {
        let text = document().get_element_by_id(ELEMENT)?.text_content()?;
        codec::decode_from_server(&text).ok()
    }

    pub(crate) fn locale(&self) -> Locale {
        Locale::new(&self.locale, self.strings.clone())
    }
}
