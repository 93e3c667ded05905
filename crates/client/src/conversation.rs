//! One conversation as this device knows it.

use portico_protocol::frame::{Followed, Presence, Waiting};
use portico_protocol::{
    Author, ConversationId, Entry, EntryBody, Moment, Owner, ParticipantId, Representative, Suggestion,
};

use crate::timeline::{Change, Fit, Row, Timeline};
use crate::typing::{OwnTyping, Typists};
use crate::watermark::Watermarks;

/// How long the news that something was delivered may wait for the news that it was read, in milliseconds: in
/// an open chat both then travel in one frame.
pub const DELIVERED_DELAY_MS: u64 = 150;
/// How long after the last key the words in the composer are saved, in milliseconds.
pub const SAVE_DELAY_MS: u64 = 400;

/// How long entries may fail to come that the server has said are there, in milliseconds. Happens where tabs share
/// a connection: the server answers the last of two questions.
pub const BEHIND_MS: u64 = 5_000;

/// Whether the server sends this conversation's entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Following {
    /// Not asked on this connection.
    Wanted,
    /// Asked; what comes before the answer belongs to an earlier question.
    Asked {
        /// When to ask again.
        until: Moment,
    },
    /// The server sends.
    Live,
}

/// Whether older entries are on their way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryLoad {
    Idle,
    Wanted,
    Asked { until: Moment },
}

/// The fold of everything the server has told about one conversation, and what this device adds to it.
#[derive(Clone, Debug)]
pub struct Conversation {
    id: ConversationId,
    me: Author,
    /// Whether anybody looks at it; if not, it is only followed until its drafts are sent.
    pub(crate) is_wanted: bool,
    pub(crate) timeline: Timeline,
    pub(crate) watermarks: Watermarks,
    pub(crate) typists: Typists,
    pub(crate) own_typing: OwnTyping,
    pub(crate) following: Following,
    pub(crate) history: HistoryLoad,
    pub(crate) presence: Option<Presence>,
    pub(crate) waiting: Option<Waiting>,
    pub(crate) draft: String,
    pub(crate) save_draft_at: Option<Moment>,
    owner: Option<Owner>,
    is_closed: bool,
    /// The head when it was first followed: what is newer is news.
    opened_at: Option<u64>,
    /// The head when owner and closure were last told: only what is newer changes them.
    told_at: u64,
    /// When to follow anew unless what is missing has begun to come.
    pub(crate) behind_until: Option<Moment>,
    read: u64,
    unread: u32,
    reported: (u64, u64),
    pub(crate) report_at: Option<Moment>,
}

impl Conversation {
    pub(crate) fn new(id: ConversationId, me: Author) -> Self {
        Self {
            id,
            me,
            is_wanted: true,
            timeline: Timeline::default(),
            watermarks: Watermarks::default(),
            typists: Typists::default(),
            own_typing: OwnTyping::default(),
            following: Following::Wanted,
            history: HistoryLoad::Idle,
            presence: None,
            waiting: None,
            draft: String::new(),
            save_draft_at: None,
            owner: None,
            is_closed: false,
            opened_at: None,
            told_at: 0,
            behind_until: None,
            read: 0,
            unread: 0,
            reported: (0, 0),
            report_at: None,
        }
    }

    /// Which one.
    #[must_use]
    pub const fn id(&self) -> ConversationId {
        self.id
    }

    /// Its rows.
    #[must_use]
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// How far everybody has got.
    #[must_use]
    pub const fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }

    /// Who answers; `None` before the server has told.
    #[must_use]
    pub const fn owner(&self) -> Option<&Owner> {
        self.owner.as_ref()
    }

    /// Whether it was closed and nobody has written since.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Whether the server has told where the conversation stands; before that, emptiness means nothing.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        self.opened_at.is_some()
    }

    /// Whether the server has told that nothing had been said when it was opened.
    #[must_use]
    pub const fn began_here(&self) -> bool {
        matches!(self.opened_at, Some(0))
    }

    /// Whether older entries can be loaded and are not on their way yet.
    #[must_use]
    pub fn can_load_older(&self) -> bool {
        !self.timeline.holds_nothing() && !self.timeline.is_complete() && self.history == HistoryLoad::Idle
    }

    /// Whether older entries are on their way.
    #[must_use]
    pub fn is_loading_older(&self) -> bool {
        self.history != HistoryLoad::Idle
    }

    /// The words in the composer.
    #[must_use]
    pub fn draft(&self) -> &str {
        &self.draft
    }

    /// The others who type; `None` stands for the visitor.
    pub fn typists(&self) -> impl Iterator<Item = Option<&Representative>> {
        self.typists.iter()
    }

    /// Representatives: who else looks at it, and whether the visitor is there.
    #[must_use]
    pub const fn presence(&self) -> Option<&Presence> {
        self.presence.as_ref()
    }

    /// How long people wait for a person; `None` while nobody waits here.
    #[must_use]
    pub fn waiting(&self) -> Option<&Waiting> {
        self.waiting.as_ref().filter(|_| matches!(self.owner, Some(Owner::Queue(_))) && !self.is_closed)
    }

    /// How many messages of the other side, among those held, this participant has read on no device.
    #[must_use]
    pub const fn unread(&self) -> u32 {
        self.unread
    }

    /// The last sequence number that this participant has read on any device.
    #[must_use]
    pub const fn read_up_to(&self) -> u64 {
        self.read
    }

    /// What can be tapped now: the suggestions of the newest message, unless somebody has spoken since.
    #[must_use]
    pub fn suggestions(&self) -> &[Suggestion] {
        let newest = self.timeline.newest_first().find(|row| row.is_spoken());
        match newest.map(|row| &row.body) {
            Some(EntryBody::Message(message)) if !self.is_closed => &message.suggestions,
            _ => &[],
        }
    }

    /// Whether `row` is this participant's own.
    #[must_use]
    pub fn is_own(&self, row: &Row) -> bool {
        row.author.participant() == self.me.participant()
    }

    /// Whether `row` is for this participant to read: words by the other side.
    #[must_use]
    pub fn concerns(&self, row: &Row) -> bool {
        let is_person = row.author.is_visitor() || row.author.is_representative();
        row.is_spoken() && is_person && row.author.is_visitor() != self.me.is_visitor()
    }

    /// Whether `row` came after the conversation was opened here: worth a sound and an announcement.
    #[must_use]
    pub fn is_news(&self, row: &Row) -> bool {
        self.opened_at.is_some_and(|opened_at| row.sequence > opened_at) && self.concerns(row)
    }

    /// Where the conversation stands, told by the server. Tells whether the log held is not the server's any more.
    pub(crate) fn followed(&mut self, now: Moment, followed: &Followed, changes: &mut Vec<Change>) -> bool {
        self.following = Following::Live;
        self.told_at = followed.head;
        self.owner = Some(followed.owner.clone());
        self.is_closed = followed.is_closed;
        let is_other_log = followed.head < self.timeline.to();
        if is_other_log {
            self.timeline.reset(changes);
            (self.watermarks, self.read, self.opened_at) = (Watermarks::default(), 0, None);
        }
        self.opened_at.get_or_insert(followed.head);
        self.expect_entries(now);
        for watermark in &followed.watermarks {
            self.watermarks.raise(*watermark);
        }
        self.reported = self.own_watermark();
        // What was received or read while there was no connection has not been told yet.
        if self.timeline.to() > self.reported.0 || self.read > self.reported.1 {
            self.report_at = Some(now);
        }
        is_other_log
    }

    /// Takes in entries that the server sent. A gap has to be mended by following anew.
    pub(crate) fn merge(&mut self, now: Moment, entries: Vec<Entry>, changes: &mut Vec<Change>) -> Fit {
        let known_to = self.timeline.to();
        if self.timeline.leaves_gap(&entries) {
            return Fit::Gap;
        }
        let told_to = known_to.max(self.told_at);
        for entry in entries.iter().filter(|entry| entry.sequence > told_to) {
            self.fold(entry);
        }
        let fit = self.timeline.merge(entries, changes);
        self.expect_entries(now);
        let rows = self.timeline.newest_first().take_while(|row| row.is_echo() || row.sequence > known_to);
        let concerns = rows.filter(|row| self.concerns(row)).any(|row| row.sequence > self.reported.0);
        if concerns && self.report_at.is_none() {
            self.report_at = Some(now + DELIVERED_DELAY_MS);
        }
        fit
    }

    fn expect_entries(&mut self, now: Moment) {
        self.behind_until = (self.timeline.to() < self.told_at).then(|| now + BEHIND_MS);
    }

    fn fold(&mut self, entry: &Entry) {
        match &entry.body {
            EntryBody::Handover(handover) => self.owner = Some(handover.to.clone()),
            EntryBody::Closed(_) => {
                self.is_closed = true;
                // Who answers after that is the brand's setting: ask.
                self.following = Following::Wanted;
            }
            EntryBody::Reopened(_) => self.is_closed = false,
            EntryBody::Message(_) | EntryBody::SuggestionResponse(_) => {
                self.typists.spoke(&entry.author);
            }
            _ => {}
        }
    }

    /// The participant has had everything up to `sequence` on screen. Tells whether that is news.
    pub(crate) fn read(&mut self, now: Moment, sequence: u64) -> bool {
        let read = sequence.min(self.timeline.to());
        if read <= self.read {
            return false;
        }
        let newly = self.timeline.newest_first().filter(|row| row.sequence <= read);
        let mut newly = newly.take_while(|row| row.sequence > self.read);
        if newly.any(|row| self.concerns(row)) {
            self.report_at = Some(now);
        }
        self.read = read;
        true
    }

    /// Counts anew what is unread. Tells whether the count changed.
    pub(crate) fn count_unread(&mut self) -> bool {
        self.read = self.read.max(self.own_watermark().1);
        let newer = self.timeline.newest_first().take_while(|row| row.is_echo() || row.sequence > self.read);
        let count = newer.filter(|row| !row.is_echo() && self.concerns(row)).count();
        let before = std::mem::replace(&mut self.unread, u32::try_from(count).unwrap_or(u32::MAX));
        before != self.unread
    }

    /// What to tell the server about how far this device has got, if it is time: delivered, read.
    pub(crate) fn poll_report(&mut self, now: Moment) -> Option<(u64, u64)> {
        self.report_at.filter(|at| *at <= now)?;
        self.report_at = None;
        let standing = (self.timeline.to().max(self.reported.0), self.read.max(self.reported.1));
        let is_news = standing != self.reported;
        self.reported = standing;
        is_news.then_some(standing)
    }

    /// The connection is gone, and with it what only lives while there is one.
    pub(crate) fn connection_lost(&mut self) {
        self.following = Following::Wanted;
        if matches!(self.history, HistoryLoad::Asked { .. }) {
            self.history = HistoryLoad::Wanted;
        }
        self.typists.clear();
        self.own_typing.sent();
        self.behind_until = None;
        self.presence = None;
        self.waiting = None;
    }

    pub(crate) const fn author(&self) -> &Author {
        &self.me
    }

    fn own_watermark(&self) -> (u64, u64) {
        self.me.participant().map_or((0, 0), |me: ParticipantId| self.watermarks.of(me))
    }
}
