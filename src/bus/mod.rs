//! The doorbell: who must look at the store again. May fail; the store is the truth.
//!
//! This bus reaches the connections of one process. Nothing is published before it is durable, and nothing
//! that a reader needs is only here: whoever misses a notice sees a gap at the next one, or resumes.

mod topic;

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portico_domain::Growth;
use portico_domain::session::Input;
use portico_protocol::frame::{Presence, TypingNotice, Waiting, WatermarkMoved};
use portico_protocol::{BrandId, ConversationId, ParticipantId, Representative};
use tokio::sync::broadcast;

use self::topic::{Audience, Topic};
use crate::live::Mailbox;

/// Locks over which conversations are spread. A power of two.
const SHARDS: usize = 16;
/// Growths that a reader of all of a brand may be behind before it misses some.
const BRAND_BACKLOG_MAX: usize = 1_024;

/// Who listens to what.
#[derive(Debug)]
pub struct Bus {
    hasher: RandomState,
    topics: [Mutex<HashMap<ConversationId, Topic>>; SHARDS],
    brands: Mutex<HashMap<BrandId, Arc<BrandTopic>>>,
}

/// Who listens to everything of a brand.
#[derive(Debug)]
struct BrandTopic {
    growths: broadcast::Sender<Arc<Growth>>,
    people: Mutex<People>,
}

#[derive(Debug, Default)]
struct People {
    /// Representatives' connections.
    present: Vec<Arc<Mailbox>>,
    /// Those of them that watch the inbox.
    watching: Vec<Arc<Mailbox>>,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            hasher: RandomState::new(),
            topics: std::array::from_fn(|_| Mutex::default()),
            brands: Mutex::default(),
        }
    }
}

impl Bus {
    /// Lets everything of `conversation` reach `mailbox`, for `representative` or, without one, the visitor.
    pub fn subscribe(
        &self,
        conversation: ConversationId,
        mailbox: &Arc<Mailbox>,
        representative: Option<&Representative>,
    ) {
        let mut topics = self.shard(conversation);
        let topic = topics.entry(conversation).or_default();
        if topic.add(mailbox, representative) {
            topic.tell_presence(conversation);
        }
    }

    /// The reverse of [`Self::subscribe`].
    pub fn unsubscribe(&self, conversation: ConversationId, mailbox: &Arc<Mailbox>) {
        let mut topics = self.shard(conversation);
        let Some(topic) = topics.get_mut(&conversation) else { return };
        if topic.remove(mailbox) {
            topic.tell_presence(conversation);
        }
        if topic.is_empty() {
            topics.remove(&conversation);
        }
    }

    /// Who is there at the moment.
    #[must_use]
    pub fn presence(&self, conversation: ConversationId) -> Presence {
        let topics = self.shard(conversation);
        topics.get(&conversation).map_or_else(
            || Presence { conversation, viewers: Vec::new(), visitor_is_online: false },
            |topic| topic.presence(conversation),
        )
    }

    /// A log grew.
    pub fn grew(&self, growth: &Arc<Growth>) {
        let input = || Input::Grew(Arc::clone(growth));
        self.tell(growth.conversation, Audience::Everybody, input);
        let brand = self.brands().get(&growth.state.brand).map(Arc::clone);
        if let Some(brand) = brand {
            // Nobody may be listening: then nobody needs to know.
            let _ = brand.growths.send(Arc::clone(growth));
            brand.tell_watchers(growth.conversation);
        }
    }

    /// Somebody received or read more.
    pub fn watermark_moved(&self, brand: &BrandId, moved: &WatermarkMoved) {
        self.tell(moved.conversation, Audience::Everybody, || Input::Watermark(moved.clone()));
        if !moved.watermark.is_visitor {
            // What a representative has read no longer counts as unread in the inbox.
            self.inbox_changed(brand, moved.conversation);
        }
    }

    /// Somebody types, or has stopped.
    pub fn typing(&self, from: ParticipantId, notice: &TypingNotice) {
        self.tell(notice.conversation, Audience::Everybody, || Input::Typing(from, notice.clone()));
    }

    /// How long the visitor waits.
    pub fn waiting(&self, waiting: &Waiting) {
        self.tell(waiting.conversation, Audience::Everybody, || Input::Waiting(waiting.clone()));
    }

    /// A line of the brand's inbox may have changed.
    pub fn inbox_changed(&self, brand: &BrandId, conversation: ConversationId) {
        let brand = self.brands().get(brand).map(Arc::clone);
        if let Some(brand) = brand {
            brand.tell_watchers(conversation);
        }
    }

    /// All growth of a brand, for its bot. A reader that is too far behind is told so, and looks into the
    /// store.
    #[must_use]
    pub fn all(&self, brand: &BrandId) -> broadcast::Receiver<Arc<Growth>> {
        self.brand(brand).growths.subscribe()
    }

    /// A representative's connection came. Returns whether it is the first one of the brand.
    pub fn person_came(&self, brand: &BrandId, mailbox: &Arc<Mailbox>) -> bool {
        let brand = self.brand(brand);
        let mut people = brand.people();
        people.present.push(Arc::clone(mailbox));
        people.present.len() == 1
    }

    /// A representative's connection went. Returns whether it was the last one of the brand.
    pub fn person_went(&self, brand: &BrandId, mailbox: &Arc<Mailbox>) -> bool {
        let brand = self.brand(brand);
        let mut people = brand.people();
        people.present.retain(|one| !Arc::ptr_eq(one, mailbox));
        people.watching.retain(|one| !Arc::ptr_eq(one, mailbox));
        people.present.is_empty()
    }

    /// Whether any representative of the brand is connected.
    #[must_use]
    pub fn is_staffed(&self, brand: &BrandId) -> bool {
        self.brands().get(brand).is_some_and(|brand| !brand.people().present.is_empty())
    }

    /// Lets changes of the brand's inbox reach `mailbox`, until its person goes.
    pub fn watch_inbox(&self, brand: &BrandId, mailbox: &Arc<Mailbox>) {
        let brand = self.brand(brand);
        let mut people = brand.people();
        if !people.watching.iter().any(|one| Arc::ptr_eq(one, mailbox)) {
            people.watching.push(Arc::clone(mailbox));
        }
    }

    fn tell(&self, conversation: ConversationId, audience: Audience, input: impl Fn() -> Input) {
        if let Some(topic) = self.shard(conversation).get(&conversation) {
            topic.tell(audience, input);
        }
    }

    fn shard(&self, conversation: ConversationId) -> MutexGuard<'_, HashMap<ConversationId, Topic>> {
        let index = self.hasher.hash_one(conversation) % SHARDS as u64;
        lock(&self.topics[usize::try_from(index).expect("an index below SHARDS")])
    }

    fn brand(&self, brand: &BrandId) -> Arc<BrandTopic> {
        let mut brands = self.brands();
        if let Some(topic) = brands.get(brand) {
            return Arc::clone(topic);
        }
        let growths = broadcast::Sender::new(BRAND_BACKLOG_MAX);
        let topic = Arc::new(BrandTopic { growths, people: Mutex::default() });
        brands.insert(brand.clone(), Arc::clone(&topic));
        topic
    }

    fn brands(&self) -> MutexGuard<'_, HashMap<BrandId, Arc<BrandTopic>>> {
        lock(&self.brands)
    }
}

impl BrandTopic {
    fn tell_watchers(&self, conversation: ConversationId) {
        for mailbox in &self.people().watching {
            mailbox.notify(Input::InboxChanged(conversation));
        }
    }

    fn people(&self) -> MutexGuard<'_, People> {
        lock(&self.people)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that holds these locks can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
