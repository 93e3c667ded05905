//! The limited Markdown of messages: `**bold**`, `*italic*`, `[label](https://…)`, bare links, line breaks.
//!
//! A reader of its own, because the text is hostile until proven otherwise and because a full Markdown
//! library would be the widget's largest part. It never fails: what is not understood is shown as written.
//! Nothing here makes HTML; [`crate::words`] builds the nodes one by one.

use portico_protocol::message::check_url;

/// How much of a text is read as Markdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Markup {
    /// As the brand writes: bold, italic, links with labels.
    Limited,
    /// As visitors write: only bare links; asterisks are asterisks.
    Plain,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq)]
pub enum Span<'a> {
    /// Words as they are.
    Text(&'a str),
    /// `**…**`
    Strong(Vec<Span<'a>>),
    /// `*…*`
    Emphasis(Vec<Span<'a>>),
    /// Goes somewhere: only ever to `https:` or `http:`.
    Link {
        /// Where to.
        href: &'a str,
        /// What is shown.
        label: &'a str,
    },
    /// A new line.
    Break,
}

/// Deepest nesting that is read; deeper marks are shown as written.
const DEPTH_MAX: usize = 3;

/// Reads `text`. All its words come back, in order, without the marks that were understood.
#[must_use]
pub fn parse(text: &str, markup: Markup) -> Vec<Span<'_>> {
    parse_at(text, markup, 0)
}

/// Whether a text is one to three emoji and nothing else: such a message is drawn large.
#[must_use]
pub fn is_only_emoji(text: &str) -> bool {
    let mut pictures = 0;
    let mut joined = false;
    for char in text.chars() {
        match char {
            // Variation selectors, skin tones, and the joiner that fuses the next picture into this one.
            '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' => {}
            '\u{200d}' => joined = true,
            '\u{1f000}'..='\u{1faff}' | '\u{2600}'..='\u{27bf}' | '\u{2b50}' | '\u{2b55}' => {
                pictures += usize::from(!joined);
                joined = false;
            }
            _ => return false,
        }
    }
    // A flag is two regional indicators: up to six signs are at most three flags.
    let flags = text.chars().filter(|char| ('\u{1f1e6}'..='\u{1f1ff}').contains(char)).count();
    (1..=3).contains(&(pictures - flags / 2))
}

fn parse_at(text: &str, markup: Markup, depth: usize) -> Vec<Span<'_>> {
    let mut reader = Reader { text, plain_from: 0, at: 0, spans: Vec::new() };
    while reader.at < text.len() {
        let rest = &text[reader.at..];
        let found = match rest.as_bytes()[0] {
            b'\n' => Some((Span::Break, 1)),
            b'h' if reader.is_at_word_start() => bare_link(rest),
            b'*' if markup == Markup::Limited && depth < DEPTH_MAX => marked(rest, depth),
            b'[' if markup == Markup::Limited => labelled_link(rest),
            _ => None,
        };
        match found {
            Some((span, length)) => reader.take(span, length),
            // A run of asterisks that closes nowhere is skipped whole, so that hostile runs stay linear.
            None => reader.at += unmarked_length(rest),
        }
    }
    reader.finish()
}

struct Reader<'a> {
    text: &'a str,
    plain_from: usize,
    at: usize,
    spans: Vec<Span<'a>>,
}

impl<'a> Reader<'a> {
    fn is_at_word_start(&self) -> bool {
        self.text[..self.at].chars().next_back().is_none_or(|before| !before.is_ascii_alphanumeric())
    }

    fn take(&mut self, span: Span<'a>, length: usize) {
        self.flush();
        self.spans.push(span);
        self.at += length;
        self.plain_from = self.at;
    }

    fn flush(&mut self) {
        if self.plain_from < self.at {
            self.spans.push(Span::Text(&self.text[self.plain_from..self.at]));
        }
    }

    fn finish(mut self) -> Vec<Span<'a>> {
        self.flush();
        self.spans
    }
}

/// How many bytes from here on cannot begin anything: to the next byte that might.
fn unmarked_length(rest: &str) -> usize {
    let first = rest.bytes().take_while(|byte| *byte == b'*').count().max(1);
    let begins = |byte: u8| matches!(byte, b'\n' | b'*' | b'[' | b'h');
    rest.bytes().skip(first).position(begins).map_or(rest.len(), |position| first + position)
}

/// `**strong**` or `*emphasis*`, if it opens and closes right here: no space inside the marks, same line.
fn marked(rest: &str, depth: usize) -> Option<(Span<'_>, usize)> {
    let mark = if rest.starts_with("**") { "**" } else { "*" };
    let inner = &rest[mark.len()..];
    let line = inner.split('\n').next().unwrap_or_default();
    let length = closing(line, mark)?;
    let words = &inner[..length];
    if words.starts_with([' ', '*']) || words.ends_with(' ') {
        return None;
    }
    let inside = parse_at(words, Markup::Limited, depth + 1);
    let span = if mark.len() == 2 { Span::Strong(inside) } else { Span::Emphasis(inside) };
    Some((span, length + 2 * mark.len()))
}

/// Where `mark` closes in `line`: for the single asterisk not inside a `**strong**`.
fn closing(line: &str, mark: &str) -> Option<usize> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'*' {
            at += 1;
            continue;
        }
        let run = bytes[at..].iter().take_while(|byte| **byte == b'*').count();
        let closes = if mark.len() == 2 { run >= 2 } else { run % 2 == 1 };
        if closes && at > 0 {
            // `**a *b***`: the inner mark closes first.
            return Some(at + run - mark.len());
        }
        at += run;
    }
    None
}

/// `[label](https://…)`. A label that looks like an address must not name another one: then the true
/// address is shown instead.
fn labelled_link(rest: &str) -> Option<(Span<'_>, usize)> {
    // Not by the library's search for texts in texts, which is as large as all of this file.
    let middle = rest.as_bytes().windows(2).position(|pair| pair == b"](")?;
    let (label, after) = (&rest[1..middle], &rest[middle + 2..]);
    if label.is_empty() || label.contains(['\n', '[']) {
        return None;
    }
    let end = after.find([')', '\n', ' ']).filter(|end| after.as_bytes()[*end] == b')')?;
    let href = &after[..end];
    check_url("href", href).ok()?;
    let label = if names_another_host(label, href) { href } else { label };
    Some((Span::Link { href, label }, 1 + (after.as_ptr() as usize - rest[1..].as_ptr() as usize) + end + 1))
}

fn names_another_host(label: &str, href: &str) -> bool {
    let label = without_scheme(label.trim());
    let looks_like_host = !label.contains(' ') && label.trim_end_matches('.').contains('.');
    let bare = |host: &'_ str| host.strip_prefix("www.").unwrap_or(host).to_owned();
    looks_like_host && bare(host(label)) != bare(host(href))
}

fn without_scheme(href: &str) -> &str {
    href.strip_prefix("https://").or_else(|| href.strip_prefix("http://")).unwrap_or(href)
}

/// The host of an address, with its port if it has one.
#[must_use]
pub fn host(href: &str) -> &str {
    let rest = without_scheme(href);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    authority.rfind('@').map_or(authority, |at| &authority[at + 1..])
}

fn bare_link(rest: &str) -> Option<(Span<'_>, usize)> {
    if !rest.starts_with("https://") && !rest.starts_with("http://") {
        return None;
    }
    let end = rest.find(|char: char| char.is_whitespace() || "<>\"`*".contains(char)).unwrap_or(rest.len());
    let href = without_trailing_punctuation(&rest[..end]);
    // `https://` alone, or with nothing but dots behind it, is not an address.
    host(href).contains(|char: char| char.is_ascii_alphanumeric() || !char.is_ascii()).then_some(())?;
    check_url("href", href).ok()?;
    Some((Span::Link { href, label: href }, href.len()))
}

/// The sentence's own full stop, comma or closing bracket does not belong to the address.
fn without_trailing_punctuation(mut href: &str) -> &str {
    while let Some(last) = href.chars().next_back() {
        let unmatched = last == ')' && href.matches(')').count() > href.matches('(').count();
        if !unmatched && !".,;:!?'…”’]}".contains(last) {
            break;
        }
        href = &href[..href.len() - last.len_utf8()];
    }
    href
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The words alone, as a reader without pictures hears them.
    fn spoken(spans: &[Span<'_>]) -> String {
        let mut words = String::new();
        for span in spans {
            match span {
                Span::Text(text) => words.push_str(text),
                Span::Strong(inside) | Span::Emphasis(inside) => words.push_str(&spoken(inside)),
                Span::Link { label, .. } => words.push_str(label),
                Span::Break => words.push('\n'),
            }
        }
        words
    }

    fn links(text: &str) -> Vec<(String, String)> {
        let link = |span: Span<'_>| match span {
            Span::Link { href, label } => Some((href.to_owned(), label.to_owned())),
            _ => None,
        };
        parse(text, Markup::Limited).into_iter().filter_map(link).collect()
    }

    #[track_caller]
    fn check_link(text: &str, href: &str, label: &str) {
        assert_eq!(links(text), [(href.to_owned(), label.to_owned())], "{text}");
    }

    #[test]
    fn bold_and_italic_nest_and_close_on_their_line() {
        use Span::{Break, Emphasis, Strong, Text};
        let read = |text| parse(text, Markup::Limited);
        assert_eq!(read("a **b** c"), [Text("a "), Strong(vec![Text("b")]), Text(" c")]);
        assert_eq!(read("*b*"), [Emphasis(vec![Text("b")])]);
        assert_eq!(read("**a *b***"), [Strong(vec![Text("a "), Emphasis(vec![Text("b")])])]);
        assert_eq!(read("*a **b** c*"), [Emphasis(vec![Text("a "), Strong(vec![Text("b")]), Text(" c")])]);
        assert_eq!(read("**a\nb**"), [Text("**a"), Break, Text("b**")]);
    }

    #[test]
    fn marks_that_are_not_marks_stay() {
        for text in
            ["2 * 3 * 4", "a ** b ** c", "****", "*", "**", "[x]", "[x](", "[](https://a.example)", "5*"]
        {
            assert_eq!(spoken(&parse(text, Markup::Limited)), text);
        }
        assert_eq!(parse("**no**", Markup::Plain), [Span::Text("**no**")]);
    }

    #[test]
    fn links_end_where_the_sentence_goes_on() {
        check_link("see https://a.example/x.", "https://a.example/x", "https://a.example/x");
        check_link("(https://a.example/x)", "https://a.example/x", "https://a.example/x");
        check_link("https://a.example/x_(y)", "https://a.example/x_(y)", "https://a.example/x_(y)");
        check_link("[Sizes](https://a.example/s)", "https://a.example/s", "Sizes");
        assert_eq!(links("xhttps://a.example https://"), []);
    }

    #[test]
    fn a_label_never_hides_another_address() {
        check_link("[bank.example](https://evil.example)", "https://evil.example", "https://evil.example");
        check_link(
            "[https://bank.example](https://evil.example)",
            "https://evil.example",
            "https://evil.example",
        );
        check_link(
            "[www.bank.example](https://bank.example/a)",
            "https://bank.example/a",
            "www.bank.example",
        );
        check_link(
            "[bank.example](https://bank.example@evil.example)",
            "https://bank.example@evil.example",
            "https://bank.example@evil.example",
        );
    }

    #[test]
    fn only_web_addresses_become_links() {
        for text in ["[x](javascript:alert(1))", "[x](data:text/html,x)", "[x](//a.example)", "[x](/path)"] {
            assert_eq!(links(text), [], "{text}");
            assert_eq!(spoken(&parse(text, Markup::Limited)), text);
        }
    }

    #[test]
    fn a_few_emoji_alone_are_large() {
        for text in ["👍", "🇩🇪", "👩‍👩‍👧", "❤️", "👍🏽🎉✨"] {
            assert!(is_only_emoji(text), "{text}");
        }
        for text in ["", "👍👍👍👍", "ok 👍", "1", "🇩🇪🇫🇷🇪🇸🇮🇹"] {
            assert!(!is_only_emoji(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_word_is_lost(text in "[ab*\\[\\]()h\\n .😀]{0,60}|.{0,80}") {
            prop_assert_eq!(spoken(&parse(&text, Markup::Plain)), text.clone());
            let without_marks = |text: &str| text.replace('*', "");
            let read = spoken(&parse(&text, Markup::Limited));
            prop_assert_eq!(without_marks(&read), without_marks(&text));
        }

        #[test]
        fn every_link_goes_to_the_web(text in ".{0,20}\\[[a-z. ]{0,10}\\]\\([a-z:/.]{0,20}\\).{0,20}") {
            for (href, _) in links(&text) {
                prop_assert!(href.starts_with("https://") || href.starts_with("http://"));
            }
        }
    }

    #[test]
    fn hostile_runs_of_marks_are_read_quickly() {
        let limit = portico_protocol::limit::TEXT_CHARS_MAX;
        for text in
            ["*".repeat(limit), "*a ".repeat(limit / 3), "[a](".repeat(limit / 4), "**a*".repeat(limit / 4)]
        {
            assert!(!parse(&text, Markup::Limited).is_empty());
        }
    }
}
