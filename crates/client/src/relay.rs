//! One socket for many tabs: the tab that leads holds it and passes frames on, as text, to the tabs that follow.

use portico_protocol::frame::Refused;
use portico_protocol::{ClientFrame, MessageId, codec};

/// What tabs say to each other. All of them hear everything; each kind concerns one role only.
#[derive(Clone, Debug, PartialEq)]
pub enum Relay {
    /// A follower is there and asks how the connection stands.
    Hello,
    /// A follower wants this sent; a submission goes into the leader's outbox, so that tabs which hold the same drafts
    /// send them once.
    Up(ClientFrame),
    /// Somebody discarded this draft, which was refused for good.
    Discarded(MessageId),
    /// The server said this frame; as it came, since whoever passes on need not write.
    Down(String),
    /// The server refused this for good, before the follower asked again.
    Refused(Refused),
    /// The leader's connection stands; the number changes with every new one, and with the leader.
    Open(u32),
    /// The leader has no connection.
    Lost,
}

impl Relay {
    /// As text for a broadcast channel.
    #[must_use]
    pub fn encode(&self) -> String {
        let (mark, rest) = match self {
            Self::Hello => ("?", String::new()),
            Self::Up(frame) => ("^", codec::encode(frame)),
            Self::Down(frame) => ("v", frame.clone()),
            Self::Refused(refused) => ("!", codec::encode(refused)),
            Self::Discarded(id) => ("x", codec::encode(id)),
            Self::Open(connection) => ("+", codec::encode(connection)),
            Self::Lost => ("-", String::new()),
        };
        let mut text = String::from(mark);
        text.push_str(&rest);
        text
    }

    /// What [`Relay::encode`] wrote; `None` for anything else, such as the words of a newer build in another tab.
    #[must_use]
    pub fn decode(text: &str) -> Option<Self> {
        let mut chars = text.chars();
        let mark = chars.next()?;
        let rest = chars.as_str();
        match mark {
            '?' if rest.is_empty() => Some(Self::Hello),
            '-' if rest.is_empty() => Some(Self::Lost),
            '^' => codec::decode_from_server(rest).ok().map(Self::Up),
            'v' => Some(Self::Down(rest.into())),
            '!' => codec::decode_from_server(rest).ok().map(Self::Refused),
            'x' => codec::decode(rest).ok().map(Self::Discarded),
            '+' => codec::decode_from_server(rest).ok().map(Self::Open),
            _ => None,
        }
    }
}
