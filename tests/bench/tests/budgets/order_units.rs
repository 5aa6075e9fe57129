//! What an order costs: new, seen again, and cancelled.

use std::time::Duration;

use bench::world::STREAM_BATCH;
use bench::{Budget, Section, Spent, goods};

use crate::shop::{CHANNELS, Opened};

/// Lines, and whether the budget is for an order of that many.
const ORDERS: [(usize, bool); 5] = [(1, true), (2, true), (5, true), (10, true), (20, false)];

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("An order, from its notification on");
    for channel in &CHANNELS {
        let opened = Opened::with(channel.kind, (0..20).map(|n| goods::simple(n, 500))).await?;
        let world = &opened.world;
        world.settle(&opened.connection).await?;
        for (lines, bounded) in ORDERS {
            world.clock.advance(Duration::from_secs(60));
            let sold: Vec<_> = opened.on_sale[..lines].iter().map(|sold| (sold.clone(), 2)).collect();
            let order = opened.shop.sell(&sold);
            let what = format!("{}, {lines} {}", channel.name, if lines == 1 { "line" } else { "lines" });
            let stock_part = 2 * (1 + 2 * u64::try_from(lines)?);
            let budget = if bounded { Budget::at_most(stock_part) } else { Budget::None };

            let new = world.import(&opened.connection, &order).await?;
            report(&mut section, &what, "new", new, budget);
            let again = world.import(&opened.connection, &order).await?;
            section.units(format!("{what}, seen again: write units"), again.writes(), Budget::exactly(0));
            section.units(format!("{what}, seen again: read units"), again.reads(), Budget::None);

            world.clock.advance(Duration::from_secs(60));
            opened.shop.cancel(&order);
            let cancelled = world.import(&opened.connection, &order).await?;
            report(&mut section, &what, "cancelled", cancelled, budget);
            world.drain(channel.kind, STREAM_BATCH).await?;
        }
    }
    Ok(section)
}

fn report(section: &mut Section, what: &str, event: &str, spent: Spent, budget: Budget) {
    section.units(format!("{what}, {event}: stock and order, write units"), spent.main_writes, budget);
    section.units(format!("{what}, {event}: index, write units"), spent.index_writes, Budget::at_most(1));
    section.units(format!("{what}, {event}: buyer, write units"), spent.personal_writes, Budget::None);
    section.units(format!("{what}, {event}: read units"), spent.reads(), Budget::None);
}
