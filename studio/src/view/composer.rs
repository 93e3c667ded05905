//! Where representatives write: to the visitor, or to each other.

use leptos::ev::KeyboardEvent;
use leptos::html::Textarea;
use leptos::prelude::*;
use portico_protocol::Owner;
use portico_protocol::api::CannedReply;
use portico_protocol::limit::TEXT_CHARS_MAX;

use super::glyph::{Glyph, Shape};
use crate::canned;
use crate::desk::Desk;
use crate::talk::{Mode, Talk};

/// From this many code points left on, the count is shown.
const COUNT_FROM: usize = 200;

/// Reply or note, with canned replies behind `/`.
#[component]
pub(crate) fn DeskComposer(talk: Talk) -> impl IntoView {
    let mode = talk.mode();
    let may_write = Memo::new(move |_| talk.is_mine().get() || mode.get() == Mode::Note);
    view! {
        <section class="desk-composer" aria-label="Write" data-mode=move || mode.get().name()>
            <div class="box">
                <Editing talk />
                <Modes talk />
                <Show when=move || may_write.get() fallback=move || view! { <Locked talk /> }>
                    <Field talk />
                </Show>
            </div>
        </section>
    }
}

#[component]
fn Modes(talk: Talk) -> impl IntoView {
    let button = move |mode: Mode, label: &'static str| {
        view! {
            <button aria-pressed=move || (talk.mode().get() == mode).to_string() on:click=move |_| talk.write(mode)>{label}</button>
        }
    };
    view! {
        <div class="modes" role="group" aria-label="Who reads it" hidden=move || talk.editing().read().is_some()>
            {button(Mode::Reply, "Reply")}
            {button(Mode::Note, "Note")}
        </div>
    }
}

/// What is being changed, while an earlier message is rewritten.
#[component]
fn Editing(talk: Talk) -> impl IntoView {
    move || {
        talk.editing().get().map(|edited| view! {
        <div class="editing">
            <Glyph shape=Shape::Pencil />
            <p>"Changing: " {edited.before}</p>
            <button class="button" data-kind="quiet" on:click=move |_| talk.stop_editing()>{"Keep as it was"}</button>
        </div>
    })
    }
}

/// Why one cannot reply, and the press that changes it.
#[component]
fn Locked(talk: Talk) -> impl IntoView {
    let reason = move || match (talk.is_closed().get(), &*talk.owner().read()) {
        (true, _) => "This conversation is closed. Taking it over opens it again.".to_owned(),
        (_, Some(Owner::Bot(_))) => "The bot is answering.".to_owned(),
        (_, Some(Owner::Queue(_))) => "The visitor waits for a person.".to_owned(),
        (_, Some(Owner::Human(person))) => format!("{} is answering.", person.display_name),
        (_, Some(Owner::Unknown) | None) => String::new(),
    };
    view! {
        <div class="locked">
            <p>{reason}</p>
            <button class="button" data-kind="primary" on:click=move |_| talk.take_over()>{"Take over to reply"}</button>
        </div>
    }
}

#[component]
fn Field(talk: Talk) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let field = NodeRef::<Textarea>::new();
    let (text, mode) = (talk.draft(), talk.mode());
    let offered = Memo::new(move |_| offered(&text.read(), mode.get(), &desk.replies().read()));
    let choice = RwSignal::new(0_usize);
    let pick = move |reply: &CannedReply| {
        choice.set(0);
        talk.set_draft(canned::filled(&reply.text, talk.known_name().as_deref()));
        focus_end(field);
    };
    let send = move || {
        if left(&text.read_untracked()).is_none_or(|left| left >= 0) {
            talk.send();
        }
    };
    let key = move |event: KeyboardEvent| {
        let is_composing = event.is_composing() || event.key_code() == 229;
        let offers = offered.read_untracked();
        let count = offers.as_ref().map_or(0, Vec::len);
        match event.key().as_str() {
            _ if is_composing => return,
            "ArrowDown" if count > 0 => choice.update(|choice| *choice = (*choice + 1) % count),
            "ArrowUp" if count > 0 => choice.update(|choice| *choice = (*choice + count - 1) % count),
            "Enter" | "Tab" if count > 0 => {
                let reply = offers
                    .as_ref()
                    .and_then(|offers| offers.get(choice.get_untracked().min(count - 1)).cloned());
                drop(offers);
                if let Some(reply) = reply {
                    pick(&reply);
                }
            }
            "Escape" if offers.is_some() => {
                drop(offers);
                talk.set_draft(String::new());
                event.stop_propagation();
            }
            "Enter" if !event.shift_key() => {
                drop(offers);
                send();
            }
            _ => return,
        }
        event.prevent_default();
    };
    Effect::new(move |_| {
        // Asked for by a shortcut or a press: the number only ever grows. The field may come after the asking.
        field.track();
        if talk.focus_asked().get() > 0 {
            focus_end(field);
        }
    });
    view! {
        <Offers offered choice on_pick=move |reply: CannedReply| pick(&reply) />
        <textarea node_ref=field rows="1" dir="auto" enterkeyhint="send" prop:value=move || text.get()
            aria-label=move || mode.get().label(talk) placeholder=move || mode.get().placeholder()
            aria-autocomplete="list" aria-controls=move || offered.read().is_some().then_some("canned-offers")
            aria-activedescendant=move || offered.read().as_ref().filter(|offers| !offers.is_empty()).map(|_| offer_id(choice.get()))
            on:input=move |event| { choice.set(0); talk.typed(event_target_value(&event)); }
            on:keydown=key></textarea>
        <div class="foot">
            <span class="hint">{move || mode.get().hint()}</span>
            <Left text />
            <button class="button" data-kind="primary" aria-disabled=move || text.read().trim().is_empty().to_string()
                on:click=move |_| { send(); focus_end(field); }>
                {move || if talk.editing().read().is_some() { "Save" } else { mode.get().verb() }}
            </button>
        </div>
    }
}

/// The replies that fit what was typed after `/`; `None` where no list is wanted.
fn offered(text: &str, mode: Mode, replies: &[CannedReply]) -> Option<Vec<CannedReply>> {
    let query = canned::query(text).filter(|_| mode == Mode::Reply)?;
    Some(canned::matching(replies, query).into_iter().cloned().collect())
}

#[component]
fn Offers(
    offered: Memo<Option<Vec<CannedReply>>>,
    choice: RwSignal<usize>,
    #[prop(into)] on_pick: Callback<CannedReply>,
) -> impl IntoView {
    let option = move |(index, reply): (usize, CannedReply)| {
        let (shortcut, text) = (reply.shortcut.clone(), reply.text.clone());
        view! {
            <li role="option" id=offer_id(index) aria-selected=move || (choice.get() == index).to_string()
                // The press must not take the focus from the field.
                on:pointerdown=|event| event.prevent_default() on:click=move |_| on_pick.run(reply.clone())>
                <strong>"/"{shortcut}</strong><span dir="auto">{text}</span>
            </li>
        }
    };
    move || {
        offered.get().map(|offers| {
        let is_empty = offers.is_empty();
        view! {
            <div class="canned">
                <ul id="canned-offers" role="listbox" aria-label="Canned replies">
                    {offers.into_iter().enumerate().map(option).collect_view()}
                </ul>
                {is_empty.then(|| view! { <p role="status">{"No canned reply fits. Esc closes this list."}</p> })}
            </div>
        }
    })
    }
}

fn offer_id(index: usize) -> String {
    format!("offer-{index}")
}

/// How many code points are left, once it matters.
fn left(text: &str) -> Option<i64> {
    let used = text.chars().count();
    (used + COUNT_FROM > TEXT_CHARS_MAX).then(|| TEXT_CHARS_MAX as i64 - used as i64)
}

#[component]
fn Left(text: Signal<String>) -> impl IntoView {
    let left = Memo::new(move |_| left(&text.read()));
    view! {
        <span class="left" role="status" data-over=move || left.get().is_some_and(|left| left < 0).then_some("")>
            {move || left.get().map(|left| if left < 0 { format!("{} too many", -left) } else { format!("{left} left") })}
        </span>
    }
}

/// At once, so that the next key already lands in the field. A text that is replaced after this has the cursor
/// behind it anyway.
fn focus_end(field: NodeRef<Textarea>) {
    if let Some(field) = field.get_untracked() {
        let end = u32::try_from(field.value().encode_utf16().count()).unwrap_or(u32::MAX);
        let _ = field.focus();
        let _ = field.set_selection_range(end, end);
    }
}
