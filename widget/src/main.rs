//! The chat a visitor sees.

use leptos::prelude::*;

fn main() {
    leptos::mount::mount_to_body(|| leptos::view! { <p>"Portico"</p> });
}
