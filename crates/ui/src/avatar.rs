//! The brand's picture.

use leptos::prelude::*;
use portico_protocol::Color;

/// The brand's logo, or where it has none the first letter of its name on its colour. The name stands beside
/// it, so it says nothing itself.
#[component]
pub fn Avatar(
    /// The brand's name.
    name: String,
    /// The brand's colour.
    color: Color,
    /// Address of the logo on the chat host.
    logo: Option<String>,
) -> impl IntoView {
    match logo {
        Some(address) => {
            view! { <img class="avatar" src=address alt="" width="40" height="40" /> }.into_any()
        }
        None => {
            let letter = name.chars().next().map(String::from).unwrap_or_default();
            // Presentation attributes: a strict policy forbids inline styles, not these.
            view! {
                <svg class="avatar" viewBox="0 0 40 40" aria-hidden="true">
                    <rect width="40" height="40" fill=color.to_string()></rect>
                    <text x="20" y="27" text-anchor="middle" fill=color.readable().to_string()>
                        {letter}
                    </text>
                </svg>
            }
            .into_any()
        }
    }
}
