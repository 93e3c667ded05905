//! The running server: its proof page follows what DNS and commands say.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use portico::clock;
use portico::config::Config;
use portico::proof::dns::Resolvers;
use portico::proof::fetch::Reach;
use portico::proof::look::Looker;
use portico::proof::{BrandDirectory, vault};
use portico_protocol::{BrandCard, BrandId, codec};
use portico_seal::{ManifestFile, OpenManifest, verify_card};
use portico_store::{Options, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::world::{self, DOMAIN, NAME, addresses};
use crate::zone::Zone;

/// How long the server may take to follow.
const SOON: Duration = Duration::from_secs(20);

/// Status, head and body of `GET path`.
async fn get(address: SocketAddr, path: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), head.to_ascii_lowercase(), body.to_owned())
}

/// The page once it says `text`.
async fn page_saying(address: SocketAddr, text: &str) -> String {
    let asking = async {
        loop {
            let (_, _, page) = get(address, "/v/lumen").await;
            if page.contains(text) {
                return page;
            }
        }
    };
    tokio::time::timeout(SOON, asking).await.unwrap_or_else(|_| panic!("the page never says {text:?}"))
}

/// The brands of a data folder, as a command beside the server opens them.
async fn open_beside(config: &Config) -> BrandDirectory {
    let store = Store::open(&Options::new(config.database_url()).for_tool()).await.unwrap();
    store.migrate().await.unwrap();
    let master = vault::load_or_create(&config.data, &mut clock::rng()).unwrap();
    BrandDirectory::open(store, master, config.public_url.authority()).await.unwrap()
}

async fn config(data: &Path, listener: &TcpListener, zone: &Zone) -> Config {
    let mut config = Config::local(data, listener.local_addr().unwrap());
    (config.development, config.dns_resolvers) = (false, addresses(std::slice::from_ref(zone)));
    config
}

#[tokio::test]
async fn the_proof_page_draws_the_tick_while_the_domain_vouches_and_at_no_other_time() {
    let (zone, folder) = (Zone::start().await, tempfile::tempdir().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let config = config(folder.path(), &listener, &zone).await;
    let commands = open_beside(&config).await;
    let id: BrandId = "lumen".parse().unwrap();
    let brand = commands.add(&id, world::profile(DOMAIN), clock::now(), &mut clock::rng()).await.unwrap();
    commands.set_logo(&id, &world::logo(), clock::now()).await.unwrap();

    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(portico::run(listener, config.clone(), async {
        let _ = stopped.await;
    }));
    let page = page_saying(address, "Not verified").await;
    assert!(!page.contains("verified-tick"));
    assert!(page.contains("Lumen &amp; Söhne") && page.contains(DOMAIN));

    let records = brand.challenge_records(commands.chat_host(), clock::now());
    zone.set_texts(NAME, &[records[0].to_string()]).await;
    let looker = Looker::new(Resolvers::new(&config.dns_resolvers).unwrap(), Reach::Public);
    commands.verify(&id, &looker, clock::now()).await.unwrap();
    let page = page_saying(address, "<strong>Verified</strong>").await;
    assert!(page.contains("verified-tick") && page.contains("one resolver"));
    assert!(!page.contains("<script") && !page.contains("style="));
    assert_public_facts_check_out(address).await;

    zone.set_texts(NAME, &[]).await;
    commands.verify(&id, &looker, clock::now()).await.unwrap();
    let page = page_saying(address, "Verification withdrawn").await;
    assert!(!page.contains("verified-tick") && page.contains("no longer vouches"));

    zone.set_texts(NAME, &[records[0].to_string()]).await;
    commands.verify(&id, &looker, clock::now()).await.unwrap();
    page_saying(address, "<strong>Verified</strong>").await;
    commands.withdraw(&id, clock::now()).await.unwrap();
    let page = page_saying(address, "Verification withdrawn").await;
    assert!(!page.contains("verified-tick") && page.contains("operator of this server"));
    let (_, _, manifests) = get(address, "/.well-known/portico-brand.json").await;
    assert_eq!(manifests, r#"{"manifests":[]}"#);

    stop.send(()).unwrap();
    server.await.unwrap().unwrap();
}

/// Manifest, card and logo of the running server, checked as a stranger would.
async fn assert_public_facts_check_out(address: SocketAddr) {
    let (status, head, body) = get(address, "/.well-known/portico-brand.json").await;
    assert!(status == 200 && head.contains("access-control-allow-origin: *"), "{head}");
    let file: ManifestFile = serde_json::from_str(&body).unwrap();
    let manifest = OpenManifest::open(&file.manifests[0], clock::now()).unwrap();
    let (_, _, body) = get(address, "/api/v1/brands/lumen").await;
    let card: BrandCard = codec::decode(&body).unwrap();
    verify_card(&manifest.keys, &card, clock::now()).unwrap();
    assert_eq!(card.logo_sha256, manifest.manifest.logo_sha256);

    let (status, head, _) = get(address, card.logo_url.as_deref().unwrap()).await;
    assert!(
        status == 200 && head.contains("immutable") && head.contains("content-type: image/png"),
        "{head}"
    );
    let (_, head, _) = get(address, "/v/lumen").await;
    assert!(head.contains("frame-ancestors 'none'") && head.contains("nosniff"), "{head}");
    for missing in ["/v/nobody", "/v/UPPER", "/b/nobody/logo", "/api/v1/brands/nobody"] {
        assert_eq!(get(address, missing).await.0, 404, "{missing}");
    }
}
