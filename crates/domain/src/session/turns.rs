//! Nobody overtakes themselves: the order in which one connection's submissions reach the log.
//!
//! A client names the unacknowledged submission that each one follows. Until that one is settled, the next one is
//! held; was that one refused for now, the next one is refused too, and the client sends both again. What is not
//! known to be settled counts as refused: forgetting too early costs a resend, never the order.

use std::collections::VecDeque;

use portico_protocol::limit::IN_FLIGHT_MAX;
use portico_protocol::{ConversationId, MessageId, Submission};

/// How many settled submissions are remembered: those that several tabs behind one socket may have on the wire.
const SETTLED_MAX: usize = 4 * IN_FLIGHT_MAX;

/// What becomes of a submission that has just come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It may be appended.
    Now,
    /// The one before it is still being appended.
    Later,
    /// The one before it was refused for now.
    Lost,
}

/// A submission that waits for the one before it.
#[derive(Debug)]
pub(super) struct Held {
    after: MessageId,
    pub(super) conversation: ConversationId,
    pub(super) submission: Submission,
}

/// What one connection has submitted lately.
#[derive(Debug, Default)]
pub(super) struct Turns {
    under_way: Vec<MessageId>,
    settled: VecDeque<MessageId>,
    held: Vec<Held>,
}

impl Turns {
    /// Whose turn it is for what comes after `after`.
    pub(super) fn of(&self, after: Option<MessageId>) -> Turn {
        let Some(after) = after else { return Turn::Now };
        let waits = |held: &Held| held.submission.id == after;
        if self.under_way.contains(&after) || self.held.iter().any(waits) {
            Turn::Later
        } else if self.settled.contains(&after) {
            Turn::Now
        } else {
            Turn::Lost
        }
    }

    /// It is being appended.
    pub(super) fn start(&mut self, id: MessageId) {
        self.under_way.push(id);
    }

    /// It waits for `after`.
    pub(super) fn hold(&mut self, after: MessageId, conversation: ConversationId, submission: Submission) {
        self.held.push(Held { after, conversation, submission });
    }

    /// It is stored, or refused for good: whatever waited for it may go.
    pub(super) fn settle(&mut self, id: MessageId) -> Vec<Held> {
        self.end(id);
        if self.settled.len() == SETTLED_MAX {
            self.settled.pop_front();
        }
        self.settled.push_back(id);
        self.release(id)
    }

    /// It was refused for now: whatever waited for it lost its turn.
    pub(super) fn lose(&mut self, id: MessageId) -> Vec<Held> {
        self.end(id);
        self.release(id)
    }

    fn end(&mut self, id: MessageId) {
        if let Some(at) = self.under_way.iter().position(|other| *other == id) {
            self.under_way.swap_remove(at);
        }
    }

    fn release(&mut self, id: MessageId) -> Vec<Held> {
        self.held.extract_if(.., |held| held.after == id).collect()
    }
}

#[cfg(test)]
mod tests {
    use portico_protocol::SubmissionBody;
    use portico_protocol::frame::RequestHuman;

    use super::*;

    fn id(n: u8) -> MessageId {
        MessageId::from_bytes([n; 16])
    }

    fn holding(after: u8, held: u8) -> Turns {
        let mut turns = Turns::default();
        turns.start(id(after));
        assert_eq!(turns.of(Some(id(after))), Turn::Later);
        let body = SubmissionBody::RequestHuman(RequestHuman::default());
        turns.hold(id(after), ConversationId::from_bytes([9; 16]), Submission { id: id(held), body });
        assert_eq!(turns.of(Some(id(held))), Turn::Later, "the line may be longer than two");
        turns
    }

    #[test]
    fn what_follows_a_stored_submission_goes_and_what_follows_a_lost_one_is_lost() {
        let mut turns = holding(1, 2);
        assert_eq!(turns.settle(id(1)).len(), 1);
        assert_eq!(turns.of(Some(id(1))), Turn::Now);
        let mut turns = holding(1, 2);
        assert_eq!(turns.lose(id(1)).len(), 1);
        assert_eq!(turns.of(Some(id(1))), Turn::Lost);
        assert_eq!(turns.of(None), Turn::Now, "whoever follows nobody can overtake nobody");
    }

    #[test]
    fn what_is_long_settled_is_forgotten_and_counts_as_lost() {
        let mut turns = Turns::default();
        for n in 0..=SETTLED_MAX {
            turns.settle(id(u8::try_from(n).expect("few")));
        }
        assert_eq!(turns.of(Some(id(0))), Turn::Lost);
        assert_eq!(turns.of(Some(id(1))), Turn::Now);
    }
}
