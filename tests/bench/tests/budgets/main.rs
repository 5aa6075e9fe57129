//! The counted benchmark: prints its tables and fails beyond a budget.
//!
//! A trial a file, one after the other, since memory is counted for the whole process.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use bench::Section;
use libtest_mimic::{Arguments, Trial};
use peak_alloc::PeakAlloc;

mod burst;
mod channel_calls;
mod console_pages;
mod listing_pages;
mod lower_bound;
mod memory;
mod order_units;
mod push_units;
mod shop;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

type Measured = Pin<Box<dyn Future<Output = anyhow::Result<Section>>>>;

type Named = (&'static str, fn() -> Measured);

const TRIALS: [Named; 8] = [
    ("channel_calls", || Box::pin(channel_calls::measure())),
    ("lower_bound", || Box::pin(lower_bound::measure())),
    ("listing_pages", || Box::pin(listing_pages::measure())),
    ("order_units", || Box::pin(order_units::measure())),
    ("push_units", || Box::pin(push_units::measure())),
    ("burst", || Box::pin(burst::measure())),
    ("console_pages", || Box::pin(console_pages::measure())),
    ("memory", || Box::pin(memory::measure())),
];

fn main() {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let tables = Arc::new(Mutex::new(Vec::<Section>::new()));
    let trial = |(name, measure): Named| {
        let tables = Arc::clone(&tables);
        Trial::test(name, move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let section = runtime.block_on(measure())?;
            let excesses = section.excesses();
            tables.lock().unwrap().push(section);
            if excesses.is_empty() { Ok(()) } else { Err(excesses.join("\n").into()) }
        })
    };
    let conclusion = libtest_mimic::run(&arguments, TRIALS.into_iter().map(trial).collect());
    for table in tables.lock().unwrap().iter() {
        println!("{table}");
    }
    conclusion.exit();
}
