//! What a catalogue's size costs: `scale 1000 10000 100000` counts calls, units, memory and time for as many items, each
//! listed in three shops, through a first sync, one change of every level, one change of one, and a reconciliation.
//!
//! The database is a file, as on one machine. Time is what this machine takes, told for orientation; the rest is the same
//! everywhere.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::print_stdout)]

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context;
use app::connection_settings::SettingsPatch;
use bench::catalogue::Catalogue;
use bench::{BenchClock, Wire, World};
use domain::ChannelKind;
use domain::sync::SyncKind;
use engine::Engine;
use peak_alloc::PeakAlloc;
use store::connection::Connection;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const SHOPS: usize = 3;
const ON_HAND: i64 = 50;
const MB: usize = 1_000_000;

fn main() -> anyhow::Result<()> {
    let sizes: Vec<usize> = std::env::args()
        .skip(1)
        .map(|size| size.parse().with_context(|| format!("{size} is no number of items")))
        .collect::<anyhow::Result<_>>()?;
    anyhow::ensure!(!sizes.is_empty(), "say how many items: scale 1000 10000");
    println!("| items | work | calls | read units | write units | memory, MB | seconds |");
    println!("| ----- | ---- | ----- | ---------- | ----------- | ---------- | ------- |");
    for size in sizes {
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run(size))?;
    }
    Ok(())
}

struct Scale {
    world: World,
    items: usize,
}

async fn run(items: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let shops: Vec<Arc<Catalogue>> = (0..SHOPS).map(|_| Arc::new(Catalogue::new(items, 7))).collect();
    let served = shops.clone();
    let wire = Wire::new(move |request| {
        let host = request.uri().host().unwrap_or_default();
        let shop = host.strip_prefix("shop-").and_then(|rest| rest.split('.').next()?.parse::<usize>().ok());
        served[shop.expect("one of the shops")].answer(&request)
    });
    let engine = Engine::open(folder.path().join("table"))?;
    let scale = Scale { world: World::on(engine, BenchClock::default(), wire).await?, items };
    let world = &scale.world;

    scale
        .step("items made, with opening stock", async || {
            for n in 0..items {
                world.item(n, ON_HAND).await?;
            }
            Ok(())
        })
        .await?;
    let mut connections: Vec<Connection> = Vec::new();
    scale
        .step("first sync of three shops: listed, linked, told", async || {
            for shop in 0..SHOPS {
                let credentials = [("consumer_key", "ck_test"), ("consumer_secret", "cs_test")];
                let credentials = credentials.map(|(field, value)| (field.to_owned(), value.to_owned()));
                let endpoint = format!("https://shop-{shop}.example");
                let connection = world
                    .connect_at(&endpoint, ChannelKind::Woocommerce, credentials, SettingsPatch::default())
                    .await?;
                world.settle(&connection).await?;
                connections.push(connection);
            }
            Ok(())
        })
        .await?;
    scale.all_show(&shops, ON_HAND)?;
    let ids = world.items(&connections[0]).await?;
    scale
        .step("every level changed: all told", async || {
            world.adjust(&ids, -1).await?;
            world.drain(ChannelKind::Woocommerce, bench::world::STREAM_BATCH).await.map(drop)
        })
        .await?;
    scale.all_show(&shops, ON_HAND - 1)?;
    scale
        .step("one level changed: all told", async || {
            world.adjust(&ids[..1], 1).await?;
            world.drain(ChannelKind::Woocommerce, bench::world::STREAM_BATCH).await.map(drop)
        })
        .await?;
    scale
        .step("sync that finds nothing new", async || {
            for connection in &connections {
                world.sync(connection, SyncKind::Items).await?;
            }
            Ok(())
        })
        .await?;
    scale
        .step("reconciliation", async || {
            for connection in &connections {
                world.sync(connection, SyncKind::Reconcile).await?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

impl Scale {
    /// Does the work and prints what it cost.
    async fn step(&self, name: &str, work: impl AsyncFnOnce() -> anyhow::Result<()>) -> anyhow::Result<()> {
        self.world.take_total();
        self.world.wire.take_calls();
        let before = ALLOCATED.current_usage();
        ALLOCATED.reset_peak_usage();
        let began = Instant::now();
        work().await?;
        let spent = self.world.take_total();
        let memory = ALLOCATED.peak_usage().saturating_sub(before).div_ceil(MB);
        println!(
            "| {} | {name} | {} | {} | {} | {memory} | {} |",
            self.items,
            self.world.wire.take_calls(),
            spent.reads(),
            spent.writes(),
            began.elapsed().as_secs()
        );
        Ok(())
    }

    fn all_show(&self, shops: &[Arc<Catalogue>], quantity: i64) -> anyhow::Result<()> {
        for shop in shops {
            let right = shop.showing(i32::try_from(quantity)?);
            anyhow::ensure!(right == self.items, "{right} of {} show {quantity}", self.items);
        }
        Ok(())
    }
}
