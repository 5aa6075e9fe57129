//! Calls to a channel for 1,000 changed listings: full batches, and one look at new orders before them.

use std::collections::BTreeMap;

use bench::world::STREAM_BATCH;
use bench::{Budget, Section, goods, wire};
use domain::ChannelKind;

use crate::shop::{CHANNELS, Measured, Opened};

const LISTINGS: usize = 1_000;
const PARENTS: usize = 40;

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("Calls to the channel");
    for channel in &CHANNELS {
        let simple = (0..LISTINGS).map(|n| goods::simple(n, 50));
        let calls = calls_of_a_change(channel.kind, simple).await?;
        let batch = usize::try_from(channels::adapter(channel.kind).capability().stock_batch_max)?;
        let minimum = u64::try_from(LISTINGS.div_ceil(batch))?;
        count(&mut section, channel, "1,000 changed listings", calls, channel.set_stock, minimum);
    }
    // A call of WooCommerce carries the variations of one product.
    let woocommerce = &CHANNELS[0];
    let variable = (0..PARENTS).map(|n| goods::variable(n, 50));
    let calls = calls_of_a_change(woocommerce.kind, variable).await?;
    let what = format!("1,000 changed variations of {PARENTS} products");
    let by_parent: u64 =
        calls.iter().filter(|(name, _)| is_variation_batch(name)).map(|(_, count)| count).sum();
    section.count(
        format!("{}, {what}: calls that set stock", woocommerce.name),
        by_parent,
        Budget::exactly(40),
    );
    let all = calls.values().sum::<u64>();
    section.count(format!("{}, {what}: all calls", woocommerce.name), all, Budget::exactly(41));
    Ok(section)
}

fn is_variation_batch(operation: &str) -> bool {
    operation.starts_with("POST products/") && operation.ends_with("/variations/batch")
}

/// Every item moves by one; the calls until each listing shows it.
async fn calls_of_a_change(
    kind: ChannelKind,
    on_sale: impl IntoIterator<Item = marketplace_sim::Goods>,
) -> anyhow::Result<BTreeMap<String, u64>> {
    let opened = Opened::with(kind, on_sale).await?;
    let world = &opened.world;
    world.settle(&opened.connection).await?;
    let items = world.items(&opened.connection).await?;
    anyhow::ensure!(items.len() == LISTINGS, "{} listings are linked", items.len());
    opened.forget_calls();
    world.adjust(&items, -1).await?;
    world.drain(kind, STREAM_BATCH).await?;
    let counts = wire::by_operation(opened.shop.as_ref());
    anyhow::ensure!(counts.values().sum::<u64>() == world.wire.take_calls(), "each call reached the shop");
    anyhow::ensure!(opened.on_sale.iter().all(|sold| opened.shop.quantity(sold) == Some(49)), "each is told");
    Ok(counts)
}

fn count(
    section: &mut Section,
    channel: &Measured,
    what: &str,
    calls: BTreeMap<String, u64>,
    set_stock: &str,
    minimum: u64,
) {
    let of = |name: &str| calls.get(name).copied().unwrap_or(0);
    let name = channel.name;
    section.count(format!("{name}, {what}: calls that set stock"), of(set_stock), Budget::exactly(minimum));
    section.count(
        format!("{name}, {what}: looks at new orders"),
        of(channel.look_at_orders),
        Budget::exactly(1),
    );
    section.count(format!("{name}, {what}: all calls"), calls.values().sum(), Budget::exactly(minimum + 1));
}
