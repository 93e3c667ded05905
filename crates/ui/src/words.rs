//! The words of a message as nodes, made one by one: no text ever passes through an HTML parser, so none
//! can become markup, and pages under Trusted Types need no exception.

use wasm_bindgen::JsCast;
use web_sys::{Document, Element, HtmlAnchorElement, Node};

use crate::dom;
use crate::markdown::{Markup, Span, is_only_emoji, parse};

/// Fills `element` with `text`. `dir="auto"` lets each message find its own direction.
pub fn write(element: &Element, text: &str, markup: Markup) {
    dom::set(element, "dir", "auto");
    if is_only_emoji(text) {
        element.set_class_name("bubble jumbo");
    }
    append(&dom::document(), element, &parse(text, markup));
}

fn append(document: &Document, parent: &Node, spans: &[Span<'_>]) {
    for span in spans {
        let node: Option<Node> = match span {
            Span::Text(text) => Some(document.create_text_node(text).into()),
            Span::Break => document.create_element("br").ok().map(Into::into),
            Span::Strong(inside) => nested(document, "strong", inside),
            Span::Emphasis(inside) => nested(document, "em", inside),
            Span::Link { href, label } => link(document, href, label),
        };
        if let Some(node) = node {
            parent.append_child(&node).ok();
        }
    }
}

fn nested(document: &Document, tag: &str, inside: &[Span<'_>]) -> Option<Node> {
    let element = document.create_element(tag).ok()?;
    append(document, &element, inside);
    Some(element.into())
}

fn link(document: &Document, href: &str, label: &str) -> Option<Node> {
    let anchor: HtmlAnchorElement = document.create_element("a").ok()?.unchecked_into();
    anchor.set_href(href);
    anchor.set_target("_blank");
    // Nothing that is linked may reach back to the chat, learn where it was linked, or profit from it.
    dom::set(&anchor, "rel", "noopener noreferrer nofollow ugc");
    anchor.set_text_content(Some(label));
    if label != href {
        anchor.set_title(href);
    }
    Some(anchor.into())
}
