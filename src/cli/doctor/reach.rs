//! What the server must reach, and from where it must be reached.

use std::net::TcpListener;

use portico_protocol::{BrandId, Verification};
use portico_store::{OpenError, Options, Store};

use super::Finding;
use super::setting::is_local;
use crate::bot::check_flow;
use crate::clock;
use crate::config::{Config, PublicUrl};
use crate::http::problem::Chain;
use crate::proof::directory::BrandDirectory;
use crate::proof::dns::Resolvers;
use crate::proof::fetch::{FetchError, Fetcher, Reach};
use crate::proof::name::{Domain, Scope};
use crate::proof::vault::{MASTER_KEY_FILE, load_or_create};

/// Whether the address can be listened on, or a server does so already.
pub(super) fn examine_listen(config: &Config) -> Option<Finding> {
    let address = config.listen;
    let error = TcpListener::bind(address).err()?;
    Some(if error.kind() == std::io::ErrorKind::AddrInUse {
        Finding::warning(
            format!("something listens on {address} already"),
            "fine if it is this server; else stop it, or choose another port with --listen",
        )
    } else {
        Finding::fault(format!("cannot listen on {address}: {error}"), "choose another address with --listen")
    })
}

/// The database, and what it says about brands.
pub(super) async fn examine_database(config: &Config) -> Vec<Finding> {
    if config.database.is_none() && !config.data.join("portico.db").exists() {
        return vec![Finding::warning(
            "there is no database yet",
            "`portico serve` or `portico migrate` makes it",
        )];
    }
    let store = match Store::open(&Options::new(config.database_url()).for_tool()).await {
        Ok(store) => store,
        Err(error) => {
            return vec![Finding::fault(format!("database: {}", Chain(&error)), open_remedy(&error))];
        }
    };
    let findings = examine_brands(config, &store).await;
    store.close().await;
    findings
}

const fn open_remedy(error: &OpenError) -> &'static str {
    match error {
        OpenError::UnknownScheme => "correct --database",
        OpenError::InUse { .. } => "stop the other server, or give this one its own --data",
        OpenError::Folder { .. } => "give the folder to the user that runs portico",
        OpenError::Database(_) => {
            "check that the database runs, and the address, name and password in --database"
        }
    }
}

async fn examine_brands(config: &Config, store: &Store) -> Vec<Finding> {
    let brands = match store.brands().all().await {
        Ok(brands) => brands,
        Err(error) => {
            let what = format!("the database cannot be read: {}", Chain(&error));
            return vec![Finding::fault(what, "run `portico migrate`; if that fails too, restore a backup")];
        }
    };
    let mut findings = vec![Finding::fine(format!("the database answers and holds {} brands", brands.len()))];
    if brands.is_empty() {
        findings
            .push(Finding::warning("no brand has been added", "portico brand add <name> --domain <domain>"));
        return findings;
    }
    let directory = match open_directory(config, store).await {
        Ok(directory) => directory,
        Err(fault) => {
            findings.push(fault);
            return findings;
        }
    };
    for brand in brands {
        findings.push(examine_proof(&directory, &brand.id));
        findings.push(match check_flow(&config.data, &brand.id) {
            Ok(Some(_)) => Finding::fine(format!("the flow of {} can be used", brand.id)),
            Ok(None) => Finding::fine(format!("{} has no flow: people answer from the start", brand.id)),
            Err(problem) => {
                Finding::fault(problem.to_string(), "mend the lines; the server takes them up by itself")
            }
        });
    }
    findings
}

/// The brands with their keys, opened with the master key that must be there since there are brands.
async fn open_directory(config: &Config, store: &Store) -> Result<BrandDirectory, Finding> {
    let path = config.data.join(MASTER_KEY_FILE);
    let restore = format!("restore {} from a backup: without it no brand can sign", path.display());
    if !path.exists() {
        return Err(Finding::fault(format!("{} is missing", path.display()), restore));
    }
    let master = load_or_create(&config.data, &mut clock::rng());
    let master = master.map_err(|error| Finding::fault(error.to_string(), "mend the file, or restore it"))?;
    let opened = BrandDirectory::open(store.clone(), master, config.public_url.authority()).await;
    opened.map_err(|error| Finding::fault(format!("brands: {}", Chain(&error)), restore))
}

fn examine_proof(directory: &BrandDirectory, id: &BrandId) -> Finding {
    let Some(brand) = directory.find(id) else {
        let remedy = "restore the master key that its keys were sealed with";
        return Finding::fault(format!("{id} cannot be used with this data folder's master key"), remedy);
    };
    let again = format!("portico brand verify {id} says what to publish and looks again");
    match brand.verification(clock::now()) {
        Verification::Verified => Finding::fine(format!("{id} is verified")),
        Verification::Expired => {
            Finding::warning(format!("the proof of {id} was not found again in time"), again)
        }
        Verification::NotVerified => {
            Finding::warning(format!("{id} is not verified: visitors see no tick"), again)
        }
        Verification::Withdrawn => Finding::fine(format!("{id} is withdrawn, as it was decided")),
    }
}

/// Whether visitors find this server where they are told that it is.
pub(super) async fn examine_public_url(config: &Config) -> Vec<Finding> {
    let url = &config.public_url;
    if is_local(url.host()) {
        return Vec::new();
    }
    let (Ok(host), true) = (Domain::parse(url.host(), Scope::Public), url.authority() == url.host()) else {
        return vec![Finding::fine(format!("{url} was not asked: only names on the standard port are"))];
    };
    let resolvers = match Resolvers::new(&[]) {
        Ok(resolvers) => resolvers,
        Err(error) => return vec![Finding::warning(error.to_string(), "check /etc/resolv.conf")],
    };
    let answer = Fetcher::new(resolvers, Reach::Public).get(&host, "/healthz", 64).await;
    vec![judge(url, answer.as_deref())]
}

/// What the answer of `/healthz` under the public URL says.
fn judge(url: &PublicUrl, answer: Result<&[u8], &FetchError>) -> Finding {
    match answer {
        Ok(b"ok\n") => Finding::fine(format!("{url} leads to a running server")),
        Ok(_) | Err(FetchError::NotThere { .. }) => Finding::fault(
            format!("{url} leads to something else"),
            "correct public-url, or what the proxy passes on",
        ),
        Err(error @ FetchError::NotPublic { .. }) => Finding::warning(
            error.to_string(),
            "fine if visitors are on the same network; else correct the DNS record",
        ),
        Err(error) => Finding::warning(
            format!("{url} cannot be reached from here: {error}"),
            "start the server; if it runs, check DNS, firewall and proxy",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::http::StatusCode;

    use super::*;
    use crate::cli::doctor::Verdict;

    #[test]
    fn a_public_url_that_leads_elsewhere_or_nowhere_is_told() {
        let url = "https://chat.example".parse().unwrap();
        let verdict = |answer| judge(&url, answer).verdict;
        let private =
            FetchError::NotPublic { host: "chat.example".into(), address: "10.0.0.1".parse().unwrap() };
        assert_eq!(verdict(Ok(b"ok\n")), Verdict::Fine);
        assert_eq!(verdict(Ok(b"<html>")), Verdict::Fault);
        let absent = FetchError::NotThere { host: "chat.example".into(), status: StatusCode::NOT_FOUND };
        assert_eq!(verdict(Err(&absent)), Verdict::Fault);
        assert_eq!(verdict(Err(&private)), Verdict::Warning);
        let away = FetchError::Lookup { host: "chat.example".into(), reason: "no such name".into() };
        assert_eq!(verdict(Err(&away)), Verdict::Warning);
    }
}
