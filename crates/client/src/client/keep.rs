//! What outlives a reload, and the echoes on screen.

use portico_protocol::{ConversationId, MessageId, SubmissionBody, Timestamp};

use super::{Client, Effect, Save};
use crate::outbox::Draft;
use crate::timeline::{Amended, Row};

impl Client {
    /// Takes back what [`Effect::Save`] kept; call it for every kept pair after following the conversations and
    /// before starting. Returns whether the pair was this participant's and of use; if not, it may be removed.
    pub fn restore(&mut self, key: &str, value: &str) -> bool {
        let Some(kind) = key.strip_prefix(self.key_prefix().as_str()) else { return false };
        if let Some(id) = kind.strip_prefix(DRAFT_KEY) {
            let Ok(id) = id.parse() else { return false };
            let Some(conversation) = self.find_mut(id) else { return true };
            conversation.draft = value.into();
            return true;
        }
        let Some(draft) = Draft::decode(value) else { return false };
        let conversation = draft.conversation;
        self.last_id_at = self.last_id_at.max(id_time(draft.submission.id));
        self.outbox.restore(draft);
        self.show_echoes(conversation);
        true
    }

    /// Takes a draft out of outbox, storage and screen.
    pub(super) fn drop_draft(&mut self, message: MessageId) {
        let Some(draft) = self.outbox.remove(message) else { return };
        self.save(&submission_key(message), None);
        let mut changes = Vec::new();
        if let Some(conversation) = self.find_mut(draft.conversation) {
            conversation.timeline.discard_echo(message, &mut changes);
        }
        self.tell(draft.conversation, changes);
    }

    pub(super) fn show_echoes(&mut self, id: ConversationId) {
        let mut changes = Vec::new();
        let Some(conversation) = self.conversations.iter_mut().find(|conversation| conversation.id() == id)
        else {
            return;
        };
        for draft in self.outbox.of(id).filter(|draft| draft.is_shown()) {
            let body = match &draft.submission.body {
                SubmissionBody::Message(message) => message.clone().into(),
                SubmissionBody::SuggestionResponse(response) => response.clone().into(),
                SubmissionBody::Note(note) => note.clone().into(),
                _ => continue,
            };
            let author = conversation.author().clone();
            let (id, at) = (draft.submission.id, id_time(draft.submission.id));
            let row = Row { id, sequence: 0, at, author, body, amended: Amended::No };
            conversation.timeline.echo(row, &mut changes);
        }
        self.tell(id, changes);
    }

    pub(super) fn empty_composer(&mut self, id: ConversationId) {
        let Some(conversation) = self.find_mut(id) else { return };
        conversation.own_typing.sent();
        conversation.save_draft_at = None;
        conversation.draft.clear();
        self.save_draft(id, String::new());
    }

    pub(super) fn save_draft(&mut self, id: ConversationId, draft: String) {
        let mut key = String::from(DRAFT_KEY);
        key.push_str(&id.text());
        self.save(&key, (!draft.is_empty()).then_some(draft));
    }

    /// Keeps a draft as it stands now, if it is of the kind that is kept.
    pub(super) fn save_submission(&mut self, id: MessageId) {
        if let Some(draft) = self.outbox.find(id).filter(|draft| draft.is_kept()) {
            let value = draft.encode();
            self.save(&submission_key(id), Some(value));
        }
    }

    pub(super) fn save(&mut self, kind: &str, value: Option<String>) {
        let mut key = self.key_prefix();
        key.push_str(kind);
        self.effects.push_back(Effect::Save(Save { key, value }));
    }

    /// People who share a device share nothing that is kept on it.
    pub(super) fn key_prefix(&self) -> String {
        let mut prefix = self.me.participant().map(|me| me.text()).unwrap_or_default();
        prefix.push('/');
        prefix
    }
}

const DRAFT_KEY: &str = "draft/";

pub(super) fn submission_key(id: MessageId) -> String {
    let mut key = String::from("submission/");
    key.push_str(&id.text());
    key
}

/// When an id was made (UUIDv7, RFC 9562 §5.7).
fn id_time(id: MessageId) -> Timestamp {
    let millis = id.as_bytes()[..6].iter().fold(0, |millis, byte| millis << 8 | i64::from(*byte));
    Timestamp::from_millis(millis)
}
