//! The studio's pictograms: 24 × 24, one stroke, always beside words or a label.

use leptos::prelude::*;
use portico_ui::dom;
use web_sys::Element;

macro_rules! glyphs {
    ($( $(#[$outer:meta])* $name:ident = $path:literal )+) => {
        /// What is drawn.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Shape { $( $(#[$outer])* $name, )+ }

        impl Shape {
            const fn path(self) -> &'static str {
                match self { $( Self::$name => $path, )+ }
            }
        }
    };
}
glyphs! {
    /// Portico's own mark: a porch.
    Porch = "M3 20h18M4.5 9.5 12 4l7.5 5.5M4 10h16M6.5 10v10M12 10v10M17.5 10v10"
    /// Looking for something.
    Search = "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13Zm4.8-1.7L20 20"
    /// Taking something away.
    Cross = "M6 6l12 12M18 6 6 18"
    /// Going back to where one came from.
    Back = "M14.5 5.5 8 12l6.5 6.5"
    /// More to choose from.
    More = "M5 12h.01M12 12h.01M19 12h.01"
    /// The side panel.
    Panel = "M4 5h16v14H4zM14.5 5v14"
    /// Someone waits.
    Clock = "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Zm0-12v4.2l2.8 1.8"
    /// A program.
    Bot = "M6 9h12v10H6zM12 9V5m-2 0h4M9.5 13v1.5m5-1.5v1.5M3.5 13v3m17-3v3"
    /// A person.
    Person = "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8c.6-3.6 3.6-5.5 7.5-5.5s6.9 1.9 7.5 5.5"
    /// Done.
    Tick = "m5 12.5 4.5 4.5L19 7.5"
    /// Closed.
    Closed = "M4 6h16v4H4zM5.5 10v9h13v-9M10 13.5h4"
    /// Giving something back.
    Return = "M9 7 4.5 11.5 9 16M4.5 11.5H15a4.5 4.5 0 0 1 0 9h-2"
    /// A conversation.
    Bubble = "M5 5h14a1.5 1.5 0 0 1 1.5 1.5v9A1.5 1.5 0 0 1 19 17h-6.5L8 20.5V17H5a1.5 1.5 0 0 1-1.5-1.5v-9A1.5 1.5 0 0 1 5 5Z"
    /// Light and dark.
    Contrast = "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Zm0-16v16m3-14.5v13m3-10.5v8"
    /// Signed-in devices.
    Device = "M4 5h16v11H4zM9 20h6m-3-4v4"
    /// Ready-made words.
    Lightning = "M13 3 5 13.5h6L10.5 21 19 10.5h-6z"
    /// The keyboard.
    Keyboard = "M3 7h18v10H3zM7 10.5h.01M11 10.5h.01M15 10.5h.01M18 10.5h.01M8 14h8"
    /// Leaving.
    Leave = "M10 4H5v16h5M15 8l4 4-4 4m4-4H9.5"
    /// Something new.
    Plus = "M12 5v14M5 12h14"
    /// Changing words.
    Pencil = "m5 19 1-4L16.5 4.5l3 3L9 18zM14.5 6.5l3 3"
    /// Removing for good.
    Bin = "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 11v5m3-5v5"
    /// Two people in each other's way.
    Eyes = "M2.5 12S6 6 12 6s9.5 6 9.5 6-3.5 6-9.5 6-9.5-6-9.5-6Zm9.5 2.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5Z"
    /// Proven.
    Seal = "m12 3 2.3 1.9 3-.1.9 2.9 2.5 1.7L19.8 12l.9 2.6-2.5 1.7-.9 2.9-3-.1L12 21l-2.3-1.9-3 .1-.9-2.9-2.5-1.7.9-2.6-.9-2.6 2.5-1.7.9-2.9 3 .1zM8.8 12.2l2.2 2.2 4.2-4.6"
    /// To the newest.
    Down = "M12 5v14m0 0 6-6m-6 6-6-6"
    /// Nothing here.
    Tray = "M4 13.5 6.5 5h11L20 13.5V19H4zM4 13.5h4.5l1.5 2.5h4l1.5-2.5H20"
}

impl Shape {
    /// Draws it outside of a Leptos view, in a row of the log.
    pub(crate) fn draw(self) -> Element {
        const SVG: &str = "http://www.w3.org/2000/svg";
        let make = |tag| dom::document().create_element_ns(Some(SVG), tag).expect("the tag is a literal");
        let (glyph, path) = (make("svg"), make("path"));
        for (name, value) in [
            ("class", "glyph"),
            ("viewBox", "0 0 24 24"),
            ("fill", "none"),
            ("stroke", "currentColor"),
            ("stroke-width", "1.75"),
            ("stroke-linecap", "round"),
            ("stroke-linejoin", "round"),
            ("aria-hidden", "true"),
        ] {
            dom::set(&glyph, name, value);
        }
        dom::set(&path, "d", self.path());
        dom::append(&glyph, &path);
        glyph
    }
}

/// Draws a shape in the colour of the text around it. Hidden from screen readers: the words are beside it.
#[component]
pub(crate) fn Glyph(
    /// What to draw.
    shape: Shape,
) -> impl IntoView {
    // A way back points the other way where reading does.
    let mirrors = matches!(shape, Shape::Back | Shape::Return | Shape::Leave | Shape::Panel).then_some("");
    view! {
        <svg class="glyph" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"
            stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" data-mirrors=mirrors>
            <path d=shape.path() />
        </svg>
    }
}
