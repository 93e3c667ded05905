//! What the operator wants: one set of names in the file, the environment and the flags.
//!
//! A flag `--public-url` is `PORTICO_PUBLIC_URL` in the environment and `public-url` in the file; flags win
//! over the environment, the environment over the file, the file over the defaults.

mod value;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use self::value::DnsResolver;
pub use self::value::{InvalidNetwork, InvalidPublicUrl, List, Network, PublicUrl, Secret};

/// Where the server listens unless told otherwise: this machine alone.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7420);

/// A whole office may share one address.
const CONNECTIONS_PER_ADDRESS_MAX: u32 = 1_000;

/// Everything the server was told, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The chat host, as visitors see it.
    pub public_url: PublicUrl,
    /// The folder of everything that must be backed up.
    pub data: PathBuf,
    /// `postgres://…`, or absent: SQLite in the data folder.
    pub database: Option<String>,
    /// The certificate chain and key that make the server speak TLS itself.
    pub tls: Option<TlsFiles>,
    /// Proxies whose forwarded headers are believed.
    pub trusted_proxies: Vec<Network>,
    /// What whoever reads `/metrics` must know; absent: it is shown to this machine alone.
    pub metrics_token: Option<Secret>,
    /// Most connections open at once; absent: what the limit on file descriptors allows.
    pub connections_max: Option<u32>,
    /// Most connections open at once from one address.
    pub connections_per_address_max: u32,
    /// Multiplies every limit on what one address may ask for.
    pub address_limit_factor: u32,
    /// Multiplies how often one connection may submit.
    pub connection_limit_factor: u32,
    /// The DNS resolvers that are asked for brands' proofs, each by itself; none: the machine's own.
    pub dns_resolvers: Vec<SocketAddr>,
    /// Whether names below `localhost` may be brands' domains and hold their chats.
    pub development: bool,
    /// Which log lines are written, in `tracing`'s filter language.
    pub log: String,
    /// How they are written.
    pub log_format: LogFormat,
}

/// Two PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, and those that lead to a known authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one JSON object a line.
    Json,
}

/// Where settings come from. Flatten it into a command's arguments.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Sources {
    /// The configuration file (TOML); portico.toml in the working folder where it exists
    #[arg(long, global = true, env = "PORTICO_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
}

macro_rules! settings {
    ($( $(#[$attribute:meta])* $name:ident: $kind:ty, )+) => {
        /// One source's settings: what it leaves out, the next source decides.
        #[derive(Clone, Debug, Default, Deserialize, clap::Args)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        struct Settings { $( $(#[$attribute])* #[arg(global = true)] $name: Option<$kind>, )+ }

        impl Settings {
            fn or(self, fallback: Self) -> Self {
                Self { $( $name: self.$name.or(fallback.$name), )+ }
            }
        }
    };
}

settings! {
    /// Address and port to listen on [default: 127.0.0.1:7420]
    #[arg(long, env = "PORTICO_LISTEN", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The chat host as visitors see it, such as https://chat.brand.example [default: http://localhost:<port>]
    #[arg(long, env = "PORTICO_PUBLIC_URL", value_name = "URL")]
    public_url: PublicUrl,
    /// The folder for everything that must be kept [default: data]
    #[arg(long, env = "PORTICO_DATA", value_name = "FOLDER")]
    data: PathBuf,
    /// postgres://… for PostgreSQL [default: SQLite in the data folder]
    #[arg(long, env = "PORTICO_DATABASE", value_name = "URL", hide_env_values = true)]
    database: String,
    /// PEM file with the certificate chain: the server then speaks TLS itself
    #[arg(long, env = "PORTICO_TLS_CERTIFICATE", value_name = "FILE")]
    tls_certificate: PathBuf,
    /// PEM file with the certificate's private key
    #[arg(long, env = "PORTICO_TLS_KEY", value_name = "FILE")]
    tls_key: PathBuf,
    /// Addresses or networks of proxies whose forwarded headers are believed, comma-separated
    #[arg(long, env = "PORTICO_TRUSTED_PROXIES", value_name = "NETWORKS")]
    trusted_proxies: List<Network>,
    /// Shows /metrics to whoever sends it as bearer token [default: to this machine alone]
    #[arg(long, env = "PORTICO_METRICS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    metrics_token: Secret,
    /// Most connections open at once [default: what the limit on file descriptors allows]
    #[arg(long, env = "PORTICO_CONNECTIONS_MAX", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    connections_max: u32,
    /// Most connections open at once from one address [default: 1000]
    #[arg(long, env = "PORTICO_CONNECTIONS_PER_ADDRESS_MAX", value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    connections_per_address_max: u32,
    /// Multiplies what one address may ask for: where many people share one [default: 1]
    #[arg(long, env = "PORTICO_ADDRESS_LIMIT_FACTOR", value_name = "FACTOR", value_parser = clap::value_parser!(u32).range(1..))]
    address_limit_factor: u32,
    /// Multiplies how often one connection may submit: for programs that write much, and for load tests [default: 1]
    #[arg(long, env = "PORTICO_CONNECTION_LIMIT_FACTOR", value_name = "FACTOR", value_parser = clap::value_parser!(u32).range(1..))]
    connection_limit_factor: u32,
    /// DNS resolvers that are asked for brands' proofs, comma-separated; name two of different operators, which must agree [default: this machine's]
    #[arg(long, env = "PORTICO_DNS_RESOLVERS", value_name = "ADDRESSES")]
    dns_resolvers: List<DnsResolver>,
    /// Whether names below localhost may be brands' domains: for development alone [default: false]
    #[arg(long, env = "PORTICO_DEVELOPMENT", value_name = "BOOL")]
    development: bool,
    /// Which log lines are written, such as info or portico=debug,warn [default: info]
    #[arg(long, env = "PORTICO_LOG", value_name = "FILTER")]
    log: String,
    /// How log lines are written [default: text]
    #[arg(long, env = "PORTICO_LOG_FORMAT", value_name = "FORMAT")]
    log_format: LogFormat,
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration file {path}: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or holds a value of the wrong kind or an unknown name.
    #[error("in the configuration file {path}: {source}")]
    Malformed {
        /// The file.
        path: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// No setting has this name.
    #[error("{place}: there is no setting {name:?}{}", hint(suggestion.as_deref()))]
    Unknown {
        /// Where it was found.
        place: String,
        /// What was found.
        name: String,
        /// What was meant, most likely.
        suggestion: Option<String>,
    },
    /// One of two that belong together is missing.
    #[error("{present} is set but {missing} is not: TLS needs both, or neither")]
    Incomplete {
        /// What is there.
        present: &'static str,
        /// What is not.
        missing: &'static str,
    },
}

impl Sources {
    /// Reads the file, puts flags and environment over it, and checks the whole.
    ///
    /// # Errors
    /// See [`ConfigError`].
    pub fn load(self) -> Result<Config, ConfigError> {
        let file = match self.config {
            Some(path) => read(&path)?,
            None if Path::new("portico.toml").exists() => read(Path::new("portico.toml"))?,
            None => Settings::default(),
        };
        self.settings.or(file).check()
    }
}

impl Settings {
    fn check(self) -> Result<Config, ConfigError> {
        let listen = self.listen.unwrap_or(LISTEN);
        let tls = match (self.tls_certificate, self.tls_key) {
            (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(ConfigError::Incomplete { present: "tls-certificate", missing: "tls-key" });
            }
            (None, Some(_)) => {
                return Err(ConfigError::Incomplete { present: "tls-key", missing: "tls-certificate" });
            }
        };
        Ok(Config {
            listen,
            public_url: self.public_url.unwrap_or_else(|| PublicUrl::local(listen.port())),
            data: self.data.unwrap_or_else(|| "data".into()),
            database: self.database,
            tls,
            trusted_proxies: self.trusted_proxies.unwrap_or_default().0,
            metrics_token: self.metrics_token,
            connections_max: self.connections_max,
            connections_per_address_max: self
                .connections_per_address_max
                .unwrap_or(CONNECTIONS_PER_ADDRESS_MAX),
            address_limit_factor: self.address_limit_factor.unwrap_or(1).max(1),
            connection_limit_factor: self.connection_limit_factor.unwrap_or(1).max(1),
            dns_resolvers: self
                .dns_resolvers
                .unwrap_or_default()
                .0
                .into_iter()
                .map(|resolver| resolver.0)
                .collect(),
            development: self.development.unwrap_or(false),
            log: self.log.unwrap_or_else(|| "info".into()),
            log_format: self.log_format.unwrap_or_default(),
        })
    }
}

impl Config {
    /// The address of the database, for [`portico_store::Options`].
    #[must_use]
    pub fn database_url(&self) -> String {
        let in_data_folder = || format!("sqlite:{}", self.data.join("portico.db").display());
        self.database.clone().unwrap_or_else(in_data_folder)
    }

    /// A server of this machine alone, with everything in `data`: for tests and the demo.
    #[must_use]
    pub fn local(data: &Path, listen: SocketAddr) -> Self {
        Self {
            listen,
            public_url: PublicUrl::local(listen.port()),
            data: data.into(),
            database: None,
            tls: None,
            trusted_proxies: Vec::new(),
            metrics_token: None,
            connections_max: None,
            connections_per_address_max: CONNECTIONS_PER_ADDRESS_MAX,
            address_limit_factor: 1,
            connection_limit_factor: 1,
            dns_resolvers: Vec::new(),
            development: true,
            log: "info".into(),
            log_format: LogFormat::Text,
        }
    }
}

impl Config {
    /// The same once the system has chosen a port where none was asked for.
    #[must_use]
    pub fn bound_to(mut self, address: SocketAddr) -> Self {
        if self.public_url == PublicUrl::local(self.listen.port()) {
            self.public_url = PublicUrl::local(address.port());
        }
        self.listen = address;
        self
    }
}

fn read(path: &Path) -> Result<Settings, ConfigError> {
    let place = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: place.clone(), source })?;
    let malformed = |source| ConfigError::Malformed { path: place.clone(), source: Box::new(source) };
    let table: toml::Table = text.parse().map_err(malformed)?;
    let names = names();
    if let Some(name) = table.keys().find(|name| !names.contains(name)) {
        return Err(ConfigError::Unknown { place, name: name.clone(), suggestion: nearest(name, &names) });
    }
    // From the text again, not from the table: its errors then name the line.
    toml::from_str(&text).map_err(malformed)
}

/// Variables of the environment that look like ours but set nothing, each with what was meant most likely.
#[must_use]
pub fn unknown_variables() -> Vec<ConfigError> {
    let known: Vec<String> = names().iter().map(|name| variable(name)).collect();
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    ours.filter(|name| name.starts_with("PORTICO_") && name != "PORTICO_CONFIG" && !known.contains(name))
        .map(|name| {
            let suggestion = nearest(&name, &known);
            ConfigError::Unknown { place: "environment".into(), name, suggestion }
        })
        .collect()
}

/// The names of all settings, as the file writes them.
fn names() -> Vec<String> {
    let command = <Settings as clap::Args>::augment_args(clap::Command::new("settings"));
    command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)).collect()
}

/// A setting's name in the environment.
fn variable(name: &str) -> String {
    format!("PORTICO_{}", name.to_ascii_uppercase().replace('-', "_"))
}

/// The name that `wanted` is a slip of, if it is near enough to be one.
fn nearest(wanted: &str, names: &[String]) -> Option<String> {
    let wanted = wanted.replace('_', "-").to_ascii_lowercase();
    let distance = |name: &&String| slips(&wanted, &name.replace('_', "-").to_ascii_lowercase());
    names.iter().min_by_key(distance).filter(|name| distance(name) <= 1 + wanted.len() / 4).cloned()
}

/// How many letters must be added, dropped or replaced to turn one text into the other (Levenshtein).
fn slips(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in right.bytes().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

fn hint(suggestion: Option<&str>) -> String {
    suggestion.map(|name| format!("; did you mean {name:?}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::Args;

    use super::*;

    #[test]
    fn a_setting_has_one_name_in_file_environment_and_flags() {
        let command = Settings::augment_args(clap::Command::new("settings"));
        for argument in command.get_arguments() {
            let name = argument.get_long().unwrap();
            assert_eq!(argument.get_env().unwrap().to_str().unwrap(), variable(name));
            let error = toml::from_str::<Settings>(&format!("{name} = {{}}")).unwrap_err();
            assert!(!error.to_string().contains("unknown field"), "{name} is not known to the file");
        }
    }

    #[test]
    fn a_slip_is_told_with_what_was_meant() {
        let names = names();
        for (slip, meant) in [
            ("public_url", "public-url"),
            ("publicurl", "public-url"),
            ("lissten", "listen"),
            ("trusted-proxy", "trusted-proxies"),
        ] {
            assert_eq!(nearest(slip, &names).as_deref(), Some(meant), "for {slip}");
        }
        assert_eq!(nearest("colour-of-the-sky", &names), None);
    }
}
