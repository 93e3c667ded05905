//! By day or by night, and in which height.

use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// Which of the two looks is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Scheme {
    /// As the system has it.
    #[default]
    Auto,
    /// By day.
    Light,
    /// By night.
    Dark,
}

impl Scheme {
    /// The name in `data-theme` and in the loader's `configure`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The look of that name; anything unknown is as the system has it.
    #[must_use]
    pub fn from_name(name: &str) -> Self {
        [Self::Light, Self::Dark].into_iter().find(|scheme| scheme.name() == name).unwrap_or_default()
    }
}

/// Draws the page by day, by night, or as the system has it.
pub fn apply_scheme(scheme: Scheme) {
    if let Some(root) = root() {
        root.set_attribute("data-theme", scheme.name()).ok();
    }
}

/// Fits the page into the height that is really seen, in CSS pixels.
pub fn apply_height(pixels: u32) {
    if let Some(root) = root() {
        root.style()
            .set_property("--height", &[&portico_protocol::codec::encode(&pixels), "px"].concat())
            .ok();
    }
}

fn root() -> Option<HtmlElement> {
    crate::dom::document().document_element().map(JsCast::unchecked_into)
}
