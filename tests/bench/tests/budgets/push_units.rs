//! What a push costs for each listing of it, and for itself.

use bench::spent::each_beyond_one;
use bench::world::STREAM_BATCH;
use bench::{Budget, Section, Spent};
use engine::Units;

use crate::shop::{CHANNELS, LISTINGS};

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("Units of telling a channel a listing's new number");
    for channel in &CHANNELS {
        let opened = channel.large().await?;
        let world = &opened.world;
        let items = world.items(&opened.connection).await?;
        world.adjust(&items[..1], -1).await?;
        let (fan_out_of_one, push_of_one) = world.drain(channel.kind, STREAM_BATCH).await?;
        world.adjust(&items, -1).await?;
        let (fan_out_of_all, push_of_all) = world.drain(channel.kind, STREAM_BATCH).await?;

        let number = u64::try_from(LISTINGS)?;
        let each =
            |all: Spent, one: Spent, of: fn(&Spent) -> Units| each_beyond_one(of(&all), of(&one), number);
        let (one, all) = (push_of_one.spent, push_of_all.spent);
        let (writes, reads) = (each(all, one, Spent::writes), each(all, one, Spent::reads));
        let half = Budget::AtMost(Units::from_milli(500));
        section.units("each listing: writes", channel.name, writes, Budget::at_most(1));
        section.units("each listing: reads", channel.name, reads, half);
        let fanned = each(fan_out_of_all.spent, fan_out_of_one.spent, Spent::reads);
        section.units("each changed item: reads of the fan-out", channel.name, fanned, Budget::at_most(1));
        let fixed = |one: Units, each: Units| Units::from_milli(one.milli().saturating_sub(each.milli()));
        let writes = fixed(one.writes(), writes);
        section.units("a push, whatever it carries: writes", channel.name, writes, Budget::at_most(1));
        let reads = fixed(one.reads(), reads);
        section.units("a push, whatever it carries: reads", channel.name, reads, Budget::at_most(10));
    }
    Ok(section)
}
