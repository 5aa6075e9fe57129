//! A thousand changes of one item, passed on while they happen: only the last number is told, once.

use bench::{Budget, Section, goods};

use crate::shop::{CHANNELS, Opened, of};

/// Of 20 changes each: every round is a message. Some are taken on together, the others find nothing left to tell.
const ROUNDS: u64 = 50;
const CHANGES_OF_A_ROUND: u64 = 20;

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("A burst: 1,000 changes of one item");
    for channel in &CHANNELS {
        let opened = Opened::with(channel.kind, [goods::simple(1, 5_000)]).await?;
        let world = &opened.world;
        let items = world.items(&opened.connection).await?;
        opened.take_calls()?;
        for _ in 0..ROUNDS {
            for _ in 0..CHANGES_OF_A_ROUND {
                world.adjust(&items, -1).await?;
            }
            world.fan_out(bench::world::STREAM_BATCH).await?;
        }
        let (_, pushed) = world.drain(channel.kind, bench::world::STREAM_BATCH).await?;
        let calls = opened.take_calls()?;
        anyhow::ensure!(opened.shop.quantity(&opened.on_sale[0]) == Some(4_000), "the last number is shown");
        let set = of(&calls, channel.set_stock);
        section.count("messages", channel.name, pushed.messages, Budget::exactly(ROUNDS));
        section.count("calls that set stock", channel.name, set, Budget::exactly(1));
        section.count("all calls", channel.name, calls.values().sum(), Budget::exactly(2));
        section.units("write units of the pushes", channel.name, pushed.spent.writes(), Budget::at_most(2));
    }
    Ok(section)
}
