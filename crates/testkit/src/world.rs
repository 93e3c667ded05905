//! Time, chance and wires.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};

use portico_client::{Input as ClientInput, Relay};
use portico_domain::Policy;
use portico_domain::session::Input as ServerInput;
use portico_protocol::participant::Visitor;
use portico_protocol::{
    Author, ClientFrame, ConversationId, Message, MessageId, ParticipantId, Representative,
    RepresentativeType, ServerFrame, Suggestion, codec,
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::check::Violation;
use crate::device::{Device, Tab};
use crate::log::Store;
use crate::plan::Plan;
use crate::server::{Append, Node, Notice, Peer};

/// The calendar at the start of a world: 23 November 2026, in milliseconds since 1970.
pub(crate) const EPOCH: i64 = 1_795_392_000_000;
/// How long a healed world may take until nothing is left to do, in milliseconds: a dead connection is noticed after
/// 35 s, opened anew after at most 45 s, and then a full outbox flows at one message a second.
const CALM_FOR_MS: u64 = 360_000;
/// More happenings at one moment mean that something spins.
const AT_ONCE_MAX: u32 = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TabId(pub(crate) u64);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LinkId(pub(crate) u64);

/// What is going to happen at some time.
#[derive(Debug)]
pub(crate) enum Happening {
    NextStep,
    SocketReady { tab: TabId, attempt: u32 },
    AtServer { link: LinkId, frame: ClientFrame },
    AtClient { tab: TabId, link: LinkId, frame: ServerFrame },
    ClosedAtServer { link: LinkId },
    ClosedAtClient { tab: TabId, link: LinkId },
    Answered { link: LinkId, input: Box<ServerInput> },
    Commit { node: usize, life: u32 },
    Rung { node: usize, notice: Notice },
    BotAnswers { node: usize, life: u32, append: Box<Append> },
    NodeUp { node: usize },
    Stopped { node: usize, life: u32 },
    Relayed { tab: TabId, relay: Relay },
    Wakes { device: usize, stood_still_ms: u64 },
}

#[derive(Debug)]
enum Timer {
    Tab(TabId),
    Peer(LinkId),
}

fn person(id: u8, representative_type: RepresentativeType, name: &str) -> Representative {
    let id = ParticipantId::from_bytes([id; 16]);
    Representative { id, representative_type, display_name: name.into() }
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Entries in all logs.
    pub stored: usize,
    /// Happenings.
    pub happenings: u64,
    /// Connections opened.
    pub connections: u64,
    /// Simulated time, in milliseconds.
    pub time_ms: u64,
}

/// A seeded world: see the crate.
pub struct World {
    pub(crate) seed: u64,
    pub(crate) plan: Plan,
    pub(crate) rng: ChaCha8Rng,
    pub(crate) time: u64,
    next_id: u64,
    order: u64,
    pub(crate) heap: BinaryHeap<Reverse<(u64, u64)>>,
    pub(crate) happenings: BTreeMap<u64, Happening>,
    fifos: BTreeMap<u64, u64>,
    pub(crate) store: Store,
    pub(crate) nodes: Vec<Node>,
    pub(crate) peers: BTreeMap<LinkId, Peer>,
    pub(crate) tickets: BTreeMap<String, usize>,
    pub(crate) devices: Vec<Device>,
    pub(crate) tabs: BTreeMap<TabId, Tab>,
    pub(crate) backlogs: BTreeMap<usize, VecDeque<Happening>>,
    pub(crate) network_down_until: u64,
    pub(crate) store_down_until: u64,
    /// Ids that were refused for good, or given up by their author.
    pub(crate) refused: BTreeSet<MessageId>,
    /// Up to where each participant has had each log on some screen.
    pub(crate) on_screen: BTreeMap<(ConversationId, ParticipantId), u64>,
    /// What was said in pages that are closed, in order.
    pub(crate) said_before: Vec<Vec<(ConversationId, MessageId)>>,
    pub(crate) violation: Option<String>,
    pub(crate) steps_left: u32,
    pub(crate) report: Report,
    is_traced: bool,
}

impl World {
    /// A stormy world; `seed` decides its shape and everything in it.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self::planned(seed, Plan::stormy(seed))
    }

    /// A world of the given shape.
    #[must_use]
    pub fn planned(seed: u64, plan: Plan) -> Self {
        let bot = person(200, RepresentativeType::Bot, "Lumi");
        let mut welcome = Message::text("Welcome! I am a bot.");
        welcome.suggestions = vec![Suggestion::reply("Opening hours", "hours")];
        let policy = Policy { bot: (!seed.is_multiple_of(5)).then_some(bot), greeting: vec![welcome] };
        let brand = "lumen".parse().expect("a valid brand id");
        let mut world = Self {
            seed,
            rng: ChaCha8Rng::seed_from_u64(seed),
            // Far from zero, so that nothing works only because clocks start there.
            time: 5_000_000,
            next_id: 1,
            order: 0,
            heap: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            fifos: BTreeMap::new(),
            store: Store { brand, policy, logs: BTreeMap::new() },
            nodes: (0..plan.nodes).map(|_| Node::up()).collect(),
            peers: BTreeMap::new(),
            tickets: BTreeMap::new(),
            devices: Vec::new(),
            tabs: BTreeMap::new(),
            backlogs: BTreeMap::new(),
            network_down_until: 0,
            store_down_until: 0,
            refused: BTreeSet::new(),
            on_screen: BTreeMap::new(),
            said_before: Vec::new(),
            violation: None,
            steps_left: plan.steps,
            report: Report::default(),
            is_traced: false,
            plan,
        };
        world.populate();
        world
    }

    fn populate(&mut self) {
        let conversations: Vec<_> =
            (0..self.plan.visitors).map(|n| ConversationId::from_bytes([100 + n as u8; 16])).collect();
        for (n, conversation) in conversations.iter().enumerate() {
            let visitor = ParticipantId::from_bytes([1 + n as u8; 16]);
            self.store.open(*conversation, visitor);
            for _ in 0..self.plan.devices {
                self.add_device(Author::Visitor(Visitor { id: visitor }), vec![*conversation]);
            }
        }
        for n in 0..self.plan.representatives {
            let who = person(150 + n as u8, RepresentativeType::Human, "Ada");
            self.add_device(Author::Representative(who), conversations.clone());
        }
        for device in 0..self.devices.len() {
            self.open_tab(device);
        }
        self.after(10, Happening::NextStep);
    }

    fn add_device(&mut self, author: Author, followed: Vec<ConversationId>) {
        let (storage, tabs) = Default::default();
        let wall_offset = self.rng.random_range(-60_000..60_000);
        let stood_still_ms = self.rng.random_range(0..1_000_000);
        self.devices.push(Device {
            author,
            storage,
            followed,
            tabs,
            wall_offset,
            stood_still_ms,
            asleep_until: 0,
        });
    }

    /// Prints everything that happens, for whoever looks into a seed.
    #[must_use]
    pub const fn traced(mut self) -> Self {
        self.is_traced = true;
        self
    }

    /// Lets everything happen, heals the world, waits until it is calm and compares all that was promised.
    ///
    /// # Errors
    /// The first promise that was broken.
    pub fn run(mut self) -> Result<Report, Violation> {
        while self.steps_left > 0 && self.violation.is_none() {
            self.advance(u64::MAX);
        }
        self.heal();
        let calm_at = self.time + CALM_FOR_MS;
        while self.violation.is_none() && self.advance(calm_at) {}
        if self.violation.is_none() {
            self.check_end();
        }
        self.report.stored = self.store.logs.values().map(|log| log.entries.len()).sum();
        self.report.time_ms = self.time;
        match self.violation.take() {
            Some(what) => Err(Violation { seed: self.seed, at_ms: self.time, what }),
            None => Ok(self.report),
        }
    }

    // ── Time and chance ─────────────────────────────────────────────────────────────────────────────────────

    pub(crate) fn random(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Evenly from zero to `bound`, exclusive; zero for zero.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.rng.next_u64() % bound }
    }

    pub(crate) fn chance(&mut self, per_mille: u32) -> bool {
        self.below(1_000) < u64::from(per_mille)
    }

    /// How long a frame takes: mostly little, now and then as long as the plan allows.
    pub(crate) fn delay(&mut self) -> u64 {
        let bound = if self.chance(700) { self.plan.delay_ms / 8 + 1 } else { self.plan.delay_ms + 1 };
        self.below(bound)
    }

    pub(crate) fn fresh(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    pub(crate) fn after(&mut self, millis: u64, happening: Happening) {
        self.at(self.time + millis, happening);
    }

    fn at(&mut self, time: u64, happening: Happening) {
        self.order += 1;
        self.heap.push(Reverse((time, self.order)));
        self.happenings.insert(self.order, happening);
    }

    /// Happens after at most `millis`, and after whatever was put on the same channel before.
    pub(crate) fn fifo(&mut self, channel: u64, millis: u64, happening: Happening) {
        let wish = self.time + self.below(millis + 1);
        let last = self.fifos.entry(channel).or_default();
        let time = wish.max(*last);
        *last = time;
        self.at(time, happening);
    }

    /// Lets the next thing happen, unless it is later than `until`.
    fn advance(&mut self, until: u64) -> bool {
        let happens_at = self.heap.peek().map_or(u64::MAX, |Reverse((time, _))| *time);
        let (timer_at, timer) = self.next_timer();
        let next = happens_at.min(timer_at).max(self.time);
        if next > until || next == u64::MAX {
            return false;
        }
        if next > self.time {
            (self.time, self.report.happenings) = (next, self.report.happenings + 1);
        } else {
            self.report.happenings += 1;
        }
        self.count_at_once(next);
        if timer_at < happens_at {
            self.trace(&timer);
            match timer {
                Timer::Tab(tab) => {
                    self.with_tab(tab, |client, now| client.handle(now, ClientInput::Tick));
                }
                Timer::Peer(link) => self.with_peer(link, |session, now, _| session.wake(now)),
            }
        } else if let Some(Reverse((_, order))) = self.heap.pop() {
            let happening = self.happenings.remove(&order).expect("every time has its happening");
            self.trace(&happening);
            self.happen(happening);
        }
        true
    }

    pub(crate) fn trace(&self, what: &impl std::fmt::Debug) {
        if self.is_traced {
            eprintln!("{:>8} {what:?}", self.time);
        }
    }

    fn count_at_once(&mut self, time: u64) {
        let at_once = self.fifos.entry(u64::MAX).or_default();
        let (last, count) = (*at_once >> 20, *at_once & 0xf_ffff);
        let count = if last == time { count + 1 } else { 1 };
        *at_once = time << 20 | count;
        if count > u64::from(AT_ONCE_MAX) {
            self.violate("something spins: it wants to be woken for ever without getting anywhere");
        }
    }

    fn next_timer(&self) -> (u64, Timer) {
        let mut next = (u64::MAX, Timer::Peer(LinkId(0)));
        for (id, tab) in &self.tabs {
            let device = &self.devices[tab.device];
            if device.asleep_until == 0
                && let Some(wake_at) = tab.client.wake_at()
            {
                let time = wake_at.as_millis() + device.stood_still_ms;
                next = if time < next.0 { (time, Timer::Tab(*id)) } else { next };
            }
        }
        for (id, peer) in &self.peers {
            if let Some(wake_at) = peer.session.wake_at().map(|at| at.as_millis()) {
                next = if wake_at < next.0 { (wake_at, Timer::Peer(*id)) } else { next };
            }
        }
        next
    }

    pub(crate) fn happen(&mut self, happening: Happening) {
        let tab = match &happening {
            Happening::SocketReady { tab, .. }
            | Happening::AtClient { tab, .. }
            | Happening::ClosedAtClient { tab, .. }
            | Happening::Relayed { tab, .. } => self.tabs.get(tab).map(|tab| tab.device),
            _ => None,
        };
        if let Some(device) = tab.filter(|device| self.devices[*device].asleep_until > 0) {
            return self.backlogs.entry(device).or_default().push_back(happening);
        }
        match happening {
            Happening::NextStep => self.step(),
            Happening::SocketReady { tab, attempt } => self.socket_ready(tab, attempt),
            Happening::AtServer { link, frame } => self.frame_at_server(link, frame),
            Happening::AtClient { tab, link, frame } => self.frame_at_client(tab, link, frame),
            Happening::ClosedAtServer { link } => drop(self.peers.remove(&link)),
            Happening::ClosedAtClient { tab, link } => self.socket_closed(tab, link),
            Happening::Answered { link, input } => {
                self.with_peer(link, |session, now, wall| session.handle(now, wall, *input));
            }
            Happening::Commit { node, life } => self.commit(node, life),
            Happening::Rung { node, notice } => self.rung(node, &notice),
            Happening::BotAnswers { node, life, append } => self.bot_answers(node, life, *append),
            Happening::NodeUp { node } => self.nodes[node].is_up = true,
            Happening::Stopped { node, life } if self.nodes[node].life == life => self.crash(node),
            Happening::Stopped { .. } => {}
            Happening::Relayed { tab, relay } => {
                self.with_tab(tab, |client, now| client.handle(now, ClientInput::Relay(relay)));
            }
            Happening::Wakes { device, stood_still_ms } => self.wake(device, stood_still_ms),
        }
    }

    // ── Wires ───────────────────────────────────────────────────────────────────────────────────────────────

    pub(crate) fn send_to_server(&mut self, link: LinkId, frame: ClientFrame) {
        let frame = if self.encodes() {
            codec::decode(&codec::encode(&frame)).expect("a frame survives the wire")
        } else {
            frame
        };
        if self.peers.get(&link).is_some_and(|peer| peer.is_reachable) {
            let delay = self.delay();
            self.fifo(link.0 * 4, delay, Happening::AtServer { link, frame });
        }
    }

    pub(crate) fn send_to_client(&mut self, link: LinkId, frame: ServerFrame) {
        let frame = if self.encodes() {
            codec::decode_from_server(&codec::encode(&frame)).expect("a frame survives the wire")
        } else {
            frame
        };
        if let Some(tab) = self.peers.get(&link).filter(|peer| peer.is_reachable).map(|peer| peer.tab) {
            let delay = self.delay();
            self.fifo(link.0 * 4 + 1, delay, Happening::AtClient { tab, link, frame });
        }
    }

    /// The codec has its own tests: one world in sixteen runs over text.
    const fn encodes(&self) -> bool {
        self.seed % 16 == 3
    }

    fn frame_at_client(&mut self, tab: TabId, link: LinkId, frame: ServerFrame) {
        if self.tabs.get(&tab).is_none_or(|tab| tab.socket != Some(link)) {
            return;
        }
        match &frame {
            ServerFrame::Acknowledged(acknowledged) => self.check_acknowledged(acknowledged),
            ServerFrame::Followed(followed) => {
                let tab = self.tabs.get_mut(&tab).expect("it was just found");
                tab.told_head.insert(followed.conversation, followed.head);
            }
            ServerFrame::Refused(refused) if !refused.problem.is_retryable() => {
                self.refused.insert(refused.id);
            }
            _ => {}
        }
        let spoken = self.newly_spoken(tab, &frame);
        self.with_tab(tab, |client, now| {
            client.handle(now, ClientInput::Frame { text: codec::encode(&frame), frame })
        });
        self.check_typists(tab, &spoken);
    }

    /// The page closes its socket: what is on the way to it is lost, what it has sent arrives.
    pub(crate) fn break_from_client(&mut self, link: LinkId) {
        self.fifo(link.0 * 4, 200, Happening::ClosedAtServer { link });
    }

    /// The server closes in good order: what it has sent arrives first.
    pub(crate) fn close_from_server(&mut self, link: LinkId) {
        if let Some(peer) = self.peers.remove(&link).filter(|peer| peer.is_reachable) {
            self.fifo(link.0 * 4 + 1, 50, Happening::ClosedAtClient { tab: peer.tab, link });
        }
    }

    /// The wire breaks: what is on it is lost. Noticed by both ends sooner or later, or by nobody.
    pub(crate) fn cut(&mut self, link: LinkId, is_silent: bool) {
        let Some(peer) = self.peers.get_mut(&link) else { return };
        peer.is_reachable = false;
        let tab = peer.tab;
        // A prefix of what was sent gets through, as with TCP.
        let (to_server, to_client) = (self.time + self.below(100), self.time + self.below(100));
        let lost = |order: &u64, time: u64, happenings: &BTreeMap<u64, Happening>| match happenings.get(order)
        {
            Some(Happening::AtServer { link: of, .. }) => *of == link && time > to_server,
            Some(Happening::AtClient { link: of, .. }) => *of == link && time > to_client,
            _ => false,
        };
        let heap = std::mem::take(&mut self.heap);
        for Reverse((time, order)) in heap {
            if lost(&order, time, &self.happenings) {
                self.happenings.remove(&order);
            } else {
                self.heap.push(Reverse((time, order)));
            }
        }
        if !is_silent {
            let notice = self.below(2_000);
            self.at(to_client + notice, Happening::ClosedAtClient { tab, link });
            let notice = self.below(2_000);
            self.at(to_server + notice, Happening::ClosedAtServer { link });
        }
    }
}
