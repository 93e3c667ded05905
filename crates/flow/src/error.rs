//! What is wrong in a flow file, with the line, so that it can be mended in one go.

use core::fmt;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong and what to do.
    pub reason: String,
}

/// All mistakes found, in the order of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct FlowErrors(pub Vec<FlowError>);

impl fmt::Display for FlowErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}line {}, column {}: {}", error.line, error.column, error.reason)?;
        }
        Ok(())
    }
}

impl FlowError {
    pub(crate) fn at(source: &str, offset: usize, reason: impl Into<String>) -> Self {
        let before = &source[..floor_char_boundary(source, offset)];
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, reason: reason.into() }
    }
}

fn floor_char_boundary(source: &str, offset: usize) -> usize {
    let mut boundary = offset.min(source.len());
    while !source.is_char_boundary(boundary) {
        boundary -= 1;
    }
    boundary
}
