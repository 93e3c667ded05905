//! Tickets for connections.

use std::cell::RefCell;
use std::rc::Rc;

use portico_protocol::api::Ticket;

use crate::api::{CallError, call};

/// Where tickets come from: the first from opening the session, each further one by a call.
#[derive(Clone)]
pub struct Tickets(Rc<Source>);

struct Source {
    path: &'static str,
    first: RefCell<Option<String>>,
    bearer: RefCell<Option<String>>,
}

/// Why there was no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTicket {
    /// Trying again may help.
    Later,
    /// The session has ended.
    SessionEnded,
}

impl Tickets {
    /// Tickets from `path`. `first`: one that is at hand already. `bearer`: names the session, where the
    /// cookie may be blocked or one of several.
    #[must_use]
    pub fn new(path: &'static str, first: Option<String>, bearer: Option<String>) -> Self {
        Self(Rc::new(Source { path, first: RefCell::new(first), bearer: RefCell::new(bearer) }))
    }

    /// The session was renewed.
    pub fn renew(&self, first: Option<String>, bearer: Option<String>) {
        *self.0.first.borrow_mut() = first;
        *self.0.bearer.borrow_mut() = bearer;
    }

    pub(crate) async fn take(&self) -> Result<String, NoTicket> {
        let first = self.0.first.borrow_mut().take();
        if let Some(first) = first {
            return Ok(first);
        }
        let bearer = self.0.bearer.borrow().clone();
        let answer = call::<Ticket>("POST", self.0.path, None::<&()>, bearer.as_deref()).await;
        match answer {
            Ok(ticket) => Ok(ticket.ticket),
            Err(CallError::Problem(problem)) if matches!(problem.status, 401 | 403) => {
                Err(NoTicket::SessionEnded)
            }
            Err(_) => Err(NoTicket::Later),
        }
    }
}
