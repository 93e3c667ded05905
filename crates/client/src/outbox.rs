//! What was said here and is not yet durable there.
//!
//! Order is kept per conversation: a draft goes on the wire only when every earlier one of its conversation is
//! on the wire or done, and tells the server which unacknowledged one it follows. A resend carries the same id,
//! so the server stores it once.

use std::collections::VecDeque;

use portico_protocol::frame::Submit;
use portico_protocol::limit::{ACKNOWLEDGE_WITHIN_MS, IN_FLIGHT_MAX, OUTBOX_DRAFTS_MAX};
use portico_protocol::{ConversationId, MessageId, Moment, Problem, Submission, SubmissionBody, codec};

/// Shortest wait before something that was refused for now is tried again, in milliseconds.
pub const RETRY_MS_MIN: u64 = 250;
/// Longest such wait, whatever the server says, in milliseconds.
pub const RETRY_MS_MAX: u64 = 10 * 60 * 1000;

/// Most drafts held in all: those refused for good and those that closed tabs left count here, too.
const DRAFTS_HELD_MAX: usize = 4 * OUTBOX_DRAFTS_MAX;

/// The form of [`Draft::encode`].
const VERSION: &str = "1";

/// The outbox holds [`OUTBOX_DRAFTS_MAX`] drafts and takes no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too much is waiting to be sent")]
pub struct OutboxFull;

/// How far a draft has got.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftState {
    /// Waits for the connection, or for its turn.
    Queued,
    /// On the wire since then.
    InFlight {
        /// When it was sent.
        since: Moment,
    },
    /// The server asked to try again later.
    Delayed {
        /// When.
        until: Moment,
    },
    /// Durable; shown here until its entry arrives.
    Acknowledged {
        /// Where it stands in the log.
        sequence: u64,
    },
    /// Refused for good: waits for its author to say it anew or to discard it.
    Refused(Problem),
}

/// Something said that has not come back as an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// To which conversation.
    pub conversation: ConversationId,
    /// What.
    pub submission: Submission,
    /// How far it has got.
    pub state: DraftState,
}

impl Draft {
    /// Whether it shows in the log: words, as opposed to a wish such as closing the conversation.
    #[must_use]
    pub const fn is_shown(&self) -> bool {
        use SubmissionBody as Body;
        matches!(self.submission.body, Body::Message(_) | Body::SuggestionResponse(_) | Body::Note(_))
    }

    /// Whether it is kept through a reload. Taking over or closing an hour later would surprise; words never get
    /// lost.
    #[must_use]
    pub const fn is_kept(&self) -> bool {
        use SubmissionBody as Body;
        !matches!(
            self.submission.body,
            Body::TakeOver(_) | Body::HandBack(_) | Body::Close(_) | Body::Reopen(_)
        )
    }

    /// As text for the device's storage: a version, the refusal if it was refused for good, and the submission.
    #[must_use]
    pub fn encode(&self) -> String {
        let Self { conversation, submission, state } = self;
        let mut text = String::from(VERSION);
        if let DraftState::Refused(problem) = state {
            text.push_str(&codec::encode(problem));
        }
        // JSON as we write it holds no line breaks.
        text.push('\n');
        let submit = Submit { conversation: *conversation, after: None, submission: submission.clone() };
        text.push_str(&codec::encode(&submit));
        text
    }

    /// What [`Draft::encode`] wrote; `None` for anything else, such as the words of another build.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let (problem, submit) = text.strip_prefix(VERSION)?.split_once('\n')?;
        let Submit { conversation, submission, .. } = codec::decode(submit).ok()?;
        let state = match problem {
            "" => DraftState::Queued,
            problem => DraftState::Refused(codec::decode(problem).ok()?),
        };
        Some(Self { conversation, submission, state })
    }

    /// Whether it was refused for good.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        matches!(self.state, DraftState::Refused(_))
    }

    /// Whether it is durable.
    #[must_use]
    pub const fn is_acknowledged(&self) -> bool {
        matches!(self.state, DraftState::Acknowledged { .. })
    }

    const fn is_done(&self) -> bool {
        self.is_acknowledged() || self.is_refused()
    }
}

/// Drafts of all conversations, oldest first.
#[derive(Clone, Debug)]
pub struct Outbox {
    drafts: VecDeque<Draft>,
    /// How many may be on the wire: all at once while all goes well, one at a time after a refusal for now, doubled
    /// by each acknowledgement. Else a server that asked for patience would get sixteen requests a second.
    window: usize,
}

impl Default for Outbox {
    fn default() -> Self {
        Self { drafts: VecDeque::new(), window: IN_FLIGHT_MAX }
    }
}

impl Outbox {
    /// Takes in something new.
    ///
    /// # Errors
    /// [`OUTBOX_DRAFTS_MAX`] are waiting already: the words stay in the composer.
    pub fn push(&mut self, conversation: ConversationId, submission: Submission) -> Result<(), OutboxFull> {
        if self.is_full() {
            return Err(OutboxFull);
        }
        self.drafts.push_back(Draft { conversation, submission, state: DraftState::Queued });
        Ok(())
    }

    /// Whether nothing more fits. What was refused for good has room of its own, so that it cannot block the rest.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let waiting = self.drafts.iter().filter(|draft| !draft.is_done());
        waiting.count() >= OUTBOX_DRAFTS_MAX || self.drafts.len() >= DRAFTS_HELD_MAX
    }

    /// Takes in what was kept through a reload, in the order of ids, which is the order of saying. Several tabs may
    /// have left more than one may say.
    pub fn restore(&mut self, draft: Draft) {
        if self.drafts.len() < DRAFTS_HELD_MAX && self.find(draft.submission.id).is_none() {
            let at = self.drafts.partition_point(|other| other.submission.id < draft.submission.id);
            self.drafts.insert(at, draft);
        }
    }

    /// The draft with this id.
    #[must_use]
    pub fn find(&self, id: MessageId) -> Option<&Draft> {
        self.drafts.iter().find(|draft| draft.submission.id == id)
    }

    /// The drafts of `conversation`, oldest first.
    pub fn of(&self, conversation: ConversationId) -> impl Iterator<Item = &Draft> {
        self.drafts.iter().filter(move |draft| draft.conversation == conversation)
    }

    /// Lets go again what was held back until now.
    pub fn release(&mut self, now: Moment) {
        for draft in &mut self.drafts {
            if matches!(draft.state, DraftState::Delayed { until } if until <= now) {
                draft.state = DraftState::Queued;
            }
        }
    }

    /// The conversations with drafts that are neither durable nor refused for good.
    #[must_use]
    pub fn undone(&self) -> Vec<ConversationId> {
        let mut conversations = Vec::new();
        for draft in self.drafts.iter().filter(|draft| !draft.is_done()) {
            if !conversations.contains(&draft.conversation) {
                conversations.push(draft.conversation);
            }
        }
        conversations
    }

    /// The next one to put on the wire, if any may go now; from then on it is in flight.
    pub fn poll_transmit(&mut self, now: Moment) -> Option<Submit> {
        let in_flight = |draft: &Draft| matches!(draft.state, DraftState::InFlight { .. });
        if self.drafts.iter().filter(|draft| in_flight(draft)).count() >= self.window {
            return None;
        }
        let may_go = |at: usize| {
            let draft = &self.drafts[at];
            let mut before = self.drafts.range(..at).filter(|other| other.conversation == draft.conversation);
            draft.state == DraftState::Queued && before.all(|other| other.is_done() || in_flight(other))
        };
        let at = (0..self.drafts.len()).find(|at| may_go(*at))?;
        let conversation = self.drafts[at].conversation;
        let mut before = self.drafts.range(..at).rev();
        let after = before.find(|other| other.conversation == conversation && in_flight(other));
        let after = after.map(|other| other.submission.id);
        let draft = &mut self.drafts[at];
        draft.state = DraftState::InFlight { since: now };
        Some(Submit { conversation, after, submission: draft.submission.clone() })
    }

    /// The server has it for good.
    pub fn acknowledge(&mut self, id: MessageId, sequence: u64) -> Option<&Draft> {
        self.window = (self.window * 2).min(IN_FLIGHT_MAX);
        let draft = self.find_mut(id)?;
        draft.state = DraftState::Acknowledged { sequence };
        Some(draft)
    }

    /// The server refused it: for now, when the problem says when to try again, else for good. `jitter` is random.
    pub fn refuse(&mut self, now: Moment, id: MessageId, problem: Problem, jitter: u32) -> Option<&Draft> {
        if problem.is_retryable() {
            self.window = 1;
        }
        // A late refusal of an attempt that another one overtook must not undo it.
        let draft = self.find_mut(id).filter(|draft| !draft.is_acknowledged())?;
        draft.state = match problem.retry_after_ms {
            Some(millis) => {
                let spread = u64::from(jitter) % RETRY_MS_MIN;
                DraftState::Delayed { until: now + millis.clamp(RETRY_MS_MIN, RETRY_MS_MAX) + spread }
            }
            None => DraftState::Refused(problem),
        };
        Some(draft)
    }

    /// Takes a draft out: its entry arrived, or its author discarded it.
    pub fn remove(&mut self, id: MessageId) -> Option<Draft> {
        let at = self.drafts.iter().position(|draft| draft.submission.id == id)?;
        self.drafts.remove(at)
    }

    /// Takes out what is durable in `conversation` up to `sequence`: its entries have come, or stand in a part of the
    /// log that is not held.
    pub fn take_stored(&mut self, conversation: ConversationId, sequence: u64) -> Vec<MessageId> {
        let is_stored = |draft: &Draft| match draft.state {
            DraftState::Acknowledged { sequence: at } => draft.conversation == conversation && at <= sequence,
            _ => false,
        };
        let stored =
            self.drafts.iter().filter(|draft| is_stored(draft)).map(|draft| draft.submission.id).collect();
        self.drafts.retain(|draft| !is_stored(draft));
        stored
    }

    /// The connection is gone: what was on the wire goes again.
    pub fn connection_lost(&mut self) {
        self.window = IN_FLIGHT_MAX;
        for draft in &mut self.drafts {
            if matches!(draft.state, DraftState::InFlight { .. }) {
                draft.state = DraftState::Queued;
            }
        }
    }

    /// When the oldest draft on the wire has waited too long for its acknowledgement.
    #[must_use]
    pub fn acknowledge_until(&self) -> Option<Moment> {
        let since = |draft: &Draft| match draft.state {
            DraftState::InFlight { since } => Some(since + ACKNOWLEDGE_WITHIN_MS),
            _ => None,
        };
        self.drafts.iter().filter_map(since).min()
    }

    /// When a delayed draft may go again.
    #[must_use]
    pub fn retry_at(&self) -> Option<Moment> {
        let until = |draft: &Draft| match draft.state {
            DraftState::Delayed { until } => Some(until),
            _ => None,
        };
        self.drafts.iter().filter_map(until).min()
    }

    fn find_mut(&mut self, id: MessageId) -> Option<&mut Draft> {
        self.drafts.iter_mut().find(|draft| draft.submission.id == id)
    }
}
