//! What slides over the chat: the proof, the menu, a question.

use leptos::html::Dialog;
use leptos::prelude::*;

use crate::icon::{Drawing, Icon};
use crate::locale::{Key, Locale};

/// A modal sheet. The browser's own dialog keeps the focus inside, gives it back, and closes on Escape.
#[component]
pub fn Sheet(
    /// Whether it is to be seen.
    #[prop(into)]
    open: Signal<bool>,
    /// It was closed, however.
    #[prop(into)]
    on_close: Callback<()>,
    /// What it is about.
    #[prop(into)]
    title: Signal<String>,
    /// Drawn while it is open, and not before.
    children: ChildrenFn,
) -> impl IntoView {
    let locale = expect_context::<Locale>();
    let dialog = NodeRef::<Dialog>::new();
    Effect::new(move || {
        let Some(dialog) = dialog.get() else { return };
        match (open.get(), dialog.open()) {
            (true, false) => drop(dialog.show_modal()),
            (false, true) => dialog.close(),
            _ => {}
        }
    });
    let children = StoredValue::new(children);
    // A press on the backdrop lands on the dialog itself; everything else lies on its content.
    let on_backdrop = move |event: leptos::ev::MouseEvent| {
        if event.target() == event.current_target() {
            on_close.run(());
        }
    };
    view! {
        <dialog class="sheet" aria-labelledby="sheet-title" node_ref=dialog on:close=move |_| on_close.run(()) on:click=on_backdrop>
            <Show when=move || open.get()>
                <div class="sheet-content">
                    <header class="sheet-header">
                        <h2 id="sheet-title" tabindex="-1" autofocus>{move || title.get()}</h2>
                        <button
                            type="button"
                            class="icon-button"
                            aria-label=locale.text(Key::Close)
                            on:click=move |_| on_close.run(())
                        >
                            <Drawing icon=Icon::Close />
                        </button>
                    </header>
                    {children.with_value(|children| children())}
                </div>
            </Show>
        </dialog>
    }
}
