//! Who takes part in a conversation.

use serde::{Deserialize, Serialize};

use crate::ParticipantId;
use crate::json::wire;
use crate::oneof::oneof;

/// Whether a representative is a program or a person. Every message of a brand carries it, so that
/// nobody ever has to guess whom they talk to (EU AI Act, Art. 50).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RepresentativeType {
    /// A program.
    Bot,
    /// A person.
    Human,
}

/// Somebody who answers for the brand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Representative {
    /// The same for all that this representative does.
    pub id: ParticipantId,
    /// Program or person.
    pub representative_type: RepresentativeType,
    /// The name that visitors see.
    pub display_name: String,
}

/// A visitor, as far as anybody else in the conversation may know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Visitor {
    /// The same for all conversations of this visitor with this brand.
    pub id: ParticipantId,
}

/// The server itself, for what follows from a rule and not from anybody's act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {}

oneof! {
    /// Who wrote an entry.
    pub enum Author {
        /// The person whom the conversation belongs to.
        Visitor(Visitor) = "visitor",
        /// A bot or a person of the brand.
        Representative(Representative) = "representative",
        /// Portico, for what follows from a rule.
        Server(Server) = "server",
    }
}

impl Author {
    /// The participant, unless the server itself wrote.
    #[must_use]
    pub const fn participant(&self) -> Option<ParticipantId> {
        match self {
            Self::Visitor(visitor) => Some(visitor.id),
            Self::Representative(representative) => Some(representative.id),
            Self::Server(_) | Self::Unknown => None,
        }
    }

    /// Whether the visitor wrote.
    #[must_use]
    pub const fn is_visitor(&self) -> bool {
        matches!(self, Self::Visitor(_))
    }

    /// Whether somebody of the brand wrote.
    #[must_use]
    pub const fn is_representative(&self) -> bool {
        matches!(self, Self::Representative(_))
    }
}

/// How far one participant has received and seen the log. Both only ever grow, and `read` never passes
/// `delivered`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Watermark {
    /// Whose.
    pub participant: ParticipantId,
    /// Whether that participant is the visitor: the visitor's ticks follow the brand's, and the reverse.
    pub is_visitor: bool,
    /// The last sequence number that reached one of the participant's devices.
    pub delivered: u64,
    /// The last sequence number that the participant has had on screen.
    pub read: u64,
}

wire!(
    enum RepresentativeType {
        Bot = "BOT",
        Human = "HUMAN",
    }
);
wire!(struct Representative { id, representative_type, display_name });
wire!(struct Visitor { id });
wire!(
    struct Server {}
);
wire!(struct Watermark { participant, is_visitor, delivered, read });
