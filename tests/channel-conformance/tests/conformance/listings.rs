//! Laws of listings.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::ensure;
use channel_conformance::{Stage, Subject, reference};
use domain::listing::ChannelStatus;
use domain::schedule::Window;
use marketplace_sim::{Goods, Sold, Variation};

use crate::set_aside;

crate::laws![
    every_listing_comes_once,
    every_variation_is_a_listing,
    four_attributes_fail_and_siblings_come,
    sold_out_is_zero_and_uncounted_is_nothing,
    what_is_deleted_is_gone,
    an_unreadable_listing_fails_alone,
    a_deletion_under_the_walk_hides_nothing,
    a_page_can_be_asked_for_again,
    a_change_is_found_by_its_time,
    odd_skus_and_titles_come_through,
    prices_have_the_decimals_of_their_currency,
];

pub fn mug(number: u32) -> Goods {
    Goods {
        sku: Some(format!("MUG-{number}")),
        title: format!("Mug {number}"),
        price: "12.50".to_owned(),
        quantity: Some(i64::from(number) % 50),
        ..Goods::default()
    }
}

fn shirt(attributes: usize) -> Goods {
    let names = ["Colour", "Size", "Fit", "Sleeve"];
    let variation = |option: &str| Variation {
        sku: Some(format!("SHIRT-{attributes}-{option}")),
        price: "20.00".to_owned(),
        quantity: Some(3),
        attributes: names[..attributes].iter().map(|name| ((*name).to_owned(), option.to_owned())).collect(),
    };
    Goods {
        title: format!("Shirt of {attributes}"),
        price: "20.00".to_owned(),
        variations: vec![variation("A"), variation("B")],
        ..Goods::default()
    }
}

/// Whatever the catalogue's size, at each boundary of a page and beside it, every listing comes exactly once, and a page
/// of products without variations is one call.
async fn every_listing_comes_once(subject: &Subject) -> anyhow::Result<()> {
    let page = subject.adapter.capability().listing_page_max;
    for count in [0, 1, page - 1, page, page + 1, 2 * page + 1] {
        let stage = subject.stage().await?;
        let added: BTreeSet<_> =
            (0..count).flat_map(|n| stage.shop.add(mug(n))).map(|sold| reference(&sold)).collect();
        let pages = stage.pages(None).await?;
        let calls = stage.shop.take_calls().len();
        let expected = (subject.nature.listing_calls)(count as usize, pages.len());
        ensure!(calls == expected, "{calls} calls for {} pages instead of {expected}", pages.len());
        ensure!(pages.iter().all(|one| one.records.len() <= page as usize), "a page is too long");
        let found: Vec<_> =
            pages.into_iter().flat_map(|one| one.records).collect::<Result<_, _>>().map_err(failed)?;
        ensure!(found.len() == added.len(), "{} came of {count}", found.len());
        ensure!(
            found.iter().map(|one| one.reference.clone()).collect::<BTreeSet<_>>() == added,
            "others came"
        );
        for listing in &found {
            let title = listing.title.as_str();
            let sku = listing.sku.as_ref().map(|sku| sku.as_str().replace("MUG-", "Mug "));
            ensure!(sku.as_deref() == Some(title), "the SKU of {title} is {sku:?}");
            ensure!(
                listing.price.map(|price| price.amount()).as_deref() == Some("12.50"),
                "the price of {title}"
            );
            ensure!(listing.status == ChannelStatus::Active, "the status of {title}");
        }
    }
    Ok(())
}

fn failed(failure: domain::listing::RecordFailure) -> anyhow::Error {
    anyhow::anyhow!("{} failed: {}", failure.external_id, failure.reason)
}

/// Each variation is a listing with its own SKU and stock; what they are variations of is none.
async fn every_variation_is_a_listing(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let mut added: BTreeSet<_> =
        (1..=3).flat_map(|n| stage.shop.add(shirt(n))).map(|sold| reference(&sold)).collect();
    added.extend(stage.shop.add(mug(1)).iter().map(reference));
    let found = stage.listings().await?;
    ensure!(found.len() == added.len(), "{} came of {}", found.len(), added.len());
    ensure!(found.iter().map(|one| one.reference.clone()).collect::<BTreeSet<_>>() == added, "others came");
    let three = found.iter().filter(|one| one.attributes.len() == 3).count();
    ensure!(three == 2, "{three} have three attributes");
    let skus: BTreeSet<_> = found.iter().filter_map(|one| one.sku.as_ref().map(|sku| sku.as_str())).collect();
    ensure!(skus.len() == 7, "{skus:?}");
    Ok(())
}

/// A group with more than three attributes fails, each of its variations by name; its neighbours come in.
async fn four_attributes_fail_and_siblings_come(subject: &Subject) -> anyhow::Result<()> {
    if !subject.four_attributes {
        set_aside(subject, "four_attributes_fail_and_siblings_come", "no group has four attributes");
        return Ok(());
    }
    let stage = subject.stage().await?;
    stage.shop.add(shirt(4));
    stage.shop.add(shirt(3));
    let (found, failures): (Vec<_>, Vec<_>) =
        stage.pages(None).await?.into_iter().flat_map(|page| page.records).partition(Result::is_ok);
    let codes: Vec<_> = failures.into_iter().filter_map(Result::err).map(|failure| failure.code).collect();
    ensure!(codes == ["too_many_attributes"; 2], "{codes:?}");
    ensure!(found.len() == 2, "{} siblings came", found.len());
    Ok(())
}

/// A sold-out listing comes with 0, one that the shop does not count with no number.
async fn sold_out_is_zero_and_uncounted_is_nothing(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    for (title, quantity) in [("none left", Some(0)), ("oversold", Some(-4)), ("uncounted", None)] {
        stage.shop.add(Goods { title: title.to_owned(), quantity, sku: None, ..mug(1) });
    }
    let found = stage.listings().await?;
    let quantities: BTreeMap<_, _> =
        found.iter().map(|one| (one.title.as_str(), one.quantity.map(|quantity| quantity.get()))).collect();
    ensure!(
        quantities == BTreeMap::from([("none left", Some(0)), ("oversold", Some(0)), ("uncounted", None)]),
        "{quantities:?}"
    );
    if subject.nature.sku_is_the_key {
        set_aside(subject, "sold_out_is_zero_and_uncounted_is_nothing", "no listing is without a SKU");
        return Ok(());
    }
    ensure!(found.iter().all(|one| one.sku.is_none()), "a SKU came from nowhere");
    Ok(())
}

/// A deleted listing does not come, or comes as deleted.
async fn what_is_deleted_is_gone(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let gone = stage.shop.add(mug(1)).remove(0);
    stage.shop.add(mug(2));
    stage.shop.delete(&gone);
    let live: Vec<_> =
        stage.listings().await?.into_iter().filter(|one| one.status != ChannelStatus::Deleted).collect();
    ensure!(live.len() == 1 && live[0].reference != reference(&gone), "{live:?}");
    Ok(())
}

/// A record that cannot be read fails alone and by name.
async fn an_unreadable_listing_fails_alone(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let sold: Vec<Sold> = (0..5).flat_map(|n| stage.shop.add(mug(n))).collect();
    if !stage.shop.spoil(&sold[2]) {
        return Ok(());
    }
    let (found, failures): (Vec<_>, Vec<_>) =
        stage.pages(None).await?.into_iter().flat_map(|page| page.records).partition(Result::is_ok);
    ensure!(found.len() == 4, "{} of the others came", found.len());
    let failures: Vec<_> = failures.into_iter().filter_map(Result::err).collect();
    ensure!(failures.len() == 1 && failures[0].external_id.contains(&sold[2].external_id), "{failures:?}");
    Ok(())
}

/// A listing deleted between two pages hides no other.
async fn a_deletion_under_the_walk_hides_nothing(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let page = subject.adapter.capability().listing_page_max;
    let sold: Vec<Sold> = (0..2 * page).flat_map(|n| stage.shop.add(mug(n))).collect();
    let first = stage.listing_page(None, None).await?;
    // One of the first page's: what is behind it moves up.
    let read = first.records.iter().flatten().next().map(|one| one.reference.clone());
    let gone = sold.iter().find(|sold| Some(reference(sold)) == read).unwrap_or(&sold[0]);
    stage.shop.delete(gone);
    let mut found: Vec<_> = first.records.into_iter().flatten().map(|one| one.reference).collect();
    let mut cursor = first.next;
    while let Some(at) = cursor {
        let page = stage.listing_page(None, Some(&at)).await?;
        found.extend(page.records.into_iter().flatten().map(|one| one.reference));
        cursor = page.next;
    }
    ensure!(found.len() == sold.len(), "{} came of {}", found.len(), sold.len());
    ensure!(found.iter().collect::<BTreeSet<_>>().len() == sold.len(), "some came twice");
    Ok(())
}

/// A sync that stops after a page goes on from its cursor, and the same cursor gives the same page.
async fn a_page_can_be_asked_for_again(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    for number in 0..subject.adapter.capability().listing_page_max + 5 {
        stage.shop.add(mug(number));
    }
    stage.shop.add(shirt(2));
    let mut cursor = None;
    loop {
        let once = stage.listing_page(None, cursor.as_ref()).await?;
        let twice = stage.listing_page(None, cursor.as_ref()).await?;
        ensure!(format!("{:?}", once.records) == format!("{:?}", twice.records), "another page came");
        ensure!(once.next == twice.next, "another cursor came");
        ensure!(once.next.as_ref().is_none_or(|next| next.0.len() <= 16 * 1024), "the cursor is too long");
        cursor = once.next;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// A renamed listing is among the changes since; one that was left alone is not.
async fn a_change_is_found_by_its_time(subject: &Subject) -> anyhow::Result<()> {
    if !subject.adapter.capability().listing_changes {
        set_aside(subject, "a_change_is_found_by_its_time", "it cannot be asked what changed");
        return Ok(());
    }
    let stage = subject.stage().await?;
    let sold: Vec<Sold> = (0..5).flat_map(|n| stage.shop.add(mug(n))).collect();
    stage.pass_a_minute();
    let since = stage.now();
    stage.pass_a_minute();
    stage.shop.rename(&sold[3], Some(Some("RENAMED".to_owned())), None);
    stage.pass_a_minute();
    let window = Window::new(since, stage.now())?;
    let found: Vec<_> = changed(&stage, window).await?;
    ensure!(found == ["RENAMED"], "{found:?}");
    Ok(())
}

async fn changed(stage: &Stage, window: Window) -> anyhow::Result<Vec<String>> {
    let records = stage.pages(Some(window)).await?.into_iter().flat_map(|page| page.records);
    Ok(records.flatten().filter_map(|one| one.sku).map(|sku| sku.as_str().to_owned()).collect())
}

/// What merchants write comes through as they wrote it.
async fn odd_skus_and_titles_come_through(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    let odd = ["A/B 1", "it's \"big\"", "Größe 42 · naïve", "商品-一", "000123", "a%2Fb+c&d=e", "x<y", "🧵"];
    for text in odd {
        stage.shop.add(Goods { sku: Some(text.to_owned()), title: format!("{text} & more"), ..mug(1) });
    }
    for listing in stage.listings().await? {
        let sku = listing.sku.as_ref().map(|sku| sku.as_str()).unwrap_or_default();
        ensure!(odd.contains(&sku), "{sku} was not added");
        ensure!(
            listing.title.as_str() == format!("{sku} & more"),
            "{sku} is called {}",
            listing.title.as_str()
        );
    }
    ensure!(stage.listings().await?.len() == odd.len(), "some are missing");
    Ok(())
}

/// A price of 0, 2 or 3 decimals is that price, in listings and in orders.
async fn prices_have_the_decimals_of_their_currency(subject: &Subject) -> anyhow::Result<()> {
    for (currency, decimals, price, total) in
        [("JPY", 0, "1250", "2500"), ("EUR", 2, "12.50", "25.00"), ("KWD", 3, "1.234", "2.468")]
    {
        if subject.nature.not_in.contains(&currency) {
            let why = format!("the channel has no marketplace that counts in {currency}");
            set_aside(subject, "prices_have_the_decimals_of_their_currency", &why);
            continue;
        }
        let stage = subject.stage_in(currency, decimals).await?;
        let sold = stage.shop.add(Goods { price: price.to_owned(), ..mug(9) }).remove(0);
        let listing = stage.listings().await?.remove(0);
        let found = listing.price.map(|price| (price.amount(), price.currency.to_string()));
        ensure!(found == Some((price.to_owned(), currency.to_owned())), "{found:?}");
        stage.shop.sell(&[(sold, 2)]);
        let order = stage.only_order().await?;
        ensure!(order.total.map(|total| total.amount()).as_deref() == Some(total), "{:?}", order.total);
        let unit = order.lines[0].unit_price.map(|price| price.amount());
        ensure!(unit.as_deref() == Some(price), "{unit:?}");
    }
    Ok(())
}
