//! The log of a conversation: everything that changes what a participant sees.

use core::fmt;
use serde::{Deserialize, Serialize};

use crate::json::wire;
use crate::oneof::oneof;
use crate::{Author, Message, MessageId, Representative, Timestamp};

/// One line of a conversation's append-only log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Position in the log: 1, 2, 3 … without gaps.
    pub sequence: u64,
    /// Chosen by the sender before sending.
    pub id: MessageId,
    /// When the server stored it. Within one log it never goes back, whatever the server's clock does.
    pub at: Timestamp,
    /// Who did it.
    pub author: Author,
    /// What was done.
    pub body: EntryBody,
}

oneof! {
    /// What an entry records.
    pub enum EntryBody {
        /// Something was said.
        Message(Message) = "message",
        /// The visitor tapped a suggestion; shown as if they had said its text.
        SuggestionResponse(SuggestionResponse) = "suggestionResponse",
        /// The conversation changed hands.
        Handover(Handover) = "handover",
        /// A representative began to take part.
        RepresentativeJoined(RepresentativeJoined) = "representativeJoined",
        /// A representative ceased to take part.
        RepresentativeLeft(RepresentativeLeft) = "representativeLeft",
        /// The conversation was closed; whoever writes next reopens it.
        Closed(Closed) = "closed",
        /// The conversation was opened again.
        Reopened(Reopened) = "reopened",
        /// Representatives' own words, never shown to the visitor.
        Note(Note) = "note" in studio,
        /// A message was rewritten by its author.
        Edit(Edit) = "edit",
        /// A message's words were removed, by its author or by the brand.
        Redaction(Redaction) = "redaction",
        /// Something that this reader may not see; it keeps the sequence free of gaps.
        Hidden(Hidden) = "hidden",
    }
}

/// A tap on a suggestion.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SuggestionResponse {
    /// The message that held the suggestion.
    pub message: MessageId,
    /// The suggestion's label.
    pub text: String,
    /// The suggestion's postback data; empty where the reader is not the brand.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub postback_data: String,
}

/// Who answers next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Handover {
    /// The owner from now on.
    pub to: Owner,
    /// What the one who takes over should know, so that nothing is asked twice: lines of `name: value`.
    /// Empty where the reader is the visitor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packet: Vec<Slot>,
}

/// One thing already known at a handover.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// What it is: `order number`.
    pub name: String,
    /// What was said.
    pub value: String,
    /// The entry in which it was said, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<u64>,
}

oneof! {
    /// Who owns a conversation: exactly one at a time may answer.
    pub enum Owner {
        /// The brand's bot.
        Bot(Bot) = "bot",
        /// Nobody yet: it waits for a person.
        Queue(Queue) = "queue",
        /// A person.
        Human(Representative) = "human",
    }
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
    /// The brand's bot.
    Bot
    /// The line of those who wait for a person.
    Queue
    /// A representative began to take part.
    RepresentativeJoined
    /// A representative ceased to take part.
    RepresentativeLeft
    /// The conversation was closed.
    Closed
    /// The conversation was opened again.
    Reopened
    /// Something this reader may not see.
    Hidden
}

/// Words among representatives.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// At most 3072 code points.
    pub text: String,
}

/// New words for an earlier message.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// The message that changes.
    pub target: MessageId,
    /// Its content from now on.
    pub message: Message,
}

/// An earlier message loses its words; the store forgets them too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redaction {
    /// The message that is emptied.
    pub target: MessageId,
}

impl Entry {
    /// This entry as the visitor may see it: notes hidden, handover packets and postbacks emptied.
    #[must_use]
    pub fn for_visitor(mut self) -> Self {
        match &mut self.body {
            EntryBody::Note(_) => self.body = EntryBody::Hidden(Hidden {}),
            EntryBody::Handover(handover) => handover.packet.clear(),
            EntryBody::SuggestionResponse(response) => response.postback_data.clear(),
            _ => {}
        }
        self
    }

    /// Whether [`Self::for_visitor`] changes nothing.
    #[must_use]
    pub fn is_the_same_to_all(&self) -> bool {
        match &self.body {
            EntryBody::Note(_) => false,
            EntryBody::Handover(handover) => handover.packet.is_empty(),
            EntryBody::SuggestionResponse(response) => response.postback_data.is_empty(),
            _ => true,
        }
    }

    /// Whether this shows as a bubble: words by the visitor or the brand.
    #[must_use]
    pub const fn is_spoken(&self) -> bool {
        matches!(self.body, EntryBody::Message(_) | EntryBody::SuggestionResponse(_))
    }
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
silent_debug!(SuggestionResponse, Slot, Note, Edit);

wire!(struct Entry { sequence, id, at, author, body });
wire!(struct SuggestionResponse { message, text, postback_data [optional] });
wire!(struct Handover { to, packet [optional] });
wire!(struct Slot { name, value, source [optional] });
wire!(struct Note { text });
wire!(struct Edit { target, message });
wire!(struct Redaction { target });
