//! The two databases behind one face: values go in by position, rows come out by column.
//!
//! sqlx's own `Any` driver would do the same, but copies every column of every row into a value of its own
//! and loses the types of nulls; two enums keep the concrete drivers and cost nothing.

use std::str::FromStr;

use portico_protocol::{BrandId, ConversationId, MessageId, ParticipantId, SessionId, Timestamp};
use sqlx::encode::IsNull;
use sqlx::postgres::{PgArguments, PgPool, PgRow};
use sqlx::sqlite::{SqliteArguments, SqlitePool, SqliteRow};
use sqlx::{
    Arguments as _, Decode, Encode, PgConnection, Postgres, Row as _, Sqlite, SqliteConnection, Type,
};
use sqlx::{SqlSafeStr, SqlStr};

use crate::StoreError;
use crate::template::Placeholder;

/// One positional argument. A null keeps its type: PostgreSQL wants to know it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Integer(Option<i64>),
    Boolean(Option<bool>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

impl Value {
    /// A null of the same type.
    pub(crate) const fn to_null(&self) -> Self {
        match self {
            Self::Integer(_) => Self::Integer(None),
            Self::Boolean(_) => Self::Boolean(None),
            Self::Text(_) => Self::Text(None),
            Self::Bytes(_) => Self::Bytes(None),
        }
    }
}

macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::database::Value::from($value)),*] };
}
pub(crate) use values;

macro_rules! into_value {
    ($($from:ty, $value:ident => $variant:ident($into:expr);)+) => { $(
        impl From<$from> for Value {
            fn from($value: $from) -> Self { Self::$variant(Some($into)) }
        }
        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self { Self::$variant(value.map(|$value| $into)) }
        }
    )+ };
}
into_value! {
    i64, value => Integer(value);
    // Saturates: "before the largest number there is" then means "before the end", as it should.
    u64, value => Integer(i64::try_from(value).unwrap_or(i64::MAX));
    Timestamp, value => Integer(value.as_millis());
    String, value => Text(without_nul(value));
    &str, value => Text(without_nul(value.to_owned()));
    &BrandId, value => Text(value.as_str().to_owned());
    Vec<u8>, value => Bytes(value);
    &[u8], value => Bytes(value.to_vec());
    [u8; 32], value => Bytes(value.to_vec());
    ConversationId, value => Bytes(value.as_bytes().to_vec());
    MessageId, value => Bytes(value.as_bytes().to_vec());
    ParticipantId, value => Bytes(value.as_bytes().to_vec());
    SessionId, value => Bytes(value.as_bytes().to_vec());
}

/// PostgreSQL has no U+0000 in texts and would refuse the whole statement: what a text means does not hang
/// on it, so both databases store the replacement character. JSON texts escape it and keep it.
fn without_nul(text: String) -> String {
    if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(Some(value))
    }
}

macro_rules! encode_value {
    ($database:ty, $buffer:ty) => {
        impl Encode<'_, $database> for Value {
            fn encode(self, buffer: &mut $buffer) -> Result<IsNull, sqlx::error::BoxDynError> {
                match self {
                    Self::Integer(value) => Encode::<$database>::encode(value, buffer),
                    Self::Boolean(value) => Encode::<$database>::encode(value, buffer),
                    Self::Text(value) => Encode::<$database>::encode(value, buffer),
                    Self::Bytes(value) => Encode::<$database>::encode(value, buffer),
                }
            }

            fn encode_by_ref(&self, buffer: &mut $buffer) -> Result<IsNull, sqlx::error::BoxDynError> {
                Encode::<$database>::encode(self.clone(), buffer)
            }

            fn produces(&self) -> Option<<$database as sqlx::Database>::TypeInfo> {
                Some(match self {
                    Self::Integer(_) => <i64 as Type<$database>>::type_info(),
                    Self::Boolean(_) => <bool as Type<$database>>::type_info(),
                    Self::Text(_) => <String as Type<$database>>::type_info(),
                    Self::Bytes(_) => <Vec<u8> as Type<$database>>::type_info(),
                })
            }
        }

        impl Type<$database> for Value {
            fn type_info() -> <$database as sqlx::Database>::TypeInfo {
                <String as Type<$database>>::type_info()
            }
        }
    };
}
encode_value!(Sqlite, <Sqlite as sqlx::Database>::ArgumentBuffer);
encode_value!(Postgres, <Postgres as sqlx::Database>::ArgumentBuffer);

/// A statement and its arguments.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) sql: SqlStr,
    pub(crate) values: Vec<Value>,
}

impl Statement {
    pub(crate) fn new(sql: impl SqlSafeStr, values: Vec<Value>) -> Self {
        Self { sql: sql.into_sql_str(), values }
    }
}

macro_rules! arguments {
    ($arguments:ty, $values:expr) => {{
        let values = $values;
        let mut arguments = <$arguments>::default();
        arguments.reserve(values.len(), values.len() * 24);
        for value in values {
            arguments.add(value).map_err(sqlx::Error::Encode)?;
        }
        arguments
    }};
}

/// What a statement gave back.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) rows_affected: u64,
    pub(crate) rows: Vec<Row>,
}

/// One connection, for the writer.
pub(crate) enum Connection {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Connection {
    /// Runs a statement whose rows do not matter; returns how many it changed.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64, sqlx::Error> {
        let Statement { sql, values } = statement;
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, arguments!(SqliteArguments, values));
                Ok(query.execute(connection).await?.rows_affected())
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, arguments!(PgArguments, values));
                Ok(query.execute(connection).await?.rows_affected())
            }
        }
    }

    /// Runs a statement and collects its rows.
    pub(crate) async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>, sqlx::Error> {
        let Statement { sql, values } = statement;
        match self {
            Self::Sqlite(connection) => {
                let query = sqlx::query_with(sql, arguments!(SqliteArguments, values));
                Ok(query.fetch_all(connection).await?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(connection) => {
                let query = sqlx::query_with(sql, arguments!(PgArguments, values));
                Ok(query.fetch_all(connection).await?.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Runs statements one after the other and collects all their rows.
    pub(crate) async fn fetch_all(&mut self, statements: Vec<Statement>) -> Result<Vec<Row>, sqlx::Error> {
        let mut rows = Vec::new();
        for statement in statements {
            rows.append(&mut self.fetch(statement).await?);
        }
        Ok(rows)
    }

    /// Runs a statement of either kind.
    pub(crate) async fn run(&mut self, statement: Statement) -> Result<Outcome, sqlx::Error> {
        if statement.sql.as_str().contains("RETURNING") {
            let rows = self.fetch(statement).await?;
            return Ok(Outcome { rows_affected: rows.len() as u64, rows });
        }
        Ok(Outcome { rows_affected: self.execute(statement).await?, rows: Vec::new() })
    }

    /// Runs a word of transaction control.
    pub(crate) async fn control(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop),
            Self::Postgres(connection) => sqlx::raw_sql(sql).execute(connection).await.map(drop),
        }
    }

    /// How generated rows write their parameters.
    pub(crate) const fn placeholder(&self) -> Placeholder {
        match self {
            Self::Sqlite(_) => Placeholder::Anonymous,
            Self::Postgres(_) => Placeholder::Numbered,
        }
    }

    /// Begins a transaction that will write. SQLite takes its lock at once: a transaction that has read
    /// cannot wait for another process's writer any more, it can only fail.
    pub(crate) async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let sql = match self {
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
            Self::Postgres(_) => "BEGIN",
        };
        self.control(sql).await
    }
}

/// Connections for readers.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// Runs a query and collects its rows.
    pub(crate) async fn fetch(
        &self,
        sql: impl SqlSafeStr,
        values: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let sql = sql.into_sql_str();
        Ok(match self {
            Self::Sqlite(pool) => {
                let query = sqlx::query_with(sql, arguments!(SqliteArguments, values));
                query.fetch_all(pool).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                let query = sqlx::query_with(sql, arguments!(PgArguments, values));
                query.fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Runs a query that has at most one row.
    pub(crate) async fn find(
        &self,
        sql: impl SqlSafeStr,
        values: Vec<Value>,
    ) -> Result<Option<Row>, StoreError> {
        Ok(self.fetch(sql, values).await?.into_iter().next())
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// One row of either database.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl std::fmt::Debug for Row {
    /// Rows hold words and addresses: they belong in no log.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Row(…)")
    }
}

/// What a column may hold.
pub(crate) trait Column<'r>:
    Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>
{
}
impl<'r, T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>> Column<'r> for T {}

impl Row {
    /// Reads the row's columns from the first on; `table` is named if one is bad.
    pub(crate) const fn columns(&self, table: &'static str) -> Columns<'_> {
        Columns { row: self, table, next: 0 }
    }

    fn get<'r, T: Column<'r>>(&'r self, index: usize) -> Result<T, sqlx::Error> {
        match self {
            Self::Sqlite(row) => row.try_get(index),
            Self::Postgres(row) => row.try_get(index),
        }
    }

    /// The first column in words, to name the row in an error.
    fn key(&self) -> String {
        let text = self.get::<String>(0);
        let text = text.or_else(|_| self.get::<i64>(0).map(|number| number.to_string()));
        text.or_else(|_| self.get::<&[u8]>(0).map(hex)).unwrap_or_else(|_| "an unreadable row".into())
    }
}

/// An id as people search for it, any other bytes as they are.
fn hex(bytes: &[u8]) -> String {
    match <[u8; 16]>::try_from(bytes) {
        Ok(id) => MessageId::from_bytes(id).to_string(),
        Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// Walks over the columns of a row in the order of its SELECT. Each step names the column it expects, so
/// that a bad one is reported by table, column and row.
pub(crate) struct Columns<'r> {
    row: &'r Row,
    table: &'static str,
    next: usize,
}

impl<'r> Columns<'r> {
    /// Passes over columns.
    pub(crate) const fn skip(&mut self, count: usize) {
        self.next += count;
    }

    /// The next column as it is.
    pub(crate) fn get<T: Column<'r>>(&mut self, column: &'static str) -> Result<T, StoreError> {
        let index = self.next;
        self.next += 1;
        self.row.get(index).map_err(|_| self.bad(column))
    }

    /// The next column as a count or a sequence number.
    pub(crate) fn number(&mut self, column: &'static str) -> Result<u64, StoreError> {
        let number = self.get::<i64>(column)?;
        u64::try_from(number).map_err(|_| self.bad(column))
    }

    /// The next column as a moment.
    pub(crate) fn at(&mut self, column: &'static str) -> Result<Timestamp, StoreError> {
        self.get::<i64>(column).map(Timestamp::from_millis)
    }

    /// The next column as a moment that may be absent.
    pub(crate) fn maybe_at(&mut self, column: &'static str) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.get::<Option<i64>>(column)?.map(Timestamp::from_millis))
    }

    /// The next column as an id or a hash of `N` bytes.
    pub(crate) fn bytes<const N: usize>(&mut self, column: &'static str) -> Result<[u8; N], StoreError> {
        self.get::<&[u8]>(column)?.try_into().map_err(|_| self.bad(column))
    }

    /// The next column as text that has a meaning.
    pub(crate) fn parse<T: FromStr>(&mut self, column: &'static str) -> Result<T, StoreError> {
        self.get::<&str>(column)?.parse().map_err(|_| self.bad(column))
    }

    /// The next column as JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(
        &mut self,
        column: &'static str,
    ) -> Result<T, StoreError> {
        serde_json::from_str(self.get::<&str>(column)?).map_err(|_| self.bad(column))
    }

    fn bad(&self, column: &'static str) -> StoreError {
        StoreError::BadRow { table: self.table, column, id: self.row.key() }
    }
}
