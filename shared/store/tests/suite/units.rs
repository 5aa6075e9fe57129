//! What the hot paths cost, in the units that DynamoDB bills: the budgets of `docs/data-model.md`.

use std::collections::BTreeSet;

use domain::Name;
use domain::stock::{Change, Movement};
use engine::{Meter, Units};
use store::item::Item;
use store::listing::Listing;
use store::order::Order;
use store::stock::Freshness;

use super::bench::{Bench, Row};
use super::samples::{
    connection, item, item_id, linked, listing, location, movement, order, order_movements, organization,
    taken,
};
use super::{Outcome, laws};

laws!(
    an_order_of_l_lines_is_two_times_one_and_two_l,
    an_order_of_ten_lines_is_one_write_unit,
    a_push_is_half_a_read_and_one_write,
    a_listing_that_only_moves_its_number_is_one_write,
    items_and_links_cost_what_is_documented,
);

/// Written to the table, and to its index, since the last look.
fn written(bench: &Bench, meter: &Meter) -> (Units, Units) {
    let usage = meter.take();
    let table = usage.tables.get(&bench.tables.main).map(|consumed| consumed.writes).unwrap_or_default();
    let index = usage.indexes.values().map(|consumed| consumed.writes).fold(Units::default(), |a, b| a + b);
    (table, index)
}

fn meter(bench: &Bench) -> anyhow::Result<Meter> {
    let engine =
        bench.engine.as_ref().ok_or_else(|| anyhow::anyhow!("the embedded engine is metered only"))?;
    Ok(engine.meter())
}

async fn an_order_of_l_lines_is_two_times_one_and_two_l(bench: &Bench) -> Outcome {
    let (store, meter, o, none) = (&bench.store, meter(bench)?, organization("units"), BTreeSet::new());
    for lines in [0_u64, 1, 2, 5, 10] {
        let (placed, movements) = order(&connection(1), &format!("10{lines}"), lines, 0);
        meter.take();
        store.save_order(&o, &placed, &movements, &none, &none).await?;
        // Without movements it is a plain write of one row.
        let budget = if lines == 0 { 1 } else { 2 * (1 + 2 * lines) };
        assert_eq!(written(bench, &meter), (Units::whole(budget), Units::whole(1)), "{lines} lines, first");

        let shipped = Order { version: 2, ..placed };
        let change = |movement| Movement { change: Change { on_hand: -1, committed: -1 }, ..movement };
        let movements: Vec<Movement> = order_movements(&shipped, -1).into_iter().map(change).collect();
        store.save_order(&o, &shipped, &movements, &none, &none).await?;
        assert_eq!(
            written(bench, &meter),
            (Units::whole(budget), Units::default()),
            "{lines} lines, changed"
        );
    }
    Ok(())
}

/// DynamoDB's own count: names and values in UTF-8, numbers a byte for each two digits and one more.
fn row_bytes(row: &Row) -> usize {
    use aws_sdk_dynamodb::types::AttributeValue;
    let value_bytes = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::B(bytes) => bytes.as_ref().len(),
        AttributeValue::N(digits) => digits.trim_end_matches('0').len().div_ceil(2) + 1,
        other => panic!("no order has {other:?}"),
    };
    row.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

async fn an_order_of_ten_lines_is_one_write_unit(bench: &Bench) -> Outcome {
    let (o, none) = (organization("01991111222233334444555566667777"), BTreeSet::new());
    for (lines, bytes_max) in [(1_u64, 450), (2, 540), (5, 760), (10, 1_024), (20, 2_048)] {
        let (placed, _) = order(&connection(1), &format!("58100{lines:08}"), lines, 0);
        bench.store.save_order(&o, &placed, &[], &none, &none).await?;
        let row = bench.row(&format!("O#{}#ORD", o.body()), placed.id.as_str()).await?;
        let bytes = row_bytes(&row);
        eprintln!("an order of {lines} lines: {bytes} bytes");
        assert!(bytes <= bytes_max, "{lines} lines: {bytes} bytes, {bytes_max} at most");
    }
    Ok(())
}

async fn a_push_is_half_a_read_and_one_write(bench: &Bench) -> Outcome {
    let (store, meter, o) = (&bench.store, meter(bench)?, organization("push"));
    // Five places and ten links: more than most items have.
    let opening: Vec<Movement> =
        (1..=5).map(|n| movement(&format!("o.{n}"), &item_id(1), &location(n), 7, 0, 1)).collect();
    store.create_item(&o, &item(1, "A", "Mug"), &opening, None).await?;
    for n in 1..=10 {
        let seen = listing(&connection(n), "8072264417314", Some("A"));
        store.save_listing(&o, None, &seen, None).await?;
        let (after, link) = linked(&seen, &item_id(1));
        store.link_listing(&o, Some(&seen), &after, &link).await?;
        store.acknowledge(&o, &item_id(1), &seen.id, &taken(7, 1, 1)).await?;
    }
    meter.take();
    let stock = store.item_stock(&o, &item_id(1), Freshness::Eventual).await?;
    assert_eq!((stock.levels.len(), stock.links.len()), (5, 10));
    assert_eq!(meter.take().reads(), Units::from_milli(500));
    for link in stock.links {
        store.acknowledge(&o, &item_id(1), &link.listing_id, &taken(6, 2, 2)).await?;
        assert_eq!(written(bench, &meter), (Units::whole(1), Units::default()));
    }
    Ok(())
}

async fn a_listing_that_only_moves_its_number_is_one_write(bench: &Bench) -> Outcome {
    let (store, meter, o) = (&bench.store, meter(bench)?, organization("relisting"));
    let seen = listing(&connection(1), "8072264417314", Some("MUG-0001-RED"));
    store.save_listing(&o, None, &seen, None).await?;
    meter.take();
    let changed = Listing { channel_quantity: None, version: 2, ..seen.clone() };
    store.save_listing(&o, Some(&seen), &changed, None).await?;
    assert_eq!(written(bench, &meter), (Units::whole(1), Units::default()));
    Ok(())
}

async fn items_and_links_cost_what_is_documented(bench: &Bench) -> Outcome {
    let (store, meter, o) = (&bench.store, meter(bench)?, organization("itemunits"));
    let check = |what: &str, table, index| {
        assert_eq!(written(bench, &meter), (Units::whole(table), Units::whole(index)), "{what}");
    };
    meter.take();
    let made = item(1, "A", "Mug");
    store.create_item(&o, &made, &[], None).await?;
    check("an item", 8, 0);
    let seen = listing(&connection(1), "11", Some("A"));
    store.save_listing(&o, None, &seen, None).await?;
    check("a new listing", 4, 1);
    let (after, link) = linked(&seen, &made.id);
    store.link_listing(&o, Some(&seen), &after, &link).await?;
    check("a link", 6, 2);
    let apart = Listing { status: seen.status, item_id: None, version: 3, ..after.clone() };
    store.unlink_listing(&o, &after, &apart).await?;
    check("a link taken off", 4, 2);
    let (other, opening) = (item(2, "B", "Cup"), [movement("o.1", &item_id(2), &location(1), 5, 0, 1)]);
    let (after, link) = linked(&apart, &other.id);
    store.create_item(&o, &other, &opening, Some((&after, &link))).await?;
    check("an item from a listing, with stock at one location", 8 + 4 + 4, 2);
    let renamed = Item { name: Name::parse("Teacup")?, version: 2, ..other.clone() };
    store.update_item(&o, &other, &renamed).await?;
    check("another name", 10, 0);
    Ok(())
}
