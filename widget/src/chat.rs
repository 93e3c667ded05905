//! The one owner of what is on screen: drives the core, and writes the signals that views read.

use std::cell::{Cell, RefCell};
use std::ops::Deref;

use leptos::prelude::*;
use portico_browser::embedder::{Configuration, FromPage};
use portico_browser::page::{self, Happening};
use portico_browser::{CallError, Driver, Embedder, Tickets, clock, sound};
use portico_client::{Change, Client, Connectivity, Event, SayError};
use portico_protocol::api::VisitorSession;
use portico_protocol::boot::{Boot, Surface};
use portico_protocol::entry::Owner as Answerer;
use portico_protocol::frame::Waiting;
use portico_protocol::participant::{Author, Visitor};
use portico_protocol::{BrandId, ConversationId, MessageId, Problem, Suggestion};
use portico_ui::bubble::Act;
use portico_ui::locale::{self, Key, day_number};
use portico_ui::log::Edges;
use portico_ui::row::{Item, Viewer, live_suggestions, rows};
use portico_ui::theme::{Scheme, apply_scheme};
use portico_ui::{LogModel, Window, dom};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::spawn_local;

use crate::history::{Greeting, items};
use crate::view::{self, Composer};
use crate::{history, keep, session};

/// First wait before a session that could not be opened is tried again, in milliseconds; doubled each time.
const REOPEN_MS_MIN: u64 = 1_000;
/// Longest such wait, in milliseconds.
const REOPEN_MS_MAX: u64 = 30_000;
const MINUTE_MS: u64 = 60_000;

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

/// The one visit of this page. Copies are the same one.
#[derive(Clone, Copy)]
pub(crate) struct Visit(&'static State);

/// See the module. The signals hold what views show as it stands; a line is empty where there is nothing to say.
pub(crate) struct State {
    pub(crate) log: LogModel,
    pub(crate) composer: Composer,
    pub(crate) phase: ArcRwSignal<Phase>,
    pub(crate) suggestions: ArcRwSignal<Vec<Suggestion>>,
    /// Who answers now, and if nobody does yet, how long that takes.
    pub(crate) answerer: ArcRwSignal<String>,
    /// Who types.
    pub(crate) typist: ArcRwSignal<String>,
    /// Why the last thing that the visitor wanted did not happen.
    pub(crate) complaint: ArcRwSignal<String>,
    brand: BrandId,
    display_name: String,
    domain: String,
    bot_name: String,
    locale: String,
    title: String,
    greeting: Greeting,
    /// What was said here before has yet to come: the greeting would only flash up in its place.
    awaits_log: Cell<bool>,
    has_talked: Cell<bool>,
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
    has_bot: Cell<bool>,
    attempts: Cell<u32>,
    retry: RefCell<Option<page::Timer>>,
    question: Cell<Option<MessageId>>,
    wants_transcript: Cell<bool>,
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
        let state = State {
            log: LogModel::default(),
            composer: Composer::find(),
            phase: ArcRwSignal::new(Phase::Closed),
            suggestions: ArcRwSignal::default(),
            answerer: ArcRwSignal::default(),
            typist: ArcRwSignal::default(),
            complaint: ArcRwSignal::default(),
            brand: boot.brand.clone(),
            display_name: boot.display_name.clone(),
            domain: boot.domain.clone(),
            bot_name: boot.bot_name.clone().unwrap_or_default(),
            locale: boot.locale.clone(),
            title: dom::document().title(),
            greeting: Greeting::new(boot, clock::timestamp()),
            awaits_log: Cell::new(true),
            has_talked: Cell::new(keep::has_talked(boot.brand.as_str())),
            embedder: Embedder::find().filter(|_| boot.surface == Surface::Frame),
            configuration: RefCell::default(),
            live: RefCell::default(),
            early: RefCell::default(),
            window: RefCell::default(),
            unread_after: Cell::default(),
            is_caught_up: Cell::default(),
            is_open: Cell::default(),
            is_dirty: Cell::default(),
            is_ending: Cell::default(),
            has_bot: Cell::new(boot.bot_name.is_some()),
            attempts: Cell::default(),
            retry: RefCell::default(),
            question: Cell::default(),
            wants_transcript: Cell::default(),
        };
        // There is one, for as long as the page lives.
        let visit = Self(Box::leak(Box::new(state)));
        if boot.bot_name.is_some() {
            visit.answerer.set(visit.answerer_line(&Answerer::Bot(Default::default()), None));
        }
        visit
    }

    /// Starts to live on its surface: a frame waits for the page to open it.
    pub(crate) fn begin(self, surface: Surface) {
        if !self.has_talked.get() {
            self.settle();
        }
        self.refresh_now();
        page::watch(move |happening| self.happened(happening));
        match self.embedder.clone() {
            Some(embedder) => embedder.listen(move |message| self.heard_page(message)),
            None if surface == Surface::Page && device_secret().is_some() => {
                self.phase.set(Phase::AsksToContinue);
            }
            None => self.open(),
        }
    }

    // ── What the visitor does ───────────────────────────────────────────────────────────────────────────────

    /// Says `text`. Whether it was taken; if not, it stays in the composer.
    pub(crate) fn say(self, text: &str) -> bool {
        self.complaint.set(String::new());
        self.to_newest();
        let Some(live) = self.live() else {
            self.early.borrow_mut().push(text.to_owned());
            self.open();
            return true;
        };
        self.unread_after.set(None);
        let said = live.driver.with(|client, now| client.say(now, live.conversation, text));
        self.refresh_now();
        self.told(said)
    }

    /// The composer holds `text`.
    pub(crate) fn typed(self, text: &str) {
        if let Some(live) = self.live() {
            live.driver.with(|client, now| client.typed(now, live.conversation, text));
        }
    }

    /// Taps a suggestion of the newest message.
    pub(crate) fn pick(self, suggestion: &Suggestion) {
        self.complaint.set(String::new());
        let (Some(live), Some(question)) = (self.live(), self.question.get()) else { return };
        self.to_newest();
        let said = live.driver.with(|client, now| client.tap(now, live.conversation, question, suggestion));
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
        let count = live.count();
        if self.window.borrow().has_older(count) {
            self.window.borrow_mut().move_older(count);
            self.refresh_now();
        } else {
            live.driver.with(|client, now| client.load_older(now, live.conversation));
        }
    }

    /// Shows what is newer.
    pub(crate) fn show_newer(self) {
        if let Some(live) = self.live() {
            self.window.borrow_mut().move_newer(live.count());
            self.refresh_now();
        }
    }

    /// Shows the newest.
    pub(crate) fn to_newest(self) {
        self.window.borrow_mut().follow();
        self.refresh_now();
        self.log.to_end();
    }

    /// Takes the panel away.
    pub(crate) fn close_panel(self) {
        if let Some(embedder) = &self.embedder {
            embedder.close();
        }
    }

    /// What names the session in calls of the API.
    pub(crate) fn bearer(self) -> Option<String> {
        self.live().and_then(|live| live.bearer)
    }

    /// Whether a bot answers.
    pub(crate) fn has_bot(self) -> bool {
        self.has_bot.get()
    }

    /// Saves the conversation as a text file, once all of it is here.
    pub(crate) fn save_transcript(self) {
        self.wants_transcript.set(true);
        self.go_on_with_transcript();
    }

    /// Why a call failed, in words; `unreachable`: what to say where the server was not reached.
    pub(crate) fn words_for(self, error: CallError, unreachable: Key) -> String {
        match error {
            CallError::Problem(problem) => words(&problem),
            CallError::Unreachable => locale::text(unreachable),
        }
    }

    /// Continues the conversation that the link in the address leads to.
    pub(crate) fn continue_here(self) {
        let Some(secret) = device_secret() else { return };
        self.phase.set(Phase::Opening);
        let (brand, locale) = (self.brand.clone(), self.locale.clone());
        spawn_local(async move {
            match session::redeem(brand, secret, locale).await {
                Ok(session) => {
                    forget_fragment();
                    self.is_open.set(true);
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
        self.is_ending.set(true);
        spawn_local(async move {
            let ended = session::end(live.bearer.clone()).await;
            self.is_ending.set(false);
            match ended {
                Ok(()) => self.forget_all(&live),
                Err(CallError::Problem(problem)) => self.complaint.set(words(&problem)),
                Err(CallError::Unreachable) => self.phase.set(Phase::Offline),
            }
        });
    }

    fn forget_all(self, live: &Live) {
        live.driver.end();
        self.keep_resume("");
        self.keep_talked(false);
        self.live.borrow_mut().take();
        self.suggestions.set(Vec::new());
        self.phase.set(Phase::Ended);
    }

    fn told(self, said: Result<MessageId, SayError>) -> bool {
        let complaint = match said {
            Ok(_) => {
                if let Some(embedder) = &self.embedder {
                    embedder.event("message-sent");
                }
                return true;
            }
            Err(SayError::Full(_)) => locale::text(Key::OutboxFull),
            Err(SayError::Invalid(problem)) => words(&problem),
        };
        self.complaint.set(complaint);
        false
    }

    // ── Opening ─────────────────────────────────────────────────────────────────────────────────────────────

    fn open(self) {
        self.is_open.set(true);
        if matches!(
            self.phase.get_untracked(),
            Phase::Closed | Phase::AsksToContinue | Phase::LinkIsSpent | Phase::Ended
        ) {
            self.phase.set(Phase::Opening);
            self.open_session();
        }
    }

    fn open_session(self) {
        let mut configuration = self.configuration.borrow().clone();
        let brand = self.brand.clone();
        let kept = || keep::resume(brand.as_str());
        configuration.resume = configuration.resume.or_else(kept);
        let locale = self.locale.clone();
        spawn_local(async move {
            match session::open(brand, locale, configuration).await {
                Ok(session) => self.go_live(session),
                Err(error) => self.open_later(error),
            }
        });
    }

    fn open_later(self, error: CallError) {
        let after = match error {
            // The page's mistake must not cost the visitor the chat: it goes on with whom this browser knows.
            CallError::Problem(problem)
                if problem.code() == "identity-refused"
                    && self.configuration.borrow_mut().identity.take().is_some() =>
            {
                return self.open_session();
            }
            CallError::Problem(problem) => {
                let after = problem.retry_after_ms;
                self.complaint.set(words(&problem));
                let Some(after) = after else { return };
                after
            }
            CallError::Unreachable => {
                self.phase.set(if page::is_online() { Phase::Reconnecting } else { Phase::Offline });
                REOPEN_MS_MIN << self.attempts.get().min(8)
            }
        };
        self.attempts.set(self.attempts.get() + 1);
        let timer = page::after(after.min(REOPEN_MS_MAX), move || self.open_session());
        *self.retry.borrow_mut() = Some(timer);
    }

    fn go_live(self, session: VisitorSession) {
        self.attempts.set(0);
        self.complaint.set(String::new());
        // Calls name their session by it: a browser may hold cookies of several brands of this host.
        let bearer = Some(session.resume);
        if let Some(handle) = bearer.as_deref().filter(|_| session::cookies_are_blocked()) {
            self.keep_resume(handle);
        }
        if let Some(live) = self.live() {
            if live.participant == session.participant {
                live.tickets.renew(Some(session.ticket), bearer.clone());
                live.driver.restart();
                *self.live.borrow_mut() = Some(Live { bearer, ..live });
                return;
            }
            live.driver.end();
        }
        let (conversation, participant) = (session.conversation, session.participant);
        // Where nothing was said before, nothing is new: the greeting was on screen all the time.
        self.is_caught_up.set(session.head == 0);
        let tickets = Tickets::new(session::TICKETS, Some(session.ticket), bearer.clone());
        let me = Author::Visitor(Visitor { id: participant });
        let follow = |client: &mut Client, now| client.follow(now, conversation);
        let driver = Driver::new(me, tickets.clone(), follow, move |_, event| self.heard(event));
        *self.live.borrow_mut() =
            Some(Live { driver: driver.clone(), tickets, conversation, participant, bearer });
        self.phase.set(Phase::Open);
        self.give_back_draft(&driver, conversation);
        driver.start(&["portico:", &participant.text()].concat());
        for text in self.early.take() {
            self.say(&text);
        }
        self.refresh_now();
    }

    fn give_back_draft(self, driver: &Driver, conversation: ConversationId) {
        let draft =
            driver.read(|client| client.conversation(conversation).map(|held| held.draft().to_owned()));
        let draft = draft.filter(|draft| !draft.is_empty());
        let prefill = || self.configuration.borrow_mut().prefill.take();
        if self.composer.text().is_empty()
            && let Some(text) = draft.or_else(prefill)
        {
            self.composer.set_text(&text);
        }
    }

    fn keep_talked(self, has_talked: bool) {
        if self.has_talked.replace(has_talked) != has_talked {
            keep::set_talked(self.brand.as_str(), has_talked);
        }
    }

    fn keep_resume(self, handle: &str) {
        match &self.embedder {
            Some(embedder) => embedder.resume(handle),
            None => keep::set_resume(self.brand.as_str(), handle),
        }
    }

    // ── What comes from outside ─────────────────────────────────────────────────────────────────────────────

    fn heard_page(self, message: FromPage) {
        match message {
            FromPage::Configure(configuration) => {
                self.dress(&configuration);
                *self.configuration.borrow_mut() = configuration;
            }
            FromPage::Open { page_url } => {
                self.configuration.borrow_mut().page_url = page_url;
                self.open();
                self.composer.focus();
                self.refresh();
            }
            FromPage::Close => {
                self.is_open.set(false);
                self.is_caught_up.set(false);
                self.unread_after.set(None);
            }
            FromPage::Prefill(text) if self.composer.text().is_empty() => self.composer.set_text(&text),
            FromPage::Prefill(_) => {}
            FromPage::Identify(token) => {
                self.configuration.borrow_mut().identity = Some(token);
                if self.live().is_some() {
                    self.open_session();
                }
            }
            FromPage::Context(context) => self.configuration.borrow_mut().context = Some(context),
        }
    }

    /// Look and direction as the page wants them; what the visitor chose comes first.
    fn dress(self, configuration: &Configuration) {
        if let (Scheme::Auto, Some(theme)) = (keep::scheme(), &configuration.theme) {
            apply_scheme(Scheme::from_name(theme));
        }
        if let (Some(dir), Some(root)) = (&configuration.dir, dom::document().document_element()) {
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
            // The socket may have outlived what the browser took for an outage: nothing else would say so.
            Happening::Online => self.show_connectivity(),
            Happening::Hidden => {}
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
                self.complaint.set(words(&problem));
            }
            Event::SessionEnded if self.is_ending.get() => {}
            Event::SessionEnded => self.open_session(),
            // Only the server's newest document can speak to the server.
            Event::Outdated => drop(portico_browser::window().location().reload()),
            Event::Delivery(_) | Event::Status(_) | Event::Typing(_) => self.refresh(),
            Event::Inbox | Event::LeaderSilent => {}
        }
    }

    fn move_window(self, change: Change) {
        let mut window = self.window.borrow_mut();
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
        let is_looking = page::is_visible() && self.is_open.get();
        if keep::has_sound() && !(is_looking && dom::document().has_focus().unwrap_or_default()) {
            sound::chime();
        }
        if let Some(embedder) = &self.embedder {
            embedder.event("message-received");
        }
    }

    fn show_unread(self) {
        let Some(live) = self.live() else { return };
        let unread =
            live.driver.read(|client| client.conversation(live.conversation).map_or(0, |held| held.unread()));
        match &self.embedder {
            Some(embedder) => embedder.unread(unread),
            None => page::badge_title(&self.title, unread),
        }
    }

    // ── Drawing ─────────────────────────────────────────────────────────────────────────────────────────────

    /// Draws anew once everything that happens now has happened, and before the next frame is painted.
    fn refresh(self) {
        if !self.is_dirty.replace(true) {
            spawn_local(async move { self.refresh_now() });
        }
    }

    fn refresh_now(self) {
        self.is_dirty.set(false);
        match self.live() {
            Some(live) => {
                live.driver.read(|client| self.draw(client, live.conversation));
                self.go_on_with_transcript();
                self.mark_read(&live);
            }
            None => self.log.show(rows(self.greeting(), Viewer::Visitor, None, day_number), Edges::default()),
        }
    }

    /// It is known now what was said here, if anything.
    fn settle(self) {
        if self.awaits_log.replace(false) {
            dom::find(&view::root(), ".message-log").remove_attribute("aria-busy").ok();
        }
    }

    fn greeting(&self) -> impl DoubleEndedIterator<Item = Item<'_>> {
        self.greeting.items().filter(|_| !self.awaits_log.get())
    }

    fn draw(self, client: &Client, id: ConversationId) {
        let Some(conversation) = client.conversation(id) else { return };
        let timeline = conversation.timeline();
        if !self.is_caught_up.get() && conversation.is_loaded() && !timeline.holds_nothing() {
            let has_unread = conversation.unread() > 0;
            self.unread_after.set(self.unread_after.get().or(has_unread.then(|| conversation.read_up_to())));
            self.is_caught_up.set(self.is_open.get());
        }
        let count = timeline.len();
        let window = *self.window.borrow();
        let mut shown = Vec::new();
        let is_untouched = timeline.holds_nothing();
        if !is_untouched || conversation.began_here() {
            self.settle();
        }
        if is_untouched {
            shown.extend(self.greeting());
        } else {
            self.keep_talked(true);
        }
        shown.extend(items(client, id, conversation, &window, &self.greeting));
        let edges = Edges {
            has_older: window.has_older(count)
                || conversation.can_load_older()
                || conversation.is_loading_older(),
            has_newer: !window.shows_newest(count),
            is_loading: conversation.is_loading_older(),
        };

        let live = live_suggestions(shown.iter().rev()).filter(|_| !conversation.is_closed());
        self.question.set(live.map(|(question, _)| question));
        let suggestions = live.map(|(_, suggestions)| suggestions).unwrap_or_default();
        if self.suggestions.with_untracked(|known| known != suggestions) {
            self.suggestions.set(suggestions.to_vec());
        }
        self.log.show(rows(shown, Viewer::Visitor, self.unread_after.get(), day_number), edges);
        if let Some(owner) = conversation.owner() {
            self.has_bot.set(matches!(owner, Answerer::Bot(_)));
            show(&self.answerer, self.answerer_line(owner, conversation.waiting()));
        }
        let typist = conversation.typists().flatten().next();
        let typist = typist.map(|who| locale::fill(Key::Typing, "name", &who.display_name));
        show(&self.typist, typist.unwrap_or_default());
    }

    fn answerer_line(self, answerer: &Answerer, waiting: Option<&Waiting>) -> String {
        match answerer {
            Answerer::Bot(_) => locale::fill(Key::BotIsAnswering, "name", &self.bot_name),
            Answerer::Human(person) => locale::fill(Key::HumanIsAnswering, "name", &person.display_name),
            Answerer::Queue(_) => waiting_line(waiting),
            Answerer::Unknown => String::new(),
        }
    }

    fn mark_read(self, live: &Live) {
        let shows_newest = self.window.borrow().shows_newest(live.count());
        if page::is_visible() && self.is_open.get() && shows_newest && self.log.is_at_end() {
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
        let Some(live) = self.live().filter(|_| self.wants_transcript.get()) else { return };
        let (can_load, is_loading) = live.driver.read(|client| {
            client
                .conversation(live.conversation)
                .map_or((false, false), |held| (held.can_load_older(), held.is_loading_older()))
        });
        if can_load {
            live.driver.with(|client, now| client.load_older(now, live.conversation));
        } else if !is_loading {
            self.wants_transcript.set(false);
            let brand = [&self.display_name, " · ", &self.domain].concat();
            live.driver.read(|client| {
                if let Some(conversation) = client.conversation(live.conversation) {
                    history::save_transcript(conversation, &brand, self.brand.as_str());
                }
            });
        }
    }

    fn live(self) -> Option<Live> {
        self.live.borrow().clone()
    }
}

impl Live {
    fn count(&self) -> usize {
        self.driver
            .read(|client| client.conversation(self.conversation).map_or(0, |held| held.timeline().len()))
    }
}

/// Writes a line only if that changes it.
fn show(line: &ArcRwSignal<String>, words: String) {
    if line.with_untracked(|known| *known != words) {
        line.set(words);
    }
}

/// Only what was measured is promised.
fn waiting_line(waiting: Option<&Waiting>) -> String {
    let Some(waiting) = waiting else { return locale::text(Key::Waiting) };
    if !waiting.is_staffed {
        return locale::text(Key::NobodyHere);
    }
    let mut line = match waiting.before {
        0 => locale::text(Key::WaitingNext),
        before => locale::count(Key::WaitingBefore, before),
    };
    if let Some(estimate) = waiting.estimate_ms {
        line.push_str(" · ");
        line.push_str(&locale::count(Key::WaitingEstimate, estimate.div_ceil(MINUTE_MS) as u32));
    }
    line
}

fn words(problem: &Problem) -> String {
    match problem.retry_after_ms {
        Some(after) => {
            let seconds = locale::number(after.div_ceil(1_000) as u32);
            locale::fill(Key::TooFast, "seconds", &seconds)
        }
        None => problem.detail.clone().unwrap_or_else(|| problem.title.clone()),
    }
}

impl Deref for Visit {
    type Target = State;

    fn deref(&self) -> &State {
        self.0
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
