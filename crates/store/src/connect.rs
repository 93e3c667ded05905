//! Connections and their settings.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::OpenError;
use crate::database::{Connection, Pool};

/// How often a file is tried to be opened, and how long apart.
const OPEN_ATTEMPTS_MAX: u32 = 40;
const OPEN_AGAIN_AFTER: Duration = Duration::from_millis(25);
const SQLITE_BUSY: &str = "5";
/// How long a reader waits for a free connection.
const ACQUIRE_WITHIN: Duration = Duration::from_secs(5);
/// SQLite's page cache per connection, in KiB.
const CACHE_KIB: i64 = 8_192;
/// Pages in SQLite's log past which commits move them into the database themselves: 128 MiB, which the
/// checkpoints beside the writer keep it below.
const LOG_PAGES_MAX: i64 = 32_768;

/// Makes connections to one database.
#[derive(Clone, Debug)]
pub(crate) enum Connector {
    Sqlite(SqliteConnectOptions),
    Postgres(PgConnectOptions),
}

impl Connector {
    pub(crate) fn parse(url: &str, lock_for: Duration) -> Result<Self, OpenError> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            return Ok(Self::Sqlite(sqlite_options(path.strip_prefix("//").unwrap_or(path), lock_for)));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url)?
                .application_name("portico")
                .options([("lock_timeout", lock_for.as_millis().to_string())])
                .disable_statement_logging();
            return Ok(Self::Postgres(options));
        }
        Err(OpenError::UnknownScheme)
    }

    /// Where an SQLite database lies.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        match self {
            Self::Sqlite(options) => Some(options.get_filename().to_owned()),
            Self::Postgres(_) => None,
        }
    }

    /// The connection through which everything is written.
    pub(crate) async fn connect_writer(&self) -> Result<Connection, sqlx::Error> {
        match self {
            Self::Sqlite(options) => Ok(Connection::Sqlite(open_file(options).await?)),
            Self::Postgres(options) => {
                // The writer finds rows by their keys only. Plans made while a table was empty would scan it
                // long after it is not.
                let options = options.clone().options([
                    ("enable_seqscan", "off"),
                    ("enable_hashjoin", "off"),
                    ("enable_mergejoin", "off"),
                ]);
                Ok(Connection::Postgres(sqlx::PgConnection::connect_with(&options).await?))
            }
        }
    }

    /// Connections for reading, made when they are needed.
    pub(crate) fn pool(&self, connections_max: u32) -> Pool {
        match self {
            Self::Sqlite(options) => {
                // A file cannot hang up: testing its connections would double the cost of a short query.
                let pool = PoolOptions::new().test_before_acquire(false);
                let pool = pool.max_connections(connections_max).acquire_timeout(ACQUIRE_WITHIN);
                Pool::Sqlite(pool.connect_lazy_with(options.clone().pragma("query_only", "1")))
            }
            Self::Postgres(options) => {
                let pool =
                    PoolOptions::new().max_connections(connections_max).acquire_timeout(ACQUIRE_WITHIN);
                Pool::Postgres(pool.connect_lazy_with(options.clone()))
            }
        }
    }
}

/// Opens a file, again where somebody is just closing it: the last connection tidies the log up under a lock
/// that SQLite does not wait for, whatever its timeout says.
async fn open_file(options: &SqliteConnectOptions) -> Result<sqlx::SqliteConnection, sqlx::Error> {
    for _ in 1..OPEN_ATTEMPTS_MAX {
        match options.connect().await {
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(SQLITE_BUSY) => {
                tokio::time::sleep(OPEN_AGAIN_AFTER).await;
            }
            result => return result,
        }
    }
    options.connect().await
}

fn sqlite_options(path: &str, lock_for: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(Path::new(path))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL, not NORMAL: acknowledged means synced.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(lock_for)
        .pragma("cache_size", (-CACHE_KIB).to_string())
        .pragma("wal_autocheckpoint", LOG_PAGES_MAX.to_string())
        // A statement of many rows keeps what it may have to undo: in memory, not in files made for it.
        .pragma("temp_store", "2")
        // What was redacted must not linger in free space.
        .pragma("secure_delete", "1")
        .disable_statement_logging()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// No test can cut the power: what survives that is asked of the database itself.
    #[tokio::test]
    async fn sqlite_syncs_every_commit_to_a_log_ahead() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("portico.db").display());
        let connector = Connector::parse(&url, Duration::ZERO).unwrap();
        let Connection::Sqlite(mut connection) = connector.connect_writer().await.unwrap() else {
            unreachable!("the address is of a file")
        };
        let synchronous: i64 =
            sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut connection).await.unwrap();
        let journal: String =
            sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut connection).await.unwrap();
        assert_eq!((synchronous, journal.as_str()), (2, "wal"), "2 is FULL");
    }
}
