//! What both halves promise, checked while things break and once more when all is calm.

use std::collections::BTreeSet;

use portico_client::{Amended, Client, Connectivity, Conversation, Delivery};
use portico_protocol::frame::{Acknowledged, Entries};
use portico_protocol::{
    Author, ConversationId, EntryBody, MessageId, Owner, Representative, RepresentativeType, ServerFrame,
    Watermark,
};

use crate::device::Tab;
use crate::world::{TabId, World};

/// A promise that a seed broke.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The seed.
    pub seed: u64,
    /// When, in milliseconds of the world's time.
    pub at_ms: u64,
    /// Which promise, and how.
    pub what: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { seed, at_ms, what } = self;
        write!(
            formatter,
            "seed {seed}, at {at_ms} ms: {what}\nrun it alone: PORTICO_SEED={seed} cargo test -p portico-testkit"
        )
    }
}

impl std::error::Error for Violation {}

impl World {
    pub(crate) fn violate(&mut self, what: impl Into<String>) {
        self.violation.get_or_insert(what.into());
    }

    // ── At every moment ─────────────────────────────────────────────────────────────────────────────────────

    /// No bubble stands twice, rows are in the log's order, and ticks never step back.
    pub(crate) fn check_tab(&mut self, id: TabId) {
        let Some(tab) = self.tabs.get_mut(&id) else { return };
        let mut broken = None;
        for conversation in &self.devices[tab.device].followed {
            let Some(held) = tab.client.conversation(*conversation) else { continue };
            broken = broken.or_else(|| rows_out_of_order(held)).or_else(|| {
                let head = self.store.log(*conversation).state.head;
                (held.timeline().to() > head)
                    .then(|| format!("{conversation} holds more than the {head} stored"))
            });
            for row in held.timeline().newest_first().filter(|row| held.is_own(row)) {
                let rank = rank(&tab.client.delivery(*conversation, row));
                let before = tab.ranks.insert(row.id, rank).unwrap_or_default();
                if rank < before && before >= SENT {
                    broken = Some(format!("the ticks of {} stepped back from {before} to {rank}", row.id));
                }
            }
        }
        if let Some(what) = broken {
            self.violate(what);
        }
    }

    /// A screen reader hears each message once.
    pub(crate) fn check_news(&mut self, id: TabId, news: &[(ConversationId, MessageId)]) {
        let Some(tab) = self.tabs.get_mut(&id) else { return };
        let again = news.iter().find(|(_, message)| !tab.heard.insert(*message)).copied();
        if let Some((_, message)) = again {
            self.violate(format!("{message} was announced twice"));
        }
    }

    pub(crate) fn check_acknowledged(&mut self, acknowledged: &Acknowledged) {
        let stored = self.store.log(acknowledged.conversation).find(acknowledged.id);
        if stored.is_none_or(|entry| entry.sequence != acknowledged.sequence) {
            self.violate(format!("{} was acknowledged and is not stored there", acknowledged.id));
        }
    }

    pub(crate) fn check_watermark(&mut self, conversation: ConversationId, watermark: Watermark) {
        let head = self.store.log(conversation).state.head;
        if watermark.delivered > head || watermark.read > watermark.delivered {
            self.violate(format!("{watermark:?} in a log of {head}"));
        }
        let seen = self.on_screen.get(&(conversation, watermark.participant)).copied().unwrap_or_default();
        if watermark.read > seen {
            self.violate(format!("{watermark:?}, though only {seen} were on a screen"));
        }
    }

    /// A log counts without gaps, holds each id once, and its calendar never goes back.
    pub(crate) fn check_log(&mut self, conversation: ConversationId) {
        let entries = &self.store.log(conversation).entries;
        let mut ids = BTreeSet::new();
        let is_broken = entries.iter().enumerate().any(|(place, entry)| {
            let is_earlier = place > 0 && entry.at < entries[place - 1].at;
            entry.sequence != place as u64 + 1 || !ids.insert(entry.id) || is_earlier
        });
        if is_broken {
            self.violate("a log has a gap, an id twice, or goes back in time");
        }
    }

    /// A bot speaks only while the conversation is its own.
    pub(crate) fn check_speaker(&mut self, conversation: ConversationId) {
        let begins_with_bot = self.store.policy.bot.is_some();
        let mut is_bots = begins_with_bot;
        let spoken_over = self.store.log(conversation).entries.iter().find(|entry| {
            match &entry.body {
                EntryBody::Handover(handover) => is_bots = matches!(handover.to, Owner::Bot(_)),
                EntryBody::Closed(_) => is_bots = begins_with_bot,
                _ => {}
            }
            let is_bot = |who: &Representative| who.representative_type == RepresentativeType::Bot;
            let by_bot = matches!(&entry.author, Author::Representative(who) if is_bot(who));
            entry.is_spoken() && by_bot && !is_bots
        });
        if let Some(entry) = spoken_over {
            let id = entry.id;
            self.violate(format!("the bot said {id} in a conversation that is a person's"));
        }
    }

    /// Who says something in `frame` that the page has not heard.
    pub(crate) fn newly_spoken(&self, tab: TabId, frame: &ServerFrame) -> Vec<(ConversationId, u64, Author)> {
        let (ServerFrame::Entries(Entries { conversation, entries }), Some(tab)) =
            (frame, self.tabs.get(&tab))
        else {
            return Vec::new();
        };
        let held = tab.client.conversation(*conversation).map_or(u64::MAX, |held| held.timeline().to());
        // What was said before one came may be followed by new typing.
        let known = held.max(tab.told_head.get(conversation).copied().unwrap_or_default());
        let new = entries.iter().filter(|entry| entry.sequence > known && entry.is_spoken());
        new.map(|entry| (*conversation, entry.sequence, entry.author.clone())).collect()
    }

    /// Whoever has just spoken no longer seems to type.
    pub(crate) fn check_typists(&mut self, tab: TabId, spoken: &[(ConversationId, u64, Author)]) {
        let Some(client) = self.tabs.get(&tab).map(|tab| &tab.client) else { return };
        let still_types = |(conversation, sequence, author): &&(ConversationId, u64, Author)| {
            client.conversation(*conversation).is_some_and(|held| {
                let id = author.participant().filter(|_| !author.is_visitor());
                held.timeline().to() >= *sequence && held.typists().any(|who| who.map(|who| who.id) == id)
            })
        };
        if let Some((_, sequence, _)) = spoken.iter().find(still_types) {
            self.violate(format!("whoever said number {sequence} seems to type it still"));
        }
    }

    /// Remembers what a page said that is now closed.
    pub(crate) fn bury(&mut self, tab: &Tab) {
        for (_, id) in &tab.said {
            let draft = tab.client.outbox().find(*id);
            if draft.is_some_and(|draft| !draft.is_kept() && !draft.is_acknowledged()) {
                self.refused.insert(*id);
            }
        }
        self.said_before.push(tab.said.clone());
    }

    // ── When all is calm ────────────────────────────────────────────────────────────────────────────────────

    pub(crate) fn check_end(&mut self) {
        let mut broken = Vec::new();
        let said_now = self.tabs.values().map(|tab| &tab.said);
        for said in self.said_before.iter().chain(said_now) {
            self.check_said(said, &mut broken);
        }
        for tab in self.tabs.values() {
            self.check_calm(tab, &mut broken);
        }
        for device in &self.devices {
            let kept = device.storage.keys().filter(|key| key.contains("/submission/"));
            let ids = kept.map(|key| key.rsplit('/').next().unwrap_or_default().parse::<MessageId>());
            for id in ids.filter_map(Result::ok).filter(|id| !self.refused.contains(id)) {
                broken.push(format!("{id} is still kept on a device"));
            }
        }
        if let Some(what) = broken.into_iter().next() {
            self.violate(what);
        }
    }

    /// What was said and not refused is stored once, in the order of saying.
    fn check_said(&self, said: &[(ConversationId, MessageId)], broken: &mut Vec<String>) {
        for conversation in self.store.logs.keys() {
            let mut last = 0;
            let kept = |(of, id): &&(_, _)| of == conversation && !self.refused.contains(id);
            for (_, id) in said.iter().filter(kept) {
                match self.store.log(*conversation).find(*id).map(|entry| entry.sequence) {
                    Some(sequence) if sequence <= last => broken.push(format!("{id} was overtaken")),
                    Some(sequence) => last = sequence,
                    None => broken.push(format!("{id} was said and is lost")),
                }
            }
        }
    }

    fn check_calm(&self, tab: &Tab, broken: &mut Vec<String>) {
        let client = &tab.client;
        if client.connectivity() != Connectivity::Online {
            broken.push(format!("a page is {:?} in a healthy world", client.connectivity()));
        }
        for conversation in &self.devices[tab.device].followed {
            let held = client.conversation(*conversation).expect("pages follow what their device follows");
            let waiting = client.outbox().of(*conversation).find(|draft| !draft.is_refused());
            broken.extend(waiting.map(|draft| format!("still waits to be sent: {draft:?}")));
            self.check_fold(client, held, broken);
        }
    }

    /// A page shows the log, and derives from it what there is to derive.
    fn check_fold(&self, client: &Client, held: &Conversation, broken: &mut Vec<String>) {
        let log = self.store.log(held.id());
        let is_visitor = client.me().is_visitor();
        let rows = held.timeline().window(0..usize::MAX).filter(|row| !row.is_echo());
        let rows: Vec<_> = rows.map(|row| (row.sequence, row.id, row.text().to_owned())).collect();
        let from = held.timeline().from();
        if held.timeline().to() != log.state.head || rows != log.rows(from, is_visitor) {
            broken.push(format!("{} differs from its log of {}", held.id(), log.state.head));
        }
        let (owner, is_closed) = (held.owner(), held.is_closed());
        if owner != Some(&log.state.owner) || is_closed != log.state.is_closed {
            broken.push(format!("{owner:?} seems to answer, in truth it is {:?}", log.state.owner));
        }
        if held.typists().next().is_some() {
            broken.push("somebody seems to type for ever".into());
        }
        for mark in &log.watermarks {
            if held.watermarks().of(mark.participant) != (mark.delivered, mark.read) {
                broken.push(format!("a watermark of {} is out of date", mark.participant));
            }
        }
        let concerns = |row: &&portico_client::Row| row.sequence > held.read_up_to() && held.concerns(row);
        let unread = held.timeline().newest_first().map(AsRef::as_ref).filter(concerns).count();
        let me = client.me().participant().unwrap_or_else(|| unreachable!("clients belong to participants"));
        let read = log.watermarks.iter().find(|mark| mark.participant == me).map_or(0, |mark| mark.read);
        let missed = held.timeline().window(0..usize::MAX).filter(|row| held.concerns(row));
        let missed = missed.filter(|row| row.sequence > read && row.sequence <= held.read_up_to()).count();
        if held.unread() as usize != unread || missed > 0 {
            broken.push(format!(
                "{} unread are shown, there are {unread}; {missed} reads are untold",
                held.unread()
            ));
        }
        let redacted =
            |row: &&std::sync::Arc<portico_client::Row>| matches!(row.amended, Amended::Redacted(_));
        if held.timeline().window(0..usize::MAX).filter(redacted).any(|row| !row.text().is_empty()) {
            broken.push("redacted words are still shown".into());
        }
    }
}

fn rows_out_of_order(held: &Conversation) -> Option<String> {
    let mut ids = BTreeSet::new();
    let (mut last, mut echoes) = (0, false);
    for row in held.timeline().window(0..usize::MAX) {
        if !ids.insert(row.id) {
            return Some(format!("{} stands twice", row.id));
        }
        if !row.is_echo() && (row.sequence <= last || echoes) {
            return Some(format!("{} stands in the wrong place", row.id));
        }
        (last, echoes) = (row.sequence, row.is_echo());
    }
    None
}

const SENT: u8 = 2;

fn rank(delivery: &Delivery) -> u8 {
    match delivery {
        Delivery::Received | Delivery::Waiting | Delivery::Failed(_) => 0,
        Delivery::Sending => 1,
        Delivery::Sent => SENT,
        Delivery::Delivered => 3,
        Delivery::Read => 4,
    }
}
