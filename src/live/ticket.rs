//! One-use tickets: what a socket shows instead of a cookie, since a page of any origin can open a socket.
//!
//! Tickets live in this process alone, for seconds. A spent one is remembered until it would have expired
//! anyway, so that a replay is told from a mistyped one.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use portico_domain::Admission;
use portico_protocol::{Moment, Problem};
use portico_seal::base64url;

/// How long a ticket may be spent, in milliseconds.
pub const TICKET_FOR_MS: u64 = 30_000;
/// Tickets kept at the same time.
const TICKETS_MAX: usize = 1 << 17;

/// The tickets of this process.
#[derive(Debug, Default)]
pub struct Tickets {
    state: Mutex<State>,
}

type Secret = [u8; 32];

#[derive(Debug, Default)]
struct State {
    held: HashMap<Secret, Held>,
    /// Oldest first.
    order: VecDeque<Secret>,
}

#[derive(Debug)]
struct Held {
    expires_at: Moment,
    /// Gone once the ticket was spent.
    admission: Option<Box<Admission>>,
}

impl Tickets {
    /// A new ticket, made of `random`; `None` where there are too many already.
    #[must_use]
    pub fn issue(&self, now: Moment, admission: Admission, random: Secret) -> Option<String> {
        let mut state = self.lock();
        state.forget_old(now);
        if state.order.len() >= TICKETS_MAX {
            return None;
        }
        let held = Held { expires_at: now + TICKET_FOR_MS, admission: Some(Box::new(admission)) };
        state.held.insert(random, held);
        state.order.push_back(random);
        Some(base64url::encode(random))
    }

    /// Spends a ticket.
    ///
    /// # Errors
    /// It is unknown, expired or was spent before.
    pub fn spend(&self, now: Moment, ticket: &str) -> Result<Admission, Problem> {
        let secret = base64url::decode_array(ticket).ok_or_else(unknown)?;
        let mut state = self.lock();
        let held = state.held.get_mut(&secret).ok_or_else(unknown)?;
        if now >= held.expires_at {
            return Err(refused("ticket-expired", "This ticket has expired"));
        }
        let admission =
            held.admission.take().ok_or_else(|| refused("ticket-spent", "This ticket was used before"))?;
        Ok(*admission)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code that holds the lock can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Forgets what expired a ticket's life ago: until then it is told apart from what never was.
    fn forget_old(&mut self, now: Moment) {
        while let Some(oldest) = self.order.front() {
            let is_old = |held: &Held| now.millis_since(held.expires_at) >= TICKET_FOR_MS;
            if !self.held.get(oldest).is_none_or(is_old) {
                return;
            }
            self.held.remove(oldest);
            self.order.pop_front();
        }
    }
}

fn unknown() -> Problem {
    refused("ticket-unknown", "This ticket was not issued here")
}

fn refused(code: &str, title: &str) -> Problem {
    Problem::new(code, 401, title).with_detail("Ask for a fresh ticket, and spend it once within 30 seconds")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use portico_domain::Role;
    use portico_protocol::{ConversationId, ParticipantId, SessionId, Timestamp};

    use super::*;

    fn admission() -> Admission {
        Admission {
            session: SessionId::from_bytes([1; 16]),
            role: Role::Visitor {
                brand: "lumen".parse().expect("a brand id"),
                visitor: ParticipantId::from_bytes([2; 16]),
                conversation: ConversationId::from_bytes([3; 16]),
            },
            expires_at: Timestamp::from_millis(1),
            policy: Arc::default(),
        }
    }

    fn code(result: Result<Admission, Problem>) -> String {
        result.expect_err("refused").code().to_owned()
    }

    #[test]
    fn a_ticket_admits_once_and_only_in_time() {
        let tickets = Tickets::default();
        let start = Moment::from_millis(5);
        let first = tickets.issue(start, admission(), [1; 32]).expect("room");
        let second = tickets.issue(start, admission(), [2; 32]).expect("room");
        let last = start + (TICKET_FOR_MS - 1);
        assert_eq!(tickets.spend(last, &first), Ok(admission()));
        assert_eq!(code(tickets.spend(last, &first)), "ticket-spent");
        assert_eq!(code(tickets.spend(last + 1, &second)), "ticket-expired");
    }

    #[test]
    fn what_was_never_issued_is_unknown_whatever_it_looks_like() {
        let tickets = Tickets::default();
        let genuine = tickets.issue(Moment::default(), admission(), [7; 32]).expect("room");
        let forged = base64url::encode([8; 32]);
        for ticket in ["", "a", "🎫", forged.as_str(), &genuine[1..], &format!("{genuine}=")] {
            assert_eq!(code(tickets.spend(Moment::default(), ticket)), "ticket-unknown", "{ticket:?}");
        }
        assert!(tickets.spend(Moment::default(), &genuine).is_ok());
    }

    #[test]
    fn old_tickets_are_forgotten_as_new_ones_are_issued() {
        let tickets = Tickets::default();
        for index in 0..100_u8 {
            let now = Moment::from_millis(u64::from(index) * TICKET_FOR_MS);
            assert!(tickets.issue(now, admission(), [index; 32]).is_some());
            let state = tickets.lock();
            assert!(state.held.len() <= 3);
            assert_eq!(state.held.len(), state.order.len());
        }
    }
}
