//! The few drawings of the interface, as single paths on a 24 by 24 grid. They inherit colour and size.

use leptos::prelude::*;

/// Which drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is named for what it shows")]
pub enum Icon {
    ArrowDown,
    ArrowUp,
    Close,
    Device,
    Download,
    Globe,
    Moon,
    More,
    Person,
    Sound,
    Stop,
    Tick,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::ArrowDown => "M12 5v14m0 0 6-6m-6 6-6-6",
            Self::ArrowUp => "M12 19V5m0 0-6 6m6-6 6 6",
            Self::Close => "m6 6 12 12M18 6 6 18",
            Self::Device => {
                "M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3Zm3 15h2"
            }
            Self::Download => "M12 4v11m0 0 4.5-4.5M12 15l-4.5-4.5M5 20h14",
            Self::Globe => {
                "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM3 12h18M12 3c2.5 2.5 3.7 5.6 3.7 9s-1.2 6.5-3.7 9c-2.5-2.5-3.7-5.6-3.7-9S9.5 5.5 12 3Z"
            }
            Self::Moon => "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5Z",
            Self::More => {
                "M4.5 12a.5.5 0 1 0 1 0 .5.5 0 1 0-1 0Zm7 0a.5.5 0 1 0 1 0 .5.5 0 1 0-1 0Zm7 0a.5.5 0 1 0 1 0 .5.5 0 1 0-1 0Z"
            }
            Self::Person => "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7.5 8.5a7.5 7.5 0 0 1 15 0",
            Self::Sound => {
                "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5H4Zm12-1a5 5 0 0 1 0 7m2.5-9.5a8.5 8.5 0 0 1 0 12"
            }
            Self::Stop => "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM5.6 5.6l12.8 12.8",
            Self::Tick => "m5 12.5 4.5 4.5L19 7.5",
        }
    }
}

/// Draws an icon beside a text or inside a labelled button: it says nothing itself.
#[component]
pub fn Drawing(
    /// Which one.
    icon: Icon,
) -> impl IntoView {
    let path = icon.path();
    view! {
        <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
            <path d=path></path>
        </svg>
    }
}

/// The mark of a verified brand. Only [`portico_protocol::BrandCard::shows_tick`] may put it on screen.
#[component]
pub fn VerifiedTick(
    /// What it means, in words.
    label: String,
) -> impl IntoView {
    // A scalloped disc with a tick cut out of it.
    let path = "M12 1.8l2.6 1.9 3.2-.1 1 3.1 2.6 1.9-1 3.1 1 3.1-2.6 1.9-1 3.1-3.2-.1L12 22.2l-2.6-1.9-3.2.1-1-3.1-2.6-1.9 1-3.1-1-3.1 2.6-1.9 1-3.1 3.2.1L12 1.8ZM10.7 16l6-6-1.6-1.6-4.4 4.4-2-2L7.1 12.4 10.7 16Z";
    view! {
        <svg class="verified-tick" viewBox="0 0 24 24" role="img" aria-label=label>
            <path d=path></path>
        </svg>
    }
}
