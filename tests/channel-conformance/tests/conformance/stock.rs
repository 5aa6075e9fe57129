//! Laws of stock.

use std::collections::BTreeSet;

use anyhow::ensure;
use channel_conformance::{Stage, Subject, reference};
use channels::{ErrorKind, Retry, StockOutcome, StockTarget};
use marketplace_sim::{Fault, Goods, Sold, Variation};

use crate::listings::mug;

crate::laws![
    a_push_sets_exactly_what_was_asked,
    variations_are_set_like_others,
    a_lost_answer_changes_nothing_at_the_end,
    a_request_that_never_arrived_is_sent_again,
    what_is_gone_fails_alone,
    what_is_not_counted_is_not_accepted,
    a_sale_lowers_what_is_read,
    odd_skus_are_pushed_and_sold,
];

fn mugs(stage: &Stage, count: u32) -> Vec<Sold> {
    (0..count).flat_map(|number| stage.shop.add(mug(number))).collect()
}

fn accepted(outcomes: impl IntoIterator<Item = StockOutcome>) -> bool {
    outcomes.into_iter().all(|outcome| outcome == StockOutcome::Accepted)
}

/// Each listing shows the number asked for, others are left alone, it takes no more calls than the batches need, and
/// reading agrees; so do the listings fetched then, under the names they had before.
async fn a_push_sets_exactly_what_was_asked(subject: &Subject) -> anyhow::Result<()> {
    let batch = subject.adapter.capability().stock_batch_max;
    for count in [1, batch, batch + 1, 2 * batch + 1] {
        let stage = subject.stage().await?;
        let sold = mugs(&stage, count);
        let untouched = stage.shop.add(Goods { sku: Some("NEIGHBOUR".to_owned()), ..mug(7) }).remove(0);
        let wanted: Vec<(Sold, i64)> = sold.iter().cloned().zip((0..).map(|n| (n * 7) % 1_000)).collect();
        let targets = stage.targets(&wanted).await?;
        stage.shop.take_calls();
        let (outcomes, batches) = stage.push(targets.clone()).await?;
        let calls = stage.shop.take_calls().len();
        let least = count.div_ceil(batch) as usize;
        let calls_max = least * subject.nature.stock_calls_max;
        ensure!(
            batches == least && (least..=calls_max).contains(&calls),
            "{batches} batches and {calls} calls for {count}"
        );
        ensure!(outcomes.len() == sold.len() && accepted(outcomes.into_values()), "not all were accepted");
        for (sold, quantity) in &wanted {
            ensure!(
                stage.shop.quantity(sold) == Some(*quantity),
                "{sold:?} shows {:?}",
                stage.shop.quantity(sold)
            );
        }
        ensure!(stage.shop.quantity(&untouched) == Some(7), "a neighbour changed");
        let shown = stage.read(&targets).await?;
        let numbers: Vec<_> = wanted.iter().map(|(_, quantity)| Some(*quantity)).collect();
        ensure!(shown == numbers, "{shown:?}");
        let known: BTreeSet<_> = stage.listings().await?.into_iter().map(|one| one.reference).collect();
        let named = sold.iter().chain([&untouched]).all(|sold| known.contains(&reference(sold)));
        ensure!(named && known.len() == sold.len() + 1, "a push gave listings other names");
    }
    Ok(())
}

/// A variation's number is set on the variation, and on no sibling.
async fn variations_are_set_like_others(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let variation = |shirt: &str, option: &str| Variation {
        sku: Some(format!("{shirt}-{option}")),
        price: "5.00".to_owned(),
        quantity: Some(1),
        attributes: vec![("Size".to_owned(), option.to_owned())],
    };
    let shirt = |name: &str| Goods {
        title: "Shirt".to_owned(),
        variations: vec![variation(name, "S"), variation(name, "M")],
        ..Goods::default()
    };
    let (first, second) = (stage.shop.add(shirt("V")), stage.shop.add(shirt("W")));
    let wanted = vec![(first[0].clone(), 10), (second[1].clone(), 20)];
    let targets = stage.targets(&wanted).await?;
    let (outcomes, _) = stage.push(targets.clone()).await?;
    ensure!(accepted(outcomes.into_values()), "not all were accepted");
    let shown: Vec<_> = first.iter().chain(&second).map(|sold| stage.shop.quantity(sold)).collect();
    ensure!(shown == [Some(10), Some(1), Some(1), Some(20)], "{shown:?}");
    ensure!(stage.read(&targets).await? == [Some(10), Some(20)], "reading disagrees");
    Ok(())
}

/// A push whose answer is lost after the work was done, sent again, ends as if it had been sent once.
async fn a_lost_answer_changes_nothing_at_the_end(subject: &Subject) -> anyhow::Result<()> {
    lost(subject, Fault::DropAnswer).await
}

/// The same for one that never reached the shop.
async fn a_request_that_never_arrived_is_sent_again(subject: &Subject) -> anyhow::Result<()> {
    lost(subject, Fault::Hang).await
}

async fn lost(subject: &Subject, fault: Fault) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = mugs(&stage, 3);
    let wanted: Vec<_> = sold.into_iter().zip([5, 0, 99]).collect();
    let batch = stage.plan(stage.targets(&wanted).await?).remove(0);
    stage.shop.faults().push(fault);
    let error = stage.adapter.push_stock(&stage.shop(), "one-key", &batch).await.err();
    let kind = error.as_ref().map(|error| (error.kind, error.retry));
    ensure!(
        kind.is_some_and(|(kind, retry)| kind == ErrorKind::Unavailable && retry != Retry::Never),
        "{kind:?}"
    );
    let outcomes = stage.adapter.push_stock(&stage.shop(), "one-key", &batch).await?;
    // A channel that compares may say that the number is not the expected one any more: it is the one asked for.
    let settled = outcomes.iter().zip(&batch.targets).all(|(outcome, target)| match outcome {
        StockOutcome::Accepted => true,
        StockOutcome::Stale { observed } => {
            observed.is_none_or(|observed| observed == target.quantity.units())
        }
        StockOutcome::Rejected { .. } | StockOutcome::Failed { .. } | StockOutcome::Submitted { .. } => false,
    });
    ensure!(settled, "{outcomes:?}");
    // A channel that takes one listing a call has had one of them.
    let sent = |sold: &Sold| batch.targets.iter().any(|target| target.listing == reference(sold));
    for (sold, quantity) in wanted.iter().filter(|(sold, _)| sent(sold)) {
        ensure!(
            stage.shop.quantity(sold) == Some(*quantity),
            "{sold:?} shows {:?}",
            stage.shop.quantity(sold)
        );
    }
    Ok(())
}

/// A listing that was deleted is rejected; the others of its batch are set, at once or when sent again without it.
async fn what_is_gone_fails_alone(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = mugs(&stage, 3);
    let wanted: Vec<_> = sold.iter().cloned().zip([5, 6, 7]).collect();
    let targets = stage.targets(&wanted).await?;
    stage.shop.delete(&sold[1]);
    let (mut outcomes, _) = stage.push(targets.clone()).await?;
    let failed =
        |target: &StockTarget| matches!(outcomes.get(&target.listing), Some(StockOutcome::Failed { .. }));
    let again: Vec<_> = targets.into_iter().filter(failed).collect();
    outcomes.extend(stage.push(again).await?.0);
    let gone = outcomes.get(&reference(&sold[1]));
    ensure!(matches!(gone, Some(StockOutcome::Rejected { .. })), "{gone:?}");
    for (sold, quantity) in [(&sold[0], 5), (&sold[2], 7)] {
        ensure!(outcomes.get(&reference(sold)) == Some(&StockOutcome::Accepted), "{outcomes:?}");
        ensure!(
            stage.shop.quantity(sold) == Some(quantity),
            "{sold:?} shows {:?}",
            stage.shop.quantity(sold)
        );
    }
    Ok(())
}

/// A number for goods that the shop does not count is not said to be accepted while the shop shows none.
async fn what_is_not_counted_is_not_accepted(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(Goods { quantity: None, ..mug(1) }).remove(0);
    let targets = stage.targets(&[(sold.clone(), 5)]).await?;
    let (outcomes, _) = stage.push(targets).await?;
    let outcome = outcomes.get(&reference(&sold));
    let shown = stage.shop.quantity(&sold);
    ensure!(
        (outcome == Some(&StockOutcome::Accepted)) == (shown == Some(5)),
        "{outcome:?}, and it shows {shown:?}"
    );
    Ok(())
}

/// What the shop sold is off what is read.
async fn a_sale_lowers_what_is_read(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold = stage.shop.add(Goods { quantity: Some(10), ..mug(1) }).remove(0);
    let targets = stage.targets(&[(sold.clone(), 0)]).await?;
    stage.shop.sell(&[(sold, 3)]);
    let shown = stage.read(&targets).await?;
    ensure!(shown == [Some(7)], "{shown:?}");
    Ok(())
}

/// Stock of what has spaces, slashes, quotes or non-Latin text in its SKU is set and read, and its sales name the listing.
async fn odd_skus_are_pushed_and_sold(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let odd = ["A/B 1", "it's \"big\"", "Größe 42", "商品-一", "a%2Fb+c&d=e", "x<y>#1?"];
    let mut sold = Vec::new();
    for (number, sku) in (0..).zip(odd) {
        sold.extend(stage.shop.add(Goods { sku: Some(sku.to_owned()), quantity: Some(1), ..mug(number) }));
    }
    let wanted: Vec<(Sold, i64)> = sold.iter().cloned().zip(11..).collect();
    let targets = stage.targets(&wanted).await?;
    let (outcomes, _) = stage.push(targets.clone()).await?;
    ensure!(outcomes.len() == odd.len() && accepted(outcomes.values().cloned()), "{outcomes:?}");
    let numbers: Vec<_> = wanted.iter().map(|(_, quantity)| Some(*quantity)).collect();
    ensure!(stage.adapter.read_stock(&stage.shop(), &targets).await? == numbers, "reading disagrees");
    stage.shop.sell(&sold.iter().map(|sold| (sold.clone(), 1)).collect::<Vec<_>>());
    let order = stage.only_order().await?;
    let named: Vec<_> = order.lines.iter().map(|line| (line.listing.clone(), line.sku.clone())).collect();
    for (sold, sku) in sold.iter().zip(odd) {
        let line = (Some(reference(sold)), Some(sku.to_owned()));
        ensure!(named.contains(&line), "{sku} is not among {named:?}");
    }
    Ok(())
}
