//! The door.

use leptos::html::Input;
use leptos::prelude::*;
use portico_protocol::Problem;
use portico_protocol::api::SignIn;

use super::glyph::{Glyph, Shape};
use crate::words;

/// Asks for address and password.
#[component]
pub(crate) fn SignInPage(
    /// Why the last attempt failed.
    #[prop(into)]
    problem: Signal<Option<Problem>>,
    /// Whether an attempt is on its way.
    #[prop(into)]
    is_busy: Signal<bool>,
    /// Tries to sign in.
    #[prop(into)]
    on_submit: Callback<SignIn>,
) -> impl IntoView {
    let email = NodeRef::<Input>::new();
    let password = NodeRef::<Input>::new();
    let shows_password = RwSignal::new(false);
    let value = |field: NodeRef<Input>| field.get_untracked().map(|field| field.value()).unwrap_or_default();
    let submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        if !is_busy.get_untracked() {
            on_submit.run(SignIn { email: value(email), password: value(password) });
        }
    };
    // What was refused is what has to be typed again.
    Effect::new(move |_| {
        if problem.read().is_some()
            && let Some(field) = password.get_untracked()
        {
            field.select();
        }
    });
    view! {
        <main class="sign-in">
            <form on:submit=submit aria-busy=move || is_busy.get().to_string()>
                <header>
                    <div class="mark"><Glyph shape=Shape::Porch /></div>
                    <h1>{"Sign in to Portico"}</h1>
                    <p>{"For people who answer customers."}</p>
                </header>
                <div class="field">
                    <label for="email">{"E-mail"}</label>
                    <input node_ref=email id="email" name="email" type="email" autocomplete="username" required
                        autofocus spellcheck="false" autocapitalize="none" />
                </div>
                <div class="field">
                    <label for="password">{"Password"}</label>
                    <div class="password">
                        <input node_ref=password id="password" name="password" required autocomplete="current-password"
                            type=move || if shows_password.get() { "text" } else { "password" }
                            aria-describedby="sign-in-problem" />
                        <button type="button" aria-pressed=move || shows_password.get().to_string() aria-label="Show password"
                            on:click=move |_| shows_password.update(|shows| *shows = !*shows)>
                            {move || if shows_password.get() { "Hide" } else { "Show" }}
                        </button>
                    </div>
                </div>
                <div id="sign-in-problem" role="alert">
                    {move || problem.read().as_ref().map(|problem| view! {
                        <p class="problem">{words::sign_in_problem(problem)}</p>
                    })}
                </div>
                <button class="button" data-kind="primary" aria-disabled=move || is_busy.get().to_string()>
                    {move || if is_busy.get() { "Signing in…" } else { "Sign in" }}
                </button>
            </form>
        </main>
    }
}
