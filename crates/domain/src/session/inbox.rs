//! A representative's list of conversations, kept up to date without a query per message.

use std::collections::BTreeSet;

use portico_protocol::api::InboxQuery;
use portico_protocol::frame::Inbox;
use portico_protocol::limit::SEARCH_CHARS_MAX;
use portico_protocol::message::check_chars;
use portico_protocol::{
    ConversationId, ConversationStatus, ConversationSummary, InboxView, Moment, Owner, ParticipantId, Problem,
};

use super::Effect;

/// Changes are gathered for so long before the store is asked, in milliseconds.
const GATHER_MS: u64 = 150;
/// So many changed lines are asked for one by one; more than that, and the first page is loaded anew.
const SUMMARIES_MAX: usize = 50;
/// How long to wait after the store could not be read, in milliseconds.
const RETRY_MS: u64 = 1_000;

/// What one connection watches.
#[derive(Debug)]
pub(super) struct InboxWatch {
    query: InboxQuery,
    stage: Stage,
    /// May have changed since the last question; at most [`SUMMARIES_MAX`] and one.
    dirty: BTreeSet<ConversationId>,
    /// Asked for.
    asked: BTreeSet<ConversationId>,
    /// Whether an answer is still to come that an earlier query asked for.
    stale_answers: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Idle,
    Gathering { until: Moment },
    Loading,
    LoadingAgainAt(Moment),
}

impl InboxWatch {
    pub(super) fn new(query: InboxQuery) -> Result<Self, Problem> {
        check_chars("watchInbox.search", &query.search, SEARCH_CHARS_MAX)?;
        let (dirty, asked) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { query, stage: Stage::Idle, dirty, asked, stale_answers: 0 })
    }

    /// Takes the place of `before`, whose open question is still to be answered.
    pub(super) fn replacing(mut self, before: Option<&Self>) -> Self {
        let open =
            before.map_or(0, |before| before.stale_answers + u32::from(before.stage == Stage::Loading));
        self.stale_answers = open;
        self
    }

    /// Asks for the whole list.
    pub(super) fn load(&mut self) -> Effect {
        self.dirty.clear();
        self.asked.clear();
        self.stage = Stage::Loading;
        Effect::LoadInbox(self.query.clone())
    }

    /// `conversation` may have changed.
    pub(super) fn mark(&mut self, now: Moment, conversation: ConversationId) {
        if self.dirty.len() <= SUMMARIES_MAX {
            self.dirty.insert(conversation);
        }
        if self.stage == Stage::Idle {
            self.stage = Stage::Gathering { until: now + GATHER_MS };
        }
    }

    pub(super) const fn wake_at(&self) -> Option<Moment> {
        match self.stage {
            Stage::Gathering { until } => Some(until),
            Stage::LoadingAgainAt(at) => Some(at),
            Stage::Idle | Stage::Loading => None,
        }
    }

    /// Asks the store, once enough was gathered.
    pub(super) fn wake(&mut self, now: Moment) -> Option<Effect> {
        match self.stage {
            Stage::Gathering { until } if now >= until => Some(self.ask()),
            Stage::LoadingAgainAt(at) if now >= at => Some(self.load()),
            _ => None,
        }
    }

    fn ask(&mut self) -> Effect {
        // Only the store can tell what a search finds.
        if !self.query.search.is_empty() || self.dirty.len() > SUMMARIES_MAX {
            return self.load();
        }
        self.stage = Stage::Loading;
        self.asked = std::mem::take(&mut self.dirty);
        Effect::LoadSummaries(self.asked.iter().copied().collect())
    }

    /// Takes the whole list.
    pub(super) fn loaded(
        &mut self,
        now: Moment,
        result: Result<Vec<ConversationSummary>, Problem>,
    ) -> Option<Inbox> {
        let changed = self.answer(now, result)?;
        Some(Inbox { is_snapshot: true, changed, removed: Vec::new() })
    }

    /// Takes the lines asked for, as far as they exist.
    pub(super) fn refreshed(
        &mut self,
        now: Moment,
        me: ParticipantId,
        result: Result<Vec<ConversationSummary>, Problem>,
    ) -> Option<Inbox> {
        let mut removed = std::mem::take(&mut self.asked);
        let mut changed = self.answer(now, result)?;
        changed.retain(|summary| self.holds(me, summary));
        for summary in &changed {
            removed.remove(&summary.conversation);
        }
        let removed: Vec<_> = removed.into_iter().collect();
        let is_news = !changed.is_empty() || !removed.is_empty();
        is_news.then_some(Inbox { is_snapshot: false, changed, removed })
    }

    /// What was asked for, unless it was for an earlier query or the store could not be read.
    fn answer(
        &mut self,
        now: Moment,
        result: Result<Vec<ConversationSummary>, Problem>,
    ) -> Option<Vec<ConversationSummary>> {
        if self.stale_answers > 0 {
            self.stale_answers -= 1;
            return None;
        }
        self.stage = match (&result, self.dirty.is_empty()) {
            (Err(_), _) => Stage::LoadingAgainAt(now + RETRY_MS),
            (Ok(_), true) => Stage::Idle,
            (Ok(_), false) => Stage::Gathering { until: now + GATHER_MS },
        };
        result.ok()
    }

    fn holds(&self, me: ParticipantId, summary: &ConversationSummary) -> bool {
        let is_open = summary.status == ConversationStatus::Open;
        let fits_view = match self.query.view {
            InboxView::Unassigned => is_open && matches!(summary.owner, Owner::Queue(_)),
            InboxView::Mine => matches!(&summary.owner, Owner::Human(owner) if owner.id == me),
            InboxView::All => true,
        };
        fits_view && (is_open || self.query.with_closed)
    }
}
