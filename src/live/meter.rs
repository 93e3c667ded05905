//! What the live part counts.

use portico_domain::session::Outgoing;
use portico_store::{AppendError, Appended};
use prometheus::{IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::http::metrics::add;

/// Counters, resolved once: looking a label up costs more than counting.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) connections: IntGauge,
    stored: IntCounter,
    resent: IntCounter,
    refused: IntCounter,
    unavailable: IntCounter,
    frames_shared: IntCounter,
    frames_own: IntCounter,
}

impl Meter {
    pub(super) fn new(registry: &Registry) -> Self {
        let submissions =
            Opts::new("submissions_total", "What participants asked to append, by what became of it");
        let submissions = add(registry, IntCounterVec::new(submissions, &["outcome"]));
        let frames =
            Opts::new("frames_sent_total", "Frames sent, by whether they were encoded for one or for all");
        let frames = add(registry, IntCounterVec::new(frames, &["encoded"]));
        let connections =
            IntGauge::new("live_connections", "Live connections admitted: sockets and event streams");
        Self {
            connections: add(registry, connections),
            stored: submissions.with_label_values(&["stored"]),
            resent: submissions.with_label_values(&["resent"]),
            refused: submissions.with_label_values(&["refused"]),
            unavailable: submissions.with_label_values(&["unavailable"]),
            frames_shared: frames.with_label_values(&["for-all"]),
            frames_own: frames.with_label_values(&["for-one"]),
        }
    }

    pub(super) fn count_submission(&self, result: &Result<Appended, AppendError>) {
        match result {
            Ok(appended) if appended.was_duplicate => self.resent.inc(),
            Ok(_) => self.stored.inc(),
            Err(AppendError::Refused(_)) => self.refused.inc(),
            Err(AppendError::Unavailable(_)) => self.unavailable.inc(),
        }
    }

    pub(super) fn count_frame(&self, frame: &Outgoing) {
        match frame {
            Outgoing::Frame(_) => self.frames_own.inc(),
            Outgoing::Growth(..) => self.frames_shared.inc(),
        }
    }
}
