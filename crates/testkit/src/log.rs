//! The durable store of a world: what is here has been committed, and survives everything.

use std::collections::BTreeMap;

use portico_domain::{Actor, Conversation, Policy, Refusal};
use portico_protocol::frame::SubmissionBody;
use portico_protocol::{
    BrandId, ConversationId, Entry, EntryBody, MessageId, ParticipantId, Submission, Timestamp, Watermark,
};

/// One conversation's log and watermarks.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) visitor: ParticipantId,
    pub(crate) state: Conversation,
    pub(crate) entries: Vec<Entry>,
    pub(crate) watermarks: Vec<Watermark>,
    places: BTreeMap<MessageId, usize>,
}

/// All logs.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) brand: BrandId,
    pub(crate) policy: Policy,
    pub(crate) logs: BTreeMap<ConversationId, Log>,
}

/// Where a submission stands after an append.
#[derive(Debug)]
pub(crate) struct Appended {
    pub(crate) sequence: u64,
    pub(crate) at: Timestamp,
    /// What the log grew by; nothing for a duplicate.
    pub(crate) new: Vec<Entry>,
}

impl Store {
    pub(crate) fn open(&mut self, conversation: ConversationId, visitor: ParticipantId) {
        let state = Conversation::new(self.brand.clone(), visitor, &self.policy);
        let (entries, watermarks, places) = Default::default();
        self.logs.insert(conversation, Log { visitor, state, entries, watermarks, places });
    }

    pub(crate) fn log(&self, conversation: ConversationId) -> &Log {
        &self.logs[&conversation]
    }

    /// Appends durably: the commit point is the return of this function.
    pub(crate) fn append(
        &mut self,
        conversation: ConversationId,
        actor: &Actor,
        submission: &Submission,
        now: Timestamp,
    ) -> Result<Appended, Refusal> {
        let log = self.logs.get_mut(&conversation).expect("the session checks that the conversation exists");
        if let Some(entry) = log.find(submission.id) {
            return Ok(Appended { sequence: entry.sequence, at: entry.at, new: Vec::new() });
        }
        let target = match &submission.body {
            SubmissionBody::Edit(edit) => Some(edit.target),
            SubmissionBody::Redact(redaction) => Some(redaction.target),
            _ => None,
        };
        let target = target.and_then(|target| log.find(target));
        let decision = log.state.decide(&self.policy, actor, submission, target, now)?;
        let (sequence, at) = (decision.main_entry().sequence, decision.main_entry().at);
        for entry in &decision.entries {
            log.state.apply(&self.policy, entry);
            log.places.insert(entry.id, log.entries.len());
            log.entries.push(entry.clone());
        }
        Ok(Appended { sequence, at, new: decision.entries })
    }

    /// Raises a watermark; tells where it stands then.
    pub(crate) fn raise(&mut self, conversation: ConversationId, notice: Watermark) -> Watermark {
        let log = self.logs.get_mut(&conversation).expect("watermarks follow a conversation that exists");
        match log.watermarks.iter_mut().find(|mark| mark.participant == notice.participant) {
            Some(mark) => {
                mark.delivered = mark.delivered.max(notice.delivered);
                mark.read = mark.read.max(notice.read);
                *mark
            }
            None => {
                log.watermarks.push(notice);
                notice
            }
        }
    }
}

impl Log {
    pub(crate) fn find(&self, id: MessageId) -> Option<&Entry> {
        self.places.get(&id).map(|place| &self.entries[*place])
    }

    /// At most `limit` entries after `sequence`; after zero, the newest ones.
    pub(crate) fn after(&self, sequence: u64, limit: usize) -> Vec<Entry> {
        let from = if sequence == 0 { self.entries.len().saturating_sub(limit) } else { place(sequence + 1) };
        self.entries.iter().skip(from).take(limit).cloned().collect()
    }

    /// At most `limit` entries before `sequence`.
    pub(crate) fn before(&self, sequence: u64, limit: usize) -> Vec<Entry> {
        let to = place(sequence).min(self.entries.len());
        self.entries[to.saturating_sub(limit)..to].to_vec()
    }

    /// What a screen must show of the entries from `from` on, by the plainest of means: for each row its sequence
    /// number, its id, its words and whether they are gone. Written apart from the client on purpose.
    pub(crate) fn rows(&self, from: u64, is_visitor: bool) -> Vec<(u64, MessageId, String)> {
        let mut rows = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.sequence >= from) {
            let words = match &entry.body {
                EntryBody::Message(message) => message.plain_text().to_owned(),
                EntryBody::SuggestionResponse(response) => response.text.clone(),
                EntryBody::Note(_) if is_visitor => continue,
                EntryBody::Note(note) => note.text.clone(),
                EntryBody::Edit(_) | EntryBody::Redaction(_) => continue,
                _ => String::new(),
            };
            rows.push((entry.sequence, entry.id, self.amended(entry.id).unwrap_or(words)));
        }
        rows
    }

    fn amended(&self, id: MessageId) -> Option<String> {
        let mut words = None;
        for entry in &self.entries {
            match &entry.body {
                EntryBody::Redaction(redaction) if redaction.target == id => return Some(String::new()),
                EntryBody::Edit(edit) if edit.target == id => {
                    words = Some(edit.message.plain_text().to_owned())
                }
                _ => {}
            }
        }
        words
    }
}

fn place(sequence: u64) -> usize {
    usize::try_from(sequence.saturating_sub(1)).expect("logs of a world are short")
}
