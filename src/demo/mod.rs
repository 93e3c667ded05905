//! `portico demo`: a server, a shop beside it that uses it as any site would, and a believable past.
//!
//! Nothing here is faked: the shop's brand is verified by the file that the shop serves, its flow is read by
//! the same code as every brand's, and the inbox was filled through the store's own writer.

mod seed;
mod shop;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use portico_protocol::Verification;
use tokio::net::TcpListener;

use crate::config::{Config, PublicUrl};

/// The shop's host. The chat's host is below it, as we advise every brand: then cookie, proof and address bar
/// agree, and the browser's cache serves both.
const SHOP_HOST: &str = "lykta.localhost";
const CHAT_HOST: &str = "chat.lykta.localhost";

/// Where the demo runs.
#[derive(Clone, Debug)]
pub struct Demo {
    /// Where the chat server listens; port 0 takes any.
    pub chat: SocketAddr,
    /// Where the shop listens; port 0 takes any.
    pub shop: SocketAddr,
    /// The folder for everything that is kept.
    pub data: PathBuf,
    /// How long the newest conversation shall be, if it is shorter.
    pub history: Option<u64>,
    /// The log filter.
    pub log: String,
}

/// A demo whose ports are taken and whose data is there: ready to serve.
#[derive(Debug)]
pub struct Prepared {
    /// The shop's address.
    pub shop_url: String,
    /// The studio's address.
    pub studio_url: String,
    /// Who may sign in to it, with the password for all of them.
    pub accounts: Vec<String>,
    /// The password.
    pub password: String,
    /// Whether the shop's brand was found to be proven.
    pub verification: Verification,
    listener: TcpListener,
    config: Config,
}

impl Demo {
    /// Takes the ports, starts the shop and makes sure of the data.
    ///
    /// # Errors
    /// A port is taken or the data folder cannot be used; the text says what to do.
    pub async fn prepare(self) -> Result<Prepared> {
        let listener = bind(self.chat, "--listen").await?;
        let shop = bind(self.shop, "--shop-listen").await?;
        let chat_port = listener.local_addr()?.port();
        let shop_authority = format!("{SHOP_HOST}:{}", shop.local_addr()?.port());

        let mut config = Config::local(&self.data, listener.local_addr()?);
        config.public_url =
            format!("http://{CHAT_HOST}:{chat_port}").parse().context("the chat's own address")?;
        config.log = self.log;
        let shop_url = format!("http://{shop_authority}");
        let seeded = seed::seed(&config, &shop_authority, &shop_url, shop, self.history).await?;
        Ok(Prepared {
            studio_url: studio_url(&config.public_url),
            shop_url,
            accounts: seeded.accounts,
            password: seeded.password,
            verification: seeded.verification,
            listener,
            config,
        })
    }
}

impl Prepared {
    /// The configuration that the server will run with.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Serves until `shutdown`.
    ///
    /// # Errors
    /// As [`crate::run`].
    pub async fn serve(self, shutdown: impl Future<Output = ()>) -> Result<()> {
        Ok(crate::run(self.listener, self.config, shutdown).await?)
    }
}

async fn bind(address: SocketAddr, flag: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!(
            "cannot listen on {address}: choose another with {flag}, or {flag} 127.0.0.1:0 for any free port"
        )
    })
}

fn studio_url(chat: &PublicUrl) -> String {
    chat.join("/studio")
}
