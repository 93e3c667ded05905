//! The studio's part of the JSON API, as calls.

use portico_browser::api::{CallError, call, call_text};
use portico_protocol::api::{
    CannedReply, ConversationDetail, ConversationPage, InboxCounts, InboxQuery, Me, SessionSummary, SignIn,
};
use portico_protocol::{ConversationId, InboxView, MessageId, SessionId, codec};

const BASE: &str = "/api/v1";
/// Where tickets for connections come from.
pub(crate) const TICKETS: &str = "/api/v1/studio-tickets";

/// Signs in; the cookie comes with the answer.
pub(crate) async fn sign_in(form: &SignIn) -> Result<Me, CallError> {
    call("POST", &path("/sign-in"), Some(form), None).await
}

/// Ends this session.
pub(crate) async fn sign_out() -> Result<(), CallError> {
    send("POST", "/sign-out").await
}

/// Who is signed in.
pub(crate) async fn me() -> Result<Me, CallError> {
    get("/me").await
}

/// One's own sessions.
pub(crate) async fn sessions() -> Result<Vec<SessionSummary>, CallError> {
    get("/sessions").await
}

/// Ends one of one's own sessions.
pub(crate) async fn end_session(session: SessionId) -> Result<(), CallError> {
    send("DELETE", &format!("/sessions/{session}")).await
}

/// Ends all of one's own sessions but this one.
pub(crate) async fn end_other_sessions() -> Result<(), CallError> {
    send("DELETE", "/sessions").await
}

/// What the tabs say.
pub(crate) async fn counts() -> Result<InboxCounts, CallError> {
    get("/inbox-counts").await
}

/// One page of a list.
pub(crate) async fn conversations(
    query: &InboxQuery,
    cursor: Option<&str>,
) -> Result<ConversationPage, CallError> {
    let view = match query.view {
        InboxView::Unassigned => "unassigned",
        InboxView::Mine => "mine",
        InboxView::All => "all",
    };
    let search = String::from(js_sys::encode_uri_component(&query.search));
    let mut path = format!("/conversations?view={view}&withClosed={}&search={search}", query.with_closed);
    if let Some(cursor) = cursor {
        path.push_str("&cursor=");
        path.push_str(&String::from(js_sys::encode_uri_component(cursor)));
    }
    get(&path).await
}

/// What is known about one conversation and its visitor.
pub(crate) async fn conversation(id: ConversationId) -> Result<ConversationDetail, CallError> {
    get(&format!("/conversations/{id}")).await
}

/// The brand's canned replies.
pub(crate) async fn replies() -> Result<Vec<CannedReply>, CallError> {
    get("/canned-replies").await
}

/// Saves a canned reply, new or changed.
pub(crate) async fn save_reply(reply: &CannedReply) -> Result<(), CallError> {
    let body = codec::encode(reply);
    call_text("PUT", &path(&format!("/canned-replies/{}", reply.id)), Some(body), None).await.map(drop)
}

/// Deletes a canned reply.
pub(crate) async fn delete_reply(id: MessageId) -> Result<(), CallError> {
    send("DELETE", &format!("/canned-replies/{id}")).await
}

fn path(rest: &str) -> String {
    [BASE, rest].concat()
}

/// Lists may be longer than what clients may send: they are read without that limit.
async fn get<T: codec::Decode>(rest: &str) -> Result<T, CallError> {
    let text = call_text("GET", &path(rest), None, None).await?;
    codec::decode_from_server(&text).map_err(|error| CallError::Problem(error.into()))
}

async fn send(method: &str, rest: &str) -> Result<(), CallError> {
    call_text(method, &path(rest), None, None).await.map(drop)
}
