//! The simulation can fail: each known bug, planted, is found within a stated number of seeds, and is what was found.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use simulation::{About, Bug, Options, Seeds, run};

/// The bug, and within how many seeds it is found.
const PLANTED: [(Bug, u64); 6] = [
    (Bug::QuantityInMessage, 20),
    (Bug::AcknowledgedWithoutVersion, 30),
    (Bug::WatermarkBeforePage, 100),
    (Bug::CancelFirstIgnored, 20),
    (Bug::ReservedPerLine, 30),
    (Bug::RefreshWithoutLease, 10),
];

#[test]
fn each_planted_bug_is_found() {
    for (bug, within) in PLANTED {
        let about = if bug == Bug::RefreshWithoutLease { About::Tokens } else { About::Everything };
        let mut found = None;
        Seeds::of(0, within).run(Options { bug: Some(bug), about }, |report| {
            if let (Some(law), None) = (&report.broken, &found) {
                found = Some((report.seed, law.clone()));
            }
            found.is_none()
        });
        let (seed, law) = found.unwrap_or_else(|| panic!("{bug:?} is not found within {within} seeds"));
        let without = run(seed, Options { bug: None, about });
        assert_eq!(without.broken, None, "seed {seed} breaks a law without {bug:?} too");
        println!("{bug:?}: seed {seed}: {law}");
    }
}
