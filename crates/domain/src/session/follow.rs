//! One followed conversation: how far its log was sent, and what its follower has seen.

use portico_protocol::limit::{TYPING_FOR_MS, TYPING_REPEAT_MS};
use portico_protocol::{ConversationId, Entry, Moment, ParticipantId, Submission};

use super::{Effect, Opening};

/// How long to wait after the store could not be read, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// Where one follower stands in one log.
#[derive(Debug)]
pub(super) struct Following {
    pub(super) conversation: ConversationId,
    /// Whose it is, once the store has said so.
    pub(super) visitor: Option<ParticipantId>,
    /// Submissions that wait for that.
    pub(super) held: Vec<Submission>,
    stage: Stage,
    /// Follow effects that are not answered yet; only the answer to the newest counts.
    openings: u32,
    /// The last sequence number sent; while opening, the one that the client says it holds.
    cursor: u64,
    /// The newest sequence number that is known to exist.
    head: u64,
    own: Progress,
    /// What the client says it has seen, and that is not settled yet.
    claimed: Progress,
    typed_at: Option<Moment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Current,
    Loading,
    /// The store could not be read.
    OpeningAgainAt(Moment),
    LoadingAgainAt(Moment),
}

/// Both only ever grow, and `read` never passes `delivered`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Progress {
    delivered: u64,
    read: u64,
}

impl Progress {
    fn join(self, other: Self) -> Self {
        Self { delivered: self.delivered.max(other.delivered), read: self.read.max(other.read) }
    }
}

/// What a notice of growth leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growing {
    /// It joins the cursor: send all of it.
    SendAll,
    /// It begins before the cursor: send what is after this.
    SendAfter(u64),
    /// Something is missing after this: load it.
    LoadAfter(u64),
    /// Nothing, or nothing yet.
    Nothing,
}

impl Following {
    pub(super) fn new(conversation: ConversationId, after: u64) -> Self {
        Self {
            conversation,
            visitor: None,
            held: Vec::new(),
            stage: Stage::Opening,
            openings: 1,
            cursor: after,
            head: 0,
            own: Progress::default(),
            claimed: Progress::default(),
            typed_at: None,
        }
    }

    /// The client mends a gap: it holds everything up to `after`, and nothing for sure beyond.
    pub(super) fn start_over(&mut self, after: u64) {
        self.stage = Stage::Opening;
        self.openings += 1;
        self.cursor = after;
    }

    /// Takes the log as it stands. Returns what to send of it, unless a newer answer is on its way.
    pub(super) fn opened<'a>(&mut self, me: ParticipantId, opening: &'a Opening) -> Option<&'a [Entry]> {
        self.openings = self.openings.saturating_sub(1);
        if self.openings > 0 || self.stage != Stage::Opening {
            return None;
        }
        self.stage = Stage::Current;
        self.visitor = Some(opening.state.visitor);
        self.head = self.head.max(opening.state.head);
        // Who claims to hold more than there is holds another log: the head tells it so.
        self.cursor = self.cursor.min(opening.state.head);
        if let Some(mine) = opening.watermarks.iter().find(|watermark| watermark.participant == me) {
            self.seen_elsewhere(mine.delivered, mine.read);
        }
        match opening.entries.as_slice() {
            [first, .., last] | [first @ last] if self.cursor == 0 || first.sequence == self.cursor + 1 => {
                self.cursor = last.sequence;
                self.head = self.head.max(last.sequence);
                Some(&opening.entries)
            }
            _ => Some(&[]),
        }
    }

    /// Takes loaded entries. Returns those that join the cursor; `None` if none do, though they should.
    pub(super) fn loaded(&mut self, mut entries: Vec<Entry>) -> Option<Vec<Entry>> {
        if self.stage != Stage::Loading {
            // Asked for before the client started over.
            return Some(Vec::new());
        }
        entries.retain(|entry| entry.sequence > self.cursor);
        if entries.first()?.sequence != self.cursor + 1 {
            return None;
        }
        self.cursor = entries.last()?.sequence;
        self.head = self.head.max(self.cursor);
        self.stage = Stage::Current;
        Some(entries)
    }

    /// The store could not be read: later again.
    pub(super) fn failed(&mut self, now: Moment) {
        match self.stage {
            Stage::Opening => {
                self.openings = self.openings.saturating_sub(1);
                if self.openings == 0 {
                    self.stage = Stage::OpeningAgainAt(now + RETRY_MS);
                }
            }
            Stage::Loading => self.stage = Stage::LoadingAgainAt(now + RETRY_MS),
            _ => {}
        }
    }

    /// The log grew by the entries `first..=last`.
    pub(super) fn grow(&mut self, first: u64, last: u64, is_congested: bool) -> Growing {
        self.head = self.head.max(last);
        if self.stage != Stage::Current || is_congested || last <= self.cursor {
            return Growing::Nothing;
        }
        if first > self.cursor + 1 {
            return self.missing(is_congested).map_or(Growing::Nothing, Growing::LoadAfter);
        }
        let cursor = std::mem::replace(&mut self.cursor, last);
        if first == cursor + 1 { Growing::SendAll } else { Growing::SendAfter(cursor) }
    }

    /// Where the cursor is behind: after what to load on.
    pub(super) fn missing(&mut self, is_congested: bool) -> Option<u64> {
        if self.stage != Stage::Current || is_congested || self.cursor >= self.head {
            return None;
        }
        self.stage = Stage::Loading;
        Some(self.cursor)
    }

    pub(super) fn wake_at(&self) -> Option<Moment> {
        let retry_at = match self.stage {
            Stage::OpeningAgainAt(at) | Stage::LoadingAgainAt(at) => Some(at),
            _ => None,
        };
        let lapses_at = self.typed_at.map(|at| at + TYPING_FOR_MS);
        [retry_at, lapses_at].into_iter().flatten().min()
    }

    /// Tries again what failed, once it is time.
    pub(super) fn retry(&mut self, now: Moment, is_congested: bool) -> Option<Effect> {
        match self.stage {
            Stage::OpeningAgainAt(at) if now >= at => {
                self.start_over(self.cursor);
                return Some(Effect::Follow(self.conversation, self.cursor));
            }
            Stage::LoadingAgainAt(at) if now >= at => self.stage = Stage::Current,
            _ => {}
        }
        self.missing(is_congested).map(|after| Effect::LoadAfter(self.conversation, after))
    }

    /// The client says that it has seen so much.
    pub(super) fn see(&mut self, delivered: u64, read: u64) {
        self.claimed = self.claimed.join(Progress { delivered, read });
    }

    /// Takes what the client says it has seen, as far as it was sent to it. Returns the watermark if that
    /// moves it; while the log is being opened, the claim waits.
    pub(super) fn settle_claim(&mut self) -> Option<(u64, u64)> {
        if matches!(self.stage, Stage::Opening | Stage::OpeningAgainAt(_)) {
            return None;
        }
        let claimed = std::mem::take(&mut self.claimed);
        let delivered = claimed.delivered.max(claimed.read).min(self.cursor);
        let moved = self.own.join(Progress { delivered, read: claimed.read.min(delivered) });
        if moved == self.own {
            return None;
        }
        self.own = moved;
        Some((moved.delivered, moved.read))
    }

    /// Another device of the same participant has seen so much.
    pub(super) fn seen_elsewhere(&mut self, delivered: u64, read: u64) {
        self.own = self.own.join(Progress { delivered, read });
    }

    /// The client types. Returns whether the others are to be told: not on every keystroke.
    pub(super) fn types(&mut self, now: Moment) -> bool {
        let is_news = self.typed_at.is_none_or(|at| now.millis_since(at) >= TYPING_REPEAT_MS / 2);
        if is_news {
            self.typed_at = Some(now);
        }
        is_news
    }

    /// The client has stopped typing. Returns whether the others think otherwise.
    pub(super) fn stop_typing(&mut self) -> bool {
        self.typed_at.take().is_some()
    }

    /// Whether the client has not said for too long that it still types.
    pub(super) fn typing_lapses(&mut self, now: Moment) -> bool {
        let lapses = self.typed_at.is_some_and(|at| now.millis_since(at) >= TYPING_FOR_MS);
        lapses && self.stop_typing()
    }
}
