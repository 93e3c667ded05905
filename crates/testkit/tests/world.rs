//! Ten thousand worlds, each a whole conversation of both halves under everything that goes wrong.
#![allow(clippy::unwrap_used, missing_docs)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use portico_testkit::{Plan, World};

/// How many seeds a run tries; `PORTICO_SEEDS` asks for another number.
const SEEDS: u64 = 10_000;

#[test]
fn a_calm_world_loses_nothing_and_stays_calm() {
    for seed in 0..20 {
        let report =
            World::planned(seed, Plan::calm()).run().unwrap_or_else(|violation| panic!("{violation}"));
        assert!(report.stored > 10, "seed {seed}: a world in which nothing is said proves nothing");
    }
}

#[test]
fn whatever_breaks_nothing_is_lost_doubled_or_reordered() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    if let Some(seed) = number("PORTICO_SEED") {
        let report = World::seeded(seed).traced().run().unwrap_or_else(|violation| panic!("{violation}"));
        println!("seed {seed}: {report:?}, {:?}", Plan::stormy(seed));
        return;
    }
    let seeds = number("PORTICO_SEEDS").unwrap_or(SEEDS);
    let (next, stored, failures) = (AtomicU64::new(0), AtomicU64::new(0), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(seed) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|seed| *seed < seeds)
                {
                    match try_seed(seed) {
                        Ok(entries) => stored.fetch_add(entries, Ordering::Relaxed),
                        Err(failure) => {
                            failures.lock().unwrap().push(failure);
                            next.fetch_add(seeds / 20, Ordering::Relaxed)
                        }
                    };
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(stored.into_inner() > seeds * 10, "these worlds were silent: nothing was tried");
}

fn try_seed(seed: u64) -> Result<u64, String> {
    match catch_unwind(AssertUnwindSafe(|| World::seeded(seed).run())) {
        Ok(Ok(report)) => Ok(report.stored as u64),
        Ok(Err(violation)) => Err(violation.to_string()),
        Err(_) => Err(format!("seed {seed} panicked: PORTICO_SEED={seed} cargo test -p portico-testkit")),
    }
}
