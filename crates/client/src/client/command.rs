//! What the participant does: follow, read, type, say, tap, take over.

use portico_protocol::api::InboxQuery;
use portico_protocol::entry::{Edit, Note, Redaction, SuggestionResponse};
use portico_protocol::frame::{Close, HandBack, Reopen, RequestHuman, TakeOver, Typing};
use portico_protocol::limit::{FOLLOWED_CONVERSATIONS_MAX, NOTE_CHARS_MAX};
use portico_protocol::message::check_chars;
use portico_protocol::{
    ClientFrame, ConversationId, ConversationSummary, Message, MessageId, Problem, Submission,
    SubmissionBody, Suggestion,
};

use super::{Client, Effect, Event, Now, SayError};
use crate::conversation::{Conversation, HistoryLoad, SAVE_DELAY_MS};
use crate::inbox::Inbox;
use crate::outbox::DraftState;
use crate::relay::Relay;

impl Client {
    // ── Conversations ───────────────────────────────────────────────────────────────────────────────────────

    /// Follows a conversation. Past [`FOLLOWED_CONVERSATIONS_MAX`], the one followed longest is let go.
    pub fn follow(&mut self, now: Now, id: ConversationId) {
        if let Some(conversation) = self.find_mut(id) {
            conversation.is_wanted = true;
            return;
        }
        if self.conversations.len() >= FOLLOWED_CONVERSATIONS_MAX {
            self.let_go(now, self.conversations[0].id());
        }
        self.conversations.push(Conversation::new(id, self.me.clone()));
        self.show_echoes(id);
        self.pump(now);
    }

    /// Lets a conversation go, once what was said in it is sent.
    pub fn unfollow(&mut self, now: Now, id: ConversationId) {
        self.flush(now);
        if let Some(conversation) = self.find_mut(id) {
            conversation.is_wanted = false;
        }
        if self.outbox.undone().contains(&id) { self.pump(now) } else { self.let_go(now, id) }
    }

    /// Asks for older entries of a conversation; harmless while they are on their way or there are none.
    pub fn load_older(&mut self, now: Now, id: ConversationId) {
        if let Some(conversation) = self.find_mut(id).filter(|conversation| conversation.can_load_older()) {
            conversation.history = HistoryLoad::Wanted;
            self.events.push_back(Event::Status(id));
            self.pump(now);
        }
    }

    /// The participant has had everything up to `sequence` on screen, in a visible window.
    pub fn read_up_to(&mut self, now: Now, id: ConversationId, sequence: u64) {
        let Some(conversation) = self.find_mut(id) else { return };
        if conversation.read(now.moment, sequence) && conversation.count_unread() {
            self.events.push_back(Event::Unread(id));
        }
        self.pump(now);
    }

    /// The composer now holds `text`: keeps it through a reload and lets the others see that one types.
    pub fn typed(&mut self, now: Now, id: ConversationId, text: &str) {
        let is_open = self.is_open();
        let Some(conversation) = self.find_mut(id) else { return };
        if conversation.draft == text {
            return;
        }
        conversation.draft = text.into();
        conversation.save_draft_at.get_or_insert(now.moment + SAVE_DELAY_MS);
        let typing = &mut conversation.own_typing;
        let is_typing = !text.trim().is_empty();
        let is_news = if is_typing { typing.typed(now.moment) } else { typing.stopped() };
        if is_open && is_news {
            self.transmit(now, ClientFrame::Typing(Typing { conversation: id, is_typing }));
        }
    }

    /// Watches the list that `query` describes, instead of another one.
    pub fn watch_inbox(&mut self, now: Now, query: InboxQuery) {
        self.inbox = Some(Inbox::new(query));
        self.inbox_is_asked = false;
        self.events.push_back(Event::Inbox);
        self.pump(now);
    }

    /// Adds an older page of the watched list that was asked for over HTTP.
    pub fn extend_inbox(&mut self, page: Vec<ConversationSummary>) {
        if let Some(inbox) = &mut self.inbox {
            inbox.extend(page);
            self.events.push_back(Event::Inbox);
        }
    }

    // ── Saying and doing ────────────────────────────────────────────────────────────────────────────────────

    /// Says `text`, trimmed, and empties the composer.
    ///
    /// # Errors
    /// The text is empty or too long, or too much is waiting already; the composer keeps it.
    pub fn say(&mut self, now: Now, id: ConversationId, text: &str) -> Result<MessageId, SayError> {
        self.send(now, id, Message::text(text.trim()))
    }

    /// Says `message` and empties the composer.
    ///
    /// # Errors
    /// As [`Client::say`].
    pub fn send(&mut self, now: Now, id: ConversationId, message: Message) -> Result<MessageId, SayError> {
        message.check().map_err(SayError::Invalid)?;
        let said = self.submit(now, id, SubmissionBody::Message(message))?;
        self.empty_composer(id);
        Ok(said)
    }

    /// Visitor: taps a suggestion of `message`. Opening its page or dialling its number is up to the view.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn tap(
        &mut self,
        now: Now,
        id: ConversationId,
        message: MessageId,
        suggestion: &Suggestion,
    ) -> Result<MessageId, SayError> {
        let (text, postback_data) = match suggestion {
            Suggestion::Reply(reply) => (&reply.text, &reply.postback_data),
            Suggestion::Action(action) => (&action.text, &action.postback_data),
            Suggestion::LiveAgentRequest(_) => return self.request_human(now, id),
            Suggestion::Unknown => {
                return Err(SayError::Invalid(Problem::invalid("suggestion", "not known")));
            }
        };
        let response =
            SuggestionResponse { message, text: text.clone(), postback_data: postback_data.clone() };
        self.submit(now, id, SubmissionBody::SuggestionResponse(response))
    }

    /// Visitor: asks for a person.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn request_human(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::RequestHuman(RequestHuman::default()))
    }

    /// Person: answers from now on.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn take_over(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::TakeOver(TakeOver {}))
    }

    /// Person: lets the bot answer again.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn hand_back(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::HandBack(HandBack {}))
    }

    /// Representative: closes the conversation.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn close(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::Close(Close {}))
    }

    /// Representative: opens the conversation again.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn reopen(&mut self, now: Now, id: ConversationId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::Reopen(Reopen {}))
    }

    /// Person: leaves a note for colleagues and empties the composer.
    ///
    /// # Errors
    /// The note is empty or too long, or too much is waiting already.
    pub fn note(&mut self, now: Now, id: ConversationId, text: &str) -> Result<MessageId, SayError> {
        let text = text.trim();
        check_chars("note.text", text, NOTE_CHARS_MAX).map_err(SayError::Invalid)?;
        if text.is_empty() {
            return Err(SayError::Invalid(Problem::invalid("note.text", "a note needs words")));
        }
        let noted = self.submit(now, id, SubmissionBody::Note(Note { text: text.into() }))?;
        self.empty_composer(id);
        Ok(noted)
    }

    /// Rewrites an own message. The row changes when the server has stored it.
    ///
    /// # Errors
    /// As [`Client::say`].
    pub fn edit(
        &mut self,
        now: Now,
        id: ConversationId,
        target: MessageId,
        text: &str,
    ) -> Result<MessageId, SayError> {
        let message = Message::text(text.trim());
        message.check().map_err(SayError::Invalid)?;
        self.submit(now, id, SubmissionBody::Edit(Edit { target, message }))
    }

    /// Removes the words of an own message; as a person, of any.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn redact(&mut self, now: Now, id: ConversationId, target: MessageId) -> Result<MessageId, SayError> {
        self.submit(now, id, SubmissionBody::Redact(Redaction { target }))
    }

    /// Says anew what was refused for good, as the newest message.
    ///
    /// # Errors
    /// Too much is waiting already.
    pub fn retry(&mut self, now: Now, id: MessageId) -> Result<MessageId, SayError> {
        let Some(draft) = self.outbox.find(id).filter(|draft| draft.is_refused()).cloned() else {
            return Ok(id);
        };
        self.discard(now, id);
        self.submit(now, draft.conversation, draft.submission.body)
    }

    /// Takes back what the server has not taken. What may be on the wire already cannot be taken back.
    pub fn discard(&mut self, now: Now, id: MessageId) {
        let Some(draft) = self.outbox.find(id) else { return };
        if draft.is_acknowledged() || matches!(draft.state, DraftState::InFlight { .. }) {
            return;
        }
        if draft.is_refused() {
            self.effects.push_back(Effect::Relay(Relay::Discarded(id)));
        }
        self.drop_draft(id);
        self.pump(now);
    }

    /// Asks for `body` to be appended, and shows it at once where it is words.
    pub(super) fn submit(
        &mut self,
        now: Now,
        id: ConversationId,
        body: SubmissionBody,
    ) -> Result<MessageId, SayError> {
        let submission = Submission { id: self.mint(now.wall), body };
        let said = submission.id;
        self.outbox.push(id, submission)?;
        self.save_submission(said);
        self.show_echoes(id);
        self.pump(now);
        Ok(said)
    }
}
