//! The page behind each problem's `type`: what it means and what to do (RFC 9457 §3.1.1).

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::header::CACHE_CONTROL;
use axum::response::{Html, IntoResponse};
use axum::routing::get;

use crate::app::App;
use crate::http::problem::ApiError;

/// One kind of problem, explained to whoever writes a client.
struct Explanation {
    code: &'static str,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
}

/// All kinds, in the order of their codes. A test finds those that the sources name but this list does not.
const EXPLANATIONS: &[Explanation] = &[
    Explanation {
        code: "already-open",
        title: "Somebody listens to this connection already",
        meaning: "A connection over server-sent events has one listener; this one has one.",
        remedy: "Open a new connection and resume from what you hold.",
    },
    Explanation {
        code: "connection-over",
        title: "There is no such connection, or it has ended",
        meaning: "Connections without a socket end when nobody listens or posts for a while, and with the server.",
        remedy: "Open a new one and resume from what you hold.",
    },
    Explanation {
        code: "device-link-over",
        title: "This link has been used or is too old",
        meaning: "A link to another device works once, for ten minutes. Which of the two was the reason is told to nobody.",
        remedy: "Open the chat where you began and make a new link.",
    },
    Explanation {
        code: "forbidden",
        title: "This is not allowed",
        meaning: "The session is valid but does not carry this right, or the request came from a foreign origin.",
        remedy: "Sign in as somebody who may, or send the request from the chat host's own pages.",
    },
    Explanation {
        code: "foreign-origin",
        title: "Another site may not do this",
        meaning: "The request's Origin is not the chat host's own.",
        remedy: "Send it from the chat host's pages. An operator sets public-url to the address that visitors see.",
    },
    Explanation {
        code: "hello-first",
        title: "A connection starts with hello, once",
        meaning: "A frame came before hello, or hello came twice.",
        remedy: "Send hello with a fresh ticket as the first frame of each connection.",
    },
    Explanation {
        code: "identity-refused",
        title: "The identity token says nothing about anybody",
        meaning: "Its signature, subject, audience or time is wrong; detail says which.",
        remedy: "Have the brand's back end sign a fresh token for this chat host, for at most an hour.",
    },
    Explanation {
        code: "internal",
        title: "Something went wrong on the server",
        meaning: "The failure is the server's own. The operator finds it in the log under the answer's X-Request-Id.",
        remedy: "Try again later; if it stays, tell the operator the X-Request-Id.",
    },
    Explanation {
        code: "invalid",
        title: "A value is not valid",
        meaning: "The member named by field is missing or malformed; detail says how.",
        remedy: "Correct the member. The same request will fail again.",
    },
    Explanation {
        code: "malformed",
        title: "The frame or body was not understood",
        meaning: "The text is not JSON, not UTF-8, or not of the expected shape; detail names line and column.",
        remedy: "Compare it with the protocol's types. The same text will fail again.",
    },
    Explanation {
        code: "method-not-allowed",
        title: "This address does not answer that method",
        meaning: "The address exists, but not for this HTTP method.",
        remedy: "The Allow header lists the methods that work.",
    },
    Explanation {
        code: "no-change",
        title: "That is already so",
        meaning: "What was asked for is the case already: the conversation is closed, or somebody answers it.",
        remedy: "Nothing needs to be done.",
    },
    Explanation {
        code: "not-allowed",
        title: "This participant may not do that",
        meaning: "Visitors, bots and people each have acts of their own; this one belongs to another kind.",
        remedy: "Leave the act to whom it belongs.",
    },
    Explanation {
        code: "not-built",
        title: "This server was built without its apps",
        meaning: "A debug server without dist/ has no chat to show.",
        remedy: "Run `cargo xtask build`, then start it again.",
    },
    Explanation {
        code: "not-followed",
        title: "Follow the conversation first",
        meaning: "A frame named a conversation that this connection does not follow.",
        remedy: "Send follow, wait for followed, then send the frame.",
    },
    Explanation {
        code: "not-found",
        title: "There is nothing at this address",
        meaning: "The address is unknown, or what is there is none of the asker's business: both look the same.",
        remedy: "Check the address, and that the session is the right one.",
    },
    Explanation {
        code: "not-owner",
        title: "Somebody else answers this conversation now",
        meaning: "Only one answers at a time, and the conversation was taken over or handed back meanwhile.",
        remedy: "Take the conversation over before answering.",
    },
    Explanation {
        code: "not-signed-in",
        title: "A valid session is needed",
        meaning: "The session is missing, expired or revoked.",
        remedy: "Sign in again; a visitor's chat opens a new session by itself.",
    },
    Explanation {
        code: "out-of-turn",
        title: "The message before it has to be stored first",
        meaning: "An earlier submission of the same connection was refused or is still on its way.",
        remedy: "Send the earlier one again, then this one.",
    },
    Explanation {
        code: "rate-limited",
        title: "Too many requests in a short time",
        meaning: "A limit protects everybody else. retryAfterMs and Retry-After say how long it lasts.",
        remedy: "Wait that long, then try again: the same request will pass.",
    },
    Explanation {
        code: "shortcut-taken",
        title: "Another canned reply has this shortcut",
        meaning: "A shortcut finds one canned reply of the brand.",
        remedy: "Choose another shortcut, or change the other canned reply.",
    },
    Explanation {
        code: "ticket-spent",
        title: "This ticket is spent or too old",
        meaning: "A ticket opens one connection within seconds of being issued.",
        remedy: "Ask for a new one with POST /api/v1/tickets.",
    },
    Explanation {
        code: "too-long",
        title: "A value is longer than allowed",
        meaning: "field names the value, limit what is allowed, found what came. Texts count in code points.",
        remedy: "Shorten the value or send it in parts.",
    },
    Explanation {
        code: "too-many-canned-replies",
        title: "There are too many canned replies",
        meaning: "A brand has a limit of canned replies, so that the list stays one that can be searched by eye.",
        remedy: "Remove one that nobody uses.",
    },
    Explanation {
        code: "too-slow",
        title: "The request did not arrive in time",
        meaning: "The body did not arrive, or the answer was not ready, within half a minute.",
        remedy: "Try again over a better connection.",
    },
    Explanation {
        code: "unavailable",
        title: "The server cannot do this at the moment",
        meaning: "The database is away or full, or the server is shutting down. Nothing of the request was done.",
        remedy: "Try again after retryAfterMs. A chat keeps what was written and does so by itself.",
    },
    Explanation {
        code: "unknown-brand",
        title: "This server does not speak for that brand",
        meaning: "No brand has this id here.",
        remedy: "Check the id in the script tag; an operator lists brands with `portico brand list`.",
    },
    Explanation {
        code: "unknown-frame",
        title: "This kind of frame is not known here",
        meaning: "The frame's key is not one that this version of the server knows.",
        remedy: "Use a frame of this version. The connection goes on.",
    },
    Explanation {
        code: "unknown-target",
        title: "There is no such message of yours",
        meaning: "An edit or a redaction names a message that does not exist or that somebody else wrote.",
        remedy: "Name one of your own messages.",
    },
    Explanation {
        code: "unsupported-version",
        title: "This version of the protocol is not spoken here",
        meaning: "The client's hello offered another major version than the server's.",
        remedy: "Load the page again to get the client that belongs to this server.",
    },
    Explanation {
        code: "upgrade-required",
        title: "This address speaks WebSocket only",
        meaning: "The request lacks the headers that open a WebSocket.",
        remedy: "Open it as a WebSocket, or use POST /api/v1/live where those are blocked.",
    },
    Explanation {
        code: "wrong-credentials",
        title: "E-mail and password do not match",
        meaning: "No account has this address and this password. Which of the two is wrong is not told.",
        remedy: "Check both, or ask the operator for `portico representative reset-password`.",
    },
];

/// `/problems/<code>`.
pub fn routes() -> Router<Arc<App>> {
    Router::new().route("/problems/{code}", get(show))
}

async fn show(Path(code): Path<String>) -> Result<impl IntoResponse, ApiError> {
    let explanation = EXPLANATIONS.iter().find(|explanation| explanation.code == code);
    let page = explanation.ok_or_else(ApiError::not_found).map(page)?;
    Ok(([(CACHE_CONTROL, "public, max-age=86400")], Html(page)))
}

/// Plain HTML in the reader's own colours: the strictest content policy holds, and it needs no style.
fn page(explanation: &Explanation) -> String {
    let Explanation { code, title, meaning, remedy } = explanation;
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <main>\n<h1>{title}</h1>\n<p><code>{code}</code></p>\n<p>{meaning}</p>\n\
         <h2>What to do</h2>\n<p>{remedy}</p>\n</main>\n</html>\n"
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_code_that_the_sources_name_is_explained() {
        let explained: BTreeSet<&str> = EXPLANATIONS.iter().map(|explanation| explanation.code).collect();
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut codes = BTreeSet::new();
        for room in ["src", "crates/protocol/src", "crates/domain/src", "crates/store/src"] {
            collect_codes(&root.join(room), &mut codes);
        }
        assert!(
            codes.contains("too-long") && codes.contains("rate-limited"),
            "the search finds what is there"
        );
        let missing: Vec<&String> = codes.iter().filter(|code| !explained.contains(code.as_str())).collect();
        assert!(missing.is_empty(), "explain these in src/http/explanation.rs: {missing:?}");
    }

    #[test]
    fn explanations_are_sorted_and_unique() {
        assert!(EXPLANATIONS.is_sorted_by(|left, right| left.code < right.code));
    }

    /// The first string of each call that makes a problem, outside tests.
    fn collect_codes(folder: &Path, codes: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect_codes(&path, codes);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            let text = text.split("#[cfg(test)]").next().unwrap();
            for call in ["Problem::new(", "ApiError::new(", "Self::new("] {
                for (at, _) in text.match_indices(call) {
                    let arguments = text[at + call.len()..].split(')').next().unwrap();
                    let code = arguments.split('"').nth(1).unwrap_or_default();
                    let is_code = !code.is_empty()
                        && code.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
                    if is_code {
                        codes.insert(code.to_owned());
                    }
                }
            }
        }
    }
}
