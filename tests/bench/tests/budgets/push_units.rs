//! What a push costs for each listing of it, and for itself.

use bench::spent::each_beyond_one;
use bench::world::{STREAM_BATCH, Worked};
use bench::{Budget, Section, goods};
use engine::Units;

use crate::shop::{CHANNELS, Opened};

const LISTINGS: usize = 1_000;

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("Telling a channel the new number of a listing");
    for channel in &CHANNELS {
        let name = channel.name;
        let opened = Opened::with(channel.kind, (0..LISTINGS).map(|n| goods::simple(n, 50))).await?;
        let world = &opened.world;
        world.settle(&opened.connection).await?;
        let items = world.items(&opened.connection).await?;
        let mut costs: Vec<(Worked, Worked)> = Vec::new();
        for items in [&items[..1], &items[..]] {
            world.adjust(items, -1).await?;
            costs.push(world.drain(channel.kind, STREAM_BATCH).await?);
        }
        let [(one_fanned, one), (all_fanned, all)] = costs[..] else { anyhow::bail!("two pushes") };
        let number = u64::try_from(LISTINGS)?;
        let writes = each_beyond_one(all.spent.writes(), one.spent.writes(), number);
        let reads = each_beyond_one(all.spent.reads(), one.spent.reads(), number);
        let fanned = each_beyond_one(all_fanned.spent.reads(), one_fanned.spent.reads(), number);
        let half = Budget::AtMost(Units::from_milli(500));
        let fixed = |one: Units, each: Units| Units::from_milli(one.milli().saturating_sub(each.milli()));
        section.units(format!("{name}: write units of each listing"), writes, Budget::at_most(1));
        section.units(format!("{name}: read units of each listing"), reads, half);
        section.units(
            format!("{name}: fan-out, read units of each changed item"),
            fanned,
            Budget::at_most(1),
        );
        let writes = fixed(one.spent.writes(), writes);
        section.units(
            format!("{name}: write units of a push, whatever it carries"),
            writes,
            Budget::at_most(1),
        );
        let reads = fixed(one.spent.reads(), reads);
        section.units(
            format!("{name}: read units of a push, whatever it carries"),
            reads,
            Budget::at_most(10),
        );
    }
    Ok(section)
}
