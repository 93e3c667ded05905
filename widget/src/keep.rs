//! The choices that this browser keeps for the visitor.

use portico_browser::storage;
use portico_ui::theme::Scheme;

const SCHEME: &str = "portico:scheme";
const SOUND: &str = "portico:sound";
const LANGUAGE: &str = "portico:language";
const TALKED: &str = "portico:talked:";
const RESUME: &str = "portico:resume:";

/// The look that was chosen.
pub(crate) fn scheme() -> Scheme {
    storage::load(SCHEME).map_or(Scheme::Auto, |name| Scheme::from_name(&name))
}

/// Keeps the look that was chosen.
pub(crate) fn set_scheme(scheme: Scheme) {
    storage::save(SCHEME, if scheme == Scheme::Auto { "" } else { scheme.name() });
}

/// The language that was chosen, BCP 47.
pub(crate) fn language() -> Option<String> {
    storage::load(LANGUAGE)
}

/// Keeps the language that was chosen.
pub(crate) fn set_language(tag: &str) {
    storage::save(LANGUAGE, tag);
}

/// Whether new messages may be heard. Off until somebody turns it on.
pub(crate) fn has_sound() -> bool {
    storage::load(SOUND).is_some()
}

/// Keeps whether new messages may be heard.
pub(crate) fn set_sound(is_on: bool) {
    storage::save(SOUND, if is_on { "on" } else { "" });
}

/// Whether something was said here, so that the log has to be waited for.
pub(crate) fn has_talked(brand: &str) -> bool {
    storage::load(&[TALKED, brand].concat()).is_some()
}

/// Keeps whether something was said.
pub(crate) fn set_talked(brand: &str, has_talked: bool) {
    storage::save(&[TALKED, brand].concat(), if has_talked { "yes" } else { "" });
}

/// Finds the conversation again where cookies are blocked and there is no page around to keep it.
pub(crate) fn resume(brand: &str) -> Option<String> {
    storage::load(&[RESUME, brand].concat())
}

/// Keeps it; an empty one is forgotten.
pub(crate) fn set_resume(brand: &str, handle: &str) {
    storage::save(&[RESUME, brand].concat(), handle);
}
