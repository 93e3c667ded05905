//! What the server and other tabs say, taken in.

use portico_protocol::frame::{
    Acknowledged, Entries, Followed, GoodbyeReason, History, Refused, Submit, Welcome,
};
use portico_protocol::{
    ClientFrame, ConversationId, MessageId, PROTOCOL_VERSION, Problem, SPEAKS_FOR_STUDIO, ServerFrame, codec,
};

use super::keep::submission_key;
use super::{Client, Effect, Event, Now, Role};
use crate::connection::Connection;
use crate::conversation::{Following, HistoryLoad};
use crate::outbox::{Draft, DraftState};
use crate::relay::Relay;
use crate::timeline::{Change, Fit};

impl Client {
    pub(super) fn handle_leader_frame(&mut self, now: Now, frame: ServerFrame, text: String) {
        let Role::Leader { keeper, has_followers, .. } = &mut self.role else { return };
        // Whatever comes after the connection was given up belongs to no state of this client.
        if matches!(keeper.state(), Connection::Idle | Connection::Waiting { .. }) {
            return;
        }
        keeper.heard(now.moment);
        let is_greeting = matches!(keeper.state(), Connection::Greeting { .. });
        match frame {
            ServerFrame::Welcome(welcome) if is_greeting => self.handle_welcome(now, &welcome),
            ServerFrame::Goodbye(goodbye) => {
                self.keep(now, |keeper, random, wishes| {
                    keeper.dismissed(now.moment, goodbye, random, wishes)
                });
                self.connection_lost();
                if goodbye.reason == GoodbyeReason::SessionEnded {
                    self.events.push_back(Event::SessionEnded);
                }
            }
            ServerFrame::Problem(problem) if is_greeting => self.handle_refused_hello(now, problem),
            ServerFrame::Pong(_) | ServerFrame::Welcome(_) => {}
            _ if is_greeting => {}
            ServerFrame::Problem(problem) => self.events.push_back(Event::Problem(problem)),
            frame => {
                // What was refused for now is this tab's to send again.
                let is_own =
                    matches!(&frame, ServerFrame::Refused(refused) if refused.problem.is_retryable());
                if *has_followers && !is_own {
                    self.effects.push_back(Effect::Relay(Relay::Down(text)));
                }
                self.handle_frame(now, frame);
            }
        }
    }

    pub(super) fn handle_welcome(&mut self, now: Now, welcome: &Welcome) {
        if welcome.version != PROTOCOL_VERSION {
            return self.end(now, Event::Outdated);
        }
        self.keep(now, |keeper, _, _| keeper.welcomed(now.moment));
        let number = self.rng.next_u32();
        if let Role::Leader { connection, .. } = &mut self.role {
            *connection = number;
        }
        self.effects.push_back(Effect::Relay(Relay::Open(number)));
        for conversation in &self.conversations {
            self.events.push_back(Event::Delivery(conversation.id()));
        }
    }

    /// The ticket was too old or spent, or something worse.
    pub(super) fn handle_refused_hello(&mut self, now: Now, problem: Problem) {
        if problem.code() == "unsupported-version" {
            return self.end(now, Event::Outdated);
        }
        self.effects.push_back(Effect::Disconnect);
        self.give_up(now);
        self.events.push_back(Event::Problem(problem));
    }

    pub(super) fn handle_relay(&mut self, now: Now, relay: Relay) {
        match (&mut self.role, relay) {
            (Role::Leader { keeper, has_followers, connection }, Relay::Hello) => {
                *has_followers = true;
                let state = if keeper.is_open() { Relay::Open(*connection) } else { Relay::Lost };
                self.effects.push_back(Effect::Relay(state));
            }
            (Role::Leader { keeper, has_followers, .. }, Relay::Up(frame)) => {
                *has_followers = true;
                let is_open = keeper.is_open();
                use ClientFrame as F;
                match frame {
                    F::Ping(_) => self.keep(now, |keeper, _, wishes| keeper.probe(now.moment, wishes)),
                    F::Submit(submit) => self.adopt(submit),
                    F::Follow(_) | F::Seen(_) | F::Typing(_) | F::LoadHistory(_) if is_open => {
                        self.transmit(now, frame);
                    }
                    // Each tab greets, watches and unfollows for itself; while there is no connection, followers
                    // hold what they have and say it again.
                    _ => {}
                }
            }
            (_, Relay::Discarded(id)) if self.outbox.find(id).is_some_and(Draft::is_refused) => {
                self.drop_draft(id);
            }
            (Role::Follower { connection }, Relay::Open(number)) if *connection != Some(number) => {
                self.connection_lost();
                self.role = Role::Follower { connection: Some(number) };
                self.events.push_back(Event::Connectivity);
            }
            (Role::Follower { connection: Some(_) }, Relay::Lost) => {
                self.role = Role::Follower { connection: None };
                self.connection_lost();
                self.events.push_back(Event::Connectivity);
            }
            (Role::Follower { connection: Some(_) }, Relay::Down(text)) => {
                // A frame that is not understood comes from a newer server.
                if let Ok(frame) = codec::decode_from_server(&text) {
                    self.handle_frame(now, frame);
                }
            }
            (Role::Follower { connection: Some(_) }, Relay::Refused(refused)) => {
                self.handle_refused(now, refused)
            }
            _ => {}
        }
    }

    /// Sends what a follower said, as if it had been said here. If nothing more fits, the follower asks again.
    pub(super) fn adopt(&mut self, submit: Submit) {
        let Submit { conversation, submission, .. } = submit;
        let id = submission.id;
        if let Some(draft) = self.outbox.find(id) {
            // The follower may have missed the answer that this tab has heard.
            if let DraftState::Refused(problem) = &draft.state {
                let refused = Refused { conversation, id, problem: problem.clone() };
                self.effects.push_back(Effect::Relay(Relay::Refused(refused)));
            }
        } else if self.outbox.push(conversation, submission).is_ok() {
            self.save_submission(id);
            self.show_echoes(conversation);
        }
    }

    pub(super) fn handle_frame(&mut self, now: Now, frame: ServerFrame) {
        match frame {
            ServerFrame::Followed(followed) => self.handle_followed(now, &followed),
            ServerFrame::Entries(entries) => self.handle_entries(now, entries),
            ServerFrame::History(history) => self.handle_history(now, history),
            ServerFrame::Acknowledged(acknowledged) => self.handle_acknowledged(&acknowledged),
            ServerFrame::Refused(refused) => self.handle_refused(now, refused),
            ServerFrame::Watermark(moved) => {
                let Some(conversation) = self.find_mut(moved.conversation) else { return };
                if conversation.watermarks.raise(moved.watermark) {
                    let is_counted_anew = conversation.count_unread();
                    self.events.push_back(Event::Delivery(moved.conversation));
                    self.events.extend(is_counted_anew.then_some(Event::Unread(moved.conversation)));
                }
            }
            ServerFrame::Typing(notice) => {
                let Some(conversation) = self.find_mut(notice.conversation) else { return };
                if conversation.typists.notice(now.moment, notice.representative, notice.is_typing) {
                    self.events.push_back(Event::Typing(notice.conversation));
                }
            }
            ServerFrame::Presence(presence) if SPEAKS_FOR_STUDIO => {
                let Some(conversation) = self.find_mut(presence.conversation) else { return };
                let id = presence.conversation;
                conversation.presence = Some(presence);
                self.events.push_back(Event::Status(id));
            }
            ServerFrame::Waiting(waiting) => {
                let Some(conversation) = self.find_mut(waiting.conversation) else { return };
                let id = waiting.conversation;
                conversation.waiting = Some(waiting);
                self.events.push_back(Event::Status(id));
            }
            ServerFrame::Inbox(frame) if SPEAKS_FOR_STUDIO => {
                if let Some(inbox) = &mut self.inbox {
                    inbox.fold(frame);
                    self.events.push_back(Event::Inbox);
                }
            }
            _ => {}
        }
    }

    pub(super) fn handle_followed(&mut self, now: Now, followed: &Followed) {
        let mut changes = Vec::new();
        let id = followed.conversation;
        let Some(conversation) = self.find_mut(id) else { return };
        if conversation.followed(now.moment, followed, &mut changes) {
            conversation.following = Following::Wanted;
        }
        self.tell(id, changes);
        self.events.extend([Event::Status(id), Event::Delivery(id)]);
    }

    pub(super) fn handle_entries(&mut self, now: Now, frame: Entries) {
        let id = frame.conversation;
        let mut changes = Vec::new();
        let at = self.conversations.iter().position(|conversation| conversation.id() == id);
        let Some(conversation) = at.map(|at| &mut self.conversations[at]) else { return };
        if conversation.following != Following::Live {
            return;
        }
        let known_to = conversation.timeline.to();
        let ids: Vec<MessageId> = frame.entries.iter().map(|entry| entry.id).collect();
        if conversation.merge(now.moment, frame.entries, &mut changes) == Fit::Gap {
            conversation.following = Following::Wanted;
            return;
        }
        let news = conversation.timeline.newest_first();
        let news = news.take_while(|row| row.is_echo() || row.sequence > known_to);
        let mut news: Vec<_> = news.filter(|row| conversation.is_news(row)).cloned().collect();
        news.reverse();
        self.settle(id, &ids, &mut changes);
        self.tell(id, changes);
        self.events.extend(news.into_iter().map(|row| Event::News { conversation: id, row }));
        self.events.extend([Event::Status(id), Event::Typing(id)]);
    }

    /// Takes out of the outbox what has arrived as entries.
    pub(super) fn settle(&mut self, id: ConversationId, arrived: &[MessageId], changes: &mut Vec<Change>) {
        let Some(to) = self.conversation(id).map(|conversation| conversation.timeline.to()) else { return };
        let mut settled = self.outbox.take_stored(id, to);
        for message in arrived {
            if self.outbox.remove(*message).is_some() {
                self.save(&submission_key(*message), None);
                settled.push(*message);
            }
        }
        let Some(conversation) = self.find_mut(id) else { return };
        for message in settled {
            // Does nothing where the echo has become a row.
            conversation.timeline.discard_echo(message, changes);
        }
    }

    pub(super) fn handle_history(&mut self, now: Now, history: History) {
        let id = history.conversation;
        let mut changes = Vec::new();
        let Some(conversation) =
            self.find_mut(id).filter(|conversation| !conversation.timeline.holds_nothing())
        else {
            return;
        };
        conversation.history = HistoryLoad::Idle;
        if history.entries.is_empty() {
            conversation.timeline.mark_complete();
        }
        let ids: Vec<MessageId> = history.entries.iter().map(|entry| entry.id).collect();
        if conversation.merge(now.moment, history.entries, &mut changes) == Fit::Joined {
            self.settle(id, &ids, &mut changes);
        }
        self.tell(id, changes);
        self.events.push_back(Event::Status(id));
    }

    pub(super) fn handle_acknowledged(&mut self, acknowledged: &Acknowledged) {
        let (id, message) = (acknowledged.conversation, acknowledged.id);
        if self.outbox.acknowledge(message, acknowledged.sequence).is_none() {
            return;
        }
        self.save(&submission_key(message), None);
        // Its entry is not on the way: it came long ago, or nobody here follows.
        let to = self.conversation(id).map(|conversation| conversation.timeline.to());
        if to.is_none_or(|to| acknowledged.sequence <= to) {
            self.drop_draft(message);
        }
        self.events.push_back(Event::Delivery(id));
    }

    pub(super) fn handle_refused(&mut self, now: Now, refused: Refused) {
        let (id, message, problem) = (refused.conversation, refused.id, refused.problem);
        let is_for_good = !problem.is_retryable();
        let jitter = self.rng.next_u32();
        let Some(draft) = self.outbox.refuse(now.moment, message, problem.clone(), jitter) else { return };
        if is_for_good && !draft.is_shown() {
            let submission = draft.submission.clone();
            self.drop_draft(message);
            // What is so already needs no complaint.
            if problem.code() != "no-change" {
                self.events.push_back(Event::Refused { conversation: id, submission, problem });
            }
        } else if is_for_good {
            self.save_submission(message);
        }
        self.events.push_back(Event::Delivery(id));
    }

    pub(super) fn tell(&mut self, id: ConversationId, changes: Vec<Change>) {
        if let Some(conversation) = self.find_mut(id)
            && conversation.count_unread()
        {
            self.events.push_back(Event::Unread(id));
        }
        let events = changes.into_iter().map(|change| Event::Timeline { conversation: id, change });
        self.events.extend(events);
    }
}
