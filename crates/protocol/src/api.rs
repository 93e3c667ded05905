//! Bodies of the JSON API under `/api/v1`.

use core::fmt;
use serde::{Deserialize, Serialize};

use crate::json::wire;

use crate::{BrandCard, BrandId, ConversationId, ConversationSummary, InboxView, MessageId, ParticipantId};
use crate::{SessionId, Timestamp};

/// `POST /api/v1/visitor-sessions`: the visitor opened the chat. Carries the session cookie if there is one.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenVisitorSession {
    /// With whom.
    pub brand: BrandId,
    /// Where cookies are blocked: the resume handle of an earlier session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<String>,
    /// A JWT signed by the brand's back end that says who the visitor is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The visitor's language, BCP 47.
    pub locale: String,
    /// The visitor's IANA time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The page that holds the chat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_url: Option<String>,
    /// What the page told the chat with `Portico('context', …)`; JSON text, opaque to Portico.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
}

/// A session, and the one-use ticket for its first connection.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VisitorSession {
    /// The session.
    pub session: SessionId,
    /// The visitor.
    pub participant: ParticipantId,
    /// The visitor's conversation with the brand. Its row exists only once something was said.
    pub conversation: ConversationId,
    /// The newest sequence number in it.
    pub head: u64,
    /// For `hello`.
    pub ticket: String,
    /// What to give as `resume` next time where cookies are blocked. A secret: whoever has it is the visitor.
    pub resume: String,
    /// When the session ends unless it is used again.
    pub expires_at: Timestamp,
    /// Whether the visitor is known by a signed identity.
    pub is_identified: bool,
}

/// `POST /api/v1/tickets`: a ticket for one more connection of the session in the cookie or in
/// `Authorization: Bearer <resume>`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ticket {
    /// For `hello`; works once.
    pub ticket: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// `POST /api/v1/live`: a `hello` where sockets are blocked. Frames go to `/api/v1/live/<connection>` and come from
/// there as server-sent events.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Connection {
    /// Names the connection. A secret.
    pub connection: String,
}

/// `POST /api/v1/device-links`: a one-use link that continues this conversation on another device.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceLink {
    /// The secret is in the fragment, so that no server log ever sees it.
    pub url: String,
    /// The same as a QR code, an SVG document.
    pub qr_svg: String,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// `POST /api/v1/device-links/redeem`: answered with a [`VisitorSession`]. Only ever sent on a press.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RedeemDeviceLink {
    /// With whom.
    pub brand: BrandId,
    /// What was in the fragment.
    pub secret: String,
    /// The visitor's language, BCP 47.
    pub locale: String,
}

/// `POST /api/v1/sign-in`: a representative signs in; sets the studio's cookie and answers [`Me`].
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct SignIn {
    /// The e-mail address of the account, any letter case.
    pub email: String,
    /// The password.
    pub password: String,
}

/// `GET /api/v1/me`: the signed-in representative.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// The representative.
    pub participant: ParticipantId,
    /// The name that visitors see.
    pub display_name: String,
    /// The account's address.
    pub email: String,
    /// The brand that this representative answers for.
    pub brand: BrandCard,
    /// This session.
    pub session: SessionId,
}

/// `GET /api/v1/sessions`: one signed-in device of the representative. `DELETE /api/v1/sessions/<session>` ends it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SessionSummary {
    /// The session.
    pub session: SessionId,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// Browser and system in plain words, from the User-Agent.
    pub device: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used.
    pub seen_at: Timestamp,
}

/// What a list of conversations holds. Also the query of `GET /api/v1/conversations`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxQuery {
    /// Which conversations.
    pub view: InboxView,
    /// Only those in which all these words occur, in any letter case; at most 200 code points.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub search: String,
    /// Whether closed ones belong.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub with_closed: bool,
}

/// `GET /api/v1/conversations`: newest first, at most 50.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationPage {
    /// The conversations.
    pub conversations: Vec<ConversationSummary>,
    /// Give it as `cursor` for the next page; absent: this is the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// `GET /api/v1/inbox-counts`: what the tabs of the inbox say. Each is counted up to 1000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxCounts {
    /// Open conversations that wait for a person.
    pub unassigned: u32,
    /// Open conversations that the asking representative answers.
    pub mine: u32,
    /// Those of `mine`, among the 50 newest, in which the visitor wrote something unread.
    pub mine_unread: u32,
    /// All open conversations of the brand.
    pub all: u32,
}

/// `GET /api/v1/conversations/<conversation>`: one conversation and what is known about its visitor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConversationDetail {
    /// Its line in the inbox.
    pub summary: ConversationSummary,
    /// When the first word was said.
    pub created_at: Timestamp,
    /// The visitor.
    pub visitor: VisitorDetail,
}

/// What representatives may know about a visitor.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VisitorDetail {
    /// Who.
    pub participant: ParticipantId,
    /// Who that is to the brand's back end, if it signed for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The IANA time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// What the page told the chat with `Portico('context', …)`; JSON text that anybody could have written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// When this visitor first opened the chat.
    pub first_seen_at: Timestamp,
}

/// A ready-made text of the brand: `GET /api/v1/canned-replies`, `PUT` and `DELETE /api/v1/canned-replies/<id>`.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CannedReply {
    /// Chosen by the client, so that saving twice saves once.
    pub id: MessageId,
    /// What is typed after `/` to find it: letters, digits and hyphens, at most 40 bytes.
    pub shortcut: String,
    /// What it says.
    pub text: String,
}

macro_rules! silent_debug {
    ($($name:ident),+) => { $(
        impl fmt::Debug for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )+ };
}
// These hold secrets, addresses or words: none of them may reach a log by way of `Debug`.
silent_debug!(
    OpenVisitorSession,
    VisitorSession,
    Ticket,
    Connection,
    DeviceLink,
    RedeemDeviceLink,
    SignIn,
    Me,
    VisitorDetail,
    CannedReply,
    InboxQuery
);

wire!(struct OpenVisitorSession { brand, resume [optional], identity [optional], locale, time_zone [optional], page_url [optional], context [optional] });
wire!(struct VisitorSession { session, participant, conversation, head, ticket, resume, expires_at, is_identified });
wire!(struct Ticket { ticket, expires_at });
wire!(struct Connection { connection });
wire!(struct DeviceLink { url, qr_svg, expires_at });
wire!(struct RedeemDeviceLink { brand, secret, locale });
wire!(struct SignIn { email, password });
wire!(struct Me { participant, display_name, email, brand, session });
wire!(struct SessionSummary { session, is_current, device, created_at, seen_at });
wire!(struct InboxQuery { view, search [optional], with_closed [optional] });
wire!(struct ConversationPage { conversations, next_cursor [optional] });
wire!(struct InboxCounts { unassigned, mine, mine_unread, all });
wire!(struct ConversationDetail { summary, created_at, visitor });
wire!(struct VisitorDetail { participant, external_id [optional], time_zone [optional], context [optional], first_seen_at });
wire!(struct CannedReply { id, shortcut, text });
