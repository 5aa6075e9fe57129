//! A thousand changes of one item: only the last number is told, once.

use bench::{Budget, Section, goods, wire};

use crate::shop::{CHANNELS, Opened};

const CHANGES: u64 = 1_000;
/// Fewer than an invocation may have, so that messages are many: some are taken on together, the others find nothing
/// left to tell.
const STREAM_BATCH: usize = 20;

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("A burst: 1,000 changes of one item");
    for channel in &CHANNELS {
        let name = channel.name;
        let opened = Opened::with(channel.kind, [goods::simple(1, 5_000)]).await?;
        let world = &opened.world;
        world.settle(&opened.connection).await?;
        let items = world.items(&opened.connection).await?;
        opened.forget_calls();
        for _ in 0..CHANGES {
            world.adjust(&items, -1).await?;
        }
        let (_, pushed) = world.drain(channel.kind, STREAM_BATCH).await?;
        let calls = wire::by_operation(opened.shop.as_ref());
        anyhow::ensure!(opened.shop.quantity(&opened.on_sale[0]) == Some(4_000), "the last number is shown");
        let of = |name: &str| calls.get(name).copied().unwrap_or(0);
        section.count(format!("{name}: calls that set stock"), of(channel.set_stock), Budget::exactly(1));
        section.count(format!("{name}: all calls"), calls.values().sum(), Budget::exactly(2));
        section.count(format!("{name}: messages"), pushed.messages, Budget::None);
        section.units(
            format!("{name}: write units of the push worker"),
            pushed.spent.writes(),
            Budget::at_most(2),
        );
    }
    Ok(section)
}
