//! What can go wrong between Portico and its database.

use std::path::PathBuf;
use std::sync::Arc;

use portico_domain::Refusal;
use sqlx::error::ErrorKind;

/// Clients try again after this, in milliseconds, when the queue of appends was full.
const OVERLOADED_RETRY_AFTER_MS: u64 = 250;
/// Clients try again after this, in milliseconds, when the database did not answer.
const UNAVAILABLE_RETRY_AFTER_MS: u64 = 2_000;

/// Why something could not be read or stored.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// More is waiting to be written than the writer takes on.
    #[error("too much is waiting to be stored")]
    Overloaded,
    /// The database did not answer, or could not store: disk full, locked, connection gone. Nothing was
    /// acknowledged; the same may succeed later.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] Arc<sqlx::Error>),
    /// A row holds what this program cannot have written.
    #[error("the database holds a bad row: {table}.{column} of {id}")]
    BadRow {
        /// The table.
        table: &'static str,
        /// The column that could not be understood.
        column: &'static str,
        /// The row's first key column.
        id: String,
    },
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// When the same may succeed, in milliseconds from now; `None`: not by itself.
    #[must_use]
    pub const fn retry_after_ms(&self) -> Option<u64> {
        match self {
            Self::Overloaded => Some(OVERLOADED_RETRY_AFTER_MS),
            Self::Unavailable(_) => Some(UNAVAILABLE_RETRY_AFTER_MS),
            Self::BadRow { .. } | Self::Closed => None,
        }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Unavailable(Arc::new(error))
    }
}

/// Why an append did not happen.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// The conversation's rules forbid it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It could not be stored; sending it again is safe.
    #[error(transparent)]
    Unavailable(#[from] StoreError),
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Neither `sqlite:` nor `postgres:`.
    #[error(
        "the database address must start with sqlite: or postgres://, for example sqlite:data/portico.db"
    )]
    UnknownScheme,
    /// Another server uses the same data folder.
    #[error("another server is running on this data folder (it holds {})", lock.display())]
    InUse {
        /// The lock file that the other server holds.
        lock: PathBuf,
    },
    /// The data folder could not be made or locked.
    #[error("could not use the data folder: {path}", path = path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database refused or could not be reached.
    #[error("could not open the database")]
    Database(#[from] sqlx::Error),
}

/// Why the schema could not be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// A newer Portico has used this database; this one would damage it.
    #[error(
        "the database has schema version {found}, this program knows up to {known}: \
         start the newer version, or restore a backup from before the upgrade"
    )]
    NewerSchema {
        /// The newest version in the database.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// A migration failed.
    #[error("could not migrate the database")]
    Failed(#[from] sqlx::migrate::MigrateError),
}

/// Why a value was not saved that must be unique.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SaveError {
    /// Another row has it already.
    #[error("the same {what} is in use already")]
    Taken {
        /// Which value: `email`, `shortcut`, …
        what: &'static str,
    },
    /// There are as many as may be.
    #[error("there are {limit} already, which is the limit")]
    Full {
        /// The limit.
        limit: usize,
    },
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a backup was not made.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// PostgreSQL has its own, better tools.
    #[error("a PostgreSQL database is backed up with pg_dump or by its own archiving")]
    NotSqlite,
    /// Something is there already; a backup overwrites nothing.
    #[error("{} is there already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The copy could not be written.
    #[error("could not write the backup")]
    Failed(#[from] sqlx::Error),
}

/// What a failed statement means for the batch that it was part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A value that must be unique is there already.
    NotUnique,
    /// Another transaction was faster; the same may succeed at once.
    LostRace,
    /// The connection is gone; a new one may work at once.
    Disconnected,
    /// The statement's own values are at fault: nothing else in the batch is.
    Values,
    /// The database cannot store at present: disk full, locked, shutting down.
    Unavailable,
}

/// The only place that interprets what a database says about its refusals.
pub(crate) fn fault_of(error: &sqlx::Error) -> Fault {
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::WorkerCrashed => Fault::Disconnected,
            sqlx::Error::Encode(_) => Fault::Values,
            _ => Fault::Unavailable,
        };
    };
    if database.kind() == ErrorKind::UniqueViolation {
        return Fault::NotUnique;
    }
    let code = database.code().unwrap_or_default();
    match &*code {
        // SQLSTATE: serialization failure, deadlock.
        "40001" | "40P01" => Fault::LostRace,
        // SQLSTATE: terminated by the administrator, crash of another back end.
        "57P01" | "57P02" => Fault::Disconnected,
        // SQLSTATE: data exceptions and other constraints have five places; SQLite's result codes: a text or
        // blob too big, and any other constraint (the low byte of an extended code is the kind).
        "18" => Fault::Values,
        _ if code.len() == 5 && (code.starts_with("22") || code.starts_with("23")) => Fault::Values,
        _ if code.parse::<u32>().is_ok_and(|code| code & 0xff == 19) => Fault::Values,
        _ => Fault::Unavailable,
    }
}

/// Whether `error` says that a value which must be unique is there already.
pub(crate) fn is_taken(error: &StoreError) -> bool {
    matches!(error, StoreError::Unavailable(error) if fault_of(error) == Fault::NotUnique)
}
