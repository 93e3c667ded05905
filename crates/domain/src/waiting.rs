//! The line of those who wait for a person, and how long it honestly takes: measured, never promised.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use portico_protocol::frame::Waiting;
use portico_protocol::{ConversationId, Timestamp};

/// So many of the last waits are remembered.
const WAITS_KEPT_MAX: usize = 21;
/// With fewer measured waits than this nothing is said: two slow answers are not a forecast.
const WAITS_MEASURED_MIN: usize = 3;
/// A wait that ended longer ago than this says nothing about now, in milliseconds: four hours.
const WAIT_COUNTS_FOR_MS: i64 = 4 * 3_600_000;

/// Why somebody left the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Departure {
    /// A person took over at this time.
    Answered(Timestamp),
    /// The bot took over again, or the conversation was closed.
    GaveUp,
}

/// One brand's line, longest waiting first.
#[derive(Clone, Debug, Default)]
pub struct WaitingLine {
    line: BTreeSet<(Timestamp, ConversationId)>,
    since: BTreeMap<ConversationId, Timestamp>,
    waits: VecDeque<Wait>,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    ended_at: Timestamp,
    lasted_ms: u64,
}

impl WaitingLine {
    /// `conversation` waits since `since`. Returns whether the line changed.
    pub fn enter(&mut self, conversation: ConversationId, since: Timestamp) -> bool {
        match self.since.insert(conversation, since) {
            Some(before) if before == since => return false,
            Some(before) => {
                self.line.remove(&(before, conversation));
            }
            None => {}
        }
        self.line.insert((since, conversation))
    }

    /// `conversation` waits no longer. Returns whether it did wait.
    pub fn leave(&mut self, conversation: ConversationId, departure: Departure) -> bool {
        let Some(since) = self.since.remove(&conversation) else { return false };
        self.line.remove(&(since, conversation));
        if let Departure::Answered(ended_at) = departure {
            self.measure(since, ended_at);
        }
        true
    }

    /// A wait measured before this line was made: it lasted `lasted_ms` and ended about `ended_at`.
    pub fn remember_wait(&mut self, ended_at: Timestamp, lasted_ms: u64) {
        if self.waits.len() == WAITS_KEPT_MAX {
            self.waits.pop_front();
        }
        self.waits.push_back(Wait { ended_at, lasted_ms });
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.since.len()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// Who waits, longest first.
    pub fn iter(&self) -> impl Iterator<Item = ConversationId> {
        self.line.iter().map(|(_, conversation)| *conversation)
    }

    /// What `conversation` is told at `now`; `None` if it does not wait.
    #[must_use]
    pub fn tell(&self, conversation: ConversationId, is_staffed: bool, now: Timestamp) -> Option<Waiting> {
        let since = *self.since.get(&conversation)?;
        let before = self.line.range(..(since, conversation)).count();
        let before = u32::try_from(before).unwrap_or(u32::MAX);
        Some(Waiting { conversation, before, estimate_ms: self.estimate_ms(now), is_staffed, opens_at: None })
    }

    /// The median of the recent waits; `None` while too few were measured.
    #[must_use]
    pub fn estimate_ms(&self, now: Timestamp) -> Option<u64> {
        let oldest = now.plus_millis(-WAIT_COUNTS_FOR_MS);
        let recent = self.waits.iter().filter(|wait| wait.ended_at >= oldest);
        let mut lasted: Vec<u64> = recent.map(|wait| wait.lasted_ms).collect();
        if lasted.len() < WAITS_MEASURED_MIN {
            return None;
        }
        lasted.sort_unstable();
        Some(lasted[lasted.len() / 2])
    }

    fn measure(&mut self, since: Timestamp, ended_at: Timestamp) {
        // A clock set back in between would make it negative: then nothing was measured.
        if let Ok(lasted_ms) = u64::try_from(ended_at.as_millis() - since.as_millis()) {
            self.remember_wait(ended_at, lasted_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(number: u8) -> ConversationId {
        ConversationId::from_bytes([number; 16])
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn before(line: &WaitingLine, number: u8) -> Option<u32> {
        line.tell(conversation(number), true, at(0)).map(|waiting| waiting.before)
    }

    #[test]
    fn places_follow_the_time_of_arrival_and_close_up_when_somebody_leaves() {
        let mut line = WaitingLine::default();
        assert!(line.enter(conversation(2), at(20)));
        assert!(line.enter(conversation(1), at(10)));
        assert!(line.enter(conversation(3), at(30)));
        assert!(!line.enter(conversation(3), at(30)), "already there");
        assert_eq!([before(&line, 1), before(&line, 2), before(&line, 3)], [Some(0), Some(1), Some(2)]);
        assert!(line.leave(conversation(1), Departure::GaveUp));
        assert!(!line.leave(conversation(1), Departure::GaveUp), "already gone");
        assert_eq!([before(&line, 1), before(&line, 2), before(&line, 3)], [None, Some(0), Some(1)]);
    }

    #[test]
    fn the_estimate_is_the_median_of_recent_answers_and_absent_before_three() {
        let mut line = WaitingLine::default();
        for (number, lasted) in [(1, 10), (2, 600), (3, 30)] {
            assert_eq!(line.estimate_ms(at(1_000)), None);
            line.enter(conversation(number), at(0));
            line.leave(conversation(number), Departure::Answered(at(lasted)));
        }
        assert_eq!(line.estimate_ms(at(1_000)), Some(30_000));
        assert_eq!(line.estimate_ms(at(100_000)), None, "yesterday's waits are no forecast");
    }

    #[test]
    fn giving_up_and_clocks_set_back_measure_nothing() {
        let mut line = WaitingLine::default();
        for number in 0..9 {
            line.enter(conversation(number), at(100));
            let departure = if number % 2 == 0 { Departure::GaveUp } else { Departure::Answered(at(50)) };
            line.leave(conversation(number), departure);
        }
        assert_eq!(line.estimate_ms(at(100)), None);
    }
}
