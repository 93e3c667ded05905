//! What is known about the visitor, and how it is known.

use leptos::prelude::*;
use portico_protocol::api::ConversationDetail;
use portico_protocol::entry::Slot;

use super::face::Face;
use super::glyph::{Glyph, Shape};
use crate::desk::Desk;
use crate::talk::Talk;
use crate::words;

/// The panel beside the log; above it where there is no room.
#[component]
pub(crate) fn Panel(talk: Talk) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let detail = talk.detail();
    view! {
        <aside class="panel" aria-label="About the visitor">
            <header>
                <h2>{"About the visitor"}</h2>
                <button class="icon-button" aria-label="Close" on:click=move |_| desk.toggle_details()>
                    <Glyph shape=Shape::Cross />
                </button>
            </header>
            {move || detail.get().map(|detail| view! { <Identity talk detail=detail.clone() /> <Facts detail /> })}
            <Packet slots=talk.packet() />
            {move || detail.read().as_ref().map(context).filter(|pairs| !pairs.is_empty()).map(|pairs| view! {
                <section>
                    <h3>{"Told by the page"}</h3>
                    <Pairs pairs />
                </section>
            })}
        </aside>
    }
}

#[component]
fn Identity(talk: Talk, detail: ConversationDetail) -> impl IntoView {
    let known = detail.summary.is_identified;
    let sentence =
        if known { "Identity signed by your back end" } else { "Not signed in; the name is made up" };
    view! {
        <section>
            <div class="card">
                <Face name=talk.visitor_name() is_online=talk.visitor_is_online() />
                <strong dir="auto">{detail.summary.visitor_name}</strong>
                <p data-kind=if known { "known" } else { "unknown" }>
                    <Glyph shape=if known { Shape::Seal } else { Shape::Person } />{sentence}
                </p>
            </div>
        </section>
    }
}

#[component]
fn Facts(detail: ConversationDetail) -> impl IntoView {
    let desk = expect_context::<Desk>();
    let visitor = detail.visitor;
    let zone = visitor.time_zone.clone();
    let local_time = move || zone.as_deref().and_then(|zone| super::time_in(desk.now().get(), zone));
    let page = detail.summary.page_url.clone();
    view! {
        <section>
            <h3>{"Visitor"}</h3>
            <dl class="facts">
                <div><dt>{"Language"}</dt><dd>{super::language_name(&detail.summary.locale)}</dd></div>
                {move || local_time().map(|time| view! { <div><dt>{"Local time"}</dt><dd>{time}</dd></div> })}
                {page.map(|page| view! {
                    // Only web addresses become links: the page could have said anything.
                    <div><dt>{"Page"}</dt><dd>{link(page)}</dd></div>
                })}
                {visitor.external_id.map(|id| view! { <div><dt>{"Customer number"}</dt><dd>{id}</dd></div> })}
                <div><dt>{"First visit"}</dt><dd>{super::moment(visitor.first_seen_at)}</dd></div>
                <div><dt>{"Conversation began"}</dt><dd>{super::moment(detail.created_at)}</dd></div>
            </dl>
        </section>
    }
}

fn link(page: String) -> AnyView {
    let name = words::page_name(&page);
    if portico_protocol::message::check_url("page", &page).is_ok() {
        view! { <a href=page target="_blank" rel="noopener noreferrer nofollow">{name}</a> }.into_any()
    } else {
        name.into_any()
    }
}

/// What was known at the last handover, so that nothing is asked twice.
#[component]
fn Packet(slots: Signal<Vec<Slot>>) -> impl IntoView {
    move || {
        let slots = slots.get();
        (!slots.is_empty()).then(|| {
            let pairs = slots.into_iter().map(|slot| (slot.name, slot.value)).collect();
            view! { <section><h3>{"Known so far"}</h3><Pairs pairs /></section> }
        })
    }
}

#[component]
fn Pairs(pairs: Vec<(String, String)>) -> impl IntoView {
    let pair = |(name, value)| view! { <div><dt dir="auto">{name}</dt><dd dir="auto">{value}</dd></div> };
    view! { <dl class="facts">{pairs.into_iter().map(pair).collect_view()}</dl> }
}

fn context(detail: &ConversationDetail) -> Vec<(String, String)> {
    detail.visitor.context.as_deref().map(super::json_pairs).unwrap_or_default()
}
