//! Visitors' sessions, tickets and device links.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Json, State};
use axum::http::header::{AUTHORIZATION, COOKIE, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use portico_domain::{Admission, Role};
use portico_protocol::api::{DeviceLink, OpenVisitorSession, RedeemDeviceLink, Ticket, VisitorSession};
use portico_protocol::limit::CONTEXT_CHARS_MAX;
use portico_protocol::message::{check_chars, check_url};
use portico_protocol::{BrandId, ConversationId, ParticipantId, SessionId};
use portico_seal::{Identity, SecretHash, SessionSecret, base64url};
use portico_store::{DeviceLinkRecord, SaveError, SessionRecord, SessionRole, VisitorRecord};
use rand::RngExt as _;
use sha2::{Digest as _, Sha256};

use crate::account::device;
use crate::app::App;
use crate::clock;
use crate::http::client::Client;
use crate::http::origin;
use crate::http::problem::ApiError;
use crate::live::TICKET_FOR_MS;

/// How long a visitor's session lives after its last use: within what browsers allow a cookie (400 days).
const SESSION_FOR_MS: i64 = 180 * DAY_MS;
/// A session's use is written down at most this often.
const TOUCH_EVERY_MS: i64 = 3_600_000;
/// How long a device link works: time enough to pick up the phone.
const DEVICE_LINK_FOR_MS: i64 = 10 * 60_000;
/// Longest language tag that is kept, in bytes (RFC 5646 §4.4.1 asks for 35).
const LOCALE_BYTES_MAX: usize = 35;
/// Longest name of a time zone that is kept, in bytes.
const TIME_ZONE_BYTES_MAX: usize = 64;
/// Cookies of visitors are named so, followed by the brand: one chat host may serve several.
const COOKIE_PREFIX: &str = "__Host-portico.";
const DAY_MS: i64 = 24 * 3_600_000;

/// The part of `/api/v1` that visitors use.
pub fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/api/v1/visitor-sessions", post(open_session).delete(end_session))
        .route("/api/v1/tickets", post(issue_ticket))
        .route("/api/v1/device-links", post(create_device_link))
        .route("/api/v1/device-links/redeem", post(redeem_device_link))
}

/// A live session with the visitor whose it is, and its secret as the visitor holds it.
struct Visit {
    session: SessionRecord,
    visitor: VisitorRecord,
    secret: String,
}

async fn open_session(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
    Json(body): Json<OpenVisitorSession>,
) -> Result<Response, ApiError> {
    origin::check(&app, &headers)?;
    app.limits.visitor_sessions.take_for_address(clock::moment(), client.address)?;
    let body = tidy(body)?;
    known_brand(&app, &body.brand)?;
    let identity = body.identity.as_deref().map(|token| verify(&app, &body.brand, token)).transpose()?;
    let held = body.resume.clone().or_else(|| cookie_of(&headers, &body.brand));
    let current = match held {
        Some(secret) => find_visit(&app, &secret).await?.filter(|visit| visit.visitor.brand == body.brand),
        None => None,
    };
    let visit = match current {
        Some(visit) => go_on(&app, visit, &body).await?,
        None => begin(&app, new_visitor(&body), device_of(&headers)).await?,
    };
    let visit = match identity {
        Some(identity) => identify(&app, visit, &identity, device_of(&headers)).await?,
        None => visit,
    };
    answer(&app, visit).await
}

async fn end_session(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, ApiError> {
    origin::check(&app, &headers)?;
    let visit = signed_in(&app, &headers).await?;
    app.store.sessions().revoke(visit.session.id, visit.visitor.id, clock::now()).await?;
    app.hub.end_session(visit.session.id);
    let cookie = set_cookie(&visit.visitor.brand, "", 0)?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookie)]).into_response())
}

async fn issue_ticket(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
) -> Result<Json<Ticket>, ApiError> {
    origin::check(&app, &headers)?;
    app.limits.tickets.take_for_address(clock::moment(), client.address)?;
    let visit = signed_in(&app, &headers).await?;
    let ticket = ticket_for(&app, &visit)?;
    let life_ms = i64::try_from(TICKET_FOR_MS).unwrap_or(i64::MAX);
    Ok(Json(Ticket { ticket, expires_at: clock::now().plus_millis(life_ms) }))
}

async fn create_device_link(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
) -> Result<Json<DeviceLink>, ApiError> {
    origin::check(&app, &headers)?;
    app.limits.tickets.take_for_address(clock::moment(), client.address)?;
    let visit = signed_in(&app, &headers).await?;
    let now = clock::now();
    let secret: [u8; 16] = clock::rng().random();
    let link = DeviceLinkRecord {
        secret_hash: Sha256::digest(secret).into(),
        brand: visit.visitor.brand.clone(),
        visitor: visit.visitor.id,
        created_at: now,
        expires_at: now.plus_millis(DEVICE_LINK_FOR_MS),
    };
    app.store.device_links().create(&link).await.map_err(save_failed)?;
    // The secret is in the fragment, which browsers keep to themselves: no log on the way can hold it.
    let url = format!("{}/c/{}#{}", app.config.public_url.origin(), link.brand, base64url::encode(secret));
    Ok(Json(DeviceLink { qr_svg: qr_svg(&url)?, url, expires_at: link.expires_at }))
}

async fn redeem_device_link(
    State(app): State<Arc<App>>,
    client: Client,
    headers: HeaderMap,
    Json(body): Json<RedeemDeviceLink>,
) -> Result<Response, ApiError> {
    origin::check(&app, &headers)?;
    app.limits.redemptions.take_for_address(clock::moment(), client.address)?;
    known_brand(&app, &body.brand)?;
    // Unknown, used and expired are told apart to nobody: a guess learns nothing.
    let over = || {
        ApiError::new(410, "device-link-over", "This link has been used or is too old")
            .with_detail("Open the chat where you began and make a new link")
    };
    let secret = base64url::decode_array::<16>(&body.secret).ok_or_else(over)?;
    let hash = Sha256::digest(secret).into();
    let link = app.store.device_links().redeem(&body.brand, hash, clock::now()).await?.ok_or_else(over)?;
    let visitor = app.store.visitors().find(link.visitor).await?.ok_or_else(over)?;
    let visit = begin_session(&app, visitor, device_of(&headers)).await?;
    answer(&app, visit).await
}

async fn answer(app: &App, visit: Visit) -> Result<Response, ApiError> {
    let visitor = &visit.visitor;
    let state = app.store.conversations().find(visitor.conversation).await?;
    let body = VisitorSession {
        session: visit.session.id,
        participant: visitor.id,
        conversation: visitor.conversation,
        head: state.map_or(0, |state| state.head),
        ticket: ticket_for(app, &visit)?,
        expires_at: visit.session.expires_at,
        is_identified: visitor.external_id.is_some(),
        resume: visit.secret.clone(),
    };
    let cookie = set_cookie(&visitor.brand, &visit.secret, SESSION_FOR_MS / 1_000)?;
    Ok(([(SET_COOKIE, cookie)], Json(body)).into_response())
}

/// What the visitor's browser claims, cut to what is kept. Only what would change the meaning of the request
/// is refused: a page that lives at an odd address must not cost anybody the chat.
fn tidy(mut body: OpenVisitorSession) -> Result<OpenVisitorSession, ApiError> {
    let context = body.context.as_deref().unwrap_or_default();
    check_chars("context", context, CONTEXT_CHARS_MAX).map_err(ApiError)?;
    let is_tag = |tag: &str| tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if body.locale.is_empty() || body.locale.len() > LOCALE_BYTES_MAX || !is_tag(&body.locale) {
        body.locale = "en".into();
    }
    let is_zone = |zone: &String| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte);
        zone.len() <= TIME_ZONE_BYTES_MAX && zone.bytes().all(allowed)
    };
    body.time_zone = body.time_zone.filter(is_zone);
    body.page_url = body.page_url.filter(|url| check_url("pageUrl", url).is_ok());
    if let Some(url) = &mut body.page_url {
        // What follows the hash is the page's own affair, and at times a secret.
        url.truncate(url.find('#').unwrap_or(url.len()));
    }
    Ok(body)
}

fn new_visitor(body: &OpenVisitorSession) -> VisitorRecord {
    let now = clock::now();
    VisitorRecord {
        id: ParticipantId::new(now, clock::rng().random()),
        conversation: ConversationId::new(now, clock::rng().random()),
        brand: body.brand.clone(),
        external_id: None,
        display_name: None,
        locale: body.locale.clone(),
        time_zone: body.time_zone.clone(),
        page_url: body.page_url.clone(),
        context: body.context.clone(),
        created_at: now,
        seen_at: now,
    }
}

async fn begin(app: &App, visitor: VisitorRecord, device: String) -> Result<Visit, ApiError> {
    app.store.visitors().create(&visitor).await.map_err(save_failed)?;
    begin_session(app, visitor, device).await
}

async fn begin_session(app: &App, visitor: VisitorRecord, device: String) -> Result<Visit, ApiError> {
    let now = clock::now();
    let id = SessionId::new(now, clock::rng().random());
    let secret = SessionSecret::new(id, clock::rng().random());
    let session = SessionRecord {
        id,
        secret_hash: *secret.hash().as_bytes(),
        role: SessionRole::Visitor,
        participant: visitor.id,
        brand: visitor.brand.clone(),
        device,
        created_at: now,
        seen_at: now,
        expires_at: now.plus_millis(SESSION_FOR_MS),
        revoked_at: None,
    };
    app.store.sessions().create(&session).await.map_err(save_failed)?;
    Ok(Visit { session, visitor, secret: secret.reveal() })
}

/// Goes on with a session: what this visit told is kept, and the session lives longer.
async fn go_on(app: &App, mut visit: Visit, body: &OpenVisitorSession) -> Result<Visit, ApiError> {
    let now = clock::now();
    let visitor = &mut visit.visitor;
    let told = (&body.locale, &body.time_zone, &body.page_url, &body.context);
    let is_news = told != (&visitor.locale, &visitor.time_zone, &visitor.page_url, &visitor.context);
    if is_news || is_due(visitor.seen_at, now) {
        visitor.locale.clone_from(&body.locale);
        visitor.time_zone.clone_from(&body.time_zone);
        visitor.page_url.clone_from(&body.page_url);
        visitor.context.clone_from(&body.context);
        visitor.seen_at = now;
        app.store.visitors().update_visit(visitor).await?;
    }
    if is_due(visit.session.seen_at, now) {
        visit.session.seen_at = now;
        visit.session.expires_at = now.plus_millis(SESSION_FOR_MS);
        app.store.sessions().touch(visit.session.id, now, visit.session.expires_at).await?;
    }
    Ok(visit)
}

/// A clock set back must not keep a session from being renewed.
fn is_due(last: portico_protocol::Timestamp, now: portico_protocol::Timestamp) -> bool {
    (now.as_millis() - last.as_millis()).abs() >= TOUCH_EVERY_MS
}

/// Makes the visit that of the person whom the brand's back end signed for. Only a signature brings two
/// devices together; whoever was known as somebody else before starts anew.
async fn identify(app: &App, visit: Visit, identity: &Identity, device: String) -> Result<Visit, ApiError> {
    let visitors = app.store.visitors();
    if visit.visitor.external_id.as_deref() == Some(identity.subject.as_str()) {
        return Ok(visit);
    }
    if let Some(known) = visitors.find_identified(&visit.visitor.brand, &identity.subject).await? {
        return become_visitor(app, visit, known, device).await;
    }
    if visit.visitor.external_id.is_some() {
        let now = clock::now();
        let fresh = VisitorRecord {
            id: ParticipantId::new(now, clock::rng().random()),
            conversation: ConversationId::new(now, clock::rng().random()),
            external_id: Some(identity.subject.clone()),
            display_name: identity.name.clone(),
            created_at: now,
            seen_at: now,
            ..visit.visitor.clone()
        };
        visitors.create(&fresh).await.map_err(save_failed)?;
        return become_visitor(app, visit, fresh, device).await;
    }
    match visitors.identify(visit.visitor.id, &identity.subject, identity.name.as_deref()).await {
        Ok(()) => {
            let visitor = VisitorRecord {
                external_id: Some(identity.subject.clone()),
                display_name: identity.name.clone(),
                ..visit.visitor
            };
            Ok(Visit { visitor, ..visit })
        }
        // Another tab was faster.
        Err(SaveError::Taken { .. }) => {
            let known = visitors.find_identified(&visit.visitor.brand, &identity.subject).await?;
            become_visitor(app, visit, known.ok_or_else(ApiError::not_signed_in)?, device).await
        }
        Err(failed) => Err(save_failed(failed)),
    }
}

/// Ends the session and begins one of `visitor`: a session never changes whose it is, so that a secret that
/// leaked before somebody was known does not open what they say after.
async fn become_visitor(
    app: &App,
    visit: Visit,
    visitor: VisitorRecord,
    device: String,
) -> Result<Visit, ApiError> {
    app.store.sessions().revoke(visit.session.id, visit.visitor.id, clock::now()).await?;
    app.hub.end_session(visit.session.id);
    begin_session(app, visitor, device).await
}

fn verify(app: &App, brand: &BrandId, token: &str) -> Result<Identity, ApiError> {
    app.brands.verify_identity(brand, token, clock::now()).map_err(|error| {
        ApiError::new(401, "identity-refused", "The identity token says nothing about anybody")
            .with_detail(error.to_string())
    })
}

fn known_brand(app: &App, brand: &BrandId) -> Result<(), ApiError> {
    app.brands.find(brand).map(drop).ok_or_else(unknown_brand)
}

fn unknown_brand() -> ApiError {
    ApiError::new(404, "unknown-brand", "This server does not speak for that brand")
}

/// The visit whose session the request carries: in `Authorization: Bearer <resume>`, or in the cookie where
/// there is exactly one.
async fn signed_in(app: &App, headers: &HeaderMap) -> Result<Visit, ApiError> {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let secret = match bearer {
        Some(secret) => secret.to_owned(),
        None => only_cookie(headers).ok_or_else(ApiError::not_signed_in)?,
    };
    find_visit(app, &secret).await?.ok_or_else(ApiError::not_signed_in)
}

async fn find_visit(app: &App, secret: &str) -> Result<Option<Visit>, ApiError> {
    let Ok(parsed) = SessionSecret::parse(secret) else { return Ok(None) };
    let Some(session) = app.store.sessions().find(parsed.session()).await? else { return Ok(None) };
    let is_theirs = SecretHash::from_bytes(session.secret_hash) == parsed.hash();
    if !is_theirs || session.role != SessionRole::Visitor || !session.is_live(clock::now()) {
        return Ok(None);
    }
    let visitor = app.store.visitors().find(session.participant).await?;
    Ok(visitor.map(|visitor| Visit { session, visitor, secret: secret.to_owned() }))
}

fn ticket_for(app: &App, visit: &Visit) -> Result<String, ApiError> {
    let admission = Admission {
        session: visit.session.id,
        role: Role::Visitor {
            brand: visit.visitor.brand.clone(),
            visitor: visit.visitor.id,
            conversation: visit.visitor.conversation,
        },
        expires_at: visit.session.expires_at,
        policy: app.bots.policy(&visit.visitor.brand, &visit.visitor.locale),
    };
    let ticket = app.hub.tickets.issue(clock::moment(), admission, clock::rng().random());
    ticket.ok_or_else(|| ApiError::unavailable("Too many people are connecting", 2_000))
}

fn cookie_of(headers: &HeaderMap, brand: &BrandId) -> Option<String> {
    cookies(headers).find(|(name, _)| *name == brand.as_str()).map(|(_, value)| value.to_owned())
}

fn only_cookie(headers: &HeaderMap) -> Option<String> {
    let mut cookies = cookies(headers);
    let (_, value) = cookies.next()?;
    cookies.next().is_none().then(|| value.to_owned())
}

/// Brand and secret of each visitor's cookie.
fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let texts = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter_map(|(name, value)| Some((name.strip_prefix(COOKIE_PREFIX)?, value)))
}

/// In a frame on the brand's page this is a third-party cookie: `Partitioned` keeps it to that page's site.
fn set_cookie(brand: &BrandId, value: &str, max_age_s: i64) -> Result<HeaderValue, ApiError> {
    let attributes = "Secure; HttpOnly; Path=/; SameSite=None; Partitioned";
    HeaderValue::try_from(format!("{COOKIE_PREFIX}{brand}={value}; {attributes}; Max-Age={max_age_s}"))
        .map_err(|error| ApiError::internal(&error))
}

fn device_of(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    device::describe(agent)
}

fn qr_svg(url: &str) -> Result<String, ApiError> {
    let code = qrcode::QrCode::with_error_correction_level(url, qrcode::EcLevel::M)
        .map_err(|error| ApiError::internal(&error))?;
    // Dark on light with the quiet zone of four modules, whatever the page around it looks like.
    Ok(code.render::<qrcode::render::svg::Color>().min_dimensions(200, 200).quiet_zone(true).build())
}

fn save_failed(error: SaveError) -> ApiError {
    match error {
        SaveError::Store(error) => error.into(),
        // Ids are made of chance here: nobody else can have them.
        other => ApiError::internal(&other),
    }
}
