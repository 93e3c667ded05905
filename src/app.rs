//! What every handler may use.

use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;

use portico_domain::session::Rates;
use portico_protocol::{BrandCard, BrandId, Timestamp};
use portico_store::{Options, Store};

use crate::account::Accounts;
use crate::bot::Bots;
use crate::closing::Closing;
use crate::config::Config;
use crate::http::asset::Assets;
use crate::http::limit::Limits;
use crate::http::metrics::Metrics;
use crate::http::tls::TlsError;
use crate::live::{Hub, Relays};
use crate::proof::BrandDirectory;
use crate::proof::dns::Resolvers;
use crate::proof::fetch::Reach;
use crate::proof::look::Looker;
use crate::proof::vault::{self, MasterKeyError};

/// The running server.
#[derive(Debug)]
pub struct App {
    /// How representatives sign in.
    pub accounts: Accounts,
    /// Who answers before people do.
    pub bots: Arc<Bots>,
    /// Whom it speaks for.
    pub brands: BrandDirectory,
    /// How it looks for proofs of brands.
    pub looker: Looker,
    /// What the operator wanted.
    pub config: Config,
    /// How it ends.
    pub closing: Closing,
    /// What it serves as it is: the apps, the loader.
    pub assets: Assets,
    /// How often one address may ask for costly things.
    pub limits: Limits,
    /// What it counts.
    pub metrics: Metrics,
    /// What it must not forget.
    pub store: Store,
    /// Everything live: who appends goes through it, who listens hears by it.
    pub hub: Arc<Hub>,
    /// Live connections without sockets.
    pub(crate) relays: Arc<Relays>,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The data folder cannot be used.
    #[error(
        "cannot use the data folder {folder}: {source}. Create it for the user that runs portico, or choose another with --data"
    )]
    Folder {
        /// The folder.
        folder: String,
        /// Why.
        source: std::io::Error,
    },
    /// The master key cannot be used.
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    /// The database cannot be read.
    #[error("cannot read the database")]
    Unreadable(#[from] portico_store::StoreError),
    /// The database cannot be opened.
    #[error(transparent)]
    Database(#[from] portico_store::OpenError),
    /// The database's schema cannot be brought up to date.
    #[error(transparent)]
    Schema(#[from] portico_store::MigrateError),
}

impl App {
    /// Opens everything that the server needs.
    ///
    /// # Errors
    /// Something cannot be opened: see [`OpenError`].
    pub async fn open(config: Config) -> Result<Self, OpenError> {
        // Conversations and keys are nobody else's business on this machine.
        let mut private = std::fs::DirBuilder::new();
        private
            .recursive(true)
            .mode(0o700)
            .create(&config.data)
            .map_err(|source| OpenError::Folder { folder: config.data.display().to_string(), source })?;
        let store = Store::open(&Options::new(config.database_url())).await?;
        store.migrate().await?;
        let master = vault::load_or_create(&config.data, &mut crate::clock::rng())?;
        let brands = BrandDirectory::open(store.clone(), master, config.public_url.authority()).await?;
        let bots = Arc::new(Bots::load(&config.data));
        let metrics = Metrics::default();
        let rates = Rates::default().times(config.connection_limit_factor);
        let hub = Arc::new(Hub::open(store.clone(), Arc::clone(&bots), rates, &metrics.registry).await?);
        Ok(Self {
            brands,
            hub,
            relays: Arc::default(),
            looker: looker(&config),
            accounts: Accounts::default(),
            bots,
            store,
            closing: Closing::default(),
            assets: Assets::load(),
            limits: Limits::scaled(config.address_limit_factor),
            metrics,
            config,
        })
    }
}

impl App {
    /// The brand's card with its bot's name and greeting in the language `locale`.
    #[must_use]
    pub fn brand_card(&self, brand: &BrandId, locale: &str, now: Timestamp) -> Option<BrandCard> {
        let card = self.brands.card(brand, now)?;
        let policy = self.bots.policy(brand, locale);
        Some(BrandCard {
            bot_name: policy.bot.as_ref().map(|bot| bot.display_name.clone()),
            greeting: policy.greeting.clone(),
            ..(*card).clone()
        })
    }
}

/// Without resolvers the server still serves, and proofs grow old.
fn looker(config: &Config) -> Looker {
    let resolvers = Resolvers::new(&config.dns_resolvers).unwrap_or_else(|error| {
        tracing::warn!(%error, "Proofs of brands cannot be looked for: {error}");
        Resolvers::none()
    });
    Looker::new(resolvers, if config.development { Reach::Development } else { Reach::Public })
}
