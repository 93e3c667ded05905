//! The driver of one connection: one task, one loop.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use portico_domain::Session;
use portico_domain::session::{Effect, Input, Outgoing};
use portico_protocol::limit::SERVER_FRAME_BYTES_MAX;
use portico_protocol::{ClientFrame, ConversationId, Moment, ParticipantId, Submission, codec};
use tokio::task::JoinHandle;
use tokio::time::Sleep;

use super::hub::{Hub, Submitting, told};
use super::mailbox::Mailbox;
use super::wire::{Received, Wire};
use crate::clock;
use crate::closing::ClosingWatch;

/// With more than this waiting to be read by the client, nothing is loaded for it and nothing read from it.
const CONGESTED_BYTES: usize = 64 * 1_024;
/// With no more than this waiting, it goes on.
const RELIEVED_BYTES: usize = 16 * 1_024;
/// With more than this waiting, the client must come back and resume: what one connection may have asked for
/// before it was congested is less.
const QUEUED_BYTES_MAX: usize = 5 * SERVER_FRAME_BYTES_MAX;
/// Frames taken from one client before other connections get their turn.
const FRAMES_PER_TURN: usize = 32;
/// How long a client gets to take the last frames.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

struct Connection<W> {
    hub: Arc<Hub>,
    mailbox: Arc<Mailbox>,
    session: Session,
    wire: W,
    is_congested: bool,
    stage: Stage,
    /// What was last asked of the store for the inbox.
    inbox_read: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// The session has ended: what is queued may still leave.
    Closing,
    /// Nothing can leave any more.
    Gone,
}

/// Serves one connection until it ends. `closing` is let go of only then, so that the server waits for it.
pub(crate) async fn drive(hub: Arc<Hub>, mut closing: ClosingWatch, wire: impl Wire) {
    let mut connection = Connection {
        session: Session::new(hub.rates, clock::moment()),
        mailbox: Arc::default(),
        hub,
        wire,
        is_congested: false,
        stage: Stage::Open,
        inbox_read: None,
    };
    {
        let mut alarm = pin!(tokio::time::sleep(Duration::ZERO));
        let mut begun = pin!(closing.begun());
        let mut is_closing = false;
        poll_fn(|context| {
            if !is_closing && begun.as_mut().poll(context).is_ready() {
                is_closing = true;
                connection.handle(clock::moment(), Input::ShuttingDown);
            }
            connection.poll(context, alarm.as_mut())
        })
        .await;
    }
    connection.leave();
    if connection.stage == Stage::Closing {
        let closed = poll_fn(|context| connection.wire.poll_close(context));
        // Who does not even take the goodbye learns of the end by the connection's.
        let _ = tokio::time::timeout(CLOSE_WITHIN, closed).await;
    }
    drop(closing);
}

impl<W: Wire> Connection<W> {
    /// Goes on until nothing is left to do; ready once the session has ended.
    fn poll(&mut self, context: &mut Context<'_>, mut alarm: Pin<&mut Sleep>) -> Poll<()> {
        let now = clock::moment();
        while let Poll::Ready(input) = self.mailbox.poll_next(context) {
            self.handle(now, input);
        }
        self.receive(now, context);
        self.flush(now, context);
        while self.stage == Stage::Open && self.poll_alarm(context, alarm.as_mut()).is_ready() {
            self.session.wake(clock::moment());
            self.carry_out_all();
            self.flush(now, context);
            // The client may be read again, and nothing else would say so.
            context.waker().wake_by_ref();
        }
        if self.stage == Stage::Open { Poll::Pending } else { Poll::Ready(()) }
    }

    fn receive(&mut self, now: Moment, context: &mut Context<'_>) {
        for _ in 0..FRAMES_PER_TURN {
            if self.stage != Stage::Open || !self.session.may_read() {
                return;
            }
            let Poll::Ready(received) = self.wire.poll_receive(context) else { return };
            match received {
                Received::Text(text) => match codec::decode::<ClientFrame>(&text) {
                    Ok(frame) => self.handle_frame(now, frame),
                    Err(error) => self.handle(now, Input::Malformed(error.into())),
                },
                Received::Frame(frame) => self.handle_frame(now, frame),
                Received::Malformed(problem) => self.handle(now, Input::Malformed(problem)),
                Received::Broken(problem) => self.handle(now, Input::Broken(problem)),
                Received::Control => {}
                Received::Closed => self.stage = Stage::Gone,
            }
        }
        // More may be waiting: after everybody else's turn.
        context.waker().wake_by_ref();
    }

    fn handle_frame(&mut self, now: Moment, frame: ClientFrame) {
        self.session.handle_frame(now, clock::now(), frame);
        self.carry_out_all();
    }

    fn handle(&mut self, now: Moment, input: Input) {
        self.session.handle(now, clock::now(), input);
        self.carry_out_all();
    }

    /// Sends what the client takes, and tells the session whether it takes too little.
    fn flush(&mut self, now: Moment, context: &mut Context<'_>) {
        let queued_before = self.wire.queued_bytes();
        if let Poll::Ready(Err(_)) = self.wire.poll_flush(context) {
            self.stage = Stage::Gone;
            return;
        }
        let queued = self.wire.queued_bytes();
        if self.stage != Stage::Open {
            return;
        }
        if queued > QUEUED_BYTES_MAX {
            return self.handle(now, Input::Overflowed);
        }
        let limit = if self.is_congested { RELIEVED_BYTES } else { CONGESTED_BYTES };
        let (was_congested, moves) = (self.is_congested, queued < queued_before);
        self.is_congested = queued > limit;
        if self.is_congested != was_congested || (self.is_congested && moves) {
            self.handle(now, Input::Congested(self.is_congested));
            // Relief may have queued more, or allowed reading again.
            context.waker().wake_by_ref();
        }
    }

    /// Ready when the session wants to be woken. Waking too early is harmless, so the timer is moved only
    /// where it would ring too late: nearly every frame moves the session's own time, none the timer.
    fn poll_alarm(&self, context: &mut Context<'_>, mut alarm: Pin<&mut Sleep>) -> Poll<()> {
        let Some(wake_at) = self.session.wake_at() else { return Poll::Pending };
        if clock::moment() >= wake_at {
            return Poll::Ready(());
        }
        let due = clock::instant(wake_at);
        if alarm.is_elapsed() || due < alarm.deadline() {
            alarm.as_mut().reset(due);
        }
        match alarm.as_mut().poll(context) {
            // Rang for an earlier wish: set it anew.
            Poll::Ready(()) => {
                alarm.as_mut().reset(due);
                alarm.poll(context)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn carry_out_all(&mut self) {
        while let Some(effect) = self.session.poll_effect() {
            self.carry_out(effect);
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Send(outgoing) => {
                self.hub.meter.count_frame(&outgoing);
                match outgoing {
                    Outgoing::Frame(frame) => self.wire.send(&codec::encode(&frame)),
                    Outgoing::Growth(growth, view) => self.wire.send(growth.encoded(view)),
                }
            }
            Effect::Submit(conversation, visitor, submission) => {
                self.submit(conversation, visitor, submission);
            }
            Effect::Admit(ticket) => {
                let admission = self.hub.admit(&ticket, &self.mailbox);
                self.session.handle(clock::moment(), clock::now(), Input::Admitted(admission));
            }
            Effect::Close => {
                if self.stage == Stage::Open {
                    self.stage = Stage::Closing;
                }
            }
            effect => self.carry_out_admitted(effect),
        }
    }

    /// What only an admitted session asks for.
    fn carry_out_admitted(&mut self, effect: Effect) {
        let Some(admission) = self.session.admission() else { return };
        let (hub, mailbox, admission) = (Arc::clone(&self.hub), Arc::clone(&self.mailbox), admission.clone());
        let role = &admission.role;
        match effect {
            Effect::Follow(conversation, after) => {
                hub.bus.subscribe(conversation, &mailbox, role.representative());
                tokio::spawn(async move {
                    let opening = hub.load_opening(&admission, conversation, after).await;
                    mailbox.answer(Input::Opened(conversation, opening));
                    if let Some(waiting) = hub.waiting_of(admission.role.brand(), conversation) {
                        mailbox.notify(Input::Waiting(waiting));
                    }
                });
            }
            Effect::Unfollow(conversation) => hub.bus.unsubscribe(conversation, &mailbox),
            Effect::LoadAfter(conversation, after) => {
                tokio::spawn(async move {
                    let loaded = hub.load_after(conversation, after).await;
                    mailbox.answer(Input::Loaded(conversation, loaded));
                });
            }
            Effect::LoadBefore(conversation, before, limit) => {
                tokio::spawn(async move {
                    let loaded = hub.load_before(conversation, before, limit).await;
                    mailbox.answer(Input::HistoryLoaded(conversation, loaded));
                });
            }
            Effect::MoveWatermark(moved) => hub.move_watermark(role.brand().clone(), &moved),
            Effect::TellTyping(notice) => hub.bus.typing(role.participant(), &notice),
            Effect::WatchInbox => hub.bus.watch_inbox(role.brand(), &mailbox),
            Effect::LoadInbox(query) => {
                self.read_inbox(async move {
                    mailbox.answer(Input::InboxLoaded(hub.load_inbox(&admission.role, &query).await));
                });
            }
            Effect::LoadSummaries(conversations) => {
                self.read_inbox(async move {
                    mailbox.answer(Input::SummariesLoaded(
                        hub.load_summaries(&admission.role, &conversations).await,
                    ));
                });
            }
            Effect::Send(_) | Effect::Submit(..) | Effect::Admit(_) | Effect::Close => {}
        }
    }

    /// One after the other: the session tells an answer to an earlier question by its turn alone.
    fn read_inbox(&mut self, read: impl Future<Output = ()> + Send + 'static) {
        let before = self.inbox_read.take();
        self.inbox_read = Some(tokio::spawn(async move {
            if let Some(before) = before {
                // Whether it was answered is told by its own input.
                drop(before.await);
            }
            read.await;
        }));
    }

    fn submit(&self, conversation: ConversationId, visitor: ParticipantId, submission: Submission) {
        let Some(admission) = self.session.admission() else { return };
        let (brand, actor) = (admission.role.brand().clone(), admission.role.actor());
        let (id, mailbox) = (submission.id, Arc::clone(&self.mailbox));
        let policy = Arc::clone(&admission.policy);
        let submitting = Submitting { conversation, brand, visitor, actor, submission, policy };
        self.hub.submit_then(submitting, move |result| {
            mailbox.answer(Input::Submitted(conversation, id, told(result)));
        });
    }

    /// Nobody hears or is heard here any more.
    fn leave(&mut self) {
        self.handle(clock::moment(), Input::Gone);
        if let Some(admission) = self.session.admission() {
            self.hub.leave(admission, &self.mailbox);
        }
    }
}
