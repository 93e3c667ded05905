//! Statements with a variable number of rows, in a few sizes so that each is prepared once.

use std::sync::{Arc, OnceLock};

use sqlx::AssertSqlSafe;

use crate::database::{Statement, Value};

/// How many rows the statements take. In between, the next larger one is filled up with rows of nulls, which
/// it passes over: a null costs less than one more statement. 256 rows of 14 columns stay well under SQLite's
/// 32,766 parameters.
const SIZES: [usize; 13] = [1, 2, 4, 8, 16, 24, 32, 48, 64, 96, 128, 192, 256];

/// How a parameter is written where rows are generated. SQLite understands `$1` too, but looks for a named
/// parameter from the first one on: with a thousand of them that took a quarter of an append's time.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Placeholder {
    /// `?`
    Anonymous,
    /// `$1`
    Numbered,
}

/// `head`, then as many rows of `columns` parameters as there are, then `tail`. The statement must ignore
/// rows whose first column is null.
pub(crate) struct Template {
    head: &'static str,
    columns: usize,
    tail: &'static str,
    texts: [[OnceLock<Arc<str>>; SIZES.len()]; 2],
}

impl Template {
    pub(crate) const fn new(head: &'static str, columns: usize, tail: &'static str) -> Self {
        Self { head, columns, tail, texts: [const { [const { OnceLock::new() }; SIZES.len()] }; 2] }
    }

    /// Statements that together take all rows, whose `values` stand one row after the other.
    pub(crate) fn statements(&self, values: Vec<Value>, placeholder: Placeholder) -> Vec<Statement> {
        debug_assert_eq!(values.len() % self.columns, 0, "every row has all columns");
        let largest = SIZES[SIZES.len() - 1] * self.columns;
        if values.len() > largest {
            let chunks = values.chunks(largest).map(<[Value]>::to_vec);
            return chunks.map(|values| self.statement(values, placeholder)).collect();
        }
        if values.is_empty() { Vec::new() } else { vec![self.statement(values, placeholder)] }
    }

    fn statement(&self, mut values: Vec<Value>, placeholder: Placeholder) -> Statement {
        let rows = values.len() / self.columns;
        let index = SIZES.partition_point(|size| *size < rows);
        let text = &self.texts[placeholder as usize][index];
        let text = text.get_or_init(|| self.text(SIZES[index], placeholder).into());
        // Nulls of the columns' own types: PostgreSQL prepares the statement for these.
        for index in 0..(SIZES[index] - rows) * self.columns {
            values.push(values[index % self.columns].to_null());
        }
        Statement::new(AssertSqlSafe(Arc::clone(text)), values)
    }

    fn text(&self, rows: usize, placeholder: Placeholder) -> String {
        let parameter = |number: usize| match placeholder {
            Placeholder::Anonymous => "?".to_owned(),
            Placeholder::Numbered => format!("${number}"),
        };
        let row = |row: usize| {
            let first = row * self.columns + 1;
            let parameters: Vec<_> = (first..first + self.columns).map(parameter).collect();
            format!("({})", parameters.join(", "))
        };
        let rows: Vec<_> = (0..rows).map(row).collect();
        format!("{}{}{}", self.head, rows.join(", "), self.tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::values;

    #[test]
    fn rows_are_filled_up_to_the_next_size_with_typed_nulls() {
        static TEMPLATE: Template = Template::new("SELECT * FROM (VALUES ", 2, ")");
        let rows = |count| vec![values![1_i64, "a"]; count].concat();
        let statements = TEMPLATE.statements(rows(3), Placeholder::Numbered);
        assert_eq!(statements.len(), 1);
        let expected = "SELECT * FROM (VALUES ($1, $2), ($3, $4), ($5, $6), ($7, $8))";
        assert_eq!(statements[0].sql.as_str(), expected);
        assert_eq!(statements[0].values[6..], [Value::Integer(None), Value::Text(None)]);
        let statements = TEMPLATE.statements(rows(1), Placeholder::Anonymous);
        assert_eq!(statements[0].sql.as_str(), "SELECT * FROM (VALUES (?, ?))");
        assert_eq!(TEMPLATE.statements(rows(600), Placeholder::Numbered).len(), 3);
        assert!(TEMPLATE.statements(rows(0), Placeholder::Numbered).is_empty());
    }
}
