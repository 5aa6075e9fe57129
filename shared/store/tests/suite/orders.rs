//! Laws of orders: one effect each, together with their stock or not at all.

use std::collections::{BTreeMap, BTreeSet};

use domain::fulfilment::StockDeductedOn;
use domain::order::{ChannelOrderState, Effect, OrderState, Place};
use domain::order_document::DocumentKind;
use domain::stock::replay;
use domain::{ListingId, Money, OrderId, OrganizationId, Quantity};
use store::order::{Comment, LinePart, Order, OrderFilter};
use store::stock::Freshness;
use store::{PageRequest, StoreError};

use super::bench::Bench;
use super::samples::{at, connection, first, item_id, location, order, order_movements, organization};
use super::{Outcome, laws};

laws!(
    an_order_reads_back,
    an_order_saved_twice_has_one_effect,
    an_order_and_its_stock_are_one,
    a_change_moves_the_difference,
    waiting_orders_are_found_until_they_wait_no_more,
    an_order_that_waits_for_much_is_saved,
    only_complete_orders_are_listed,
    pages_of_orders_give_each_once_newest_first,
    sales_are_counted_from_the_index_as_the_orders_are,
);

fn none() -> BTreeSet<ListingId> {
    BTreeSet::new()
}

async fn an_order_reads_back(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("order");
    let (plain, movements) = order(&connection(1), "1001", 3, 0);
    store.save_order(&o, &plain, &movements, &none(), &none()).await?;
    assert_eq!(store.order(&o, &plain.id).await?, Some(plain.clone()));
    assert_eq!(store.order(&organization("other"), &plain.id).await?, None);

    let (mut odd, _) = order(&connection(1), "gid://shop/Order/7", 2, 0);
    odd.state = OrderState::Packed;
    odd.channel_state = ChannelOrderState::PartFulfilled;
    odd.unknown_state = Some("on_the_moon".to_owned());
    odd.total = Some(Money { minor: -5, currency: "USD".parse()? });
    odd.frozen = true;
    odd.no_stock_effect = true;
    odd.deducted_on = StockDeductedOn::Invoice;
    odd.contact_id = Some("ctc_0123456789abcdef0123456789abcdef".parse()?);
    odd.documents.take_next(DocumentKind::Shipment);
    odd.comments = vec![Comment { text: "Call first".to_owned(), by: "key_1".to_owned(), at: at(9) }];
    odd.lines[0].done.shipped = Quantity::new(1)?;
    odd.placed_at = at(3) + std::time::Duration::from_nanos(1);
    odd.lines[0].item_id = None;
    odd.lines[0].parts = None;
    odd.lines[0].listing = None;
    odd.lines[0].sku = None;
    odd.lines[1].item_id = Some("itm_short".parse()?);
    odd.lines[1].parts = Some(vec![LinePart { item_id: item_id(4), quantity: 3 }]);
    odd.applied = BTreeMap::from([(
        Place { item_id: item_id(9), location_id: location(5) },
        Effect { committed: -1, deducted: 4 },
    )]);
    store.save_order(&o, &odd, &[], &none(), &none()).await?;
    assert_eq!(store.order(&o, &odd.id).await?, Some(odd.clone()));

    // Made by hand one day: its id names no connection.
    let by_hand =
        Order { id: OrderId::from_body("handmade")?, total: None, lines: vec![], complete: false, ..odd };
    store.save_order(&o, &by_hand, &[], &none(), &none()).await?;
    assert_eq!(store.order(&o, &by_hand.id).await?, Some(by_hand));
    Ok(())
}

async fn an_order_saved_twice_has_one_effect(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("twice");
    let (placed, movements) = order(&connection(1), "1001", 2, 0);
    let rival = Order { number: "#other".to_owned(), ..placed.clone() };
    let saves = [&placed, &rival, &placed].map(|order| {
        let (store, o, movements) = (store.clone(), o.clone(), movements.clone());
        async move { store.save_order(&o, order, &movements, &none(), &none()).await }
    });
    let done = futures_util::future::join_all(saves).await;
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "{done:?}");
    for refused in done.iter().filter_map(|done| done.as_ref().err()) {
        assert!(matches!(refused, StoreError::Conflict("order")), "{refused:?}");
    }
    for item in [item_id(1), item_id(2)] {
        let level = store.level(&o, &item, &location(1)).await?;
        assert_eq!((level.on_hand, level.committed, level.version), (0, 1, 1));
    }
    Ok(())
}

async fn an_order_and_its_stock_are_one(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("whole");
    let (placed, movements) = order(&connection(1), "1001", 3, 0);
    // One of its movements is there already: nothing of the order may be.
    let there = [movements[1].clone()];
    store.create_item(&o, &super::samples::item(2, "B", "B"), &there, None).await?;
    let refused = store.save_order(&o, &placed, &movements, &none(), &none()).await;
    assert!(matches!(refused, Err(StoreError::Exists("movement"))), "{refused:?}");
    assert_eq!(store.order(&o, &placed.id).await?, None);
    assert_eq!(store.level(&o, &item_id(1), &location(1)).await?.version, 0);
    assert_eq!(store.level(&o, &item_id(2), &location(1)).await?.version, 1);
    assert!(store.orders(&o, &OrderFilter::default(), &first(10)).await?.data.is_empty());
    Ok(())
}

async fn a_change_moves_the_difference(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("change");
    let (placed, movements) = order(&connection(1), "1001", 2, 0);
    store.save_order(&o, &placed, &movements, &none(), &none()).await?;
    let void =
        Order { state: OrderState::Void, channel_state: ChannelOrderState::Cancelled, version: 2, ..placed };
    let released = order_movements(&void, -1);
    let void = Order { applied: BTreeMap::new(), ..void };
    store.save_order(&o, &void, &released, &none(), &none()).await?;
    let stale = store.save_order(&o, &void, &released, &none(), &none()).await;
    assert!(matches!(stale, Err(StoreError::Conflict("order"))), "{stale:?}");
    let stock = store.item_stock(&o, &item_id(1), Freshness::Consistent).await?;
    let movements = store.movements(&o, &item_id(1), &first(10)).await?.data;
    assert_eq!((stock.levels[0].committed, stock.levels[0].version), (0, 2));
    assert_eq!(replay(&movements), stock.levels);
    Ok(())
}

async fn waiting_orders_are_found_until_they_wait_no_more(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let (o, shop) = (organization("wait"), connection(1));
    let listings = ["1", "2", "3"].map(|n| ListingId::of(&shop, n, None).unwrap());
    let waiting = |at: &[usize]| at.iter().map(|n| listings[*n].clone()).collect::<BTreeSet<_>>();
    let found = async |n: usize| {
        let page = store.orders_waiting_for(&o, &listings[n], &first(10)).await?;
        Ok::<_, StoreError>(page.data.into_iter().map(|id| id.body()[33..].to_owned()).collect::<Vec<_>>())
    };
    let (one, movements) = order(&shop, "1001", 1, 0);
    let one = Order { frozen: true, ..one };
    store.save_order(&o, &one, &movements, &waiting(&[0, 1]), &none()).await?;
    let (two, _) = order(&shop, "1002", 0, 0);
    store.save_order(&o, &two, &[], &waiting(&[1]), &none()).await?;
    assert_eq!(
        (found(0).await?, found(1).await?),
        (vec!["1001".to_owned()], vec!["1001".to_owned(), "1002".to_owned()])
    );

    // A save that is refused leaves them as they are.
    let refused = store.save_order(&o, &one, &[], &waiting(&[2]), &waiting(&[0, 1])).await;
    assert!(matches!(refused, Err(StoreError::Conflict("order"))), "{refused:?}");
    assert_eq!((found(0).await?.len(), found(2).await?.len()), (1, 0));

    let after = Order { version: 2, ..one };
    store.save_order(&o, &after, &[], &waiting(&[1, 2]), &waiting(&[0, 1])).await?;
    assert_eq!((found(0).await?.len(), found(1).await?.len(), found(2).await?.len()), (0, 2, 1));
    Ok(())
}

async fn an_order_that_waits_for_much_is_saved(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let (o, shop) = (organization("much"), connection(1));
    let (placed, movements) = order(&shop, "1001", 45, 0);
    let many: BTreeSet<ListingId> =
        (0..30).map(|n| ListingId::of(&shop, &n.to_string(), None).unwrap()).collect();
    store.save_order(&o, &placed, &movements, &many, &none()).await?;
    for listing in &many {
        assert_eq!(
            store.orders_waiting_for(&o, listing, &first(10)).await?.data,
            std::slice::from_ref(&placed.id)
        );
    }
    let after = Order { version: 2, ..placed };
    store.save_order(&o, &after, &order_movements(&after, 1), &none(), &many).await?;
    for listing in &many {
        assert!(store.orders_waiting_for(&o, listing, &first(10)).await?.data.is_empty());
    }
    assert_eq!(store.level(&o, &item_id(45), &location(1)).await?.committed, 2);
    Ok(())
}

async fn only_complete_orders_are_listed(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("complete");
    let (placed, movements) = order(&connection(1), "1001", 1, 0);
    let part = Order { complete: false, ..placed };
    store.save_order(&o, &part, &movements, &none(), &none()).await?;
    assert!(store.orders(&o, &OrderFilter::default(), &first(10)).await?.data.is_empty());
    assert_eq!(store.order(&o, &part.id).await?, Some(part.clone()));
    let whole = Order { complete: true, version: 2, ..part };
    store.save_order(&o, &whole, &[], &none(), &none()).await?;
    assert_eq!(store.orders(&o, &OrderFilter::default(), &first(10)).await?.data, [whole]);
    Ok(())
}

async fn pages_of_orders_give_each_once_newest_first(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("orderpages");
    let mut all = Vec::new();
    for n in 0..30_i64 {
        // Two in each second, on two connections.
        let shop = connection(1 + u64::try_from(n % 2)?);
        let (mut placed, _) = order(&shop, &(1_000 + n).to_string(), 1, n / 2 * 60);
        placed.frozen = n % 5 == 0;
        if n % 4 == 0 {
            (placed.state, placed.channel_state) = (OrderState::Void, ChannelOrderState::Cancelled);
        }
        store.save_order(&o, &placed, &[], &none(), &none()).await?;
        all.push(placed);
    }
    let any = OrderFilter::default();
    for filter in [
        any.clone(),
        OrderFilter { connection_id: Some(connection(2)), ..any.clone() },
        OrderFilter { state: Some(OrderState::Void), ..any.clone() },
        OrderFilter { frozen: Some(true), ..any.clone() },
        OrderFilter { frozen: Some(false), state: Some(OrderState::Confirmed), ..any.clone() },
        OrderFilter { q: Some("#102".to_owned()), ..any.clone() },
    ] {
        let is_wanted = |order: &&Order| {
            filter.connection_id.as_ref().is_none_or(|c| order.connection_id() == Some(c))
                && filter.state.is_none_or(|state| state == order.state)
                && filter.frozen.is_none_or(|frozen| frozen == order.frozen)
                && filter.q.as_ref().is_none_or(|q| order.number.contains(q.as_str()))
        };
        let mut wanted: Vec<&Order> = all.iter().filter(is_wanted).collect();
        assert!(!wanted.is_empty(), "{filter:?} tests nothing");
        wanted.sort_by(|a, b| (b.placed_at, b.external_id()).cmp(&(a.placed_at, a.external_id())));
        for limit in [1, 4, 30, 200] {
            let list = |page| {
                let (store, o, filter) = (store.clone(), o.clone(), filter.clone());
                async move { store.orders(&o, &filter, &page).await }
            };
            let walked = super::fixture::walk(limit, list).await?;
            assert_eq!(walked.iter().collect::<Vec<_>>(), wanted, "{filter:?} {limit}");
        }
    }
    let cursor = store.orders(&o, &any, &first(1)).await?.next_cursor;
    assert!(cursor.is_some());
    let page = PageRequest { limit: 1, cursor };
    for (organization, filter) in
        [(organization("stranger"), any.clone()), (o.clone(), OrderFilter { frozen: Some(true), ..any })]
    {
        assert!(matches!(store.orders(&organization, &filter, &page).await, Err(StoreError::BadCursor)));
    }
    Ok(())
}

/// What is counted without reading an order is what the orders say, before and after they change.
async fn sales_are_counted_from_the_index_as_the_orders_are(bench: &Bench) -> Outcome {
    let store = &bench.store;
    let o = organization("sales");
    let mut units = 0;
    for n in 0..5_u64 {
        let placed = i64::try_from(n)?;
        let (order, movements) = order(&connection(1), &format!("10{n}"), n + 1, placed);
        units += if n >= 2 { order.units() } else { 0 };
        store.save_order(&o, &order, &movements, &none(), &none()).await?;
    }
    let counted = async |o: &OrganizationId, since| {
        let mut sold = (0_u64, 0_u64);
        let all = store.for_each_sale(o, at(since), |placed, units| {
            assert!(placed >= at(since));
            sold = (sold.0 + 1, sold.1 + units);
        });
        assert!(all.await.unwrap());
        sold
    };
    assert_eq!(counted(&o, 2).await, (3, units));
    let others = organization("others");
    assert_eq!(counted(&others, 0).await, (0, 0));
    let (mut changed, _) = order(&connection(1), "104", 5, 4);
    units -= changed.units();
    changed.lines.truncate(1);
    changed.lines[0].quantity = Quantity::new(7)?;
    changed.version += 1;
    store.save_order(&o, &changed, &[], &none(), &none()).await?;
    assert_eq!(counted(&o, 2).await, (3, units + 7));
    let (mut unfinished, _) = order(&connection(1), "105", 1, 5);
    unfinished.complete = false;
    store.save_order(&o, &unfinished, &[], &none(), &none()).await?;
    assert_eq!(counted(&o, 2).await.0, 3);
    Ok(())
}
