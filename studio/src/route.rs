//! Which screen an address shows.

use portico_protocol::ConversationId;

/// A screen of the studio.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Route {
    /// The inbox, with nothing open.
    #[default]
    Inbox,
    /// The inbox, with one conversation open.
    Conversation(ConversationId),
    /// The brand's canned replies.
    Replies,
    /// The representative's signed-in devices.
    Sessions,
}

impl Route {
    /// The screen at `path`. An address that means nothing shows the inbox: a stale bookmark should not be a
    /// dead end.
    #[must_use]
    pub(crate) fn parse(path: &str) -> Self {
        let path = path.strip_prefix("/studio").unwrap_or(path).trim_matches('/');
        match path.split_once('/') {
            Some(("conversations", id)) => id.parse().map_or(Self::Inbox, Self::Conversation),
            None if path == "replies" => Self::Replies,
            None if path == "sessions" => Self::Sessions,
            _ => Self::Inbox,
        }
    }

    /// The screen's address.
    #[must_use]
    pub(crate) fn path(self) -> String {
        match self {
            Self::Inbox => "/studio".into(),
            Self::Conversation(id) => format!("/studio/conversations/{id}"),
            Self::Replies => "/studio/replies".into(),
            Self::Sessions => "/studio/sessions".into(),
        }
    }

    /// The open conversation, if there is one.
    #[must_use]
    pub(crate) const fn conversation(self) -> Option<ConversationId> {
        match self {
            Self::Conversation(id) => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_screen_has_an_address_that_leads_back_to_it() {
        let conversation = Route::Conversation(ConversationId::from_bytes([7; 16]));
        for route in [Route::Inbox, conversation, Route::Replies, Route::Sessions] {
            assert_eq!(Route::parse(&route.path()), route);
        }
    }

    #[test]
    fn an_address_that_means_nothing_shows_the_inbox() {
        for path in ["", "/", "/studio/", "/studio/nothing", "/studio/conversations/seven", "/studio/a/b/c"] {
            assert_eq!(Route::parse(path), Route::Inbox, "{path}");
        }
    }
}
