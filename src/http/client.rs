//! Who really asks: the address, scheme and host, seen through the proxies that the operator trusts.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

/// The asker of a request, as the first proxy that is trusted saw it. Put into every request by the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The visitor's address. Never logged.
    pub address: IpAddr,
    /// Whether the visitor's own connection is encrypted.
    pub is_secure: bool,
}

impl<S: Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let unknown = Self { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), is_secure: false };
        Ok(parts.extensions.get().cloned().unwrap_or(unknown))
    }
}
