//! A brand with its domain: two DNS servers, a web server, a store, and a directory.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use portico::proof::check::{self, Report};
use portico::proof::dns::Resolvers;
use portico::proof::fetch::{Fetcher, Reach};
use portico::proof::logo::Logo;
use portico::proof::look::Looker;
use portico::proof::name::{Domain, EmbedHost, Scope};
use portico::proof::settings::Profile;
use portico::proof::{Brand, BrandDirectory};
use portico_domain::brand::Finding;
use portico_protocol::codec::encode;
use portico_protocol::{BrandCard, BrandId, Timestamp, Verification};
use portico_seal::{ManifestFile, MasterKey};
use portico_store::{Options, Store};
use tempfile::TempDir;

use crate::site::Site;
use crate::zone::Zone;

pub(crate) const NOW: Timestamp = Timestamp::from_millis(1_795_413_600_000);
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
pub(crate) const DOMAIN: &str = "lumen.example";
pub(crate) const CHAT_HOST: &str = "chat.lumen.example";
/// Where the domain's TXT record is.
pub(crate) const NAME: &str = "_portico-challenge.lumen.example";

type Files = Arc<Mutex<HashMap<String, (u16, Vec<u8>)>>>;

pub(crate) struct World {
    pub(crate) id: BrandId,
    pub(crate) directory: BrandDirectory,
    pub(crate) store: Store,
    pub(crate) zones: [Zone; 2],
    looker: Looker,
    files: Files,
    site: Site,
    _folder: TempDir,
}

pub(crate) fn rng() -> impl rand::CryptoRng {
    portico::clock::rng()
}

pub(crate) fn profile(domain: &str) -> Profile {
    let hosts =
        ["lumen.example", "www.lumen.example"].map(|host| EmbedHost::parse(host, Scope::Public).unwrap());
    Profile {
        display_name: "Lumen & Söhne".into(),
        domain: Domain::parse(domain, Scope::Public).unwrap(),
        embed_hosts: hosts.into(),
        color: "#204080".parse().unwrap(),
        privacy_url: "https://lumen.example/privacy".into(),
        terms_url: None,
    }
}

/// A square picture of one colour.
pub(crate) fn logo() -> Logo {
    let mut file = std::io::Cursor::new(Vec::new());
    let picture = image::RgbImage::from_pixel(64, 64, image::Rgb([32, 64, 128]));
    picture.write_to(&mut file, image::ImageFormat::Png).unwrap();
    Logo::read(file.get_ref()).unwrap()
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with_domain(DOMAIN).await
    }

    /// The same for a brand that claims `domain`.
    pub(crate) async fn with_domain(domain: &str) -> Self {
        let zones = [Zone::start().await, Zone::start().await];
        for zone in &zones {
            zone.set_address(DOMAIN, Ipv4Addr::LOCALHOST).await;
            zone.set_address(CHAT_HOST, Ipv4Addr::LOCALHOST).await;
        }
        let files = Files::default();
        let router = Router::new().fallback(serve).with_state(Arc::clone(&files));
        let site = Site::start(&[DOMAIN, CHAT_HOST], router).await;
        let resolvers = Resolvers::new(&addresses(&zones)).unwrap();
        let reach = Reach::Loopback(site.address.port());
        let fetcher = Fetcher::with_roots(resolvers.clone(), reach, site.roots.clone());
        let looker = Looker::with_fetcher(resolvers, fetcher);

        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portico.db").display());
        let store = Store::open(&Options::new(url)).await.unwrap();
        store.migrate().await.unwrap();
        let master = MasterKey::from_bytes([7; 32]);
        let directory = BrandDirectory::open(store.clone(), master, CHAT_HOST).await.unwrap();
        let id: BrandId = "lumen".parse().unwrap();
        directory.add(&id, profile(domain), NOW, &mut rng()).await.unwrap();
        directory.set_logo(&id, &logo(), NOW).await.unwrap();
        Self { id, directory, store, zones, looker, files, site, _folder: folder }
    }

    pub(crate) fn brand(&self) -> Arc<Brand> {
        self.directory.find(&self.id).unwrap()
    }

    pub(crate) fn card(&self, now: Timestamp) -> Arc<BrandCard> {
        self.directory.card(&self.id, now).unwrap()
    }

    pub(crate) async fn verify(&self, now: Timestamp) -> Finding {
        self.directory.verify(&self.id, &self.looker, now).await.unwrap().1
    }

    pub(crate) async fn check(&self, host: Option<&Domain>) -> Report {
        let domain = Domain::parse(DOMAIN, Scope::Public).unwrap();
        check::check(domain, host, &self.looker, NOW).await
    }

    #[track_caller]
    pub(crate) fn assert_no_tick(&self, now: Timestamp, expected: Verification) {
        let card = self.card(now);
        assert!(!card.shows_tick(now), "{card:?}");
        assert_eq!(card.effective_verification(now), expected);
    }

    /// The TXT records that the domain is asked to publish.
    pub(crate) async fn records(&self) -> Vec<String> {
        self.records_at(NOW)
    }

    pub(crate) fn records_at(&self, now: Timestamp) -> Vec<String> {
        self.brand().challenge_records(CHAT_HOST, now).iter().map(ToString::to_string).collect()
    }

    /// Publishes TXT records, seen alike by both resolvers.
    pub(crate) async fn publish(&self, records: &[String]) {
        for zone in &self.zones {
            zone.set_texts(NAME, records).await;
        }
    }

    /// Answers the challenge on the web server.
    pub(crate) fn serve_challenge(&self, status: u16, body: &str) {
        let path = self.brand().challenge_file(NOW).path;
        self.serve_file(&format!("{DOMAIN}{path}"), status, body.as_bytes());
    }

    pub(crate) fn serve_logo(&self, file: &[u8]) {
        self.serve_file(&format!("{CHAT_HOST}/b/lumen/logo"), 200, file);
    }

    /// What the chat host publishes for anybody who checks; the domain itself publishes no manifest.
    pub(crate) async fn publish_manifest(&self) {
        let manifests = vec![self.directory.manifest(&self.id, NOW).unwrap()];
        let on_chat_host = |path: &str| format!("{CHAT_HOST}{path}");
        let manifests = encode(&ManifestFile { manifests });
        self.serve_file(&on_chat_host("/.well-known/portico-brand.json"), 200, manifests.as_bytes());
        self.serve_file(&on_chat_host("/api/v1/brands/lumen"), 200, encode(&*self.card(NOW)).as_bytes());
        self.serve_logo(&self.directory.logo(&self.id).await.unwrap().unwrap());
    }

    /// A looker whose resolvers do not answer.
    pub(crate) fn blind_looker(&self) -> Looker {
        Looker::new(Resolvers::none(), Reach::Public)
    }

    /// A looker with the reach of a production server.
    pub(crate) fn public_looker(&self) -> Looker {
        Looker::new(Resolvers::new(&addresses(&self.zones)).unwrap(), Reach::Public)
    }

    /// A looker that trusts the authorities of the world, which do not know this site.
    pub(crate) fn looker_with_public_authorities(&self) -> Looker {
        let reach = Reach::Loopback(self.site.address.port());
        Looker::new(Resolvers::new(&addresses(&self.zones)).unwrap(), reach)
    }

    /// `address` is a host and a path.
    fn serve_file(&self, address: &str, status: u16, body: &[u8]) {
        self.files.lock().unwrap().insert(address.to_owned(), (status, body.to_vec()));
    }
}

pub(crate) fn addresses(zones: &[Zone]) -> Vec<SocketAddr> {
    zones.iter().map(|zone| zone.address).collect()
}

async fn serve(State(files): State<Files>, headers: HeaderMap, uri: Uri) -> Response {
    let address = format!("{}{}", headers[header::HOST].to_str().unwrap(), uri.path());
    match files.lock().unwrap().get(&address) {
        Some((status, body)) => {
            let location = [(header::LOCATION, "https://evil.example/")];
            (StatusCode::from_u16(*status).unwrap(), location, body.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
