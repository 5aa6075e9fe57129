//! The simulation can fail: each known bug, planted, is found within a stated number of seeds.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use simulation::{Bug, Options, Seeds};

/// The bug, within how many seeds it is found, and what tells of it.
const PLANTED: [(Bug, u64, &str); 6] = [
    (Bug::QuantityInMessage, 40, "a stale number"),
    (Bug::AcknowledgedWithoutVersion, 60, "must show"),
    (Bug::WatermarkBeforePage, 200, "never came"),
    (Bug::CancelFirstIgnored, 60, "never came"),
    (Bug::ReservedPerLine, 20, "by the model"),
    (Bug::RefreshWithoutLease, 400, "needs authorization"),
];

#[test]
fn each_planted_bug_is_found() {
    for (bug, within, expected) in PLANTED {
        let mut found = None;
        Seeds::of(0, within).run(Options { bug: Some(bug) }, |report| {
            let law = report.broken.as_ref().filter(|law| law.contains(expected));
            if let (Some(law), None) = (law, &found) {
                found = Some((report.seed, law.clone()));
            }
            found.is_none()
        });
        let (seed, law) = found.unwrap_or_else(|| panic!("{bug:?} is not found within {within} seeds"));
        println!("{bug:?}: seed {seed}: {law}");
    }
}
