//! The shop's web server: static pages under a strict policy, and the file that proves its domain.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::proof::brand::ChallengeFile;

const LAYOUT: &str = include_str!("../../demo/shop/layout.html");

/// Path, title and content of a page.
type Page = (&'static str, &'static str, &'static str);

macro_rules! pages {
    ($( $path:literal $file:literal $title:literal )+) => {
        [ $( ($path, $title, include_str!(concat!("../../demo/shop/page/", $file, ".html"))), )+ ]
    };
}

static PAGES: [Page; 12] = pages! {
    "/" "home" "Lykta: light for long evenings"
    "/dag" "dag" "Dag, table lamp · Lykta"
    "/natt" "natt" "Natt, desk lamp · Lykta"
    "/mane" "mane" "Måne, pendant · Lykta"
    "/vind" "vind" "Vind, lantern · Lykta"
    "/is" "is" "Is, reading lamp · Lykta"
    "/about" "about" "The workshop · Lykta"
    "/delivery" "delivery" "Delivery, returns, repair · Lykta"
    "/contact" "contact" "Talk to us · Lykta"
    "/privacy" "privacy" "Privacy · Lykta"
    "/terms" "terms" "Terms · Lykta"
    "/ar" "ar" "لوكتا: ضوء للأمسيات الطويلة"
};
const MISSING: Page = ("/missing", "No such page · Lykta", include_str!("../../demo/shop/page/missing.html"));

macro_rules! files {
    ($( $name:literal $kind:literal )+) => {
        [ $( (concat!("/", $name), $kind, include_bytes!(concat!("../../demo/shop/", $name)).as_slice()), )+ ]
    };
}

static FILES: [(&str, &str, &[u8]); 10] = files! {
    "shop.css" "text/css; charset=utf-8"
    "shop.js" "text/javascript; charset=utf-8"
    "art/logo.svg" "image/svg+xml"
    "art/home.svg" "image/svg+xml"
    "art/workshop.svg" "image/svg+xml"
    "art/dag.svg" "image/svg+xml"
    "art/natt.svg" "image/svg+xml"
    "art/mane.svg" "image/svg+xml"
    "art/vind.svg" "image/svg+xml"
    "art/is.svg" "image/svg+xml"
};

/// What the shop knows of the chat.
#[derive(Debug)]
struct Shop {
    chat_origin: String,
    policy: HeaderValue,
    challenge: ChallengeFile,
}

/// The shop that embeds the chat at `chat_origin` and vouches for its brand with `challenge`.
pub(super) fn router(chat_origin: &str, challenge: ChallengeFile) -> Router {
    let policy = format!(
        "default-src 'none'; script-src 'self' {chat_origin}; style-src 'self'; img-src 'self'; connect-src 'self'; \
         frame-src {chat_origin}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         require-trusted-types-for 'script'; trusted-types 'none'"
    );
    let policy = HeaderValue::from_str(&policy).expect("an origin is visible ASCII");
    Router::new().fallback(serve).with_state(Arc::new(Shop {
        chat_origin: chat_origin.to_owned(),
        policy,
        challenge,
    }))
}

async fn serve(State(shop): State<Arc<Shop>>, request: Request) -> Response {
    let path = request.uri().path();
    if path == shop.challenge.path {
        return ([(CONTENT_TYPE, "text/plain")], shop.challenge.body.clone()).into_response();
    }
    if let Some((_, kind, content)) = FILES.iter().find(|(name, ..)| *name == path) {
        return ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "max-age=60")], *content).into_response();
    }
    // The same pages once more, routed in the browser.
    let (root, path) = match path.strip_prefix("/app") {
        Some(rest) if rest.starts_with('/') => ("/app", rest),
        _ => ("", path),
    };
    let known = PAGES.iter().find(|(name, ..)| *name == path);
    let status = if known.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, shop.policy.clone()),
        (REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    ];
    (status, headers, shop.render(known.unwrap_or(&MISSING), root)).into_response()
}

impl Shop {
    fn render(&self, (path, title, content): &Page, root: &str) -> String {
        let is_arabic = *path == "/ar";
        LAYOUT
            .replace("{{main}}", content.trim_end())
            .replace("{{title}}", title)
            .replace(
                "{{page}}",
                match path.trim_start_matches('/') {
                    "" => "home",
                    name => name,
                },
            )
            .replace("{{lang}}", if is_arabic { "ar" } else { "en" })
            .replace("{{dir}}", if is_arabic { "rtl" } else { "ltr" })
            .replace("{{root}}", root)
            .replace("{{chat}}", &self.chat_origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_filled_in_and_every_link_in_it_leads_somewhere() {
        let challenge = ChallengeFile { path: "/c".into(), body: String::new() };
        let shop =
            Shop { chat_origin: "http://chat".into(), policy: HeaderValue::from_static(""), challenge };
        for page in &PAGES {
            let html = shop.render(page, "");
            assert!(!html.contains("{{"), "{} holds a placeholder", page.0);
            for address in
                html.split(['"', '\'']).filter(|text| text.starts_with('/') && !text.starts_with("//"))
            {
                let path = address.split('#').next().unwrap_or_default();
                let exists = PAGES.iter().any(|(name, ..)| *name == path)
                    || FILES.iter().any(|(name, ..)| *name == path);
                assert!(exists, "{} links to {address}, which is not there", page.0);
            }
        }
    }
}
