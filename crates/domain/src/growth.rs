//! What a log grew by in one commit, as the bus carries it.

use std::sync::{Arc, OnceLock};

use portico_protocol::frame::Entries;
use portico_protocol::{ConversationId, Entry, ServerFrame, codec};

use crate::Conversation;

/// Whose eyes an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// The visitor's: without notes, handover packets and postbacks.
    Visitor,
    /// The brand's: everything.
    Brand,
}

impl View {
    /// `entry` as these eyes may see it.
    #[must_use]
    pub fn of(self, entry: &Entry) -> Entry {
        match self {
            Self::Visitor => entry.clone().for_visitor(),
            Self::Brand => entry.clone(),
        }
    }
}

/// The entries of one commit. However many connections read it, it is encoded at most once for each view.
#[derive(Debug)]
pub struct Growth {
    /// Whose log grew.
    pub conversation: ConversationId,
    /// The entries: consecutive, at least one.
    pub entries: Arc<[Entry]>,
    /// The conversation after the last of them.
    pub state: Conversation,
    for_visitor: OnceLock<Arc<str>>,
    for_brand: OnceLock<Arc<str>>,
}

impl Growth {
    /// `entries`, which must be consecutive and at least one, after which the conversation is `state`.
    #[must_use]
    pub fn new(conversation: ConversationId, entries: Arc<[Entry]>, state: Conversation) -> Self {
        debug_assert!(!entries.is_empty(), "a commit appends something");
        Self { conversation, entries, state, for_visitor: OnceLock::new(), for_brand: OnceLock::new() }
    }

    /// The first sequence number.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.entries.first().map_or(0, |entry| entry.sequence)
    }

    /// The last sequence number.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.entries.last().map_or(0, |entry| entry.sequence)
    }

    /// The entries after `sequence`, as a frame for `view`.
    #[must_use]
    pub fn frame_after(&self, sequence: u64, view: View) -> ServerFrame {
        let newer = self.entries.iter().filter(|entry| entry.sequence > sequence);
        let entries = newer.map(|entry| view.of(entry)).collect();
        ServerFrame::Entries(Entries { conversation: self.conversation, entries })
    }

    /// The encoded frame with all entries, for `view`.
    #[must_use]
    pub fn encoded(&self, view: View) -> &Arc<str> {
        let slot = match view {
            // Most entries look the same to both sides: one text serves all.
            View::Visitor if self.hides_something() => &self.for_visitor,
            _ => &self.for_brand,
        };
        slot.get_or_init(|| codec::encode(&self.frame_after(0, view)).into())
    }

    fn hides_something(&self) -> bool {
        self.entries.iter().any(|entry| !entry.is_the_same_to_all())
    }
}
