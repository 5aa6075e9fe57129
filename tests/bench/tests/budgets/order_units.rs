//! What an order costs: new, seen again, and cancelled. Writes are those of the main table, for the order and its stock;
//! those of its index and of the buyer's row stand apart.

use std::time::Duration;

use bench::world::STREAM_BATCH;
use bench::{Budget, Section, Spent, goods};

use crate::shop::{CHANNELS, Opened};

/// Lines, and whether the budget is for an order of that many.
const ORDERS: [(u64, bool); 5] = [(1, true), (2, true), (5, true), (10, true), (20, false)];

pub async fn measure() -> anyhow::Result<Section> {
    let mut section = Section::new("Units of an order, from its notification on");
    for channel in &CHANNELS {
        let opened = Opened::with(channel.kind, (0..20).map(|n| goods::simple(n, 500))).await?;
        let world = &opened.world;
        for (lines, bounded) in ORDERS {
            world.clock.advance(Duration::from_secs(60));
            let taken = opened.on_sale.iter().take(usize::try_from(lines)?);
            let order = opened.shop.sell(&taken.map(|sold| (sold.clone(), 2)).collect::<Vec<_>>());
            let row = format!("{}, {lines} {}", channel.name, if lines == 1 { "line" } else { "lines" });
            let stock_part = 2 * (1 + 2 * lines);
            let budget = if bounded { Budget::at_most(stock_part) } else { Budget::None };

            let new = world.import(&opened.connection, &order).await?;
            report(&mut section, &row, "new", new, budget, 1);
            let again = world.import(&opened.connection, &order).await?;
            section.units(&row, "again: writes", again.writes(), Budget::exactly(0));
            section.units(&row, "again: reads", again.reads(), Budget::None);

            world.clock.advance(Duration::from_secs(60));
            opened.shop.cancel(&order);
            let cancelled = world.import(&opened.connection, &order).await?;
            // Its index key holds its units, and moves where the channel takes them off its lines.
            report(&mut section, &row, "cancelled", cancelled, budget, 2);
            world.drain(channel.kind, STREAM_BATCH).await?;
        }
    }
    Ok(section)
}

fn report(section: &mut Section, row: &str, event: &str, spent: Spent, budget: Budget, index_most: u64) {
    section.units(row, &format!("{event}: writes"), spent.main_writes, budget);
    section.units(row, &format!("{event}: index"), spent.index_writes, Budget::at_most(index_most));
    section.units(row, &format!("{event}: buyer"), spent.personal_writes, Budget::None);
    section.units(row, &format!("{event}: reads"), spent.reads(), Budget::None);
}
