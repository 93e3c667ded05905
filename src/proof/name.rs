//! Domains and hosts: parsed once, compared as ASCII, shown so that nobody mistakes one for another.

use std::fmt;
use std::net::IpAddr;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_security::MixedScript as _;
use unicode_security::confusable_detection::skeleton;

/// Whether names of this machine count: for demos, development and tests, never for a brand that others rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Domains that anybody can look up.
    Public,
    /// Those, and `localhost` with whatever stands before it and an optional port.
    Development,
}

/// A domain that somebody can own: in ASCII, lower case, not an address, not a public suffix.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Domain(String);

/// A host whose pages may hold the chat: `shop.example`, `*.shop.example`, `shop.example:8443`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct EmbedHost {
    host: String,
    is_local: bool,
}

/// Why a text is not a domain that can be proven.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// Not a host name of letters, digits and hyphens, or a path, scheme or port around one.
    #[error("{0:?} is not a domain: give just the name, such as brand.example")]
    Malformed(String),
    /// An IP address: nobody proves those with DNS.
    #[error("{0:?} is an address; a brand is proven by a domain that it owns")]
    Address(String),
    /// A public suffix (publicsuffix.org): everybody registers below it, so nobody speaks for it.
    #[error("{0:?} is a public suffix: nobody owns it, many register names below it")]
    PublicSuffix(String),
    /// A name of this machine where only public ones count.
    #[error("{0:?} is a name of this machine; it counts only where development is on")]
    Local(String),
}

impl Domain {
    /// Reads a domain in any letter case, in Unicode or punycode, with or without the final dot.
    ///
    /// # Errors
    /// What kind of thing it is instead.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, InvalidName> {
        let text = text.trim().trim_end_matches('.');
        if let Some(local) = local_host(text) {
            return match scope {
                Scope::Development => Ok(Self(local)),
                Scope::Public => Err(InvalidName::Local(text.into())),
            };
        }
        public_host(text).map(Self)
    }

    /// The domain in ASCII. What is signed, compared and looked up.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a name of this machine: see [`Scope::Development`].
    #[must_use]
    pub fn is_local(&self) -> bool {
        local_host(&self.0).is_some()
    }

    /// The part that somebody registered: what a person should read first in a long name.
    #[must_use]
    pub fn registrable(&self) -> &str {
        psl::domain_str(&self.0).unwrap_or(&self.0)
    }

    /// The domain in its own script, where that cannot be mistaken for another: every label in one script and
    /// none that looks like ASCII (UTS 39 §4). Absent for ASCII domains and for all others: those are shown
    /// in punycode alone.
    #[must_use]
    pub fn readable(&self) -> Option<String> {
        let (unicode, result) = idna::domain_to_unicode(&self.0);
        result.ok()?;
        let is_safe = |label: &str| {
            label.is_ascii() || (label.is_single_script() && !skeleton(label).all(|char| char.is_ascii()))
        };
        (!unicode.is_ascii() && unicode.split('.').all(is_safe)).then_some(unicode)
    }

    /// Whether the domain is in another script than it may be shown in: a reason for caution.
    #[must_use]
    pub fn is_look_alike(&self) -> bool {
        self.0.split('.').any(|label| label.starts_with("xn--")) && self.readable().is_none()
    }
}

impl EmbedHost {
    /// Reads a host, with `*.` before it for all below it, and a port if it is not 443.
    ///
    /// # Errors
    /// What kind of thing it is instead.
    pub fn parse(text: &str, scope: Scope) -> Result<Self, InvalidName> {
        let text = text.trim();
        if local_host(text).is_some() {
            let Domain(host) = Domain::parse(text, scope)?;
            return Ok(Self { host, is_local: true });
        }
        let (wildcard, rest) = text.strip_prefix("*.").map_or(("", text), |rest| ("*.", rest));
        let (name, port) = match rest.rsplit_once(':') {
            Some((name, port)) if port.parse::<u16>().is_ok_and(|port| port != 0) => (name, Some(port)),
            Some(_) => return Err(InvalidName::Malformed(text.into())),
            None => (rest, None),
        };
        let host = public_host(name)?;
        let port = port.filter(|port| *port != "443").map(|port| format!(":{port}")).unwrap_or_default();
        Ok(Self { host: format!("{wildcard}{host}{port}"), is_local: false })
    }

    /// The host as manifests have it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.host
    }

    /// The host as `frame-ancestors` has it (CSP 3 §2.3.1): with its scheme, which is `https` for all but this
    /// machine.
    #[must_use]
    pub fn source(&self) -> String {
        format!("{}://{}", if self.is_local { "http" } else { "https" }, self.host)
    }
}

/// A name below `localhost` with an optional port, in lower case (RFC 6761 §6.3: never looked up).
fn local_host(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (host, port) = text.split_once(':').map_or((text.as_str(), None), |(host, port)| (host, Some(port)));
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let is_local = host == "localhost" || host.ends_with(".localhost");
    let has_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    (is_local && has_port && host.split('.').all(is_label)).then_some(text)
}

fn public_host(text: &str) -> Result<String, InvalidName> {
    if text.parse::<IpAddr>().is_ok() || text.starts_with('[') {
        return Err(InvalidName::Address(text.into()));
    }
    let ascii = Uts46::new()
        .to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify)
        .map_err(|_| InvalidName::Malformed(text.into()))?
        .into_owned();
    // A last label of digits makes a browser read an IPv4 address (WHATWG URL, "ends in a number").
    if ascii.rsplit('.').next().is_some_and(|label| label.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(InvalidName::Address(text.into()));
    }
    match psl::domain_str(&ascii) {
        Some(_) => Ok(ascii),
        None => Err(InvalidName::PublicSuffix(text.into())),
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Domain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for EmbedHost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.host)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_domain_is_read_in_every_common_spelling_and_nothing_else_is_one() {
        let parse = |text| Domain::parse(text, Scope::Public).map(|domain| domain.to_string());
        assert_eq!(parse("Lumen.Example."), Ok("lumen.example".into()));
        assert_eq!(parse("Bücher.example"), Ok("xn--bcher-kva.example".into()));
        assert_eq!(parse("shop.brand.co.uk"), Ok("shop.brand.co.uk".into()));
        for suffix in ["com", "co.uk", "github.io", "example"] {
            assert_eq!(parse(suffix), Err(InvalidName::PublicSuffix(suffix.into())));
        }
        for address in ["127.0.0.1", "::1", "[::1]", "1.2.3.4.5"] {
            assert_eq!(parse(address), Err(InvalidName::Address(address.into())));
        }
        for malformed in [
            "",
            "a..b.example",
            "https://x.example",
            "x.example/y",
            "x_y.example",
            "-a.example",
            "a b.example",
            "x.example:80",
        ] {
            assert_eq!(parse(malformed), Err(InvalidName::Malformed(malformed.into())));
        }
        assert_eq!(parse("localhost"), Err(InvalidName::Local("localhost".into())));
        let local = Domain::parse("Shop.localhost:7421", Scope::Development).unwrap();
        assert!(local.is_local());
        assert_eq!(local.as_str(), "shop.localhost:7421");
        assert!(Domain::parse("localhost:0", Scope::Development).is_err());
        assert!(Domain::parse("evil.example#.localhost", Scope::Development).is_err());
    }

    #[test]
    fn only_a_name_that_cannot_be_mistaken_is_shown_in_its_own_script() {
        let readable = |text| Domain::parse(text, Scope::Public).unwrap().readable();
        assert_eq!(readable("lumen.example"), None);
        assert_eq!(readable("bücher.example").as_deref(), Some("bücher.example"));
        assert_eq!(readable("пример.example").as_deref(), Some("пример.example"));
        assert_eq!(readable("аррӏе.example"), None, "all Cyrillic, and looks like apple");
        assert_eq!(readable("раypal.example"), None, "two scripts in one label");
        assert_eq!(readable("lınkedin.example"), None, "a dotless i");
        assert!(Domain::parse("аррӏе.example", Scope::Public).unwrap().is_look_alike());
        assert!(!Domain::parse("bücher.example", Scope::Public).unwrap().is_look_alike());
        assert!(!Domain::parse("lumen.example", Scope::Public).unwrap().is_look_alike());
    }

    #[test]
    fn an_embed_host_becomes_a_source_that_browsers_enforce() {
        let source = |text| EmbedHost::parse(text, Scope::Development).map(|host| host.source());
        assert_eq!(source("Shop.Example.com"), Ok("https://shop.example.com".into()));
        assert_eq!(source("*.brand.example"), Ok("https://*.brand.example".into()));
        assert_eq!(source("brand.example:8443"), Ok("https://brand.example:8443".into()));
        assert_eq!(source("brand.example:443"), Ok("https://brand.example".into()));
        assert_eq!(source("shop.localhost:7421"), Ok("http://shop.localhost:7421".into()));
        for refused in [
            "*",
            "*.com",
            "*.github.io",
            "brand.example; script-src *",
            "*.*.brand.example",
            "brand.example:x",
            "brand.example:0",
            "http://brand.example",
            "'self'",
            "127.0.0.1",
        ] {
            assert!(source(refused).is_err(), "{refused} was accepted");
        }
        assert!(EmbedHost::parse("localhost:1", Scope::Public).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_parsing_panic_or_leaves_what_could_break_a_header(text in ".{0,80}") {
            for scope in [Scope::Public, Scope::Development] {
                if let Ok(domain) = Domain::parse(&text, scope) {
                    let _ = (domain.readable(), domain.registrable().len());
                    prop_assert_eq!(Domain::parse(domain.as_str(), scope), Ok(domain));
                }
                if let Ok(host) = EmbedHost::parse(&text, scope) {
                    prop_assert!(host.source().bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b','));
                }
            }
        }
    }
}
