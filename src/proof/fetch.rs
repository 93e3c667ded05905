//! Fetches small files from hosts that somebody else named.
//!
//! Everything about such a fetch is hostile: the name may point into our own network, the answer may be
//! endless or never come, a redirect may lead elsewhere. So the address is looked up and judged here and then
//! connected to as it is, without a second look-up; redirects are answers like any other, not followed.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HOST, LOCATION, USER_AGENT};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::proof::address;
use crate::proof::dns::Resolvers;
use crate::proof::name::{Domain, Scope};

/// How long a whole fetch may take.
const FETCH_WITHIN: Duration = Duration::from_secs(10);
/// Most addresses of one host that are tried.
const ADDRESSES_MAX: usize = 4;

/// Fetches.
#[derive(Clone)]
pub struct Fetcher {
    resolvers: Resolvers,
    tls: TlsConnector,
    reach: Reach,
}

/// What a fetcher may connect to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Port 443 of public addresses.
    Public,
    /// That, and names below `localhost` by plain HTTP on this machine.
    Development,
    /// For tests with their own DNS and authority: this machine's port, by TLS, under any name.
    Loopback(u16),
}

/// Why nothing was fetched. Tells what to mend.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The host was asked and said that there is no such file: a definite answer.
    #[error("{host} answered {status}")]
    NotThere {
        /// Who answered.
        host: String,
        /// What.
        status: StatusCode,
    },
    /// The host has no address, or DNS did not say.
    #[error("cannot look up {host}: {reason}")]
    Lookup {
        /// Whose address.
        host: String,
        /// What DNS said.
        reason: String,
    },
    /// All addresses are of private networks or this machine.
    #[error(
        "{host} points to {address}, which is not a public address; refused, so that nobody makes this server reach into its own network"
    )]
    NotPublic {
        /// Who.
        host: String,
        /// One of the addresses.
        address: IpAddr,
    },
    /// Neither connection nor TLS came about.
    #[error("cannot connect to {host}: {reason}")]
    Connect {
        /// To whom.
        host: String,
        /// Why.
        reason: String,
    },
    /// The host sends elsewhere.
    #[error("{host} redirects to {to}; the file must be at the very address, since only it was named")]
    Redirect {
        /// Who redirects.
        host: String,
        /// Where to.
        to: String,
    },
    /// Another status that says nothing about the file.
    #[error("{host} answered {status}")]
    Status {
        /// Who answered.
        host: String,
        /// What.
        status: StatusCode,
    },
    /// The file is larger than allowed.
    #[error("the file at {host} is larger than {limit} bytes, or broke off")]
    Body {
        /// Whose file.
        host: String,
        /// The limit.
        limit: usize,
    },
    /// It took too long.
    #[error("{host} did not answer within {} seconds", FETCH_WITHIN.as_secs())]
    TimedOut {
        /// Who.
        host: String,
    },
}

impl Fetcher {
    /// A fetcher that trusts the authorities that browsers trust.
    #[must_use]
    pub fn new(resolvers: Resolvers, reach: Reach) -> Self {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::with_roots(resolvers, reach, roots)
    }

    /// A fetcher that trusts these authorities alone.
    ///
    /// # Panics
    /// Never: the cryptography that is built in offers TLS 1.2 and 1.3.
    #[must_use]
    pub fn with_roots(resolvers: Resolvers, reach: Reach, roots: RootCertStore) -> Self {
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring offers TLS 1.2 and 1.3")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self { resolvers, tls: TlsConnector::from(Arc::new(config)), reach }
    }

    /// Which names may be claimed where this fetcher checks them.
    #[must_use]
    pub fn scope(&self) -> Scope {
        if self.reach == Reach::Development { Scope::Development } else { Scope::Public }
    }

    /// The file at `path` of `host`, if it is there and at most `bytes_max` long.
    ///
    /// # Errors
    /// See [`FetchError`]; only [`FetchError::NotThere`] is the host's own word that there is no file.
    pub async fn get(&self, host: &Domain, path: &str, bytes_max: usize) -> Result<Bytes, FetchError> {
        match tokio::time::timeout(FETCH_WITHIN, self.get_slowly(host, path, bytes_max)).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::TimedOut { host: host.to_string() }),
        }
    }

    async fn get_slowly(&self, host: &Domain, path: &str, bytes_max: usize) -> Result<Bytes, FetchError> {
        let stream = self.connect(host).await?;
        if host.is_local() {
            return request(stream, host, path, bytes_max).await;
        }
        let fail = |reason: String| FetchError::Connect { host: host.to_string(), reason };
        let name = ServerName::try_from(host.to_string()).map_err(|error| fail(error.to_string()))?;
        let stream = self.tls.connect(name, stream).await.map_err(|error| fail(error.to_string()))?;
        request(stream, host, path, bytes_max).await
    }

    async fn connect(&self, host: &Domain) -> Result<TcpStream, FetchError> {
        let mut reason = String::new();
        for address in self.addresses(host).await? {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(FetchError::Connect { host: host.to_string(), reason })
    }

    async fn addresses(&self, host: &Domain) -> Result<Vec<SocketAddr>, FetchError> {
        if host.is_local() {
            let port = host.as_str().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(80);
            return match self.reach {
                Reach::Development => Ok(vec![(Ipv4Addr::LOCALHOST, port).into()]),
                Reach::Public | Reach::Loopback(_) => {
                    Err(FetchError::NotPublic { host: host.to_string(), address: Ipv4Addr::LOCALHOST.into() })
                }
            };
        }
        let found = self.resolvers.addresses(host.as_str()).await;
        let found = found
            .map_err(|error| FetchError::Lookup { host: host.to_string(), reason: error.to_string() })?;
        let allowed = |ip: &IpAddr| match self.reach {
            Reach::Loopback(_) => ip.is_loopback(),
            Reach::Public | Reach::Development => address::is_public(*ip),
        };
        let port = if let Reach::Loopback(port) = self.reach { port } else { 443 };
        let usable: Vec<_> =
            found.iter().filter(|ip| allowed(ip)).take(ADDRESSES_MAX).map(|ip| (*ip, port).into()).collect();
        match (usable.is_empty(), found.first()) {
            (true, Some(address)) => Err(FetchError::NotPublic { host: host.to_string(), address: *address }),
            _ => Ok(usable),
        }
    }
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Fetcher")
            .field("resolvers", &self.resolvers)
            .field("reach", &self.reach)
            .finish()
    }
}

async fn request<S>(stream: S, host: &Domain, path: &str, bytes_max: usize) -> Result<Bytes, FetchError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let fail =
        |error: hyper::Error| FetchError::Connect { host: host.to_string(), reason: error.to_string() };
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(16 * 1024)
        .handshake::<_, Empty<Bytes>>(TokioIo::new(stream))
        .await
        .map_err(fail)?;
    // Ends when `sender` and the body are dropped, whatever the host does.
    let driver = tokio::spawn(connection);
    let request = Request::get(path)
        .header(HOST, host.as_str())
        .header(USER_AGENT, concat!("portico/", env!("CARGO_PKG_VERSION")))
        .header(ACCEPT_ENCODING, "identity")
        .body(Empty::new())
        .map_err(|error| FetchError::Connect { host: host.to_string(), reason: error.to_string() })?;
    let response = sender.send_request(request).await.map_err(fail)?;
    let body = read(response, host, bytes_max).await;
    driver.abort();
    body
}

async fn read(
    response: hyper::Response<hyper::body::Incoming>,
    host: &Domain,
    bytes_max: usize,
) -> Result<Bytes, FetchError> {
    let (parts, body) = response.into_parts();
    let (host, status) = (host.to_string(), parts.status);
    if status.is_redirection() {
        let to = parts.headers.get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or("nowhere");
        return Err(FetchError::Redirect { host, to: to.chars().take(200).collect() });
    }
    match status {
        StatusCode::OK if !parts.headers.contains_key(CONTENT_ENCODING) => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(FetchError::NotThere { host, status }),
        _ => return Err(FetchError::Status { host, status }),
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(_) => Err(FetchError::Body { host, limit: bytes_max }),
    }
}
