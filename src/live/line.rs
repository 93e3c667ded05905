//! The lines of those who wait for a person, one for each brand.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use portico_domain::waiting::{Departure, WaitingLine};
use portico_domain::{Conversation, Growth};
use portico_protocol::frame::Waiting;
use portico_protocol::{BrandId, ConversationId, Owner, Timestamp};

/// So many at the head of a line are told when it moves; who stands further back is told on coming closer.
const TOLD_MAX: usize = 100;

/// All lines of this process.
#[derive(Debug, Default)]
pub(super) struct Lines {
    brands: Mutex<HashMap<BrandId, WaitingLine>>,
}

impl Lines {
    /// Takes what the store knew when the server started.
    pub(super) fn restore(
        &self,
        brand: &BrandId,
        waiting: &[(ConversationId, Timestamp)],
        waits_ms: &[u64],
        now: Timestamp,
    ) {
        let mut brands = self.lock();
        let line = brands.entry(brand.clone()).or_default();
        for (conversation, since) in waiting {
            line.enter(*conversation, *since);
        }
        // Newest first in the store; when they ended exactly does not matter a moment later.
        for lasted_ms in waits_ms.iter().rev() {
            line.remember_wait(now, *lasted_ms);
        }
    }

    /// Takes a growth in. Returns what whom must be told of it.
    pub(super) fn grew(&self, growth: &Growth, is_staffed: bool, now: Timestamp) -> Vec<Waiting> {
        let state = &growth.state;
        let mut brands = self.lock();
        // Most growth has nothing to do with waiting: look before making room.
        if state.waiting_since.is_none() && !brands.contains_key(&state.brand) {
            return Vec::new();
        }
        let line = brands.entry(state.brand.clone()).or_default();
        match state.waiting_since {
            Some(since) if line.enter(growth.conversation, since) => {
                line.tell(growth.conversation, is_staffed, now).into_iter().collect()
            }
            None if line.leave(growth.conversation, departure(state)) => tell_all(line, is_staffed, now),
            _ => Vec::new(),
        }
    }

    /// Whoever waits, and what they are told now.
    pub(super) fn tell_all(&self, brand: &BrandId, is_staffed: bool, now: Timestamp) -> Vec<Waiting> {
        self.lock().get(brand).map(|line| tell_all(line, is_staffed, now)).unwrap_or_default()
    }

    /// What `conversation` is told, if it waits.
    pub(super) fn tell(
        &self,
        brand: &BrandId,
        conversation: ConversationId,
        is_staffed: bool,
        now: Timestamp,
    ) -> Option<Waiting> {
        self.lock().get(brand)?.tell(conversation, is_staffed, now)
    }

    /// What somebody would be told who came now.
    pub(super) fn forecast(
        &self,
        brand: &BrandId,
        conversation: ConversationId,
        is_staffed: bool,
        now: Timestamp,
    ) -> Waiting {
        let brands = self.lock();
        let line = brands.get(brand);
        line.and_then(|line| line.tell(conversation, is_staffed, now)).unwrap_or_else(|| Waiting {
            conversation,
            before: line.map_or(0, |line| u32::try_from(line.len()).unwrap_or(u32::MAX)),
            estimate_ms: line.and_then(|line| line.estimate_ms(now)),
            is_staffed,
            opens_at: None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<BrandId, WaitingLine>> {
        // No code that holds the lock can panic half-way.
        self.brands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn departure(state: &Conversation) -> Departure {
    match state.owner {
        Owner::Human(_) => Departure::Answered(state.last_at),
        _ => Departure::GaveUp,
    }
}

fn tell_all(line: &WaitingLine, is_staffed: bool, now: Timestamp) -> Vec<Waiting> {
    line.iter().take(TOLD_MAX).filter_map(|conversation| line.tell(conversation, is_staffed, now)).collect()
}
