//! How often somebody may do something: a token bucket without floats.

use portico_protocol::{Moment, Problem};

/// So many a minute on average, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Refilled evenly over a minute.
    pub per_minute: u32,
    /// What a rested bucket holds.
    pub burst: u32,
}

/// Submissions of one visitor's connection. A person types two or three messages a minute; who pastes
/// a list line by line still fits.
pub const VISITOR_SUBMISSIONS: Rate = Rate { per_minute: 60, burst: 20 };
/// Submissions of one representative's connection, who answers many conversations.
pub const PERSON_SUBMISSIONS: Rate = Rate { per_minute: 600, burst: 100 };
/// Frames of any kind for each submission that the same connection may make: `seen`, `typing`, `ping`.
pub const FRAMES_PER_SUBMISSION: u32 = 10;

/// One refill is `per_minute` units a millisecond, one use costs this many.
const UNITS: u64 = 60_000;

impl Rate {
    /// The same `times` as often.
    #[must_use]
    pub const fn times(self, times: u32) -> Self {
        Self { per_minute: self.per_minute.saturating_mul(times), burst: self.burst.saturating_mul(times) }
    }

    const fn units_max(self) -> u64 {
        self.burst as u64 * UNITS
    }
}

/// What is left of a [`Rate`] at some moment.
#[derive(Clone, Copy, Debug)]
pub struct TokenBucket {
    rate: Rate,
    units: u64,
    refilled_at: Moment,
}

impl TokenBucket {
    /// A rested bucket.
    #[must_use]
    pub const fn full(rate: Rate, now: Moment) -> Self {
        Self { rate, units: rate.units_max(), refilled_at: now }
    }

    /// Uses one.
    ///
    /// # Errors
    /// Nothing is left: how many milliseconds until there is.
    pub fn take(&mut self, now: Moment) -> Result<(), u64> {
        self.refill(now);
        if self.units >= UNITS {
            self.units -= UNITS;
            return Ok(());
        }
        Err((UNITS - self.units).div_ceil(u64::from(self.rate.per_minute.max(1))))
    }

    /// Whether nothing was used lately, so that forgetting this bucket changes nothing.
    #[must_use]
    pub fn is_full(&mut self, now: Moment) -> bool {
        self.refill(now);
        self.units == self.rate.units_max()
    }

    fn refill(&mut self, now: Moment) {
        let refill = now.millis_since(self.refilled_at).saturating_mul(u64::from(self.rate.per_minute));
        self.units = self.units.saturating_add(refill).min(self.rate.units_max());
        self.refilled_at = self.refilled_at.max(now);
    }
}

/// What somebody is told who did `what` too often: when to try again.
#[must_use]
pub fn too_often(what: &str, retry_after_ms: u64) -> Problem {
    let seconds = retry_after_ms.div_ceil(1000);
    Problem::new("rate-limited", 429, "Too many requests in a short time")
        .with_detail(format!("Too many {what}; try again in {seconds} s"))
        .with_retry_after_ms(retry_after_ms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_rested_bucket_gives_its_burst_and_then_says_how_long_to_wait() {
        let mut bucket = TokenBucket::full(Rate { per_minute: 60, burst: 3 }, Moment::default());
        for _ in 0..3 {
            assert_eq!(bucket.take(Moment::from_millis(5)), Ok(()));
        }
        assert_eq!(bucket.take(Moment::from_millis(5)), Err(1_000));
        assert_eq!(bucket.take(Moment::from_millis(1_004)), Err(1));
        assert_eq!(bucket.take(Moment::from_millis(1_005)), Ok(()));
    }

    proptest! {
        #[test]
        fn no_timing_gives_more_than_burst_plus_refill(
            per_minute in 1_u32..10_000, burst in 1_u32..100,
            steps in prop::collection::vec(0_u64..5_000, 1..300),
        ) {
            let mut bucket = TokenBucket::full(Rate { per_minute, burst }, Moment::default());
            let (mut now, mut taken) = (Moment::default(), 0_u64);
            for step in steps {
                now = now + step;
                taken += u64::from(bucket.take(now).is_ok());
            }
            let allowed = u64::from(burst) + now.as_millis() * u64::from(per_minute) / 60_000;
            prop_assert!(taken <= allowed, "{} taken, {} allowed", taken, allowed);
        }

        #[test]
        fn whoever_waits_as_told_is_served(per_minute in 1_u32..10_000, pause in 0_u64..100) {
            let mut bucket = TokenBucket::full(Rate { per_minute, burst: 1 }, Moment::default());
            prop_assert_eq!(bucket.take(Moment::default()), Ok(()));
            let now = Moment::from_millis(pause);
            if let Err(wait) = bucket.take(now) {
                prop_assert_eq!(bucket.take(now + wait), Ok(()));
            }
        }
    }
}
