//! A brand's colour as tokens. A theme sets tokens and nothing else, and what it sets can be read.

use portico_protocol::Color;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// What the interface is drawn on by day, as in `tokens.css`.
const SURFACE_LIGHT: Color = Color::WHITE;
/// What it is drawn on by night, as in `tokens.css`: the lighter of the two surfaces, where text in the brand's
/// colour is harder to read.
const SURFACE_DARK: &str = "#1f2227";

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

/// Draws the page in the brand's colour.
pub fn apply_color(color: Color) {
    let dark = SURFACE_DARK.parse().expect("the constant is a colour");
    set("--brand", color);
    set("--on-brand", color.readable());
    set("--brand-ink-light", color.readable_on(SURFACE_LIGHT));
    set("--brand-ink-dark", color.readable_on(dark));
}

/// Draws the page by day, by night, or as the system has it.
pub fn apply_scheme(scheme: Scheme) {
    if let Some(root) = root() {
        root.set_attribute("data-theme", scheme.name()).ok();
    }
}

/// Fits the page into the height that is really seen, in CSS pixels.
pub fn apply_height(pixels: f64) {
    if let Some(root) = root() {
        root.style().set_property("--height", &[&pixels.to_string(), "px"].concat()).ok();
    }
}

/// Sets a token through the object model, which no content policy forbids.
fn set(token: &str, color: Color) {
    if let Some(root) = root() {
        root.style().set_property(token, &color.to_string()).ok();
    }
}

fn root() -> Option<HtmlElement> {
    leptos::prelude::document().document_element().map(JsCast::unchecked_into)
}
