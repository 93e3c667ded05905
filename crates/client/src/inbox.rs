//! A representative's list of conversations, kept up to date by frames.

use portico_protocol::api::InboxQuery;
use portico_protocol::{ConversationId, ConversationSummary, frame};

/// The watched list, most recently changed first.
#[derive(Clone, Debug)]
pub struct Inbox {
    query: InboxQuery,
    conversations: Vec<ConversationSummary>,
    is_loaded: bool,
}

impl Inbox {
    pub(crate) const fn new(query: InboxQuery) -> Self {
        Self { query, conversations: Vec::new(), is_loaded: false }
    }

    /// What the list is asked to hold.
    #[must_use]
    pub const fn query(&self) -> &InboxQuery {
        &self.query
    }

    /// What it holds, most recently changed first.
    #[must_use]
    pub fn conversations(&self) -> &[ConversationSummary] {
        &self.conversations
    }

    /// Whether the server has answered yet: an empty list before that means nothing.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        self.is_loaded
    }

    /// The line of `conversation`.
    #[must_use]
    pub fn find(&self, conversation: ConversationId) -> Option<&ConversationSummary> {
        self.conversations.iter().find(|line| line.conversation == conversation)
    }

    /// Adds an older page that was asked for over HTTP.
    pub(crate) fn extend(&mut self, page: Vec<ConversationSummary>) {
        for line in page {
            // What the socket told is newer than any page.
            if self.find(line.conversation).is_none() {
                self.insert(line);
            }
        }
    }

    /// Before the snapshot, frames still speak of the list that was watched before.
    pub(crate) fn fold(&mut self, frame: frame::Inbox) {
        if frame.is_snapshot {
            self.conversations.clear();
            self.is_loaded = true;
        } else if !self.is_loaded {
            return;
        }
        self.conversations.retain(|line| {
            let is_removed = frame.removed.contains(&line.conversation);
            !is_removed && !frame.changed.iter().any(|changed| changed.conversation == line.conversation)
        });
        frame.changed.into_iter().for_each(|line| self.insert(line));
    }

    /// The connection is gone: the next snapshot starts anew, until then the old lines stay on screen.
    pub(crate) const fn connection_lost(&mut self) {
        self.is_loaded = false;
    }

    fn insert(&mut self, line: ConversationSummary) {
        // Equal times keep a fixed order, else lines would swap places at every update.
        let key = |line: &ConversationSummary| (line.updated_at, line.conversation);
        let at = self.conversations.partition_point(|other| key(other) > key(&line));
        self.conversations.insert(at, line);
    }
}
