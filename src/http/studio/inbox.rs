//! Conversations as lists and details, and the brand's canned replies.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use portico_protocol::api::{
    CannedReply, ConversationDetail, ConversationPage, InboxCounts, InboxQuery, VisitorDetail,
};
use portico_protocol::limit::{SEARCH_CHARS_MAX, TEXT_CHARS_MAX};
use portico_protocol::message::check_chars;
use portico_protocol::{ConversationId, InboxView, MessageId, Problem};
use portico_store::{Cursor, SaveError};
use serde::Deserialize;

use super::session::SignedIn;
use super::{body, json};
use crate::app::App;
use crate::http::problem::ApiError;

/// Longest shortcut of a canned reply, in bytes.
const SHORTCUT_BYTES_MAX: usize = 40;

/// Where a list goes on.
#[derive(Debug, Deserialize)]
pub(super) struct From {
    #[serde(default)]
    cursor: Option<String>,
}

/// `GET /api/v1/conversations`.
pub(super) async fn conversations(
    State(app): State<Arc<App>>,
    who: SignedIn,
    query: Result<Query<InboxQuery>, QueryRejection>,
    from: Result<Query<From>, QueryRejection>,
) -> Result<Response, ApiError> {
    let (Ok(Query(query)), Ok(Query(from))) = (query, from) else {
        return Err(Problem::invalid(
            "query",
            "give view=unassigned, mine or all, and optionally search and withClosed",
        )
        .into());
    };
    check_chars("search", &query.search, SEARCH_CHARS_MAX)?;
    let cursor = from.cursor.as_deref().map(str::parse::<Cursor>).transpose();
    let cursor = cursor.map_err(|error| Problem::invalid("cursor", error.to_string()))?;
    let page = app.store.conversations().list(who.asker(), &query, cursor).await?;
    let next_cursor = page.next.map(|cursor| cursor.to_string());
    Ok(json(&ConversationPage { conversations: page.conversations, next_cursor }))
}

/// `GET /api/v1/conversations/<conversation>`.
pub(super) async fn conversation(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id: ConversationId = id.parse().map_err(|_| ApiError::not_found())?;
    let found = app.store.conversations().find_summary(who.asker(), id).await?;
    // Somebody else's conversation is not told apart from none.
    let summary = found.ok_or_else(ApiError::not_found)?;
    let visitor = app.store.visitors().find_by_conversation(id).await?.ok_or_else(ApiError::not_found)?;
    let first = app.store.entries().after(id, 0, 1).await?;
    let visitor = VisitorDetail {
        participant: visitor.id,
        external_id: visitor.external_id,
        time_zone: visitor.time_zone,
        context: visitor.context,
        first_seen_at: visitor.created_at,
    };
    let created_at = first.first().map_or(summary.updated_at, |entry| entry.at);
    Ok(json(&ConversationDetail { summary, created_at, visitor }))
}

/// `GET /api/v1/inbox-counts`.
pub(super) async fn counts(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, ApiError> {
    let conversations = app.store.conversations();
    let counts = conversations.counts(who.asker()).await?;
    let mine = InboxQuery { view: InboxView::Mine, search: String::new(), with_closed: false };
    let mine = conversations.list(who.asker(), &mine, None).await?;
    let unread = mine.conversations.iter().filter(|summary| summary.unread > 0).count();
    Ok(json(&InboxCounts {
        unassigned: counts.unassigned,
        mine: counts.mine,
        mine_unread: u32::try_from(unread).unwrap_or(u32::MAX),
        all: counts.all,
    }))
}

/// `GET /api/v1/canned-replies`.
pub(super) async fn canned_replies(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, ApiError> {
    Ok(json(&app.store.canned_replies().of_brand(&who.account.brand).await?))
}

/// `PUT /api/v1/canned-replies/<id>`.
pub(super) async fn save_canned_reply(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
    bytes: Bytes,
) -> Result<StatusCode, ApiError> {
    let id: MessageId = id.parse().map_err(|_| ApiError::not_found())?;
    let reply: CannedReply = body(&bytes)?;
    if reply.id != id {
        return Err(Problem::invalid("id", "the id in the body must be the one in the address").into());
    }
    check(&reply)?;
    app.store.canned_replies().save(&who.account.brand, &reply).await.map_err(|error| match error {
        SaveError::Store(error) => error.into(),
        SaveError::Taken { .. } => ApiError(
            Problem::new("shortcut-taken", 409, "Another canned reply has this shortcut")
                .with_field("shortcut"),
        ),
        SaveError::Full { limit } => {
            ApiError::new(409, "too-many-canned-replies", "There are too many canned replies")
                .with_detail(format!("{limit} are allowed: delete one that nobody uses"))
        }
    })?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/canned-replies/<id>`. Deleting what is gone is no error: it is gone.
pub(super) async fn delete_canned_reply(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<StatusCode, ApiError> {
    let id: MessageId = id.parse().map_err(|_| ApiError::not_found())?;
    app.store.canned_replies().delete(&who.account.brand, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(reply: &CannedReply) -> Result<(), Problem> {
    let is_plain = reply.shortcut.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if reply.shortcut.is_empty() || reply.shortcut.len() > SHORTCUT_BYTES_MAX || !is_plain {
        return Err(Problem::invalid("shortcut", "give 1 to 40 letters, digits or hyphens"));
    }
    if reply.text.trim().is_empty() {
        return Err(Problem::invalid("text", "a canned reply needs words"));
    }
    check_chars("text", &reply.text, TEXT_CHARS_MAX)
}
