//! The open conversation: what its views read, and what they ask for.

use leptos::prelude::*;
use leptos::task::spawn_local;
use portico_browser::{page, storage};
use portico_client::{Amended, Change, Client, Conversation, Delivery, Row};
use portico_protocol::api::ConversationDetail;
use portico_protocol::entry::Slot;
use portico_protocol::{
    ConversationId, ConversationSummary, EntryBody, MessageId, Owner, Representative, Timestamp,
};
use portico_ui::locale::day_number;
use portico_ui::log::Edges;
use portico_ui::row::{Item, Viewer, rows};
use portico_ui::{Delivery as Fate, LogModel, Window};

use crate::api;
use crate::desk::Desk;
use crate::door::problem;
use crate::route::Route;
use crate::shortcut::Shortcut;

/// Who reads what is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The visitor.
    #[default]
    Reply,
    /// Colleagues.
    Note,
}

/// An earlier message that is being rewritten.
#[derive(Clone, PartialEq)]
pub(crate) struct Editing {
    /// Which.
    pub(crate) target: MessageId,
    /// What it says until then.
    pub(crate) before: String,
    /// What was in the composer, to put back afterwards.
    draft: String,
}

/// See the module. Copies are the same conversation.
#[derive(Clone, Copy)]
pub(crate) struct Talk {
    desk: Desk,
    id: ConversationId,
    log: StoredValue<LogModel, LocalStorage>,
    detail: RwSignal<Option<ConversationDetail>>,
    owner: RwSignal<Option<Owner>>,
    is_closed: RwSignal<bool>,
    viewers: RwSignal<Vec<Representative>>,
    visitor_is_online: RwSignal<bool>,
    visitor_is_typing: RwSignal<bool>,
    typing_colleagues: RwSignal<Vec<String>>,
    waiting_since: RwSignal<Option<Timestamp>>,
    packet: RwSignal<Vec<Slot>>,
    mode: RwSignal<Mode>,
    draft: RwSignal<String>,
    /// The words of the mode that is not shown.
    other_draft: RwSignal<String>,
    editing: RwSignal<Option<Editing>>,
    focus_asked: RwSignal<u32>,
    window: StoredValue<Window>,
    is_dirty: StoredValue<bool>,
    /// The last sequence number read before the conversation was opened: what is newer stands below a line.
    unread_after: StoredValue<Option<u64>>,
}

impl Mode {
    /// For styles.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Note => "note",
        }
    }

    /// The field's name.
    #[must_use]
    pub(crate) fn label(self, talk: Talk) -> String {
        match self {
            Self::Reply => format!("Reply to {}", talk.visitor_name().get()),
            Self::Note => "Note for colleagues".into(),
        }
    }

    /// What stands in the empty field.
    #[must_use]
    pub(crate) const fn placeholder(self) -> &'static str {
        match self {
            Self::Reply => "Write a reply, or / for canned replies",
            Self::Note => "Write a note. The visitor never sees it",
        }
    }

    /// What the keys do.
    #[must_use]
    pub(crate) const fn hint(self) -> &'static str {
        match self {
            Self::Reply => "Enter sends, Shift+Enter breaks the line",
            Self::Note => "Only colleagues see notes",
        }
    }

    /// What the button does.
    #[must_use]
    pub(crate) const fn verb(self) -> &'static str {
        match self {
            Self::Reply => "Send",
            Self::Note => "Add note",
        }
    }
}

impl Talk {
    pub(crate) fn new(desk: Desk, id: ConversationId) -> Self {
        Self {
            desk,
            id,
            log: StoredValue::new_local(LogModel::default()),
            detail: RwSignal::default(),
            owner: RwSignal::default(),
            is_closed: RwSignal::default(),
            viewers: RwSignal::default(),
            visitor_is_online: RwSignal::default(),
            visitor_is_typing: RwSignal::default(),
            typing_colleagues: RwSignal::default(),
            waiting_since: RwSignal::default(),
            packet: RwSignal::default(),
            mode: RwSignal::default(),
            draft: RwSignal::default(),
            other_draft: RwSignal::default(),
            editing: RwSignal::default(),
            focus_asked: RwSignal::default(),
            window: StoredValue::default(),
            is_dirty: StoredValue::default(),
            unread_after: StoredValue::default(),
        }
    }

    /// Takes up what was left here before, and asks for what the log does not say.
    pub(crate) fn begin(self) {
        let key = format!("{}/draft/{}", self.desk.me().participant, self.id);
        if let Some(draft) = storage::load(&key) {
            self.desk.with(|client, _| client.restore(&key, &draft));
            self.draft.set(draft);
        }
        self.summary_changed();
        self.load_detail();
        self.draw();
    }

    fn load_detail(self) {
        spawn_local(async move {
            match api::conversation(self.id).await {
                Ok(detail) => drop(self.detail.try_set(Some(detail))),
                Err(error) => {
                    let problem = problem(error);
                    if problem.status == 404
                        && self.desk.route().get_untracked() == Route::Conversation(self.id)
                    {
                        self.desk.say("This conversation does not exist, or belongs to another brand.");
                        self.desk.go(Route::Inbox);
                    }
                }
            }
        });
    }

    // ── What views read ─────────────────────────────────────────────────────────────────────────────────────

    /// Which conversation.
    #[must_use]
    pub(crate) const fn id(self) -> ConversationId {
        self.id
    }

    /// What the log draws.
    #[must_use]
    pub(crate) fn log(self) -> LogModel {
        self.log.get_value()
    }

    /// What is known about the visitor.
    #[must_use]
    pub(crate) fn detail(self) -> Signal<Option<ConversationDetail>> {
        self.detail.into()
    }

    /// The visitor's name, real or made up.
    #[must_use]
    pub(crate) fn visitor_name(self) -> Signal<String> {
        let of_line = self.desk.summary(self.id);
        Signal::derive(move || {
            let name = |line: &ConversationSummary| line.visitor_name.clone();
            let of_detail = self.detail.read().as_ref().map(|detail| name(&detail.summary));
            of_detail.or_else(|| of_line.read().as_ref().map(name)).unwrap_or_else(|| "Visitor".into())
        })
    }

    /// The visitor's name, where the brand's back end signed for it.
    #[must_use]
    pub(crate) fn known_name(self) -> Option<String> {
        let detail = self.detail.read_untracked();
        detail
            .as_ref()
            .filter(|detail| detail.summary.is_identified)
            .map(|detail| detail.summary.visitor_name.clone())
    }

    /// Who answers; `None` until the server has told.
    #[must_use]
    pub(crate) fn owner(self) -> Signal<Option<Owner>> {
        self.owner.into()
    }

    /// Whether the signed-in representative answers.
    #[must_use]
    pub(crate) fn is_mine(self) -> Signal<bool> {
        let me = self.desk.me().participant;
        Memo::new(move |_| {
            let is_owner = matches!(&*self.owner.read(), Some(Owner::Human(person)) if person.id == me);
            is_owner && !self.is_closed.get()
        })
        .into()
    }

    /// Whether it was closed.
    #[must_use]
    pub(crate) fn is_closed(self) -> Signal<bool> {
        self.is_closed.into()
    }

    /// Colleagues who have it open.
    #[must_use]
    pub(crate) fn viewers(self) -> Signal<Vec<Representative>> {
        self.viewers.into()
    }

    /// Whether the visitor has the chat open.
    #[must_use]
    pub(crate) fn visitor_is_online(self) -> Signal<bool> {
        self.visitor_is_online.into()
    }

    /// Whether the visitor types.
    #[must_use]
    pub(crate) fn visitor_is_typing(self) -> Signal<bool> {
        self.visitor_is_typing.into()
    }

    /// The names of colleagues who type.
    #[must_use]
    pub(crate) fn typing_colleagues(self) -> Signal<Vec<String>> {
        self.typing_colleagues.into()
    }

    /// Since when the visitor waits for a person.
    #[must_use]
    pub(crate) fn waiting_since(self) -> Signal<Option<Timestamp>> {
        self.waiting_since.into()
    }

    /// What was known at the last handover.
    #[must_use]
    pub(crate) fn packet(self) -> Signal<Vec<Slot>> {
        self.packet.into()
    }

    /// Who reads what is written.
    #[must_use]
    pub(crate) fn mode(self) -> Signal<Mode> {
        self.mode.into()
    }

    /// What is in the composer.
    #[must_use]
    pub(crate) fn draft(self) -> Signal<String> {
        self.draft.into()
    }

    /// The message that is being rewritten.
    #[must_use]
    pub(crate) fn editing(self) -> Signal<Option<Editing>> {
        self.editing.into()
    }

    /// Grows each time the cursor shall go to the composer.
    #[must_use]
    pub(crate) fn focus_asked(self) -> Signal<u32> {
        self.focus_asked.into()
    }

    // ── What views ask for ──────────────────────────────────────────────────────────────────────────────────

    /// Does what a key asks for.
    pub(crate) fn run(self, shortcut: Shortcut) {
        let is_mine = self.is_mine().get_untracked();
        match shortcut {
            Shortcut::Reply => self.write(Mode::Reply),
            Shortcut::Note => self.write(Mode::Note),
            Shortcut::TakeOver if !is_mine => self.take_over(),
            Shortcut::HandBack if is_mine => self.hand_back(),
            Shortcut::CloseOrReopen => self.close_or_reopen(),
            _ => {}
        }
    }

    /// Answers from now on, with the cursor where one writes.
    pub(crate) fn take_over(self) {
        if self.desk.told(self.desk.with(|client, now| client.take_over(now, self.id))) {
            self.write(Mode::Reply);
        }
    }

    /// Lets the bot answer again.
    pub(crate) fn hand_back(self) {
        self.desk.told(self.desk.with(|client, now| client.hand_back(now, self.id)));
    }

    /// Closes the conversation.
    pub(crate) fn close(self) {
        self.desk.told(self.desk.with(|client, now| client.close(now, self.id)));
    }

    /// Opens it again.
    pub(crate) fn reopen(self) {
        self.desk.told(self.desk.with(|client, now| client.reopen(now, self.id)));
    }

    /// Whichever makes sense.
    pub(crate) fn close_or_reopen(self) {
        if self.is_closed.get_untracked() { self.reopen() } else { self.close() }
    }

    /// Puts the cursor into the composer, for the visitor or for colleagues.
    pub(crate) fn write(self, mode: Mode) {
        if self.mode.get_untracked() != mode {
            self.stop_editing();
            let draft = self.draft.get_untracked();
            self.draft.set(self.other_draft.get_untracked());
            self.other_draft.set(draft);
            self.mode.set(mode);
        }
        self.focus_asked.update(|asked| *asked += 1);
    }

    /// Somebody typed: the composer now holds `text`.
    pub(crate) fn typed(self, text: String) {
        self.draft.set(text);
        // Notes and corrections are not what the visitor waits for.
        if self.mode.get_untracked() == Mode::Reply && self.editing.read_untracked().is_none() {
            let text = self.draft.get_untracked();
            self.desk.with(|client, now| client.typed(now, self.id, &text));
        }
    }

    /// Replaces what is in the composer.
    pub(crate) fn set_draft(self, text: String) {
        self.typed(text);
    }

    /// Sends what is in the composer to whom it is for.
    pub(crate) fn send(self) {
        let text = self.draft.get_untracked();
        if text.trim().is_empty() {
            return;
        }
        let (id, editing, mode) = (self.id, self.editing.get_untracked(), self.mode.get_untracked());
        let said = self.desk.with(|client, now| match (&editing, mode) {
            (Some(editing), _) => client.edit(now, id, editing.target, &text),
            (None, Mode::Reply) => client.say(now, id, &text),
            (None, Mode::Note) => {
                // The core keeps one draft a conversation, the reply's: a note must not empty it.
                let kept = client.conversation(id).map(|conversation| conversation.draft().to_owned());
                let noted = client.note(now, id, &text);
                client.typed(now, id, &kept.unwrap_or_default());
                noted
            }
        });
        if !self.desk.told(said) {
            return;
        }
        if editing.is_some() {
            return self.stop_editing();
        }
        self.draft.set(String::new());
        self.unread_after.set_value(None);
        self.show_newest();
    }

    /// Begins to rewrite an own message.
    pub(crate) fn start_editing(self, target: MessageId) {
        let before = self.desk.read(|client| {
            let timeline = client.conversation(self.id)?.timeline();
            timeline.row(timeline.position_of(target)?).map(|row| row.text().to_owned())
        });
        let Some(before) = before else { return };
        self.stop_editing();
        self.write(Mode::Reply);
        let draft = self.draft.get_untracked();
        self.editing.set(Some(Editing { target, before: before.clone(), draft }));
        self.draft.set(before);
    }

    /// Stops rewriting; puts back what was in the composer before.
    pub(crate) fn stop_editing(self) {
        if let Some(editing) = self.editing.get_untracked() {
            self.editing.set(None);
            self.draft.set(editing.draft);
        }
    }

    /// Asks whether the words of a message are to be removed.
    pub(crate) fn ask_to_redact(self, message: MessageId) {
        self.desk.ask_to_redact(message);
    }

    /// Sends again what was refused.
    pub(crate) fn retry(self, message: MessageId) {
        self.desk.told(self.desk.with(|client, now| client.retry(now, message)));
    }

    /// Forgets what was refused.
    pub(crate) fn discard(self, message: MessageId) {
        self.desk.with(|client, now| client.discard(now, message));
    }

    /// Shows what is older.
    pub(crate) fn show_older(self) {
        let count = self.count();
        if self.window.with_value(|window| window.has_older(count)) {
            self.window.update_value(|window| window.move_older(count));
            self.draw();
        } else {
            self.desk.with(|client, now| client.load_older(now, self.id));
        }
    }

    /// Shows what is newer.
    pub(crate) fn show_newer(self) {
        let count = self.count();
        self.window.update_value(|window| window.move_newer(count));
        self.draw();
    }

    /// Shows the newest.
    pub(crate) fn show_newest(self) {
        self.window.update_value(Window::follow);
        self.draw();
        self.log().to_end();
    }

    // ── What the desk tells ─────────────────────────────────────────────────────────────────────────────────

    pub(crate) fn changed(self, change: Change) {
        match change {
            Change::Inserted { position: 0, count } => self.window.update_value(|window| window.shift(count)),
            Change::Reset => self.window.update_value(Window::follow),
            _ => {}
        }
        self.draw_soon();
    }

    pub(crate) fn summary_changed(self) {
        let line = self.desk.summary(self.id).get_untracked();
        if let Some(line) = line {
            set(self.waiting_since, line.waiting_since);
        }
    }

    /// Draws once everything that happens now has happened, and before the next frame is painted.
    pub(crate) fn draw_soon(self) {
        if self.is_dirty.try_update_value(|is_dirty| !std::mem::replace(is_dirty, true)).unwrap_or_default() {
            spawn_local(async move {
                // The view may be gone by then, and its signals with it.
                if self.is_dirty.try_set_value(false).is_none() {
                    self.draw();
                }
            });
        }
    }

    fn draw(self) {
        self.desk.read(|client| {
            if let Some(conversation) = client.conversation(self.id) {
                self.draw_log(client, conversation);
                self.draw_standing(conversation);
            }
        });
        self.mark_read();
    }

    fn draw_log(self, client: &Client, conversation: &Conversation) {
        if conversation.is_loaded() && self.unread_after.get_value().is_none() {
            self.unread_after.set_value(Some(conversation.read_up_to()));
        }
        let timeline = conversation.timeline();
        let count = timeline.len();
        let window = self.window.get_value();
        let viewer = Viewer::Representative(self.desk.me().participant);
        let items = timeline.window(window.range(count)).map(|row| item(row, client.delivery(self.id, row)));
        let drawn = rows(items, viewer, self.unread_after.get_value(), day_number);
        let is_loading = conversation.is_loading_older();
        let has_older = window.has_older(count) || conversation.can_load_older() || is_loading;
        self.log().show(drawn, Edges { has_older, has_newer: !window.shows_newest(count), is_loading });
    }

    fn draw_standing(self, conversation: &Conversation) {
        if let Some(owner) = conversation.owner() {
            set(self.owner, Some(owner.clone()));
        }
        set(self.is_closed, conversation.is_closed());
        let presence = conversation.presence();
        set(self.viewers, presence.map(|presence| presence.viewers.clone()).unwrap_or_default());
        set(self.visitor_is_online, presence.is_some_and(|presence| presence.visitor_is_online));
        set(self.visitor_is_typing, conversation.typists().any(|who| who.is_none()));
        let colleagues = conversation.typists().flatten().map(|who| who.display_name.clone());
        set(self.typing_colleagues, colleagues.collect());
        let handover = conversation.timeline().newest_first().find_map(|row| match &row.body {
            EntryBody::Handover(handover) if !handover.packet.is_empty() => Some(handover.packet.clone()),
            _ => None,
        });
        set(self.packet, handover.unwrap_or_default());
    }

    fn mark_read(self) {
        let shows_newest = self.window.get_value().shows_newest(self.count());
        if page::is_visible() && shows_newest && self.log().is_at_end() {
            self.desk.with(|client, now| {
                let newest =
                    client.conversation(self.id).map_or(0, |conversation| conversation.timeline().to());
                client.read_up_to(now, self.id, newest);
            });
        }
    }

    fn count(self) -> usize {
        self.desk.read(|client| {
            client.conversation(self.id).map_or(0, |conversation| conversation.timeline().len())
        })
    }
}

fn item(row: &Row, delivery: Delivery) -> Item<'_> {
    Item {
        id: row.id,
        sequence: row.sequence,
        at: row.at,
        author: &row.author,
        body: &row.body,
        delivery: match delivery {
            // Visitors never receive notes: no ticks.
            _ if matches!(row.body, EntryBody::Note(_)) && !row.is_echo() => Fate::Received,
            Delivery::Received => Fate::Received,
            Delivery::Waiting | Delivery::Sending => Fate::Sending,
            Delivery::Sent => Fate::Sent,
            Delivery::Delivered => Fate::Delivered,
            Delivery::Read => Fate::Read,
            Delivery::Failed(_) => Fate::Failed,
        },
        is_edited: matches!(row.amended, Amended::Edited(_)),
        is_redacted: matches!(row.amended, Amended::Redacted(_)),
    }
}

/// Writes a signal only if that changes it.
fn set<T: PartialEq + Send + Sync + 'static>(signal: RwSignal<T>, value: T) {
    if signal.with_untracked(|known| *known != value) {
        signal.set(value);
    }
}
