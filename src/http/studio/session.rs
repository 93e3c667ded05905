//! Who asks: the representative behind the studio's cookie.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header::{COOKIE, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method};
use portico_protocol::{Representative, RepresentativeType};
use portico_seal::{SecretHash, SessionSecret};
use portico_store::{Asker, RepresentativeRecord, SessionRecord, SessionRole};

use crate::app::App;
use crate::clock;
use crate::http::problem::ApiError;

/// `__Host-` makes the browser insist on `Secure`, `Path=/` and this very host.
pub(super) const COOKIE_NAME: &str = "__Host-portico-studio";
/// A session that is not used for this long ends, in milliseconds: 14 days.
pub(super) const IDLE_MS_MAX: i64 = 14 * 24 * 60 * 60 * 1000;
/// No session lasts longer than this, in milliseconds: 60 days.
const AGE_MS_MAX: i64 = 60 * 24 * 60 * 60 * 1000;
/// Use is written down at most this often, in milliseconds: reading the inbox must not write at each request.
const TOUCH_EVERY_MS: i64 = 5 * 60 * 1000;

/// A representative with a live session. Nothing of a brand is shown to anybody without one.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionRecord,
    /// The account.
    pub account: RepresentativeRecord,
}

impl SignedIn {
    /// For the store's lists, which show only the asker's brand.
    #[must_use]
    pub const fn asker(&self) -> Asker<'_> {
        Asker { brand: &self.account.brand, representative: self.account.id }
    }

    /// Who that is in a conversation.
    #[must_use]
    pub fn representative(&self) -> Representative {
        Representative {
            id: self.account.id,
            representative_type: RepresentativeType::Human,
            display_name: self.account.display_name.clone(),
        }
    }
}

impl FromRequestParts<Arc<App>> for SignedIn {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        check_same_origin(&parts.method, &parts.headers, app)?;
        find(app, &parts.headers).await?.ok_or_else(ApiError::not_signed_in)
    }
}

/// The representative whose cookie came with a request, if the session and the account are still good.
///
/// # Errors
/// The store does not answer.
pub async fn find(app: &App, headers: &HeaderMap) -> Result<Option<SignedIn>, ApiError> {
    let Some(secret) = cookie(headers) else { return Ok(None) };
    let now = clock::now();
    let is_good = |session: &SessionRecord| {
        let is_secret = SecretHash::from_bytes(session.secret_hash) == secret.hash();
        is_secret && session.role == SessionRole::Representative && session.is_live(now)
    };
    let Some(mut session) = app.store.sessions().find(secret.session()).await?.filter(is_good) else {
        return Ok(None);
    };
    let account = app.store.representatives().find(session.participant).await?;
    let Some(account) = account.filter(|account| account.disabled_at.is_none()) else { return Ok(None) };
    if now.as_millis() - session.seen_at.as_millis() >= TOUCH_EVERY_MS {
        let oldest_end = session.created_at.plus_millis(AGE_MS_MAX);
        (session.seen_at, session.expires_at) = (now, now.plus_millis(IDLE_MS_MAX).min(oldest_end));
        app.store.sessions().touch(session.id, session.seen_at, session.expires_at).await?;
    }
    Ok(Some(SignedIn { session, account }))
}

/// Refuses what another site's page could have caused. The cookie is `SameSite=Strict` already; this also
/// holds against other hosts of the same site, which that attribute lets pass.
///
/// # Errors
/// The request changes something and does not come from the studio's own origin.
pub(super) fn check_same_origin(method: &Method, headers: &HeaderMap, app: &App) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |value: Option<&HeaderValue>| value.and_then(|value| value.to_str().ok()).map(str::to_owned);
    let is_own = match (text(headers.get("sec-fetch-site")), text(headers.get(ORIGIN))) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == app.config.public_url.origin(),
        // No browser leaves out both: a tool can say where it stands.
        (None, None) => false,
    };
    if is_own { Ok(()) } else { Err(ApiError::forbidden("The request comes from another origin")) }
}

/// The cookie for a new session, or with an age of zero for none.
pub(super) fn set_cookie(value: &str, seconds: i64) -> String {
    format!("{COOKIE_NAME}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={seconds}")
}

fn cookie(headers: &HeaderMap) -> Option<SessionSecret> {
    let pairs = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|pairs| pairs.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| *name == COOKIE_NAME)?;
    SessionSecret::parse(value).ok()
}
