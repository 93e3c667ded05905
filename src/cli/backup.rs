//! `portico backup`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use portico_store::{Options, Store};

use crate::config::{Config, Sources};

/// What of the data folder is the running database's own: the copy of the database replaces it.
const DATABASE_FILES: [&str; 4] = ["portico.db", "portico.db-wal", "portico.db-shm", "portico.lock"];

/// Copies everything that must not be lost into a new folder, also while the server runs
#[derive(Debug, clap::Args)]
pub(super) struct Backup {
    #[command(flatten)]
    sources: Sources,
    /// The folder to make; to restore, serve with --data on a copy of it
    folder: PathBuf,
}

impl Backup {
    pub(super) fn run(self) -> Result<()> {
        let config = self.sources.load()?;
        if self.folder.exists() {
            bail!("{} is there already: name a folder that is not", self.folder.display());
        }
        make_private_folder(&self.folder)?;
        if config.database.is_none() {
            super::block_on(back_up_database(&config, &self.folder.join("portico.db")))?;
        }
        copy(&config.data, &self.folder, &DATABASE_FILES)?;
        println!(
            "Everything is in {}. It holds keys: keep it as safe as the original.",
            self.folder.display()
        );
        if config.database.is_some() {
            println!("The database itself is not in it: back it up with pg_dump.");
        }
        Ok(())
    }
}

async fn back_up_database(config: &Config, to: &Path) -> Result<()> {
    if !config.data.join("portico.db").exists() {
        bail!("{} holds no database: is --data the right folder?", config.data.display());
    }
    let store = Store::open(&Options::new(config.database_url()).for_tool()).await?;
    let result = store.backup(to).await;
    store.close().await;
    Ok(result?)
}

fn copy(from: &Path, to: &Path, except: &[&str]) -> Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let (source, target) = (entry.path(), to.join(&name));
        if except.iter().any(|except| name == *except) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            make_private_folder(&target)?;
            copy(&source, &target, &[])?;
        } else {
            // Keeps the permissions: those of the master key matter.
            fs::copy(&source, &target).with_context(|| format!("cannot copy {}", source.display()))?;
        }
    }
    Ok(())
}

fn make_private_folder(folder: &Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let made = fs::DirBuilder::new().mode(0o700).create(folder);
    made.with_context(|| format!("cannot make {}", folder.display()))
}
