//! Laws of orders.

use std::collections::BTreeSet;

use anyhow::ensure;
use channel_conformance::{Subject, reference};
use channels::OrderQuery;
use domain::order::{ChannelOrderState, FetchedOrder, PaymentStatus};
use domain::schedule::Window;
use marketplace_sim::Sold;

use crate::listings::mug;
use crate::set_aside;

crate::laws![
    an_order_comes_once,
    an_order_says_what_was_bought,
    unpaid_is_pending_until_paid,
    an_edit_shows,
    a_cancelled_order_is_cancelled,
    a_refund_before_shipping_is_no_longer_wanted,
    what_was_sent_stays_sent,
    a_change_is_a_later_version,
    orders_are_found_by_their_ids,
    a_window_holds_what_changed_in_it,
    a_change_under_the_walk_hides_nothing,
    deleted_goods_leave_their_order_readable,
    a_state_that_nobody_knows_is_kept_and_reported,
];

/// Whatever their number, at each boundary of a page, a walk gives every order exactly once.
async fn an_order_comes_once(subject: &Subject) -> anyhow::Result<()> {
    let page = subject.adapter.capability().order_page_max;
    for count in [0, 1, page, page + 1, 2 * page + 1] {
        let stage = subject.stage().await?;
        let sold = stage.shop.add(mug(9)).remove(0);
        for number in 0..count {
            stage.shop.sell(&[(sold.clone(), 1)]);
            // Bursts within one second, and pauses.
            if number % 7 == 0 {
                stage.pass_a_minute();
            }
        }
        let found = stage.orders(&OrderQuery::Changed(stage.all_time())).await?;
        let ids: BTreeSet<_> = found.iter().map(|order| order.external_id.clone()).collect();
        ensure!(found.len() == ids.len(), "some came twice: {} of {}", found.len(), ids.len());
        ensure!(ids == stage.shop.orders().into_iter().collect(), "{} came of {count}", ids.len());
        ensure!(found.is_sorted_by_key(|order| order.changed_at), "not in the order of their changes");
    }
    Ok(())
}

fn bought(order: &FetchedOrder) -> Vec<(String, u32)> {
    let name = |line: &domain::order::FetchedLine| {
        line.listing
            .as_ref()
            .map_or("-".to_owned(), |listing| format!("{}/{:?}", listing.external_id, listing.variation_id))
    };
    order.lines.iter().map(|line| (name(line), line.quantity.get())).collect()
}

fn expected(lines: &[(&Sold, u32)]) -> Vec<(String, u32)> {
    lines
        .iter()
        .map(|(sold, quantity)| {
            (format!("{}/{:?}", reference(sold).external_id, sold.variation_id), *quantity)
        })
        .collect()
}

/// A paid order is confirmed and holds its lines, by the listings' references.
async fn an_order_says_what_was_bought(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let (mug_1, mug_2) = (stage.shop.add(mug(1)).remove(0), stage.shop.add(mug(2)).remove(0));
    stage.shop.sell(&[(mug_1.clone(), 2), (mug_2.clone(), 1), (mug_1.clone(), 1)]);
    let order = stage.only_order().await?;
    ensure!(order.state == ChannelOrderState::Confirmed, "{:?}", order.state);
    ensure!(order.payment == PaymentStatus::Paid, "{:?}", order.payment);
    let mut found = bought(&order);
    let mut wanted = expected(&[(&mug_1, 2), (&mug_2, 1), (&mug_1, 1)]);
    // A channel may join two lines of one listing.
    for lines in [&mut found, &mut wanted] {
        lines.sort();
        lines.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 += later.1;
            }
            same
        });
    }
    ensure!(found == wanted, "{found:?}");
    ensure!(order.lines.iter().all(|line| line.shipped.get() == 0), "nothing was shipped");
    ensure!(order.total.map(|total| total.amount()).as_deref() == Some("50.00"), "{:?}", order.total);
    let ids: BTreeSet<_> = order.lines.iter().map(|line| &line.line_id).collect();
    ensure!(ids.len() == order.lines.len(), "lines share an id");
    Ok(())
}

/// An order that waits for its payment reserves, and must not be shipped.
async fn unpaid_is_pending_until_paid(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let id = stage.shop.sell_unpaid(&[(sold, 2)]);
    let order = stage.only_order().await?;
    ensure!(
        (order.state, order.payment) == (ChannelOrderState::Pending, PaymentStatus::Pending),
        "{order:?}"
    );
    ensure!(order.lines[0].quantity.get() == 2, "{order:?}");
    stage.pass_a_minute();
    stage.shop.pay(&id);
    let order = stage.only_order().await?;
    ensure!((order.state, order.payment) == (ChannelOrderState::Confirmed, PaymentStatus::Paid), "{order:?}");
    Ok(())
}

/// A line edited up or down has its new quantity.
async fn an_edit_shows(subject: &Subject) -> anyhow::Result<()> {
    if !subject.nature.orders_can_be_edited {
        set_aside(subject, "an_edit_shows", "an order cannot be changed after checkout");
        return Ok(());
    }
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let id = stage.shop.sell(&[(sold, 2)]);
    for quantity in [5, 1] {
        stage.pass_a_minute();
        stage.shop.edit(&id, 0, quantity);
        let order = stage.only_order().await?;
        let found: u32 = order.lines.iter().map(|line| line.quantity.get()).sum();
        ensure!(found == quantity, "{found} instead of {quantity}");
    }
    Ok(())
}

/// A cancelled order is cancelled, whatever was paid.
async fn a_cancelled_order_is_cancelled(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let id = stage.shop.sell(&[(sold, 2)]);
    stage.pass_a_minute();
    stage.shop.cancel(&id);
    let order = stage.only_order().await?;
    ensure!(order.state == ChannelOrderState::Cancelled, "{:?}", order.state);
    Ok(())
}

/// Units refunded before they were shipped are taken off their line, where the channel says which they are; an order
/// refunded whole is cancelled.
async fn a_refund_before_shipping_is_no_longer_wanted(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let id = stage.shop.sell(&[(sold.clone(), 3)]);
    stage.pass_a_minute();
    stage.shop.refund(&id, 0, 1);
    let order = stage.only_order().await?;
    ensure!(order.state == ChannelOrderState::Confirmed, "{:?}", order.state);
    if subject.nature.refunds_name_units {
        ensure!(order.lines[0].quantity.get() == 2, "{:?}", order.lines);
    } else {
        let why = "a refund is an amount: units are known to be unwanted when all of their line's went back";
        set_aside(subject, "a_refund_before_shipping_is_no_longer_wanted", why);
    }
    let told = subject.nature.refunds_in_orders;
    if !told {
        let why = "an order says nothing of money that went back";
        set_aside(subject, "a_refund_before_shipping_is_no_longer_wanted", why);
    }
    ensure!(!told || order.payment == PaymentStatus::PartRefunded, "{:?}", order.payment);
    stage.pass_a_minute();
    stage.shop.refund(&id, 0, 2);
    let order = stage.only_order().await?;
    let wanted: u32 = order.lines.iter().map(|line| line.quantity.get()).sum();
    ensure!(order.state == ChannelOrderState::Cancelled || wanted == 0, "{order:?}");
    ensure!(!told || order.payment == PaymentStatus::Refunded, "{:?}", order.payment);
    Ok(())
}

/// A shipped order is fulfilled with all its units, and stays so when money goes back later.
async fn what_was_sent_stays_sent(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let id = stage.shop.sell(&[(sold, 3)]);
    stage.pass_a_minute();
    stage.shop.fulfil(&id);
    for refunded in [0, 1] {
        stage.pass_a_minute();
        if refunded > 0 {
            stage.shop.refund(&id, 0, refunded);
        }
        let order = stage.only_order().await?;
        ensure!(order.state == ChannelOrderState::Fulfilled, "{:?}", order.state);
        ensure!(order.lines[0].quantity.get() == 3, "after a refund of {refunded}: {:?}", order.lines);
    }
    Ok(())
}

/// Each change makes a later version of the order.
async fn a_change_is_a_later_version(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let id = stage.shop.sell_unpaid(&[(sold, 3)]);
    let mut version = stage.only_order().await?.changed_at;
    let changes: [&dyn Fn(); 3] =
        [&|| stage.shop.pay(&id), &|| stage.shop.refund(&id, 0, 1), &|| stage.shop.fulfil(&id)];
    for change in changes {
        stage.pass_a_minute();
        change();
        let order = stage.only_order().await?;
        ensure!(order.changed_at > version, "{} is not after {version}", order.changed_at);
        ensure!(order.placed_at <= version, "the date of the order moved");
        version = order.changed_at;
    }
    Ok(())
}

/// Orders come by their ids, those asked for and no others, in as many calls as the channel's limit asks.
async fn orders_are_found_by_their_ids(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let all: Vec<String> = (0..10).map(|_| stage.shop.sell(&[(sold.clone(), 1)])).collect();
    let wanted: BTreeSet<String> = all.iter().step_by(3).cloned().collect();
    let found = stage.orders(&OrderQuery::Ids(wanted.iter().cloned().collect())).await?;
    let ids: BTreeSet<_> = found.iter().map(|order| order.external_id.clone()).collect();
    ensure!(ids == wanted && found.len() == wanted.len(), "{ids:?} instead of {wanted:?}");
    Ok(())
}

/// A window holds what changed in it, and nothing else.
async fn a_window_holds_what_changed_in_it(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let sell = || {
        let id = stage.shop.sell(&[(sold.clone(), 1)]);
        stage.pass_a_minute();
        (id, stage.now())
    };
    let (_, from) = sell();
    let (inside, to) = sell();
    sell();
    let found = stage.orders(&OrderQuery::Changed(Window::new(from, to)?)).await?;
    let ids: Vec<_> = found.iter().map(|order| order.external_id.as_str()).collect();
    ensure!(ids == [inside.as_str()], "{ids:?} instead of {inside}");
    Ok(())
}

/// An order that changes between two pages hides no other, and is found with its new state.
async fn a_change_under_the_walk_hides_nothing(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let page = subject.adapter.capability().order_page_max;
    let all: Vec<String> = (0..2 * page).map(|_| stage.shop.sell(&[(sold.clone(), 1)])).collect();
    stage.pass_a_minute();
    let query = OrderQuery::Changed(stage.all_time());
    let first = stage.order_page(&query, None).await?;
    stage.shop.cancel(&all[0]);
    let mut found: Vec<FetchedOrder> = first.records.into_iter().flatten().collect();
    let mut cursor = first.next;
    while let Some(at) = cursor {
        let page = stage.order_page(&query, Some(&at)).await?;
        found.extend(page.records.into_iter().flatten());
        cursor = page.next;
    }
    let ids: BTreeSet<_> = found.iter().map(|order| order.external_id.clone()).collect();
    ensure!(ids == all.iter().cloned().collect(), "{} came of {}", ids.len(), all.len());
    Ok(())
}

/// An order whose goods were deleted since can still be read, with their quantity and without a listing to blame.
async fn deleted_goods_leave_their_order_readable(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    stage.shop.sell(&[(sold.clone(), 2)]);
    stage.shop.delete(&sold);
    let order = stage.only_order().await?;
    ensure!(order.lines[0].quantity.get() == 2, "{:?}", order.lines);
    ensure!(
        order.lines[0].listing.is_none() || order.lines[0].listing == Some(reference(&sold)),
        "{:?}",
        order.lines
    );
    Ok(())
}

/// An order in a state that the channel did not have before comes with the others, pending and with the state's name: not
/// shipped, not cancelled, not lost.
async fn a_state_that_nobody_knows_is_kept_and_reported(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    let [odd, plain] = [1, 2].map(|units| stage.shop.sell(&[(sold.clone(), units)]));
    stage.pass_a_minute();
    if !stage.shop.unknown_status(&odd) {
        eprintln!("{}: the simulation knows no unknown state", subject.name);
        return Ok(());
    }
    let found = stage.orders(&OrderQuery::Changed(stage.all_time())).await?;
    let of = |id: &str| found.iter().find(|order| order.external_id == id);
    let (odd, plain) = (of(&odd), of(&plain));
    ensure!(found.len() == 2 && odd.is_some() && plain.is_some(), "{} orders came", found.len());
    let state = odd.map(|order| (order.state, order.unknown_state.is_some(), order.lines[0].quantity.get()));
    ensure!(state == Some((ChannelOrderState::Pending, true, 1)), "{odd:?}");
    ensure!(plain.is_some_and(|order| order.unknown_state.is_none()), "{plain:?}");
    Ok(())
}
