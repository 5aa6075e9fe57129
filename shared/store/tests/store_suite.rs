//! The laws of the store, each on every engine that is there: `<engine>::<module>::<law>`.
//!
//! The embedded engine always is. Others are named in `MASTERSTOCK_TEST_DYNAMODB_ENDPOINTS`, as `name=url` with commas
//! between: `ministack=http://127.0.0.1:4566,dynamodb-local=http://127.0.0.1:8000`; what stands in for KMS likewise in
//! `MASTERSTOCK_TEST_KMS_ENDPOINTS`. One that is named and does not answer fails.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod suite;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let engines = suite::bench::engines();
    let mut trials = suite::trials(&engines);
    trials.extend(suite::kms::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}
