//! `portico demo`.

use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Result;

use crate::demo::{Demo, Prepared};

const CHAT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7420);
const SHOP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 7421);

/// Starts a shop with a chat and a studio to answer in, on this machine alone
#[derive(Debug, clap::Args)]
pub(super) struct Command {
    /// Where the chat server listens; port 0 takes any
    #[arg(long, env = "PORTICO_LISTEN", value_name = "ADDRESS", default_value_t = CHAT)]
    listen: SocketAddr,
    /// Where the shop listens; port 0 takes any
    #[arg(long, value_name = "ADDRESS", default_value_t = SHOP)]
    shop_listen: SocketAddr,
    /// The folder for everything that is kept; delete it to begin anew
    #[arg(long, env = "PORTICO_DATA", value_name = "FOLDER", default_value = "data/demo")]
    data: PathBuf,
    /// Lengthens the newest conversation to so many entries: for measuring
    #[arg(long, hide = true, value_name = "ENTRIES")]
    history: Option<u64>,
    /// Which log lines are written
    #[arg(long, env = "PORTICO_LOG", value_name = "FILTER", default_value = "warn")]
    log: String,
}

impl Command {
    pub(super) fn run(self) -> Result<()> {
        let demo = Demo {
            chat: self.listen,
            shop: self.shop_listen,
            data: self.data,
            history: self.history,
            log: self.log,
        };
        tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
            let prepared = demo.prepare().await?;
            super::start_logging(prepared.config())?;
            tell(&prepared);
            prepared.serve(super::serve::asked_to_end()?).await
        })
    }
}

fn tell(demo: &Prepared) {
    let told = format!(
        "The shop     {}\n\
         The studio   {}\n             \
         sign in as {}\n             \
         with the password {}\n\
         The brand    is {:?}\n\
         Ctrl+C ends it.\n",
        demo.shop_url,
        demo.studio_url,
        demo.accounts.join(" or "),
        demo.password,
        demo.verification
    );
    // Whoever reads may have read enough: the demo runs on.
    let _ = std::io::stdout().write_all(told.as_bytes());
}
