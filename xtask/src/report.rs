//! Tables of measured values against their targets.

use serde::{Deserialize, Serialize};

/// One measured value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What was measured, with its unit.
    pub(crate) what: String,
    /// The value.
    pub(crate) measured: f64,
    /// What it must be at most (or at least, see `is_floor`).
    pub(crate) target: Option<f64>,
    /// Whether `target` is the least that is wanted.
    pub(crate) is_floor: bool,
}

impl Row {
    /// A value that is only told.
    pub(crate) fn told(what: impl Into<String>, measured: f64) -> Self {
        Self { what: what.into(), measured, target: None, is_floor: false }
    }

    /// A value that should be at most `target`.
    pub(crate) fn at_most(what: impl Into<String>, measured: f64, target: f64) -> Self {
        Self { what: what.into(), measured, target: Some(target), is_floor: false }
    }

    /// A value that should be at least `target`.
    pub(crate) fn at_least(what: impl Into<String>, measured: f64, target: f64) -> Self {
        Self { what: what.into(), measured, target: Some(target), is_floor: true }
    }

    /// Whether the target is met; a value without one always is.
    pub(crate) fn is_met(&self) -> bool {
        self.target.is_none_or(
            |target| if self.is_floor { self.measured >= target } else { self.measured <= target },
        )
    }
}

/// Prints `rows` with a mark at those that miss their target.
pub(crate) fn print(title: &str, rows: &[Row]) {
    let width = rows.iter().map(|row| row.what.chars().count()).max().unwrap_or(0).max(title.chars().count());
    println!("\n{title:<width$}  {:>12}  {:>12}", "measured", "target");
    for row in rows {
        let sign = if row.is_floor { "≥" } else { "≤" };
        let target = row.target.map(|target| format!("{sign} {}", number(target))).unwrap_or_default();
        let mark = if row.is_met() { "" } else { "  ← missed" };
        println!("{:<width$}  {:>12}  {target:>12}{mark}", row.what, number(row.measured));
    }
}

fn number(value: f64) -> String {
    if value.fract().abs() < 0.005 || value.abs() >= 1_000.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
