//! The log as a screen shows it: an unbroken run of entries, folded, and after it what this device has said
//! and the server has not yet sent back.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use portico_protocol::entry::{Edit, SuggestionResponse};
use portico_protocol::{Author, Content, Entry, EntryBody, Message, MessageId, Timestamp};

/// One line on the screen: a bubble, a note, or a notice such as "Ada joined".
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The same for the echo and for the entry it becomes: a keyed list keeps its node.
    pub id: MessageId,
    /// Position in the log; zero while the server has not sent it back.
    pub sequence: u64,
    /// When the server stored it; for an echo, when it was written.
    pub at: Timestamp,
    /// Who did it.
    pub author: Author,
    /// What was done, with the latest edit in place; words are empty once redacted.
    pub body: EntryBody,
    /// Whether it still is as it was said.
    pub amended: Amended,
}

/// What became of a message after it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amended {
    /// Nothing.
    No,
    /// Its author rewrote it at that time.
    Edited(Timestamp),
    /// Its words were removed at that time.
    Redacted(Timestamp),
}

impl Row {
    /// Whether this shows as a bubble: words by the visitor or the brand.
    #[must_use]
    pub const fn is_spoken(&self) -> bool {
        matches!(self.body, EntryBody::Message(_) | EntryBody::SuggestionResponse(_))
    }

    /// Whether the server has not sent it back yet.
    #[must_use]
    pub const fn is_echo(&self) -> bool {
        self.sequence == 0
    }

    /// The words, where there are any.
    #[must_use]
    pub fn text(&self) -> &str {
        match &self.body {
            EntryBody::Message(message) => message.plain_text(),
            EntryBody::SuggestionResponse(response) => &response.text,
            EntryBody::Note(note) => &note.text,
            _ => "",
        }
    }
}

/// What a change did to the rows, for views that keep a window of them. Positions count rows from the oldest
/// one held, echoes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// `count` rows now stand at `position` and after it; at zero: older ones were loaded.
    Inserted {
        /// Where the first one stands.
        position: usize,
        /// How many.
        count: usize,
    },
    /// The row at `position` shows something else than before.
    Updated {
        /// Where it stands.
        position: usize,
    },
    /// An echo became an entry that stands before other echoes.
    Moved {
        /// Where it stood.
        from: usize,
        /// Where it stands.
        to: usize,
    },
    /// The row that stood at `position` is gone.
    Removed {
        /// Where it stood.
        position: usize,
    },
    /// Everything is gone: the server's log is not the one that was held.
    Reset,
}

/// How entries from the server fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Fit {
    /// They were taken in, or were known already.
    Joined,
    /// There is a gap between what is held and them: nothing was taken in.
    Gap,
}

/// An unbroken run of a conversation's log, with local echoes after it.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The first sequence number held; `to + 1` while nothing is held.
    from: u64,
    /// The last sequence number held.
    to: u64,
    rows: VecDeque<Arc<Row>>,
    echoes: Vec<Arc<Row>>,
    /// Sequence numbers of `rows` by id, sorted by id. A sorted vector, since ids grow with time: almost every
    /// insertion is at the end, and it is a tenth of a map's code.
    index: Vec<(MessageId, u64)>,
    /// Amendments whose target is older than `from`, to apply when it is loaded.
    orphans: Vec<Amendment>,
}

#[derive(Clone, Debug)]
struct Amendment {
    sequence: u64,
    at: Timestamp,
    target: MessageId,
    /// New words; none: the words go.
    message: Option<Message>,
}

impl Default for Timeline {
    fn default() -> Self {
        let (rows, echoes, index, orphans) = Default::default();
        Self { from: 1, to: 0, rows, echoes, index, orphans }
    }
}

impl Timeline {
    /// The last sequence number held; zero: nothing.
    #[must_use]
    pub const fn to(&self) -> u64 {
        self.to
    }

    /// The first sequence number held.
    #[must_use]
    pub const fn from(&self) -> u64 {
        self.from
    }

    /// Whether nothing of the log is held.
    #[must_use]
    pub const fn holds_nothing(&self) -> bool {
        self.to < self.from
    }

    /// Whether the log's start is held.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.from <= 1
    }

    /// How many rows there are, echoes included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() + self.echoes.len()
    }

    /// Whether there is nothing to show.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at `position`.
    #[must_use]
    pub fn row(&self, position: usize) -> Option<&Arc<Row>> {
        match position.checked_sub(self.rows.len()) {
            None => self.rows.get(position),
            Some(echo) => self.echoes.get(echo),
        }
    }

    /// The rows of `range`, clipped to what there is. Costs nothing per row outside of it.
    pub fn window(&self, range: Range<usize>) -> impl DoubleEndedIterator<Item = &Arc<Row>> {
        let range = range.start.min(self.len())..range.end.min(self.len());
        range.filter_map(|position| self.row(position))
    }

    /// Rows from the newest to the oldest.
    pub fn newest_first(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.echoes.iter().rev().chain(self.rows.iter().rev())
    }

    /// Where the row with `id` stands.
    #[must_use]
    pub fn position_of(&self, id: MessageId) -> Option<usize> {
        if let Ok(found) = self.index.binary_search_by_key(&id, |(id, _)| *id) {
            return self.position_at(self.index[found].1);
        }
        self.echo_position(id)
    }

    /// Where the first row with this sequence number or a later one stands.
    #[must_use]
    pub fn position_from(&self, sequence: u64) -> usize {
        self.rows.partition_point(|row| row.sequence < sequence)
    }

    fn position_at(&self, sequence: u64) -> Option<usize> {
        let position = self.position_from(sequence);
        self.rows.get(position).filter(|row| row.sequence == sequence).map(|_| position)
    }

    fn echo_position(&self, id: MessageId) -> Option<usize> {
        self.echoes.iter().position(|echo| echo.id == id).map(|echo| self.rows.len() + echo)
    }

    /// Shows what this device says before the server knows it. Does nothing where the log already has it.
    pub fn echo(&mut self, row: Row, changes: &mut Vec<Change>) {
        if self.position_of(row.id).is_some() {
            return;
        }
        // By id, which is the order of saying: what is restored after a reload comes in any order.
        let slot = self.echoes.partition_point(|echo| echo.id < row.id);
        changes.push(Change::Inserted { position: self.rows.len() + slot, count: 1 });
        self.echoes.insert(slot, Arc::new(Row { sequence: 0, ..row }));
    }

    /// Takes an echo away, because its author discarded it.
    pub fn discard_echo(&mut self, id: MessageId, changes: &mut Vec<Change>) {
        if let Some(position) = self.echo_position(id) {
            self.echoes.remove(position - self.rows.len());
            changes.push(Change::Removed { position });
        }
    }

    /// Forgets the log and keeps the echoes.
    pub fn reset(&mut self, changes: &mut Vec<Change>) {
        let echoes = std::mem::take(&mut self.echoes);
        *self = Self { echoes, ..Self::default() };
        changes.push(Change::Reset);
    }

    /// Notes that the server has nothing older than what is held.
    pub const fn mark_complete(&mut self) {
        self.from = 1;
    }

    /// Takes in consecutive entries, oldest first, wherever they overlap or adjoin what is held: newer ones after
    /// it, older ones before it. What is held already is skipped, so duplicates and late frames do no harm.
    pub fn merge(&mut self, entries: Vec<Entry>, changes: &mut Vec<Change>) -> Fit {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Fit::Joined };
        let (first, last) = (first.sequence, last.sequence);
        if self.leaves_gap(&entries) {
            return Fit::Gap;
        } else if self.holds_nothing() {
            (self.from, self.to) = (first, first - 1);
        } else if last + 1 < self.from {
            return Fit::Joined;
        }
        let mut older = entries;
        let mut newer = older.split_off(usize_from(self.from.saturating_sub(first)).min(older.len()));
        newer.drain(..usize_from((self.to + 1).saturating_sub(first.max(self.from))).min(newer.len()));
        newer.into_iter().for_each(|entry| self.append(entry, changes));
        self.prepend(older, changes);
        Fit::Joined
    }

    /// Whether something is missing between what is held and `entries`, or among these.
    #[must_use]
    pub fn leaves_gap(&self, entries: &[Entry]) -> bool {
        let Some(first) = entries.first().map(|entry| entry.sequence) else { return false };
        // A log counts from one without gaps: what does not is no log, and must not break the fold.
        let is_run =
            first > 0 && entries.iter().zip(first..).all(|(entry, expected)| entry.sequence == expected);
        !is_run || (!self.holds_nothing() && first > self.to + 1)
    }

    fn append(&mut self, entry: Entry, changes: &mut Vec<Change>) {
        self.to = entry.sequence;
        let entry = match amendment(entry) {
            Ok(amendment) => return self.amend_or_keep(amendment, changes),
            Err(entry) => entry,
        };
        let known = self.index.binary_search_by_key(&entry.id, |(id, _)| *id);
        let (Some(row), Err(slot)) = (row(entry), known) else { return };
        self.index.insert(slot, (row.id, row.sequence));
        let position = self.rows.len();
        match self.echo_position(row.id) {
            Some(from) => {
                self.echoes.remove(from - position);
                let moved = Change::Moved { from, to: position };
                changes.push(if from == position { Change::Updated { position } } else { moved });
            }
            None => match changes.last_mut() {
                Some(Change::Inserted { position: at, count }) if *at + *count == position => *count += 1,
                _ => changes.push(Change::Inserted { position, count: 1 }),
            },
        }
        self.rows.push_back(Arc::new(row));
    }

    fn prepend(&mut self, entries: Vec<Entry>, changes: &mut Vec<Change>) {
        let mut count = 0;
        for entry in entries.into_iter().rev() {
            self.from = entry.sequence;
            let entry = match amendment(entry) {
                // Its target is older still.
                Ok(amendment) => {
                    self.orphans.push(amendment);
                    continue;
                }
                Err(entry) => entry,
            };
            let known = self.index.binary_search_by_key(&entry.id, |(id, _)| *id);
            let (Some(mut row), Err(slot)) = (row(entry), known) else { continue };
            self.index.insert(slot, (row.id, row.sequence));
            self.adopt_orphans(&mut row);
            // What another tab said can be in history before it is in this run; one bubble each.
            self.discard_echo(row.id, changes);
            self.rows.push_front(Arc::new(row));
            count += 1;
        }
        if count > 0 {
            changes.push(Change::Inserted { position: 0, count });
        }
    }

    fn adopt_orphans(&mut self, row: &mut Row) {
        let mut mine = Vec::new();
        let mut at = 0;
        while at < self.orphans.len() {
            if self.orphans[at].target == row.id { mine.push(self.orphans.swap_remove(at)) } else { at += 1 }
        }
        while let Some(next) = (0..mine.len()).min_by_key(|next| mine[*next].sequence) {
            mine.swap_remove(next).apply(row);
        }
    }

    fn amend_or_keep(&mut self, amendment: Amendment, changes: &mut Vec<Change>) {
        let found = self.index.binary_search_by_key(&amendment.target, |(id, _)| *id);
        let Some(position) = found.ok().and_then(|found| self.position_at(self.index[found].1)) else {
            return self.orphans.push(amendment);
        };
        amendment.apply(Arc::make_mut(&mut self.rows[position]));
        changes.push(Change::Updated { position });
    }
}

impl Amendment {
    /// A redaction is final: the words of an edit that comes after it are not shown either.
    fn apply(self, row: &mut Row) {
        let is_redacted = matches!(row.amended, Amended::Redacted(_));
        match self.message {
            Some(_) if is_redacted => {}
            Some(message) => {
                row.body = EntryBody::Message(message);
                row.amended = Amended::Edited(self.at);
            }
            None => {
                row.amended = Amended::Redacted(self.at);
                match &mut row.body {
                    EntryBody::Message(message) => *message = Message::text(String::new()),
                    EntryBody::SuggestionResponse(SuggestionResponse { text, .. }) => text.clear(),
                    _ => {}
                }
            }
        }
    }
}

/// Splits entries that change another one from those that stand for themselves.
fn amendment(entry: Entry) -> Result<Amendment, Entry> {
    let (sequence, at) = (entry.sequence, entry.at);
    match entry.body {
        EntryBody::Edit(Edit { target, message }) => {
            Ok(Amendment { sequence, at, target, message: Some(message) })
        }
        EntryBody::Redaction(redaction) => {
            Ok(Amendment { sequence, at, target: redaction.target, message: None })
        }
        _ => Err(entry),
    }
}

/// The row that an entry shows as. Hidden ones show nothing, nor do kinds that this build does not know and that
/// carry no fallback.
fn row(entry: Entry) -> Option<Row> {
    let is_shown = match &entry.body {
        EntryBody::Hidden(_) | EntryBody::Unknown | EntryBody::Edit(_) | EntryBody::Redaction(_) => false,
        EntryBody::Message(message) => message.content != Content::Unknown || message.fallback.is_some(),
        _ => true,
    };
    let Entry { sequence, id, at, author, body } = entry;
    is_shown.then_some(Row { id, sequence, at, author, body, amended: Amended::No })
}

/// Sequence differences within one frame: they fit, a frame holds a hundred entries.
fn usize_from(difference: u64) -> usize {
    usize::try_from(difference).unwrap_or(usize::MAX)
}
