//! From the core's timeline to rows.

use portico_browser::clock;
use portico_client::{Amended, Client, Conversation, Delivery, Row as Line};
use portico_protocol::boot::Boot;
use portico_protocol::entry::EntryBody;
use portico_protocol::participant::Author;
use portico_protocol::{
    ConversationId, MessageId, ParticipantId, Representative, RepresentativeType, Timestamp,
};
use portico_ui::locale::{self, Key};
use portico_ui::row::Item;
use portico_ui::{Delivery as Fate, Window, dom};
use web_sys::{Blob, Url};

/// What the bot says before anybody has written. Once the visitor writes, the log's first entries repeat it:
/// they are drawn as the same bubbles.
pub(crate) struct Greeting {
    author: Author,
    bodies: Vec<EntryBody>,
    at: Timestamp,
}

impl Greeting {
    pub(crate) fn new(boot: &Boot, at: Timestamp) -> Self {
        let bot = Representative {
            id: ParticipantId::from_bytes([0; 16]),
            representative_type: RepresentativeType::Bot,
            display_name: boot.bot_name.clone().unwrap_or_else(|| boot.display_name.clone()),
        };
        let bodies = boot.greeting.iter().cloned().map(EntryBody::Message).collect();
        Self { author: Author::Representative(bot), bodies, at }
    }

    pub(crate) fn items(&self) -> impl DoubleEndedIterator<Item = Item<'_>> {
        self.bodies.iter().enumerate().map(|(index, body)| Item {
            id: greeting_id(index as u64 + 1),
            sequence: 0,
            at: self.at,
            author: &self.author,
            body,
            delivery: Fate::Received,
            is_edited: false,
            is_redacted: false,
        })
    }

    /// The key under which a line is drawn.
    fn key(&self, line: &Line) -> MessageId {
        let is_greeting =
            (1..=self.bodies.len() as u64).contains(&line.sequence) && line.author.is_representative();
        if is_greeting { greeting_id(line.sequence) } else { line.id }
    }
}

/// The lines of a conversation that are in the window, oldest first.
pub(crate) fn items<'a>(
    client: &'a Client,
    id: ConversationId,
    conversation: &'a Conversation,
    window: &Window,
    greeting: &'a Greeting,
) -> impl DoubleEndedIterator<Item = Item<'a>> {
    let timeline = conversation.timeline();
    timeline.window(window.range(timeline.len())).map(move |line| Item {
        id: greeting.key(line),
        sequence: line.sequence,
        at: line.at,
        author: &line.author,
        body: &line.body,
        delivery: fate(&client.delivery(id, line)),
        is_edited: matches!(line.amended, Amended::Edited(_)),
        is_redacted: matches!(line.amended, Amended::Redacted(_)),
    })
}

fn fate(delivery: &Delivery) -> Fate {
    match delivery {
        Delivery::Received => Fate::Received,
        Delivery::Waiting | Delivery::Sending => Fate::Sending,
        Delivery::Sent => Fate::Sent,
        Delivery::Delivered => Fate::Delivered,
        Delivery::Read => Fate::Read,
        Delivery::Failed(_) => Fate::Failed,
    }
}

fn greeting_id(sequence: u64) -> MessageId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&sequence.to_be_bytes());
    MessageId::from_bytes(bytes)
}

/// Saves the whole conversation as plain text, for the visitor to keep. `brand` is its first line.
pub(crate) fn save_transcript(conversation: &Conversation, brand: &str, file_name: &str) {
    let mut text = [brand, " · ", &locale::moment(clock::timestamp()), "\n\n"].concat();
    let timeline = conversation.timeline();
    for row in timeline.window(0..timeline.len()).filter(|row| row.is_spoken()) {
        let own = locale::text(Key::You);
        let name = match &row.author {
            Author::Representative(who) => &who.display_name,
            _ => &own,
        };
        for part in [&locale::moment(row.at), " · ", name, "\n", row.text(), "\n\n"] {
            text.push_str(part);
        }
    }
    save(&text, &[file_name, ".txt"].concat());
}

fn save(text: &str, file_name: &str) -> Option<()> {
    let blob = Blob::new_with_str_sequence(&js_sys::Array::of1(&text.into())).ok()?;
    let address = Url::create_object_url_with_blob(&blob).ok()?;
    let link = dom::make("a", "");
    dom::set(&link, "href", &address);
    dom::set(&link, "download", file_name);
    link.click();
    Url::revoke_object_url(&address).ok()
}
