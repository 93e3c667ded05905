//! What an admitted participant has going on: followed conversations, submissions, the inbox.

use std::collections::VecDeque;
use std::sync::Arc;

use portico_protocol::frame::{
    Acknowledged, Follow, Followed, History, LoadHistory, Ping, Presence, Refused, Seen, Submit, Typing,
    TypingNotice, WatermarkMoved,
};
use portico_protocol::limit::{FOLLOWED_CONVERSATIONS_MAX, HISTORY_ENTRIES_MAX, IN_FLIGHT_MAX};
use portico_protocol::{
    ClientFrame, ConversationId, Entry, MessageId, Moment, ParticipantId, Problem, ServerFrame, Submission,
    SubmissionBody, Timestamp, Watermark,
};

use super::follow::{Following, Growing};
use super::inbox::InboxWatch;
use super::turns::{Turn, Turns};
use super::{Admission, Effect, HISTORY_REQUESTS_MAX, Input, Opening, Outgoing, RETURN_AFTER_MS, Role};
use crate::growth::{Growth, View};
use crate::rate::{self, Rate, TokenBucket, too_often};
/// What an admitted participant has going on.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) admission: Admission,
    followed: Vec<Following>,
    inbox: Option<Box<InboxWatch>>,
    submissions: TokenBucket,
    pub(super) frames: TokenBucket,
    pub(super) in_flight: usize,
    turns: Turns,
    history_requests: u32,
    pub(super) is_shutting_down: bool,
}

impl Open {
    pub(super) fn new(admission: Admission, rate: Rate, now: Moment) -> Self {
        Self {
            admission,
            followed: Vec::new(),
            inbox: None,
            submissions: TokenBucket::full(rate, now),
            frames: TokenBucket::full(rate.times(rate::FRAMES_PER_SUBMISSION), now),
            in_flight: 0,
            turns: Turns::default(),
            history_requests: 0,
            is_shutting_down: false,
        }
    }

    pub(super) fn handle_frame(&mut self, now: Moment, frame: ClientFrame, effects: &mut VecDeque<Effect>) {
        match frame {
            ClientFrame::Submit(submit) => self.submit(now, submit, effects),
            ClientFrame::Seen(seen) => self.see(&seen, effects),
            ClientFrame::Typing(typing) => self.type_on(now, &typing, effects),
            ClientFrame::Ping(ping) => send(effects, ServerFrame::Pong(Ping { nonce: ping.nonce })),
            ClientFrame::Follow(follow) => self.follow(&follow, effects),
            ClientFrame::Unfollow(unfollow) => self.unfollow(unfollow.conversation, effects),
            ClientFrame::LoadHistory(request) => self.load_history(&request, effects),
            ClientFrame::WatchInbox(query) => self.watch_inbox(query, effects),
            ClientFrame::Hello(_) => send(
                effects,
                Problem::new("hello-first", 400, "A connection starts with hello, once")
                    .with_detail("This connection was admitted already; the frame changed nothing"),
            ),
            ClientFrame::Unknown => send(
                effects,
                Problem::new("unknown-frame", 400, "This kind of frame is not known here")
                    .with_detail("It was ignored; nothing else changed"),
            ),
        }
    }

    pub(super) fn handle(
        &mut self,
        now: Moment,
        is_congested: bool,
        input: Input,
        effects: &mut VecDeque<Effect>,
    ) {
        match input {
            Input::Grew(growth) => self.grow(&growth, is_congested, effects),
            Input::Submitted(conversation, id, result) => self.answer(conversation, id, result, effects),
            Input::Watermark(moved) => self.take_watermark(moved, effects),
            Input::Typing(from, notice) if self.hears_of(notice.conversation, from) => send(effects, notice),
            Input::Presence(presence) => self.take_presence(presence, effects),
            Input::Waiting(waiting) if self.find(waiting.conversation).is_some() => send(effects, waiting),
            Input::Opened(conversation, result) => self.opened(now, conversation, result, effects),
            Input::Loaded(conversation, result) => {
                self.loaded(now, is_congested, conversation, result, effects);
            }
            Input::HistoryLoaded(conversation, result) => self.history_loaded(conversation, result, effects),
            Input::InboxChanged(conversation) => {
                if let Some(inbox) = &mut self.inbox {
                    inbox.mark(now, conversation);
                }
            }
            Input::InboxLoaded(result) => {
                if let Some(frame) = self.inbox.as_mut().and_then(|inbox| inbox.loaded(now, result)) {
                    send(effects, frame);
                }
            }
            Input::SummariesLoaded(result) => {
                let me = self.admission.role.participant();
                if let Some(frame) = self.inbox.as_mut().and_then(|inbox| inbox.refreshed(now, me, result)) {
                    send(effects, frame);
                }
            }
            _ => {}
        }
    }

    pub(super) fn wake_at(&self) -> Option<Moment> {
        let inbox = self.inbox.as_ref().and_then(|inbox| inbox.wake_at());
        self.followed.iter().filter_map(Following::wake_at).chain(inbox).min()
    }

    pub(super) fn wake(&mut self, now: Moment, is_congested: bool, effects: &mut VecDeque<Effect>) {
        for following in &mut self.followed {
            if following.typing_lapses(now) {
                let notice = typing_notice(&self.admission.role, following.conversation, false);
                effects.push_back(Effect::TellTyping(notice));
            }
            effects.extend(following.retry(now, is_congested));
        }
        if let Some(inbox) = &mut self.inbox {
            effects.extend(inbox.wake(now));
        }
    }

    /// Continues everywhere that a congestion held up.
    pub(super) fn catch_up(&mut self, effects: &mut VecDeque<Effect>) {
        for following in &mut self.followed {
            let after = following.missing(false);
            effects.extend(after.map(|after| Effect::LoadAfter(following.conversation, after)));
        }
    }

    fn follow(&mut self, follow: &Follow, effects: &mut VecDeque<Effect>) {
        if !self.reaches(follow.conversation) {
            return send(effects, not_yours("follow.conversation"));
        }
        if let Some(following) = self.find(follow.conversation) {
            following.start_over(follow.after);
        } else if self.followed.len() < FOLLOWED_CONVERSATIONS_MAX {
            self.followed.push(Following::new(follow.conversation, follow.after));
        } else {
            let found = FOLLOWED_CONVERSATIONS_MAX + 1;
            return send(effects, Problem::too_long("follow", FOLLOWED_CONVERSATIONS_MAX, found));
        }
        effects.push_back(Effect::Follow(follow.conversation, follow.after));
    }

    fn unfollow(&mut self, conversation: ConversationId, effects: &mut VecDeque<Effect>) {
        let Some(index) = self.followed.iter().position(|one| one.conversation == conversation) else {
            return;
        };
        let following = self.followed.swap_remove(index);
        let held = self.let_go(following, effects);
        for submission in held {
            self.answer(conversation, submission.id, Err(follow_first("submit.conversation")), effects);
        }
    }

    pub(super) fn unfollow_all(&mut self, effects: &mut VecDeque<Effect>) {
        for following in std::mem::take(&mut self.followed) {
            self.let_go(following, effects);
        }
    }

    fn let_go(&self, mut following: Following, effects: &mut VecDeque<Effect>) -> Vec<Submission> {
        if following.stop_typing() {
            let notice = typing_notice(&self.admission.role, following.conversation, false);
            effects.push_back(Effect::TellTyping(notice));
        }
        effects.push_back(Effect::Unfollow(following.conversation));
        following.held
    }

    fn opened(
        &mut self,
        now: Moment,
        conversation: ConversationId,
        result: Result<Option<Opening>, Problem>,
        effects: &mut VecDeque<Effect>,
    ) {
        let (view, me) = (self.admission.role.view(), self.admission.role.participant());
        let Some(following) = self.find(conversation) else { return };
        match result {
            Ok(Some(opening)) => {
                let Some(entries) = following.opened(me, &opening) else { return };
                send(
                    effects,
                    Followed {
                        conversation,
                        head: opening.state.head,
                        owner: opening.state.owner.clone(),
                        is_closed: opening.state.is_closed,
                        watermarks: opening.watermarks.clone(),
                    },
                );
                send_entries(conversation, view, entries, effects);
                let after = following.missing(false);
                effects.extend(after.map(|after| Effect::LoadAfter(conversation, after)));
                for submission in std::mem::take(&mut following.held) {
                    effects.push_back(Effect::Submit(conversation, opening.state.visitor, submission));
                }
                self.settle_claim(conversation, effects);
            }
            Ok(None) => {
                let held = std::mem::take(&mut following.held);
                self.unfollow(conversation, effects);
                send(effects, not_yours("follow.conversation"));
                for submission in held {
                    self.answer(conversation, submission.id, Err(not_yours("submit.conversation")), effects);
                }
            }
            Err(_) => following.failed(now),
        }
    }

    fn grow(&mut self, growth: &Arc<Growth>, is_congested: bool, effects: &mut VecDeque<Effect>) {
        let view = self.admission.role.view();
        let Some(following) = self.find(growth.conversation) else { return };
        match following.grow(growth.first(), growth.last(), is_congested) {
            Growing::SendAll => effects.push_back(Effect::Send(Outgoing::Growth(Arc::clone(growth), view))),
            Growing::SendAfter(sequence) => send(effects, growth.frame_after(sequence, view)),
            Growing::LoadAfter(after) => effects.push_back(Effect::LoadAfter(growth.conversation, after)),
            Growing::Nothing => {}
        }
    }

    fn loaded(
        &mut self,
        now: Moment,
        is_congested: bool,
        conversation: ConversationId,
        result: Result<Vec<Entry>, Problem>,
        effects: &mut VecDeque<Effect>,
    ) {
        let view = self.admission.role.view();
        let Some(following) = self.find(conversation) else { return };
        let Some(entries) = result.ok().and_then(|entries| following.loaded(entries)) else {
            return following.failed(now);
        };
        send_entries(conversation, view, &entries, effects);
        let after = following.missing(is_congested);
        effects.extend(after.map(|after| Effect::LoadAfter(conversation, after)));
    }

    fn load_history(&mut self, request: &LoadHistory, effects: &mut VecDeque<Effect>) {
        if self.find(request.conversation).is_none() {
            return send(effects, follow_first("loadHistory.conversation"));
        }
        if self.history_requests >= HISTORY_REQUESTS_MAX {
            return send(effects, too_often("history requests at once", RETURN_AFTER_MS));
        }
        self.history_requests += 1;
        let limit = request.limit.clamp(1, HISTORY_ENTRIES_MAX);
        effects.push_back(Effect::LoadBefore(request.conversation, request.before, limit));
    }

    fn history_loaded(
        &mut self,
        conversation: ConversationId,
        result: Result<Vec<Entry>, Problem>,
        effects: &mut VecDeque<Effect>,
    ) {
        self.history_requests = self.history_requests.saturating_sub(1);
        let view = self.admission.role.view();
        match result {
            Ok(entries) => {
                let entries = entries.iter().map(|entry| view.of(entry)).collect();
                send(effects, History { conversation, entries });
            }
            Err(problem) => send(effects, problem),
        }
    }

    fn submit(&mut self, now: Moment, submit: Submit, effects: &mut VecDeque<Effect>) {
        let Submit { conversation, after, submission } = submit;
        let id = submission.id;
        match self.check_submit(now, conversation, after) {
            Ok(turn) => {
                let has_words = matches!(submission.body, SubmissionBody::Message(_));
                if has_words && self.find(conversation).is_some_and(Following::stop_typing) {
                    let notice = typing_notice(&self.admission.role, conversation, false);
                    effects.push_back(Effect::TellTyping(notice));
                }
                self.in_flight += 1;
                match after.filter(|_| turn == Turn::Later) {
                    Some(after) => self.turns.hold(after, conversation, submission),
                    None => self.append(conversation, submission, effects),
                }
            }
            Err(problem) => send(effects, Refused { conversation, id, problem }),
        }
    }

    /// Visitors reach their own conversation. What a person submits right after following waits until the
    /// store has said whose the conversation is.
    fn append(
        &mut self,
        conversation: ConversationId,
        submission: Submission,
        effects: &mut VecDeque<Effect>,
    ) {
        self.turns.start(submission.id);
        let visitor = match &self.admission.role {
            Role::Visitor { visitor, .. } => Some(*visitor),
            Role::Person { .. } => self.find(conversation).and_then(|following| following.visitor),
        };
        match (visitor, self.find(conversation)) {
            (Some(visitor), _) => effects.push_back(Effect::Submit(conversation, visitor, submission)),
            (None, Some(following)) => following.held.push(submission),
            (None, None) => {
                self.answer(conversation, submission.id, Err(follow_first("submit.conversation")), effects)
            }
        }
    }

    fn check_submit(
        &mut self,
        now: Moment,
        conversation: ConversationId,
        after: Option<MessageId>,
    ) -> Result<Turn, Problem> {
        if !self.reaches(conversation) {
            return Err(not_yours("submit.conversation"));
        }
        if self.is_shutting_down {
            return Err(Problem::new("unavailable", 503, "The server cannot do this at the moment")
                .with_detail("The server restarts; send it again on the next connection")
                .with_retry_after_ms(RETURN_AFTER_MS));
        }
        let turn = self.turns.of(after);
        if turn == Turn::Lost {
            return Err(out_of_turn());
        }
        if self.in_flight >= IN_FLIGHT_MAX {
            return Err(too_often("submissions without waiting for an answer", RETURN_AFTER_MS));
        }
        self.submissions.take(now).map_err(|wait_ms| too_often("messages", wait_ms))?;
        Ok(turn)
    }

    fn answer(
        &mut self,
        conversation: ConversationId,
        id: MessageId,
        result: Result<(u64, Timestamp), Problem>,
        effects: &mut VecDeque<Effect>,
    ) {
        self.in_flight = self.in_flight.saturating_sub(1);
        let is_lost = result.as_ref().is_err_and(Problem::is_retryable);
        match result {
            Ok((sequence, at)) => send(effects, Acknowledged { conversation, id, sequence, at }),
            Err(problem) => send(effects, Refused { conversation, id, problem }),
        }
        if is_lost {
            for held in self.turns.lose(id) {
                self.answer(held.conversation, held.submission.id, Err(out_of_turn()), effects);
            }
        } else {
            for held in self.turns.settle(id) {
                self.append(held.conversation, held.submission, effects);
            }
        }
    }

    fn see(&mut self, seen: &Seen, effects: &mut VecDeque<Effect>) {
        let Some(following) = self.find(seen.conversation) else {
            return send(effects, follow_first("seen.conversation"));
        };
        following.see(seen.delivered, seen.read);
        self.settle_claim(seen.conversation, effects);
    }

    /// Moves the watermark, as far as the client has been sent what it says it has seen.
    fn settle_claim(&mut self, conversation: ConversationId, effects: &mut VecDeque<Effect>) {
        let participant = self.admission.role.participant();
        let is_visitor = self.admission.role.representative().is_none();
        let settled = self.find(conversation).and_then(Following::settle_claim);
        if let Some((delivered, read)) = settled {
            let watermark = Watermark { participant, is_visitor, delivered, read };
            effects.push_back(Effect::MoveWatermark(WatermarkMoved { conversation, watermark }));
        }
    }

    fn type_on(&mut self, now: Moment, typing: &Typing, effects: &mut VecDeque<Effect>) {
        let Some(following) = self.find(typing.conversation) else {
            return send(effects, follow_first("typing.conversation"));
        };
        let tells = if typing.is_typing { following.types(now) } else { following.stop_typing() };
        if tells {
            let notice = typing_notice(&self.admission.role, typing.conversation, typing.is_typing);
            effects.push_back(Effect::TellTyping(notice));
        }
    }

    fn take_watermark(&mut self, moved: WatermarkMoved, effects: &mut VecDeque<Effect>) {
        let is_mine = moved.watermark.participant == self.admission.role.participant();
        let Some(following) = self.find(moved.conversation) else { return };
        if is_mine {
            following.seen_elsewhere(moved.watermark.delivered, moved.watermark.read);
        }
        send(effects, moved);
    }

    fn take_presence(&mut self, mut presence: Presence, effects: &mut VecDeque<Effect>) {
        let Some(me) = self.admission.role.representative().map(|me| me.id) else { return };
        if self.find(presence.conversation).is_some() {
            presence.viewers.retain(|viewer| viewer.id != me);
            send(effects, presence);
        }
    }

    fn watch_inbox(&mut self, query: portico_protocol::api::InboxQuery, effects: &mut VecDeque<Effect>) {
        if self.admission.role.representative().is_none() {
            return send(effects, Problem::new("not-allowed", 403, "This participant may not do that"));
        }
        match InboxWatch::new(query) {
            Ok(inbox) => {
                let mut inbox = inbox.replacing(self.inbox.as_deref());
                effects.push_back(Effect::WatchInbox);
                effects.push_back(inbox.load());
                self.inbox = Some(Box::new(inbox));
            }
            Err(problem) => send(effects, problem),
        }
    }

    /// Visitors reach their conversation only. Persons reach those of their brand: which ones that are, the
    /// store knows, and answers `None` for others.
    fn reaches(&self, conversation: ConversationId) -> bool {
        match &self.admission.role {
            Role::Visitor { conversation: own, .. } => *own == conversation,
            Role::Person { .. } => true,
        }
    }

    fn hears_of(&mut self, conversation: ConversationId, from: ParticipantId) -> bool {
        from != self.admission.role.participant() && self.find(conversation).is_some()
    }

    fn find(&mut self, conversation: ConversationId) -> Option<&mut Following> {
        self.followed.iter_mut().find(|following| following.conversation == conversation)
    }
}

pub(super) fn send(effects: &mut VecDeque<Effect>, frame: impl Into<ServerFrame>) {
    effects.push_back(Effect::Send(Outgoing::Frame(frame.into())));
}

fn send_entries(conversation: ConversationId, view: View, entries: &[Entry], effects: &mut VecDeque<Effect>) {
    if !entries.is_empty() {
        let entries = entries.iter().map(|entry| view.of(entry)).collect();
        send(effects, portico_protocol::frame::Entries { conversation, entries });
    }
}

fn typing_notice(role: &Role, conversation: ConversationId, is_typing: bool) -> TypingNotice {
    TypingNotice { conversation, representative: role.representative().cloned(), is_typing }
}

fn not_yours(field: &str) -> Problem {
    // The same whether it exists or not: ids of others must not be told apart.
    Problem::new("not-found", 404, "There is no such conversation of yours").with_field(field)
}

fn out_of_turn() -> Problem {
    Problem::new("out-of-turn", 409, "The message before it has to be stored first")
        .with_detail("Send both again, in their order")
        .with_retry_after_ms(RETURN_AFTER_MS)
}

fn follow_first(field: &str) -> Problem {
    Problem::new("not-followed", 409, "Follow the conversation first").with_field(field)
}
