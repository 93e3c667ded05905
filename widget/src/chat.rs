//! The one owner of what is on screen: drives the core, and writes the signals that views read.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use portico_browser::embedder::{Configuration, FromPage};
use portico_browser::page::{self, Happening};
use portico_browser::{CallError, Driver, Embedder, Tickets, clock, sound};
use portico_client::{Change, Client, Connectivity, Event, SayError};
use portico_protocol::api::VisitorSession;
use portico_protocol::entry::Owner as Answerer;
use portico_protocol::frame::Waiting;
use portico_protocol::participant::{Author, Visitor};
use portico_protocol::{BrandCard, ConversationId, MessageId, Problem, Suggestion};
use portico_ui::bubble::Act;
use portico_ui::locale::day_number;
use portico_ui::log::Edges;
use portico_ui::row::{Viewer, live_suggestions, rows};
use portico_ui::{ComposerHandle, LogModel, Window};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;

use crate::boot::{Boot, Surface};
use crate::history::{Greeting, items};
use crate::{keep, session};

/// First wait before a session that could not be opened is tried again, in milliseconds; doubled each time.
const REOPEN_MS_MIN: u64 = 1_000;
/// Longest such wait, in milliseconds.
const REOPEN_MS_MAX: u64 = 30_000;

/// How the chat stands, beyond what the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nobody has opened it.
    Closed,
    /// Being opened.
    Opening,
    /// There.
    Open,
    /// The browser knows that there is no network.
    Offline,
    /// The connection was lost; the next attempt comes by itself.
    Reconnecting,
    /// A link from another device: waits for a press.
    AsksToContinue,
    /// That link no longer works.
    LinkIsSpent,
    /// The visitor ended it.
    Ended,
}

/// Whoever waits for the whole history, to write it down.
type TranscriptTaker = Box<dyn FnOnce(&Client, ConversationId)>;

/// See the module. Copies are the same chat.
#[derive(Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) brand: StoredValue<BrandCard>,
    pub(crate) log: LogModel,
    pub(crate) composer: ComposerHandle,
    pub(crate) phase: RwSignal<Phase>,
    pub(crate) suggestions: RwSignal<Vec<Suggestion>>,
    pub(crate) answerer: RwSignal<Option<Answerer>>,
    pub(crate) typist: RwSignal<Option<String>>,
    pub(crate) waiting: RwSignal<Option<Waiting>>,
    /// What the visitor must be told about the last attempt to say something.
    pub(crate) complaint: RwSignal<Option<Complaint>>,
    pub(crate) is_framed: bool,
    inner: StoredValue<Rc<Inner>, LocalStorage>,
}

/// Why what was wanted did not happen.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Complaint {
    /// Too much waits to be sent.
    OutboxFull,
    /// The server refused.
    Problem(Problem),
}

struct Inner {
    locale: String,
    title: String,
    greeting: Greeting,
    embedder: Option<Embedder>,
    configuration: RefCell<Configuration>,
    live: RefCell<Option<Live>>,
    /// Said before there was a session.
    early: RefCell<Vec<String>>,
    window: RefCell<Window>,
    /// Above what follows stands the line that says "new".
    unread_after: Cell<Option<u64>>,
    /// What was unread on opening has been looked at: what comes now is read as it comes.
    is_caught_up: Cell<bool>,
    is_open: Cell<bool>,
    is_dirty: Cell<bool>,
    /// The visitor wants the session to end: that it does is no reason to open another one.
    is_ending: Cell<bool>,
    attempts: Cell<u32>,
    retry: RefCell<Option<page::Timer>>,
    question: Cell<Option<MessageId>>,
    wants_transcript: RefCell<Option<TranscriptTaker>>,
}

#[derive(Clone)]
struct Live {
    driver: Driver,
    tickets: Tickets,
    conversation: ConversationId,
    participant: portico_protocol::ParticipantId,
    bearer: Option<String>,
}

impl Visit {
    pub(crate) fn new(boot: &Boot) -> Self {
        let embedder = Embedder::find().filter(|_| boot.surface == Surface::Frame);
        let inner = Inner {
            locale: boot.locale.clone(),
            title: document().title(),
            greeting: Greeting::new(&boot.brand, clock::timestamp()),
            is_open: Cell::new(false),
            configuration: RefCell::default(),
            live: RefCell::default(),
            early: RefCell::default(),
            window: RefCell::default(),
            unread_after: Cell::default(),
            is_caught_up: Cell::default(),
            is_dirty: Cell::default(),
            is_ending: Cell::default(),
            attempts: Cell::default(),
            retry: RefCell::default(),
            question: Cell::default(),
            wants_transcript: RefCell::default(),
            embedder,
        };
        Self {
            brand: StoredValue::new(boot.brand.clone()),
            log: LogModel::default(),
            composer: ComposerHandle::default(),
            phase: RwSignal::new(Phase::Closed),
            suggestions: RwSignal::default(),
            answerer: RwSignal::new(boot.brand.bot_name.as_ref().map(|_| Answerer::Bot(Default::default()))),
            typist: RwSignal::default(),
            waiting: RwSignal::default(),
            complaint: RwSignal::default(),
            is_framed: inner.embedder.is_some(),
            inner: StoredValue::new_local(Rc::new(inner)),
        }
    }

    /// Starts to live on its surface: a frame waits for the page to open it.
    pub(crate) fn begin(self, surface: Surface) {
        self.refresh_now();
        page::watch(move |happening| self.happened(happening));
        match self.inner().embedder.clone() {
            Some(embedder) => embedder.listen(move |message| self.heard_page(message)),
            None if surface == Surface::Page && device_secret().is_some() => {
                self.phase.set(Phase::AsksToContinue);
            }
            None => self.open(),
        }
    }

    // ── What the visitor does ───────────────────────────────────────────────────────────────────────────────

    /// Says `text`. Whether it was taken; if not, it stays in the composer.
    pub(crate) fn say(self, text: String) -> bool {
        self.complaint.set(None);
        self.to_newest();
        let Some(live) = self.live() else {
            self.inner().early.borrow_mut().push(text);
            self.open();
            return true;
        };
        self.inner().unread_after.set(None);
        let said = live.driver.with(|client, now| client.say(now, live.conversation, &text));
        self.refresh_now();
        self.told(said)
    }

    /// The composer holds `text`.
    pub(crate) fn typed(self, text: String) {
        if let Some(live) = self.live() {
            live.driver.with(|client, now| client.typed(now, live.conversation, &text));
        }
    }

    /// Taps a suggestion of the newest message.
    pub(crate) fn pick(self, suggestion: Suggestion) {
        self.complaint.set(None);
        let (Some(live), Some(question)) = (self.live(), self.inner().question.get()) else { return };
        self.to_newest();
        let said = live.driver.with(|client, now| client.tap(now, live.conversation, question, &suggestion));
        self.refresh_now();
        self.told(said);
    }

    /// Asks for a person.
    pub(crate) fn request_human(self) {
        if let Some(live) = self.live() {
            let said = live.driver.with(|client, now| client.request_human(now, live.conversation));
            self.told(said);
        }
    }

    /// Does something with a message that did not get through.
    pub(crate) fn act(self, act: Act) {
        let Some(live) = self.live() else { return };
        match act {
            Act::Retry(id) => drop(live.driver.with(|client, now| client.retry(now, id))),
            Act::Discard(id) => live.driver.with(|client, now| client.discard(now, id)),
        }
        self.refresh_now();
    }

    /// Shows what is older.
    pub(crate) fn show_older(self) {
        let Some(live) = self.live() else { return };
        let inner = self.inner();
        let count = live.count();
        if inner.window.borrow().has_older(count) {
            inner.window.borrow_mut().move_older(count);
            self.refresh_now();
        } else {
            live.driver.with(|client, now| client.load_older(now, live.conversation));
        }
    }

    /// Shows what is newer.
    pub(crate) fn show_newer(self) {
        if let Some(live) = self.live() {
            self.inner().window.borrow_mut().move_newer(live.count());
            self.refresh_now();
        }
    }

    /// Shows the newest.
    pub(crate) fn to_newest(self) {
        self.inner().window.borrow_mut().follow();
        self.refresh_now();
        self.log.to_end();
    }

    /// Takes the panel away.
    pub(crate) fn close_panel(self) {
        if let Some(embedder) = &self.inner().embedder {
            embedder.close();
        }
    }

    /// What names the session in calls of the API.
    pub(crate) fn bearer(self) -> Option<String> {
        self.live().and_then(|live| live.bearer)
    }

    /// Runs `use_all` once the whole conversation is here.
    pub(crate) fn with_whole_history(self, use_all: impl FnOnce(&Client, ConversationId) + 'static) {
        *self.inner().wants_transcript.borrow_mut() = Some(Box::new(use_all));
        self.go_on_with_transcript();
    }

    /// Continues the conversation that the link in the address leads to.
    pub(crate) fn continue_here(self) {
        let Some(secret) = device_secret() else { return };
        self.phase.set(Phase::Opening);
        let (brand, locale) =
            (self.brand.with_value(|brand| brand.brand.clone()), self.inner().locale.clone());
        spawn_local(async move {
            match session::redeem(brand, secret, locale).await {
                Ok(session) => {
                    forget_fragment();
                    self.inner().is_open.set(true);
                    self.go_live(session);
                }
                Err(CallError::Unreachable) => self.phase.set(Phase::AsksToContinue),
                Err(CallError::Problem(_)) => self.phase.set(Phase::LinkIsSpent),
            }
        });
    }

    /// Begins anew, without the link in the address.
    pub(crate) fn start_here(self) {
        forget_fragment();
        self.open();
    }

    /// Ends the session on this device.
    pub(crate) fn end(self) {
        let Some(live) = self.live() else { return };
        self.inner().is_ending.set(true);
        spawn_local(async move {
            let ended = session::end(live.bearer.clone()).await;
            self.inner().is_ending.set(false);
            match ended {
                Ok(()) => self.forget_all(&live),
                Err(CallError::Problem(problem)) => self.complaint.set(Some(Complaint::Problem(problem))),
                Err(CallError::Unreachable) => self.phase.set(Phase::Offline),
            }
        });
    }

    fn forget_all(self, live: &Live) {
        live.driver.end();
        self.keep_resume("");
        self.inner().live.borrow_mut().take();
        self.suggestions.set(Vec::new());
        self.phase.set(Phase::Ended);
    }

    fn told(self, said: Result<MessageId, SayError>) -> bool {
        let complaint = match said {
            Ok(_) => return true,
            Err(SayError::Full(_)) => Complaint::OutboxFull,
            Err(SayError::Invalid(problem)) => Complaint::Problem(problem),
        };
        self.complaint.set(Some(complaint));
        false
    }

    // ── Opening ─────────────────────────────────────────────────────────────────────────────────────────────

    fn open(self) {
        self.inner().is_open.set(true);
        if matches!(
            self.phase.get_untracked(),
            Phase::Closed | Phase::AsksToContinue | Phase::LinkIsSpent | Phase::Ended
        ) {
            self.phase.set(Phase::Opening);
            self.open_session();
        }
    }

    fn open_session(self) {
        let inner = self.inner();
        let mut configuration = inner.configuration.borrow().clone();
        let brand = self.brand.with_value(|brand| brand.brand.clone());
        let kept = || keep::resume(brand.as_str());
        configuration.resume = configuration.resume.or_else(kept);
        let locale = inner.locale.clone();
        spawn_local(async move {
            match session::open(brand, locale, configuration).await {
                Ok(session) => self.go_live(session),
                Err(error) => self.open_later(error),
            }
        });
    }

    fn open_later(self, error: CallError) {
        let inner = self.inner();
        let after = match error {
            CallError::Problem(problem) => {
                let after = problem.retry_after_ms;
                self.complaint.set(Some(Complaint::Problem(problem)));
                let Some(after) = after else { return };
                after
            }
            CallError::Unreachable => {
                self.phase.set(if page::is_online() { Phase::Reconnecting } else { Phase::Offline });
                REOPEN_MS_MIN << inner.attempts.get().min(8)
            }
        };
        inner.attempts.set(inner.attempts.get() + 1);
        let timer = page::after(after.min(REOPEN_MS_MAX), move || self.open_session());
        *inner.retry.borrow_mut() = Some(timer);
    }

    fn go_live(self, session: VisitorSession) {
        let inner = self.inner();
        inner.attempts.set(0);
        self.complaint.set(None);
        // Calls name their session by it: a browser may hold cookies of several brands of this host.
        let bearer = Some(session.resume);
        if let Some(handle) = bearer.as_deref().filter(|_| session::cookies_are_blocked()) {
            self.keep_resume(handle);
        }
        if let Some(live) = self.live() {
            if live.participant == session.participant {
                live.tickets.renew(Some(session.ticket), bearer.clone());
                live.driver.restart();
                *inner.live.borrow_mut() = Some(Live { bearer, ..live });
                return;
            }
            live.driver.end();
        }
        let (conversation, participant) = (session.conversation, session.participant);
        // Where nothing was said before, nothing is new: the greeting was on screen all the time.
        inner.is_caught_up.set(session.head == 0);
        let tickets = Tickets::new(session::TICKETS, Some(session.ticket), bearer.clone());
        let me = Author::Visitor(Visitor { id: participant });
        let follow = |client: &mut Client, now| client.follow(now, conversation);
        let driver = Driver::new(me, tickets.clone(), follow, move |_, event| self.heard(event));
        *inner.live.borrow_mut() =
            Some(Live { driver: driver.clone(), tickets, conversation, participant, bearer });
        self.phase.set(Phase::Open);
        self.give_back_draft(&driver, conversation);
        driver.start(&["portico:", &participant.to_string()].concat());
        for text in inner.early.take() {
            self.say(text);
        }
        self.refresh_now();
    }

    fn give_back_draft(self, driver: &Driver, conversation: ConversationId) {
        let draft =
            driver.read(|client| client.conversation(conversation).map(|held| held.draft().to_owned()));
        let draft = draft.filter(|draft| !draft.is_empty());
        let prefill = || self.inner().configuration.borrow_mut().prefill.take();
        if self.composer.text().get_untracked().is_empty()
            && let Some(text) = draft.or_else(prefill)
        {
            self.composer.set_text(&text);
        }
    }

    fn keep_resume(self, handle: &str) {
        match &self.inner().embedder {
            Some(embedder) => embedder.resume(handle),
            None => keep::set_resume(self.brand.with_value(|brand| brand.brand.clone()).as_str(), handle),
        }
    }

    // ── What comes from outside ─────────────────────────────────────────────────────────────────────────────

    fn heard_page(self, message: FromPage) {
        let inner = self.inner();
        match message {
            FromPage::Configure(configuration) => {
                self.dress(&configuration);
                *inner.configuration.borrow_mut() = configuration;
            }
            FromPage::Open { page_url } => {
                inner.configuration.borrow_mut().page_url = page_url;
                self.open();
                self.composer.focus();
                self.refresh();
            }
            FromPage::Close => {
                inner.is_open.set(false);
                inner.is_caught_up.set(false);
                inner.unread_after.set(None);
            }
            FromPage::Prefill(text) if self.composer.text().get_untracked().is_empty() => {
                self.composer.set_text(&text)
            }
            FromPage::Prefill(_) => {}
            FromPage::Identify(token) => {
                inner.configuration.borrow_mut().identity = Some(token);
                if self.live().is_some() {
                    self.open_session();
                }
            }
            FromPage::Context(context) => inner.configuration.borrow_mut().context = Some(context),
        }
    }

    /// Look and direction as the page wants them; what the visitor chose comes first.
    fn dress(self, configuration: &Configuration) {
        use portico_ui::theme::{Scheme, apply_scheme};
        if let (Scheme::Auto, Some(theme)) = (keep::scheme(), &configuration.theme) {
            apply_scheme(Scheme::from_name(theme));
        }
        if let (Some(dir), Some(root)) = (&configuration.dir, document().document_element()) {
            root.set_attribute("dir", dir).ok();
        }
    }

    fn happened(self, happening: Happening) {
        match happening {
            Happening::Shown => self.refresh(),
            Happening::Offline => self.phase.update(|phase| {
                if matches!(phase, Phase::Open | Phase::Reconnecting) {
                    *phase = Phase::Offline;
                }
            }),
            Happening::Online if self.live().is_none() && self.phase.get_untracked() == Phase::Offline => {
                self.open_session();
            }
            Happening::Online | Happening::Hidden => {}
        }
    }

    fn heard(self, event: Event) {
        match event {
            Event::Timeline { change, .. } => {
                self.move_window(change);
                self.refresh();
            }
            Event::Connectivity => self.show_connectivity(),
            Event::News { .. } => self.ring(),
            Event::Unread(_) => self.show_unread(),
            Event::Refused { problem, .. } | Event::Problem(problem) => {
                self.complaint.set(Some(Complaint::Problem(problem)));
            }
            Event::SessionEnded if self.inner().is_ending.get() => {}
            Event::SessionEnded => self.open_session(),
            // Only the server's newest document can speak to the server.
            Event::Outdated => drop(portico_browser::window().location().reload()),
            Event::Delivery(_) | Event::Status(_) | Event::Typing(_) => self.refresh(),
            Event::Inbox | Event::LeaderSilent => {}
        }
    }

    fn move_window(self, change: Change) {
        let inner = self.inner();
        let mut window = inner.window.borrow_mut();
        match change {
            Change::Inserted { position: 0, count } => {
                window.shift(count);
                // Whoever waited at the upper edge for these has nothing left to scroll.
                if !window.follows() {
                    window.move_older(self.live().map_or(0, |live| live.count()));
                }
            }
            Change::Reset => window.follow(),
            _ => {}
        }
    }

    fn show_connectivity(self) {
        let Some(live) = self.live() else { return };
        let phase = match live.driver.read(Client::connectivity) {
            Connectivity::Online => Phase::Open,
            _ if !page::is_online() => Phase::Offline,
            Connectivity::Connecting if self.phase.get_untracked() == Phase::Open => return self.refresh(),
            Connectivity::Connecting => Phase::Reconnecting,
            Connectivity::Idle | Connectivity::Offline { .. } => Phase::Reconnecting,
        };
        if self.phase.get_untracked() != phase {
            self.phase.set(phase);
        }
        self.refresh();
    }

    fn ring(self) {
        let is_looking = page::is_visible() && self.inner().is_open.get();
        if keep::has_sound() && !(is_looking && document().has_focus().unwrap_or_default()) {
            sound::chime();
        }
        if let Some(embedder) = &self.inner().embedder {
            embedder.event("message");
        }
    }

    fn show_unread(self) {
        let Some(live) = self.live() else { return };
        let unread =
            live.driver.read(|client| client.conversation(live.conversation).map_or(0, |held| held.unread()));
        let inner = self.inner();
        match &inner.embedder {
            Some(embedder) => embedder.unread(unread),
            None => page::badge_title(&inner.title, unread),
        }
    }

    // ── Drawing ─────────────────────────────────────────────────────────────────────────────────────────────

    /// Draws anew once everything that happens now has happened, and before the next frame is painted.
    fn refresh(self) {
        if !self.inner().is_dirty.replace(true) {
            spawn_local(async move { self.refresh_now() });
        }
    }

    fn refresh_now(self) {
        let inner = self.inner();
        inner.is_dirty.set(false);
        match self.live() {
            Some(live) => {
                live.driver.read(|client| self.draw(&inner, client, live.conversation));
                self.go_on_with_transcript();
                self.mark_read(&live);
            }
            None => self.draw_greeting(&inner),
        }
    }

    fn draw_greeting(self, inner: &Inner) {
        let drawn = rows(inner.greeting.items(), Viewer::Visitor, None, day_number);
        self.log.show(drawn, Edges::default());
    }

    fn draw(self, inner: &Inner, client: &Client, id: ConversationId) {
        let Some(conversation) = client.conversation(id) else { return };
        let timeline = conversation.timeline();
        if !inner.is_caught_up.get() && conversation.is_loaded() && !timeline.holds_nothing() {
            let has_unread = conversation.unread() > 0;
            inner
                .unread_after
                .set(inner.unread_after.get().or(has_unread.then(|| conversation.read_up_to())));
            inner.is_caught_up.set(inner.is_open.get());
        }
        let count = timeline.len();
        let window = *inner.window.borrow();
        let greets = timeline.holds_nothing();
        let lines = || items(client, id, conversation, &window, &inner.greeting);
        let greeting = inner.greeting.items().filter(|_| greets);
        let drawn = rows(greeting.chain(lines()), Viewer::Visitor, inner.unread_after.get(), day_number);
        let edges = Edges {
            has_older: window.has_older(count)
                || conversation.can_load_older()
                || conversation.is_loading_older(),
            has_newer: !window.shows_newest(count),
            is_loading: conversation.is_loading_older(),
        };
        self.log.show(drawn, edges);

        let greeting = inner.greeting.items().filter(|_| greets);
        let live =
            live_suggestions(lines().rev().chain(greeting.rev())).filter(|_| !conversation.is_closed());
        inner.question.set(live.map(|(question, _)| question));
        set(self.suggestions, live.map(|(_, suggestions)| suggestions.to_vec()).unwrap_or_default());
        if let Some(owner) = conversation.owner() {
            set(self.answerer, Some(owner.clone()));
        }
        let typist = conversation.typists().flatten().next().map(|who| who.display_name.clone());
        set(self.typist, typist);
        set(self.waiting, conversation.waiting().cloned());
    }

    fn mark_read(self, live: &Live) {
        let inner = self.inner();
        let shows_newest = inner.window.borrow().shows_newest(live.count());
        if page::is_visible() && inner.is_open.get() && shows_newest && self.log.is_at_end().get_untracked() {
            live.driver.with(|client, now| {
                let newest = client.conversation(live.conversation).map_or(0, |held| held.timeline().to());
                client.read_up_to(now, live.conversation, newest);
            });
        }
    }

    /// The reader reached the newest message.
    pub(crate) fn reached_newest(self) {
        if let Some(live) = self.live() {
            self.mark_read(&live);
        }
    }

    fn go_on_with_transcript(self) {
        let inner = self.inner();
        let Some(live) = self.live().filter(|_| inner.wants_transcript.borrow().is_some()) else { return };
        let can_load = |client: &Client| {
            client.conversation(live.conversation).is_some_and(|held| held.can_load_older())
        };
        let is_loading = |client: &Client| {
            client.conversation(live.conversation).is_some_and(|held| held.is_loading_older())
        };
        if live.driver.read(can_load) {
            live.driver.with(|client, now| client.load_older(now, live.conversation));
        } else if !live.driver.read(is_loading)
            && let Some(use_all) = inner.wants_transcript.borrow_mut().take()
        {
            live.driver.read(|client| use_all(client, live.conversation));
        }
    }

    fn inner(self) -> Rc<Inner> {
        self.inner.get_value()
    }

    fn live(self) -> Option<Live> {
        self.inner().live.borrow().clone()
    }
}

impl Live {
    fn count(&self) -> usize {
        self.driver
            .read(|client| client.conversation(self.conversation).map_or(0, |held| held.timeline().len()))
    }
}

/// Writes a signal only if that changes it.
fn set<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|known| *known != value) {
        signal.set(value);
    }
}

/// The secret of a link from another device. It travels in the fragment, which no server sees.
fn device_secret() -> Option<String> {
    let fragment = portico_browser::window().location().hash().ok()?;
    fragment.strip_prefix('#').filter(|secret| !secret.is_empty()).map(str::to_owned)
}

/// A spent secret has no place in the address or in the browser's history.
fn forget_fragment() {
    let window = portico_browser::window();
    let path = window.location().pathname().unwrap_or_default();
    if let Ok(history) = window.history() {
        history
            .unchecked_ref::<web_sys::History>()
            .replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path))
            .ok();
    }
}
