//! 500 seeds, and that a seed is a run.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use simulation::{Options, run};

#[test]
fn a_seed_runs_the_same_way_twice() {
    for seed in 0..3 {
        let (one, two) = (run(seed, Options::default()), run(seed, Options::default()));
        if one.hash != two.hash {
            let differs = one.trace.lines().zip(two.trace.lines()).find(|(a, b)| a != b);
            panic!("seed {seed} ran otherwise the second time: {differs:?}");
        }
    }
}
