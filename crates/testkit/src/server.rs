//! Server nodes: the drivers of the server half, over one durable store and a bus that is only a doorbell.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use portico_domain::session::{Effect, Input, Opening, Outgoing, Rates};
use portico_domain::{Actor, Admission, Growth, Role, Session};
use portico_protocol::frame::{TypingNotice, WatermarkMoved};
use portico_protocol::limit::{ENTRIES_PER_FRAME_MAX, OPENING_ENTRIES};
use portico_protocol::{
    ClientFrame, ConversationId, Entry, Moment, ParticipantId, Problem, SessionId, Submission, Timestamp,
};

use crate::world::{Happening, LinkId, TabId, World};

/// One process.
#[derive(Debug, Default)]
pub(crate) struct Node {
    pub(crate) is_up: bool,
    /// Counts starts: what an earlier process had under way is gone.
    pub(crate) life: u32,
    /// Whether it takes no new connections because it is about to stop.
    pub(crate) is_stopping: bool,
    appends: VecDeque<Append>,
    is_committing: bool,
    pub(crate) wall_offset: i64,
}

impl Node {
    pub(crate) fn up() -> Self {
        Self { is_up: true, ..Self::default() }
    }
}

/// What waits for the next commit of a node.
#[derive(Debug)]
pub(crate) struct Append {
    link: Option<LinkId>,
    conversation: ConversationId,
    actor: Actor,
    submission: Submission,
}

/// One connection as the server has it.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) session: Session,
    pub(crate) node: usize,
    pub(crate) tab: TabId,
    pub(crate) is_reachable: bool,
    subscribed: BTreeSet<ConversationId>,
}

/// What the bus carries.
#[derive(Clone, Debug)]
pub(crate) enum Notice {
    Grew(Arc<Growth>),
    Watermark(WatermarkMoved),
    Typing(ParticipantId, TypingNotice),
}

impl Notice {
    fn conversation(&self) -> ConversationId {
        match self {
            Self::Grew(growth) => growth.conversation,
            Self::Watermark(moved) => moved.conversation,
            Self::Typing(_, notice) => notice.conversation,
        }
    }
}

impl World {
    fn server_now(&self, node: usize) -> (Moment, Timestamp) {
        let wall = i64::try_from(self.time).expect("worlds are short") + self.nodes[node].wall_offset;
        (Moment::from_millis(self.time), Timestamp::from_millis(crate::world::EPOCH + wall))
    }

    /// A ticket and a socket for a page, if the network and some node are there.
    pub(crate) fn connect(&mut self, tab: TabId, device: usize) -> Option<(LinkId, String)> {
        let ready = |node: &&usize| self.nodes[**node].is_up && !self.nodes[**node].is_stopping;
        let nodes: Vec<usize> = (0..self.nodes.len()).collect();
        let nodes: Vec<usize> = nodes.iter().filter(ready).copied().collect();
        if nodes.is_empty() || self.network_down_until > self.time {
            return None;
        }
        let node = nodes[self.below(nodes.len() as u64) as usize];
        let link = LinkId(self.fresh());
        self.report.connections += 1;
        let session = Session::new(Rates::default(), self.server_now(node).0);
        let peer = Peer { session, node, tab, is_reachable: true, subscribed: BTreeSet::new() };
        self.peers.insert(link, peer);
        let ticket = link.0.to_string();
        // Now and then a ticket is too old when it arrives.
        if !self.chance(self.plan.faults / 8) {
            self.tickets.insert(ticket.clone(), device);
        }
        Some((link, ticket))
    }

    pub(crate) fn frame_at_server(&mut self, link: LinkId, frame: ClientFrame) {
        self.with_peer(link, |session, now, wall| {
            session.handle_frame(now, wall, frame);
        });
    }

    pub(crate) fn with_peer(&mut self, link: LinkId, act: impl FnOnce(&mut Session, Moment, Timestamp)) {
        let Some(node) = self.peers.get(&link).map(|peer| peer.node) else { return };
        let (now, wall) = self.server_now(node);
        if let Some(peer) = self.peers.get_mut(&link) {
            act(&mut peer.session, now, wall);
        }
        while let Some(effect) = self.peers.get_mut(&link).and_then(|peer| peer.session.poll_effect()) {
            self.serve(link, node, effect);
        }
    }

    fn serve(&mut self, link: LinkId, node: usize, effect: Effect) {
        match effect {
            Effect::Admit(ticket) => {
                let device = self.tickets.remove(&ticket);
                let admitted = device
                    .map(|device| self.admission(device))
                    .ok_or_else(|| Problem::new("ticket-spent", 401, "This ticket is spent or too old"));
                self.answer(link, Input::Admitted(admitted));
            }
            Effect::Send(Outgoing::Frame(frame)) => self.send_to_client(link, frame),
            Effect::Send(Outgoing::Growth(growth, view)) => {
                self.send_to_client(link, growth.frame_after(0, view));
            }
            Effect::Follow(conversation, after) => {
                self.subscribe(link, conversation);
                let opening = self.opening(conversation, after);
                self.answer(link, Input::Opened(conversation, opening));
            }
            Effect::Unfollow(conversation) => {
                if let Some(peer) = self.peers.get_mut(&link) {
                    peer.subscribed.remove(&conversation);
                }
            }
            Effect::LoadAfter(conversation, after) => {
                let entries = self.read(|store| store.log(conversation).after(after, ENTRIES_PER_FRAME_MAX));
                self.answer(link, Input::Loaded(conversation, entries));
            }
            Effect::LoadBefore(conversation, before, limit) => {
                let entries = self.read(|store| store.log(conversation).before(before, limit as usize));
                self.answer(link, Input::HistoryLoaded(conversation, entries));
            }
            Effect::Submit(conversation, visitor, submission) => {
                assert_eq!(self.store.log(conversation).visitor, visitor, "the session knows whose it is");
                let actor = self.actor_of(link);
                self.append(node, Append { link: Some(link), conversation, actor, submission });
            }
            Effect::MoveWatermark(moved) => {
                let conversation = moved.conversation;
                self.check_watermark(conversation, moved.watermark);
                let watermark = self.store.raise(conversation, moved.watermark);
                self.ring(node, &Notice::Watermark(WatermarkMoved { conversation, watermark }));
            }
            Effect::TellTyping(notice) => {
                let from = self.actor_of(link);
                let from = match from {
                    Actor::Visitor(id) => id,
                    Actor::Representative(who) => who.id,
                };
                self.ring(node, &Notice::Typing(from, notice));
            }
            Effect::Close => self.close_from_server(link),
            Effect::WatchInbox | Effect::LoadInbox(_) | Effect::LoadSummaries(_) => {
                unreachable!("nobody in this world watches an inbox");
            }
        }
    }

    fn admission(&self, device: usize) -> Admission {
        let role = self.role_of(device);
        let session = SessionId::from_bytes([device as u8; 16]);
        let policy = std::sync::Arc::new(self.store.policy.clone());
        Admission { session, role, policy, expires_at: Timestamp::from_millis(i64::MAX) }
    }

    fn actor_of(&self, link: LinkId) -> Actor {
        self.peers[&link].session.admission().map(|admission| admission.role.actor()).expect("admitted")
    }

    fn role_of(&self, device: usize) -> Role {
        let brand = self.store.brand.clone();
        match &self.devices[device].author {
            portico_protocol::Author::Representative(who) => {
                Role::Person { brand, representative: who.clone() }
            }
            author => {
                let visitor = author.participant().expect("devices belong to participants");
                Role::Visitor { brand, visitor, conversation: self.devices[device].followed[0] }
            }
        }
    }

    /// The store read now, for an answer that arrives later: what is committed in between rings the bus.
    fn opening(&self, conversation: ConversationId, after: u64) -> Result<Option<Opening>, Problem> {
        self.read(|store| {
            let log = store.log(conversation);
            let limit = if after == 0 { OPENING_ENTRIES as usize } else { ENTRIES_PER_FRAME_MAX };
            let (state, watermarks) = (log.state.clone(), log.watermarks.clone());
            Some(Opening { state, watermarks, entries: log.after(after, limit) })
        })
    }

    fn read<T>(&self, query: impl FnOnce(&crate::log::Store) -> T) -> Result<T, Problem> {
        if self.store_down_until > self.time { Err(unavailable()) } else { Ok(query(&self.store)) }
    }

    /// What the server learns about its own questions comes in their order, each a little later.
    fn answer(&mut self, link: LinkId, input: Input) {
        self.fifo(link.0 * 4 + 2, 20, Happening::Answered { link, input: Box::new(input) });
    }

    fn subscribe(&mut self, link: LinkId, conversation: ConversationId) {
        if let Some(peer) = self.peers.get_mut(&link) {
            peer.subscribed.insert(conversation);
        }
    }

    fn append(&mut self, node: usize, append: Append) {
        self.nodes[node].appends.push_back(append);
        if !self.nodes[node].is_committing {
            self.nodes[node].is_committing = true;
            let life = self.nodes[node].life;
            let wait = self.below(30);
            self.after(wait, Happening::Commit { node, life });
        }
    }

    /// The commit point: whatever is appended here is durable, and nothing has been told yet.
    pub(crate) fn commit(&mut self, node: usize, life: u32) {
        if self.nodes[node].life != life || !self.nodes[node].is_up {
            return;
        }
        self.nodes[node].is_committing = false;
        let batch = std::mem::take(&mut self.nodes[node].appends);
        let (_, wall) = self.server_now(node);
        for Append { link, conversation, actor, submission } in batch {
            let id = submission.id;
            let result = if self.store_down_until > self.time {
                Err(unavailable())
            } else {
                self.store.append(conversation, &actor, &submission, wall).map_err(Problem::from)
            };
            let placed = match result {
                Ok(appended) => {
                    let place = (appended.sequence, appended.at);
                    self.announce(node, conversation, appended.new);
                    Ok(place)
                }
                Err(problem) => {
                    // Perhaps the client never hears of it and succeeds with a second try, later than what it
                    // said next.
                    if !problem.is_retryable() {
                        self.refused.insert(id);
                    }
                    Err(problem)
                }
            };
            if let Some(link) = link {
                self.answer(link, Input::Submitted(conversation, id, placed));
            }
        }
    }

    fn announce(&mut self, node: usize, conversation: ConversationId, new: Vec<Entry>) {
        if new.is_empty() {
            return;
        }
        self.check_log(conversation);
        self.check_speaker(conversation);
        self.let_bot_answer(node, conversation, &new);
        let state = self.store.log(conversation).state.clone();
        let growth = Growth::new(conversation, new.into(), state);
        self.ring(node, &Notice::Grew(Arc::new(growth)));
    }

    /// Tells all nodes, each in its own time; now and then twice, or so late that the next one overtakes.
    fn ring(&mut self, from: usize, notice: &Notice) {
        for node in 0..self.nodes.len() {
            let times = if self.chance(self.plan.bus_faults) { 2 } else { 1 };
            for _ in 0..times {
                let is_late = self.chance(self.plan.bus_faults);
                let slow = if is_late { self.below(3_000) } else { 0 };
                let hop = if node == from { 0 } else { self.below(50) };
                self.after(hop + slow, Happening::Rung { node, notice: notice.clone() });
            }
        }
    }

    pub(crate) fn rung(&mut self, node: usize, notice: &Notice) {
        if !self.nodes[node].is_up {
            return;
        }
        let conversation = notice.conversation();
        let hears = |peer: &&Peer| peer.node == node && peer.subscribed.contains(&conversation);
        let links: Vec<_> =
            self.peers.iter().filter(|(_, peer)| hears(peer)).map(|(link, _)| *link).collect();
        for link in links {
            let input = match notice.clone() {
                Notice::Grew(growth) => Input::Grew(growth),
                Notice::Watermark(moved) => Input::Watermark(moved),
                Notice::Typing(from, notice) => Input::Typing(from, notice),
            };
            self.with_peer(link, |session, now, wall| session.handle(now, wall, input));
        }
    }

    /// The brand's bot echoes what visitors say, as long as it answers. Its id follows from what it answers, so that
    /// it never says it twice.
    fn let_bot_answer(&mut self, node: usize, conversation: ConversationId, new: &[Entry]) {
        let Some(bot) = self.store.policy.bot.clone() else { return };
        let asked = new.iter().filter(|entry| entry.is_spoken() && entry.author.is_visitor());
        let answers: Vec<_> = asked.map(|entry| self.bot_answer(entry)).collect();
        for submission in answers {
            let append =
                Append { link: None, conversation, actor: Actor::Representative(bot.clone()), submission };
            let life = self.nodes[node].life;
            let wait = self.below(400);
            self.after(wait, Happening::BotAnswers { node, life, append: Box::new(append) });
        }
    }

    pub(crate) fn bot_answers(&mut self, node: usize, life: u32, append: Append) {
        if self.nodes[node].is_up && self.nodes[node].life == life {
            self.append(node, append);
        }
    }

    /// The process dies: what was not committed is gone, and so is what was committed and not told.
    pub(crate) fn crash(&mut self, node: usize) {
        if !self.nodes[node].is_up {
            return;
        }
        let state = &mut self.nodes[node];
        (state.is_up, state.is_committing, state.is_stopping) = (false, false, false);
        state.life += 1;
        state.appends.clear();
        let peers = std::mem::take(&mut self.peers);
        let (gone, stay): (BTreeMap<_, _>, BTreeMap<_, _>) =
            peers.into_iter().partition(|(_, peer)| peer.node == node);
        self.peers = stay;
        for (link, peer) in gone {
            // Mostly the system closes the sockets; a power cut leaves clients in silence.
            if peer.is_reachable && self.chance(800) {
                self.fifo(link.0 * 4 + 1, 200, Happening::ClosedAtClient { tab: peer.tab, link });
            }
        }
        let down_for = self.below(5_000);
        self.after(down_for, Happening::NodeUp { node });
    }

    /// The process stops in good order, then starts again.
    pub(crate) fn restart(&mut self, node: usize) {
        if !self.nodes[node].is_up || self.nodes[node].is_stopping {
            return;
        }
        self.nodes[node].is_stopping = true;
        let links: Vec<_> =
            self.peers.iter().filter(|(_, peer)| peer.node == node).map(|(link, _)| *link).collect();
        for link in links {
            self.with_peer(link, |session, now, wall| session.handle(now, wall, Input::ShuttingDown));
        }
        let life = self.nodes[node].life;
        self.after(2_000, Happening::Stopped { node, life });
    }
}

fn unavailable() -> Problem {
    Problem::new("unavailable", 503, "The server cannot do this at the moment").with_retry_after_ms(700)
}
