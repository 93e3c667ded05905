//! Where everything that happens in conversations passes: stored first, announced after.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use portico_domain::session::{Input, Rates};
use portico_domain::{Actor, Admission, Growth, Policy, Role};
use portico_protocol::frame::{TypingNotice, Waiting, WatermarkMoved};
use portico_protocol::{BrandId, ConversationId, ParticipantId, Problem, SessionId, Submission, Timestamp};
use portico_store::{Append, AppendError, Appended, Store, StoreError};
use prometheus::Registry;
use tokio::sync::oneshot;

use super::line::Lines;
use super::mailbox::Mailbox;
use super::meter::Meter;
use super::ticket::Tickets;
use crate::bot::Bots;
use crate::bus::Bus;
use crate::clock;

/// Measured waits that a restarted server still knows.
const WAITS_RESTORED: u32 = 21;
/// Clients try again after this, in milliseconds, where we failed.
const RETRY_AFTER_MS: u64 = 5_000;

/// The live part of the server. Connections, bots and the API append through it, and hear through its bus.
#[derive(Debug)]
pub struct Hub {
    /// What is durable.
    pub store: Store,
    /// Who listens.
    pub bus: Bus,
    /// What admits to a connection.
    pub tickets: Tickets,
    pub(super) rates: Rates,
    pub(super) meter: Meter,
    lines: Lines,
    /// Say when people are back.
    bots: Arc<Bots>,
    /// Connections by their session: a revoked one ends at once.
    sessions: Mutex<HashMap<SessionId, Connected>>,
}

/// The connections of one session.
#[derive(Debug)]
struct Connected {
    is_person: bool,
    mailboxes: Vec<Arc<Mailbox>>,
}

/// Something to be appended.
#[derive(Clone, Debug)]
pub struct Submitting {
    /// To which log.
    pub conversation: ConversationId,
    /// The brand of the conversation.
    pub brand: BrandId,
    /// Whose conversation it is.
    pub visitor: ParticipantId,
    /// Who asks.
    pub actor: Actor,
    /// What for.
    pub submission: Submission,
    /// What the brand has set, in the visitor's language.
    pub policy: Arc<Policy>,
}

impl Hub {
    /// A hub on an open, migrated store, which counts into `registry`.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn open(
        store: Store,
        bots: Arc<Bots>,
        rates: Rates,
        registry: &Registry,
    ) -> Result<Self, StoreError> {
        let lines = Lines::default();
        for brand in store.brands().all().await? {
            let waiting = store.conversations().waiting(&brand.id).await?;
            let waits_ms = store.conversations().last_waits_ms(&brand.id, WAITS_RESTORED).await?;
            lines.restore(&brand.id, &waiting, &waits_ms, clock::now());
        }
        Ok(Self {
            store,
            bus: Bus::default(),
            tickets: Tickets::default(),
            rates,
            meter: Meter::new(registry),
            lines,
            bots,
            sessions: Mutex::default(),
        })
    }

    /// Appends, durably, and tells everybody who listens.
    ///
    /// # Errors
    /// The conversation's rules refuse it, or it could not be stored; then nothing of it was.
    pub async fn submit(self: &Arc<Self>, submitting: Submitting) -> Result<Appended, AppendError> {
        let (reply, answer) = oneshot::channel();
        self.submit_then(submitting, |result| drop(reply.send(result)));
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// The same without waiting: appends are stored in the order of these calls, and `reply` is called right
    /// after. It must be short and must not block.
    pub fn submit_then(
        self: &Arc<Self>,
        submitting: Submitting,
        reply: impl FnOnce(Result<Appended, AppendError>) + Send + Sync + 'static,
    ) {
        let Submitting { conversation, brand, visitor, actor, submission, policy } = submitting;
        let append = Append { conversation, brand, visitor, actor, submission, policy, now: clock::now() };
        let hub = Arc::clone(self);
        // The announcement must not depend on whether the one who asked is still there.
        self.store.append_then(append, move |result| {
            hub.meter.count_submission(&result);
            if let Ok(appended) = &result
                && !appended.was_duplicate
            {
                hub.announce(conversation, appended);
            }
            reply(result);
        });
    }

    fn announce(&self, conversation: ConversationId, appended: &Appended) {
        let growth = Growth::new(conversation, Arc::clone(&appended.entries), appended.conversation.clone());
        let growth = Arc::new(growth);
        self.bus.grew(&growth);
        let is_staffed = self.bus.is_staffed(&growth.state.brand);
        for waiting in self.lines.grew(&growth, is_staffed, clock::now()) {
            self.bus.waiting(&self.with_opening(&growth.state.brand, waiting));
        }
    }

    /// Stores how far somebody has got, and tells the others.
    pub fn move_watermark(self: &Arc<Self>, brand: BrandId, moved: &WatermarkMoved) {
        let (hub, conversation) = (Arc::clone(self), moved.conversation);
        self.store.watermarks().advance_then(conversation, moved.watermark, move |result| {
            // A watermark that could not be stored is claimed again on the client's next connection.
            if let Ok(watermark) = result {
                hub.bus.watermark_moved(&brand, &WatermarkMoved { conversation, watermark });
            }
        });
    }

    /// Tells the others that somebody types, or has stopped. For bots: connections do it by their frames.
    pub fn tell_typing(&self, from: ParticipantId, notice: &TypingNotice) {
        self.bus.typing(from, notice);
    }

    /// How long it takes until a person answers in `conversation`, whether it waits already or not.
    #[must_use]
    pub fn waiting(&self, brand: &BrandId, conversation: ConversationId) -> Waiting {
        let waiting = self.lines.forecast(brand, conversation, self.bus.is_staffed(brand), clock::now());
        self.with_opening(brand, waiting)
    }

    /// Ends every connection of a session that was revoked.
    pub fn end_session(&self, session: SessionId) {
        if let Some(connected) = lock(&self.sessions).get(&session) {
            for mailbox in &connected.mailboxes {
                mailbox.notify(Input::SessionEnded);
            }
        }
    }

    /// Ends the connections of representatives whose session was revoked elsewhere: by a command beside the
    /// server, or on another node.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn recheck_people(&self) -> Result<(), StoreError> {
        let people: Vec<SessionId> = {
            let sessions = lock(&self.sessions);
            sessions.iter().filter(|(_, connected)| connected.is_person).map(|(id, _)| *id).collect()
        };
        for id in people {
            let session = self.store.sessions().find(id).await?;
            if !session.is_some_and(|session| session.is_live(clock::now())) {
                self.end_session(id);
            }
        }
        Ok(())
    }

    /// Spends a ticket for the connection of `mailbox`.
    pub(super) fn admit(&self, ticket: &str, mailbox: &Arc<Mailbox>) -> Result<Admission, Problem> {
        let admission = self.tickets.spend(clock::moment(), ticket)?;
        self.meter.connections.inc();
        let is_person = matches!(admission.role, Role::Person { .. });
        lock(&self.sessions)
            .entry(admission.session)
            .or_insert_with(|| Connected { is_person, mailboxes: Vec::with_capacity(1) })
            .mailboxes
            .push(Arc::clone(mailbox));
        if let Role::Person { brand, .. } = &admission.role
            && self.bus.person_came(brand, mailbox)
        {
            self.tell_line(brand, true);
        }
        Ok(admission)
    }

    /// The connection of `mailbox` has ended.
    pub(super) fn leave(&self, admission: &Admission, mailbox: &Arc<Mailbox>) {
        self.meter.connections.dec();
        let mut sessions = lock(&self.sessions);
        if let Some(connected) = sessions.get_mut(&admission.session) {
            connected.mailboxes.retain(|one| !Arc::ptr_eq(one, mailbox));
            if connected.mailboxes.is_empty() {
                sessions.remove(&admission.session);
            }
        }
        drop(sessions);
        if let Role::Person { brand, .. } = &admission.role
            && self.bus.person_went(brand, mailbox)
        {
            self.tell_line(brand, false);
        }
    }

    /// What a conversation that was just opened is told about waiting, if it waits.
    pub(super) fn waiting_of(&self, brand: &BrandId, conversation: ConversationId) -> Option<Waiting> {
        let waiting = self.lines.tell(brand, conversation, self.bus.is_staffed(brand), clock::now())?;
        Some(self.with_opening(brand, waiting))
    }

    fn tell_line(&self, brand: &BrandId, is_staffed: bool) {
        for waiting in self.lines.tell_all(brand, is_staffed, clock::now()) {
            self.bus.waiting(&self.with_opening(brand, waiting));
        }
    }

    /// Adds when people are back, where nobody is there.
    fn with_opening(&self, brand: &BrandId, waiting: Waiting) -> Waiting {
        let is_away = !waiting.is_staffed;
        let opens_at = is_away.then(|| self.bots.next_opening(brand, clock::now())).flatten();
        Waiting { opens_at, ..waiting }
    }
}

/// What became of a submission, as its sender is told.
pub(super) fn told(result: Result<Appended, AppendError>) -> Result<(u64, Timestamp), Problem> {
    match result {
        Ok(appended) => {
            let entry = appended.main_entry();
            Ok((entry.sequence, entry.at))
        }
        Err(AppendError::Refused(refusal)) => Err(refusal.into()),
        Err(AppendError::Unavailable(error)) => Err(unavailable(&error)),
    }
}

/// The store's failure as whoever is connected is told: what it is stays between us and the log.
pub(super) fn unavailable(error: &StoreError) -> Problem {
    let retry_after_ms = error.retry_after_ms().unwrap_or(RETRY_AFTER_MS);
    Problem::new("unavailable", 503, "The server cannot do this at the moment")
        .with_detail("Nothing was lost: try again in a moment")
        .with_retry_after_ms(retry_after_ms)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code that holds these locks can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
