//! Devices and their tabs: the drivers of the client half.

use std::collections::{BTreeMap, BTreeSet};

use portico_client::{Client, Effect, Event, Input, Now, Relay};
use portico_protocol::{Author, ConversationId, MessageId, Moment, Timestamp};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::world::{Happening, LinkId, TabId, World};

/// A browser of one participant: storage that survives reloads, and tabs that do not.
#[derive(Debug)]
pub(crate) struct Device {
    pub(crate) author: Author,
    pub(crate) storage: BTreeMap<String, String>,
    pub(crate) followed: Vec<ConversationId>,
    pub(crate) tabs: Vec<TabId>,
    /// How far the calendar of this device is off, in milliseconds.
    pub(crate) wall_offset: i64,
    /// For how long its steady clock has stood still in all, in milliseconds.
    pub(crate) stood_still_ms: u64,
    pub(crate) asleep_until: u64,
}

/// One page.
pub(crate) struct Tab {
    pub(crate) device: usize,
    pub(crate) client: Client,
    pub(crate) socket: Option<LinkId>,
    /// Counts the sockets asked for: an answer to an earlier wish is dropped.
    pub(crate) attempt: u32,
    pub(crate) is_connecting: bool,
    /// What was said in this tab, in order.
    pub(crate) said: Vec<(ConversationId, MessageId)>,
    /// How far each own message was seen to get.
    pub(crate) ranks: BTreeMap<MessageId, u8>,
    /// Where each log stood when the page was last told.
    pub(crate) told_head: BTreeMap<ConversationId, u64>,
    /// What was announced.
    pub(crate) heard: BTreeSet<MessageId>,
}

impl World {
    pub(crate) fn now_of(&self, device: usize) -> Now {
        let device = &self.devices[device];
        let wall = i64::try_from(self.time).expect("worlds are short") + device.wall_offset;
        Now {
            moment: Moment::from_millis(self.time - device.stood_still_ms),
            wall: Timestamp::from_millis(crate::world::EPOCH + wall),
        }
    }

    /// Opens a page on `device`: it takes back what was kept and leads if no other page does.
    pub(crate) fn open_tab(&mut self, device: usize) -> TabId {
        let id = TabId(self.fresh());
        let rng = ChaCha8Rng::seed_from_u64(self.random());
        let mut client = Client::new(self.devices[device].author.clone(), Box::new(rng));
        let now = self.now_of(device);
        for conversation in &self.devices[device].followed {
            client.follow(now, *conversation);
        }
        for (key, value) in &self.devices[device].storage {
            client.restore(key, value);
        }
        let leads = self.devices[device].tabs.is_empty();
        if leads {
            client.start(now)
        } else {
            client.follow_leader(now)
        }
        let (said, ranks, told_head, heard) = Default::default();
        let (socket, attempt, is_connecting) = (None, 0, false);
        let tab = Tab { device, client, socket, attempt, is_connecting, said, ranks, told_head, heard };
        self.tabs.insert(id, tab);
        self.devices[device].tabs.push(id);
        self.drain_tab(id);
        id
    }

    /// Closes a page without warning; the next one on the device leads. What was said in it stays said.
    pub(crate) fn close_tab(&mut self, id: TabId) {
        let Some(mut tab) = self.tabs.remove(&id) else { return };
        if let Some(link) = tab.socket.take() {
            self.break_from_client(link);
        }
        self.bury(&tab);
        let device = &mut self.devices[tab.device];
        let led = device.tabs.first() == Some(&id);
        device.tabs.retain(|other| *other != id);
        if let Some(next) = device.tabs.first().copied().filter(|_| led) {
            self.with_tab(next, |client, now| client.start(now));
        }
    }

    /// Runs `act` in a page and carries out what follows.
    pub(crate) fn with_tab<T>(&mut self, id: TabId, act: impl FnOnce(&mut Client, Now) -> T) -> Option<T> {
        let now = self.now_of(self.tabs.get(&id)?.device);
        let done = act(&mut self.tabs.get_mut(&id)?.client, now);
        self.drain_tab(id);
        Some(done)
    }

    fn drain_tab(&mut self, id: TabId) {
        while let Some(effect) = self.tabs.get_mut(&id).and_then(|tab| tab.client.poll_effect()) {
            self.carry_out(id, effect);
        }
        let mut news = Vec::new();
        let Some(tab) = self.tabs.get_mut(&id) else { return };
        while let Some(event) = tab.client.poll_event() {
            match event {
                Event::Refused { submission, .. } => {
                    self.refused.insert(submission.id);
                }
                Event::News { conversation, row } => news.push((conversation, row.id)),
                _ => {}
            }
        }
        self.check_news(id, &news);
        self.check_tab(id);
    }

    fn carry_out(&mut self, id: TabId, effect: Effect) {
        self.trace(&(id, &effect));
        let tab = self.tabs.get_mut(&id).expect("only open pages are drained");
        match effect {
            Effect::Connect => {
                assert!(tab.socket.is_none() && !tab.is_connecting, "one socket at a time");
                tab.attempt += 1;
                tab.is_connecting = true;
                let attempt = tab.attempt;
                let delay = self.delay() + self.delay();
                self.after(delay, Happening::SocketReady { tab: id, attempt });
            }
            Effect::Disconnect => {
                tab.attempt += 1;
                tab.is_connecting = false;
                if let Some(link) = tab.socket.take() {
                    self.break_from_client(link);
                }
            }
            Effect::Transmit(frame) => {
                let link = tab.socket.expect("the core transmits only while it has a socket");
                self.send_to_server(link, frame);
            }
            Effect::Save(save) => {
                let storage = &mut self.devices[tab.device].storage;
                match save.value {
                    Some(value) => storage.insert(save.key, value),
                    None => storage.remove(&save.key),
                };
            }
            Effect::Relay(relay) => {
                // As the browser's channel does it: text, to all others, in order.
                let text = relay.encode();
                let others: Vec<_> =
                    self.devices[tab.device].tabs.iter().copied().filter(|other| *other != id).collect();
                for to in others {
                    let relay = Relay::decode(&text).expect("what was encoded decodes");
                    self.fifo(u64::MAX - to.0, 3, Happening::Relayed { tab: to, relay });
                }
            }
        }
    }

    /// A ticket and a socket were to be had, or not.
    pub(crate) fn socket_ready(&mut self, id: TabId, attempt: u32) {
        let Some(tab) = self.tabs.get_mut(&id).filter(|tab| tab.attempt == attempt && tab.is_connecting)
        else {
            return;
        };
        tab.is_connecting = false;
        let device = tab.device;
        match self.connect(id, device) {
            Some((link, ticket)) => {
                self.tabs.get_mut(&id).expect("still open").socket = Some(link);
                self.with_tab(id, |client, now| client.handle(now, Input::Opened { ticket }));
            }
            None => {
                self.with_tab(id, |client, now| client.handle(now, Input::Closed));
            }
        }
    }

    /// The socket closed under the page.
    pub(crate) fn socket_closed(&mut self, id: TabId, link: LinkId) {
        let Some(tab) = self.tabs.get_mut(&id).filter(|tab| tab.socket == Some(link)) else { return };
        tab.socket = None;
        self.with_tab(id, |client, now| client.handle(now, Input::Closed));
    }
}
