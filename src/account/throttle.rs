//! Slows down those who guess passwords, and hardly anybody else.
//!
//! Failures are counted under three keys. *One account from one address*: five free attempts, then waits
//! that double. *One address*, whatever the account: thirty free, against one machine that tries many
//! accounts. *One account*, whatever the address: a hundred free, and never more than a minute's wait, so
//! that a botnet cannot lock the representative out for long; that person is not made to wait by the
//! failures of others until then.
//!
//! An attempt counts from its start, so that a hundred at once are a hundred, and only success takes it
//! back. Counts live in memory: a restart forgives, and each node counts for itself.

use std::collections::HashMap;
use std::net::IpAddr;

use portico_protocol::Moment;

use crate::http::limit::household;

/// Most keys remembered. At 100 bytes each this is 2 MB; past it, the longest-idle half is forgotten.
pub const KEYS_MAX: usize = 20_000;
/// A key without attempts for this long is forgiven, in milliseconds.
pub const FORGIVEN_AFTER_MS: u64 = 60 * 60 * 1000;
/// The longest wait for one address, in milliseconds.
pub const WAIT_MS_MAX: u64 = 15 * 60 * 1000;
/// The longest wait for an account that many addresses try, in milliseconds.
pub const ACCOUNT_WAIT_MS_MAX: u64 = 60 * 1000;

const FREE_PER_PAIR: u32 = 5;
const FREE_PER_ADDRESS: u32 = 30;
const FREE_PER_ACCOUNT: u32 = 100;

/// Counts failed sign-ins.
#[derive(Debug, Default)]
pub struct SignInThrottle {
    records: HashMap<Key, Record>,
}

/// An attempt that was let through: hand it to [`SignInThrottle::forgive`] if it succeeds.
#[derive(Debug)]
pub struct Attempt {
    keys: [Key; 3],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Pair(IpAddr, String),
    Address(IpAddr),
    Account(String),
}

#[derive(Clone, Copy, Debug)]
struct Record {
    attempts: u32,
    last_at: Moment,
}

impl SignInThrottle {
    /// Lets an attempt on `account` (normalised) from `address` begin, and counts it.
    ///
    /// # Errors
    /// How long to wait before trying again, in milliseconds. Refused attempts do not lengthen the wait.
    pub fn begin(&mut self, now: Moment, account: &str, address: IpAddr) -> Result<Attempt, u64> {
        let address = household(address);
        let account = account.to_owned();
        let keys = [Key::Pair(address, account.clone()), Key::Address(address), Key::Account(account)];
        let wait = keys.iter().map(|key| self.wait_ms(now, key)).max().unwrap_or(0);
        if wait > 0 {
            return Err(wait);
        }
        self.make_room(now);
        for key in &keys {
            let record = self.records.entry(key.clone()).or_insert(Record { attempts: 0, last_at: now });
            record.attempts = if is_forgiven(record, now) { 1 } else { record.attempts.saturating_add(1) };
            record.last_at = now;
        }
        Ok(Attempt { keys })
    }

    /// The attempt was the right password: its own count is cleared. What others did stays counted.
    pub fn forgive(&mut self, attempt: &Attempt) {
        for key in &attempt.keys {
            match (key, self.records.get_mut(key)) {
                (Key::Pair(..), Some(_)) => drop(self.records.remove(key)),
                (_, Some(record)) => record.attempts = record.attempts.saturating_sub(1),
                (_, None) => {}
            }
        }
    }

    fn wait_ms(&self, now: Moment, key: &Key) -> u64 {
        let Some(record) = self.records.get(key).filter(|record| !is_forgiven(record, now)) else { return 0 };
        let (free, longest) = match key {
            Key::Pair(..) => (FREE_PER_PAIR, WAIT_MS_MAX),
            Key::Address(_) => (FREE_PER_ADDRESS, WAIT_MS_MAX),
            Key::Account(_) => (FREE_PER_ACCOUNT, ACCOUNT_WAIT_MS_MAX),
        };
        let Some(doublings) = record.attempts.checked_sub(free) else { return 0 };
        let wait = 1000_u64.saturating_mul(1 << doublings.min(20)).min(longest);
        wait.saturating_sub(now.millis_since(record.last_at))
    }

    fn make_room(&mut self, now: Moment) {
        if self.records.len() + 3 <= KEYS_MAX {
            return;
        }
        self.records.retain(|_, record| !is_forgiven(record, now));
        if self.records.len() + 3 > KEYS_MAX {
            let mut times: Vec<Moment> = self.records.values().map(|record| record.last_at).collect();
            let (_, median, _) = times.select_nth_unstable(KEYS_MAX / 2);
            let median = *median;
            self.records.retain(|_, record| record.last_at > median);
        }
    }
}

fn is_forgiven(record: &Record, now: Moment) -> bool {
    now.millis_since(record.last_at) >= FORGIVEN_AFTER_MS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn at(seconds: u64) -> Moment {
        Moment::from_millis(seconds * 1000)
    }

    fn address(index: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(0x0A00_0000 + index))
    }

    #[test]
    fn the_sixth_guess_waits_and_each_further_one_twice_as_long() {
        let mut throttle = SignInThrottle::default();
        for _ in 0..5 {
            throttle.begin(at(0), "ada@lumen.example", HERE).unwrap();
        }
        assert_eq!(throttle.begin(at(0), "ada@lumen.example", HERE).unwrap_err(), 1000);
        // Asking again while waiting does not make it longer.
        assert_eq!(throttle.begin(at(0), "ada@lumen.example", HERE).unwrap_err(), 1000);
        throttle.begin(at(1), "ada@lumen.example", HERE).unwrap();
        assert_eq!(throttle.begin(at(1), "ada@lumen.example", HERE).unwrap_err(), 2000);
        let mut now = 1;
        for _ in 0..40 {
            now += WAIT_MS_MAX / 1000;
            throttle.begin(at(now), "ada@lumen.example", HERE).unwrap();
        }
        assert_eq!(throttle.begin(at(now), "ada@lumen.example", HERE).unwrap_err(), WAIT_MS_MAX);
    }

    #[test]
    fn the_right_password_clears_the_count_and_an_hour_forgives() {
        let mut throttle = SignInThrottle::default();
        for _ in 0..4 {
            throttle.begin(at(0), "ada@lumen.example", HERE).unwrap();
        }
        let attempt = throttle.begin(at(0), "ada@lumen.example", HERE).unwrap();
        throttle.forgive(&attempt);
        for _ in 0..5 {
            throttle.begin(at(1), "ada@lumen.example", HERE).unwrap();
        }
        assert!(throttle.begin(at(1), "ada@lumen.example", HERE).is_err());
        throttle.begin(at(1 + FORGIVEN_AFTER_MS / 1000), "ada@lumen.example", HERE).unwrap();
    }

    #[test]
    fn one_machine_that_tries_many_accounts_is_slowed_down() {
        let mut throttle = SignInThrottle::default();
        for index in 0..30 {
            throttle.begin(at(0), &format!("{index}@lumen.example"), HERE).unwrap();
        }
        assert!(throttle.begin(at(0), "ada@lumen.example", HERE).is_err());
        throttle.begin(at(0), "ada@lumen.example", address(1)).unwrap();
    }

    #[test]
    fn many_machines_cannot_lock_an_account_for_more_than_a_minute() {
        let mut throttle = SignInThrottle::default();
        for index in 0..100 {
            throttle.begin(at(0), "ada@lumen.example", address(index)).unwrap();
        }
        for round in 0..60 {
            let now = at(round * 60);
            let _ = throttle.begin(now, "ada@lumen.example", address(1000 + u32::try_from(round).unwrap()));
            let wait = throttle.begin(now, "ada@lumen.example", HERE).err().unwrap_or(0);
            assert!(wait <= ACCOUNT_WAIT_MS_MAX, "{wait}");
        }
    }

    #[test]
    fn neighbours_in_one_ipv6_network_count_as_one() {
        let mut throttle = SignInThrottle::default();
        for index in 0..5_u128 {
            let address = std::net::Ipv6Addr::from_bits(0x2001_0db8 << 96 | index);
            throttle.begin(at(0), "ada@lumen.example", address.into()).unwrap();
        }
        let neighbour = std::net::Ipv6Addr::from_bits(0x2001_0db8 << 96 | 99);
        assert!(throttle.begin(at(0), "ada@lumen.example", neighbour.into()).is_err());
    }

    #[test]
    fn memory_is_bounded_however_many_addresses_try() {
        let mut throttle = SignInThrottle::default();
        for index in 0..40_000 {
            let _ = throttle.begin(at(u64::from(index)), &format!("{index}@lumen.example"), address(index));
            assert!(throttle.records.len() <= KEYS_MAX);
        }
    }
}
