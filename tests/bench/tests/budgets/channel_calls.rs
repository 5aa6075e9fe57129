//! Calls to a channel for changed listings: full batches, and one look at new orders before them.

use std::collections::BTreeMap;

use bench::world::STREAM_BATCH;
use bench::{Budget, Section, goods};

use crate::shop::{CHANNELS, LISTINGS, Opened, of};

const PARENTS: u64 = 8;

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("Calls to the channel");
    for channel in &CHANNELS {
        let calls = calls_of_a_change(channel.large().await?).await?;
        let batch = usize::try_from(channels::adapter(channel.kind).capability().stock_batch_max)?;
        let minimum = u64::try_from(LISTINGS.div_ceil(batch))?;
        let set = of(&calls, channel.set_stock);
        section.count("1,000 changed listings: setting stock", channel.name, set, Budget::exactly(minimum));
        let looks = of(&calls, channel.look_at_orders);
        section.count(
            "1,000 changed listings: looking at new orders",
            channel.name,
            looks,
            Budget::exactly(1),
        );
        let all = calls.values().sum();
        section.count("1,000 changed listings: all", channel.name, all, Budget::exactly(minimum + 1));
    }
    // A call to WooCommerce carries the variations of one product.
    let woocommerce = &CHANNELS[0];
    let variable = (0..PARENTS).map(|n| goods::variable(usize::try_from(n).unwrap_or(0), 50));
    let opened = Opened::with(woocommerce.kind, variable).await?;
    let calls = calls_of_a_change(&opened).await?;
    let what = format!("{} changed variations of {PARENTS} products", opened.on_sale.len());
    let is_batch = |name: &str| name.starts_with("POST products/") && name.ends_with("variations/batch");
    let set = calls.iter().filter(|(name, _)| is_batch(name)).map(|(_, count)| count).sum();
    section.count(format!("{what}: setting stock"), woocommerce.name, set, Budget::exactly(PARENTS));
    let all = calls.values().sum();
    section.count(format!("{what}: all"), woocommerce.name, all, Budget::exactly(PARENTS + 1));
    Ok(section)
}

/// Every item moves by one; the calls until each listing shows it.
async fn calls_of_a_change(opened: &Opened) -> anyhow::Result<BTreeMap<String, u64>> {
    let Opened { world, shop, connection, on_sale, .. } = opened;
    let before: Vec<_> = on_sale.iter().map(|sold| shop.quantity(sold).unwrap_or(0)).collect();
    opened.take_calls()?;
    world.adjust(&world.items(connection).await?, -1).await?;
    world.drain(connection.channel, STREAM_BATCH).await?;
    let told = on_sale.iter().zip(before).all(|(sold, before)| shop.quantity(sold) == Some(before - 1));
    anyhow::ensure!(told, "each listing shows its new number");
    opened.take_calls()
}
