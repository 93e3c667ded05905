//! Who listens to one conversation.

use std::sync::Arc;

use portico_domain::session::Input;
use portico_protocol::frame::Presence;
use portico_protocol::{ConversationId, Representative};

use crate::live::Mailbox;

/// The connections that follow one conversation.
#[derive(Debug, Default)]
pub(super) struct Topic {
    subscribers: Vec<Subscriber>,
}

#[derive(Debug)]
struct Subscriber {
    mailbox: Arc<Mailbox>,
    /// Absent for the visitor. Boxed: nearly all subscribers are visitors.
    representative: Option<Box<Representative>>,
}

/// Who of a topic is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    Everybody,
    Representatives,
}

impl Topic {
    /// Returns whether that changes who is seen to be there.
    pub(super) fn add(&mut self, mailbox: &Arc<Mailbox>, representative: Option<&Representative>) -> bool {
        if self.subscribers.iter().any(|one| Arc::ptr_eq(&one.mailbox, mailbox)) {
            return false;
        }
        let is_news = !self.has(representative) || representative.is_some();
        // Most conversations are followed by one connection: the usual growth to four would waste memory.
        self.subscribers.reserve_exact(1);
        let representative = representative.cloned().map(Box::new);
        self.subscribers.push(Subscriber { mailbox: Arc::clone(mailbox), representative });
        is_news
    }

    /// Returns whether that changes who is seen to be there.
    pub(super) fn remove(&mut self, mailbox: &Arc<Mailbox>) -> bool {
        let index = self.subscribers.iter().position(|one| Arc::ptr_eq(&one.mailbox, mailbox));
        let Some(index) = index else { return false };
        // Not swapped: viewers are listed in the order in which they came.
        let gone = self.subscribers.remove(index);
        !self.has(gone.representative.as_deref())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    pub(super) fn presence(&self, conversation: ConversationId) -> Presence {
        let mut viewers: Vec<Representative> = Vec::new();
        for viewer in self.subscribers.iter().filter_map(|one| one.representative.as_deref()) {
            if !viewers.iter().any(|known| known.id == viewer.id) {
                viewers.push(viewer.clone());
            }
        }
        Presence { conversation, viewers, visitor_is_online: self.has(None) }
    }

    /// Visitors are not told who looks at their conversation.
    pub(super) fn tell_presence(&self, conversation: ConversationId) {
        if self.subscribers.iter().any(|one| one.representative.is_some()) {
            let presence = self.presence(conversation);
            self.tell(Audience::Representatives, || Input::Presence(presence.clone()));
        }
    }

    pub(super) fn tell(&self, audience: Audience, input: impl Fn() -> Input) {
        for subscriber in &self.subscribers {
            if audience == Audience::Everybody || subscriber.representative.is_some() {
                subscriber.mailbox.notify(input());
            }
        }
    }

    fn has(&self, representative: Option<&Representative>) -> bool {
        let id = |representative: &Representative| representative.id;
        self.subscribers.iter().any(|one| one.representative.as_deref().map(id) == representative.map(id))
    }
}
