//! The script of a world: what people do, and what breaks.

use std::cmp::Reverse;

use portico_client::{Client, DraftState, Input, Now, SayError};
use portico_protocol::frame::{Submission, SubmissionBody};
use portico_protocol::{ConversationId, Entry, Message, MessageId, Suggestion};
use rand::RngExt;

use crate::world::{Happening, TabId, World};

/// Keeps track of what an act says.
struct Said {
    dice: u64,
    said: Vec<(ConversationId, MessageId)>,
    /// Up to where it was on screen.
    read_to: u64,
}

impl Said {
    fn note_said(&mut self, result: Result<MessageId, SayError>, conversation: ConversationId) {
        self.said.extend(result.ok().map(|id| (conversation, id)));
    }
}

impl World {
    pub(crate) fn step(&mut self) {
        self.steps_left = self.steps_left.saturating_sub(1);
        if self.chance(self.plan.faults) {
            self.break_something()
        } else {
            self.act()
        }
        if self.plan.bursts && self.chance(100) {
            let device = self.below(self.devices.len() as u64) as usize;
            let tab = self.devices[device].tabs.first().copied();
            for _ in 0..self.below(40) {
                if let Some(tab) = tab {
                    self.say(tab);
                }
            }
        }
        let pause = if self.chance(300) { self.below(20) } else { self.below(1_500) };
        self.after(pause, Happening::NextStep);
    }

    fn act(&mut self) {
        let device = self.below(self.devices.len() as u64) as usize;
        if self.devices[device].asleep_until > 0 || self.devices[device].tabs.is_empty() {
            return;
        }
        let pick = self.below(self.devices[device].tabs.len() as u64) as usize;
        let tab = self.devices[device].tabs[pick];
        match self.below(20) {
            0..=7 => self.say(tab),
            8 | 9 => self.do_something(tab, Self::read_all),
            10 => self.type_something(tab),
            11 => self.amend(tab),
            12 => self.do_something(tab, |_, client, now, id| client.load_older(now, id)),
            13 => self.resolve_refusal(tab),
            14 => self.do_something(tab, |world, client, now, id| {
                let newest = client
                    .conversation(id)
                    .and_then(|c| c.timeline().newest_first().next().map(|row| row.id));
                let tapped = Suggestion::reply("Opening hours", "hours");
                if let Some(message) = newest.filter(|_| client.me().is_visitor()) {
                    world.note_said(client.tap(now, id, message, &tapped), id);
                }
            }),
            15 => self.reload(tab),
            16 => self.do_something(tab, |said, client, now, id| match client.me().is_visitor() {
                true => {}
                false if said.dice.is_multiple_of(2) => client.unfollow(now, id),
                false => client.follow(now, id),
            }),
            _ => self.do_something(tab, Self::manage),
        }
    }

    /// Runs `act` with a page's client and one of its conversations, keeping track of what it says.
    fn do_something(&mut self, id: TabId, act: impl FnOnce(&mut Said, &mut Client, Now, ConversationId)) {
        let Some(device) = self.tabs.get(&id).map(|tab| tab.device) else { return };
        let pick = self.below(self.devices[device].followed.len() as u64) as usize;
        let conversation = self.devices[device].followed[pick];
        let mut said = Said { dice: self.random(), said: Vec::new(), read_to: 0 };
        self.with_tab(id, |client, now| act(&mut said, client, now, conversation));
        if let Some(tab) = self.tabs.get_mut(&id) {
            tab.said.extend(said.said);
            let reader = tab.client.me().participant();
            let seen = reader.map(|reader| self.on_screen.entry((conversation, reader)).or_default());
            seen.into_iter().for_each(|to| *to = said.read_to.max(*to));
        }
    }

    fn say(&mut self, tab: TabId) {
        let words = self.fresh().to_string();
        self.do_something(tab, |said, client, now, id| said.note_said(client.say(now, id, &words), id));
    }

    fn read_all(said: &mut Said, client: &mut Client, now: Now, id: ConversationId) {
        let to = client.conversation(id).map_or(0, |conversation| conversation.timeline().to());
        said.read_to = to;
        client.read_up_to(now, id, to);
    }

    fn type_something(&mut self, tab: TabId) {
        let words = if self.chance(200) { String::new() } else { self.fresh().to_string() };
        self.do_something(tab, |_, client, now, id| client.typed(now, id, &words));
    }

    fn amend(&mut self, tab: TabId) {
        let words = self.fresh().to_string();
        self.do_something(tab, |said, client, now, id| {
            let Some(conversation) = client.conversation(id) else { return };
            let own = conversation.timeline().newest_first().filter(|row| !row.is_echo() && row.is_spoken());
            let own: Vec<_> = own.filter(|row| conversation.is_own(row)).map(|row| row.id).collect();
            let Some(target) = own.get(said.dice as usize % own.len().max(1)).copied() else { return };
            let done = if said.dice.is_multiple_of(3) {
                client.redact(now, id, target)
            } else {
                client.edit(now, id, target, &words)
            };
            said.note_said(done, id);
        });
    }

    fn manage(said: &mut Said, client: &mut Client, now: Now, id: ConversationId) {
        let done = match (client.me().is_visitor(), said.dice % 8) {
            (true, 0..=3) => client.request_human(now, id),
            (true, _) => return,
            (false, 0..=3) => client.take_over(now, id),
            (false, 4) => client.hand_back(now, id),
            (false, 5) => client.close(now, id),
            (false, 6) => client.reopen(now, id),
            (false, _) => client.note(now, id, "for colleagues"),
        };
        said.note_said(done, id);
    }

    /// Says anew or discards what was refused for good.
    fn resolve_refusal(&mut self, tab: TabId) {
        self.do_something(tab, |said, client, now, id| {
            let is_refused = |state: &DraftState| matches!(state, DraftState::Refused(_));
            let refused = client.outbox().of(id).find(|draft| is_refused(&draft.state));
            let Some(refused) = refused.map(|draft| draft.submission.id) else { return };
            if said.dice.is_multiple_of(2) {
                said.note_said(client.retry(now, refused), id);
            } else {
                client.discard(now, refused);
            }
        });
    }

    fn reload(&mut self, tab: TabId) {
        let Some(device) = self.tabs.get(&tab).map(|tab| tab.device) else { return };
        self.close_tab(tab);
        self.open_tab(device);
    }

    pub(crate) fn bot_answer(&self, entry: &Entry) -> Submission {
        let mut bytes = *entry.id.as_bytes();
        bytes[14] ^= 0x55;
        let body = SubmissionBody::Message(Message::text("Noted."));
        Submission { id: MessageId::from_bytes(bytes), body }
    }

    fn break_something(&mut self) {
        let (nodes, devices) = (self.nodes.len() as u64, self.devices.len() as u64);
        let (node, device) = (self.below(nodes) as usize, self.below(devices) as usize);
        let fault = self.below(12);
        self.trace(&("fault", fault, node, device));
        match fault {
            0..=2 => {
                let links: Vec<_> = self.peers.keys().copied().collect();
                if !links.is_empty() {
                    let link = links[self.below(links.len() as u64) as usize];
                    let is_silent = self.chance(300);
                    self.cut(link, is_silent);
                }
            }
            3 | 4 => self.crash(node),
            5 => self.restart(node),
            6 => self.store_down_until = self.time + self.below(3_000),
            7 => self.network_down_until = self.time + self.below(8_000),
            8 => self.sleep(device),
            9 => self.devices[device].wall_offset += self.rng.random_range(-3_600_000..3_600_000),
            10 => self.nodes[node].wall_offset -= self.rng.random_range(0..3_600_000),
            _ => self.change_tabs(device),
        }
    }

    fn change_tabs(&mut self, device: usize) {
        let open = self.devices[device].tabs.len();
        if open < self.plan.tabs {
            self.open_tab(device);
        } else if open > 1 || self.chance(300) {
            let at = self.below(open as u64) as usize;
            if let Some(tab) = self.devices[device].tabs.get(at).copied() {
                self.close_tab(tab);
            }
        }
        if self.devices[device].tabs.is_empty() {
            self.open_tab(device);
        }
    }

    fn sleep(&mut self, device: usize) {
        if self.devices[device].asleep_until == 0 {
            let millis = if self.chance(300) { self.below(400_000) } else { self.below(20_000) };
            self.devices[device].asleep_until = self.time + millis;
            // Some systems stop the steady clock while they sleep.
            let stood_still_ms = if self.chance(500) { millis } else { 0 };
            self.after(millis, Happening::Wakes { device, stood_still_ms });
        }
    }

    pub(crate) fn wake(&mut self, device: usize, stood_still_ms: u64) {
        if std::mem::take(&mut self.devices[device].asleep_until) == 0 {
            return;
        }
        self.devices[device].stood_still_ms += stood_still_ms;
        for happening in self.backlogs.remove(&device).unwrap_or_default() {
            self.happen(happening);
        }
        let told = self.chance(500);
        for tab in self.devices[device].tabs.clone() {
            if told {
                self.with_tab(tab, |client, now| client.handle(now, Input::Woken));
            }
        }
    }

    /// From now on nothing breaks, and every device has a page that takes back what others left.
    pub(crate) fn heal(&mut self) {
        (self.network_down_until, self.store_down_until) = (0, 0);
        (self.plan.faults, self.plan.bus_faults) = (0, 0);
        self.steps_left = 0;
        let steps = self.happenings.iter().filter(|(_, one)| matches!(one, Happening::NextStep));
        let orders: Vec<_> = steps.map(|(order, _)| *order).collect();
        self.heap.retain(|Reverse((_, order))| !orders.contains(order));
        self.happenings.retain(|order, _| !orders.contains(order));
        for device in 0..self.devices.len() {
            if self.devices[device].asleep_until > 0 {
                self.wake(device, 0);
            }
            self.open_tab(device);
            let followed = self.devices[device].followed.clone();
            for tab in self.devices[device].tabs.clone() {
                self.with_tab(tab, |client, now| followed.iter().for_each(|id| client.follow(now, *id)));
            }
        }
    }
}
