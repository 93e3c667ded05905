//! Links in hostile texts: none leads anywhere but to a web address, and no word is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portico_protocol::message::check_url;

// By path: the views around it would bring a browser along.
#[allow(dead_code)]
#[path = "../../crates/ui/src/markdown.rs"]
mod markdown;

use markdown::{Markup, Span, parse};

fuzz_target!(|text: &str| {
    for markup in [Markup::Limited, Markup::Plain] {
        let spans = parse(text, markup);
        spans.iter().for_each(check);
        if markup == Markup::Plain {
            assert_eq!(
                words(&spans).replace('\r', ""),
                text.replace(['\r', '\n'], ""),
                "a visitor's words changed"
            );
        }
    }
});

fn check(span: &Span<'_>) {
    match span {
        Span::Strong(inner) | Span::Emphasis(inner) => inner.iter().for_each(check),
        Span::Link { href, .. } => assert!(check_url("href", href).is_ok(), "a link to {href}"),
        Span::Text(_) | Span::Break => {}
    }
}

fn words(spans: &[Span<'_>]) -> String {
    let word = |span: &Span<'_>| match span {
        Span::Text(text) => (*text).to_owned(),
        Span::Link { label, .. } => (*label).to_owned(),
        Span::Strong(inner) | Span::Emphasis(inner) => words(inner),
        Span::Break => String::new(),
    };
    spans.iter().map(word).collect()
}
