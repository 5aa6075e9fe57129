//! Stock goes out to the channels: D1 to D17.

use domain::ChannelKind;
use features::{Hub, Shop, goods};
use jiff::SignedDuration;
use marketplace_sim::Sold;
use serde_json::{Value, json};

use crate::rows;

rows![
    d1_receives_shipments_and_invoices_each_reach_every_listing,
    d2_push_stock_sends_to_every_listing_though_nothing_changed,
    d3_new_orders_come_in_before_the_number_goes_out,
    d4_available_is_current_stock_less_the_orders_of_that_run,
    d5_every_change_of_stock_reaches_the_listing_by_itself,
    d6_stock_goes_out_unless_it_is_switched_off,
    d7_switched_off_it_reaches_nobody_here_and_everybody_else,
    d8_a_channel_shows_the_locations_chosen_for_it,
    d9_a_disabled_connection_is_sent_nothing_and_says_so,
    d10_an_unlinked_listing_is_sent_nothing,
    d11_no_location_at_all_sends_nothing_and_says_so,
    d12_what_was_sent_last_and_when_is_seen,
    d13_no_number_of_the_channel_changes_the_hubs,
    d14_a_quantity_is_changed_in_the_hub_and_arrives_at_the_listing,
    d15_what_was_edited_on_the_channel_is_overwritten_at_the_next_push,
    d16_the_seven_steps,
    d17_channels_and_guides_are_there,
];

/// Two shops that sell one item, 12 of it at hand.
struct Pair {
    hub: Hub,
    item: String,
    home: Value,
    shops: [Shop; 2],
    sold: [Sold; 2],
}

impl Pair {
    async fn new(on: ChannelKind) -> Self {
        let hub = Hub::new().await;
        let item = hub.item("MUG", "Mug", 12).await;
        let home = hub.get("/v1/organization").await.ok()["primary_location_id"].clone();
        let mut shops = [Shop::open(&hub, on, "north"), Shop::open(&hub, on, "south")];
        let sold = [shops[0].add(goods("MUG", "Mug", 3)), shops[1].add(goods("MUG", "Mug", 3))];
        for shop in &mut shops {
            shop.connect(&hub).await;
            hub.sync(&shop.connection, "items").await;
        }
        let pair = Self { hub, item, home, shops, sold };
        assert_eq!(pair.shown(), [Some(12), Some(12)]);
        pair
    }

    fn shown(&self) -> [Option<i64>; 2] {
        [0, 1].map(|n| self.shops[n].shop.quantity(&self.sold[n]))
    }

    fn set(&self, quantity: i64) {
        for (shop, sold) in self.shops.iter().zip(&self.sold) {
            shop.shop.set_quantity(sold, quantity);
        }
    }

    /// What the item's listing on a shop says of its pushes.
    async fn listing(&self, n: usize) -> Value {
        let listings = self.hub.list(&format!("/v1/items/{}/listings", self.item)).await;
        let of = |listing: &&Value| listing["connection_id"] == self.shops[n].connection;
        listings.iter().find(of).unwrap().clone()
    }

    /// An order of the organization's own.
    async fn manual_order(&self, units: i64) -> String {
        let body = json!({"lines": [{"item_id": self.item, "quantity": units}]});
        let order = self.hub.post("/v1/orders", body).await.ok();
        self.hub.settle().await;
        format!("/v1/orders/{}", order["id"].as_str().unwrap())
    }

    async fn location(&self, name: &str, units: i64) -> Value {
        let location = self.hub.post("/v1/locations", json!({"name": name})).await.ok()["id"].clone();
        let lines = json!([{"item_id": self.item, "delta": units}]);
        self.hub.post("/v1/adjustments", json!({"location_id": location, "lines": lines})).await.ok();
        self.hub.settle().await;
        location
    }

    async fn change(&self, n: usize, patch: Value) -> Value {
        let changed = self.hub.patch(&self.shops[n].path(), patch).await.ok();
        self.hub.settle().await;
        changed
    }
}

async fn d1_receives_shipments_and_invoices_each_reach_every_listing(on: ChannelKind) {
    let pair = Pair::new(on).await;
    let lines = json!([{"item_id": pair.item, "quantity": 5}]);
    pair.hub.post("/v1/purchase-receives", json!({"location_id": pair.home, "lines": lines})).await.ok();
    pair.hub.settle().await;
    assert_eq!(pair.shown(), [Some(17); 2], "a receive");
    let order = pair.manual_order(2).await;
    assert_eq!(pair.shown(), [Some(15); 2], "a commitment");
    // What was edited on the channel meanwhile shows that a shipment pushes though it leaves the available as it was.
    pair.set(99);
    pair.hub.post(&format!("{order}/shipments"), json!({"carrier": "DHL"})).await.ok();
    pair.hub.settle().await;
    assert_eq!(pair.hub.stock(&pair.item).await, (15, 0));
    assert_eq!(pair.shown(), [Some(15); 2], "a shipment");
    pair.hub.patch("/v1/organization", json!({"stock_deducted_on": "invoice"})).await.ok();
    let order = pair.manual_order(4).await;
    pair.set(99);
    pair.hub.post(&format!("{order}/invoices"), json!({})).await.ok();
    pair.hub.settle().await;
    assert_eq!(pair.hub.stock(&pair.item).await, (11, 0));
    assert_eq!(pair.shown(), [Some(11); 2], "an invoice");
}

async fn d2_push_stock_sends_to_every_listing_though_nothing_changed(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.set(99);
    let pushed = pair.hub.post(&format!("/v1/items/{}/push", pair.item), json!({})).await;
    assert_eq!(pushed.status, 202, "{}", pushed.body);
    pair.hub.settle().await;
    assert_eq!(pair.shown(), [Some(12); 2]);
}

async fn d3_new_orders_come_in_before_the_number_goes_out(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.hub.clock.advance(SignedDuration::from_mins(5));
    let sold = [(pair.sold[0].clone(), 3)];
    for _ in 0..2 {
        pair.shops[0].shop.sell(&sold);
        // Nobody is told of it.
        pair.shops[0].shop.take_deliveries();
    }
    pair.hub.sync(&pair.shops[0].connection, "stock").await;
    let looked = pair.hub.list("/v1/channels").await;
    let looks = |channel: &Value| channel["key"] == json!(on);
    let capabilities = &looked.iter().find(|channel| looks(channel)).unwrap()["capabilities"];
    if capabilities["order_look_before_push"] == false {
        // Its limits leave no room for a look before each push: a schedule's sync brings the orders.
        pair.hub.sync(&pair.shops[0].connection, "orders").await;
    }
    assert_eq!(pair.hub.stock(&pair.item).await, (12, 6));
    assert_eq!(pair.shown(), [Some(6); 2]);
}

async fn d4_available_is_current_stock_less_the_orders_of_that_run(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.hub.adjust(&pair.item, -2).await;
    pair.hub.clock.advance(SignedDuration::from_mins(5));
    for units in [1, 2] {
        pair.shops[0].shop.sell(&[(pair.sold[0].clone(), units)]);
        pair.shops[0].shop.take_deliveries();
    }
    pair.hub.clock.advance(SignedDuration::from_mins(5));
    let run = pair.hub.sync(&pair.shops[0].connection, "orders").await;
    assert_eq!(run["records"]["synced"], 2, "{run}");
    let stock = pair.hub.get(&format!("/v1/items/{}/stock", pair.item)).await.ok();
    assert_eq!(
        (&stock["on_hand"], &stock["committed"], &stock["available"]),
        (&json!(10), &json!(3), &json!(7))
    );
    assert_eq!(pair.shown(), [Some(7); 2]);
}

async fn d5_every_change_of_stock_reaches_the_listing_by_itself(on: ChannelKind) {
    let pair = Pair::new(on).await;
    for delta in [3, -10, 40] {
        pair.hub.adjust(&pair.item, delta).await;
        assert_eq!(pair.shown(), [Some(pair.hub.stock(&pair.item).await.0); 2]);
    }
}

async fn d6_stock_goes_out_unless_it_is_switched_off(on: ChannelKind) {
    let pair = Pair::new(on).await;
    assert_eq!(pair.hub.get(&pair.shops[0].path()).await.ok()["stock_sync"], "active");
}

async fn d7_switched_off_it_reaches_nobody_here_and_everybody_else(on: ChannelKind) {
    let pair = Pair::new(on).await;
    let changed = pair.change(0, json!({"stock_sync": "inactive"})).await;
    assert_eq!((&changed["stock_sync"], &changed["modules"]["stock"]), (&json!("inactive"), &json!(false)));
    let both = json!({"stock_sync": "inactive", "modules": {"stock": true}});
    assert_eq!(pair.hub.patch(&pair.shops[0].path(), both).await.status, 422);
    pair.hub.adjust(&pair.item, -5).await;
    assert_eq!(pair.shown(), [Some(12), Some(7)]);
    let changed = pair.change(0, json!({"modules": {"stock": true}})).await;
    assert_eq!(changed["stock_sync"], "active");
    pair.hub.sync(&pair.shops[0].connection, "stock").await;
    assert_eq!(pair.shown(), [Some(7), Some(7)]);
}

async fn d8_a_channel_shows_the_locations_chosen_for_it(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.hub.adjust(&pair.item, -9).await;
    let (b, c) = (pair.location("B", 4).await, pair.location("C", 9).await);
    assert_eq!(pair.shown(), [Some(16); 2], "all of them where none are chosen");
    pair.change(0, json!({"location_mapping": {"mode": "selected", "location_ids": [pair.home, b]}})).await;
    pair.change(1, json!({"location_mapping": {"mode": "selected", "location_ids": [c]}})).await;
    assert_eq!(pair.shown(), [Some(7), Some(9)]);
}

async fn d9_a_disabled_connection_is_sent_nothing_and_says_so(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.hub.post(&format!("{}/disable", pair.shops[0].path()), json!({})).await.ok();
    pair.hub.adjust(&pair.item, -5).await;
    assert_eq!(pair.shown(), [Some(12), Some(7)]);
    let listing = pair.listing(0).await;
    assert_eq!(
        (&listing["push_state"], &listing["reason"]),
        (&json!("disabled"), &json!("connection_inactive"))
    );
}

async fn d10_an_unlinked_listing_is_sent_nothing(on: ChannelKind) {
    let pair = Pair::new(on).await;
    let listing = pair.hub.listing(&pair.shops[0].connection, "MUG").await;
    pair.hub.post(&format!("/v1/listings/{}/unlink", listing["id"].as_str().unwrap()), json!({})).await.ok();
    pair.hub.adjust(&pair.item, -5).await;
    assert_eq!(pair.shown(), [Some(12), Some(7)]);
}

async fn d11_no_location_at_all_sends_nothing_and_says_so(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.location("B", 4).await;
    assert_eq!(pair.shown(), [Some(16); 2]);
    let empty = json!({"location_mapping": {"mode": "selected", "location_ids": []}});
    assert_eq!(pair.hub.patch(&pair.shops[0].path(), empty).await.status, 422, "never inferred");
    pair.change(0, json!({"location_mapping": {"mode": "none"}})).await;
    pair.hub.adjust(&pair.item, -5).await;
    assert_eq!(pair.shown(), [Some(16), Some(11)]);
    let listing = pair.listing(0).await;
    assert_eq!(
        (&listing["push_state"], &listing["reason"]),
        (&json!("disabled"), &json!("no_locations_mapped"))
    );
}

async fn d12_what_was_sent_last_and_when_is_seen(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.hub.clock.advance(SignedDuration::from_mins(5));
    pair.hub.adjust(&pair.item, -5).await;
    for n in [0, 1] {
        let listing = pair.listing(n).await;
        let told = [&listing["desired_quantity"], &listing["pushed_quantity"], &listing["push_state"]];
        assert_eq!(told, [&json!(7), &json!(7), &json!("in_sync")], "{listing}");
        assert_eq!(listing["pushed_at"], app::Clock::now(&pair.hub.clock).to_string());
    }
}

async fn d13_no_number_of_the_channel_changes_the_hubs(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.hub.clock.advance(SignedDuration::from_mins(5));
    pair.set(99);
    for kind in ["items", "orders"] {
        pair.hub.sync(&pair.shops[0].connection, kind).await;
    }
    assert_eq!(pair.hub.stock(&pair.item).await, (12, 0));
}

async fn d14_a_quantity_is_changed_in_the_hub_and_arrives_at_the_listing(on: ChannelKind) {
    let pair = Pair::new(on).await;
    let counted =
        json!({"location_id": pair.home, "lines": [{"item_id": pair.item, "set_to": 7}], "reason": "count"});
    pair.hub.post("/v1/adjustments", counted).await.ok();
    pair.hub.settle().await;
    assert_eq!(pair.shown(), [Some(7); 2]);
    let guide = include_str!("../../../../docs/mapping.md");
    assert!(guide.contains("is to change the stock here"), "a merchant reads where to change a quantity");
}

async fn d15_what_was_edited_on_the_channel_is_overwritten_at_the_next_push(on: ChannelKind) {
    let pair = Pair::new(on).await;
    pair.set(10);
    pair.hub.settle().await;
    pair.hub.adjust(&pair.item, -7).await;
    assert_eq!(pair.shown(), [Some(5); 2]);
}

async fn d16_the_seven_steps(on: ChannelKind) {
    let pair = Pair::new(on).await;
    // 1: the hub has 5.
    pair.hub.adjust(&pair.item, -7).await;
    pair.shops[0].shop.take_calls();
    // 2: the listing is changed to 10 on the channel. 3: the hub does not know, and sends nothing.
    pair.shops[0].shop.set_quantity(&pair.sold[0], 10);
    pair.hub.settle().await;
    assert_eq!((pair.shown(), pair.hub.stock(&pair.item).await), ([Some(10), Some(5)], (5, 0)));
    // 4 and 5: an order is placed and downloaded. 6: stock is reserved.
    pair.hub.clock.advance(SignedDuration::from_mins(1));
    pair.shops[0].shop.sell(&[(pair.sold[0].clone(), 2)]);
    pair.hub.sync(&pair.shops[0].connection, "orders").await;
    assert_eq!(pair.hub.stock(&pair.item).await, (5, 2));
    // 7: every listing has the new level, the one that sold included.
    assert_eq!(pair.shown(), [Some(3); 2]);
}

async fn d17_channels_and_guides_are_there(on: ChannelKind) {
    let channels = Hub::new().await.list("/v1/channels").await;
    let channel = channels.iter().find(|channel| channel["key"] == json!(on)).unwrap();
    for told in ["listing_changes", "locations", "order_look_before_push", "stock_compare_and_set"] {
        assert!(channel["capabilities"][told].is_boolean(), "{told}: {channel}");
    }
    let guide = include_str!("../../../../docs/mapping.md");
    for part in ["## Listings to items", "## Locations to channels"] {
        assert!(guide.contains(part), "{part}");
    }
}
