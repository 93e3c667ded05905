//! Who really asks: the address, scheme and host, seen through the proxies that the operator trusts.
//!
//! Forwarded headers are claims of whoever sent them. They are read from the right, where the nearest proxy
//! wrote, and only as far as every hop on the way is trusted: what a visitor put there before is never
//! believed.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};

use crate::config::Network;

/// The asker of a request. Put into every request by the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The visitor's address. Never logged.
    pub address: IpAddr,
    /// Whether the visitor's own connection is encrypted.
    pub is_secure: bool,
    /// The host that the visitor asked for, if a trusted proxy told another than the `Host` header.
    pub forwarded_host: Option<String>,
    /// Whether the request claims to have come through any proxy, trusted or not.
    pub is_forwarded: bool,
    /// Whether the peer itself is a trusted proxy.
    pub is_through_trusted_proxy: bool,
}

impl Client {
    /// Somebody connected directly.
    #[must_use]
    pub const fn direct(address: IpAddr, is_secure: bool) -> Self {
        Self {
            address,
            is_secure,
            forwarded_host: None,
            is_forwarded: false,
            is_through_trusted_proxy: false,
        }
    }

    /// What `headers` tell of whoever is behind `peer`.
    #[must_use]
    pub fn behind(peer: SocketAddr, is_secure: bool, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let direct = Self::direct(peer.ip().to_canonical(), is_secure);
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let hops = if headers.contains_key("forwarded") { forwarded(headers) } else { x_forwarded(headers) };
        if hops.is_empty() {
            return direct;
        }
        let is_through_trusted_proxy = is_trusted(direct.address);
        let mut client = Self { is_forwarded: true, is_through_trusted_proxy, ..direct };
        for hop in hops.into_iter().rev() {
            if !is_trusted(client.address) {
                break;
            }
            client.is_secure = hop.is_secure.unwrap_or(client.is_secure);
            client.forwarded_host = hop.host.or(client.forwarded_host);
            match hop.address {
                Some(address) => client.address = address.to_canonical(),
                // "unknown" or an obfuscated name (RFC 7239 §6): nothing before it can be placed.
                None => break,
            }
        }
        client
    }
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let nobody = || Self::direct(IpAddr::V4(Ipv4Addr::UNSPECIFIED), false);
        Ok(parts.extensions.get().cloned().unwrap_or_else(nobody))
    }
}

/// What one proxy said about whoever connected to it.
#[derive(Debug, Default)]
struct Hop {
    address: Option<IpAddr>,
    is_secure: Option<bool>,
    host: Option<String>,
}

/// `Forwarded: for=192.0.2.60;proto=https;host=chat.example, …` (RFC 7239), first hop first.
fn forwarded(headers: &HeaderMap) -> Vec<Hop> {
    values(headers, "forwarded").flat_map(|value| value.split(',')).map(forwarded_hop).collect()
}

fn forwarded_hop(element: &str) -> Hop {
    let mut hop = Hop::default();
    for (name, value) in element.split(';').filter_map(|pair| pair.split_once('=')) {
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "for" => hop.address = parse_node(value),
            "proto" => hop.is_secure = Some(value.eq_ignore_ascii_case("https")),
            "host" => hop.host = Some(value.to_owned()),
            _ => {}
        }
    }
    hop
}

/// `X-Forwarded-For` with one address a hop; `-Proto` and `-Host` from the same end where they have as many.
fn x_forwarded(headers: &HeaderMap) -> Vec<Hop> {
    let list = |name| values(headers, name).flat_map(|value| value.split(',')).map(str::trim).collect();
    let (addresses, schemes, hosts): (Vec<&str>, Vec<&str>, Vec<&str>) =
        (list("x-forwarded-for"), list("x-forwarded-proto"), list("x-forwarded-host"));
    let nearest = |list: &[&str], from_right: usize| match list {
        // Most proxies write one value for all hops: what the visitor's own connection was.
        [only] => Some((*only).to_owned()),
        list => list.iter().rev().nth(from_right).map(|value| (*value).to_owned()),
    };
    let hop = |(index, address): (usize, &&str)| {
        let from_right = addresses.len() - 1 - index;
        Hop {
            address: parse_node(address),
            is_secure: nearest(&schemes, from_right).map(|scheme| scheme.eq_ignore_ascii_case("https")),
            host: nearest(&hosts, from_right),
        }
    };
    addresses.iter().enumerate().map(hop).collect()
}

fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).into_iter().filter_map(|value: &HeaderValue| value.to_str().ok())
}

/// An address with or without port, IPv6 with or without brackets.
fn parse_node(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The client seen by a server that trusts 10.0.0.0/8 and is asked by `peer` with `headers`.
    fn seen(peer: &str, headers: &[(&'static str, &str)]) -> Client {
        let headers: HeaderMap = headers
            .iter()
            .map(|(name, value)| ((*name).parse().expect("a name"), value.parse().expect("a value")))
            .collect();
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        Client::behind(SocketAddr::new(peer.parse().expect("an address"), 1), false, &headers, &trusted)
    }

    fn address(client: &Client) -> String {
        client.address.to_string()
    }

    #[test]
    fn a_stranger_cannot_claim_another_address_or_scheme() {
        let headers = [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-proto", "https")];
        let client = seen("192.0.2.7", &headers);
        assert_eq!(
            (address(&client).as_str(), client.is_secure, client.is_forwarded),
            ("192.0.2.7", false, true)
        );
        assert_eq!(address(&seen("192.0.2.7", &[("forwarded", "for=127.0.0.1;proto=https")])), "192.0.2.7");
    }

    #[test]
    fn what_the_visitor_wrote_before_the_trusted_proxy_is_not_believed() {
        let client = seen("10.0.0.1", &[("x-forwarded-for", "127.0.0.1, 198.51.100.4, 10.2.0.9")]);
        assert_eq!(address(&client), "198.51.100.4");
        let client =
            seen("10.0.0.1", &[("forwarded", "for=127.0.0.1, for=\"[2001:db8::5]:4711\";proto=https")]);
        assert_eq!((address(&client).as_str(), client.is_secure), ("2001:db8::5", true));
    }

    #[test]
    fn scheme_and_host_come_from_the_trusted_proxy() {
        let headers = [
            ("x-forwarded-for", "198.51.100.4"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example"),
        ];
        let client = seen("10.0.0.1", &headers);
        assert!(client.is_secure);
        assert_eq!(client.forwarded_host.as_deref(), Some("chat.example"));
    }

    #[test]
    fn an_unknown_hop_ends_the_walk() {
        let client = seen("10.0.0.1", &[("forwarded", "for=192.0.2.1, for=unknown")]);
        assert_eq!(address(&client), "10.0.0.1");
    }

    #[test]
    fn without_headers_the_peer_is_the_client() {
        let client = seen("::ffff:192.0.2.7", &[]);
        assert_eq!((address(&client).as_str(), client.is_forwarded), ("192.0.2.7", false));
    }
}
