//! The console's pages with a large catalogue: `console-pages [listings, 100000 unless given]` prints what each costs, and fails
//! where one takes more CPU than it may. Times are this machine's: worth something from a release build alone.
#![allow(clippy::print_stdout)]

use std::time::{Duration, Instant};

/// Of a page's own work.
const BUDGET: Duration = Duration::from_millis(10);
/// Each page is asked for so often.
const TIMES: u32 = 200;

fn main() -> anyhow::Result<()> {
    let listings = std::env::args().nth(1).map_or(Ok(100_000), |size| size.parse())?;
    let begin = Instant::now();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let costs = runtime.block_on(bench::pages::measure(listings, TIMES))?;
    println!("{listings} listings; {} s, the filling included\n", begin.elapsed().as_secs());
    println!(
        "| page | requests to the table | read units | CPU, ms | of the embedded table beside, ms | KB sent |"
    );
    println!(
        "| ---- | --------------------- | ---------- | ------- | -------------------------------- | ------- |"
    );
    for cost in &costs {
        println!(
            "| {} | {} | {} | {} | {} | {} |",
            cost.page,
            cost.requests,
            cost.reads,
            tenths(cost.own.as_micros() / 100),
            tenths(cost.beside.as_micros() / 100),
            tenths(u128::try_from(cost.sent_bytes)? / 100)
        );
    }
    let late: Vec<&str> = costs.iter().filter(|cost| cost.own > BUDGET).map(|cost| cost.page).collect();
    anyhow::ensure!(late.is_empty(), "more than {} ms of CPU: {}", BUDGET.as_millis(), late.join(", "));
    Ok(())
}

fn tenths(tenths: u128) -> String {
    format!("{}.{}", tenths / 10, tenths % 10)
}
