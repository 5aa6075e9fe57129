//! Laws of notifications.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use channel_conformance::{Stage, Subject};
use channels::{Hint, Notification, OrderQuery, WebhookRefused, WebhookUpkeep};
use domain::order::ChannelOrderState;
use domain::schedule::Window;
use http::{HeaderMap, HeaderName, HeaderValue};
use marketplace_sim::Delivery;
use secrecy::SecretString;

use crate::listings::mug;
use crate::set_aside;

crate::laws![
    subscriptions_are_made_once,
    a_lost_subscription_is_restored_and_counted,
    an_order_is_told_and_the_telling_verifies,
    a_new_listing_is_told,
    a_change_of_stock_is_not_told_as_news_of_listings,
    a_forged_notification_is_refused,
    a_notification_that_comes_twice_or_late_says_the_same,
    what_was_not_told_is_fetched,
];

/// Why laws of subscriptions are set aside.
const BY_HAND: &str = "notifications are subscribed to by hand";

const SECRET: &str = "wh_secret_0123456789";

async fn ensure_webhooks(stage: &Stage) -> anyhow::Result<WebhookUpkeep> {
    let callback = "https://sync.example/hooks/1".parse()?;
    Ok(stage.adapter.ensure_webhooks(&stage.shop(), &callback, &SecretString::from(SECRET)).await?)
}

async fn read(stage: &Stage, delivery: &Delivery) -> Result<Notification, WebhookRefused> {
    // To a queue of ours, which is no address.
    if delivery.url.starts_with("arn:") {
        return stage.adapter.read_queued_notification(&delivery.body);
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &delivery.headers {
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
    }
    let secret = SecretString::from(SECRET);
    stage.adapter.read_webhook(&stage.shop(), &secret, &headers, &delivery.body).await
}

/// All that was delivered, read.
async fn hints(stage: &Stage) -> anyhow::Result<Vec<Hint>> {
    let mut hints = Vec::new();
    for delivery in stage.shop.take_deliveries() {
        hints.push(read(stage, &delivery).await.context("a delivery is refused")?.hint);
    }
    Ok(hints)
}

/// Asked for twice, subscriptions are made once; the first time all of them are counted as restored.
async fn subscriptions_are_made_once(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    if !subject.nature.subscribes {
        set_aside(subject, "subscriptions_are_made_once", BY_HAND);
        let upkeep = ensure_webhooks(&stage).await?;
        let calls = stage.shop.take_calls().len();
        ensure!((upkeep.restored, calls) == (0, 0), "{calls} calls for nothing");
        return Ok(());
    }
    let first = ensure_webhooks(&stage).await?;
    ensure!(first.restored > 0, "nothing was registered");
    let again = ensure_webhooks(&stage).await?;
    ensure!(again.restored == 0, "{} were registered again", again.restored);
    hints(&stage).await?;
    stage.shop.add(mug(1));
    let sold = stage.shop.add(mug(2)).remove(0);
    stage.shop.take_deliveries();
    let id = stage.shop.sell_unpaid(&[(sold, 1)]);
    let told: Vec<_> = stage.shop.take_deliveries().into_iter().map(|one| (one.url, one.body)).collect();
    let different: BTreeSet<_> = stage.shop.orders().into_iter().collect();
    ensure!(
        different.contains(&id) && !told.is_empty() && told.len() <= 3,
        "{} deliveries of one order",
        told.len()
    );
    Ok(())
}

/// A subscription that was lost is made again, and counted.
async fn a_lost_subscription_is_restored_and_counted(subject: &Subject) -> anyhow::Result<()> {
    if !subject.nature.subscribes {
        set_aside(subject, "a_lost_subscription_is_restored_and_counted", BY_HAND);
        return Ok(());
    }
    let stage = subject.stage().await?;
    ensure_webhooks(&stage).await?;
    ensure!(stage.shop.forget_webhook(), "the simulation cannot lose a subscription");
    ensure!(ensure_webhooks(&stage).await?.restored == 1, "it was not counted");
    ensure!(ensure_webhooks(&stage).await?.restored == 0, "it was not registered");
    Ok(())
}

/// A new order, and each change of it, is told by its id; every delivery verifies.
async fn an_order_is_told_and_the_telling_verifies(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    ensure_webhooks(&stage).await?;
    hints(&stage).await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    stage.shop.take_deliveries();
    let id = stage.shop.sell_unpaid(&[(sold, 2)]);
    let changes: [(&str, &dyn Fn()); 4] = [
        ("placed", &|| ()),
        ("paid", &|| stage.shop.pay(&id)),
        ("refunded", &|| stage.shop.refund(&id, 0, 1)),
        ("cancelled", &|| stage.shop.cancel(&id)),
    ];
    for (name, change) in changes {
        stage.pass_a_minute();
        change();
        let told = hints(&stage).await?;
        if !subject.nature.tells_of_orders.contains(&name) {
            let why = format!("the channel has no notification of an order that is {name}");
            set_aside(subject, "an_order_is_told_and_the_telling_verifies", &why);
            continue;
        }
        let named = |hint: &Hint| matches!(hint, Hint::Orders(ids) if ids.contains(&id));
        ensure!(told.iter().any(named), "{name}: {told:?}");
    }
    Ok(())
}

/// A new listing is told.
async fn a_new_listing_is_told(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    ensure_webhooks(&stage).await?;
    hints(&stage).await?;
    stage.shop.add(mug(1));
    let told = hints(&stage).await?;
    if !subject.nature.tells_new_listings {
        set_aside(subject, "a_new_listing_is_told", "the channel has no notification of a new listing");
        return Ok(());
    }
    ensure!(told.contains(&Hint::Listings), "{told:?}");
    Ok(())
}

/// A change of stock, such as each of our own writes, does not have the catalogue read again.
async fn a_change_of_stock_is_not_told_as_news_of_listings(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    ensure_webhooks(&stage).await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    hints(&stage).await?;
    stage.pass_a_minute();
    stage.shop.set_quantity(&sold, 4);
    let told = hints(&stage).await?;
    ensure!(!told.contains(&Hint::Listings), "{told:?}");
    Ok(())
}

/// One byte more or less, another secret or no signature: refused.
async fn a_forged_notification_is_refused(subject: &Subject) -> anyhow::Result<()> {
    if !subject.nature.signed_notifications {
        let why = "notifications come through a queue, whose policy vouches for them";
        set_aside(subject, "a_forged_notification_is_refused", why);
        return Ok(());
    }
    let stage = subject.stage().await?;
    ensure_webhooks(&stage).await?;
    hints(&stage).await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    stage.shop.take_deliveries();
    stage.shop.sell(&[(sold, 1)]);
    let genuine = stage.shop.take_deliveries();
    ensure!(!genuine.is_empty(), "nothing was told");
    for delivery in genuine {
        ensure!(read(&stage, &delivery).await.is_ok(), "the genuine one is refused");
        let longer = Delivery { body: [delivery.body.as_ref(), b" "].concat().into(), ..delivery.clone() };
        ensure!(
            read(&stage, &longer).await == Err(WebhookRefused::BadSignature),
            "a changed body is believed"
        );
        let signature =
            delivery.headers.keys().find(|name| name.contains("signature") || name.contains("hmac")).cloned();
        let mut unsigned = delivery.clone();
        unsigned.headers.remove(&signature.context("no signature among the headers")?);
        ensure!(
            read(&stage, &unsigned).await == Err(WebhookRefused::Unsigned),
            "an unsigned one is believed"
        );
    }
    Ok(())
}

/// Whatever the order in which they come, and however often, notifications name their order; what it is now is read from
/// the channel.
async fn a_notification_that_comes_twice_or_late_says_the_same(subject: &Subject) -> anyhow::Result<()> {
    let stage = subject.stage().await?;
    ensure_webhooks(&stage).await?;
    hints(&stage).await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    stage.shop.take_deliveries();
    let id = stage.shop.sell_unpaid(&[(sold, 3)]);
    let mut told = stage.shop.take_deliveries();
    let changes: [&dyn Fn(); 2] = [&|| stage.shop.pay(&id), &|| stage.shop.fulfil(&id)];
    for change in changes {
        stage.pass_a_minute();
        change();
        told.extend(stage.shop.take_deliveries());
    }
    let mut named = false;
    for delivery in told.iter().rev() {
        let (once, twice) = (read(&stage, delivery).await?, read(&stage, delivery).await?);
        ensure!(once == twice, "{once:?}, then {twice:?}");
        match once.hint {
            Hint::Nothing => continue,
            Hint::Orders(ids) => ensure!(ids == [id.clone()], "{ids:?}"),
            other => anyhow::bail!("{other:?}"),
        }
        named = true;
        let found = stage.orders(&OrderQuery::Ids(vec![id.clone()])).await?;
        let now = found.first().map(|order| (order.state, order.lines[0].quantity.get()));
        ensure!(now == Some((ChannelOrderState::Fulfilled, 3)), "{now:?}");
    }
    ensure!(named, "none of {} deliveries names the order", told.len());
    Ok(())
}

/// What happened while a subscription was gone is not told later; the upkeep counts what it restored, and the changes since
/// are found by their time.
async fn what_was_not_told_is_fetched(subject: &Subject) -> anyhow::Result<()> {
    if !subject.nature.subscribes {
        set_aside(subject, "what_was_not_told_is_fetched", BY_HAND);
        return Ok(());
    }
    let stage = subject.stage().await?;
    ensure_webhooks(&stage).await?;
    let sold = stage.shop.add(mug(9)).remove(0);
    hints(&stage).await?;
    let since = stage.now();
    stage.pass_a_minute();
    if !stage.shop.forget_webhook() {
        eprintln!("{}: the simulation cannot lose a subscription", subject.name);
        return Ok(());
    }
    for _ in 0..50 {
        stage.shop.forget_webhook();
    }
    let id = stage.shop.sell(&[(sold.clone(), 1)]);
    stage.pass_a_minute();
    ensure!(ensure_webhooks(&stage).await?.restored > 0, "nothing was restored");
    let told = hints(&stage).await?;
    ensure!(!told.contains(&Hint::Orders(vec![id.clone()])), "it was told after all");
    let window = Window::new(since, stage.all_time().to)?;
    let found = stage.orders(&OrderQuery::Changed(window)).await?;
    ensure!(found.len() == 1 && found[0].external_id == id, "{} orders came", found.len());
    stage.shop.sell(&[(sold, 1)]);
    ensure!(!hints(&stage).await?.is_empty(), "notifications do not come again");
    Ok(())
}
