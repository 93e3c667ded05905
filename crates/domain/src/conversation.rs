//! A conversation is a log; this is the fold of it that decisions need, and the decisions.
//!
//! [`Conversation::decide`] turns what a participant wants into the entries that shall be appended, or
//! refuses. It is pure, so the writer can run it for a whole batch between two statements, and run it
//! again from fresh state when another node was faster.

use portico_protocol::entry::{self, Handover, SuggestionResponse};
use portico_protocol::limit::NOTE_CHARS_MAX;
use portico_protocol::message::check_chars;
use portico_protocol::participant::{Server, Visitor};
use portico_protocol::{
    Author, BrandId, Entry, EntryBody, Message, MessageId, Owner, ParticipantId, Problem, Representative,
    RepresentativeType, Submission, SubmissionBody, Timestamp,
};

/// Who asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Actor {
    /// The person whom the conversation belongs to.
    Visitor(ParticipantId),
    /// A bot or a person of the conversation's brand.
    Representative(Representative),
}

/// What the brand has set, as far as decisions depend on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    /// The bot that owns new and reopened conversations; without one they wait for a person.
    pub bot: Option<Representative>,
    /// What the bot has said before anybody wrote: the log's first entries.
    pub greeting: Vec<Message>,
}

/// The fold of a log.
#[derive(Clone, Debug, PartialEq)]
pub struct Conversation {
    /// With which brand.
    pub brand: BrandId,
    /// Whose.
    pub visitor: ParticipantId,
    /// The newest sequence number; zero before the first entry.
    pub head: u64,
    /// Who answers.
    pub owner: Owner,
    /// Whether it was closed and nobody has written since.
    pub is_closed: bool,
    /// When the newest entry was stored.
    pub last_at: Timestamp,
    /// Since when the visitor waits for a person.
    pub waiting_since: Option<Timestamp>,
}

/// What shall be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// In order, numbered from `head + 1`.
    pub entries: Vec<Entry>,
    /// Which of them is the submission itself; the others follow from it.
    pub main: usize,
}

impl Decision {
    /// The entry that carries the submission's own id.
    #[must_use]
    pub fn main_entry(&self) -> &Entry {
        &self.entries[self.main]
    }
}

/// Why a submission was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// A limit or a shape was broken.
    #[error("{}", .0.title)]
    Invalid(Problem),
    /// This kind of participant may not do that.
    #[error("this participant may not do that")]
    NotAllowed,
    /// Somebody else answers now.
    #[error("somebody else owns the conversation")]
    NotOwner,
    /// An edit or redaction of something that is not there, or not theirs.
    #[error("the message is not there or not the sender's")]
    UnknownTarget,
    /// Already so: nothing to do.
    #[error("nothing to do")]
    NoChange,
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Invalid(problem)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(problem) => problem,
            Refusal::NotAllowed => Self::new("not-allowed", 403, "This participant may not do that"),
            Refusal::NotOwner => Self::new("not-owner", 409, "Somebody else answers this conversation now")
                .with_detail("Take the conversation over first"),
            Refusal::UnknownTarget => Self::new("unknown-target", 404, "There is no such message of yours"),
            Refusal::NoChange => Self::new("no-change", 409, "That is already so"),
        }
    }
}

/// The id of the `index`-th entry that follows from the submission `id`: the same for a resend.
#[must_use]
pub fn derived_id(id: MessageId, index: u8) -> MessageId {
    let mut bytes = *id.as_bytes();
    // Spread over the random half, so that ids which a client drew close together stay apart. The two bits of
    // the UUID's variant are kept, and time, which comes first, still orders.
    let spread = u64::from(index).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 2;
    for (byte, mask) in bytes[8..].iter_mut().zip(spread.to_be_bytes()) {
        *byte ^= mask;
    }
    MessageId::from_bytes(bytes)
}

impl Conversation {
    /// A conversation in which nothing has been said.
    #[must_use]
    pub fn new(brand: BrandId, visitor: ParticipantId, policy: &Policy) -> Self {
        Self {
            brand,
            visitor,
            head: 0,
            owner: first_owner(policy),
            is_closed: false,
            last_at: Timestamp::default(),
            waiting_since: None,
        }
    }

    /// What `submission` by `actor` leads to at `now`. `target` is the entry that an edit or a redaction names.
    ///
    /// # Errors
    /// Why the submission was refused; the log stays as it is.
    pub fn decide(
        &self,
        policy: &Policy,
        actor: &Actor,
        submission: &Submission,
        target: Option<&Entry>,
        now: Timestamp,
    ) -> Result<Decision, Refusal> {
        let mut writer = Writer::new(self, submission.id, now);
        match actor {
            Actor::Visitor(visitor) if *visitor != self.visitor => return Err(Refusal::NotAllowed),
            Actor::Visitor(visitor) => {
                self.decide_for_visitor(policy, *visitor, submission, target, &mut writer)?
            }
            Actor::Representative(who) if who.representative_type == RepresentativeType::Bot => {
                self.decide_for_bot(who, submission, target, &mut writer)?;
            }
            Actor::Representative(who) => {
                self.decide_for_person(policy, who, submission, target, &mut writer)?
            }
        }
        Ok(writer.finish())
    }

    /// Takes an appended entry into the fold.
    pub fn apply(&mut self, policy: &Policy, entry: &Entry) {
        debug_assert_eq!(entry.sequence, self.head + 1, "a log has no gaps");
        self.head = entry.sequence;
        self.last_at = entry.at;
        match &entry.body {
            EntryBody::Handover(handover) => self.change_owner(handover.to.clone(), entry.at),
            EntryBody::Closed(_) => {
                self.is_closed = true;
                self.change_owner(first_owner(policy), entry.at);
                self.waiting_since = None;
            }
            EntryBody::Reopened(_) => self.is_closed = false,
            EntryBody::Message(_) | EntryBody::SuggestionResponse(_) if entry.author.is_visitor() => {
                let waits = matches!(self.owner, Owner::Queue(_)) && self.waiting_since.is_none();
                self.waiting_since = if waits { Some(entry.at) } else { self.waiting_since };
            }
            _ => {}
        }
    }

    fn change_owner(&mut self, owner: Owner, at: Timestamp) {
        let waits = matches!(owner, Owner::Queue(_));
        self.waiting_since = if waits { Some(self.waiting_since.unwrap_or(at)) } else { None };
        self.owner = owner;
    }

    fn decide_for_visitor(
        &self,
        policy: &Policy,
        visitor: ParticipantId,
        submission: &Submission,
        target: Option<&Entry>,
        writer: &mut Writer,
    ) -> Result<(), Refusal> {
        let author = Author::Visitor(Visitor { id: visitor });
        self.greet(policy, writer);
        match &submission.body {
            SubmissionBody::Message(message) => {
                check_visitor_message(message)?;
                self.reopen_if_closed(writer);
                writer.main(author, EntryBody::Message(message.clone()));
            }
            SubmissionBody::SuggestionResponse(response) => {
                check_response(response)?;
                self.reopen_if_closed(writer);
                writer.main(author, EntryBody::SuggestionResponse(response.clone()));
            }
            SubmissionBody::RequestHuman(_) => {
                if !self.is_closed && !matches!(self.owner, Owner::Bot(_)) {
                    return Err(Refusal::NoChange);
                }
                self.reopen_if_closed(writer);
                writer.main(author, handover_to(Owner::Queue(entry::Queue {}), Vec::new()));
            }
            SubmissionBody::Edit(edit) => {
                check_visitor_message(&edit.message)?;
                own_message(target, visitor)?;
                writer.main(author, EntryBody::Edit(edit.clone()));
            }
            SubmissionBody::Redact(redaction) => {
                own_message(target, visitor)?;
                writer.main(author, EntryBody::Redaction(*redaction));
            }
            _ => return Err(Refusal::NotAllowed),
        }
        Ok(())
    }

    fn decide_for_bot(
        &self,
        bot: &Representative,
        submission: &Submission,
        target: Option<&Entry>,
        writer: &mut Writer,
    ) -> Result<(), Refusal> {
        if !matches!(self.owner, Owner::Bot(_)) {
            return Err(Refusal::NotOwner);
        }
        let author = Author::Representative(bot.clone());
        match &submission.body {
            SubmissionBody::Message(message) => {
                message.check()?;
                writer.main(author, EntryBody::Message(message.clone()));
            }
            SubmissionBody::RequestHuman(request) => {
                writer.main(author, handover_to(Owner::Queue(entry::Queue {}), request.packet.clone()));
            }
            SubmissionBody::Edit(edit) => {
                edit.message.check()?;
                own_message(target, bot.id)?;
                writer.main(author, EntryBody::Edit(edit.clone()));
            }
            SubmissionBody::Redact(redaction) => {
                own_message(target, bot.id)?;
                writer.main(author, EntryBody::Redaction(*redaction));
            }
            SubmissionBody::Close(_) if !self.is_closed => {
                writer.main(author, EntryBody::Closed(entry::Closed {}));
            }
            SubmissionBody::Close(_) => return Err(Refusal::NoChange),
            _ => return Err(Refusal::NotAllowed),
        }
        Ok(())
    }

    fn decide_for_person(
        &self,
        policy: &Policy,
        person: &Representative,
        submission: &Submission,
        target: Option<&Entry>,
        writer: &mut Writer,
    ) -> Result<(), Refusal> {
        let author = Author::Representative(person.clone());
        match &submission.body {
            SubmissionBody::Message(message) => {
                message.check()?;
                self.owned_by(person)?;
                writer.main(author, EntryBody::Message(message.clone()));
            }
            SubmissionBody::TakeOver(_) => {
                if self.owned_by(person).is_ok() {
                    return Err(Refusal::NoChange);
                }
                self.reopen_if_closed(writer);
                if let Owner::Human(previous) = &self.owner {
                    writer.follow(Author::Representative(previous.clone()), left());
                }
                writer.main(author.clone(), handover_to(Owner::Human(person.clone()), Vec::new()));
                writer.follow(author, EntryBody::RepresentativeJoined(entry::RepresentativeJoined {}));
            }
            SubmissionBody::HandBack(_) => {
                self.owned_by(person)?;
                writer.follow(author.clone(), left());
                writer.main(author, handover_to(first_owner(policy), Vec::new()));
            }
            SubmissionBody::Close(_) if self.is_closed => return Err(Refusal::NoChange),
            SubmissionBody::Close(_) => {
                if let Owner::Human(owner) = &self.owner {
                    writer.follow(Author::Representative(owner.clone()), left());
                }
                writer.main(author, EntryBody::Closed(entry::Closed {}));
            }
            SubmissionBody::Reopen(_) if !self.is_closed => return Err(Refusal::NoChange),
            SubmissionBody::Reopen(_) => writer.main(author, EntryBody::Reopened(entry::Reopened {})),
            SubmissionBody::Note(note) => {
                check_chars("note.text", &note.text, NOTE_CHARS_MAX)?;
                if note.text.trim().is_empty() {
                    return Err(Problem::invalid("note.text", "a note needs words").into());
                }
                writer.main(author, EntryBody::Note(note.clone()));
            }
            SubmissionBody::Edit(edit) => {
                edit.message.check()?;
                own_message(target, person.id)?;
                writer.main(author, EntryBody::Edit(edit.clone()));
            }
            SubmissionBody::Redact(redaction) => {
                target.filter(|entry| entry.is_spoken()).ok_or(Refusal::UnknownTarget)?;
                writer.main(author, EntryBody::Redaction(*redaction));
            }
            _ => return Err(Refusal::NotAllowed),
        }
        Ok(())
    }

    fn owned_by(&self, person: &Representative) -> Result<(), Refusal> {
        match &self.owner {
            Owner::Human(owner) if owner.id == person.id && !self.is_closed => Ok(()),
            _ => Err(Refusal::NotOwner),
        }
    }

    /// The greeting was on screen before the first word: it belongs into the log before it.
    fn greet(&self, policy: &Policy, writer: &mut Writer) {
        let Some(bot) = policy.bot.as_ref().filter(|_| self.head == 0) else { return };
        for message in &policy.greeting {
            writer.follow(Author::Representative(bot.clone()), EntryBody::Message(message.clone()));
        }
    }

    fn reopen_if_closed(&self, writer: &mut Writer) {
        if self.is_closed {
            writer.follow(Author::Server(Server {}), EntryBody::Reopened(entry::Reopened {}));
        }
    }
}

/// Numbers and dates the entries of one decision.
struct Writer {
    id: MessageId,
    next_sequence: u64,
    at: Timestamp,
    entries: Vec<Entry>,
    main: usize,
}

impl Writer {
    fn new(conversation: &Conversation, id: MessageId, now: Timestamp) -> Self {
        // A clock set back must not reorder a log.
        let at = now.max(conversation.last_at);
        Self { id, next_sequence: conversation.head + 1, at, entries: Vec::new(), main: 0 }
    }

    fn main(&mut self, author: Author, body: EntryBody) {
        self.main = self.entries.len();
        self.push(self.id, author, body);
    }

    fn follow(&mut self, author: Author, body: EntryBody) {
        let index = u8::try_from(self.entries.len()).expect("a decision has a handful of entries");
        self.push(derived_id(self.id, index), author, body);
    }

    fn push(&mut self, id: MessageId, author: Author, body: EntryBody) {
        self.entries.push(Entry { sequence: self.next_sequence, id, at: self.at, author, body });
        self.next_sequence += 1;
    }

    fn finish(self) -> Decision {
        Decision { entries: self.entries, main: self.main }
    }
}

fn first_owner(policy: &Policy) -> Owner {
    if policy.bot.is_some() { Owner::Bot(entry::Bot {}) } else { Owner::Queue(entry::Queue {}) }
}

fn handover_to(to: Owner, packet: Vec<entry::Slot>) -> EntryBody {
    EntryBody::Handover(Handover { to, packet })
}

fn left() -> EntryBody {
    EntryBody::RepresentativeLeft(entry::RepresentativeLeft {})
}

fn check_visitor_message(message: &Message) -> Result<(), Refusal> {
    message.check()?;
    if message.suggestions.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid("message.suggestions", "only representatives offer suggestions").into())
    }
}

fn check_response(response: &SuggestionResponse) -> Result<(), Refusal> {
    use portico_protocol::limit::{POSTBACK_CHARS_MAX, SUGGESTION_TEXT_CHARS_MAX};
    check_chars("suggestionResponse.text", &response.text, SUGGESTION_TEXT_CHARS_MAX)?;
    check_chars("suggestionResponse.postbackData", &response.postback_data, POSTBACK_CHARS_MAX)?;
    Ok(())
}

fn own_message(target: Option<&Entry>, participant: ParticipantId) -> Result<(), Refusal> {
    let own = |entry: &&Entry| entry.is_spoken() && entry.author.participant() == Some(participant);
    target.filter(own).map(drop).ok_or(Refusal::UnknownTarget)
}
