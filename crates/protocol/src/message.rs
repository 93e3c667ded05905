//! A message: the Business Messages model, with its names and limits.

use core::fmt;
use serde::{Deserialize, Serialize};

use crate::Problem;
use crate::json::wire;
use crate::limit::{
    POSTBACK_CHARS_MAX, SUGGESTION_TEXT_CHARS_MAX, SUGGESTIONS_MAX, TEXT_CHARS_MAX, URL_CHARS_MAX,
};
use crate::oneof::oneof;

/// Something said. `Debug` never shows the words: they belong in no log.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// What is said.
    pub content: Content,
    /// What can be tapped while this is the newest message of the conversation; at most 13.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggestions: Vec<Suggestion>,
    /// Shown by a client that does not know the content's kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
}

oneof! {
    /// What a message says.
    pub enum Content {
        /// Words, in the limited Markdown that [`Text`] describes.
        Text(Text) = "text",
    }
}

/// Words. `**bold**`, `*italic*`, `[label](https://…)`, bare `https://` links and line breaks are shown as such
/// when the message is a representative's; a visitor's words are shown as written, with links.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Text(pub String);

oneof! {
    /// Something to tap under a message.
    pub enum Suggestion {
        /// Answers with its text.
        Reply(Reply) = "reply",
        /// Opens or dials something, and tells the brand that it did.
        Action(Action) = "action",
        /// Asks for a person. The label is the client's, in the visitor's language.
        LiveAgentRequest(LiveAgentRequest) = "liveAgentRequest",
    }
}

/// A ready-made answer.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reply {
    /// The label, and what the visitor is seen to say; at most 35 code points.
    pub text: String,
    /// What the bot is told; at most 2048 code points. Opaque to Portico.
    pub postback_data: String,
}

/// A link or a telephone number behind a label.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// The label; at most 35 code points.
    pub text: String,
    /// What the bot is told; at most 2048 code points.
    pub postback_data: String,
    /// Opens a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_url_action: Option<OpenUrlAction>,
    /// Calls a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dial_action: Option<DialAction>,
}

/// The page that an action opens, in a new tab.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenUrlAction {
    /// `https:` or, for development, `http:`; nothing else.
    pub url: String,
}

/// The number that an action dials.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DialAction {
    /// E.164, with the plus sign.
    pub phone_number: String,
}

/// Asks for a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveAgentRequest {}

impl Message {
    /// A message of plain words.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self { content: Content::Text(Text(text.into())), suggestions: Vec::new(), fallback: None }
    }

    /// The words to show where only words can be shown: previews, notifications, old clients.
    #[must_use]
    pub fn plain_text(&self) -> &str {
        match &self.content {
            Content::Text(text) => &text.0,
            Content::Unknown => self.fallback.as_deref().unwrap_or_default(),
        }
    }

    /// Checks every limit and address.
    ///
    /// # Errors
    /// The first thing that is wrong, with its field, the limit and the length found.
    pub fn check(&self) -> Result<(), Problem> {
        match &self.content {
            Content::Text(text) if text.0.trim().is_empty() => {
                return Err(Problem::invalid(
                    "message.content.text",
                    "a message needs at least one visible character",
                ));
            }
            Content::Text(text) => check_chars("message.content.text", &text.0, TEXT_CHARS_MAX)?,
            Content::Unknown => {
                return Err(Problem::invalid("message.content", "this kind of content is not known"));
            }
        }
        check_chars("message.fallback", self.fallback.as_deref().unwrap_or_default(), TEXT_CHARS_MAX)?;
        if self.suggestions.len() > SUGGESTIONS_MAX {
            return Err(Problem::too_long("message.suggestions", SUGGESTIONS_MAX, self.suggestions.len()));
        }
        self.suggestions.iter().try_for_each(Suggestion::check)
    }
}

impl Suggestion {
    /// A reply whose postback is `postback_data`.
    #[must_use]
    pub fn reply(text: impl Into<String>, postback_data: impl Into<String>) -> Self {
        Self::Reply(Reply { text: text.into(), postback_data: postback_data.into() })
    }

    fn check(&self) -> Result<(), Problem> {
        match self {
            Self::Reply(reply) => check_label(&reply.text, &reply.postback_data),
            Self::Action(action) => action.check(),
            Self::LiveAgentRequest(_) => Ok(()),
            Self::Unknown => {
                Err(Problem::invalid("message.suggestions", "this kind of suggestion is not known"))
            }
        }
    }
}

impl Action {
    fn check(&self) -> Result<(), Problem> {
        check_label(&self.text, &self.postback_data)?;
        match (&self.open_url_action, &self.dial_action) {
            (Some(open), None) => check_url("message.suggestions.action.openUrlAction.url", &open.url),
            (None, Some(dial)) if is_e164(&dial.phone_number) => Ok(()),
            (None, Some(_)) => Err(Problem::invalid(
                "message.suggestions.action.dialAction.phoneNumber",
                "give the number with its country code: + and 7 to 15 digits",
            )),
            _ => Err(Problem::invalid(
                "message.suggestions.action",
                "give exactly one of openUrlAction and dialAction",
            )),
        }
    }
}

/// Refuses a text longer than `limit` code points.
///
/// # Errors
/// Names the field, the limit and the length found.
pub fn check_chars(field: &str, text: &str, limit: usize) -> Result<(), Problem> {
    // A text has at most as many code points as bytes: the usual case needs no counting.
    if text.len() <= limit {
        return Ok(());
    }
    let found = text.chars().count();
    if found > limit { Err(Problem::too_long(field, limit, found)) } else { Ok(()) }
}

/// Refuses everything but a web address: `javascript:`, `data:` and other schemes run or show what the
/// address bar does not vouch for.
///
/// # Errors
/// Names the field and says what is allowed.
pub fn check_url(field: &str, url: &str) -> Result<(), Problem> {
    check_chars(field, url, URL_CHARS_MAX)?;
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let clean = !url.chars().any(|char| char.is_control() || char.is_whitespace() || char == '\\');
    match host {
        Some(host) if clean && !host.is_empty() && !host.starts_with('/') => Ok(()),
        _ => Err(Problem::invalid(field, "give an address that starts with https://")),
    }
}

fn check_label(text: &str, postback_data: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid("message.suggestions.text", "a suggestion needs a label"));
    }
    check_chars("message.suggestions.text", text, SUGGESTION_TEXT_CHARS_MAX)?;
    check_chars("message.suggestions.postbackData", postback_data, POSTBACK_CHARS_MAX)
}

fn is_e164(number: &str) -> bool {
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

macro_rules! silent_debug {
    ($($name:ident),+) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+ };
}
silent_debug!(Message, Text, Reply, Action, OpenUrlAction, DialAction);

wire!(struct Message { content, suggestions [optional], fallback [optional] });
wire!(newtype Text);
wire!(struct Reply { text, postback_data });
wire!(struct Action { text, postback_data, open_url_action [optional], dial_action [optional] });
wire!(struct OpenUrlAction { url });
wire!(struct DialAction { phone_number });
wire!(
    struct LiveAgentRequest {}
);
