//! Numbers by location, on a channel that counts stock by locations of its own.

use std::sync::Arc;

use domain::{ChannelKind, ConnectionId, ListingId, OrderId};
use marketplace_sim::shopify::ShopifyShop;
use marketplace_sim::{Goods, SimulatedShop, Sold};
use serde_json::{Value, json};

use crate::world::{Answer, World};

/// A merchant with goods at home (6) and in a warehouse (4), and a shop with two locations of its own.
struct Places {
    world: World,
    sim: Arc<ShopifyShop>,
    sold: Sold,
    connection: ConnectionId,
    item: String,
    home: String,
    warehouse: String,
    store: u64,
}

const MAIN: u64 = 501;

impl Places {
    async fn new() -> Self {
        let world = World::new().await;
        let home = world.primary().await;
        let item = world.stocked("A", 6).await;
        let warehouse = world.warehouse("Warehouse").await;
        let body = json!({"location_id": warehouse, "lines": [{"item_id": item, "quantity": 4}]});
        world.post("/v1/purchase-receives", body).await.ok();
        let sim = world.open_shopify("one.example", "EUR");
        let store = sim.open_location("Store");
        let goods = Goods {
            sku: Some("A".to_owned()),
            title: "Mug".to_owned(),
            price: "9.50".to_owned(),
            quantity: Some(1),
            ..Goods::default()
        };
        let sold = sim.add(goods).remove(0);
        let input = json!({"channel": "shopify", "name": "Web shop", "endpoint": "https://one.example",
            "credentials": sim.credentials()});
        let made = world.post("/v1/connections", input).await.ok();
        let connection: ConnectionId = made["id"].as_str().unwrap().parse().unwrap();
        world.post(&format!("/v1/connections/{connection}/sync"), json!({"kind": "items"})).await.ok();
        let places = Self { world, sim, sold, connection, item, home, warehouse, store };
        places.world.work_of(ChannelKind::Shopify).await;
        places.settle().await;
        assert_eq!(places.shown(), (Some(10), None));
        places
    }

    /// The stream, and the pushes.
    async fn settle(&self) {
        self.world.moved(&[&self.item]).await;
        self.world.work_of(ChannelKind::Shopify).await;
    }

    fn path(&self) -> String {
        format!("/v1/connections/{}", self.connection)
    }

    fn mapping(&self, pairs: &[(&str, u64)]) -> Value {
        let entry = |(location, at): &(&str, u64)| json!({"location_id": location, "channel_location_id": at.to_string()});
        let map: Vec<Value> = pairs.iter().map(entry).collect();
        json!({"location_mapping": {"channel_locations": map}})
    }

    /// Home's stock at the shop's first location, the warehouse's at its store; pushed.
    async fn map(&self) {
        let body = self.mapping(&[(&self.warehouse, self.store), (&self.home, MAIN)]);
        self.world.patch(&self.path(), body).await.ok();
        self.world.work_of(ChannelKind::Shopify).await;
    }

    /// At the shop's first location, at its store.
    fn shown(&self) -> (Option<i64>, Option<i64>) {
        (self.sim.quantity_at(&self.sold, MAIN), self.sim.quantity_at(&self.sold, self.store))
    }

    fn calls(&self) -> Vec<String> {
        self.sim.take_calls().into_iter().map(|call| call.operation).collect()
    }

    fn listing(&self) -> ListingId {
        ListingId::of(&self.connection, &self.sold.external_id, self.sold.variation_id.as_deref()).unwrap()
    }

    async fn adjust(&self, location: &str, delta: i64) {
        let body = json!({"location_id": location, "lines": [{"item_id": self.item, "delta": delta}]});
        self.world.post("/v1/adjustments", body).await.ok();
        self.settle().await;
    }

    /// The order of a sale that the shop ships from there, as it is here.
    async fn sale_at(&self, location: u64, units: u32) -> Value {
        self.world.clock.advance_minutes(1);
        let order = self.sim.sell_at(location, &[(self.sold.clone(), units)]);
        let sync = format!("{}/sync", self.path());
        self.world.post(&sync, json!({"kind": "orders"})).await.ok();
        self.world.work_of(ChannelKind::Shopify).await;
        let id = OrderId::of(&self.connection, &order).unwrap();
        self.world.get(&format!("/v1/orders/{id}")).await.ok()
    }

    async fn reconcile(&self) -> Vec<Value> {
        self.world.post(&format!("{}/reconcile", self.path()), json!({})).await.ok();
        self.world.work_of(ChannelKind::Shopify).await;
        let list = self.world.get(&format!("/v1/drift?connection_id={}", self.connection)).await.ok();
        list["data"].as_array().unwrap().clone()
    }

    async fn push_state(&self) -> Value {
        self.world.get(&format!("/v1/listings/{}", self.listing())).await.ok()["push_state"].clone()
    }
}

#[tokio::test]
async fn f17_a_map_names_locations_that_there_are_on_both_sides() {
    let places = Places::new().await;
    let world = &places.world;
    let listed = world.get(&format!("{}/channel-locations", places.path())).await.ok();
    let named: Vec<_> =
        listed["data"].as_array().unwrap().iter().map(|one| (&one["id"], &one["name"])).collect();
    let store = json!(places.store.to_string());
    assert_eq!(named, [(&json!("501"), &json!("Warehouse")), (&store, &json!("Store"))]);
    assert_eq!((&listed["data"][0]["is_home"], &listed["data"][1]["is_home"]), (&json!(true), &json!(false)));

    let at = |field: &str| format!("/location_mapping/channel_locations/{field}");
    let (home, other) = (places.home.as_str(), places.warehouse.as_str());
    type Case<'a> = (&'a [(&'a str, u64)], u16, &'a str, String);
    let pairs: [Case; 4] = [
        (&[("loc_other", MAIN)], 404, "not_found", at("0/location_id")),
        (&[(home, MAIN), (home, places.store)], 422, "invalid_field", at("1/location_id")),
        (&[(home, MAIN), (other, 499)], 422, "unknown_channel_location", at("1/channel_location_id")),
        (&[(home, 500)], 422, "unknown_channel_location", at("0/channel_location_id")),
    ];
    for (pairs, status, code, pointer) in pairs {
        for query in ["", "?dry_run=true"] {
            let refused = world.patch(&format!("{}{query}", places.path()), places.mapping(pairs)).await;
            refused.refused(status, code, Some(&pointer));
        }
    }
    let woocommerce = world.connect().await;
    let path = format!("/v1/connections/{woocommerce}");
    let refused = world.patch(&path, places.mapping(&[(home, MAIN)])).await;
    refused.refused(422, "no_channel_locations", Some("/location_mapping/channel_locations"));
    assert_eq!(world.get(&format!("{path}/channel-locations")).await.ok()["data"], json!([]));
    world.patch(&path, places.mapping(&[])).await.ok();
    let mut input = places.mapping(&[(home, MAIN)]);
    input["channel"] = json!("shopify");
    input["name"] = json!("Other");
    input["endpoint"] = json!("https://two.example");
    input["credentials"] = json!(places.sim.credentials());
    let early = world.post("/v1/connections", input).await;
    early.refused(422, "invalid_field", Some("/location_mapping/channel_locations"));

    let body = places.mapping(&[(other, places.store), (home, places.store)]);
    let mapped = world.patch(&places.path(), body.clone()).await.ok();
    let expected = &body["location_mapping"]["channel_locations"];
    assert_eq!(&mapped["location_mapping"]["channel_locations"], expected);
    assert_eq!(mapped["location_mapping"]["mode"], "all");
    let read = world.get(&places.path()).await.ok();
    let listed = world.get("/v1/connections").await.ok();
    assert_eq!(&read["location_mapping"]["channel_locations"], expected);
    assert_eq!(listed["data"].as_array().unwrap().iter().filter(|one| **one == read).count(), 1);
    let there = world.get(&format!("{}/channel-locations", places.path())).await.ok();
    assert_eq!(there["data"][1]["location_ids"], json!([other, home]));
    world.delete(&format!("/v1/locations/{other}")).await.refused(409, "location_in_use", None);
}

#[tokio::test]
async fn f17_a_listing_s_number_is_handed_out_to_the_channel_s_locations() {
    let places = Places::new().await;
    let world = &places.world;
    places.calls();
    places.adjust(&places.home, 1).await;
    places.adjust(&places.home, -1).await;
    let plain = ["query orders", "mutation inventorySetQuantities"];
    assert_eq!(places.calls(), [plain, plain].concat(), "nothing is asked of a connection without a map");

    let body = places.mapping(&[(&places.warehouse, places.store), (&places.home, MAIN)]);
    let plan = world.patch(&format!("{}?dry_run=true", places.path()), body.clone()).await.ok();
    let change = &plan["changes"][0];
    assert_eq!(
        (&change["from"], &change["to"], &change["why"]),
        (&json!(10), &json!(10), &json!("location_mapping"))
    );
    let (main, store) = (json!("501"), json!(places.store.to_string()));
    let expected = json!([{"channel_location_id": store, "from": null, "to": 4},
        {"channel_location_id": main, "from": null, "to": 6}]);
    assert_eq!(change["locations"], expected);
    assert_eq!(places.shown(), (Some(10), None), "a plan changes nothing");
    let planned = format!("{}?plan_id={}", places.path(), plan["plan_id"].as_str().unwrap());
    world.patch(&planned, body).await.ok();
    world.work_of(ChannelKind::Shopify).await;
    assert_eq!(places.shown(), (Some(6), Some(4)), "stocked there, and set");
    assert_eq!(places.push_state().await, "in_sync");

    // What is known is compared, not asked.
    places.calls();
    places.adjust(&places.warehouse, 3).await;
    assert_eq!(places.shown(), (Some(6), Some(7)));
    assert_eq!(places.calls(), plain);

    // A rule is the listing's: what it leaves is handed out in the map's order.
    world.patch(&places.path(), json!({"stock_rule": {"max_listed": 9}})).await.ok();
    world.work_of(ChannelKind::Shopify).await;
    assert_eq!(places.shown(), (Some(2), Some(7)));
    let why = format!("/v1/items/{}/availability?connection_id={}", places.item, places.connection);
    let explained = world.get(&why).await.ok();
    let steps = explained["steps"].as_array().unwrap();
    let expected = [
        json!({"step": "not_above_max_listed", "value": 9}),
        json!({"step": "at_location", "value": 7, "channel_location_id": store}),
        json!({"step": "at_location", "value": 2, "channel_location_id": main}),
    ];
    assert_eq!((&explained["result"], &steps[steps.len() - 3..]), (&json!(9), expected.as_slice()));

    // A transfer leaves the sum and moves the shares.
    world.patch(&places.path(), json!({"stock_rule": {"max_listed": null}})).await.ok();
    let body = json!({"from_location_id": places.warehouse, "to_location_id": places.home,
        "lines": [{"item_id": places.item, "quantity": 5}]});
    world.post("/v1/transfers", body).await.ok();
    places.settle().await;
    assert_eq!(places.shown(), (Some(11), Some(2)));
}

#[tokio::test]
async fn f17_what_is_no_longer_mapped_shows_nothing_there_any_more() {
    let places = Places::new().await;
    let world = &places.world;
    // The merchant keeps some there already: shown is what the hub says.
    places.sim.set_quantity_at(&places.sold, places.store, 50);
    places.map().await;
    assert_eq!(places.shown(), (Some(6), Some(4)));
    world.patch(&places.path(), places.mapping(&[])).await.ok();
    world.work_of(ChannelKind::Shopify).await;
    assert_eq!((places.shown(), places.push_state().await), ((Some(10), Some(0)), json!("in_sync")));
    places.sim.set_quantity_at(&places.sold, places.store, 3);
    places.adjust(&places.home, 1).await;
    assert_eq!(places.shown(), (Some(11), Some(3)), "not ours any more");
}

#[tokio::test]
async fn f17_a_closed_location_can_be_taken_out_of_the_map() {
    let places = Places::new().await;
    places.map().await;
    places.sim.close_location(places.store);
    places.adjust(&places.warehouse, 1).await;
    assert_eq!(places.push_state().await, "failed");
    let listing = places.world.get(&format!("/v1/listings/{}", places.listing())).await.ok();
    assert_eq!(listing["reason"], "invalid_location");
    let body = places.mapping(&[(&places.home, MAIN)]);
    places.world.patch(&places.path(), body).await.ok();
    places.world.work_of(ChannelKind::Shopify).await;
    assert_eq!((places.shown(), places.push_state().await), ((Some(11), None), json!("in_sync")));
}

#[tokio::test]
async fn f17_an_order_takes_its_stock_from_where_the_channel_ships_it() {
    let places = Places::new().await;
    places.map().await;
    let order = places.sale_at(places.store, 2).await;
    assert_eq!(order["location_id"], json!(places.warehouse));
    places.settle().await;
    assert_eq!(places.shown(), (Some(6), Some(2)));
    let order = places.sale_at(MAIN, 1).await;
    assert_eq!(order["location_id"], json!(places.home));
    places.settle().await;
    assert_eq!((places.shown(), places.world.levels(&places.item).await), ((Some(5), Some(2)), (10, 3, 7)));

    // One that is not mapped: where all the connection's orders are.
    let attic = places.sim.open_location("Attic");
    places.sim.set_quantity_at(&places.sold, attic, 5);
    let order = places.sale_at(attic, 1).await;
    assert_eq!(order["location_id"], json!(places.home));

    // Nothing is asked without a map.
    places.world.patch(&places.path(), places.mapping(&[])).await.ok();
    places.world.work_of(ChannelKind::Shopify).await;
    places.calls();
    let order = places.sale_at(places.store, 1).await;
    assert_eq!(order["location_id"], json!(places.home));
    assert!(places.calls().iter().all(|call| call != "query nodes"));
}

#[tokio::test]
async fn l3_drift_is_found_by_location_where_the_sum_is_right() {
    let places = Places::new().await;
    places.map().await;
    assert_eq!(places.reconcile().await, Vec::<Value>::new());
    places.world.clock.advance_minutes(5);
    places.sim.set_quantity_at(&places.sold, MAIN, 9);
    places.sim.set_quantity_at(&places.sold, places.store, 1);
    let found = places.reconcile().await;
    assert_eq!(found.len(), 1);
    let drift = &found[0];
    assert_eq!((&drift["desired"], &drift["observed"]), (&json!(10), &json!(10)));
    assert_eq!((&drift["cause"], &drift["action"]), (&json!("edited_on_channel"), &json!("overwritten")));
    let (main, store) = (json!("501"), json!(places.store.to_string()));
    let expected = json!([
        {"channel_location_id": store, "desired": 4, "acknowledged": 4, "observed": 1},
        {"channel_location_id": main, "desired": 6, "acknowledged": 6, "observed": 9},
    ]);
    assert_eq!(drift["locations"], expected);
    assert_eq!(places.shown(), (Some(6), Some(4)), "made good");
}

#[tokio::test]
async fn l3_an_update_lost_at_one_location_is_made_good_whatever_the_policy() {
    let places = Places::new().await;
    places.map().await;
    places.world.patch(&places.path(), json!({"drift": "hold"})).await.ok();
    places.world.clock.advance_minutes(5);
    places.adjust(&places.warehouse, -2).await;
    assert_eq!(places.shown(), (Some(6), Some(2)));
    // The store took 2 and shows the 4 from before; somebody took them away at the first location.
    places.sim.set_quantity_at(&places.sold, places.store, 4);
    places.sim.set_quantity_at(&places.sold, MAIN, 4);
    let found = places.reconcile().await;
    assert_eq!(
        (&found[0]["cause"], &found[0]["action"], &found[0]["observed"]),
        (&json!("lost_update"), &json!("overwritten"), &json!(8))
    );
    assert_eq!(places.shown(), (Some(6), Some(2)));
    // Seen as it was told, the numbers before say nothing any more: these are a person's.
    places.world.clock.advance_minutes(5);
    assert_eq!(places.reconcile().await, found, "kept as history");
    places.sim.set_quantity_at(&places.sold, places.store, 4);
    places.sim.set_quantity_at(&places.sold, MAIN, 4);
    assert_eq!(places.reconcile().await[0]["action"], "held");
}

#[tokio::test]
async fn l3_what_was_told_of_one_location_is_forgotten_once_it_is_right() {
    let places = Places::new().await;
    places.map().await;
    places.world.patch(&places.path(), json!({"drift": "alert"})).await.ok();
    for (store, main, told) in [(4, 6, None), (1, 9, Some("alerted")), (4, 6, None)] {
        places.world.clock.advance_minutes(5);
        places.sim.set_quantity_at(&places.sold, places.store, store);
        places.sim.set_quantity_at(&places.sold, MAIN, main);
        let found = places.reconcile().await;
        assert_eq!(found.first().map(|drift| drift["action"].as_str().unwrap()), told);
    }
}

#[tokio::test]
async fn l3_a_location_that_was_filled_behind_our_back_is_emptied() {
    let places = Places::new().await;
    places.adjust(&places.warehouse, -4).await;
    places.map().await;
    assert_eq!(places.shown(), (Some(6), None), "nothing to show is nothing to stock");
    places.world.clock.advance_minutes(5);
    places.sim.set_quantity_at(&places.sold, places.store, 8);
    assert_eq!(places.reconcile().await[0]["observed"], 14);
    assert_eq!(places.shown(), (Some(6), Some(0)));
}

#[tokio::test]
async fn f17_a_sale_while_a_number_is_on_its_way_is_not_given_back() {
    let places = Places::new().await;
    places.map().await;
    // It sold at the store, and stock came home: the number told there is compared with what it took.
    places.world.clock.advance_minutes(1);
    places.sim.sell_at(places.store, &[(places.sold.clone(), 3)]);
    places.adjust(&places.home, 2).await;
    assert_eq!(places.shown(), (Some(8), Some(1)));
    let stock: Answer = places.world.get(&format!("/v1/items/{}/stock", places.item)).await;
    assert_eq!(stock.ok()["committed"], 3);
}

#[tokio::test]
async fn l11_a_bundle_is_shown_where_its_orders_are_taken_from() {
    let places = Places::new().await;
    let world = &places.world;
    let set = json!({"sku": "SET", "name": "Set", "kind": "bundle",
        "components": [{"item_id": places.item, "quantity": 2}]});
    let set = world.post("/v1/items", set).await.ok()["id"].as_str().unwrap().to_owned();
    let goods = Goods {
        sku: Some("SET".to_owned()),
        title: "Set".to_owned(),
        price: "19.00".to_owned(),
        quantity: Some(1),
        ..Goods::default()
    };
    let sold = places.sim.add(goods).remove(0);
    world.post(&format!("{}/sync", places.path()), json!({"kind": "items"})).await.ok();
    world.work_of(ChannelKind::Shopify).await;
    places.map().await;
    world.moved(&[&places.item, &set]).await;
    world.work_of(ChannelKind::Shopify).await;
    let shown = || (places.sim.quantity_at(&sold, MAIN), places.sim.quantity_at(&sold, places.store));
    assert_eq!(shown(), (Some(5), None), "6 and 4 make 5 sets, where its orders are");
    let body = json!({"location_mapping": {"order_location_id": places.warehouse}});
    world.patch(&places.path(), body).await.ok();
    world.work_of(ChannelKind::Shopify).await;
    assert_eq!(shown(), (Some(0), Some(5)));
    assert_eq!(places.shown(), (Some(6), Some(4)));
}
