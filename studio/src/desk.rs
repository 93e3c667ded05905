//! The one owner of what the studio shows: drives the core, calls the API, and writes the signals that views
//! read.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use portico_browser::api::CallError;
use portico_browser::page::{Happening, Timer};
use portico_browser::{Driver, Tickets, address, clock, notification, page, sound};
use portico_client::{Client, Connectivity, Event, Now, SayError};
use portico_protocol::api::{CannedReply, InboxCounts, InboxQuery, Me, SessionSummary};
use portico_protocol::{
    Author, ConversationId, ConversationSummary, InboxView, MessageId, Representative, RepresentativeType,
    SessionId, Timestamp,
};
use portico_ui::theme::{Scheme, apply_scheme};

use crate::door::{Door, problem};
use crate::route::Route;
use crate::settings::Settings;
use crate::shortcut::Shortcut;
use crate::talk::Talk;
use crate::{api, view, words};

/// How often relative times are drawn anew and counts asked for, in milliseconds.
const BEAT_MS: u64 = 15_000;
/// How long after the last key a search begins, in milliseconds.
const SEARCH_AFTER_MS: u64 = 250;
/// How long changes of the list may pile up before counts are asked for, in milliseconds.
const COUNT_AFTER_MS: u64 = 400;
/// How long a toast stays, in milliseconds; it can be dismissed, and says nothing that is not elsewhere too.
const TOAST_MS: u64 = 8_000;
/// A full first page: there may be more.
const PAGE: usize = 50;

/// The connection as the studio tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// There, or being made for the first time.
    Here,
    /// Lost; the next attempt comes by itself.
    Away,
}

/// See the module. Copies are the same desk.
#[derive(Clone, Copy)]
pub(crate) struct Desk {
    route: RwSignal<Route>,
    link: RwSignal<Link>,
    now: RwSignal<Timestamp>,
    query: RwSignal<InboxQuery>,
    search: RwSignal<String>,
    list: RwSignal<Vec<ConversationSummary>>,
    is_loading: RwSignal<bool>,
    has_more: RwSignal<bool>,
    counts: RwSignal<InboxCounts>,
    highlighted: RwSignal<Option<ConversationId>>,
    replies: RwSignal<Vec<CannedReply>>,
    sessions: RwSignal<Vec<SessionSummary>>,
    settings: RwSignal<Settings>,
    toast: RwSignal<Option<String>>,
    shows_help: RwSignal<bool>,
    redacting: RwSignal<Option<MessageId>>,
    inner: StoredValue<Rc<Inner>, LocalStorage>,
}

struct Inner {
    me: Me,
    door: Door,
    driver: RefCell<Option<Driver>>,
    talk: Cell<Option<Talk>>,
    /// Where the list's next page begins; `None` until the first one was asked for over HTTP.
    cursor: RefCell<Option<String>>,
    is_dirty: Cell<bool>,
    search_timer: RefCell<Option<Timer>>,
    count_timer: RefCell<Option<Timer>>,
    toast_timer: RefCell<Option<Timer>>,
    beat: RefCell<Option<Timer>>,
}

impl Inner {
    /// Following means looking: colleagues are told that one has left.
    fn leave(&self, id: ConversationId) {
        if self.talk.get().is_some_and(|open| open.id() == id) {
            self.talk.set(None);
        }
        let driver = self.driver.borrow().clone();
        if let Some(driver) = driver {
            driver.with(|client, now| client.unfollow(now, id));
        }
    }
}

impl Desk {
    /// The desk of `me`, connected.
    #[must_use]
    pub(crate) fn new(me: Me, door: Door) -> Self {
        let settings = Settings::load();
        apply_scheme(settings.theme);
        let query = InboxQuery { view: InboxView::Unassigned, search: String::new(), with_closed: false };
        let inner = Inner {
            me,
            door,
            driver: RefCell::default(),
            talk: Cell::default(),
            cursor: RefCell::default(),
            is_dirty: Cell::default(),
            search_timer: RefCell::default(),
            count_timer: RefCell::default(),
            toast_timer: RefCell::default(),
            beat: RefCell::default(),
        };
        let desk = Self {
            route: RwSignal::new(Route::parse(&address::path())),
            link: RwSignal::new(Link::Here),
            now: RwSignal::new(clock::timestamp()),
            query: RwSignal::new(query.clone()),
            search: RwSignal::default(),
            list: RwSignal::default(),
            is_loading: RwSignal::new(true),
            has_more: RwSignal::default(),
            counts: RwSignal::default(),
            highlighted: RwSignal::default(),
            replies: RwSignal::default(),
            sessions: RwSignal::default(),
            settings: RwSignal::new(settings),
            toast: RwSignal::default(),
            shows_help: RwSignal::default(),
            redacting: RwSignal::default(),
            inner: StoredValue::new_local(Rc::new(inner)),
        };
        desk.connect(query);
        desk.count_now();
        desk.load_replies();
        desk.beat();
        // What came while nobody looked is read as soon as somebody does.
        page::watch(move |happening| {
            let talk = desk.inner.try_get_value().and_then(|inner| inner.talk.get());
            if let Some(talk) = talk.filter(|_| happening == Happening::Shown) {
                talk.draw_soon();
            }
        });
        address::watch(move || desk.route.set(Route::parse(&address::path())));
        desk
    }

    fn connect(self, query: InboxQuery) {
        let author = Author::Representative(self.representative());
        let watch = |client: &mut Client, now: Now| client.watch_inbox(now, query);
        let tickets = Tickets::new(api::TICKETS, None, None);
        let driver = Driver::new(author, tickets, watch, move |_, event| self.heard(event));
        *self.inner().driver.borrow_mut() = Some(driver.clone());
        // Tabs of the studio look at different lists: each has a connection of its own.
        driver.start_alone();
    }

    // ── What views read ─────────────────────────────────────────────────────────────────────────────────────

    /// The signed-in representative.
    #[must_use]
    pub(crate) fn me(self) -> Me {
        self.inner().me.clone()
    }

    /// The screen.
    #[must_use]
    pub(crate) fn route(self) -> Signal<Route> {
        self.route.into()
    }

    /// The connection.
    #[must_use]
    pub(crate) fn link(self) -> Signal<Link> {
        self.link.into()
    }

    /// The time, give or take [`BEAT_MS`].
    #[must_use]
    pub(crate) fn now(self) -> Signal<Timestamp> {
        self.now.into()
    }

    /// Which conversations the list holds.
    #[must_use]
    pub(crate) fn view(self) -> Signal<InboxView> {
        Signal::derive(move || self.query.read().view)
    }

    /// What is in the search field.
    #[must_use]
    pub(crate) fn search(self) -> Signal<String> {
        self.search.into()
    }

    /// Whether closed conversations are listed.
    #[must_use]
    pub(crate) fn with_closed(self) -> Signal<bool> {
        Signal::derive(move || self.query.read().with_closed)
    }

    /// The list.
    #[must_use]
    pub(crate) fn list(self) -> Signal<Vec<ConversationSummary>> {
        self.list.into()
    }

    /// One line of it.
    #[must_use]
    pub(crate) fn summary(self, id: ConversationId) -> Signal<Option<ConversationSummary>> {
        Memo::new(move |_| self.list.read().iter().find(|line| line.conversation == id).cloned()).into()
    }

    /// Whether the list is on its way.
    #[must_use]
    pub(crate) fn is_loading(self) -> Signal<bool> {
        self.is_loading.into()
    }

    /// Whether older conversations can be listed.
    #[must_use]
    pub(crate) fn has_more(self) -> Signal<bool> {
        self.has_more.into()
    }

    /// What the tabs say.
    #[must_use]
    pub(crate) fn counts(self) -> Signal<InboxCounts> {
        self.counts.into()
    }

    /// The line that the keyboard is on.
    #[must_use]
    pub(crate) fn highlighted(self) -> Signal<Option<ConversationId>> {
        self.highlighted.into()
    }

    /// The brand's canned replies.
    #[must_use]
    pub(crate) fn replies(self) -> Signal<Vec<CannedReply>> {
        self.replies.into()
    }

    /// One's own sessions.
    #[must_use]
    pub(crate) fn sessions(self) -> Signal<Vec<SessionSummary>> {
        self.sessions.into()
    }

    /// The representative's choices.
    #[must_use]
    pub(crate) fn settings(self) -> Signal<Settings> {
        self.settings.into()
    }

    /// Whether the panel about the visitor is open.
    #[must_use]
    pub(crate) fn shows_details(self) -> Signal<bool> {
        Signal::derive(move || self.settings.read().shows_details)
    }

    /// Something to be said in passing.
    #[must_use]
    pub(crate) fn toast(self) -> Signal<Option<String>> {
        self.toast.into()
    }

    /// Whether the list of shortcuts is open.
    #[must_use]
    pub(crate) fn shows_help(self) -> Signal<bool> {
        self.shows_help.into()
    }

    /// The message whose words are to be removed, until that was confirmed.
    #[must_use]
    pub(crate) fn redacting(self) -> Signal<Option<MessageId>> {
        self.redacting.into()
    }

    // ── Going about ─────────────────────────────────────────────────────────────────────────────────────────

    /// Shows a screen.
    pub(crate) fn go(self, route: Route) {
        address::go(&route.path());
        if let Some(id) = route.conversation() {
            self.highlighted.set(Some(id));
        }
        if self.route.get_untracked() != route {
            self.route.set(route);
        }
    }

    /// Opens a conversation for as long as the calling view lives.
    #[must_use]
    pub(crate) fn open(self, id: ConversationId) -> Talk {
        let talk = Talk::new(self, id);
        self.inner().talk.set(Some(talk));
        self.with(|client, now| client.follow(now, id));
        talk.begin();
        on_cleanup(move || {
            // The desk itself may be gone: then there is no connection to tell anything.
            if let Some(inner) = self.inner.try_get_value() {
                inner.leave(id);
            }
        });
        talk
    }

    /// Does what a key asks for.
    pub(crate) fn run(self, shortcut: Shortcut) {
        let talk = self.inner().talk.get();
        match shortcut {
            Shortcut::Next => self.move_highlight(1),
            Shortcut::Previous => self.move_highlight(-1),
            Shortcut::Open => {
                if let Some(id) = self.highlighted.get_untracked() {
                    self.go(Route::Conversation(id));
                }
            }
            Shortcut::Leave => self.leave(),
            Shortcut::ViewUnassigned => self.show_view(InboxView::Unassigned),
            Shortcut::ViewMine => self.show_view(InboxView::Mine),
            Shortcut::ViewAll => self.show_view(InboxView::All),
            Shortcut::Help => self.show_help(),
            Shortcut::Details if talk.is_some() => self.toggle_details(),
            Shortcut::Search | Shortcut::Details => {}
            shortcut => {
                if let Some(talk) = talk {
                    talk.run(shortcut);
                }
            }
        }
    }

    fn leave(self) {
        let route = self.route.get_untracked();
        self.go(Route::Inbox);
        if let Some(id) = route.conversation() {
            view::focus_id(&view::row_id(id));
        }
    }

    fn move_highlight(self, step: isize) {
        let next = {
            let list = self.list.read_untracked();
            let current = self.highlighted.get_untracked();
            let position = list.iter().position(|line| Some(line.conversation) == current);
            let next = match position {
                Some(position) => position.saturating_add_signed(step).min(list.len().saturating_sub(1)),
                None => 0,
            };
            list.get(next).map(|line| line.conversation)
        };
        if let Some(id) = next {
            self.highlighted.set(Some(id));
            view::focus_id(&view::row_id(id));
        }
    }

    // ── The list ────────────────────────────────────────────────────────────────────────────────────────────

    /// Lists other conversations.
    pub(crate) fn show_view(self, view: InboxView) {
        self.watch(|query| query.view = view);
    }

    /// Lists closed conversations too, or no longer.
    pub(crate) fn toggle_closed(self) {
        self.watch(|query| query.with_closed = !query.with_closed);
    }

    /// The search field holds `text`.
    pub(crate) fn search_for(self, text: String) {
        self.search.set(text);
        let search = move || {
            let text = self.search.get_untracked().trim().to_owned();
            self.watch(|query| query.search = text);
        };
        *self.inner().search_timer.borrow_mut() = Some(page::after(SEARCH_AFTER_MS, search));
    }

    /// Lists older conversations.
    pub(crate) fn load_more(self) {
        let inner = self.inner();
        let query = self.query.get_untracked();
        spawn_local(async move {
            let mut cursor = inner.cursor.borrow().clone();
            // The first page came by the socket: only its end is wanted.
            if cursor.is_none() {
                match api::conversations(&query, None).await {
                    Ok(page) => cursor = page.next_cursor,
                    Err(error) => return self.complain(error),
                }
            }
            let Some(from) = cursor else { return self.has_more.set(false) };
            match api::conversations(&query, Some(&from)).await {
                Ok(page) if self.query.get_untracked() == query => {
                    self.has_more.set(page.next_cursor.is_some());
                    *inner.cursor.borrow_mut() = page.next_cursor;
                    self.with(|client, _| client.extend_inbox(page.conversations));
                }
                Ok(_) => {}
                Err(error) => self.complain(error),
            }
        });
    }

    fn watch(self, change: impl FnOnce(&mut InboxQuery)) {
        let mut query = self.query.get_untracked();
        change(&mut query);
        if query == self.query.get_untracked() {
            return;
        }
        self.inner().cursor.borrow_mut().take();
        self.is_loading.set(true);
        self.has_more.set(false);
        self.list.set(Vec::new());
        self.query.set(query.clone());
        self.with(|client, now| client.watch_inbox(now, query));
    }

    fn draw_list(self) {
        let inner = self.inner();
        inner.is_dirty.set(false);
        let Some(driver) = inner.driver.borrow().clone() else { return };
        let (mut list, is_loaded) = driver.read(|client| {
            client
                .inbox()
                .map_or((Vec::new(), false), |inbox| (inbox.conversations().to_vec(), inbox.is_loaded()))
        });
        if !is_loaded && list.is_empty() {
            return;
        }
        if self.query.read_untracked().view == InboxView::Unassigned {
            // Who has waited longest comes first.
            list.sort_by_key(|line| (line.waiting_since.is_none(), line.waiting_since, line.conversation));
        }
        if inner.cursor.borrow().is_none() {
            self.has_more.set(list.len() >= PAGE);
        }
        self.is_loading.set(!is_loaded);
        if *self.list.read_untracked() != list {
            self.list.set(list);
        }
        if let Some(talk) = inner.talk.get() {
            talk.summary_changed();
        }
    }

    // ── Counting and calling ────────────────────────────────────────────────────────────────────────────────

    fn beat(self) {
        let timer = page::after(BEAT_MS, move || {
            self.now.set(clock::timestamp());
            if page::is_visible() || self.settings.read_untracked().wants_news() {
                self.count_now();
            }
            // Behind the timer's own callback, which this replaces.
            spawn_local(async move { self.beat() });
        });
        *self.inner().beat.borrow_mut() = Some(timer);
    }

    fn count_soon(self) {
        let inner = self.inner();
        let mut timer = inner.count_timer.borrow_mut();
        if timer.is_none() {
            *timer = Some(page::after(COUNT_AFTER_MS, move || {
                let inner = self.inner();
                spawn_local(async move { drop(inner.count_timer.borrow_mut().take()) });
                self.count_now();
            }));
        }
    }

    fn count_now(self) {
        spawn_local(async move {
            // What fails now is asked for again at the next beat.
            let Ok(counts) = api::counts().await else { return };
            let before = self.counts.get_untracked();
            if counts == before {
                return;
            }
            self.counts.set(counts);
            page::badge_title(&self.title(), counts.unassigned + counts.mine_unread);
            if counts.unassigned > before.unassigned {
                self.ring("Somebody is waiting for a person", "unassigned");
            } else if counts.mine_unread > before.mine_unread {
                self.ring("New message in one of your conversations", "mine");
            }
        });
    }

    /// Sound and notification, as far as they are wanted and nobody is looking.
    fn ring(self, text: &str, subject: &str) {
        let settings = self.settings.get_untracked();
        let is_looking = page::is_visible() && document().has_focus().unwrap_or_default();
        if settings.has_sound && !(is_looking && subject == "open") {
            sound::chime();
        }
        if settings.has_notifications && !is_looking {
            notification::show(&self.me().brand.display_name, text, subject);
        }
    }

    fn title(self) -> String {
        format!("{} · Portico", self.inner().me.brand.display_name)
    }

    // ── Canned replies and sessions ─────────────────────────────────────────────────────────────────────────

    fn load_replies(self) {
        spawn_local(async move {
            match api::replies().await {
                Ok(replies) => self.replies.set(replies),
                Err(error) => self.complain(error),
            }
        });
    }

    /// A reply that does not exist yet.
    #[must_use]
    pub(crate) fn new_reply(self) -> CannedReply {
        let mut random = [0; 10];
        clock::fill_random(&mut random);
        CannedReply {
            id: MessageId::new(clock::timestamp(), random),
            shortcut: String::new(),
            text: String::new(),
        }
    }

    /// Saves a reply; tells `on_saved`, or `problem` why not.
    pub(crate) fn save_reply(
        self,
        reply: CannedReply,
        problem: RwSignal<Option<String>>,
        on_saved: Callback<()>,
    ) {
        spawn_local(async move {
            match api::save_reply(&reply).await {
                Ok(()) => {
                    self.load_replies();
                    on_saved.run(());
                }
                Err(error) => problem.set(Some(words::sentence(&self::problem(error)))),
            }
        });
    }

    /// Deletes a reply, which can be taken back only by writing it anew.
    pub(crate) fn delete_reply(self, id: MessageId) {
        spawn_local(async move {
            match api::delete_reply(id).await {
                Ok(()) => self.load_replies(),
                Err(error) => self.complain(error),
            }
        });
    }

    /// Asks for one's sessions.
    pub(crate) fn load_sessions(self) {
        spawn_local(async move {
            match api::sessions().await {
                Ok(sessions) => self.sessions.set(sessions),
                Err(error) => self.complain(error),
            }
        });
    }

    /// Ends one of them.
    pub(crate) fn end_session(self, session: SessionId) {
        spawn_local(async move {
            match api::end_session(session).await {
                Ok(()) => self.load_sessions(),
                Err(error) => self.complain(error),
            }
        });
    }

    /// Ends all but this one.
    pub(crate) fn end_other_sessions(self) {
        spawn_local(async move {
            match api::end_other_sessions().await {
                Ok(()) => self.load_sessions(),
                Err(error) => self.complain(error),
            }
        });
    }

    /// Signs out.
    pub(crate) fn sign_out(self) {
        self.with(Client::stop);
        self.inner().door.sign_out();
    }

    // ── Choices ─────────────────────────────────────────────────────────────────────────────────────────────

    /// Light, dark, as the system, and around again.
    pub(crate) fn next_theme(self) {
        self.choose(|settings| {
            settings.theme = match settings.theme {
                Scheme::Auto => Scheme::Light,
                Scheme::Light => Scheme::Dark,
                Scheme::Dark => Scheme::Auto,
            };
        });
        apply_scheme(self.settings.get_untracked().theme);
    }

    /// Turns the sound on or off; on is heard at once.
    pub(crate) fn toggle_sound(self) {
        self.choose(|settings| settings.has_sound = !settings.has_sound);
        if self.settings.get_untracked().has_sound {
            sound::chime();
        }
    }

    /// Turns notifications on, where the browser is willing, or off.
    pub(crate) fn toggle_notifications(self) {
        if self.settings.get_untracked().has_notifications {
            return self.choose(|settings| settings.has_notifications = false);
        }
        spawn_local(async move {
            if notification::ask().await {
                self.choose(|settings| settings.has_notifications = true);
            } else {
                self.say("The browser forbids notifications here. Allow them in its settings for this site.");
            }
        });
    }

    /// Opens or closes the panel about the visitor.
    pub(crate) fn toggle_details(self) {
        self.choose(|settings| settings.shows_details = !settings.shows_details);
    }

    fn choose(self, change: impl FnOnce(&mut Settings)) {
        self.settings.update(change);
        self.settings.get_untracked().save();
    }

    // ── Dialogs and toasts ──────────────────────────────────────────────────────────────────────────────────

    /// Shows the list of shortcuts.
    pub(crate) fn show_help(self) {
        self.shows_help.set(true);
    }

    /// Hides it.
    pub(crate) fn hide_help(self) {
        self.shows_help.set(false);
    }

    /// Asks whether the words of `message` are to be removed.
    pub(crate) fn ask_to_redact(self, message: MessageId) {
        self.redacting.set(Some(message));
    }

    /// The answer: remove them, or not.
    pub(crate) fn redact(self, is_confirmed: bool) {
        let target = self.redacting.get_untracked();
        self.redacting.set(None);
        if let (Some(target), Some(talk), true) = (target, self.inner().talk.get(), is_confirmed) {
            self.told(self.with(|client, now| client.redact(now, talk.id(), target)));
        }
    }

    /// Says something in passing.
    pub(crate) fn say(self, text: &str) {
        self.toast.set(Some(text.to_owned()));
        let timer = page::after(TOAST_MS, move || self.toast.set(None));
        *self.inner().toast_timer.borrow_mut() = Some(timer);
    }

    /// Takes the toast away.
    pub(crate) fn dismiss_toast(self) {
        self.toast.set(None);
    }

    /// Tries to connect at once.
    pub(crate) fn reconnect(self) {
        self.with(|client, now| client.start(now));
    }

    fn complain(self, error: CallError) {
        match problem(error) {
            problem if problem.status == 401 => self.inner().door.ended(),
            problem => self.say(&words::sentence(&problem)),
        }
    }

    // ── The core ────────────────────────────────────────────────────────────────────────────────────────────

    /// Runs a command of the core.
    pub(crate) fn with<R>(self, command: impl FnOnce(&mut Client, Now) -> R) -> R {
        let driver = self.inner().driver.borrow().clone().expect("the desk connects when it is made");
        driver.with(command)
    }

    /// Looks at the core.
    pub(crate) fn read<R>(self, look: impl FnOnce(&Client) -> R) -> R {
        let driver = self.inner().driver.borrow().clone().expect("the desk connects when it is made");
        driver.read(look)
    }

    /// Tells why something could not be said, if so. Whether it was.
    pub(crate) fn told(self, said: Result<MessageId, SayError>) -> bool {
        match said {
            Ok(_) => return true,
            Err(SayError::Full(_)) => {
                self.say("Too much is waiting to be sent. Wait until the connection is back.")
            }
            Err(SayError::Invalid(problem)) => self.say(&words::sentence(&problem)),
        }
        false
    }

    fn heard(self, event: Event) {
        let talk = |id: ConversationId| self.inner().talk.get().filter(|talk| talk.id() == id);
        match event {
            Event::Connectivity => self.show_link(),
            Event::Inbox => {
                self.draw_list_soon();
                self.count_soon();
            }
            Event::Timeline { conversation, change } => {
                if let Some(talk) = talk(conversation) {
                    talk.changed(change);
                }
            }
            Event::Delivery(id) | Event::Status(id) | Event::Typing(id) => {
                if let Some(talk) = talk(id) {
                    talk.draw_soon();
                }
            }
            Event::News { .. } => self.ring("New message", "open"),
            Event::Refused { problem, .. } | Event::Problem(problem) => self.say(&words::sentence(&problem)),
            Event::SessionEnded => self.inner().door.ended(),
            // Only the server's newest document can speak to the server.
            Event::Outdated => address::reload(""),
            Event::Unread(_) | Event::LeaderSilent => {}
        }
    }

    fn show_link(self) {
        let Some(driver) = self.inner().driver.borrow().clone() else { return };
        let link = match driver.read(Client::connectivity) {
            Connectivity::Online => Link::Here,
            Connectivity::Offline { .. } => Link::Away,
            // What it was before: an attempt is no news.
            Connectivity::Connecting | Connectivity::Idle => return,
        };
        if self.link.get_untracked() != link {
            self.link.set(link);
        }
    }

    /// Draws once everything that happens now has happened, and before the next frame is painted.
    fn draw_list_soon(self) {
        if !self.inner().is_dirty.replace(true) {
            spawn_local(async move { self.draw_list() });
        }
    }

    fn representative(self) -> Representative {
        let me = self.me();
        Representative {
            id: me.participant,
            representative_type: RepresentativeType::Human,
            display_name: me.display_name,
        }
    }

    fn inner(self) -> Rc<Inner> {
        self.inner.get_value()
    }
}
