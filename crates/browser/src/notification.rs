//! Notifications outside of the page, where somebody asked for them.

use wasm_bindgen_futures::JsFuture;
use web_sys::{Notification, NotificationOptions, NotificationPermission};

/// Whether they may be shown.
#[must_use]
pub fn is_allowed() -> bool {
    Notification::permission() == NotificationPermission::Granted
}

/// Asks whether they may be shown; only to be called upon a press. Tells the answer.
pub async fn ask() -> bool {
    if let Ok(answer) = Notification::request_permission() {
        JsFuture::from(answer).await.ok();
    }
    is_allowed()
}

/// Shows one. A later one with the same `subject` takes its place. Pressing it brings the page back.
pub fn show(title: &str, text: &str, subject: &str) {
    let options = NotificationOptions::new();
    options.set_body(text);
    options.set_tag(subject);
    Notification::new_with_options(title, &options).ok();
}
