//! Seeds under the laws, in the README's test command; and that a seed is a run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use simulation::{Options, Seeds, run};

const SEEDS: u64 = 500;

#[test]
fn a_seed_runs_the_same_way_twice() {
    for seed in [1, 5, 22, 33, 111, 333] {
        let (one, two) = (run(seed, Options::default()), run(seed, Options::default()));
        if one.hash != two.hash {
            let differs = one.trace.lines().zip(two.trace.lines()).find(|(a, b)| a != b);
            panic!("seed {seed} ran otherwise the second time: {differs:?}");
        }
    }
}

#[test]
fn no_law_is_broken() {
    let mut broken = None;
    let tally = Seeds::of(0, SEEDS).run(Options::default(), |report| {
        if report.broken.is_some() {
            broken = Some((report.seed, report.trace.clone()));
        }
        broken.is_none()
    });
    if let Some((seed, trace)) = broken {
        panic!("{trace}\n\nagain with: cargo run -p simulation -- --seed {seed}");
    }
    assert_eq!(tally.stale_numbers + tally.given_back, 0, "units that the hub oversold");
    println!("{tally}");
}
