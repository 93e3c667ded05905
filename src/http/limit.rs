//! How often one address, or one account, may ask for something costly.
//!
//! Memory is fixed whatever strangers do: a limit is a table of arrival times, in which each key owns two
//! slots found by a keyed hash. A key is refused only where both its slots are exhausted, so that two
//! strangers who share one slot do not share a fate; and nobody outside knows the hash's key, so nobody can
//! aim at somebody else's slots.

use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};

use portico_protocol::Moment;

use crate::http::problem::ApiError;

/// Slots of one limit; with 8 bytes each it takes 256 KiB. A power of two.
const SLOTS: usize = 1 << 15;
/// Network bits of an IPv6 address that a household or server usually holds as a whole (RFC 6177).
const IPV6_PREFIX_BITS: u32 = 64;

/// The limits of this process.
#[derive(Debug)]
pub struct Limits {
    /// Visitors' sessions opened or resumed, by address. Generous: whole offices share one address.
    pub visitor_sessions: Limit,
    /// Tickets for sockets, by address: a reconnecting client needs one each time.
    pub tickets: Limit,
    /// One-use links redeemed, by address: each try is a guess at a secret.
    pub redemptions: Limit,
}

impl Limits {
    /// The limits with those by address multiplied by `factor`: where many people share one address.
    #[must_use]
    pub fn scaled(factor: u32) -> Self {
        let by_address = |burst: u32, per_minute: u32| {
            Limit::new(burst.saturating_mul(factor), per_minute.saturating_mul(factor))
        };
        Self {
            visitor_sessions: by_address(60, 120),
            tickets: by_address(120, 240),
            redemptions: by_address(10, 10),
        }
    }
}

/// A rate for each key: so many at once, so many a minute in the long run.
#[derive(Debug)]
pub struct Limit {
    interval_us: u64,
    burst: u64,
    hashers: [RandomState; 2],
    /// For each slot the moment, in microseconds, at which its whole burst is available again.
    recovered_at_us: Box<[AtomicU64]>,
}

/// The limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted {
    /// How long until the next one is allowed.
    pub retry_after_ms: u64,
}

impl From<Exhausted> for ApiError {
    fn from(exhausted: Exhausted) -> Self {
        Self::too_many_requests(exhausted.retry_after_ms)
    }
}

impl Limit {
    /// At most `burst` at once and `per_minute` in the long run, for each key.
    ///
    /// # Panics
    /// `burst` or `per_minute` is zero: that would not be a limit but a wall.
    #[must_use]
    pub fn new(burst: u32, per_minute: u32) -> Self {
        assert!(burst > 0 && per_minute > 0, "a limit lets something through");
        Self {
            interval_us: (60_000_000 / u64::from(per_minute)).max(1),
            burst: u64::from(burst),
            hashers: [RandomState::new(), RandomState::new()],
            recovered_at_us: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Counts one more for `address`; all of an IPv6 /64 count as one.
    ///
    /// # Errors
    /// The limit is reached: nothing was counted.
    pub fn take_for_address(&self, now: Moment, address: IpAddr) -> Result<(), Exhausted> {
        self.take(now, household(address))
    }

    /// Counts one more for `key`.
    ///
    /// # Errors
    /// The limit is reached: nothing was counted.
    pub fn take(&self, now: Moment, key: impl Hash) -> Result<(), Exhausted> {
        let now_us = now.as_millis().saturating_mul(1_000);
        let slots = self.slots(&key);
        let recovered_at = |slot: &&AtomicU64| slot.load(Ordering::Relaxed).max(now_us);
        let after = slots.iter().map(recovered_at).min().unwrap_or(now_us) + self.interval_us;
        let over_us = after.saturating_sub(now_us + self.interval_us * self.burst);
        if over_us > 0 {
            return Err(Exhausted { retry_after_ms: over_us.div_ceil(1_000) });
        }
        for slot in slots {
            slot.fetch_max(after, Ordering::Relaxed);
        }
        Ok(())
    }

    fn slots(&self, key: &impl Hash) -> [&AtomicU64; 2] {
        self.hashers.each_ref().map(|hasher| {
            let index = usize::try_from(hasher.hash_one(key) % SLOTS as u64).expect("an index below SLOTS");
            &self.recovered_at_us[index]
        })
    }
}

/// What counts as one asker: an IPv4 address, or the network that an IPv6 household holds.
#[must_use]
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let mask = u128::MAX << (128 - IPV6_PREFIX_BITS);
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & mask))
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment::from_millis(1_000_000);

    #[test]
    fn a_burst_passes_then_one_an_interval() {
        let limit = Limit::new(3, 60);
        for _ in 0..3 {
            assert_eq!(limit.take(NOW, "a"), Ok(()));
        }
        assert_eq!(limit.take(NOW, "a"), Err(Exhausted { retry_after_ms: 1_000 }));
        assert_eq!(limit.take(NOW + 999, "a"), Err(Exhausted { retry_after_ms: 1 }));
        assert_eq!(limit.take(NOW + 1_000, "a"), Ok(()));
        assert!(limit.take(NOW + 1_000, "a").is_err());
    }

    #[test]
    fn waiting_as_long_as_told_is_always_enough() {
        let limit = Limit::new(2, 7);
        let mut now = NOW;
        for _ in 0..50 {
            if let Err(exhausted) = limit.take(now, 1) {
                now = now + exhausted.retry_after_ms;
                assert_eq!(limit.take(now, 1), Ok(()));
            }
        }
    }

    #[test]
    fn an_ipv6_network_counts_as_one_and_a_mapped_address_as_itself() {
        let limit = Limit::new(1, 1);
        let take = |text: &str| limit.take_for_address(NOW, text.parse().expect("an address")).is_ok();
        assert!(take("2001:db8:1:2::1"));
        assert!(!take("2001:db8:1:2:ffff::9"));
        assert!(take("2001:db8:1:3::1"));
        assert!(take("192.0.2.1"));
        assert!(!take("::ffff:192.0.2.1"));
        assert!(take("192.0.2.2"));
    }

    #[test]
    fn ten_thousand_strangers_hardly_hinder_one_another() {
        let limit = Limit::new(1, 1);
        let refused = (0..10_000_u32).filter(|stranger| limit.take(NOW, stranger).is_err()).count();
        // Both of a stranger's slots are taken with a chance that grows to (2 × 10,000 / 32,768)² at the end.
        assert!(refused < 1_500, "{refused} of 10,000 were refused at their first try");
    }
}
