//! `portico brand`: brands, their proofs and their keys.

mod outside;
mod profile;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use portico_domain::brand::Finding;
use portico_protocol::{BrandId, Timestamp, Verification};
use portico_seal::challenge::{CHALLENGE_LABEL, date};
use portico_seal::manifest::MANIFEST_PATH;
use portico_seal::{KeyId, ManifestFile, PublicKey};
use portico_store::{Options, Store};
use serde_json::json;

use crate::cli::brand::profile::ProfileArguments;
use crate::clock;
use crate::config::{Config, Sources};
use crate::proof::dns::Resolvers;
use crate::proof::fetch::Reach;
use crate::proof::logo::Logo;
use crate::proof::look::Looker;
use crate::proof::name::{EmbedHost, Scope};
use crate::proof::settings::describe;
use crate::proof::{Brand, BrandDirectory, vault};

/// Adds brands, proves them, checks them, changes their keys
#[derive(Debug, clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    sources: Sources,
    /// Prints JSON for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Adds a brand and says which record its domain must publish
    Add {
        /// The name in addresses: lower-case letters, digits, hyphens
        id: BrandId,
        #[command(flatten)]
        profile: ProfileArguments,
    },
    /// Changes what people see of a brand
    Edit {
        /// The brand's name in addresses
        id: BrandId,
        #[command(flatten)]
        profile: ProfileArguments,
    },
    /// Lists all brands
    List,
    /// Shows a brand, its keys and its records
    Show {
        /// The brand's name in addresses
        id: BrandId,
    },
    /// Looks for the proof on the brand's domain now
    Verify {
        /// The brand's name in addresses
        id: BrandId,
        /// Undo an earlier `withdraw` first
        #[arg(long)]
        reinstate: bool,
    },
    /// Checks any brand from outside, without a database: domain, manifest, key, card, logo
    Check {
        /// The domain that the brand claims
        domain: String,
        /// The host on which its chat is, if the domain does not say
        #[arg(long)]
        host: Option<String>,
    },
    /// Judges test vectors: whole chains of proof that say what must come out
    Vectors {
        /// The folder with the vectors' JSON files, such as docs/verification/vectors
        folder: PathBuf,
    },
    /// Makes a new key beside the current one; it signs once the domain vouches for it
    RotateKey {
        /// The brand's name in addresses
        id: BrandId,
        /// A stolen or lost key: it counts no longer from this moment
        #[arg(long, value_name = "KEY")]
        revoke: Option<String>,
    },
    /// Takes a brand's verification back, at once
    Withdraw {
        /// The brand's name in addresses
        id: BrandId,
    },
    /// Prints the signed manifest, for the brand to publish on its domain
    Manifest {
        /// The brand's name in addresses
        id: BrandId,
    },
    /// Sets how the brand's back end signs who a visitor is
    Identity {
        /// The brand's name in addresses
        id: BrandId,
        /// Make a new secret for HS256 and print it, once; the one before counts no longer
        #[arg(long)]
        new_secret: bool,
        /// A public key for Ed25519, the x of its JWK; replaces all earlier ones
        #[arg(long, value_name = "X")]
        public_key: Vec<PublicKey>,
    },
}

/// What most commands need.
struct Session {
    directory: BrandDirectory,
    looker: Looker,
    scope: Scope,
    now: Timestamp,
    json: bool,
}

impl Command {
    pub(super) fn run(self) -> Result<()> {
        let config = self.sources.load()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            if let Action::Check { domain, host } = &self.action {
                return outside::check_brand(&config, domain, host.as_deref(), self.json).await;
            }
            if let Action::Vectors { folder } = &self.action {
                return outside::judge_vectors(folder);
            }
            std::fs::create_dir_all(&config.data)
                .with_context(|| format!("cannot use the data folder {}", config.data.display()))?;
            let store = Store::open(&Options::new(config.database_url()).for_tool()).await?;
            store.migrate().await?;
            let result = run_in_store(&config, store.clone(), self.action, self.json).await;
            store.close().await;
            result
        })
    }
}

async fn run_in_store(config: &Config, store: Store, action: Action, json: bool) -> Result<()> {
    let master = vault::load_or_create(&config.data, &mut clock::rng())?;
    let session = Session {
        directory: BrandDirectory::open(store, master, config.public_url.authority()).await?,
        looker: looker(config)?,
        scope: if config.development { Scope::Development } else { Scope::Public },
        now: clock::now(),
        json,
    };
    session.run(action).await
}

fn looker(config: &Config) -> Result<Looker> {
    let reach = if config.development { Reach::Development } else { Reach::Public };
    Ok(Looker::new(Resolvers::new(&config.dns_resolvers)?, reach))
}

impl Session {
    async fn run(&self, action: Action) -> Result<()> {
        let mut rng = clock::rng();
        match action {
            Action::Check { .. } | Action::Vectors { .. } => {
                unreachable!("needs no store and was run before")
            }
            Action::List => {
                self.list();
                Ok(())
            }
            Action::Show { id } => {
                self.show(&*self.find(&id)?);
                Ok(())
            }
            Action::Add { id, profile } => {
                let logo = profile.read_logo()?;
                let brand =
                    self.directory.add(&id, profile.complete(None, self.scope)?, self.now, &mut rng).await?;
                self.finish(&id, logo).await?;
                self.tell_next_steps(&brand, "Added");
                Ok(())
            }
            Action::Edit { id, profile } => {
                let logo = profile.read_logo()?;
                let before = self.find(&id)?;
                let profile = profile.complete(Some(&before.settings.profile), self.scope)?;
                let brand = self.directory.set_profile(&id, profile, self.now, &mut rng).await?;
                self.finish(&id, logo).await?;
                match brand.settings.challenge == before.settings.challenge {
                    true => self.show(&*self.find(&id)?),
                    false => self.tell_next_steps(&brand, "Changed the domain of"),
                }
                Ok(())
            }
            Action::Verify { id, reinstate } => self.verify(&id, reinstate).await,
            Action::RotateKey { id, revoke } => {
                let revoke = revoke.as_deref().map(KeyId::from);
                let (brand, key) =
                    self.directory.rotate_key(&id, revoke.as_ref(), self.now, &mut rng).await?;
                self.tell_next_steps(&brand, &format!("Made the key {key} for"));
                Ok(())
            }
            Action::Withdraw { id } => {
                self.directory.withdraw(&id, self.now).await?;
                self.say(&format!("{id} is withdrawn. A running server shows no tick within two seconds."));
                self.say(&format!("To undo it: portico brand verify {id} --reinstate"));
                Ok(())
            }
            Action::Manifest { id } => self.print_manifest(&id),
            Action::Identity { id, new_secret, public_key } => {
                self.set_identity(&id, new_secret, public_key, &mut rng).await
            }
        }
    }

    fn find(&self, id: &BrandId) -> Result<std::sync::Arc<Brand>> {
        self.directory.find(id).with_context(|| format!("there is no brand {id}; see `portico brand list`"))
    }

    async fn finish(&self, id: &BrandId, logo: Option<Logo>) -> Result<()> {
        if let Some(logo) = logo {
            self.directory.set_logo(id, &logo, self.now).await?;
        }
        Ok(())
    }

    async fn verify(&self, id: &BrandId, reinstate: bool) -> Result<()> {
        if reinstate {
            self.directory.reinstate(id, self.now).await?;
        }
        let (brand, finding) = self.directory.verify(id, &self.looker, self.now).await?;
        let state = brand.verification(self.now);
        if self.json {
            let is_found = matches!(finding, Finding::Vouched(_));
            print_json(
                &json!({ "brand": id, "verification": state, "isFound": is_found, "finding": describe(&finding) }),
            );
        } else {
            println!("{}: {}", brand.settings.profile.domain, describe(&finding));
            println!("{id} is {}.", state_name(state));
        }
        if state == Verification::Verified {
            return Ok(());
        }
        if state == Verification::Withdrawn && brand.settings.withdrawn_at.is_some() {
            bail!("{id} was withdrawn by its operator; undo it with `portico brand verify {id} --reinstate`");
        }
        self.tell_next_steps(&brand, "Still to prove:");
        bail!("{id} is not verified yet")
    }

    fn print_manifest(&self, id: &BrandId) -> Result<()> {
        let brand = self.find(id)?;
        let manifest = self.directory.manifest(id, self.now).context("the brand has no key that counts")?;
        print_json(&serde_json::to_value(ManifestFile { manifests: vec![manifest] })?);
        eprintln!("Publish this as https://{}{MANIFEST_PATH}", brand.settings.profile.domain);
        Ok(())
    }

    async fn set_identity(
        &self,
        id: &BrandId,
        new_secret: bool,
        public_keys: Vec<PublicKey>,
        rng: &mut impl rand::CryptoRng,
    ) -> Result<()> {
        if !new_secret && public_keys.is_empty() {
            let brand = self.find(id)?;
            let (secret, keys) = (brand.identity().secret.is_some(), brand.identity().public.len());
            self.say(&format!(
                "{id}: {} for HS256, {keys} keys for Ed25519",
                if secret { "a secret" } else { "no secret" }
            ));
            return Ok(());
        }
        if !public_keys.is_empty() {
            self.directory.set_identity_keys(id, public_keys, self.now).await?;
        }
        if new_secret {
            let secret = self.directory.new_identity_secret(id, self.now, rng).await?.reveal();
            if self.json {
                print_json(&json!({ "brand": id, "identitySecret": secret }));
            } else {
                println!("{secret}");
                eprintln!(
                    "Keep it on your back end. It signs JWTs with HS256: sub, exp (at most an hour), aud = {:?}",
                    self.directory.chat_host()
                );
            }
        }
        Ok(())
    }

    fn list(&self) {
        let brands = self.directory.all();
        if self.json {
            let line = |brand: &std::sync::Arc<Brand>| {
                let profile = &brand.settings.profile;
                json!({ "brand": brand.id, "name": profile.display_name, "domain": profile.domain.as_str(), "verification": brand.verification(self.now) })
            };
            return print_json(&brands.iter().map(line).collect());
        }
        for brand in &brands {
            let profile = &brand.settings.profile;
            println!(
                "{:<20} {:<14} {:<30} {}",
                brand.id.as_str(),
                state_name(brand.verification(self.now)),
                profile.domain.as_str(),
                profile.display_name
            );
        }
        if brands.is_empty() {
            println!(
                "There is no brand yet. Add one: portico brand add <id> --name … --domain … --privacy-url …"
            );
        }
    }

    fn show(&self, brand: &Brand) {
        let (profile, proof) = (&brand.settings.profile, &brand.proof);
        let state = state_name(brand.verification(self.now));
        let live: Vec<_> = brand.live_keys(self.now).iter().map(PublicKey::id).collect();
        if self.json {
            let card = self.directory.card(&brand.id, self.now);
            return print_json(
                &json!({ "card": card.as_deref(), "records": self.records(brand), "trouble": proof.trouble, "keys": live }),
            );
        }
        println!("{} ({})", profile.display_name, brand.id);
        println!(
            "  domain        {}{}",
            profile.domain,
            profile.domain.readable().map(|name| format!(" ({name})")).unwrap_or_default()
        );
        println!("  state         {state}");
        if let Some(at) = proof.seen_at {
            println!("  proof seen    {}", date::format_time(at));
        }
        if let Some(trouble) = &proof.trouble {
            println!("  last check    {trouble}");
        }
        println!("  chat          https://{}/c/{}", self.directory.chat_host(), brand.id);
        println!(
            "  embedded on   {}",
            profile.embed_hosts.iter().map(EmbedHost::as_str).collect::<Vec<_>>().join(", ")
        );
        for span in brand.key_spans() {
            let until =
                span.retired_at.map(|at| format!(", until {}", date::format_time(at))).unwrap_or_default();
            let mark = if live.contains(&span.id) { "" } else { ", counts no longer" };
            println!("  key           {} from {}{until}{mark}", span.id, date::format(span.created_at));
        }
        for record in self.records(brand) {
            println!("  TXT           {record}");
        }
    }

    fn tell_next_steps(&self, brand: &Brand, done: &str) {
        let (id, domain) = (&brand.id, &brand.settings.profile.domain);
        let records = self.records(brand);
        let file = brand.challenge_file(self.now);
        if self.json {
            return print_json(
                &json!({ "brand": id, "name": format!("{CHALLENGE_LABEL}.{domain}"), "records": records, "file": { "path": file.path, "body": file.body } }),
            );
        }
        println!("{done} {id}. Next, prove that {domain} vouches for it, in one of two ways:\n");
        if !domain.is_local() {
            println!("  DNS: publish at {CHALLENGE_LABEL}.{domain}, with a short TTL (300),");
            for record in &records {
                println!("    TXT \"{record}\"");
            }
            println!();
        }
        println!(
            "  Web: serve {}://{domain}{} with the text",
            if domain.is_local() { "http" } else { "https" },
            file.path
        );
        for line in file.body.lines() {
            println!("    {line}");
        }
        if records.len() > 1 {
            println!("\n  Publish all of these until the new key is seen; then remove all but the first.");
        }
        println!(
            "\nThen: portico brand verify {id}\nThe proof is looked for every six hours. Removing it ends the verification."
        );
    }

    fn records(&self, brand: &Brand) -> Vec<String> {
        let records = brand.challenge_records(self.directory.chat_host(), self.now);
        records.iter().map(ToString::to_string).collect()
    }

    /// For people only: programs get their own object.
    fn say(&self, text: &str) {
        if !self.json {
            println!("{text}");
        }
    }
}

fn state_name(state: Verification) -> &'static str {
    match state {
        Verification::Verified => "verified",
        Verification::Expired => "expired",
        Verification::NotVerified => "not verified",
        Verification::Withdrawn => "withdrawn",
    }
}

fn print_json(value: &serde_json::Value) {
    println!("{value:#}");
}
