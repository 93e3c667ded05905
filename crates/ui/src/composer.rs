//! Where one writes.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html::Textarea;
use leptos::prelude::*;
use portico_protocol::limit::TEXT_CHARS_MAX;

use crate::icon::{Drawing, Icon};
use crate::locale::{Key, Locale};

/// From this many characters left on, the writer is told how many.
const WARN_WITHIN: usize = 200;

/// Reaches into a [`Composer`] from outside: focus, drafts, ready-made texts.
#[derive(Clone, Copy, Default)]
pub struct ComposerHandle {
    field: NodeRef<Textarea>,
    text: RwSignal<String>,
}

impl ComposerHandle {
    /// Puts the cursor into the field.
    pub fn focus(&self) {
        if let Some(field) = self.field.get_untracked() {
            field.focus().ok();
        }
    }

    /// What is written at the moment.
    #[must_use]
    pub fn text(&self) -> Signal<String> {
        self.text.into()
    }

    /// Replaces what is written, with the cursor behind it. Nothing is sent.
    pub fn set_text(&self, text: &str) {
        self.text.set(text.to_owned());
        if let Some(field) = self.field.get_untracked() {
            field.set_value(text);
        }
    }
}

/// The field that grows with what is written, and the button that sends it. Enter sends, Shift and Enter
/// breaks the line, and an Enter that chooses among an input method's candidates does neither.
#[component]
pub fn Composer(
    /// Reaches into it from outside.
    #[prop(optional)]
    handle: ComposerHandle,
    /// The field's name.
    #[prop(into)]
    label: String,
    /// What stands in the empty field.
    #[prop(into)]
    placeholder: String,
    /// Runs at each change with what is written: drafts and typing notices depend on it.
    #[prop(into)]
    on_input: Callback<String>,
    /// Takes what is to be sent; says whether it was taken. What is not taken stays in the field.
    #[prop(into)]
    on_send: Callback<String, bool>,
) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let text = handle.text;
    let left = Memo::new(move |_| text.with(|text| chars_left(text)));
    let can_send = Memo::new(move |_| left.get() >= 0 && text.with(|text| !text.trim().is_empty()));
    let send = move || {
        if can_send.get_untracked() && on_send.run(text.get_untracked().trim().to_owned()) {
            handle.set_text("");
        }
    };
    let on_key = move |event: KeyboardEvent| {
        // WebKit reports the Enter that ends a composition as key code 229, after the composition.
        let composes = event.is_composing() || event.key_code() == 229;
        if event.key() == "Enter" && !event.shift_key() && !composes {
            event.prevent_default();
            send();
        }
    };
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        send();
        handle.focus();
    };
    let on_change = move |event| {
        text.set(event_target_value(&event));
        on_input.run(text.get_untracked());
    };
    let remaining = move || match left.get() {
        left if left < 0 => locale.count(Key::TooLong, left.unsigned_abs() as u64),
        left if left.unsigned_abs() <= WARN_WITHIN => locale.count(Key::CharactersLeft, left as u64),
        _ => String::new(),
    };
    view! {
        <form class="composer" on:submit=on_submit>
            // The mirror is as tall as the text; the field fills it. No height is ever measured by script.
            <div class="composer-field" data-text=move || text.get()>
                <textarea
                    rows="1"
                    dir="auto"
                    enterkeyhint="send"
                    autocomplete="off"
                    aria-label=label
                    aria-describedby="composer-remaining"
                    placeholder=placeholder
                    node_ref=handle.field
                    prop:value=text.get_untracked()
                    on:keydown=on_key
                    on:input=on_change
                ></textarea>
            </div>
            <button
                type="submit"
                class="send-button"
                aria-label=locale.text(Key::Send)
                aria-disabled=move || (!can_send.get()).to_string()
            >
                <Drawing icon=Icon::ArrowUp />
            </button>
            <p id="composer-remaining" class="composer-remaining" class:exceeded=move || { left.get() < 0 } role="status">
                {remaining}
            </p>
        </form>
    }
}

/// Negative: so many too many.
fn chars_left(text: &str) -> isize {
    // A text has at most as many code points as bytes: short ones need no counting.
    let length = if text.len() + WARN_WITHIN < TEXT_CHARS_MAX { text.len() } else { text.chars().count() };
    TEXT_CHARS_MAX as isize - length as isize
}
