//! Pictures, cards and carousels as they stand in the log.
//!
//! A carousel is a list that scrolls sideways and snaps, by finger, wheel or arrow keys, with a button at each
//! end (the pattern of the ARIA Authoring Practices, without rotation by itself). Pictures have their room
//! before they come, so nothing shifts, and come through our own host, so that nobody else learns who looks.

use portico_protocol::card::{CardContent, CardWidth, MediaFile, MediaHeight, RichCard};
use portico_protocol::{Content, Suggestion, codec};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

use crate::bubble::{ACT, TAP};
use crate::dom;
use crate::locale::{self, Key};
use crate::markdown::Markup;
use crate::suggestion;
use crate::words;

/// Widths of pictures, in pixels, of which browsers choose by their screen; the server draws no others.
const WIDTHS: [&str; 3] = ["320", "640", "1280"];

/// What `content` looks like, if it is more than words. `can_tap`: whether its buttons do something for whoever
/// looks.
pub(crate) fn draw(content: &Content, can_tap: bool) -> Option<HtmlElement> {
    match content {
        Content::Image(image) => {
            let frame = dom::make("div", "media lone");
            dom::append(&frame, &picture(&image.content_info, "(max-width: 480px) 80vw, 320px"));
            Some(frame)
        }
        Content::RichCard(RichCard::Standalone(one)) => Some(card("div", &one.card_content, 0, can_tap)),
        Content::RichCard(RichCard::Carousel(carousel)) => {
            Some(draw_carousel(&carousel.card_contents, carousel.card_width, can_tap))
        }
        _ => None,
    }
}

fn draw_carousel(cards: &[CardContent], width: CardWidth, can_tap: bool) -> HtmlElement {
    let carousel = dom::make("section", "carousel");
    dom::set(&carousel, "aria-label", &locale::text(Key::Carousel));
    let track = dom::make("ul", if width == CardWidth::Small { "track small" } else { "track" });
    // Whoever has no pointer scrolls it by its arrow keys.
    dom::set(&track, "tabindex", "0");
    dom::set(&track, "role", "list");
    let count = codec::encode(&(cards.len() as u32));
    for (index, content) in cards.iter().enumerate() {
        let item = card("li", content, index, can_tap);
        let number = codec::encode(&(index as u32 + 1));
        let position = dom::make("span", "visually-hidden");
        dom::say(&position, &[&number, "/", &count].concat());
        item.prepend_with_node_1(&position).ok();
        dom::append(&track, &item);
    }
    for (key, class, direction) in [(Key::Previous, "step back", -1.0), (Key::Next, "step", 1.0)] {
        let button = dom::make("button", class);
        dom::set(&button, "type", "button");
        dom::set(&button, "aria-label", &locale::text(key));
        let track = track.clone();
        dom::on(&button, "click", move |_| step(&track, direction));
        dom::append(&carousel, &button);
    }
    dom::append(&carousel, &track);
    let edges = track.clone();
    let outer = carousel.clone();
    dom::on(&track, "scroll", move |_| mark_edges(&outer, &edges));
    dom::set(&carousel, "data-at", "start");
    carousel
}

/// Moves by a card, towards the end or the start of the line.
fn step(track: &HtmlElement, direction: f64) {
    let Some(first) = track.first_element_child() else { return };
    let is_rtl = dom::document().dir() == "rtl";
    let towards = if is_rtl { -direction } else { direction };
    track.scroll_by_with_x_and_y(towards * f64::from(first.client_width()), 0.0);
}

/// There is no way on where the last card is seen.
fn mark_edges(carousel: &HtmlElement, track: &Element) {
    let passed = track.scroll_left().abs();
    let ahead = track.scroll_width() - track.client_width() - passed;
    dom::set(
        carousel,
        "data-at",
        if passed < 4 {
            "start"
        } else if ahead < 4 {
            "end"
        } else {
            ""
        },
    );
}

fn card(tag: &str, content: &CardContent, index: usize, can_tap: bool) -> HtmlElement {
    let card = dom::make(tag, "card-content");
    if let Some(media) = &content.media {
        let class = match media.height {
            MediaHeight::Short => "media short",
            MediaHeight::Medium => "media",
            MediaHeight::Tall => "media tall",
        };
        let frame = dom::make("div", class);
        dom::append(&frame, &picture(&media.content_info, "280px"));
        dom::append(&card, &frame);
    }
    if !content.title.is_empty() {
        dom::append(&card, &dom::make_saying("strong", "", &content.title));
    }
    if !content.description.is_empty() {
        let words = dom::make("p", "");
        words::write(&words, &content.description, Markup::Limited);
        words.set_class_name("");
        dom::append(&card, &words);
    }
    for (number, suggestion) in content.suggestions.iter().enumerate() {
        if let Some(button) = action(suggestion, can_tap) {
            let act = [TAP, &codec::encode(&(index as u32)), ":", &codec::encode(&(number as u32))].concat();
            dom::set(&button, ACT, &act);
            dom::append(&card, &button);
        }
    }
    card
}

fn action(suggestion: &Suggestion, can_tap: bool) -> Option<HtmlElement> {
    let button = suggestion::chip(suggestion)?;
    button.set_class_name("card-action");
    if !can_tap {
        dom::set(&button, "disabled", "");
    }
    Some(button)
}

fn picture(info: &MediaFile, sizes: &str) -> Element {
    let image = dom::make("img", "");
    let source = |width: &str| {
        let url = String::from(js_sys::encode_uri_component(&info.file_url));
        ["/b/", &dom::brand(), "/picture?width=", width, "&url=", &url].concat()
    };
    let all = WIDTHS.map(|width| [&source(width), " ", width, "w"].concat()).join(", ");
    for (name, value) in [
        ("alt", info.alt_text.as_str()),
        ("loading", "lazy"),
        ("decoding", "async"),
        ("sizes", sizes),
        ("srcset", &all),
        ("src", &source(WIDTHS[1])),
    ] {
        dom::set(&image, name, value);
    }
    image.unchecked_into()
}
