//! Conversations as a list of representatives sees them.

use core::fmt;
use serde::{Deserialize, Serialize};

use crate::json::wire;

use crate::{ConversationId, Owner, Timestamp};

/// Which conversations a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InboxView {
    /// Waiting for a person.
    Unassigned,
    /// Owned by the one who asks.
    Mine,
    /// Everything of the brand.
    All,
}

/// Whether a conversation is still going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConversationStatus {
    /// Closed; whoever writes next reopens it.
    Closed,
    /// Going on. Also what a status means that this build does not know: better shown than lost.
    #[serde(other)]
    Open,
}

/// One line of the inbox.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationSummary {
    /// Which.
    pub conversation: ConversationId,
    /// A stable, friendly name for a visitor who gave none, or the name that the brand's back end signed for.
    pub visitor_name: String,
    /// Whether `visitor_name` was signed for by the brand's back end.
    pub is_identified: bool,
    /// Who answers.
    pub owner: Owner,
    /// Whether it is going on.
    pub status: ConversationStatus,
    /// The newest sequence number.
    pub head: u64,
    /// How many messages of the visitor the asking representative has not read.
    pub unread: u32,
    /// The start of the newest words, at most 120 code points.
    pub preview: String,
    /// Whether those words are the visitor's.
    pub preview_is_visitor: bool,
    /// When the log last grew.
    pub updated_at: Timestamp,
    /// Since when it waits for a person, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// The visitor's language, BCP 47.
    pub locale: String,
    /// The page on which the chat was opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
}

impl fmt::Debug for ConversationSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ConversationSummary({}, head {})", self.conversation, self.head)
    }
}

wire!(
    enum InboxView {
        Unassigned = "unassigned",
        Mine = "mine",
        All = "all",
    }
);
wire!(enum ConversationStatus { Closed = "closed", Open = "open", _ = Open });
wire!(struct ConversationSummary { conversation, visitor_name, is_identified, owner, status, head, unread, preview, preview_is_visitor, updated_at, waiting_since [optional], locale, page_url [optional] });
