//! One instance for each test process, a fresh database for each test.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::instance::Instance;

/// The address of a new, empty database.
pub async fn fresh_database() -> String {
    static INSTANCE: OnceLock<Instance> = OnceLock::new();
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Crashes are tested by killing clients, not the server: it need not sync.
    let instance = INSTANCE.get_or_init(|| Instance::start(&[], "off"));
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let mut connection = PgConnection::connect(&instance.url("postgres")).await.unwrap();
    let create = AssertSqlSafe(format!("CREATE DATABASE {name} STRATEGY file_copy"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    instance.url(&name)
}
