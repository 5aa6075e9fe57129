//! Size, start, memory and first call of each compiled Lambda function: a table, and failure beyond a budget.
//!
//! `lambda-figures <folder of the binaries> <function>…`. Each is started several times against a stand-in of Lambda's
//! runtime API; a start ends when the function first asks for work. It is given one piece, and has called AWS, over TLS,
//! when the stand-in of AWS has read the call. The median is told, and the largest memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use anyhow::Context;
use aws::config::{VARIABLES, queue_variable};
use bench::{Budget, Section};
use domain::ChannelKind;
use engine::Units;
use queue::{QueueName, Work};

mod runtime_api;
mod work;

use runtime_api::{Identity, RuntimeApi, Seen};

/// The first start of all reads the binary from the disk and is left out.
const STARTS: usize = 7;
const START_MAX: Duration = Duration::from_secs(20);

const SIZE_MB_MAX: u64 = 20;
/// On a busy machine; Lambda gives a function of 512 MB a third of a core.
const START_MS_MAX: u64 = 200;
const MEMORY_MB_MAX: u64 = 32;
const FIRST_CALL_MS_MAX: u64 = 50;

struct Start {
    took: Duration,
    memory_kb: u64,
    /// CPU from being given the work to the first call of it.
    first_call: Duration,
}

fn main() -> anyhow::Result<ExitCode> {
    let mut arguments = env::args().skip(1);
    let folder = arguments.next().context("the folder of the binaries is missing")?;
    let mut section = Section::new("Lambda functions");
    let (identity, stream) = (Identity::new()?, work::stream()?);
    for function in arguments {
        let binary = Path::new(&folder).join(&function);
        let size = fs::metadata(&binary).with_context(|| format!("there is no {}", binary.display()))?.len();
        let event = work::first(&function, &stream)?;
        let once = || start(&binary, &function, &identity, &event);
        once()?;
        let starts = (0..STARTS).map(|_| once()).collect::<anyhow::Result<Vec<_>>>()?;
        let median = |of: fn(&Start) -> Duration| {
            let mut all: Vec<Duration> = starts.iter().map(of).collect();
            all.sort();
            all[STARTS / 2]
        };
        let memory_kb = starts.iter().map(|start| start.memory_kb).max().unwrap_or(0);
        let thousandths = |units: u128| Units::from_milli(u64::try_from(units).expect("a small number"));
        section.units(&function, "size, MB", Units::from_milli(size / 1_000), Budget::at_most(SIZE_MB_MAX));
        let took = thousandths(median(|start| start.took).as_micros());
        section.units(&function, "start, ms", took, Budget::at_most(START_MS_MAX));
        let memory = Units::from_milli(memory_kb * 1_024 / 1_000);
        section.units(&function, "memory at the first poll, MB", memory, Budget::at_most(MEMORY_MB_MAX));
        let first_call = thousandths(median(|start| start.first_call).as_micros());
        section.units(&function, "CPU of the first call, ms", first_call, Budget::at_most(FIRST_CALL_MS_MAX));
    }
    println!("{section}");
    let excesses = section.excesses();
    for excess in &excesses {
        println!("beyond its budget: {excess}");
    }
    Ok(if excesses.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn start(binary: &Path, function: &str, identity: &Identity, event: &str) -> anyhow::Result<Start> {
    let api = RuntimeApi::open(identity)?;
    let begun = Instant::now();
    let mut child = Command::new(binary)
        .env_clear()
        .envs(environment(function, &api, identity))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{function} could not be started"))?;
    let started = first_steps(&api, child.id(), begun, event);
    child.kill()?;
    child.wait()?;
    started.with_context(|| format!("{function} did not come to its first call"))
}

fn first_steps(api: &RuntimeApi, process: u32, begun: Instant, event: &str) -> anyhow::Result<Start> {
    let polled_at = match api.next(START_MAX) {
        Some(Seen::Poll(at)) => at,
        Some(Seen::Failed(why)) => anyhow::bail!("it did not start: {why}"),
        Some(Seen::Call) => anyhow::bail!("it called AWS before it had work, for no secret"),
        None => anyhow::bail!("it did not ask for work within {START_MAX:?}"),
    };
    let (memory_kb, before) = (peak_memory_kb(process)?, cpu(process)?);
    api.give(event.to_owned())?;
    match api.next(START_MAX) {
        Some(Seen::Call) => {}
        Some(Seen::Poll(_)) => anyhow::bail!("it was done without a call"),
        Some(Seen::Failed(why)) => anyhow::bail!("it failed: {why}"),
        None => anyhow::bail!("it called nobody within {START_MAX:?}"),
    }
    Ok(Start { took: polled_at - begun, memory_kb, first_call: cpu(process)?.saturating_sub(before) })
}

/// What Lambda and `template.yaml` set; every service of AWS is the stand-in too.
fn environment(function: &str, api: &RuntimeApi, identity: &Identity) -> BTreeMap<String, String> {
    let mut variables = BTreeMap::from([
        ("AWS_LAMBDA_RUNTIME_API".to_owned(), api.runtime()),
        ("AWS_LAMBDA_FUNCTION_NAME".to_owned(), function.to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION".to_owned(), "1".to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".to_owned(), "512".to_owned()),
        ("AWS_REGION".to_owned(), "eu-central-1".to_owned()),
        ("AWS_ACCESS_KEY_ID".to_owned(), "none".to_owned()),
        ("AWS_SECRET_ACCESS_KEY".to_owned(), "none".to_owned()),
        ("AWS_ENDPOINT_URL".to_owned(), api.aws()),
        ("SSL_CERT_FILE".to_owned(), identity.roots().display().to_string()),
    ]);
    for name in VARIABLES {
        let value = match name {
            "PUBLIC_URL" => "https://stock.example",
            "ENABLED_CHANNELS" => "amazon,ebay,etsy,shopify,woocommerce",
            "CUSTOM_ENDPOINTS" | "PRIVATE_ADDRESSES" => "false",
            "AMAZON_MARKETPLACES" => "US",
            "LOG_LEVEL" => "info",
            // As it is deployed by default; the stand-in's one secret is no list of applications.
            "APPLICATION_KEYS_SECRET" => "",
            _ => "bench",
        };
        variables.insert(name.to_owned(), value.to_owned());
    }
    for channel in ChannelKind::ALL {
        for work in Work::ALL {
            let queue = QueueName { work, channel };
            variables.insert(queue_variable(queue), format!("{}/{queue}", api.aws()));
        }
    }
    variables
}

/// The most that was resident so far.
fn peak_memory_kb(process: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    Ok(peak.trim().trim_end_matches("kB").trim().parse()?)
}

/// What all threads of the process have run so far.
fn cpu(process: u32) -> anyhow::Result<Duration> {
    let mut sum = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread that has ended meanwhile.
        let Ok(told) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
        let ran = told.split(' ').next().context("an empty schedstat")?;
        sum += Duration::from_nanos(ran.parse()?);
    }
    Ok(sum)
}
