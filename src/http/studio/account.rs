//! Signing in and out, and the sessions of one's account.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::{SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use portico_domain::{Admission, Role};
use portico_protocol::SessionId;
use portico_protocol::api::{Me, SessionSummary, SignIn, Ticket};
use portico_seal::SessionSecret;
use portico_store::{RepresentativeRecord, SaveError, SessionRecord, SessionRole};
use rand::RngExt as _;

use super::session::{IDLE_MS_MAX, SignedIn, check_same_origin, set_cookie};
use super::{body, json};
use crate::account::{PasswordHash, device, normalize_email};
use crate::app::App;
use crate::clock;
use crate::http::client::Client;
use crate::http::problem::ApiError;
use crate::live::TICKET_FOR_MS;

/// `POST /api/v1/sign-in`.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    client: Client,
    method: Method,
    headers: HeaderMap,
    bytes: Bytes,
) -> Result<Response, ApiError> {
    check_same_origin(&method, &headers, &app)?;
    let form: SignIn = body(&bytes)?;
    // What cannot be an address has no account: no need to tell the two apart.
    let email = normalize_email(&form.email).map_err(|_| wrong_credentials())?;
    let attempt = app.accounts.begin(clock::moment(), &email, client.address)?;
    let account = app.store.representatives().find_by_email(&email).await?;
    let account = account.filter(|account| account.disabled_at.is_none());
    let hash = account.as_ref().map(|account| PasswordHash::from_stored(account.password_hash.as_str()));
    let is_right = app.accounts.verify(form.password, hash).await?;
    let Some(account) = account.filter(|_| is_right) else {
        tracing::warn!("Refused a sign-in");
        return Err(wrong_credentials());
    };
    app.accounts.forgive(&attempt);
    open_session(&app, account, &headers).await
}

async fn open_session(
    app: &App,
    account: RepresentativeRecord,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let now = clock::now();
    let id = SessionId::new(now, clock::rng().random());
    let secret = SessionSecret::new(id, clock::rng().random());
    let user_agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let session = SessionRecord {
        id,
        secret_hash: *secret.hash().as_bytes(),
        role: SessionRole::Representative,
        participant: account.id,
        brand: account.brand.clone(),
        device: device::describe(user_agent),
        created_at: now,
        seen_at: now,
        expires_at: now.plus_millis(IDLE_MS_MAX),
        revoked_at: None,
    };
    app.store.sessions().create(&session).await.map_err(|error| match error {
        SaveError::Store(error) => error.into(),
        // Eighty random bits met the same ones before: our dice are broken.
        error => ApiError::internal(&error),
    })?;
    tracing::info!(representative.id = %account.id, session.id = %id, "Representative {} signed in", account.id);
    let me = describe(app, &SignedIn { session, account })?;
    let mut response = json(&me);
    let cookie = set_cookie(&secret.reveal(), IDLE_MS_MAX / 1000);
    response.headers_mut().insert(SET_COOKIE, cookie.parse().expect("base64url is a header value"));
    Ok(response)
}

/// One answer for all that can be wrong, so that nobody learns which addresses have accounts.
fn wrong_credentials() -> ApiError {
    ApiError::new(401, "wrong-credentials", "E-mail and password do not match")
}

/// `POST /api/v1/sign-out`.
pub(super) async fn sign_out(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, ApiError> {
    end(&app, &who, who.session.id).await?;
    let gone = [(SET_COOKIE, set_cookie("", 0))];
    Ok((StatusCode::NO_CONTENT, gone).into_response())
}

/// `GET /api/v1/me`.
pub(super) async fn me(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, ApiError> {
    Ok(json(&describe(&app, &who)?))
}

fn describe(app: &App, who: &SignedIn) -> Result<Me, ApiError> {
    // A brand is never deleted: an account without one was restored from another backup.
    let brand = app.brands.card(&who.account.brand, clock::now()).ok_or_else(ApiError::not_found)?;
    let brand = Arc::unwrap_or_clone(brand);
    Ok(Me {
        participant: who.account.id,
        display_name: who.account.display_name.clone(),
        email: who.account.email.clone(),
        brand,
        session: who.session.id,
    })
}

/// `GET /api/v1/sessions`: one's own, the last used first.
pub(super) async fn sessions(State(app): State<Arc<App>>, who: SignedIn) -> Result<Response, ApiError> {
    let sessions = app.store.sessions().live_of(who.account.id, clock::now()).await?;
    let summary = |session: SessionRecord| SessionSummary {
        session: session.id,
        is_current: session.id == who.session.id,
        device: session.device,
        created_at: session.created_at,
        seen_at: session.seen_at,
    };
    Ok(json(&sessions.into_iter().map(summary).collect::<Vec<_>>()))
}

/// `DELETE /api/v1/sessions/<session>`: one of one's own.
pub(super) async fn end_session(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(session): Path<String>,
) -> Result<StatusCode, ApiError> {
    let session = session.parse().map_err(|_| ApiError::not_found())?;
    if end(&app, &who, session).await? { Ok(StatusCode::NO_CONTENT) } else { Err(ApiError::not_found()) }
}

/// `DELETE /api/v1/sessions`: all of one's own but this one.
pub(super) async fn end_other_sessions(
    State(app): State<Arc<App>>,
    who: SignedIn,
) -> Result<StatusCode, ApiError> {
    for session in app.store.sessions().live_of(who.account.id, clock::now()).await? {
        if session.id != who.session.id {
            end(&app, &who, session.id).await?;
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a session of `who`.
async fn end(app: &App, who: &SignedIn, session: SessionId) -> Result<bool, ApiError> {
    let was_live = app.store.sessions().revoke(session, who.account.id, clock::now()).await?;
    if was_live {
        app.hub.end_session(session);
    }
    Ok(was_live)
}

/// `POST /api/v1/studio-tickets`: a ticket for one connection of the signed-in representative. Apart from the
/// visitors' tickets: a browser may hold the cookies of both, and neither may be taken for the other.
pub(super) async fn issue_ticket(
    State(app): State<Arc<App>>,
    client: Client,
    who: SignedIn,
) -> Result<Response, ApiError> {
    app.limits.tickets.take_for_address(clock::moment(), client.address)?;
    let brand = who.account.brand.clone();
    let admission = Admission {
        session: who.session.id,
        role: Role::Person { brand: brand.clone(), representative: who.representative() },
        expires_at: who.session.expires_at,
        policy: app.bots.policy(&brand, ""),
    };
    let ticket = app.hub.tickets.issue(clock::moment(), admission, clock::rng().random());
    let ticket = ticket.ok_or_else(|| ApiError::unavailable("Too many people are connecting", 2_000))?;
    let life_ms = i64::try_from(TICKET_FOR_MS).unwrap_or(i64::MAX);
    Ok(json(&Ticket { ticket, expires_at: clock::now().plus_millis(life_ms) }))
}
