//! What this browser keeps of the representative's taste.

use portico_browser::storage;
use portico_ui::theme::Scheme;

const THEME: &str = "portico-studio/theme";
const SOUND: &str = "portico-studio/sound";
const NOTIFICATIONS: &str = "portico-studio/notifications";
const DETAILS: &str = "portico-studio/details";

/// The choices. Sound and notifications are off until somebody asks for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Light, dark, or as the system has it.
    pub(crate) theme: Scheme,
    /// Whether a new message is heard.
    pub(crate) has_sound: bool,
    /// Whether a new message is shown outside of the page.
    pub(crate) has_notifications: bool,
    /// Whether the panel about the visitor is open.
    pub(crate) shows_details: bool,
}

impl Settings {
    /// What was kept.
    #[must_use]
    pub(crate) fn load() -> Self {
        let is_on = |key| storage::load(key).is_some();
        Self {
            theme: storage::load(THEME).map(|name| Scheme::from_name(&name)).unwrap_or_default(),
            has_sound: is_on(SOUND),
            has_notifications: is_on(NOTIFICATIONS),
            shows_details: is_on(DETAILS),
        }
    }

    /// Whether something is to be heard or shown while nobody looks.
    #[must_use]
    pub(crate) const fn wants_news(self) -> bool {
        self.has_sound || self.has_notifications
    }

    /// Keeps it.
    pub(crate) fn save(self) {
        let on = |is_on: bool| if is_on { "on" } else { "" };
        storage::save(THEME, if self.theme == Scheme::Auto { "" } else { self.theme.name() });
        storage::save(SOUND, on(self.has_sound));
        storage::save(NOTIFICATIONS, on(self.has_notifications));
        storage::save(DETAILS, on(self.shows_details));
    }
}
