//! Runs any number of seeds and stops at the first that breaks a law, with its trace; or one seed, with its trace.
#![allow(clippy::print_stdout)]

use std::process::ExitCode;

use clap::Parser;
use simulation::{About, Bug, Options, Report, Seeds, run};

/// The whole pipeline under faults.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run this one alone and show its trace.
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// Threads; one for each processor where not said.
    #[arg(long)]
    threads: Option<usize>,
    /// Go on after a law is broken, and name each seed that breaks one.
    #[arg(long)]
    keep_going: bool,
    /// Plant a known bug, by its number from 1.
    #[arg(long)]
    bug: Option<usize>,
    /// Only shops whose tokens are replaced by each renewal, and functions that meet them ended at once.
    #[arg(long)]
    tokens: bool,
    /// Only merchants with goods at Amazon and another shop, who often send some there or have some sent from there.
    #[arg(long, conflicts_with = "tokens")]
    fba: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let bug = arguments.bug.and_then(|number| Bug::ALL.get(number.checked_sub(1)?).copied());
    let about = match arguments {
        Arguments { tokens: true, .. } => About::Tokens,
        Arguments { fba: true, .. } => About::Fba,
        _ => About::Everything,
    };
    let options = Options { bug, about };
    if let Some(seed) = arguments.seed {
        let report = run(seed, options);
        println!("{}\n\n{}\nhash {:016x}", report.trace, report.tally, report.hash);
        return verdict(report.broken.is_none());
    }
    let mut seeds = Seeds::of(arguments.from, arguments.seeds);
    seeds.threads = arguments.threads.unwrap_or(seeds.threads);
    let (mut done, mut broken) = (0_u64, 0_u64);
    let tally = seeds.run(options, |report| {
        done += 1;
        if let Some(law) = &report.broken {
            broken += 1;
            show(report, law, arguments.keep_going);
        }
        if done.is_multiple_of(1_000) {
            println!("{done} seeds, {broken} broken");
        }
        arguments.keep_going || broken == 0
    });
    println!("{done} seeds from {}, {broken} broken\n{tally}", arguments.from);
    verdict(broken == 0)
}

fn show(report: &Report, law: &str, briefly: bool) {
    if briefly {
        println!("seed {}: {law}", report.seed);
    } else {
        println!(
            "{}\n\nseed {seed} broke a law: {law}\nrun it again with --seed {seed}",
            report.trace,
            seed = report.seed
        );
    }
}

fn verdict(right: bool) -> ExitCode {
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
