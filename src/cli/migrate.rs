//! `portico migrate`.

use anyhow::Result;
use portico_store::{Options, Store};

use crate::config::Sources;

/// Brings the database's schema up to date; `serve` does so by itself
#[derive(Debug, clap::Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    sources: Sources,
}

impl Migrate {
    pub(super) fn run(self) -> Result<()> {
        let config = self.sources.load()?;
        super::block_on(async {
            let store = Store::open(&Options::new(config.database_url()).for_tool()).await?;
            let migrated = store.migrate().await;
            store.close().await;
            migrated?;
            println!("The database's schema is up to date.");
            Ok(())
        })
    }
}
