//! The demo's data: a brand that its shop vouches for, a flow, accounts, canned replies, and a past.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use portico_domain::conversation::{Actor, Policy};
use portico_protocol::api::{CannedReply, InboxQuery};
use portico_protocol::entry::Note;
use portico_protocol::frame::{Close, RequestHuman, TakeOver};
use portico_protocol::{
    BrandId, ConversationId, InboxView, Message, MessageId, ParticipantId, Representative,
    RepresentativeType, Submission, SubmissionBody, Timestamp, Verification,
};
use portico_store::{Append, Asker, Options, RepresentativeRecord, Store, VisitorRecord};
use rand::{CryptoRng, RngExt as _};
use serde::Deserialize;
use tokio::net::TcpListener;

use crate::account::{NewAccount, password};
use crate::bot::Bots;
use crate::clock;
use crate::config::Config;
use crate::demo::shop;
use crate::proof::dns::Resolvers;
use crate::proof::fetch::Reach;
use crate::proof::logo::Logo;
use crate::proof::look::Looker;
use crate::proof::name::{Domain, EmbedHost, Scope};
use crate::proof::settings::Profile;
use crate::proof::{BrandDirectory, development, vault};

const BRAND: &str = "lykta";
const FLOW: &str = include_str!("../../demo/flow.toml");
/// What stands in the flow where the shop's address belongs.
const FLOW_ORIGIN: &str = "https://lykta.example";
const CONVERSATIONS: &str = include_str!("../../demo/conversations.toml");
const LOGO: &[u8] = include_bytes!("../../demo/shop/art/logo.png");
/// Holds the accounts' password, readable by its owner alone: the demo prints it at every start.
const PASSWORD_FILE: &str = "demo-password";
const PEOPLE: [(&str, &str); 2] = [("nora@lykta.localhost", "Nora"), ("jonas@lykta.localhost", "Jonas")];
const CANNED_REPLIES: [(&str, &str); 5] = [
    ("hi", "Hi, Nora from the workshop here. I have read what you wrote; give me a minute to look."),
    (
        "delivery",
        "Each lamp is built when it is ordered: 5 working days in the workshop, then 2 to 4 on the road.",
    ),
    (
        "returns",
        "You have 60 days, and the lamp may have been lit. Tell me the order number and I book the pick-up.",
    ),
    (
        "dimmer",
        "Flickering is nearly always the dimmer on the wall: ours want an LED dimmer. Could you try it without one?",
    ),
    ("bye", "With pleasure. Write here any time: this conversation stays yours."),
];

/// Appends under way at once: they share commits.
const APPENDS_MAX: usize = 500;

/// What the demo prints.
pub(super) struct Seeded {
    pub(super) accounts: Vec<String>,
    pub(super) password: String,
    pub(super) verification: Verification,
}

/// Starts the shop on `listener` and makes sure that all of its data is there.
pub(super) async fn seed(
    config: &Config,
    shop_authority: &str,
    shop_url: &str,
    listener: TcpListener,
    history: Option<u64>,
) -> Result<Seeded> {
    let data = &config.data;
    fs::create_dir_all(data).with_context(|| format!("cannot make the folder {}", data.display()))?;
    write_flow(data, shop_url)?;
    let store = Store::open(&Options::new(config.database_url())).await?;
    store.migrate().await?;
    let (now, mut rng) = (clock::now(), clock::rng());
    let master = vault::load_or_create(data, &mut rng)?;
    let directory = BrandDirectory::open(store.clone(), master, config.public_url.authority()).await?;
    let brand: BrandId = BRAND.parse()?;

    let profile = profile(shop_authority, shop_url)?;
    development::ensure_brand(&directory, &brand, profile, now, &mut rng).await?;
    let branded = directory.set_logo(&brand, &Logo::read(LOGO)?, now).await?;
    let router = shop::router(config.public_url.origin(), branded.challenge_file(now));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let looker = Looker::new(Resolvers::none(), Reach::Development);
    let (branded, _) = directory.verify(&brand, &looker, now).await?;

    let password = load_or_make_password(data, &mut rng)?;
    let is_new = store.representatives().of_brand(&brand).await?.is_empty();
    if is_new {
        let mut past = Past::new(&store, &brand, data, &password, shop_url).await?;
        past.replay(now).await?;
        for (shortcut, text) in CANNED_REPLIES {
            let id = MessageId::new(now, rng.random());
            let reply = CannedReply { id, shortcut: shortcut.into(), text: text.into() };
            store.canned_replies().save(&brand, &reply).await?;
        }
    }
    if let Some(length) = history {
        lengthen_newest(&store, &brand, length, now).await?;
    }
    store.close().await;
    Ok(Seeded {
        accounts: PEOPLE.map(|(email, _)| email.into()).into(),
        password,
        verification: branded.verification(now),
    })
}

/// Lets the visitor of the newest conversation say short things until its log has `length` entries.
async fn lengthen_newest(store: &Store, brand: &BrandId, length: u64, now: Timestamp) -> Result<()> {
    let people = store.representatives().of_brand(brand).await?;
    let reader = people.first().context("the demo has no representative")?.id;
    let everything = InboxQuery { view: InboxView::All, search: String::new(), with_closed: true };
    let asker = Asker { brand, representative: reader };
    let page = store.conversations().list(asker, &everything, None).await?;
    let newest = page.conversations.first().context("nobody has written yet")?;
    let state = store.conversations().find(newest.conversation).await?.context("it was listed just now")?;
    let policy = Arc::new(Policy::default());
    let appends = (state.head..length).map(|number| {
        let body = SubmissionBody::Message(Message::text(format!("Message {} of many", number + 1)));
        store.append(Append {
            conversation: newest.conversation,
            brand: brand.clone(),
            visitor: state.visitor,
            actor: Actor::Visitor(state.visitor),
            submission: Submission { id: MessageId::new(now, clock::rng().random()), body },
            policy: Arc::clone(&policy),
            now,
        })
    });
    stream::iter(appends).buffered(APPENDS_MAX).try_for_each(async |_| Ok(())).await?;
    Ok(())
}

/// The flow lies in the data folder, where it may be changed while the demo runs. What was changed stays,
/// unless the shop has moved to another address since.
fn write_flow(data: &Path, shop_url: &str) -> Result<()> {
    let path = data.join("flows").join(format!("{BRAND}.toml"));
    if fs::read_to_string(&path).is_ok_and(|flow| flow.contains(&format!("{shop_url}/"))) {
        return Ok(());
    }
    fs::create_dir_all(data.join("flows"))?;
    fs::write(&path, FLOW.replace(FLOW_ORIGIN, shop_url))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn profile(shop_authority: &str, shop_url: &str) -> Result<Profile> {
    Ok(Profile {
        display_name: "Lykta".into(),
        domain: Domain::parse(shop_authority, Scope::Development)?,
        embed_hosts: vec![EmbedHost::parse(shop_authority, Scope::Development)?],
        color: "#a3441a".parse().map_err(|error| anyhow::anyhow!("{error}"))?,
        privacy_url: format!("{shop_url}/privacy"),
        terms_url: Some(format!("{shop_url}/terms")),
    })
}

fn load_or_make_password(data: &Path, rng: &mut impl CryptoRng) -> Result<String> {
    let path = data.join(PASSWORD_FILE);
    if let Ok(text) = fs::read_to_string(&path) {
        return Ok(text.trim().to_owned());
    }
    let password = password::make_up(rng);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    writeln!(file, "{password}")?;
    Ok(password)
}

/// `demo/conversations.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    conversation: Vec<Story>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    locale: String,
    page: String,
    /// Minutes before the first start.
    ago: i64,
    /// The name that the shop's back end signed for.
    name: Option<String>,
    line: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    by: String,
    /// Seconds since the line before.
    #[serde(default)]
    wait: i64,
    say: Option<String>,
    note: Option<String>,
    ask: Option<Ask>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Ask {
    Person,
    Conversation,
    Close,
}

/// Appends the stories.
struct Past<'s> {
    store: &'s Store,
    brand: &'s BrandId,
    bots: Bots,
    people: Vec<RepresentativeRecord>,
    shop_url: &'s str,
}

impl<'s> Past<'s> {
    async fn new(
        store: &'s Store,
        brand: &'s BrandId,
        data: &Path,
        password: &str,
        shop_url: &'s str,
    ) -> Result<Self> {
        let mut people = Vec::new();
        for (email, name) in PEOPLE {
            let account = NewAccount {
                brand: brand.clone(),
                email: email.into(),
                display_name: name.into(),
                password: password.into(),
            };
            people.push(account.create(store, clock::now(), &mut clock::rng()).await?);
        }
        Ok(Self { store, brand, bots: Bots::load(data), people, shop_url })
    }

    async fn replay(&mut self, now: Timestamp) -> Result<()> {
        let file: File = toml::from_str(CONVERSATIONS)?;
        for (number, story) in file.conversation.iter().enumerate() {
            self.tell(story, number, now.plus_millis(-story.ago * 60_000)).await?;
        }
        Ok(())
    }

    async fn tell(&self, story: &Story, number: usize, mut at: Timestamp) -> Result<()> {
        let visitor = self.arrive(story, number, at).await?;
        let policy = self.bots.policy(self.brand, &story.locale);
        for line in &story.line {
            at = at.plus_millis(line.wait * 1000);
            let append = Append {
                conversation: visitor.conversation,
                brand: self.brand.clone(),
                visitor: visitor.id,
                actor: self.actor(&line.by, &visitor, &policy)?,
                submission: Submission { id: MessageId::new(at, clock::rng().random()), body: line.body() },
                policy: Arc::clone(&policy),
                now: at,
            };
            self.store
                .append(append)
                .await
                .with_context(|| format!("in the demo's conversation {number}"))?;
        }
        Ok(())
    }

    async fn arrive(&self, story: &Story, number: usize, at: Timestamp) -> Result<VisitorRecord> {
        let mut rng = clock::rng();
        let visitor = VisitorRecord {
            id: ParticipantId::new(at, rng.random()),
            brand: self.brand.clone(),
            conversation: ConversationId::new(at, rng.random()),
            external_id: story.name.as_ref().map(|_| format!("customer-{number}")),
            display_name: story.name.clone(),
            locale: story.locale.clone(),
            time_zone: Some("Europe/Oslo".into()),
            page_url: Some(format!("{}{}", self.shop_url, story.page)),
            context: None,
            created_at: at,
            seen_at: at,
        };
        self.store.visitors().create(&visitor).await?;
        Ok(visitor)
    }

    fn actor(&self, by: &str, visitor: &VisitorRecord, policy: &Policy) -> Result<Actor> {
        Ok(match by {
            "visitor" => Actor::Visitor(visitor.id),
            "bot" => Actor::Representative(policy.bot.clone().context("the demo's flow has no bot")?),
            name => {
                let is_named =
                    |person: &&RepresentativeRecord| person.display_name.eq_ignore_ascii_case(name);
                let person =
                    self.people.iter().find(is_named).with_context(|| format!("nobody is called {name}"))?;
                Actor::Representative(Representative {
                    id: person.id,
                    representative_type: RepresentativeType::Human,
                    display_name: person.display_name.clone(),
                })
            }
        })
    }
}

impl Line {
    fn body(&self) -> SubmissionBody {
        match (&self.say, &self.note, self.ask) {
            (Some(text), ..) => SubmissionBody::Message(Message::text(text)),
            (None, Some(text), _) => SubmissionBody::Note(Note { text: text.clone() }),
            (None, None, Some(Ask::Person)) => SubmissionBody::RequestHuman(RequestHuman::default()),
            (None, None, Some(Ask::Conversation)) => SubmissionBody::TakeOver(TakeOver {}),
            (None, None, Some(Ask::Close) | None) => SubmissionBody::Close(Close {}),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::Ipv4Addr;

    #[tokio::test]
    async fn the_demo_seeds_once_and_its_brand_is_really_verified() {
        let folder = tempfile::tempdir().unwrap();
        let start = async || {
            let shop = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
            let authority = format!("lykta.localhost:{}", shop.local_addr().unwrap().port());
            let config = Config::local(folder.path(), (Ipv4Addr::LOCALHOST, 1).into());
            (seed(&config, &authority, &format!("http://{authority}"), shop, None).await.unwrap(), config)
        };
        let (first, config) = start().await;
        assert_eq!(first.verification, Verification::Verified);
        // On other ports and with everything there already, the brand is verified anew and nothing is doubled.
        let (second, _) = start().await;
        assert_eq!(second.verification, Verification::Verified);
        assert_eq!(first.password, second.password);
        let store = Store::open(&Options::new(config.database_url())).await.unwrap();
        let brand: BrandId = BRAND.parse().unwrap();
        let people = store.representatives().of_brand(&brand).await.unwrap();
        assert_eq!(people.len(), PEOPLE.len());
        let hash = password::PasswordHash::from_stored(people[0].password_hash.clone());
        assert!(password::verify(&first.password, Some(&hash)));
        assert_eq!(store.canned_replies().of_brand(&brand).await.unwrap().len(), CANNED_REPLIES.len());
        assert_eq!(store.conversations().waiting(&brand).await.unwrap().len(), 2);
    }
}
