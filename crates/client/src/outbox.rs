//! What was said here and is not yet durable there.
//!
//! Order is kept per conversation: a draft goes on the wire only when every earlier one of its conversation is
//! on the wire or done, and tells the server which unacknowledged one it follows. A resend carries the same id,
//! so the server stores it once.

use std::collections::VecDeque;

use portico_protocol::frame::Submit;
use portico_protocol::limit::{ACKNOWLEDGE_WITHIN_MS, IN_FLIGHT_MAX, OUTBOX_DRAFTS_MAX};
use portico_protocol::{ConversationId, MessageId, Moment, Problem, Submission, SubmissionBody};

/// Shortest wait before something that was refused for now is tried again, in milliseconds.
pub const RETRY_MS_MIN: u64 = 250;
/// Longest such wait, whatever the server says, in milliseconds.
pub const RETRY_MS_MAX: u64 = 10 * 60 * 1000;

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
    Acknowledged,
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

    const fn is_done(&self) -> bool {
        matches!(self.state, DraftState::Acknowledged | DraftState::Refused(_))
    }
}

/// Drafts of all conversations, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    drafts: VecDeque<Draft>,
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

    /// Whether nothing more fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let waiting = self.drafts.iter().filter(|draft| draft.state != DraftState::Acknowledged);
        waiting.count() >= OUTBOX_DRAFTS_MAX
    }

    /// Takes in what was kept through a reload, in the order of ids, which is the order of saying. Tells whether it
    /// is news.
    pub fn restore(&mut self, conversation: ConversationId, submission: Submission) -> bool {
        if self.is_full() || self.find(submission.id).is_some() {
            return false;
        }
        let at = self.drafts.partition_point(|draft| draft.submission.id < submission.id);
        self.drafts.insert(at, Draft { conversation, submission, state: DraftState::Queued });
        true
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

    /// The next one to put on the wire, if any may go now; from then on it is in flight.
    pub fn poll_transmit(&mut self, now: Moment) -> Option<Submit> {
        let in_flight = |draft: &Draft| matches!(draft.state, DraftState::InFlight { .. });
        if self.drafts.iter().filter(|draft| in_flight(draft)).count() >= IN_FLIGHT_MAX {
            return None;
        }
        let may_go = |at: usize| {
            let draft = &self.drafts[at];
            let is_due = match draft.state {
                DraftState::Queued => true,
                DraftState::Delayed { until } => until <= now,
                _ => false,
            };
            let mut before = self.drafts.range(..at).filter(|other| other.conversation == draft.conversation);
            is_due && before.all(|other| other.is_done() || in_flight(other))
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
    pub fn acknowledge(&mut self, id: MessageId) -> Option<&Draft> {
        let draft = self.find_mut(id)?;
        draft.state = DraftState::Acknowledged;
        Some(draft)
    }

    /// The server refused it: for now, when the problem says when to try again, else for good. `jitter` is random.
    pub fn refuse(&mut self, now: Moment, id: MessageId, problem: Problem, jitter: u32) -> Option<&Draft> {
        // A late refusal of an attempt that another one overtook must not undo it.
        let draft = self.find_mut(id).filter(|draft| draft.state != DraftState::Acknowledged)?;
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

    /// Forgets what is durable in `conversation`: nobody follows it, so no entry will come to take it out.
    pub fn forget_acknowledged(&mut self, conversation: ConversationId) {
        self.drafts
            .retain(|draft| draft.conversation != conversation || draft.state != DraftState::Acknowledged);
    }

    /// The connection is gone: what was on the wire goes again.
    pub fn connection_lost(&mut self) {
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
