//! Numbers by the channel's own locations: F17 to F21 where eBay keeps a seller's goods at several inventory locations. What
//! Shopify does otherwise is tried with its adapter and in the API's own tests.

use std::sync::Arc;

use domain::ChannelKind;
use features::shop::{CURRENCY, ebay_account};
use features::{Hub, Shop, goods};
use jiff::SignedDuration;
use marketplace_sim::ebay::EbayShop;
use marketplace_sim::{SimulatedShop, Sold};
use serde_json::{Value, json};

use crate::{rows, set_aside};

rows![
    f17_a_number_is_spread_over_the_channels_own_locations,
    f19_what_is_moved_there_is_found_and_put_right,
    f21_without_a_map_all_of_it_lies_at_one_location,
];

/// 6 at home and 4 in a warehouse; the seller has `home` and `store` on eBay.
struct Spread {
    hub: Hub,
    sim: Arc<EbayShop>,
    shop: Shop,
    sold: Sold,
    item: String,
    home: Value,
    warehouse: Value,
}

impl Spread {
    /// `None` on a channel without such locations, which is said.
    async fn on(on: ChannelKind, row: &str) -> Option<Self> {
        if on != ChannelKind::Ebay {
            set_aside(row, on, "no inventory locations as eBay has them");
            return None;
        }
        let hub = Hub::new().await;
        let item = hub.item("MUG", "Mug", 6).await;
        let home = hub.get("/v1/organization").await.ok()["primary_location_id"].clone();
        let warehouse = hub.post("/v1/locations", json!({"name": "Warehouse"})).await.ok()["id"].clone();
        let lines = json!([{"item_id": item, "delta": 4}]);
        hub.post("/v1/adjustments", json!({"location_id": warehouse, "lines": lines})).await.ok();
        let sim = Arc::new(ebay_account(&hub.clock, CURRENCY));
        sim.open_location("store");
        sim.open_location("attic");
        sim.disable_location("attic");
        let mut shop = Shop::of(&hub, on, "north", CURRENCY, sim.clone());
        let sold = shop.add(goods("MUG", "Mug", 3));
        shop.connect(&hub).await;
        hub.sync(&shop.connection, "items").await;
        let spread = Self { hub, sim, shop, sold, item, home, warehouse };
        assert_eq!((spread.shown(), spread.kept()), (Some(10), [None, None]));
        Some(spread)
    }

    fn map(&self) -> Value {
        json!({"location_mapping": {"channel_locations": [
            {"location_id": self.warehouse, "channel_location_id": "store"},
            {"location_id": self.home, "channel_location_id": "home"},
        ]}})
    }

    async fn change(&self, body: Value) {
        self.hub.patch(&self.shop.path(), body).await.ok();
        self.hub.settle().await;
    }

    /// What buyers see.
    fn shown(&self) -> Option<i64> {
        self.sim.quantity(&self.sold)
    }

    /// At `home` and at `store`.
    fn kept(&self) -> [Option<i64>; 2] {
        ["home", "store"].map(|key| self.sim.kept_at(&self.sold, key).map(|(units, _)| units))
    }

    fn calls(&self) -> Vec<String> {
        self.sim.take_calls().into_iter().map(|call| call.operation).collect()
    }

    /// What a reconciliation finds.
    async fn drifts(&self) -> Vec<Value> {
        self.hub.clock.advance(SignedDuration::from_mins(5));
        self.hub.post(&format!("{}/reconcile", self.shop.path()), json!({})).await.ok();
        self.hub.settle().await;
        self.hub.list(&format!("/v1/drift?connection_id={}", self.shop.connection)).await
    }
}

async fn f17_a_number_is_spread_over_the_channels_own_locations(on: ChannelKind) {
    let Some(spread) = Spread::on(on, "f17").await else { return };
    let listed = spread.hub.get(&format!("{}/channel-locations", spread.shop.path())).await.ok();
    let named: Vec<_> =
        listed["data"].as_array().unwrap().iter().map(|one| (&one["id"], &one["is_home"])).collect();
    assert_eq!(named, [(&json!("home"), &json!(true)), (&json!("store"), &json!(false))], "the enabled ones");
    spread.sim.distribute(&spread.sold, &["home", "store"]);
    spread.sim.set_fulfillment_days(&spread.sold, "store", 3);

    spread.calls();
    spread.change(spread.map()).await;
    let called = spread.calls();
    assert_eq!((spread.shown(), spread.kept()), (Some(10), [Some(6), Some(4)]));
    let pushes = |calls: &[String]| {
        calls.iter().filter(|call| call.contains("bulk_update") || call.contains("bulk_get")).count()
    };
    assert_eq!(pushes(&called), 2, "one question of what else stands there, one update: {called:?}");
    assert_eq!(spread.sim.kept_at(&spread.sold, "store"), Some((4, Some(3))), "the merchant's time is kept");

    // A transfer leaves the number as it was, and moves the shares.
    let lines = json!([{"item_id": spread.item, "quantity": 5}]);
    let body = json!({"from_location_id": spread.home, "to_location_id": spread.warehouse, "lines": lines});
    spread.hub.post("/v1/transfers", body).await.ok();
    spread.hub.settle().await;
    assert_eq!((spread.shown(), spread.kept()), (Some(10), [Some(1), Some(9)]));

    // An order takes its stock where all the connection's orders do: eBay does not say from where it is shipped.
    spread.hub.clock.advance(SignedDuration::from_mins(1));
    spread.shop.shop.sell(&[(spread.sold.clone(), 3)]);
    spread.hub.sync(&spread.shop.connection, "orders").await;
    assert_eq!(spread.hub.stock(&spread.item).await, (10, 3));
    assert_eq!(
        (spread.shown(), spread.kept()),
        (Some(7), [Some(0), Some(7)]),
        "no more than there is in all"
    );
}

async fn f19_what_is_moved_there_is_found_and_put_right(on: ChannelKind) {
    let Some(spread) = Spread::on(on, "f19").await else { return };
    spread.change(spread.map()).await;
    assert_eq!(spread.drifts().await, Vec::<Value>::new());
    spread.sim.move_stock(&spread.sold, "home", "store", 2);
    let found = spread.drifts().await;
    assert_eq!((&found[0]["observed"], &found[0]["cause"]), (&json!(10), &json!("edited_on_channel")));
    let expected = json!([
        {"channel_location_id": "store", "desired": 4, "acknowledged": 4, "observed": 6},
        {"channel_location_id": "home", "desired": 6, "acknowledged": 6, "observed": 4},
    ]);
    assert_eq!(found[0]["locations"], expected);
    assert_eq!((spread.shown(), spread.kept()), (Some(10), [Some(6), Some(4)]), "made good");

    // What buyers see is the offer's number too, whatever lies where.
    spread.sim.set_offer_quantity(&spread.sold, 99);
    spread.sim.set_offer_quantity(&spread.sold, 2);
    assert_eq!(spread.drifts().await[0]["observed"], 2);
    assert_eq!(spread.shown(), Some(10));
}

async fn f21_without_a_map_all_of_it_lies_at_one_location(on: ChannelKind) {
    let Some(spread) = Spread::on(on, "f21").await else { return };
    spread.change(spread.map()).await;
    spread.change(json!({"location_mapping": {"channel_locations": []}})).await;
    assert_eq!((spread.shown(), spread.kept()), (Some(10), [Some(10), Some(0)]));
    let listing = spread.hub.listing(&spread.shop.connection, "MUG").await;
    assert_eq!(listing["push_state"], "in_sync");
}
