//! The states of the conversations that are busy, in memory.

use std::collections::HashMap;

use portico_protocol::ConversationId;

use crate::fold::Fold;

/// Conversations kept, at about 1 KiB each.
const CONVERSATIONS_MAX: usize = 8_192;

/// Bounded by generations: what was not used while half of the room filled up anew is dropped.
#[derive(Default)]
pub(crate) struct Cache {
    young: HashMap<ConversationId, Fold>,
    old: HashMap<ConversationId, Fold>,
}

impl Cache {
    /// Takes a state out. Whoever changes it puts it back after the commit; if that fails it is simply
    /// gone, and will be read again.
    pub(crate) fn take(&mut self, id: ConversationId) -> Option<Fold> {
        self.young.remove(&id).or_else(|| self.old.remove(&id))
    }

    pub(crate) fn put(&mut self, id: ConversationId, fold: Fold) {
        if self.young.len() >= CONVERSATIONS_MAX / 2 {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(id, fold);
    }
}
