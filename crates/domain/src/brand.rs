//! Whether a brand is proven: what is remembered of looking for its domain's proof, and what follows.
//!
//! Proof is never an event in the past but something found again and again: it is fresh for three days, looked
//! for every six hours, and gone at once when the domain says so. Not being able to look is not the same as
//! finding nothing: the first leaves a brand verified until the last proof is stale, the second ends it.

use portico_protocol::{Timestamp, Verification, VerificationMethod};
use portico_seal::KeyId;
use portico_seal::card::CARD_FOR_MS_MAX;

const HOUR_MS: i64 = 60 * 60 * 1000;

/// How long a proof counts after it was last seen, while nobody can say whether it is still there.
pub const FRESH_FOR_MS: i64 = 72 * HOUR_MS;
/// How often a proof that was found is looked for again. Published, so that a brand knows how soon removing
/// its record takes effect.
pub const RECHECK_AFTER_MS: i64 = 6 * HOUR_MS;
/// How soon it is looked for again when it was not found or could not be looked for.
pub const RETRY_AFTER_MS: i64 = 10 * 60 * 1000;
/// How long a brand without a fresh proof counts as expired; after that, as never verified.
pub const EXPIRED_FOR_MS: i64 = 30 * 24 * HOUR_MS;
/// How long a card counts: short enough that not renewing it is revocation.
pub const CARD_FOR_MS: i64 = 4 * HOUR_MS;
/// When a card is signed anew, counted from its signing: its readers always hold one with time left.
pub const CARD_RENEW_AFTER_MS: i64 = CARD_FOR_MS / 2;
/// How long the keys before the current one still count, once the domain vouches for it.
pub const KEY_OVERLAP_MS: i64 = 7 * 24 * HOUR_MS;

const _: () = assert!(CARD_FOR_MS <= CARD_FOR_MS_MAX && RECHECK_AFTER_MS < FRESH_FOR_MS);

/// What looking for a proof found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The domain vouches for one of the brand's keys.
    Vouched(Voucher),
    /// The domain was asked and vouches for none. The text says what it answered.
    Absent(String),
    /// Nobody can say: no answer, or answers that contradict each other. The text says which.
    Unclear(String),
}

/// How a domain vouches for a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// The newest of the brand's keys that the domain names.
    pub key: KeyId,
    /// Where it was found.
    pub method: VerificationMethod,
    /// Until when the domain means it, by its own word.
    pub until: Option<Timestamp>,
    /// How many resolvers of different operators gave the same answer.
    pub resolvers: u8,
    /// Whether all of them had validated DNSSEC signatures.
    pub is_dnssec: bool,
}

/// Who took a brand's verification back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithdrawnBy {
    /// The operator of this server. Only the operator undoes it.
    Operator,
    /// The domain, by ceasing to vouch. Vouching again undoes it.
    Domain,
}

/// All that is remembered of a brand's proof. The default is a brand that was never looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// What the domain last vouched for.
    pub voucher: Option<Voucher>,
    /// Since when it has done so without a gap.
    pub since: Option<Timestamp>,
    /// When that was last seen.
    pub seen_at: Option<Timestamp>,
    /// When anybody last looked.
    pub checked_at: Option<Timestamp>,
    /// What was wrong when somebody last looked; absent: nothing.
    pub trouble: Option<String>,
    /// When, and by whom, verification was taken back.
    pub withdrawn: Option<(Timestamp, WithdrawnBy)>,
}

impl Proof {
    /// What may be said of the brand at `now`. The clock may have been set in either direction since the proof
    /// was seen: a distance in time counts the same both ways, so no wrong clock makes a proof last for years.
    #[must_use]
    pub fn verification(&self, now: Timestamp) -> Verification {
        if self.withdrawn.is_some() {
            return Verification::Withdrawn;
        }
        let (Some(voucher), Some(seen_at)) = (&self.voucher, self.seen_at) else {
            return Verification::NotVerified;
        };
        let age = now.as_millis().abs_diff(seen_at.as_millis());
        let is_over = voucher.until.is_some_and(|until| now >= until);
        if age >= (FRESH_FOR_MS + EXPIRED_FOR_MS).unsigned_abs() {
            Verification::NotVerified
        } else if is_over || age >= FRESH_FOR_MS.unsigned_abs() {
            Verification::Expired
        } else {
            Verification::Verified
        }
    }

    /// Takes in what a look at `now` found.
    pub fn record(&mut self, now: Timestamp, finding: Finding) {
        let was = self.verification(now);
        self.checked_at = Some(now);
        match finding {
            Finding::Vouched(voucher) => {
                if was != Verification::Verified {
                    self.since = Some(now);
                }
                if matches!(self.withdrawn, Some((_, WithdrawnBy::Domain))) {
                    self.withdrawn = None;
                }
                self.voucher = Some(voucher);
                self.seen_at = Some(now);
                self.trouble = None;
            }
            Finding::Absent(reason) => {
                self.trouble = Some(reason);
                if self.voucher.is_some() {
                    self.withdrawn.get_or_insert((now, WithdrawnBy::Domain));
                }
            }
            Finding::Unclear(reason) => self.trouble = Some(reason),
        }
    }

    /// Takes verification back, at once and until [`Self::reinstate`].
    pub fn withdraw(&mut self, now: Timestamp) {
        self.withdrawn = Some((now, WithdrawnBy::Operator));
    }

    /// Undoes the operator's withdrawal and forgets what was seen before it: only a proof found from now on
    /// counts.
    pub fn reinstate(&mut self) {
        *self = Self { checked_at: self.checked_at, ..Self::default() };
    }

    /// When to look next; a time that has passed means now. A clock that was set back makes it now as well.
    #[must_use]
    pub fn next_check_at(&self, now: Timestamp) -> Timestamp {
        match self.checked_at {
            None => now,
            Some(checked_at) if checked_at > now => now,
            Some(checked_at) if self.trouble.is_some() => checked_at.plus_millis(RETRY_AFTER_MS),
            Some(checked_at) => checked_at.plus_millis(RECHECK_AFTER_MS),
        }
    }

    /// When a card signed at `now` expires: never after the proof that it speaks of.
    #[must_use]
    pub fn card_expires_at(&self, now: Timestamp) -> Timestamp {
        let card = now.plus_millis(CARD_FOR_MS);
        let (Verification::Verified, Some(seen_at)) = (self.verification(now), self.seen_at) else {
            return card;
        };
        // Seen in the future: the clock was set back, and the proof counts for as long as it did before.
        let stale = seen_at.min(now).plus_millis(FRESH_FOR_MS);
        let until = self.voucher.as_ref().and_then(|voucher| voucher.until);
        card.min(stale).min(until.unwrap_or(card))
    }
}

/// A brand's signing key, as far as choosing among several goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySpan {
    /// Which.
    pub id: KeyId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ceases or ceased to count; absent: it counts.
    pub retired_at: Option<Timestamp>,
}

impl KeySpan {
    /// Whether the key counts at `now`.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.retired_at.is_none_or(|retired_at| now < retired_at)
    }
}

/// The key to sign with at `now`: the one that the domain vouches for, so that whatever is signed can be
/// traced to the domain; before any proof, the oldest.
#[must_use]
pub fn signing_key<'a>(keys: &'a [KeySpan], proof: &Proof, now: Timestamp) -> Option<&'a KeySpan> {
    let live = || keys.iter().filter(|key| key.is_live(now));
    let vouched = proof.voucher.as_ref().and_then(|voucher| live().find(|key| key.id == voucher.key));
    vouched.or_else(|| live().min_by_key(|key| key.created_at))
}

/// The keys that may be retired now that the domain vouches for `vouched`: those made before it.
pub fn superseded_keys<'a>(keys: &'a [KeySpan], vouched: &KeyId) -> impl Iterator<Item = &'a KeySpan> {
    let vouched_from = keys.iter().find(|key| key.id == *vouched).map(|key| key.created_at);
    keys.iter()
        .filter(move |key| key.retired_at.is_none() && vouched_from.is_some_and(|at| key.created_at < at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const START: Timestamp = Timestamp::from_millis(1_795_000_000_000);
    const DAY_MS: i64 = 24 * HOUR_MS;

    fn vouched() -> Finding {
        Finding::Vouched(Voucher {
            key: "a".into(),
            method: VerificationMethod::Dns,
            until: None,
            resolvers: 2,
            is_dnssec: false,
        })
    }

    fn verified() -> Proof {
        let mut proof = Proof::default();
        proof.record(START, vouched());
        proof
    }

    #[track_caller]
    fn check(proof: &Proof, after_ms: i64, expected: Verification) {
        assert_eq!(proof.verification(START.plus_millis(after_ms)), expected, "after {after_ms} ms");
    }

    #[test]
    fn a_proof_that_nobody_can_look_for_expires_and_is_forgotten() {
        let mut proof = verified();
        proof.record(START.plus_millis(HOUR_MS), Finding::Unclear("no answer".into()));
        check(&proof, HOUR_MS, Verification::Verified);
        check(&proof, FRESH_FOR_MS - 1, Verification::Verified);
        check(&proof, FRESH_FOR_MS, Verification::Expired);
        check(&proof, FRESH_FOR_MS + EXPIRED_FOR_MS, Verification::NotVerified);
    }

    #[test]
    fn a_removed_proof_ends_verification_at_once_and_a_new_one_restores_it() {
        let mut proof = verified();
        proof.record(START.plus_millis(HOUR_MS), Finding::Absent("no such record".into()));
        check(&proof, HOUR_MS, Verification::Withdrawn);
        proof.record(START.plus_millis(2 * HOUR_MS), vouched());
        check(&proof, 2 * HOUR_MS, Verification::Verified);
        assert_eq!(proof.since, Some(START.plus_millis(2 * HOUR_MS)));
    }

    #[test]
    fn a_brand_that_was_never_proven_is_not_verified_rather_than_withdrawn() {
        let mut proof = Proof::default();
        proof.record(START, Finding::Absent("no such record".into()));
        check(&proof, 0, Verification::NotVerified);
        proof.record(START, Finding::Unclear("two answers".into()));
        check(&proof, 0, Verification::NotVerified);
    }

    #[test]
    fn what_the_operator_withdrew_stays_withdrawn_until_the_operator_reinstates_it() {
        let mut proof = verified();
        proof.withdraw(START);
        proof.record(START.plus_millis(1), vouched());
        check(&proof, 1, Verification::Withdrawn);
        proof.reinstate();
        check(&proof, 1, Verification::NotVerified);
        proof.record(START.plus_millis(2), vouched());
        check(&proof, 2, Verification::Verified);
    }

    #[test]
    fn a_record_counts_no_longer_than_its_own_expiry() {
        let mut proof = Proof::default();
        let Finding::Vouched(voucher) = vouched() else { unreachable!() };
        let until = Some(START.plus_millis(HOUR_MS));
        proof.record(START, Finding::Vouched(Voucher { until, ..voucher }));
        assert_eq!(proof.card_expires_at(START), START.plus_millis(HOUR_MS));
        check(&proof, HOUR_MS - 1, Verification::Verified);
        check(&proof, HOUR_MS, Verification::Expired);
    }

    #[test]
    fn no_wrong_clock_makes_a_proof_last() {
        let proof = verified();
        check(&proof, -HOUR_MS, Verification::Verified);
        check(&proof, -FRESH_FOR_MS, Verification::Expired);
        check(&proof, -365 * DAY_MS, Verification::NotVerified);
        let back = START.plus_millis(-HOUR_MS);
        assert_eq!(proof.next_check_at(back), back, "a clock set back means looking again at once");
    }

    #[test]
    fn checks_come_sooner_while_something_is_wrong() {
        let mut proof = Proof::default();
        assert_eq!(proof.next_check_at(START), START);
        proof.record(START, vouched());
        assert_eq!(proof.next_check_at(START), START.plus_millis(RECHECK_AFTER_MS));
        proof.record(START, Finding::Unclear("no answer".into()));
        assert_eq!(proof.next_check_at(START), START.plus_millis(RETRY_AFTER_MS));
    }

    #[test]
    fn the_key_that_the_domain_vouches_for_signs_and_older_ones_may_go() {
        let key = |id: &str, day: i64, retired: Option<i64>| KeySpan {
            id: id.into(),
            created_at: START.plus_millis(day * DAY_MS),
            retired_at: retired.map(|day| START.plus_millis(day * DAY_MS)),
        };
        let keys = [key("a", 0, None), key("b", 1, None), key("gone", -5, Some(0))];
        let signs = |proof: &Proof| signing_key(&keys, proof, START).map(|key| key.id.as_str());
        assert_eq!(signs(&Proof::default()), Some("a"));
        assert_eq!(signs(&verified()), Some("a"));
        let mut rotated = verified();
        rotated.voucher.as_mut().unwrap().key = "b".into();
        assert_eq!(signs(&rotated), Some("b"));
        rotated.voucher.as_mut().unwrap().key = "gone".into();
        assert_eq!(signs(&rotated), Some("a"));
        let superseded =
            |id: &str| superseded_keys(&keys, &id.into()).map(|key| key.id.as_str()).collect::<Vec<_>>();
        assert_eq!(superseded("b"), ["a"]);
        assert!(superseded("a").is_empty() && superseded("unknown").is_empty());
    }

    fn finding() -> impl Strategy<Value = Finding> {
        prop_oneof![
            Just(vouched()),
            Just(Finding::Absent("gone".into())),
            Just(Finding::Unclear("no answer".into())),
        ]
    }

    proptest! {
        /// Whatever happened before: the tick needs a proof seen within three days, nothing said against it
        /// since, and no withdrawal. A card never outlives that.
        #[test]
        fn only_a_fresh_uncontradicted_proof_is_verified(
            steps in prop::collection::vec((finding(), -DAY_MS..2 * DAY_MS), 1..20),
            after in -10 * DAY_MS..10 * DAY_MS,
        ) {
            let (mut proof, mut now, mut last) = (Proof::default(), START, None);
            for (finding, step) in steps {
                now = now.plus_millis(step);
                match finding {
                    Finding::Vouched(_) => last = Some(now),
                    Finding::Absent(_) => last = None,
                    Finding::Unclear(_) => {}
                }
                proof.record(now, finding);
            }
            let at = now.plus_millis(after);
            if proof.verification(at) == Verification::Verified {
                let seen = last.expect("something was seen and not contradicted");
                prop_assert!((at.as_millis() - seen.as_millis()).abs() < FRESH_FOR_MS);
                let expires_at = proof.card_expires_at(at);
                prop_assert!(expires_at > at && expires_at <= at.plus_millis(CARD_FOR_MS));
                prop_assert_eq!(proof.verification(expires_at.plus_millis(-1)), Verification::Verified);
            }
        }
    }
}
