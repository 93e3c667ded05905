//! Asks DNS, each configured resolver by itself.
//!
//! A resolver can be deceived; several of different operators hardly at once and in the same way. So there is
//! no pool that takes the first answer: every resolver is asked, and the caller compares. Nothing is cached
//! here, since a removed record shall be missed at the next look.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, future};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, DnsHandle as _, NetError};
use hickory_resolver::proto::op::{DnsRequestOptions, DnsResponse, Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig, system_conf};

/// How long one resolver may take for one attempt.
const ANSWER_WITHIN: Duration = Duration::from_secs(4);
/// Most records of one answer that are looked at.
const RECORDS_MAX: usize = 50;

/// The resolvers that are asked.
#[derive(Clone)]
pub struct Resolvers(Vec<Resolver>);

#[derive(Clone)]
struct Resolver {
    name: String,
    pool: NameServerPool<TokioRuntimeProvider>,
}

/// What one resolver said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    /// Which resolver, for people.
    pub resolver: String,
    /// What it said; no records: it knows that there are none.
    pub records: Result<Vec<T>, NoAnswer>,
    /// Whether it vouches for the records' DNSSEC signatures (RFC 4035 §3.2.3).
    pub is_dnssec: bool,
}

/// The resolver did not say. That is not the same as saying that there is nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NoAnswer(String);

/// There is no resolver to ask.
#[derive(Debug, thiserror::Error)]
#[error("cannot find out this machine's DNS resolvers: {0}. Name some with --dns-resolvers")]
pub struct NoResolvers(String);

impl Resolvers {
    /// These resolvers; with none, the machine's own count as one.
    ///
    /// # Errors
    /// None were given and the machine has none.
    pub fn new(servers: &[SocketAddr]) -> Result<Self, NoResolvers> {
        if servers.is_empty() {
            let fail = |error: NetError| NoResolvers(error.to_string());
            let (config, options) =
                system_conf::read_system_conf().map_err(|error| NoResolvers(error.to_string()))?;
            return Ok(Self(vec![
                Resolver::new("this machine's resolver".into(), config, options).map_err(fail)?,
            ]));
        }
        let resolvers = servers.iter().map(|server| {
            let config = ResolverConfig::from_parts(None, vec![], vec![name_server(*server)]);
            Resolver::new(server.to_string(), config, ResolverOpts::default())
        });
        resolvers.collect::<Result<_, _>>().map(Self).map_err(|error| NoResolvers(error.to_string()))
    }

    /// None at all: every question stays without an answer.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// How many are asked.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The TXT records at `name`, by every resolver. The strings of one record are one text (RFC 7208 §3.3).
    pub async fn texts(&self, name: &str) -> Vec<Answer<String>> {
        let text = |data: &RData| match data {
            RData::TXT(txt) => {
                let bytes: Vec<u8> = txt.txt_data.iter().flat_map(|part| part.iter().copied()).collect();
                Some(String::from_utf8_lossy(&bytes).into_owned())
            }
            _ => None,
        };
        future::join_all(self.0.iter().map(|resolver| resolver.ask(name, RecordType::TXT, text))).await
    }

    /// The addresses of `host`, by the first resolver that knows any.
    ///
    /// # Errors
    /// None knows any; the text is the last one's reason.
    pub async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, NoAnswer> {
        let address = |data: &RData| match data {
            RData::A(address) => Some(IpAddr::V4(address.0)),
            RData::AAAA(address) => Some(IpAddr::V6(address.0)),
            _ => None,
        };
        let mut reason = NoAnswer(format!("{host} has no address"));
        for resolver in &self.0 {
            let (v4, v6) = future::join(
                resolver.ask(host, RecordType::A, address),
                resolver.ask(host, RecordType::AAAA, address),
            )
            .await;
            let mut addresses = Vec::new();
            for records in [v4.records, v6.records] {
                match records {
                    Ok(found) => addresses.extend(found),
                    Err(error) => reason = error,
                }
            }
            if !addresses.is_empty() {
                return Ok(addresses);
            }
        }
        Err(reason)
    }
}

impl std::fmt::Debug for Resolvers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_list().entries(self.0.iter().map(|resolver| &resolver.name)).finish()
    }
}

fn name_server(server: SocketAddr) -> NameServerConfig {
    let mut config = NameServerConfig::udp_and_tcp(server.ip());
    config.connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()]
        .map(|mut connection| {
            connection.port = server.port();
            connection
        })
        .into();
    config
}

impl Resolver {
    fn new(name: String, config: ResolverConfig, mut options: ResolverOpts) -> Result<Self, NetError> {
        options.timeout = ANSWER_WITHIN;
        // Makes forged answers from off the path harder: they must repeat the letter cases of the question.
        options.case_randomization = true;
        let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
        let pool = NameServerPool::from_config(config.name_servers, context, TokioRuntimeProvider::default());
        Ok(Self { name, pool })
    }

    async fn ask<T>(&self, name: &str, kind: RecordType, read: impl Fn(&RData) -> Option<T>) -> Answer<T> {
        let answer = |records, is_dnssec| Answer { resolver: self.name.clone(), records, is_dnssec };
        let Ok(name) = Name::from_ascii(format!("{name}.")) else {
            return answer(Err(NoAnswer(format!("{name} is not a DNS name"))), false);
        };
        let mut options = DnsRequestOptions::default();
        // Asks the resolver to say whether it validated (RFC 6840 §5.8).
        options.edns_set_dnssec_ok = true;
        let query = Query::query(name, kind);
        let response = match self.pool.lookup(query, options).next().await {
            Some(Ok(response)) => response,
            Some(Err(error)) => return answer(negative(error), false),
            None => return answer(Err(NoAnswer("no answer".into())), false),
        };
        let is_dnssec = response.metadata.authentic_data;
        answer(records(&response, read), is_dnssec)
    }
}

fn records<T>(response: &DnsResponse, read: impl Fn(&RData) -> Option<T>) -> Result<Vec<T>, NoAnswer> {
    match response.metadata.response_code {
        ResponseCode::NoError | ResponseCode::NXDomain => {
            Ok(response.answers.iter().filter_map(|record| read(&record.data)).take(RECORDS_MAX).collect())
        }
        code => Err(NoAnswer(format!("answered {code}"))),
    }
}

/// "There is none" arrives as an error; only that one is an answer.
fn negative<T>(error: NetError) -> Result<Vec<T>, NoAnswer> {
    match error {
        NetError::Dns(DnsError::NoRecordsFound(none))
            if matches!(none.response_code, ResponseCode::NoError | ResponseCode::NXDomain) =>
        {
            Ok(Vec::new())
        }
        error => Err(NoAnswer(error.to_string())),
    }
}
