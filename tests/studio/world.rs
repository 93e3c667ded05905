//! A server with two brands, a representative each, and a conversation each.

use std::sync::Arc;
use std::time::Duration;

use portico::account::NewAccount;
use portico::clock;
use portico::config::Config;
use portico::proof::name::{Domain, Scope};
use portico::proof::settings::Profile;
use portico::proof::{BrandDirectory, vault};
use portico_domain::conversation::{Actor, Policy};
use portico_protocol::{
    BrandId, ConversationId, Message, MessageId, ParticipantId, Submission, SubmissionBody, Timestamp, codec,
};
use portico_store::{Append, Options, Store, VisitorRecord};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub(crate) const PASSWORD: &str = "seven lamps in a row";
pub(crate) const ADA: &str = "ada@lumen.example";
pub(crate) const RIVAL: &str = "rolf@rival.example";
/// How long anything may take before the test fails.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The running server. It ends with the test's runtime.
pub(crate) struct World {
    pub(crate) config: Config,
    /// The conversation with Ada's brand, and that with the other one.
    pub(crate) own: ConversationId,
    pub(crate) foreign: ConversationId,
    _data: TempDir,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json<T: DeserializeOwned>(&self) -> T {
        codec::decode_from_server(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The code of the problem.
    pub(crate) fn problem(&self) -> String {
        let problem: Value = self.json();
        problem["type"].as_str().unwrap().trim_start_matches("/problems/").to_owned()
    }

    /// The cookie that it sets, as a request carries it.
    pub(crate) fn cookie(&self) -> String {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with("set-cookie:")).unwrap();
        line.split_once(':').unwrap().1.split(';').next().unwrap().trim().to_owned()
    }
}

impl World {
    pub(crate) async fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let config = Config::local(data.path(), listener.local_addr().unwrap());
        let store = Store::open(&Options::new(config.database_url()).for_tool()).await.unwrap();
        store.migrate().await.unwrap();
        let own = add_brand(&config, &store, "lumen", ADA, "Ada").await;
        let foreign = add_brand(&config, &store, "rival", RIVAL, "Rolf").await;
        store.close().await;
        tokio::spawn(portico::run(listener, config.clone(), std::future::pending()));
        Self { config, own, foreign, _data: data }
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.ask("GET", path, &format!("Cookie: {cookie}\r\n"), "").await
    }

    /// A request that changes something, from the studio's own page.
    pub(crate) async fn change(&self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        let origin = self.config.public_url.origin();
        self.ask(method, path, &format!("Cookie: {cookie}\r\nOrigin: {origin}\r\n"), body).await
    }

    pub(crate) async fn try_sign_in(&self, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password}).to_string();
        self.change("POST", "/api/v1/sign-in", "", &body).await
    }

    /// Signs in; gives the cookie.
    pub(crate) async fn sign_in(&self, email: &str) -> String {
        let answer = self.try_sign_in(email, PASSWORD).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.cookie()
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        let asking = async {
            let mut stream = TcpStream::connect(self.config.listen).await.unwrap();
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n\
                 User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n{headers}\r\n{body}",
                self.config.public_url.authority(),
                body.len(),
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await.unwrap();
            String::from_utf8(answer).unwrap()
        };
        let answer = tokio::time::timeout(SOON, asking).await.expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer { status: head[9..12].parse().unwrap(), head: head.to_owned(), body: body.to_owned() }
    }
}

async fn add_brand(config: &Config, store: &Store, name: &str, email: &str, person: &str) -> ConversationId {
    let (now, rng) = (clock::now(), &mut clock::rng());
    let brand: BrandId = name.parse().unwrap();
    let master = vault::load_or_create(&config.data, rng).unwrap();
    let directory = BrandDirectory::open(store.clone(), master, config.public_url.authority()).await.unwrap();
    let profile = Profile {
        display_name: person.to_owned() + "'s brand",
        domain: Domain::parse(&format!("{name}.localhost"), Scope::Development).unwrap(),
        embed_hosts: Vec::new(),
        color: "#2f5d50".parse().unwrap(),
        privacy_url: "https://lumen.example/privacy".into(),
        terms_url: None,
    };
    directory.add(&brand, profile, now, rng).await.unwrap();
    let account = NewAccount {
        brand: brand.clone(),
        email: email.into(),
        display_name: person.into(),
        password: PASSWORD.into(),
    };
    account.create(store, now, rng).await.unwrap();
    begin_conversation(store, brand, now).await
}

/// A visitor of `brand` writes.
async fn begin_conversation(store: &Store, brand: BrandId, now: Timestamp) -> ConversationId {
    let unique = |kind: u8| std::array::from_fn(|index| brand.as_str().as_bytes()[index % 5] ^ kind);
    let visitor = ParticipantId::new(now, unique(1));
    let conversation = ConversationId::new(now, unique(2));
    let record = VisitorRecord {
        id: visitor,
        brand: brand.clone(),
        conversation,
        external_id: None,
        display_name: None,
        locale: "de".into(),
        time_zone: Some("Europe/Berlin".into()),
        page_url: Some("https://lumen.example/lamps".into()),
        context: None,
        created_at: now,
        seen_at: now,
    };
    store.visitors().create(&record).await.unwrap();
    let body = SubmissionBody::Message(Message::text(format!("A word to {brand}")));
    let append = Append {
        conversation,
        brand: brand.clone(),
        visitor,
        actor: Actor::Visitor(visitor),
        submission: Submission { id: MessageId::new(now, unique(3)), body },
        policy: Arc::new(Policy::default()),
        now,
    };
    store.append(append).await.unwrap();
    conversation
}
