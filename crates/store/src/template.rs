//! Statements with a variable number of rows, in a few sizes so that each is prepared once.

use std::sync::{Arc, OnceLock};

use sqlx::AssertSqlSafe;
use sqlx::{SqlSafeStr as _, SqlStr};

/// Rows in the largest statement: 256 rows of 14 columns stay well under SQLite's 32,766 parameters.
const ROWS_MAX: usize = 256;
/// Powers of two from 1 to [`ROWS_MAX`].
const SIZES: usize = ROWS_MAX.ilog2() as usize + 1;

/// `head`, then as many rows of `columns` parameters as there are, then `tail`.
pub(crate) struct Template {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [OnceLock<Arc<str>>; SIZES],
}

impl Template {
    pub(crate) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { head, columns, tail, texts: [const { OnceLock::new() }; SIZES] }
    }

    /// The largest statement that takes at most `rows` rows (at least one), and how many it takes.
    pub(crate) fn at_most(&self, rows: usize) -> (SqlStr, usize) {
        let size = rows.clamp(1, ROWS_MAX).ilog2();
        let count = 1 << size;
        let text = self.texts[size as usize].get_or_init(|| self.text(count).into());
        (AssertSqlSafe(Arc::clone(text)).into_sql_str(), count)
    }

    fn text(&self, rows: usize) -> String {
        let row = |row: usize| {
            let first = row * self.columns + 1;
            let parameters: Vec<_> =
                (first..first + self.columns).map(|number| format!("${number}")).collect();
            format!("({})", parameters.join(", "))
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        format!("{}{}{}", self.head, rows.join(", "), self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_split_into_powers_of_two_with_numbered_parameters() {
        static TEMPLATE: Template = Template::new("INSERT INTO t VALUES ", 2, " RETURNING 1");
        let (sql, count) = TEMPLATE.at_most(3);
        assert_eq!((sql.as_str(), count), ("INSERT INTO t VALUES ($1, $2), ($3, $4) RETURNING 1", 2));
        assert_eq!(TEMPLATE.at_most(1).1, 1);
        assert_eq!(TEMPLATE.at_most(10_000).1, ROWS_MAX);
    }
}
