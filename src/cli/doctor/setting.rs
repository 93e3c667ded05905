//! Settings that contradict each other or the world.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tracing_subscriber::EnvFilter;

use super::Finding;
use crate::config::Config;

pub(super) fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![Finding::fine("the configuration can be read")];
    findings.push(encryption(config));
    findings.extend(exposure(config));
    findings.extend(proxies(config));
    if let Err(error) = EnvFilter::try_new(&config.log) {
        findings.push(Finding::fault(
            format!("log: {error}"),
            "a filter is a level, or target=level pairs: info,portico=debug",
        ));
    }
    findings
}

/// Whether visitors reach the chat host by TLS, and who speaks it.
fn encryption(config: &Config) -> Finding {
    let url = &config.public_url;
    let is_local = is_local(url.host());
    match (url.is_secure(), config.tls.is_some(), config.trusted_proxies.is_empty()) {
        (false, true, _) => Finding::fault(
            format!("public-url is {url}, but the server speaks TLS"),
            format!("set public-url to https://{}", url.authority()),
        ),
        (false, false, _) if is_local => {
            Finding::fine(format!("public-url is {url}: browsers treat this machine as safe without TLS"))
        }
        (false, false, _) => Finding::fault(
            format!("public-url is {url}: browsers keep no session cookie without TLS"),
            "set tls-certificate and tls-key, or put a proxy with TLS before it and set public-url to https://…",
        ),
        (true, false, true) => Finding::warning(
            format!("public-url is {url}, but neither tls-certificate nor trusted-proxies is set"),
            "set tls-certificate and tls-key, or name the proxy that speaks TLS in trusted-proxies: without \
             it every visitor seems to have the proxy's address, and shares its limits",
        ),
        (true, ..) => Finding::fine(format!("public-url is {url}")),
    }
}

/// Whether somebody else than the proxy can reach the server without TLS.
fn exposure(config: &Config) -> Option<Finding> {
    let is_open = !config.listen.ip().is_loopback() && config.tls.is_none();
    is_open.then(|| {
        Finding::warning(
            format!("the server listens on {} without TLS", config.listen),
            "let it listen on 127.0.0.1 if the proxy runs on this machine, or see that only the proxy reaches the port",
        )
    })
}

/// Whether anybody could claim any address.
fn proxies(config: &Config) -> Vec<Finding> {
    let anybody: [IpAddr; 2] =
        [Ipv4Addr::new(203, 0, 113, 1).into(), Ipv6Addr::from_bits(0x2001_0db8 << 96).into()];
    let is_everybody =
        |network: &&crate::config::Network| anybody.iter().any(|address| network.contains(*address));
    let too_wide = config.trusted_proxies.iter().filter(is_everybody);
    too_wide
        .map(|network| {
            Finding::fault(
                format!("trusted-proxies holds {network}, which is the whole internet"),
                "name your proxies' own addresses: whoever is trusted can claim to be any visitor",
            )
        })
        .collect()
}

pub(super) fn is_local(host: &str) -> bool {
    let is_loopback =
        host.trim_matches(['[', ']']).parse().is_ok_and(|address: IpAddr| address.is_loopback());
    is_loopback || host == "localhost" || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::SocketAddr;
    use std::path::Path;

    use super::*;
    use crate::cli::doctor::Verdict;
    use crate::config::TlsFiles;

    fn verdict(change: impl FnOnce(&mut Config)) -> Verdict {
        let mut config = Config::local(Path::new("data"), SocketAddr::from(([127, 0, 0, 1], 7420)));
        change(&mut config);
        examine(&config).iter().map(|finding| finding.verdict).max().unwrap()
    }

    #[test]
    fn contradictions_are_found() {
        let tls = || Some(TlsFiles { certificate: "c".into(), key: "k".into() });
        let public = |text: &str| text.parse().unwrap();
        assert_eq!(verdict(|_| ()), Verdict::Fine);
        assert_eq!(verdict(|config| config.tls = tls()), Verdict::Fault, "TLS under an http URL");
        assert_eq!(verdict(|config| config.public_url = public("http://chat.example")), Verdict::Fault);
        assert_eq!(verdict(|config| config.public_url = public("https://chat.example")), Verdict::Warning);
        let is_behind_proxy = |config: &mut Config| {
            config.public_url = public("https://chat.example");
            config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
        };
        assert_eq!(verdict(is_behind_proxy), Verdict::Fine);
        assert_eq!(verdict(|config| config.listen = "0.0.0.0:80".parse().unwrap()), Verdict::Warning);
        assert_eq!(
            verdict(|config| config.trusted_proxies = vec!["0.0.0.0/0".parse().unwrap()]),
            Verdict::Fault
        );
        assert_eq!(verdict(|config| config.log = "portico=loud=er".into()), Verdict::Fault);
    }
}
