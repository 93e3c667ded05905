//! The only place of the server that reads a clock or asks the system for randomness. Everything else is
//! told the time and given its dice, so that tests can choose both.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime};

use portico_protocol::{Moment, Timestamp};

static START: LazyLock<Instant> = LazyLock::new(read_steady_clock);

/// The calendar's time. Jumps when somebody sets the clock: never measure a duration with it.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
pub fn now() -> Timestamp {
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX))
}

/// A point on a clock that only goes forward, and that started with the process.
#[must_use]
pub fn moment() -> Moment {
    let elapsed = read_steady_clock().saturating_duration_since(*START);
    Moment::from_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
}

/// `at` as the runtime's timers count.
#[must_use]
pub fn instant(at: Moment) -> tokio::time::Instant {
    tokio::time::Instant::from_std(*START + Duration::from_millis(at.as_millis()))
}

/// Completes when [`moment`] reaches `at`; at once where that has passed.
pub async fn sleep_until(at: Moment) {
    tokio::time::sleep(Duration::from_millis(at.millis_since(moment()))).await;
}

/// Cryptographically secure randomness, seeded by the system.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system for randomness")]
pub fn rng() -> impl rand::CryptoRng {
    rand::rng()
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the steady clock")]
fn read_steady_clock() -> Instant {
    Instant::now()
}
