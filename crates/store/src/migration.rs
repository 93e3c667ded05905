//! The schema's history. Migrations only expand; what is no longer needed goes in a later release.

use std::borrow::Cow;

use sqlx::Connection as _;
use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

use crate::MigrateError;
use crate::database::Connection;

/// Version, name and text of every migration, oldest first. A text never changes once it was released:
/// the databases out there hold its checksum.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "conversations", include_str!("../migrations/0001_conversations.sql"))];

pub(crate) async fn run(connection: Connection) -> Result<(), MigrateError> {
    let migrator = migrator();
    let result = match connection {
        Connection::Sqlite(mut connection) => {
            let result = migrator.run_direct(None, &mut connection, false).await;
            connection.close().await.map_err(sqlx::migrate::MigrateError::from)?;
            result
        }
        Connection::Postgres(mut connection) => {
            let result = migrator.run_direct(None, &mut connection, false).await;
            connection.close().await.map_err(sqlx::migrate::MigrateError::from)?;
            result
        }
    };
    result.map_err(|error| match error {
        sqlx::migrate::MigrateError::VersionMissing(found) => {
            MigrateError::NewerSchema { found, known: known() }
        }
        error => error.into(),
    })
}

/// The newest version that this program knows.
fn known() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, ..)| *version)
}

fn migrator() -> Migrator {
    let migrations = MIGRATIONS.iter().map(|(version, name, sql)| {
        let (name, sql) = (Cow::Borrowed(*name), SqlStr::from_static(sql));
        Migration::new(*version, name, MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}
