//! What travels over a socket, or over server-sent events and POST where sockets are blocked.
//!
//! A connection starts with `hello`, which spends a one-use ticket; the server answers `welcome` or a
//! fatal `problem`. Then the client follows conversations, each from the last sequence number that it
//! holds, and both sides speak freely.

use serde::{Deserialize, Serialize};

use crate::api::InboxQuery;
use crate::entry::SuggestionResponse;
use crate::json::wire;
use crate::oneof::oneof;
use crate::{ConversationId, ConversationSummary, Entry, Message, MessageId, Owner, ParticipantId, Problem};
use crate::{Representative, SessionId, Timestamp, Watermark};

oneof! {
    /// Said by a client.
    pub enum ClientFrame {
        /// Starts the connection; nothing else may come first.
        Hello(Hello) = "hello",
        /// Follows a conversation from where this client stands.
        Follow(Follow) = "follow",
        /// Stops following.
        Unfollow(Unfollow) = "unfollow",
        /// Asks for something to be appended.
        Submit(Submit) = "submit",
        /// Tells how far this device has received and shown the log.
        Seen(Seen) = "seen",
        /// Tells that the participant types, or has stopped.
        Typing(Typing) = "typing",
        /// Asks for older entries.
        LoadHistory(LoadHistory) = "loadHistory",
        /// Representatives: keeps a list of conversations up to date.
        WatchInbox(InboxQuery) = "watchInbox" in studio,
        /// Asks whether the connection still lives.
        Ping(Ping) = "ping",
    }
}

oneof! {
    /// Said by the server.
    pub enum ServerFrame {
        /// The connection stands.
        Welcome(Welcome) = "welcome",
        /// A conversation is followed; its entries come next.
        Followed(Followed) = "followed",
        /// Entries in order: the missing ones, then each new one.
        Entries(Entries) = "entries",
        /// Older entries, as asked for.
        History(History) = "history",
        /// A submission is durable.
        Acknowledged(Acknowledged) = "acknowledged",
        /// A submission was refused.
        Refused(Refused) = "refused",
        /// Somebody received or read more.
        Watermark(WatermarkMoved) = "watermark",
        /// Somebody types, or has stopped.
        Typing(TypingNotice) = "typing",
        /// Representatives: who else looks at a conversation.
        Presence(Presence) = "presence" in studio,
        /// How long people wait for a person at the moment.
        Waiting(Waiting) = "waiting",
        /// Representatives: conversations that changed or left the watched list.
        Inbox(Inbox) = "inbox" in studio,
        /// An answer to a ping.
        Pong(Ping) = "pong",
        /// The server closes the connection in good order: come back after a while.
        Goodbye(Goodbye) = "goodbye",
        /// Something was wrong that belongs to no submission. Fatal if the connection closes after it.
        Problem(Problem) = "problem",
    }
}

/// Starts a connection. `Debug` never shows the ticket: until it is spent, it is a key.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    /// [`crate::PROTOCOL_VERSION`] of the client.
    pub version: u32,
    /// A one-use ticket from `POST /api/v1/tickets` or from opening the session; valid for seconds.
    pub ticket: String,
}

impl core::fmt::Debug for Hello {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Hello(version {})", self.version)
    }
}

/// The connection stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// [`crate::PROTOCOL_VERSION`] of the server.
    pub version: u32,
    /// The session whose ticket was spent.
    pub session: SessionId,
    /// Who the server takes this client for.
    pub participant: ParticipantId,
    /// The server's clock.
    pub now: Timestamp,
}

/// Follows a conversation. Following it again, on the same connection too, starts over from `after`: that is
/// how a client mends a gap.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Follow {
    /// Which.
    pub conversation: ConversationId,
    /// The client holds an unbroken run of entries that ends here; what came later is sent. Zero: it holds
    /// nothing, and gets the newest [`crate::limit::OPENING_ENTRIES`].
    pub after: u64,
}

/// Stops following.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unfollow {
    /// Which.
    pub conversation: ConversationId,
}

/// A conversation is followed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Followed {
    /// Which.
    pub conversation: ConversationId,
    /// The newest sequence number; zero while nothing has been said.
    pub head: u64,
    /// Who answers.
    pub owner: Owner,
    /// Whether it was closed.
    pub is_closed: bool,
    /// How far everybody has got.
    pub watermarks: Vec<Watermark>,
}

/// Entries in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entries {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Consecutive, oldest first.
    pub entries: Vec<Entry>,
}

/// Asks for what is before `before`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadHistory {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Only entries with a smaller sequence number.
    pub before: u64,
    /// At most this many, and at most [`crate::limit::HISTORY_ENTRIES_MAX`].
    pub limit: u32,
}

/// Older entries. The log's start is reached when the first one is number 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Of which conversation.
    pub conversation: ConversationId,
    /// Consecutive, oldest first, ending right before what was asked.
    pub entries: Vec<Entry>,
}

/// Asks for something to be appended to a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submit {
    /// To which conversation.
    pub conversation: ConversationId,
    /// The submission that this client sent right before to the same conversation, if that one is not
    /// acknowledged yet. Was it refused for now (`retryAfterMs`), so is this one: else a message could
    /// overtake the one before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<MessageId>,
    /// What.
    pub submission: Submission,
}

/// Something a participant wants to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// Chosen by the sender before sending; sending it again changes nothing.
    pub id: MessageId,
    /// What to do.
    pub body: SubmissionBody,
}

oneof! {
    /// What a participant can do.
    pub enum SubmissionBody {
        /// Say something.
        Message(Message) = "message",
        /// Visitor: tap a suggestion.
        SuggestionResponse(SuggestionResponse) = "suggestionResponse",
        /// Visitor or bot: ask for a person.
        RequestHuman(RequestHuman) = "requestHuman",
        /// Person: answer from now on.
        TakeOver(TakeOver) = "takeOver" in studio,
        /// Person: let the bot answer again.
        HandBack(HandBack) = "handBack" in studio,
        /// Representative: close.
        Close(Close) = "close" in studio,
        /// Representative: open again.
        Reopen(Reopen) = "reopen" in studio,
        /// Person: leave a note for colleagues.
        Note(crate::entry::Note) = "note" in studio,
        /// Rewrite one's own message.
        Edit(crate::entry::Edit) = "edit" in studio,
        /// Empty one's own message, or as a person any message.
        Redact(crate::entry::Redaction) = "redact" in studio,
    }
}

/// Asks for a person.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestHuman {
    /// Bots: what is known so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packet: Vec<crate::entry::Slot>,
}

macro_rules! empty {
    ($( $(#[$outer:meta])* $name:ident )+) => { $(
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        pub struct $name {}
        wire!(struct $name {});
    )+ };
}
empty! {
    /// Answer from now on.
    TakeOver
    /// Let the bot answer again.
    HandBack
    /// Close the conversation.
    Close
    /// Open the conversation again.
    Reopen
}

/// A submission is durable: it will survive anything that the disk survives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acknowledged {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which submission.
    pub id: MessageId,
    /// Where it stands in the log. A resend gets the same number.
    pub sequence: u64,
    /// When it was stored.
    pub at: Timestamp,
}

/// A submission was refused. With `retryAfterMs` the same may succeed later; without, never.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refused {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Which submission.
    pub id: MessageId,
    /// Why.
    pub problem: Problem,
}

/// How far this device has got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// In which conversation.
    pub conversation: ConversationId,
    /// The last sequence number received.
    pub delivered: u64,
    /// The last sequence number that was on screen in a visible window.
    pub read: u64,
}

/// Somebody received or read more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WatermarkMoved {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Where that participant stands now.
    pub watermark: Watermark,
}

/// Whether the participant types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Typing {
    /// In which conversation.
    pub conversation: ConversationId,
    /// False: has stopped.
    pub is_typing: bool,
}

/// Somebody types; forgotten after [`crate::limit::TYPING_FOR_MS`] unless repeated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypingNotice {
    /// In which conversation.
    pub conversation: ConversationId,
    /// Who; absent for the visitor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representative: Option<Representative>,
    /// False: has stopped.
    pub is_typing: bool,
}

/// Who else looks at a conversation, so that two people do not answer at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Presence {
    /// Which conversation.
    pub conversation: ConversationId,
    /// The people of the brand who have it open, without the one who is told.
    pub viewers: Vec<Representative>,
    /// Whether the visitor is connected.
    pub visitor_is_online: bool,
}

/// The honest answer to "how long will it take?".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// Which conversation waits.
    pub conversation: ConversationId,
    /// How many are before it; zero: it is next.
    pub before: u32,
    /// Measured on the last people who waited, in milliseconds; absent while too few were measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub estimate_ms: Option<u64>,
    /// Whether anybody is there to answer.
    pub is_staffed: bool,
    /// When people answer again, if nobody does now and the brand has said its hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Timestamp>,
}

/// Conversations that changed in the watched list. `watchInbox` is answered with a snapshot, its first page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inbox {
    /// Whether `changed` is the whole list: what is not in it is gone.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub is_snapshot: bool,
    /// New or changed ones.
    pub changed: Vec<ConversationSummary>,
    /// Those that no longer belong in the list.
    pub removed: Vec<ConversationId>,
}

/// Asks or answers whether the connection lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Returned as it came.
    pub nonce: u32,
}

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GoodbyeReason {
    /// The client read too slowly; it resumes from what it holds.
    TooSlow,
    /// The session has ended or was revoked: a new one is needed.
    SessionEnded,
    /// The client was silent for too long.
    Silent,
    /// The server stops or restarts. Also what a reason means that this build does not know.
    #[serde(other)]
    ShuttingDown,
}

/// The server closes the connection in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Goodbye {
    /// Why.
    pub reason: GoodbyeReason,
    /// When to connect again, in milliseconds from now.
    pub retry_after_ms: u64,
}

wire!(struct Hello { version, ticket });
wire!(struct Welcome { version, session, participant, now });
wire!(struct Follow { conversation, after });
wire!(struct Unfollow { conversation });
wire!(struct Followed { conversation, head, owner, is_closed, watermarks });
wire!(struct Entries { conversation, entries });
wire!(struct LoadHistory { conversation, before, limit });
wire!(struct History { conversation, entries });
wire!(struct Submit { conversation, after [optional], submission });
wire!(struct Submission { id, body });
wire!(struct RequestHuman { packet [optional] });
wire!(struct Acknowledged { conversation, id, sequence, at });
wire!(struct Refused { conversation, id, problem });
wire!(struct Seen { conversation, delivered, read });
wire!(struct WatermarkMoved { conversation, watermark });
wire!(struct Typing { conversation, is_typing });
wire!(struct TypingNotice { conversation, representative [optional], is_typing });
wire!(struct Presence { conversation, viewers, visitor_is_online });
wire!(struct Waiting { conversation, before, estimate_ms [optional], is_staffed, opens_at [optional] });
wire!(struct Inbox { is_snapshot [optional], changed, removed });
wire!(struct Ping { nonce });
wire!(enum GoodbyeReason { TooSlow = "too-slow", SessionEnded = "session-ended", Silent = "silent", ShuttingDown = "shutting-down", _ = ShuttingDown });
wire!(struct Goodbye { reason, retry_after_ms });
