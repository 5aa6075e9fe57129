//! One suite for every queue: each law is a trial on each implementation, named `<implementation>::<law>`.
//!
//! The local queue is always tried, in memory and on a file. SQS is tried where `MASTERSTOCK_TEST_SQS_ENDPOINT` names
//! an endpoint (`.ci/engines start` starts one).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

mod bench;
mod law;
mod local_law;

use bench::{LocalBench, SqsBench};

const SQS_ENDPOINT: &str = "MASTERSTOCK_TEST_SQS_ENDPOINT";

fn trial<L: Send + 'static>(
    implementation: &str,
    law: &str,
    subject: L,
    run: impl FnOnce(L) -> anyhow::Result<()> + Send + 'static,
) -> Trial {
    Trial::test(format!("{implementation}::{law}"), move || {
        run(subject).map_err(|error| Failed::from(format!("{error:?}")))
    })
}

/// Runs to the end on a runtime of its own, so that no trial waits for another.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    if let [_, verb, path] = &arguments[..]
        && verb == local_law::WRITE_AND_ABORT
    {
        block_on(local_law::write_and_abort(Path::new(path)));
    }

    let mut trials = Vec::new();
    for (name, open) in
        [("local-memory", LocalBench::in_memory as fn() -> LocalBench), ("local-file", LocalBench::on_file)]
    {
        for (law, run) in law::ALL {
            trials.push(trial(name, law, *run, move |run| block_on(run(&open()))));
        }
        for (law, run) in local_law::ALL {
            trials.push(trial(name, law, *run, move |run| block_on(run(&open()))));
        }
    }
    for (law, run) in local_law::ON_FILE {
        trials.push(trial("local-file", law, *run, move |run| block_on(run(&LocalBench::on_file()))));
    }
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's own switch; nothing of it reaches the code under test"
    )]
    match std::env::var(SQS_ENDPOINT) {
        Ok(endpoint) => {
            for (law, run) in law::ALL {
                let endpoint = endpoint.clone();
                trials.push(trial("sqs", law, *run, move |run| {
                    block_on(async { run(&SqsBench::new(&endpoint).await?).await })
                }));
            }
        }
        Err(_) => eprintln!("SQS trials skipped: {SQS_ENDPOINT} names no endpoint"),
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
