//! How far everybody has got, and what follows for each message.

use portico_protocol::{Author, ParticipantId, Problem, Watermark};

/// How far a message has got, as its bubble shows it.
#[derive(Clone, Debug, PartialEq)]
pub enum Delivery {
    /// Somebody else said it: nothing to show.
    Received,
    /// Written, and not on the wire: there is no connection, or the server asked to wait.
    Waiting,
    /// On the wire.
    Sending,
    /// Durable at the server.
    Sent,
    /// On a device of the other side.
    Delivered,
    /// Seen by the other side.
    Read,
    /// Refused for good; say it anew or discard it.
    Failed(Problem),
}

/// One line a participant. What grows never shrinks, whatever order the notices come in.
#[derive(Clone, Debug, Default)]
pub struct Watermarks {
    marks: Vec<Watermark>,
}

impl Watermarks {
    /// How far `participant` has got, as far as the server has told: delivered, read.
    #[must_use]
    pub fn of(&self, participant: ParticipantId) -> (u64, u64) {
        let mark = self.marks.iter().find(|mark| mark.participant == participant);
        mark.map_or((0, 0), |mark| (mark.delivered, mark.read))
    }

    /// How far the side that `author` does not belong to has got: delivered, read.
    #[must_use]
    pub fn opposite(&self, author: &Author) -> (u64, u64) {
        let others = self.marks.iter().filter(|mark| mark.is_visitor != author.is_visitor());
        others.fold((0, 0), |(delivered, read), mark| (delivered.max(mark.delivered), read.max(mark.read)))
    }

    /// A notice came. Tells whether anybody got further.
    pub(crate) fn raise(&mut self, notice: Watermark) -> bool {
        match self.marks.iter_mut().find(|mark| mark.participant == notice.participant) {
            Some(mark) => {
                let before = *mark;
                mark.delivered = mark.delivered.max(notice.delivered).max(notice.read);
                mark.read = mark.read.max(notice.read);
                *mark != before
            }
            None => {
                self.marks.push(notice);
                true
            }
        }
    }

    /// What the ticks of `author`'s durable message number `sequence` show.
    #[must_use]
    pub fn delivery(&self, author: &Author, sequence: u64) -> Delivery {
        match self.opposite(author) {
            (_, read) if read >= sequence => Delivery::Read,
            (delivered, _) if delivered >= sequence => Delivery::Delivered,
            _ => Delivery::Sent,
        }
    }
}
