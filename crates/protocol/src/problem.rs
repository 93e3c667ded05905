//! What went wrong, told to machines and people (RFC 9457).

use serde::{Deserialize, Serialize};

use crate::json::wire;

/// One kind of problem. Clients match it; its page is served at `/problems/<code>`.
pub type ProblemCode = std::borrow::Cow<'static, str>;

/// An `application/problem+json` body; sockets carry the same in a frame.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `/problems/<code>` (RFC 9457 §3.1.1).
    #[serde(rename = "type")]
    pub kind: String,
    /// A short summary for people, the same for every occurrence.
    pub title: String,
    /// The HTTP status that fits, also where the problem travels in a frame.
    pub status: u16,
    /// What is wrong with this very request, and what to do next. Never holds message text or secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The member that is wrong, as a path: `message.text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The limit that was exceeded, in the limit's own unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The value found where a limit was exceeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<u64>,
    /// When trying again may help, in milliseconds from now. Absent: trying the same again will not help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Problem {
    /// A problem of the kind `code`, with its HTTP `status` and its `title`.
    #[must_use]
    pub fn new(code: &str, status: u16, title: &str) -> Self {
        Self {
            kind: ["/problems/", code].concat(),
            title: title.into(),
            status,
            detail: None,
            field: None,
            limit: None,
            found: None,
            retry_after_ms: None,
        }
    }

    /// The code that clients match: the last part of `kind`.
    #[must_use]
    pub fn code(&self) -> &str {
        self.kind.strip_prefix("/problems/").unwrap_or(&self.kind)
    }

    /// Whether sending the same again later can succeed.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.retry_after_ms.is_some()
    }

    /// Adds what is wrong with this request.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Names the member that is wrong.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says when to try again.
    #[must_use]
    pub const fn with_retry_after_ms(mut self, millis: u64) -> Self {
        self.retry_after_ms = Some(millis);
        self
    }

    /// `field` holds `found` where at most `limit` is allowed.
    #[must_use]
    pub fn too_long(field: &str, limit: usize, found: usize) -> Self {
        // Not by `format!`, which visitors would download.
        let count = |count: usize| crate::json::to_string(&(count as u64));
        let mut problem =
            Self::new("too-long", 400, "A value is longer than allowed").with_field(field).with_detail(
                [field, " has a length of ", &count(found), "; at most ", &count(limit), " is allowed"]
                    .concat(),
            );
        problem.limit = Some(limit as u64);
        problem.found = Some(found as u64);
        problem
    }

    /// `field` is missing or malformed; `detail` says how.
    #[must_use]
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new("invalid", 400, "A value is not valid").with_field(field).with_detail(detail)
    }
}

wire!(struct Problem { kind = "type", title, status, detail [optional], field [optional], limit [optional], found [optional], retry_after_ms [optional] });
