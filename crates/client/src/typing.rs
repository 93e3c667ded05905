//! Who types at the moment: said sparingly, forgotten quickly.

use portico_protocol::limit::{TYPING_FOR_MS, TYPING_REPEAT_MS};
use portico_protocol::{Author, Moment, ParticipantId, Representative};

/// After this much stillness one no longer types, in milliseconds.
pub const TYPING_IDLE_MS: u64 = 5_000;

/// Whether the participant of this device types, and when to say so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OwnTyping {
    last_key_at: Option<Moment>,
    said_at: Option<Moment>,
}

impl OwnTyping {
    /// A key was pressed. Tells whether to say so.
    pub(crate) fn typed(&mut self, now: Moment) -> bool {
        self.last_key_at = Some(now);
        let is_due = self.said_at.is_none_or(|said| now.millis_since(said) >= TYPING_REPEAT_MS);
        if is_due {
            self.said_at = Some(now);
        }
        is_due
    }

    /// The field was emptied or left. Tells whether others believe that one types.
    pub(crate) fn stopped(&mut self) -> bool {
        self.last_key_at = None;
        self.said_at.take().is_some()
    }

    /// What was typed has been sent: whoever receives it knows that typing is over.
    pub(crate) const fn sent(&mut self) {
        (self.last_key_at, self.said_at) = (None, None);
    }

    /// Tells whether stillness has lasted long enough to say so.
    pub(crate) fn tick(&mut self, now: Moment) -> bool {
        self.idle_at().is_some_and(|idle_at| idle_at <= now) && self.stopped()
    }

    pub(crate) fn idle_at(&self) -> Option<Moment> {
        self.last_key_at.map(|at| at + TYPING_IDLE_MS)
    }
}

/// The others who type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Typists {
    typists: Vec<(Option<Representative>, Moment)>,
}

impl Typists {
    /// The representatives who type; `None` stands for the visitor.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Option<&Representative>> {
        self.typists.iter().map(|(who, _)| who.as_ref())
    }

    /// A notice came. Tells whether the picture changed.
    pub(crate) fn notice(&mut self, now: Moment, who: Option<Representative>, is_typing: bool) -> bool {
        let key = id(who.as_ref());
        let known = self.typists.iter().position(|(typist, _)| id(typist.as_ref()) == key);
        match (known, is_typing) {
            (Some(at), true) => {
                self.typists[at].1 = now + TYPING_FOR_MS;
                false
            }
            (None, true) => {
                self.typists.push((who, now + TYPING_FOR_MS));
                true
            }
            (Some(at), false) => {
                self.typists.remove(at);
                true
            }
            (None, false) => false,
        }
    }

    /// Somebody's words arrived: they no longer type them. Tells whether the picture changed.
    pub(crate) fn spoke(&mut self, author: &Author) -> bool {
        let key = match author {
            Author::Visitor(_) => None,
            Author::Representative(who) => Some(who.id),
            Author::Server(_) | Author::Unknown => return false,
        };
        self.retain(|typist| id(typist) != key)
    }

    /// Nothing is known any more. Tells whether the picture changed.
    pub(crate) fn clear(&mut self) -> bool {
        self.retain(|_| false)
    }

    /// Forgets those who have not repeated it in time. Tells whether the picture changed.
    pub(crate) fn tick(&mut self, now: Moment) -> bool {
        let before = self.typists.len();
        self.typists.retain(|(_, until)| *until > now);
        self.typists.len() != before
    }

    pub(crate) fn expire_at(&self) -> Option<Moment> {
        self.typists.iter().map(|(_, until)| *until).min()
    }

    fn retain(&mut self, keep: impl Fn(Option<&Representative>) -> bool) -> bool {
        let before = self.typists.len();
        self.typists.retain(|(who, _)| keep(who.as_ref()));
        self.typists.len() != before
    }
}

fn id(who: Option<&Representative>) -> Option<ParticipantId> {
    who.map(|who| who.id)
}
