//! A visitor's or colleague's picture: initials on a colour of their own.

use leptos::prelude::*;

/// At most two initials: of the first and the last word.
#[must_use]
pub(crate) fn initials(name: &str) -> String {
    let mut words =
        name.split_whitespace().filter_map(|word| word.chars().find(|char| char.is_alphanumeric()));
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// A hue in degrees that is always the same for one name.
#[must_use]
pub(crate) fn hue(name: &str) -> u32 {
    // FNV-1a: tiny, and spreads short names well.
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    hash % 360
}

/// Draws the face. Hidden from screen readers: the name is beside it.
#[component]
pub(crate) fn Face(
    /// Whose.
    #[prop(into)]
    name: Signal<String>,
    /// Whether a green dot says that they are connected.
    #[prop(into, optional)]
    is_online: Signal<bool>,
) -> impl IntoView {
    view! {
        <span class="face" aria-hidden="true" style:--hue=move || hue(&name.read()).to_string()
            data-online=move || is_online.get().then_some("")>
            {move || initials(&name.read())}
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_those_of_the_first_and_the_last_word() {
        for (name, expected) in
            [("Quiet Heron", "QH"), ("ada", "A"), ("Ana María de la Cruz", "AC"), ("", ""), ("(x) ß", "XSS")]
        {
            assert_eq!(initials(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_keeps_its_hue() {
        assert_eq!(hue("Quiet Heron"), hue("Quiet Heron"));
        assert!(hue("Quiet Heron") < 360);
    }
}
