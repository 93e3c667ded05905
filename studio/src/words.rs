//! The studio's sentences that depend on something.

use portico_protocol::{
    ConversationStatus, ConversationSummary, InboxView, Owner, ParticipantId, Problem, Timestamp,
};

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How long ago or for how long, in at most five characters: `now`, `4m`, `3h`, `2d`, `9w`.
#[must_use]
pub(crate) fn short_span(since: Timestamp, now: Timestamp) -> String {
    match now.as_millis() - since.as_millis() {
        ..MINUTE_MS => "now".into(),
        millis @ MINUTE_MS..HOUR_MS => format!("{}m", millis / MINUTE_MS),
        millis @ HOUR_MS..DAY_MS => format!("{}h", millis / HOUR_MS),
        millis if millis < 14 * DAY_MS => format!("{}d", millis / DAY_MS),
        millis => format!("{}w", millis / (7 * DAY_MS)),
    }
}

/// The same for sentences and screen readers: `less than a minute`, `4 minutes`, `1 hour`.
#[must_use]
pub(crate) fn long_span(millis: i64) -> String {
    let (count, unit) = match millis {
        ..MINUTE_MS => return "less than a minute".into(),
        MINUTE_MS..HOUR_MS => (millis / MINUTE_MS, "minute"),
        HOUR_MS..DAY_MS => (millis / HOUR_MS, "hour"),
        _ => (millis / DAY_MS, "day"),
    };
    counted(count, unit)
}

/// `1 hour`, `2 hours`.
#[must_use]
pub(crate) fn counted(count: i64, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural}")
}

/// Whether a conversation was closed and nobody has written since.
#[must_use]
pub(crate) fn is_closed(summary: &ConversationSummary) -> bool {
    summary.status == ConversationStatus::Closed
}

/// Who answers a conversation, as its line in the inbox says it.
#[must_use]
pub(crate) fn owner(summary: &ConversationSummary, me: ParticipantId, now: Timestamp) -> String {
    match (&summary.owner, summary.waiting_since) {
        _ if is_closed(summary) => "Closed".into(),
        (Owner::Queue(_), Some(since)) => {
            format!("Waiting {}", long_span(now.as_millis() - since.as_millis()))
        }
        (Owner::Queue(_), None) => "Unassigned".into(),
        (Owner::Human(person), _) if person.id == me => "You".into(),
        (Owner::Human(person), _) => person.display_name.clone(),
        (Owner::Bot(_), _) => "Bot".into(),
        (Owner::Unknown, _) => "Somebody else".into(),
    }
}

/// Why signing in failed, and what to do next.
#[must_use]
pub(crate) fn sign_in_problem(problem: &Problem) -> String {
    match (problem.code(), problem.retry_after_ms) {
        ("wrong-credentials", _) => "E-mail and password do not match. Check both and try again.".into(),
        ("rate-limited", Some(wait)) => {
            format!("Too many attempts. Try again in {}.", waiting(wait))
        }
        _ => sentence(problem),
    }
}

/// What went wrong, in one or two sentences.
#[must_use]
pub(crate) fn sentence(problem: &Problem) -> String {
    match &problem.detail {
        Some(detail) => format!("{}. {detail}.", problem.title.trim_end_matches('.')).replace("..", "."),
        None => format!("{}.", problem.title.trim_end_matches('.')),
    }
}

fn waiting(millis: u64) -> String {
    let seconds = i64::try_from(millis.div_ceil(1000)).unwrap_or(i64::MAX);
    if seconds < 90 { counted(seconds, "second") } else { counted((seconds + 59) / 60, "minute") }
}

/// The headline and the help of an empty list.
#[must_use]
pub(crate) fn empty_list(view: InboxView, is_search: bool) -> (&'static str, &'static str) {
    if is_search {
        return (
            "Nothing found",
            "All words must occur in a conversation or in the visitor’s name. Try fewer, or include closed conversations.",
        );
    }
    match view {
        InboxView::Unassigned => (
            "Nobody is waiting",
            "When a visitor asks for a person, the conversation appears here, the longest wait first.",
        ),
        InboxView::Mine => (
            "You have no open conversations",
            "Take one over from Unassigned or All, and it stays here until you close it or hand it back.",
        ),
        InboxView::All => (
            "No conversations yet",
            "As soon as a visitor writes, you see it here, also while the bot answers.",
        ),
    }
}

/// An address as people read it: without scheme, query and fragment.
#[must_use]
pub(crate) fn page_name(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    rest.trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn spans_are_short_in_lists_and_whole_words_in_sentences() {
        let now = at(100 * DAY_MS);
        for (ago, short, long) in [
            (0, "now", "less than a minute"),
            (MINUTE_MS, "1m", "1 minute"),
            (59 * MINUTE_MS, "59m", "59 minutes"),
            (25 * HOUR_MS, "1d", "1 day"),
            (30 * DAY_MS, "4w", "30 days"),
        ] {
            assert_eq!(short_span(now.plus_millis(-ago), now), short);
            assert_eq!(long_span(ago), long);
        }
        assert_eq!(short_span(now.plus_millis(5 * MINUTE_MS), now), "now", "a server's clock may be ahead");
    }

    #[test]
    fn a_throttled_person_is_told_how_long_to_wait() {
        let problem = Problem::new("rate-limited", 429, "Too many").with_retry_after_ms(31_200);
        assert_eq!(sign_in_problem(&problem), "Too many attempts. Try again in 32 seconds.");
        let problem = Problem::new("rate-limited", 429, "Too many").with_retry_after_ms(120_000);
        assert_eq!(sign_in_problem(&problem), "Too many attempts. Try again in 2 minutes.");
    }

    #[test]
    fn a_problem_is_told_in_sentences() {
        let problem = Problem::new("x", 400, "A value is not valid").with_detail("Give a name");
        assert_eq!(sentence(&problem), "A value is not valid. Give a name.");
        assert_eq!(sentence(&Problem::new("x", 400, "Gone.")), "Gone.");
    }

    #[test]
    fn a_page_is_named_without_scheme_query_and_fragment() {
        assert_eq!(page_name("https://lumen.example/lamps/?utm=1#top"), "lumen.example/lamps");
        assert_eq!(page_name("lumen.example"), "lumen.example");
    }
}
