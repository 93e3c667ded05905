//! What this browser keeps: drafts, the outbox, choices. Nothing is kept before the chat was opened.
//!
//! Where storage is blocked or full, everything works for as long as the page lives.

use web_sys::Storage;

/// What was kept under `key`.
#[must_use]
pub fn load(key: &str) -> Option<String> {
    storage()?.get_item(key).ok().flatten()
}

/// Keeps `value` under `key`; an empty one is forgotten.
pub fn save(key: &str, value: &str) {
    let Some(storage) = storage() else { return };
    if value.is_empty() {
        storage.remove_item(key).ok();
    } else {
        storage.set_item(key, value).ok();
    }
}

/// Looks at everything that is kept.
pub fn each(mut look: impl FnMut(&str, &str)) {
    let Some(storage) = storage() else { return };
    for index in 0..storage.length().unwrap_or_default() {
        let key = storage.key(index).ok().flatten();
        if let Some((key, value)) = key.and_then(|key| load(&key).map(|value| (key, value))) {
            look(&key, &value);
        }
    }
}

fn storage() -> Option<Storage> {
    crate::window().local_storage().ok().flatten()
}
