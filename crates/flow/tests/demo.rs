//! The demo shop's flow is a document of the project: it must be right, and worth talking to.
#![allow(clippy::unwrap_used, missing_docs)]

use portico_flow::{Flow, Heard, State, Turn};

fn answer_to(locale: &str, texts: &[&str]) -> String {
    let flow =
        Flow::parse(include_str!("../../../demo/flow.toml")).unwrap_or_else(|errors| panic!("{errors}"));
    let turn = Turn { locale: locale.into(), ..Turn::default() };
    let mut state = State::default();
    let answers = texts.iter().map(|text| flow.hear(&mut state, &Heard::Text(text), 1, &turn));
    answers.last().unwrap().messages.iter().map(|message| message.plain_text()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_demo_bot_knows_its_trade_in_four_languages() {
    for (locale, texts, expected) in [
        ("en", &["I'm looking for a lamp for my bedroom", "next to the bed", "to read"][..], "**Is**"),
        ("en", &["find a lamp", "on my desk", "cosy"], "**Natt**"),
        ("en", &["my lamp is broken", "it flickers"], "LED dimmer"),
        ("en", &["how long does shipping take?"], "5 working days"),
        ("en", &["are you a bot?"], "I am a bot"),
        ("en", &["can I talk to a human please"], "waits for them"),
        ("en", &["where is my order?", "204 518"], "204518"),
        ("de", &["Wie lange dauert die Lieferung?"], "5 Werktage"),
        ("de", &["ich suche ein Geschenk", "in der Küche", "gemütlich"], "**Måne**"),
        ("es", &["¿Cuánto tarda el envío?"], "5 días"),
        ("es", &["busco algo para el jardín", "jardín", "ambiente"], "**Vind**"),
        ("ar", &["كم يستغرق التوصيل؟"], "5 أيام"),
    ] {
        let answer = answer_to(locale, texts);
        assert!(answer.contains(expected), "{locale} {texts:?}: {answer}");
    }
}
