//! Connection, clock, and whatever may be sent now.

use portico_protocol::frame::{Follow, LoadHistory, Ping, Seen, Typing, Unfollow};
use portico_protocol::limit::{ACKNOWLEDGE_WITHIN_MS, HISTORY_ENTRIES_MAX};
use portico_protocol::{ClientFrame, ConversationId, Moment, SPEAKS_FOR_STUDIO};

use super::{Client, Effect, Event, Now, Role};
use crate::connection::{Keeper, Wish};
use crate::conversation::{Conversation, Following, HistoryLoad};
use crate::relay::Relay;

impl Client {
    pub(super) fn keep(&mut self, now: Now, act: impl FnOnce(&mut Keeper, u32, &mut Vec<Wish>)) {
        let random = self.rng.next_u32();
        let Role::Leader { keeper, .. } = &mut self.role else { return };
        let before = keeper.state();
        let mut wishes = Vec::new();
        act(keeper, random, &mut wishes);
        if keeper.state() != before {
            self.events.push_back(Event::Connectivity);
        }
        for wish in wishes {
            match wish {
                Wish::Connect => self.effects.push_back(Effect::Connect),
                Wish::Disconnect => self.effects.push_back(Effect::Disconnect),
                Wish::Transmit(frame) => self.transmit(now, frame),
            }
        }
    }

    pub(super) fn transmit(&mut self, now: Now, frame: ClientFrame) {
        match &mut self.role {
            Role::Leader { keeper, .. } => {
                keeper.sent(now.moment);
                self.effects.push_back(Effect::Transmit(frame));
            }
            Role::Follower { .. } => self.effects.push_back(Effect::Relay(Relay::Up(frame))),
        }
    }

    /// The socket closed or is given up: the next one is tried after a while.
    pub(super) fn give_up(&mut self, now: Now) {
        self.keep(now, |keeper, random, _| keeper.lost(now.moment, random));
        self.connection_lost();
    }

    pub(super) fn end(&mut self, now: Now, event: Event) {
        self.keep(now, |keeper, _, wishes| keeper.stop(wishes));
        self.connection_lost();
        self.events.push_back(event);
    }

    /// Forgets what only held for the connection that is gone.
    pub(super) fn connection_lost(&mut self) {
        let is_leader = matches!(self.role, Role::Leader { .. });
        self.effects.retain(|effect| match effect {
            Effect::Transmit(_) => false,
            Effect::Relay(Relay::Up(_)) => is_leader,
            _ => true,
        });
        self.outbox.connection_lost();
        self.inbox_is_asked = false;
        if let Some(inbox) = &mut self.inbox {
            inbox.connection_lost();
        }
        for conversation in &mut self.conversations {
            conversation.connection_lost();
            let id = conversation.id();
            self.events.extend([Event::Delivery(id), Event::Typing(id), Event::Status(id)]);
        }
        if let Role::Leader { has_followers: true, .. } = self.role {
            self.effects.push_back(Effect::Relay(Relay::Lost));
        }
    }

    pub(super) fn tick(&mut self, now: Now) {
        self.outbox.release(now.moment);
        let mut is_dead = self.outbox.acknowledge_until().is_some_and(|until| until <= now.moment);
        match &self.role {
            Role::Leader { .. } => {
                self.keep(now, |keeper, _, wishes| is_dead |= keeper.tick(now.moment, wishes));
                if is_dead {
                    self.effects.push_back(Effect::Disconnect);
                    self.give_up(now);
                }
            }
            Role::Follower { .. } if is_dead => {
                self.outbox.connection_lost();
                self.effects.push_back(Effect::Relay(Relay::Up(ClientFrame::Ping(Ping { nonce: 0 }))));
                self.events.push_back(Event::LeaderSilent);
            }
            Role::Follower { .. } => {}
        }
        for at in 0..self.conversations.len() {
            self.tick_conversation(now, at);
        }
    }

    pub(super) fn tick_conversation(&mut self, now: Now, at: usize) {
        let conversation = &mut self.conversations[at];
        let id = conversation.id();
        if conversation.typists.tick(now.moment) {
            self.events.push_back(Event::Typing(id));
        }
        // An answer that does not come is asked for again; the connection itself may be well.
        if matches!(conversation.following, Following::Asked { until } if until <= now.moment) {
            conversation.following = Following::Wanted;
        }
        if conversation.behind_until.take_if(|until| *until <= now.moment).is_some() {
            conversation.following = Following::Wanted;
        }
        if matches!(conversation.history, HistoryLoad::Asked { until } if until <= now.moment) {
            conversation.history = HistoryLoad::Idle;
            self.events.push_back(Event::Status(id));
        }
        let save = conversation.save_draft_at.take_if(|due| *due <= now.moment);
        let draft = save.map(|_| conversation.draft.clone());
        let has_stopped = conversation.own_typing.tick(now.moment);
        if let Some(draft) = draft {
            self.save_draft(id, draft);
        }
        if has_stopped && self.is_open() {
            self.transmit(now, ClientFrame::Typing(Typing { conversation: id, is_typing: false }));
        }
    }

    /// The server takes submissions to followed conversations only: those with drafts are followed until these are
    /// done, whether anybody looks at them or not.
    fn follow_drafts(&mut self, now: Now) {
        let undone = self.outbox.undone();
        for id in &undone {
            if self.conversation(*id).is_none() {
                let mut conversation = Conversation::new(*id, self.me.clone());
                conversation.is_wanted = false;
                self.conversations.push(conversation);
            }
        }
        let is_over =
            |conversation: &Conversation| !conversation.is_wanted && !undone.contains(&conversation.id());
        let over: Vec<_> =
            self.conversations.iter().filter(|one| is_over(one)).map(Conversation::id).collect();
        for id in over {
            self.let_go(now, id);
        }
    }

    /// Lets a conversation go for which nothing is left to do.
    pub(super) fn let_go(&mut self, now: Now, id: ConversationId) {
        let Some(at) = self.conversations.iter().position(|one| one.id() == id) else { return };
        let gone = self.conversations.remove(at);
        self.outbox.take_stored(id, u64::MAX);
        if self.is_open() && gone.following != Following::Wanted {
            self.transmit(now, ClientFrame::Unfollow(Unfollow { conversation: id }));
        }
    }

    /// Sends whatever may be sent now.
    pub(super) fn pump(&mut self, now: Now) {
        if !self.is_open() {
            return;
        }
        if SPEAKS_FOR_STUDIO && let Some(inbox) = self.inbox.as_ref().filter(|_| !self.inbox_is_asked) {
            let frame = ClientFrame::WatchInbox(inbox.query().clone());
            self.inbox_is_asked = true;
            self.transmit(now, frame);
        }
        self.follow_drafts(now);
        let until = now.moment + ACKNOWLEDGE_WITHIN_MS;
        for at in 0..self.conversations.len() {
            let conversation = &mut self.conversations[at];
            let id = conversation.id();
            if conversation.following == Following::Wanted {
                conversation.following = Following::Asked { until };
                let after = conversation.timeline.to();
                self.transmit(now, ClientFrame::Follow(Follow { conversation: id, after }));
                continue;
            }
            if conversation.following != Following::Live {
                continue;
            }
            let report = conversation.poll_report(now.moment);
            let history = (conversation.history == HistoryLoad::Wanted).then(|| conversation.timeline.from());
            if history.is_some() {
                conversation.history = HistoryLoad::Asked { until };
            }
            if let Some((delivered, read)) = report {
                self.transmit(now, ClientFrame::Seen(Seen { conversation: id, delivered, read }));
            }
            if let Some(before) = history {
                let load = LoadHistory { conversation: id, before, limit: HISTORY_ENTRIES_MAX };
                self.transmit(now, ClientFrame::LoadHistory(load));
            }
        }
        while let Some(submit) = self.outbox.poll_transmit(now.moment) {
            self.events.push_back(Event::Delivery(submit.conversation));
            self.transmit(now, ClientFrame::Submit(submit));
        }
    }
}

pub(super) fn conversation_times(conversation: &Conversation) -> [Option<Moment>; 7] {
    let asked = match conversation.following {
        Following::Asked { until } => Some(until),
        _ => None,
    };
    let loading = match conversation.history {
        HistoryLoad::Asked { until } => Some(until),
        _ => None,
    };
    let report_at = conversation.report_at.filter(|_| conversation.following == Following::Live);
    let typing = conversation.own_typing.idle_at();
    [
        asked,
        conversation.behind_until,
        loading,
        report_at,
        typing,
        conversation.typists.expire_at(),
        conversation.save_draft_at,
    ]
}
