//! The fold of a log as it is stored: the domain's, and what lists of conversations show.

use std::collections::VecDeque;

use portico_domain::{Conversation, Policy};
use portico_protocol::{ConversationId, Entry, EntryBody, MessageId, Owner};

use crate::StoreError;
use crate::database::{Row, Value};

/// Longest preview, in code points.
const PREVIEW_CHARS_MAX: usize = 120;
/// How many of the newest ids of a conversation are kept in memory, so that a resend right after a
/// reconnect is known without asking the database.
const RECENT_IDS_MAX: usize = 32;

/// One conversation's state, as the writer keeps it and as its row holds it.
#[derive(Clone, Debug)]
pub(crate) struct Fold {
    pub(crate) conversation: Conversation,
    /// How many messages the visitor has sent.
    pub(crate) said_by_visitor: u64,
    pub(crate) preview: String,
    pub(crate) preview_is_visitor: bool,
    /// The entry that `preview` shows; zero while there is none.
    pub(crate) preview_sequence: u64,
    recent: VecDeque<MessageId>,
}

impl Fold {
    pub(crate) fn new(conversation: Conversation) -> Self {
        Self {
            conversation,
            said_by_visitor: 0,
            preview: String::new(),
            preview_is_visitor: false,
            preview_sequence: 0,
            recent: VecDeque::new(),
        }
    }

    /// Whether an entry with this id was appended lately. `false` proves nothing.
    pub(crate) fn has_recent(&self, id: MessageId) -> bool {
        self.recent.contains(&id)
    }

    /// Takes an appended entry in; `target` is the entry that an edit or a redaction names.
    pub(crate) fn apply(&mut self, policy: &Policy, entry: &Entry, target: Option<&Entry>) {
        self.conversation.apply(policy, entry);
        let from_visitor = entry.author.is_visitor();
        if entry.is_spoken() {
            self.said_by_visitor += u64::from(from_visitor);
            self.preview_sequence = entry.sequence;
            self.preview_is_visitor = from_visitor;
            self.preview = preview(words(&entry.body).unwrap_or_default());
        } else if target.is_some_and(|target| target.sequence == self.preview_sequence) {
            match &entry.body {
                EntryBody::Edit(edit) => self.preview = preview(edit.message.plain_text()),
                EntryBody::Redaction(_) => self.preview.clear(),
                _ => {}
            }
        }
        if self.recent.len() == RECENT_IDS_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(entry.id);
    }

    /// Appends the row, in the order in which the writer saves it.
    pub(crate) fn push_values(&self, id: ConversationId, rows: &mut Vec<Value>) {
        let conversation = &self.conversation;
        let (owner_kind, owner_participant) = match &conversation.owner {
            Owner::Bot(_) => ("bot", None),
            Owner::Human(person) => ("human", Some(person.id)),
            Owner::Queue(_) | Owner::Unknown => ("queue", None),
        };
        rows.extend([
            Value::from(id),
            Value::from(&conversation.brand),
            Value::from(conversation.visitor),
            Value::from(conversation.head),
            Value::from(portico_protocol::codec::encode(&conversation.owner)),
            Value::from(owner_kind),
            Value::from(owner_participant),
            Value::from(conversation.is_closed),
            Value::from(conversation.last_at),
            Value::from(conversation.waiting_since),
            Value::from(self.said_by_visitor),
            Value::from(self.preview.as_str()),
            Value::from(self.preview_is_visitor),
            Value::from(self.preview_sequence),
        ]);
    }
}

pub(crate) fn fold_of(row: &Row) -> Result<(ConversationId, Fold), StoreError> {
    let mut columns = row.columns("conversation");
    let id = ConversationId::from_bytes(columns.bytes("id")?);
    let conversation = Conversation {
        brand: columns.parse("brand")?,
        visitor: portico_protocol::ParticipantId::from_bytes(columns.bytes("visitor")?),
        head: columns.number("head")?,
        owner: columns.json("owner")?,
        is_closed: columns.get("is_closed")?,
        last_at: columns.at("last_at")?,
        waiting_since: columns.maybe_at("waiting_since")?,
    };
    let fold = Fold {
        conversation,
        said_by_visitor: columns.number("said_by_visitor")?,
        preview: columns.get("preview")?,
        preview_is_visitor: columns.get("preview_is_visitor")?,
        preview_sequence: columns.number("preview_sequence")?,
        recent: VecDeque::new(),
    };
    Ok((id, fold))
}

/// What was said in an entry, if anything was.
pub(crate) fn words(body: &EntryBody) -> Option<&str> {
    match body {
        EntryBody::Message(message) => Some(message.plain_text()),
        EntryBody::SuggestionResponse(response) => Some(&response.text),
        EntryBody::Note(note) => Some(&note.text),
        EntryBody::Edit(edit) => Some(edit.message.plain_text()),
        _ => None,
    }
}

fn preview(text: &str) -> String {
    match text.char_indices().nth(PREVIEW_CHARS_MAX) {
        Some((end, _)) => text[..end].to_owned(),
        None => text.to_owned(),
    }
}
