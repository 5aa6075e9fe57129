//! An item sync: pages fetched, and what it costs to find nothing new.

use bench::{Budget, Section, goods, wire};
use domain::sync::{SyncKind, Trigger};
use queue::{QueueName, Work};

use crate::shop::{CHANNELS, Opened};

const LISTINGS: usize = 1_000;

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("Item sync of 1,000 listings");
    for channel in &CHANNELS {
        let name = channel.name;
        let opened = Opened::with(channel.kind, (0..LISTINGS).map(|n| goods::simple(n, 50))).await?;
        let world = &opened.world;
        opened.forget_calls();
        world.settle(&opened.connection).await?;
        let first = wire::by_operation(opened.shop.as_ref());
        let page = usize::try_from(channels::adapter(channel.kind).capability().listing_page_max)?;
        let pages = u64::try_from(LISTINGS.div_ceil(page))?;
        let fetched = first.get(channel.listing_page).copied().unwrap_or(0);
        section.count(format!("{name}: pages fetched"), fetched, Budget::exactly(pages));

        opened.forget_calls();
        let before = world.listings(&opened.connection).await?;
        let started = world.meter();
        started.take();
        let sync = world.app.start_sync(&opened.connection, SyncKind::Items, Trigger::Manual, None).await?;
        let begun = bench::Spent::from(started.take());
        let spent = world.work(QueueName { work: Work::ItemSync, channel: channel.kind }).await?.spent;
        let sync = world.app.sync(&world.organization.id, &sync.id).await?;
        anyhow::ensure!(sync.records.synced == u64::try_from(LISTINGS)?, "each listing was looked at");
        anyhow::ensure!(world.listings(&opened.connection).await? == before, "nothing was new");
        let calls = wire::by_operation(opened.shop.as_ref()).values().sum();
        section.count(format!("{name}, nothing new: calls"), calls, Budget::exactly(pages));
        let beside = spent.write_calls - u64::from(sync.step);
        section.count(
            format!("{name}, nothing new: writes beside the checkpoints"),
            beside,
            Budget::exactly(0),
        );
        section.count(format!("{name}, nothing new: checkpoints"), u64::from(sync.step), Budget::None);
        let writes = spent.writes();
        section.units(format!("{name}, nothing new: write units of the checkpoints"), writes, Budget::None);
        section.units(format!("{name}, nothing new: write units of the start"), begun.writes(), Budget::None);
        section.units(format!("{name}, nothing new: read units"), spent.reads(), Budget::None);
    }
    Ok(section)
}
