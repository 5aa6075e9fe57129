//! An item sync: pages fetched, and what it costs to find nothing new.

use bench::{Budget, Section};
use domain::sync::{SyncKind, Trigger};
use queue::{QueueName, Work};

use crate::shop::{CHANNELS, LISTINGS, of};

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("Item sync of 1,000 listings");
    for channel in &CHANNELS {
        let opened = channel.large().await?;
        let world = &opened.world;
        let page = usize::try_from(channels::adapter(channel.kind).capability().listing_page_max)?;
        let pages = u64::try_from(LISTINGS.div_ceil(page))?;
        let fetched = of(&opened.first_calls, channel.listing_page);
        section.count("all new: pages fetched", channel.name, fetched, Budget::exactly(pages));

        opened.take_calls()?;
        // What the shop shows since the last push is new to the first of two syncs.
        world.sync(&opened.connection, SyncKind::Items).await?;
        let before = world.listings(&opened.connection).await?;
        opened.take_calls()?;
        let sync = world.app.start_sync(&opened.connection, SyncKind::Items, Trigger::Manual, None).await?;
        let worked = world.work(QueueName { work: Work::ItemSync, channel: channel.kind }).await?;
        let spent = worked.spent;
        let sync = world.app.sync(&world.organization.id, &sync.id).await?;
        anyhow::ensure!(sync.records.synced == u64::try_from(LISTINGS)?, "each listing was looked at");
        anyhow::ensure!(world.listings(&opened.connection).await? == before, "nothing was new");
        let calls = opened.take_calls()?.values().sum();
        section.count("nothing new: all calls", channel.name, calls, Budget::exactly(pages));
        // More than one where the channel's limit is reached and the rest of the work waits.
        section.count("nothing new: invocations", channel.name, worked.messages, Budget::None);
        let beside = spent.write_calls.saturating_sub(u64::from(sync.step));
        // Once for the whole sync, how far it came.
        section.count("nothing new: writes beside the checkpoints", channel.name, beside, Budget::at_most(1));
        section.count("nothing new: checkpoints", channel.name, u64::from(sync.step), Budget::None);
        section.units(
            "nothing new: write units of the checkpoints",
            channel.name,
            spent.writes(),
            Budget::None,
        );
        section.units("nothing new: read units, all together", channel.name, spent.reads(), Budget::None);
    }
    Ok(section)
}
