//! From log entries to what is on screen: grouping, dates, the line above what is new.

use portico_protocol::{
    Author, Content, EntryBody, MessageId, Owner, ParticipantId, RepresentativeType, Suggestion, Timestamp,
};

use crate::markdown::Markup;

/// Words of one author closer together than this form a group, in milliseconds.
const GROUP_WITHIN_MS: i64 = 5 * 60_000;

/// Who looks at the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Viewer {
    /// The person whom the conversation belongs to.
    Visitor,
    /// Somebody who answers for the brand: all of the brand's words stand on this side.
    Representative(ParticipantId),
}

/// How far one's own message has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Somebody else's message.
    Received,
    /// Not yet acknowledged.
    Sending,
    /// Durable on the server.
    Sent,
    /// On a device of the other side.
    Delivered,
    /// Seen by the other side.
    Read,
    /// Refused; trying again may help.
    Failed,
    /// Refused for good.
    Refused,
}

/// One line of the log or one local echo, as the timeline tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'a> {
    /// The entry's id: the same for an echo and for what becomes of it.
    pub id: MessageId,
    /// The position in the log; zero for an echo.
    pub sequence: u64,
    /// When it was stored, or written.
    pub at: Timestamp,
    /// Who wrote.
    pub author: &'a Author,
    /// What was done, with edits already folded in.
    pub body: &'a EntryBody,
    /// How far it has got, if it is the viewer's.
    pub delivery: Delivery,
    /// Whether its words were changed.
    pub is_edited: bool,
    /// Whether its words were removed.
    pub is_redacted: bool,
}

/// Something that the log shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// A new day begins; any moment of it.
    Day(Timestamp),
    /// What follows is new to the viewer.
    Unread,
    /// Something was said.
    Bubble(Bubble),
    /// Something happened.
    Notice(MessageId, Notice),
}

/// What tells rows apart from one drawing to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowKey {
    /// Day number since 1970 in the viewer's zone.
    Day(i64),
    /// There is at most one.
    Unread,
    /// A bubble or notice.
    Entry(MessageId),
}

/// On which side of the log, and by what, something was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voice {
    /// The viewer's own, or for representatives a colleague's or the bot's: see [`Bubble::is_own_side`].
    Visitor,
    /// A program of the brand.
    Bot,
    /// A person of the brand.
    Human,
    /// Representatives among themselves.
    Note,
}

/// Something that was said.
#[derive(Clone, PartialEq)]
pub struct Bubble {
    /// The entry's id.
    pub id: MessageId,
    /// By what.
    pub voice: Voice,
    /// Whether it stands at the end edge, where the viewer's words stand.
    pub is_own_side: bool,
    /// Whether the viewer wrote it.
    pub is_own: bool,
    /// The author's name; empty for visitors.
    pub name: String,
    /// The words; empty if they were removed.
    pub text: String,
    /// How the words are read.
    pub markup: Markup,
    /// When.
    pub at: Timestamp,
    /// How far it has got.
    pub delivery: Delivery,
    /// First of its group: the name is shown.
    pub is_first: bool,
    /// Last of its group: the time is shown.
    pub is_last: bool,
    /// Whether its words were changed.
    pub is_edited: bool,
    /// Whether its words were removed.
    pub is_redacted: bool,
}

impl core::fmt::Debug for Bubble {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "Bubble({}, {:?})", self.id, self.voice)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The visitor waits for a person.
    Waiting,
    /// This person answers from now on.
    Joined(String),
    /// This person answers no longer.
    Left(String),
    /// The bot answers from now on.
    BotAnswers,
    /// The conversation was closed.
    Closed,
    /// The conversation was opened again.
    Reopened,
}

impl Row {
    /// What tells this row apart; `day` numbers the days of the viewer's calendar.
    pub fn key(&self, day: impl Fn(Timestamp) -> i64) -> RowKey {
        match self {
            Self::Day(at) => RowKey::Day(day(*at)),
            Self::Unread => RowKey::Unread,
            Self::Bubble(bubble) => RowKey::Entry(bubble.id),
            Self::Notice(id, _) => RowKey::Entry(*id),
        }
    }
}

/// Folds items, oldest first, into rows. `unread_after` is the last sequence number that the viewer had seen
/// when the log was opened; `day` numbers the days of the viewer's calendar.
pub fn rows<'a>(
    items: impl IntoIterator<Item = Item<'a>>,
    viewer: Viewer,
    unread_after: Option<u64>,
    day: impl Fn(Timestamp) -> i64,
) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut last_day = None;
    let mut unread_after = unread_after;
    for item in items {
        let Some(row) = row(&item, viewer) else { continue };
        let today = day(item.at);
        if last_day.replace(today) != Some(today) {
            rows.push(Row::Day(item.at));
        }
        // What others said is new; what merely happened, and one's own notes, are not.
        let is_said = matches!(&row, Row::Bubble(bubble) if !bubble.is_own);
        let is_new = is_said && item.delivery == Delivery::Received && item.sequence > 0;
        if unread_after.is_some_and(|seen| is_new && item.sequence > seen) {
            unread_after = None;
            rows.push(Row::Unread);
        }
        rows.push(row);
    }
    group(&mut rows);
    rows
}

/// The suggestions that can be tapped now: those of the newest message, unless the visitor has answered.
#[must_use]
pub fn live_suggestions<'a>(
    newest_first: impl IntoIterator<Item = &'a Item<'a>>,
) -> Option<(MessageId, &'a [Suggestion])> {
    for item in newest_first {
        match item.body {
            EntryBody::Message(message) if item.author.is_representative() => {
                return (!item.is_redacted).then_some((item.id, message.suggestions.as_slice()));
            }
            EntryBody::Message(_)
            | EntryBody::SuggestionResponse(_)
            | EntryBody::Handover(_)
            | EntryBody::Closed(_) => return None,
            _ => {}
        }
    }
    None
}

fn row(item: &Item<'_>, viewer: Viewer) -> Option<Row> {
    let notice = |notice| Some(Row::Notice(item.id, notice));
    match item.body {
        EntryBody::Message(message) => {
            let text = match &message.content {
                Content::Text(text) => &text.0,
                Content::Unknown => message.fallback.as_deref().unwrap_or("…"),
            };
            Some(Row::Bubble(bubble(item, viewer, text)))
        }
        EntryBody::SuggestionResponse(response) => Some(Row::Bubble(bubble(item, viewer, &response.text))),
        EntryBody::Note(note) => {
            let bubble =
                Bubble { voice: Voice::Note, markup: Markup::Plain, ..bubble(item, viewer, &note.text) };
            Some(Row::Bubble(bubble))
        }
        EntryBody::Handover(handover) => match &handover.to {
            Owner::Queue(_) => notice(Notice::Waiting),
            Owner::Human(person) => notice(Notice::Joined(person.display_name.clone())),
            Owner::Bot(_) => notice(Notice::BotAnswers),
            Owner::Unknown => None,
        },
        EntryBody::RepresentativeLeft(_) => notice(Notice::Left(name(item).to_owned())),
        EntryBody::Closed(_) => notice(Notice::Closed),
        EntryBody::Reopened(_) => notice(Notice::Reopened),
        // Joining follows a handover, which has said so; edits and redactions are folded into their target.
        _ => None,
    }
}

fn bubble(item: &Item<'_>, viewer: Viewer, text: &str) -> Bubble {
    let voice = match item.author {
        Author::Representative(who) if who.representative_type == RepresentativeType::Bot => Voice::Bot,
        Author::Representative(_) => Voice::Human,
        _ => Voice::Visitor,
    };
    let is_own_side = (voice == Voice::Visitor) == (viewer == Viewer::Visitor);
    let is_own = match viewer {
        Viewer::Visitor => is_own_side,
        Viewer::Representative(own) => item.author.participant() == Some(own),
    };
    Bubble {
        id: item.id,
        voice,
        is_own_side,
        is_own,
        name: name(item).to_owned(),
        text: if item.is_redacted { String::new() } else { text.to_owned() },
        markup: if voice == Voice::Visitor { Markup::Plain } else { Markup::Limited },
        at: item.at,
        delivery: item.delivery,
        is_first: true,
        is_last: true,
        is_edited: item.is_edited,
        is_redacted: item.is_redacted,
    }
}

fn name<'a>(item: &Item<'a>) -> &'a str {
    match item.author {
        Author::Representative(who) => &who.display_name,
        _ => "",
    }
}

fn group(rows: &mut [Row]) {
    for index in 1..rows.len() {
        let (before, after) = rows.split_at_mut(index);
        if let (Some(Row::Bubble(upper)), Row::Bubble(lower)) = (before.last_mut(), &mut after[0])
            && belong_together(upper, lower)
        {
            upper.is_last = false;
            lower.is_first = false;
        }
    }
}

fn belong_together(upper: &Bubble, lower: &Bubble) -> bool {
    let same = upper.voice == lower.voice && upper.is_own == lower.is_own && upper.name == lower.name;
    let near = (0..GROUP_WITHIN_MS).contains(&(lower.at.as_millis() - upper.at.as_millis()));
    // What failed keeps its own line: it has buttons.
    let failed = matches!(upper.delivery, Delivery::Failed | Delivery::Refused);
    same && near && !failed
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use portico_protocol::entry::{Handover, Queue};
    use portico_protocol::message::LiveAgentRequest;
    use portico_protocol::participant::Visitor;
    use portico_protocol::{Message, Representative};

    const DAY_MS: i64 = 86_400_000;

    fn id(number: u8) -> MessageId {
        MessageId::from_bytes([number; 16])
    }

    fn bot() -> Author {
        Author::Representative(Representative {
            id: ParticipantId::from_bytes([1; 16]),
            representative_type: RepresentativeType::Bot,
            display_name: "Lumi".into(),
        })
    }

    fn visitor() -> Author {
        Author::Visitor(Visitor { id: ParticipantId::from_bytes([2; 16]) })
    }

    struct Line(u8, i64, Author, EntryBody);

    fn said(number: u8, at: i64, author: Author) -> Line {
        Line(number, at, author, EntryBody::Message(Message::text("words")))
    }

    fn item(line: &Line) -> Item<'_> {
        let Line(number, at, author, body) = line;
        let delivery = if author.is_visitor() { Delivery::Sent } else { Delivery::Received };
        Item {
            id: id(*number),
            sequence: u64::from(*number),
            at: Timestamp::from_millis(*at),
            author,
            body,
            delivery,
            is_edited: false,
            is_redacted: false,
        }
    }

    fn shown(lines: &[Line], unread_after: Option<u64>) -> Vec<Row> {
        rows(lines.iter().map(item), Viewer::Visitor, unread_after, |at| at.as_millis() / DAY_MS)
    }

    fn bubbles(rows: &[Row]) -> Vec<(bool, bool)> {
        let edges = |row: &Row| match row {
            Row::Bubble(bubble) => Some((bubble.is_first, bubble.is_last)),
            _ => None,
        };
        rows.iter().filter_map(edges).collect()
    }

    #[test]
    fn near_words_of_one_author_form_a_group() {
        let rows = shown(
            &[said(1, 0, bot()), said(2, 9, bot()), said(3, 10, visitor()), said(4, 400_000, visitor())],
            None,
        );
        assert_eq!(bubbles(&rows), [(true, false), (false, true), (true, true), (true, true)]);
    }

    #[test]
    fn each_day_begins_with_its_date_and_ends_groups() {
        let rows = shown(&[said(1, DAY_MS - 1, bot()), said(2, DAY_MS, bot())], None);
        assert!(matches!(rows[..], [Row::Day(_), Row::Bubble(_), Row::Day(_), Row::Bubble(_)]));
        assert_eq!(bubbles(&rows), [(true, true), (true, true)]);
    }

    #[test]
    fn the_unread_line_stands_once_above_the_first_new_message_of_others() {
        let lines = [said(1, 0, bot()), said(2, 1, visitor()), said(3, 2, bot()), said(4, 3, bot())];
        let position = |seen| shown(&lines, seen).iter().position(|row| *row == Row::Unread);
        assert_eq!(position(Some(1)), Some(3));
        assert_eq!(position(Some(0)), Some(1));
        assert_eq!(position(Some(4)), None);
        assert_eq!(position(None), None);
        assert_eq!(shown(&lines, Some(0)).iter().filter(|row| **row == Row::Unread).count(), 1);
    }

    #[test]
    fn what_stands_at_the_end_edge_depends_on_the_viewer() {
        let line = said(1, 0, bot());
        let side = |viewer| match &rows([item(&line)], viewer, None, |_| 0)[1] {
            Row::Bubble(bubble) => (bubble.is_own_side, bubble.is_own),
            _ => unreachable!(),
        };
        assert_eq!(side(Viewer::Visitor), (false, false));
        assert_eq!(side(Viewer::Representative(ParticipantId::from_bytes([9; 16]))), (true, false));
        assert_eq!(side(Viewer::Representative(ParticipantId::from_bytes([1; 16]))), (true, true));
    }

    #[test]
    fn suggestions_live_until_the_visitor_answers_or_the_conversation_changes_hands() {
        let mut message = Message::text("Which?");
        message.suggestions.push(Suggestion::LiveAgentRequest(LiveAgentRequest {}));
        let question = Line(1, 0, bot(), EntryBody::Message(message));
        let answer = said(2, 1, visitor());
        let queue = Handover { to: Owner::Queue(Queue {}), packet: Vec::new() };
        let handover = Line(3, 2, visitor(), EntryBody::Handover(queue));
        let live = |lines: &[&Line]| {
            let items: Vec<_> = lines.iter().map(|line| item(line)).collect();
            live_suggestions(items.iter().rev()).map(|(id, live)| (id, live.len()))
        };
        assert_eq!(live(&[&question]), Some((id(1), 1)));
        assert_eq!(live(&[&question, &answer]), None);
        assert_eq!(live(&[&question, &handover]), None);
        assert_eq!(live(&[&question, &said(4, 3, bot())]), Some((id(4), 0)));
    }

    #[test]
    fn removed_words_are_gone_from_the_row() {
        let line = said(1, 0, bot());
        let redacted = Item { is_redacted: true, ..item(&line) };
        let rows = rows([redacted], Viewer::Visitor, None, |_| 0);
        let Row::Bubble(bubble) = &rows[1] else { panic!("a bubble") };
        assert!(bubble.is_redacted && bubble.text.is_empty());
    }
}
