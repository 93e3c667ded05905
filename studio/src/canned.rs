//! Finding a canned reply while typing.

use portico_protocol::api::CannedReply;

/// Most replies offered at once: what fits above the composer without scrolling far.
pub(crate) const OFFERED_MAX: usize = 8;

/// What was typed after the `/` that opens the list: the text is `/` and letters, with nothing before.
#[must_use]
pub(crate) fn query(text: &str) -> Option<&str> {
    text.strip_prefix('/').filter(|rest| !rest.contains(char::is_whitespace))
}

/// The replies that fit `query`: first those whose shortcut starts with it, then those that hold it anywhere.
#[must_use]
pub(crate) fn matching<'a>(replies: &'a [CannedReply], query: &str) -> Vec<&'a CannedReply> {
    let query = query.to_lowercase();
    let starts = |reply: &&CannedReply| reply.shortcut.to_lowercase().starts_with(&query);
    let holds = |reply: &&CannedReply| {
        reply.shortcut.to_lowercase().contains(&query) || reply.text.to_lowercase().contains(&query)
    };
    let first = replies.iter().filter(starts);
    let then = replies.iter().filter(|reply| !starts(reply) && holds(reply));
    first.chain(then).take(OFFERED_MAX).collect()
}

/// The reply's words for this visitor: `{name}` becomes the visitor's name, or goes away with the blank
/// before it where the name is not known.
#[must_use]
pub(crate) fn filled(text: &str, visitor_name: Option<&str>) -> String {
    match visitor_name {
        Some(name) => text.replace("{name}", name),
        None => text.replace(" {name}", "").replace("{name}", ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use portico_protocol::MessageId;

    fn reply(shortcut: &str, text: &str) -> CannedReply {
        CannedReply { id: MessageId::from_bytes([1; 16]), shortcut: shortcut.into(), text: text.into() }
    }

    #[test]
    fn a_slash_opens_the_list_only_at_the_start_and_until_a_blank() {
        assert_eq!(query("/"), Some(""));
        assert_eq!(query("/ret"), Some("ret"));
        assert_eq!(query("/ret urn"), None);
        assert_eq!(query("and/or"), None);
    }

    #[test]
    fn shortcuts_come_before_words() {
        let replies = [reply("hello", "Welcome, returns are free"), reply("returns", "You have 30 days")];
        let found: Vec<_> =
            matching(&replies, "RET").into_iter().map(|reply| reply.shortcut.as_str()).collect();
        assert_eq!(found, ["returns", "hello"]);
        assert!(matching(&replies, "zebra").is_empty());
    }

    #[test]
    fn a_name_is_filled_in_or_leaves_no_gap() {
        assert_eq!(filled("Hello {name}, how can I help?", Some("Ada")), "Hello Ada, how can I help?");
        assert_eq!(filled("Hello {name}, how can I help?", None), "Hello, how can I help?");
    }
}
