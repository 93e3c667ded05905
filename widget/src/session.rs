//! Opening, continuing and ending a session.

use portico_browser::api::{CallError, call, call_text};
use portico_browser::embedder::Configuration;
use portico_protocol::api::{DeviceLink, OpenVisitorSession, RedeemDeviceLink, VisitorSession};
use portico_protocol::{BrandId, codec};
use portico_ui::dom;
use wasm_bindgen::JsCast;
use web_sys::HtmlDocument;

const SESSIONS: &str = "/api/v1/visitor-sessions";
/// The cookie that shows whether cookies are kept.
const PROBE: &str = "portico-probe=1";
const DEVICE_LINKS: &str = "/api/v1/device-links";

/// Where tickets for connections come from.
pub(crate) const TICKETS: &str = "/api/v1/tickets";

/// Opens a session, or goes on with the one in the cookie or the resume handle.
pub(crate) async fn open(
    brand: BrandId,
    locale: String,
    configuration: Configuration,
) -> Result<VisitorSession, CallError> {
    let body = OpenVisitorSession {
        brand,
        resume: configuration.resume,
        identity: configuration.identity,
        locale,
        time_zone: time_zone(),
        page_url: configuration.page_url,
        context: configuration.context,
    };
    call("POST", SESSIONS, Some(&body), None).await
}

/// Ends the session: this browser cannot find the conversation again.
pub(crate) async fn end(bearer: Option<String>) -> Result<(), CallError> {
    call_text("DELETE", SESSIONS, None, bearer.as_deref()).await.map(drop)
}

/// Makes a link that continues the conversation on another device, once.
pub(crate) async fn link_device(bearer: Option<String>) -> Result<DeviceLink, CallError> {
    call("POST", DEVICE_LINKS, None::<&()>, bearer.as_deref()).await
}

/// Continues here what such a link leads to.
pub(crate) async fn redeem(
    brand: BrandId,
    secret: String,
    locale: String,
) -> Result<VisitorSession, CallError> {
    let body = codec::encode(&RedeemDeviceLink { brand, secret, locale });
    let answer = call_text("POST", &[DEVICE_LINKS, "/redeem"].concat(), Some(body), None).await?;
    codec::decode_from_server(&answer).map_err(|error| CallError::Problem(error.into()))
}

/// Whether the browser refuses cookies here: only then may a handle be kept elsewhere. Asked only after the
/// chat was opened, since asking means trying.
pub(crate) fn cookies_are_blocked() -> bool {
    let document: HtmlDocument = dom::document().unchecked_into();
    let scope = "; Path=/; Secure; SameSite=None; Partitioned";
    document.set_cookie(&[PROBE, scope].concat()).ok();
    let is_kept =
        document.cookie().is_ok_and(|cookies| cookies.split(';').any(|cookie| cookie.trim() == PROBE));
    document.set_cookie(&["portico-probe=; Max-Age=0", scope].concat()).ok();
    !is_kept
}

/// The IANA name of the device's time zone.
fn time_zone() -> Option<String> {
    let format = js_sys::Intl::DateTimeFormat::default();
    js_sys::Reflect::get(&format.resolved_options(), &"timeZone".into()).ok()?.as_string()
}
