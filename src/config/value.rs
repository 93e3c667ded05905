//! Values that mean more than a text: parsed once, then believed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use axum::http::Uri;
use serde::{Deserialize, Deserializer};

/// The chat host's own origin: a scheme, a host and a port, nothing after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    host_start: usize,
}

/// Why a text is not a [`PublicUrl`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a public URL is http:// or https://, a host and at most a port, as in https://chat.brand.example")]
pub struct InvalidPublicUrl;

impl PublicUrl {
    /// This machine, reached by `port` without TLS.
    #[must_use]
    pub fn local(port: u16) -> Self {
        Self { origin: format!("http://localhost:{port}"), host_start: "http://".len() }
    }

    /// As an `Origin` header has it: `https://chat.brand.example`.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Host and port, as a `Host` header has them.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.origin[self.host_start..]
    }

    /// The host alone.
    #[must_use]
    pub fn host(&self) -> &str {
        let authority = self.authority();
        match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => authority,
        }
    }

    /// Whether visitors reach it by TLS.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https:")
    }

    /// `path`, which starts with a slash, on this host.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }
}

impl FromStr for PublicUrl {
    type Err = InvalidPublicUrl;

    fn from_str(text: &str) -> Result<Self, InvalidPublicUrl> {
        let uri: Uri = text.parse().map_err(|_| InvalidPublicUrl)?;
        let (Some(scheme @ ("http" | "https")), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(InvalidPublicUrl);
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || authority.as_str().contains('@') {
            return Err(InvalidPublicUrl);
        }
        let standard_port = if scheme == "https" { 443 } else { 80 };
        let authority = match authority.port_u16() {
            Some(port) if port == standard_port => authority.host(),
            _ => authority.as_str(),
        };
        let origin = format!("{scheme}://{}", authority.to_ascii_lowercase());
        Ok(Self { host_start: scheme.len() + "://".len(), origin })
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.origin)
    }
}

/// An address, or all that share its first bits: `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// Why a text is not a [`Network`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is an address and at most a length, as in 10.0.0.0/8 or ::1")]
pub struct InvalidNetwork;

impl Network {
    /// Whether `address` belongs to it. An IPv4 address mapped into IPv6 counts as itself.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                network.to_bits() & mask == address.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.bits)
    }
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().map_err(|_| InvalidNetwork)?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork)?;
        let bits_max = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(bits_max);
        if bits > bits_max { Err(InvalidNetwork) } else { Ok(Self { address, bits }) }
    }
}

/// A text that must not be shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// For comparing in constant time.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for Secret {
    type Err = core::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// A DNS resolver: an address, on port 53 unless another is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DnsResolver(pub(super) SocketAddr);

/// Why a text is not a [`DnsResolver`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a DNS resolver is an address and at most a port, as in 9.9.9.9 or [2620:fe::fe]:53")]
pub(super) struct InvalidDnsResolver;

impl FromStr for DnsResolver {
    type Err = InvalidDnsResolver;

    fn from_str(text: &str) -> Result<Self, InvalidDnsResolver> {
        let on_port_53 = || text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
        text.parse().or_else(|_| on_port_53()).map(Self).map_err(|_| InvalidDnsResolver)
    }
}

/// Several values: comma-separated in flags and environment, that or an array in the file.
#[derive(Clone, Debug)]
pub struct List<T>(pub Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: FromStr> FromStr for List<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Text(String),
            Array(Vec<String>),
        }
        let text = match Written::deserialize(deserializer)? {
            Written::Text(text) => text,
            Written::Array(parts) => parts.join(","),
        };
        text.parse().map_err(serde::de::Error::custom)
    }
}

macro_rules! deserialize_from_text {
    ($($name:ident),+) => { $(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    )+ };
}
deserialize_from_text!(PublicUrl, Network);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_public_url_is_an_origin() {
        for (text, origin, host) in [
            ("https://Chat.Brand.example/", "https://chat.brand.example", "chat.brand.example"),
            ("https://chat.brand.example:443", "https://chat.brand.example", "chat.brand.example"),
            ("http://localhost:7420", "http://localhost:7420", "localhost"),
            ("http://[::1]:80", "http://[::1]", "[::1]"),
        ] {
            let url: PublicUrl = text.parse().unwrap();
            assert_eq!((url.origin(), url.host()), (origin, host), "for {text}");
        }
        for refused in [
            "chat.example",
            "ftp://chat.example",
            "https://chat.example/chat",
            "https://a@b.example",
            "https://",
        ] {
            assert!(refused.parse::<PublicUrl>().is_err(), "{refused} was accepted");
        }
    }

    #[test]
    fn a_network_holds_the_addresses_that_share_its_first_bits() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "203.0.113.9", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
        ] {
            let parsed: Network = network.parse().unwrap();
            assert!(parsed.contains(inside.parse().unwrap()), "{inside} is not in {network}");
            assert!(!parsed.contains(outside.parse().unwrap()), "{outside} is in {network}");
        }
        for refused in ["10.0.0.0/33", "::/129", "example", "10.0.0.0/-1"] {
            assert!(refused.parse::<Network>().is_err(), "{refused} was accepted");
        }
    }
}
