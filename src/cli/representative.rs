//! `portico representative`: the accounts of people who answer.

use std::io::Read as _;

use anyhow::{Context, Result, bail};
use portico_protocol::BrandId;
use portico_store::{Options, RepresentativeRecord, Store};

use crate::account::{self, normalize_email};
use crate::clock;
use crate::config::Sources;

/// Adds, lists, disables and repairs accounts of representatives
#[derive(Debug, clap::Args)]
pub(super) struct Command {
    #[command(flatten)]
    sources: Sources,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Makes an account and prints its password, once
    Add(Add),
    /// Lists a brand's accounts
    List {
        /// The brand's name in addresses
        #[arg(long)]
        brand: BrandId,
    },
    /// Forbids an account to sign in, and ends its sessions
    Disable {
        /// The account's address
        email: String,
    },
    /// Allows a disabled account to sign in again
    Enable {
        /// The account's address
        email: String,
    },
    /// Gives an account a new password, prints it once, and ends its sessions
    ResetPassword {
        /// The account's address
        email: String,
        /// Read the new password from standard input instead of making one up
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    /// The address to sign in with
    email: String,
    /// The brand that this person answers for
    #[arg(long)]
    brand: BrandId,
    /// The name that visitors see
    #[arg(long)]
    name: String,
    /// Read the password from standard input instead of making one up
    #[arg(long)]
    password_stdin: bool,
}

impl Command {
    pub(super) fn run(self) -> Result<()> {
        let config = self.sources.load()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let store = Store::open(&Options::new(config.database_url()).for_tool()).await?;
            store.migrate().await?;
            let result = self.action.run(&store).await;
            store.close().await;
            result
        })
    }
}

impl Action {
    async fn run(self, store: &Store) -> Result<()> {
        match self {
            Self::Add(add) => add.run(store).await,
            Self::List { brand } => list(store, &brand).await,
            Self::Disable { email } => {
                let account = find(store, &email).await?;
                account::disable(store, account.id, clock::now()).await?;
                println!("{} can no longer sign in. Sessions ended: all.", account.email);
                Ok(())
            }
            Self::Enable { email } => {
                let account = find(store, &email).await?;
                store.representatives().set_disabled(account.id, None).await?;
                println!("{} can sign in again.", account.email);
                Ok(())
            }
            Self::ResetPassword { email, password_stdin } => {
                let account = find(store, &email).await?;
                let password = Password::choose(password_stdin)?;
                account::reset_password(store, account.id, &password.text, clock::now(), &mut clock::rng())
                    .await?;
                println!("{} has a new password; all its sessions are ended.", account.email);
                password.tell();
                Ok(())
            }
        }
    }
}

impl Add {
    async fn run(self, store: &Store) -> Result<()> {
        if store.brands().find(&self.brand).await?.is_none() {
            bail!("there is no brand {}: add it first with `portico brand add`", self.brand);
        }
        let password = Password::choose(self.password_stdin)?;
        let account = account::NewAccount {
            brand: self.brand,
            email: self.email,
            display_name: self.name,
            password: password.text.clone(),
        };
        let account = account.create(store, clock::now(), &mut clock::rng()).await?;
        println!("{} answers for {} as {}.", account.email, account.brand, account.display_name);
        password.tell();
        Ok(())
    }
}

/// A password, and whether the person at the terminal knows it already.
struct Password {
    text: String,
    is_made_up: bool,
}

impl Password {
    fn choose(from_stdin: bool) -> Result<Self> {
        if !from_stdin {
            return Ok(Self { text: account::password::make_up(&mut clock::rng()), is_made_up: true });
        }
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).context("cannot read the password from standard input")?;
        Ok(Self { text: text.trim_end_matches(['\r', '\n']).to_owned(), is_made_up: false })
    }

    fn tell(&self) {
        if self.is_made_up {
            println!("Password, shown this once: {}", self.text);
        }
    }
}

async fn find(store: &Store, email: &str) -> Result<RepresentativeRecord> {
    let email = normalize_email(email).map_err(anyhow::Error::msg)?;
    let found = store.representatives().find_by_email(&email).await?;
    found.with_context(|| format!("there is no account with the address {email}"))
}

async fn list(store: &Store, brand: &BrandId) -> Result<()> {
    let accounts = store.representatives().of_brand(brand).await?;
    if accounts.is_empty() {
        println!("Nobody answers for {brand} yet: add somebody with `portico representative add`.");
    }
    for account in accounts {
        let standing = if account.disabled_at.is_some() { "disabled" } else { "active" };
        println!("{}\t{}\t{standing}", account.email, account.display_name);
    }
    Ok(())
}
