//! Through the whole pipeline, what only Amazon has: feeds that are answered later, and orders that are not the
//! merchant's to ship.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use app::connection_settings::SettingsPatch;
use app::organization::OrganizationPatch;
use bench::world::STREAM_BATCH;
use bench::{BenchClock, Wire, World, goods};
use domain::order::OrderState;
use domain::sync::SyncKind;
use domain::{ChannelKind, ItemId};
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::{Goods, SimulatedShop, Sold};
use queue::{QueueName, Work};
use store::connection::Connection;
use store::link::Link;
use store::stock::Freshness;

const PUSHES: QueueName = QueueName { work: Work::StockPush, channel: ChannelKind::Amazon };

struct Hub {
    world: World,
    shop: Arc<AmazonShop>,
    connection: Connection,
    on_sale: Vec<Sold>,
}

fn run(test: impl Future<Output = anyhow::Result<()>>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test).unwrap();
}

impl Hub {
    /// Connected, linked and settled.
    async fn with(count: usize) -> anyhow::Result<Self> {
        let clock = BenchClock::default();
        let shop = Arc::new(AmazonShop::new(clock.reader(), "EUR"));
        let on_sale: Vec<Sold> = (0..count).flat_map(|n| shop.add(goods::simple(n, 50))).collect();
        let world = World::new(clock, Wire::to(Arc::<AmazonShop>::clone(&shop))).await?;
        let taxes = OrganizationPatch { taxes_enabled: Some(true), ..OrganizationPatch::default() };
        world.app.change_organization(&world.organization.id, None, &taxes).await?;
        let settings = SettingsPatch { auto_create: Some(true), ..SettingsPatch::default() };
        let connection = world.connect(ChannelKind::Amazon, shop.credentials(), settings).await?;
        let hub = Self { world, shop, connection, on_sale };
        hub.world.settle(&hub.connection).await?;
        hub.calls();
        Ok(hub)
    }

    /// All listings have changed, and the feed that tells them is submitted. The items.
    async fn submit_all(&self) -> anyhow::Result<Vec<ItemId>> {
        let items = self.world.items(&self.connection).await?;
        self.world.adjust(&items, -1).await?;
        self.world.fan_out(STREAM_BATCH).await?;
        // One invocation of stock-push.
        self.world.work_once(PUSHES).await?;
        assert!(self.links().await?.iter().all(|link| link.submitted.is_some()));
        Ok(items)
    }

    /// Answers by operation; none may be a refusal.
    fn calls(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for call in self.shop.take_calls() {
            assert!(call.status < 400, "{call:?}");
            *counts.entry(call.operation).or_default() += 1;
        }
        counts
    }

    async fn links(&self) -> anyhow::Result<Vec<Link>> {
        let mut links = Vec::new();
        for item in self.world.items(&self.connection).await? {
            let organization = &self.world.organization.id;
            links.extend(
                self.world.app.store.item_stock(organization, &item, Freshness::Consistent).await?.links,
            );
        }
        Ok(links)
    }
}

/// 160 changed listings are one feed and no PATCH; each is acknowledged when Amazon says so, and not before.
#[test]
fn many_changes_are_one_feed_and_acknowledged_by_its_result() {
    run(async {
        let hub = Hub::with(160).await?;
        let items = hub.world.items(&hub.connection).await?;
        hub.world.adjust(&items, -1).await?;
        hub.world.drain(ChannelKind::Amazon, STREAM_BATCH).await?;
        let calls = hub.calls();
        let of = |name: &str| calls.get(name).copied().unwrap_or(0);
        assert_eq!((of("createFeed"), of("patchListingsItem")), (1, 0), "{calls:?}");
        for link in hub.links().await? {
            assert_eq!(link.acknowledged.map(|taken| taken.quantity.get()), Some(49));
            assert_eq!((link.submitted, link.failure), (None, None));
        }
        assert!(hub.on_sale.iter().all(|sold| hub.shop.quantity(sold) == Some(49)));
        Ok(())
    });
}

/// What changes while a feed is worked on is not told by a PATCH that the feed might undo, and is told after it.
#[test]
fn what_changes_under_a_feed_is_told_after_it() {
    run(async {
        let hub = Hub::with(160).await?;
        let items = hub.submit_all().await?;
        // Another change comes before its result.
        hub.world.adjust(&items[..1], -9).await?;
        hub.world.fan_out(STREAM_BATCH).await?;
        hub.world.work_once(PUSHES).await?;
        assert_eq!(hub.calls().get("patchListingsItem"), None, "told while the feed was open");
        hub.world.work(PUSHES).await?;
        let links = hub.links().await?;
        assert!(links.iter().all(|link| link.submitted.is_none() && link.failure.is_none()));
        let mut shown: Vec<_> = hub.on_sale.iter().filter_map(|sold| hub.shop.quantity(sold)).collect();
        shown.sort_unstable();
        assert_eq!((shown[0], shown[1], shown[159]), (40, 49, 49));
        assert_eq!(hub.calls().get("patchListingsItem"), Some(&1));
        Ok(())
    });
}

/// Who presses Push Stock while a feed is worked on has the number told after it, also where the hub thinks that it shows.
#[test]
fn what_is_asked_for_under_a_feed_is_told_after_it() {
    run(async {
        let hub = Hub::with(160).await?;
        hub.submit_all().await?;
        let links = hub.links().await?;
        let edited = &hub.on_sale[0];
        let link = links.iter().find(|link| link.listing.external_id == edited.external_id).unwrap();
        hub.world.app.push_item(&hub.world.organization.id, &link.item_id).await?;
        hub.world.work_once(PUSHES).await?;
        assert_eq!(hub.calls().get("patchListingsItem"), None, "told while the feed was open");
        // The feed has taken effect, its result was not asked for, and somebody sets another number in the shop.
        hub.world.clock.advance(Duration::from_secs(600));
        assert_eq!(hub.shop.quantity(edited), Some(49));
        hub.shop.set_quantity(edited, 7);
        hub.world.work(PUSHES).await?;
        assert_eq!(hub.shop.quantity(edited), Some(49));
        assert_eq!(hub.calls().get("patchListingsItem"), Some(&1));
        Ok(())
    });
}

/// A SKU that the feed refuses ends with its code; the others are acknowledged.
#[test]
fn a_refused_sku_ends_with_its_code() {
    run(async {
        let hub = Hub::with(160).await?;
        let items = hub.world.items(&hub.connection).await?;
        hub.shop.delete(&hub.on_sale[7]);
        hub.world.adjust(&items, -1).await?;
        hub.world.drain(ChannelKind::Amazon, STREAM_BATCH).await?;
        let links = hub.links().await?;
        let failed: Vec<_> = links
            .iter()
            .filter_map(|link| Some((&link.listing.external_id, &link.failure.as_ref()?.code)))
            .collect();
        assert_eq!(failed, [(&hub.on_sale[7].external_id, &"listing_gone".to_owned())]);
        assert_eq!(
            links
                .iter()
                .filter(|link| link.acknowledged.map(|taken| taken.quantity.get()) == Some(49))
                .count(),
            159
        );
        Ok(())
    });
}

/// An order that Amazon ships is fulfilled at once and takes nothing off the merchant's shelves; one that was made for a
/// sale elsewhere is left out.
#[test]
fn what_amazon_ships_leaves_the_merchant_s_stock_alone() {
    run(async {
        let hub = Hub::with(1).await?;
        let fba = hub.shop.add_fba(Goods {
            sku: Some("FBA-1".to_owned()),
            title: "By Amazon".to_owned(),
            price: "5.00".to_owned(),
            quantity: Some(9),
            ..Goods::default()
        });
        hub.world.sync(&hub.connection, SyncKind::Items).await?;
        hub.world.drain(ChannelKind::Amazon, STREAM_BATCH).await?;
        let links = hub.links().await?;
        assert_eq!(links.len(), 2, "the FBA listing is linked to an item");
        let sold = hub.shop.sell(&[(fba[0].clone(), 2)]);
        let elsewhere = hub.shop.send_elsewhere(&[(fba[0].clone(), 1)]);
        hub.world.import(&hub.connection, &sold).await?;
        hub.world.import(&hub.connection, &elsewhere).await?;
        let store = &hub.world.app.store;
        let organization = &hub.world.organization.id;
        let id = |external: &str| domain::OrderId::of(&hub.connection.id, external).unwrap();
        let order = store.order(organization, &id(&sold)).await?.unwrap();
        assert_eq!((order.state, order.no_stock_effect), (OrderState::Fulfilled, true));
        assert!(order.applied.is_empty());
        assert!(store.order(organization, &id(&elsewhere)).await?.is_none());
        hub.world.drain(ChannelKind::Amazon, STREAM_BATCH).await?;
        assert!(!hub.calls().contains_key("patchListingsItem"), "an FBA listing is told no number");
        Ok(())
    });
}
