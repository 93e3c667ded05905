//! The store: opening, closing, and the way to its nouns.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlx::AssertSqlSafe;

use crate::connect::Connector;
use crate::database::{Connection, Pool};
use crate::writer::Writer;
use crate::{
    Append, AppendError, Appended, BackupError, Brands, CannedReplies, Conversations, DeviceLinks, Entries,
    MigrateError, OpenError, Representatives, Sessions, Visitors, Watermarks, migration,
};

/// Connections for reading where nothing else is asked for.
const READERS: u32 = 4;
/// How long a write waits for a lock where nothing else is asked for.
const LOCK_FOR: Duration = Duration::from_secs(5);
/// The file that a server holds locked while it uses an SQLite database.
const LOCK_FILE: &str = "portico.lock";

/// Who opens a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The server: on SQLite there may be only one.
    Server,
    /// A command that changes or reads a few rows, also while the server runs.
    Tool,
}

/// Which database, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:<path>` or `postgres://…`.
    pub url: String,
    /// Who opens it.
    pub access: Access,
    /// At most this many connections for reading.
    pub readers_max: u32,
    /// How long a write waits for somebody else's lock before it is refused.
    pub lock_for: Duration,
}

impl Options {
    /// The database at `url`, opened by a server.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), access: Access::Server, readers_max: READERS, lock_for: LOCK_FOR }
    }

    /// The same, opened by a command beside the server.
    #[must_use]
    pub fn for_tool(mut self) -> Self {
        self.access = Access::Tool;
        self
    }
}

/// An open database. Clones share it.
#[derive(Clone, Debug)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    connector: Connector,
    pool: Pool,
    writer: Writer,
    /// Unlocked when the last clone is gone, by the system even after `kill -9`.
    _lock: Option<File>,
}

impl Store {
    /// Opens a database and starts its writer on the current runtime. An SQLite database and its folder
    /// are made if they are not there. Call [`Store::migrate`] before anything else.
    ///
    /// # Errors
    /// The address is of no known kind, the database cannot be reached, or another server uses it.
    pub async fn open(options: &Options) -> Result<Self, OpenError> {
        let connector = Connector::parse(&options.url, options.lock_for)?;
        let lock = match connector.path() {
            Some(path) => prepare_folder(&path, options.access)?,
            None => None,
        };
        // Fails here and now if the database cannot be reached, and lays a new SQLite file.
        drop(connector.connect_writer().await?);
        let pool = connector.pool(options.readers_max);
        let writer = Writer::start(connector.clone());
        Ok(Self { shared: Arc::new(Shared { connector, pool, writer, _lock: lock }) })
    }

    /// Brings the schema up to date. Several nodes may do so at once.
    ///
    /// # Errors
    /// A migration failed, or a newer version of this program has used the database.
    pub async fn migrate(&self) -> Result<(), MigrateError> {
        let connection = self.shared.connector.connect_writer().await;
        migration::run(connection.map_err(sqlx::migrate::MigrateError::from)?).await
    }

    /// Decides on a submission and stores what follows from it: committed and synced on return, in one
    /// commit with whatever else arrives meanwhile. Sending the same again gives the first result again.
    ///
    /// # Errors
    /// The conversation's rules refuse it, or it could not be stored; then nothing of it was.
    pub async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.shared.writer.append(append).await
    }

    /// The same without waiting: appends are stored in the order of these calls, and `reply` is called right
    /// after the commit, by the writer itself. It must be short and must not block; whoever asked may be gone
    /// by then, and others still learn what was stored.
    pub fn append_then(
        &self,
        append: Append,
        reply: impl FnOnce(Result<Appended, AppendError>) + Send + Sync + 'static,
    ) {
        self.shared.writer.append_then(append, Box::new(reply));
    }

    /// Stores what is queued and refuses what comes later. Clones see the same.
    pub async fn close(&self) {
        self.shared.writer.close().await;
        self.shared.pool.close().await;
    }

    /// Writes a consistent copy of an SQLite database to a new file, while the server runs.
    ///
    /// # Errors
    /// The database is not SQLite, the file is there already, or cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<(), BackupError> {
        if to.exists() {
            return Err(BackupError::Exists { path: to.to_owned() });
        }
        let Connection::Sqlite(mut connection) = self.shared.connector.connect_writer().await? else {
            return Err(BackupError::NotSqlite);
        };
        // The path is the operator's own word, quoted as SQL wants it; a parameter would do as well, but
        // VACUUM cannot be prepared by every SQLite.
        let path = to.to_string_lossy().replace('\'', "''");
        sqlx::raw_sql(AssertSqlSafe(format!("VACUUM INTO '{path}'"))).execute(&mut connection).await?;
        Ok(())
    }

    /// Whether the database answers, for a health check.
    ///
    /// # Errors
    /// It does not.
    pub async fn check(&self) -> Result<(), crate::StoreError> {
        self.shared.pool.fetch("SELECT 1", Vec::new()).await.map(drop)
    }

    /// Logs, read.
    #[must_use]
    pub fn entries(&self) -> Entries<'_> {
        Entries { pool: &self.shared.pool }
    }

    /// Conversations as states and lists.
    #[must_use]
    pub fn conversations(&self) -> Conversations<'_> {
        Conversations { pool: &self.shared.pool, writer: &self.shared.writer }
    }

    /// How far everybody has received and read.
    #[must_use]
    pub fn watermarks(&self) -> Watermarks<'_> {
        Watermarks { pool: &self.shared.pool, writer: &self.shared.writer }
    }

    /// Visitors.
    #[must_use]
    pub fn visitors(&self) -> Visitors<'_> {
        Visitors { pool: &self.shared.pool, writer: &self.shared.writer }
    }

    /// Sessions of visitors and representatives.
    #[must_use]
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions { pool: &self.shared.pool, writer: &self.shared.writer }
    }

    /// Representatives' accounts.
    #[must_use]
    pub fn representatives(&self) -> Representatives<'_> {
        Representatives { pool: &self.shared.pool, writer: &self.shared.writer }
    }

    /// Brands' ready-made texts.
    #[must_use]
    pub fn canned_replies(&self) -> CannedReplies<'_> {
        CannedReplies { pool: &self.shared.pool, writer: &self.shared.writer }
    }

    /// Brands, their keys and their proofs.
    #[must_use]
    pub fn brands(&self) -> Brands<'_> {
        Brands { pool: &self.shared.pool, writer: &self.shared.writer }
    }

    /// One-use links to continue on another device.
    #[must_use]
    pub fn device_links(&self) -> DeviceLinks<'_> {
        DeviceLinks { writer: &self.shared.writer }
    }
}

fn prepare_folder(database: &Path, access: Access) -> Result<Option<File>, OpenError> {
    let folder = match database.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let failed = |path: &Path| {
        let path = PathBuf::from(path);
        move |source| OpenError::Folder { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    if access == Access::Tool {
        return Ok(None);
    }
    let path = folder.join(LOCK_FILE);
    let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(failed(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { lock: path }),
        Err(TryLockError::Error(source)) => Err(OpenError::Folder { path, source }),
    }
}
