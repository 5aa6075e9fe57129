//! Orders of channels, frozen and thawed, shipped and told: A10, B1 to B5, E14, E15, G1, G4, G5.

use domain::ChannelKind;
use features::{Hub, Shop, goods};
use futures_util::future::join_all;
use jiff::SignedDuration;
use marketplace_sim::Sold;
use serde_json::{Value, json};

use crate::{rows, set_aside};

rows![
    a10_a_frozen_order_refuses_each_document_and_names_its_lines,
    b1_orders_are_filtered_by_where_they_come_from,
    b2_a_warning_names_the_unconfirmed_lines_and_both_actions,
    b3_all_lines_are_confirmed_at_once,
    b3_lines_are_linked_one_by_one,
    b3_confirmed_by_two_at_once_the_lines_have_one_item_each,
    b4_resolving_a_listing_thaws_every_order_that_waits_for_it,
    b5_a_thawed_order_takes_every_document,
    e14_a_fulfilled_order_comes_in_only_where_it_is_wanted,
    e15_the_preference_is_of_every_connection,
    g1_an_order_is_there_once_however_often_it_is_told,
    g1_what_happens_to_an_order_on_its_channel_happens_here,
    g4_a_shipment_made_here_is_told_with_carrier_and_tracking,
    g4_shipped_by_two_at_once_it_leaves_once,
    g5_the_payment_is_a_status_and_a_comment,
];

/// A shop with two listings that nobody has confirmed.
struct Unconfirmed {
    hub: Hub,
    shop: Shop,
    sold: [Sold; 2],
}

impl Unconfirmed {
    async fn new(on: ChannelKind) -> Self {
        let hub = Hub::new().await;
        let mut shop = Shop::open(&hub, on, "north");
        let sold = [shop.add(goods("MUG", "Mug", 9)), shop.add(goods("TEE", "Tee", 9))];
        shop.connect(&hub).await;
        hub.sync(&shop.connection, "items").await;
        Self { hub, shop, sold }
    }

    /// A buyer takes so many of each; the order as the API shows it.
    async fn order(&self, mugs: u32, tees: u32) -> Value {
        let [mug, tee] = &self.sold;
        let lines: Vec<(Sold, u32)> =
            [(mug.clone(), mugs), (tee.clone(), tees)].into_iter().filter(|(_, units)| *units > 0).collect();
        let id = self.shop.shop.sell(&lines);
        self.hub.settle().await;
        order_of(&self.hub, &id).await
    }

    async fn again(&self, order: &Value) -> Value {
        self.hub.get(&path(order)).await.ok()
    }
}

fn path(order: &Value) -> String {
    format!("/v1/orders/{}", order["id"].as_str().unwrap())
}

/// The one order that the channel calls so.
async fn order_of(hub: &Hub, external_id: &str) -> Value {
    let orders = hub.list("/v1/orders").await;
    let mut found = orders.iter().filter(|order| order["external_id"] == external_id);
    let order = found.next().unwrap_or_else(|| panic!("no order {external_id}: {orders:?}"));
    assert!(found.next().is_none(), "{external_id} is there more than once");
    hub.get(&path(order)).await.ok()
}

fn line_ids(order: &Value) -> Vec<&Value> {
    order["lines"].as_array().unwrap().iter().map(|line| &line["id"]).collect()
}

/// An item that a listing of the shop shows, 20 of it at hand; the listing as the channel calls it.
async fn linked(on: ChannelKind) -> (Hub, Shop, Sold, String) {
    let hub = Hub::new().await;
    let item = hub.item("MUG", "Mug", 20).await;
    let mut shop = Shop::open(&hub, on, "north");
    let sold = shop.add(goods("MUG", "Mug", 3));
    shop.connect(&hub).await;
    hub.sync(&shop.connection, "items").await;
    (hub, shop, sold, item)
}

async fn a10_a_frozen_order_refuses_each_document_and_names_its_lines(on: ChannelKind) {
    let waiting = Unconfirmed::new(on).await;
    let order = waiting.order(1, 1).await;
    assert_eq!(order["frozen"], true);
    for (document, body) in [
        ("invoices", json!({})),
        ("packages", json!({})),
        ("shipments", json!({"carrier": "DHL"})),
        ("returns", json!({})),
        ("void", json!({})),
        ("clone", json!({})),
    ] {
        let refused = waiting.hub.post(&format!("{}/{document}", path(&order)), body).await;
        let named = refused.refused(409, "order_frozen");
        assert_eq!(named["line_ids"], json!(line_ids(&order)), "{document}");
    }
}

async fn b1_orders_are_filtered_by_where_they_come_from(on: ChannelKind) {
    let (hub, shop, sold, item) = linked(on).await;
    let order = shop.shop.sell(&[(sold, 1)]);
    hub.settle().await;
    hub.post("/v1/orders", json!({"lines": [{"item_id": item, "quantity": 1}]})).await.ok();
    let connection = format!("connection_id={}", shop.connection);
    for (filter, wanted) in [
        ("source=marketplace", vec![json!(order)]),
        ("source=manual", vec![Value::Null]),
        (&connection, vec![json!(order)]),
    ] {
        let found = hub.list(&format!("/v1/orders?{filter}")).await;
        let ids: Vec<Value> = found.iter().map(|order| order["external_id"].clone()).collect();
        assert_eq!(ids, wanted, "{filter}");
    }
}

async fn b2_a_warning_names_the_unconfirmed_lines_and_both_actions(on: ChannelKind) {
    let waiting = Unconfirmed::new(on).await;
    let order = waiting.order(2, 1).await;
    let warning = &order["warnings"][0];
    assert_eq!(
        (&warning["code"], &warning["line_ids"]),
        (&json!("unconfirmed_lines"), &json!(line_ids(&order)))
    );
    let actions: Vec<&Value> =
        warning["actions"].as_array().unwrap().iter().map(|action| &action["action"]).collect();
    assert_eq!(actions, [&json!("confirm"), &json!("link")]);
}

async fn b3_all_lines_are_confirmed_at_once(on: ChannelKind) {
    let waiting = Unconfirmed::new(on).await;
    let order = waiting.order(2, 1).await;
    let confirmed = waiting.hub.post(&format!("{}/confirm-lines", path(&order)), json!({})).await.ok();
    assert_eq!(confirmed["frozen"], false);
    assert_eq!(confirmed["outcomes"].as_array().unwrap().len(), 2);
    for line in confirmed["lines"].as_array().unwrap() {
        let item = line["item_id"].as_str().unwrap();
        // What the channel showed when it was read, before the sale.
        let committed = line["quantity"].as_i64().unwrap();
        assert_eq!(waiting.hub.stock(item).await, (9, committed));
    }
}

async fn b3_lines_are_linked_one_by_one(on: ChannelKind) {
    let waiting = Unconfirmed::new(on).await;
    let hub = &waiting.hub;
    let order = waiting.order(2, 1).await;
    let items = [hub.item("X", "Ex", 20).await, hub.item("Y", "Why", 20).await];
    for (n, item) in items.iter().enumerate() {
        let line = order["lines"][n]["id"].as_str().unwrap();
        let link = format!("{}/lines/{line}/link", path(&order));
        let linked = hub.post(&link, json!({"item_id": item})).await.ok();
        assert_eq!(linked["frozen"], n == 0, "the last line thaws it");
        let committed = order["lines"][n]["quantity"].as_i64().unwrap();
        assert_eq!(hub.stock(item).await, (20, committed));
    }
}

async fn b3_confirmed_by_two_at_once_the_lines_have_one_item_each(on: ChannelKind) {
    let waiting = Unconfirmed::new(on).await;
    let hub = &waiting.hub;
    let order = waiting.order(2, 1).await;
    let confirm = format!("{}/confirm-lines", path(&order));
    let answers = join_all((0..4).map(|_| hub.post(&confirm, json!({})))).await;
    for answer in answers {
        assert_eq!(answer.ok()["frozen"], false);
    }
    let items = hub.list("/v1/items").await;
    assert_eq!(items.len(), 2, "{items:?}");
    let mut stock = Vec::new();
    for item in &items {
        stock.push(hub.stock(item["id"].as_str().unwrap()).await);
    }
    stock.sort_unstable();
    assert_eq!(stock, [(9, 1), (9, 2)]);
}

async fn b4_resolving_a_listing_thaws_every_order_that_waits_for_it(on: ChannelKind) {
    let waiting = Unconfirmed::new(on).await;
    let hub = &waiting.hub;
    let (mugs, more_mugs) = (waiting.order(1, 0).await, waiting.order(3, 0).await);
    let both = waiting.order(1, 1).await;
    let listing = hub.listing(&waiting.shop.connection, "MUG").await;
    hub.post(&format!("/v1/listings/{}/confirm", listing["id"].as_str().unwrap()), json!({})).await.ok();
    for (order, frozen) in [(&mugs, false), (&more_mugs, false), (&both, true)] {
        assert_eq!(waiting.again(order).await["frozen"], frozen);
    }
    let item = hub.list("/v1/items?sku=MUG").await.remove(0);
    assert_eq!(hub.stock(item["id"].as_str().unwrap()).await.1, 5);
}

async fn b5_a_thawed_order_takes_every_document(on: ChannelKind) {
    let waiting = Unconfirmed::new(on).await;
    let order = waiting.order(2, 0).await;
    let hub = &waiting.hub;
    let confirmed = hub.post(&format!("{}/confirm-lines", path(&order)), json!({})).await.ok();
    for (document, body) in
        [("invoices", json!({})), ("packages", json!({})), ("shipments", json!({"carrier": "DHL"}))]
    {
        let made = hub.post(&format!("{}/{document}", path(&order)), body).await;
        assert_eq!(made.status, 201, "{document}: {}", made.body);
    }
    assert_eq!(hub.stock(confirmed["lines"][0]["item_id"].as_str().unwrap()).await, (7, 0));
}

async fn e14_a_fulfilled_order_comes_in_only_where_it_is_wanted(on: ChannelKind) {
    let (hub, shop, sold, item) = linked(on).await;
    let sell_and_ship = async || {
        hub.clock.advance(SignedDuration::from_mins(10));
        let order = shop.shop.sell(&[(sold.clone(), 1)]);
        shop.shop.fulfil(&order);
        hub.settle().await;
        hub.sync(&shop.connection, "orders").await;
        order
    };
    hub.patch("/v1/organization", json!({"order_sync": "confirmed"})).await.ok();
    sell_and_ship().await;
    assert_eq!(hub.list("/v1/orders").await, Vec::<Value>::new());
    hub.patch("/v1/organization", json!({"order_sync": "confirmed_and_fulfilled"})).await.ok();
    let order = sell_and_ship().await;
    assert_eq!(order_of(&hub, &order).await["state"], "fulfilled");
    assert!(hub.stock(&item).await.0 < 20, "it was shipped after the connection was made");
}

async fn e15_the_preference_is_of_every_connection(on: ChannelKind) {
    let (hub, north, sold, _) = linked(on).await;
    let mut south = Shop::open(&hub, on, "south");
    let sold_there = south.add(goods("MUG", "Mug", 3));
    south.connect(&hub).await;
    hub.sync(&south.connection, "items").await;
    hub.patch("/v1/organization", json!({"order_sync": "confirmed"})).await.ok();
    hub.clock.advance(SignedDuration::from_mins(10));
    for (shop, sold) in [(&north, &sold), (&south, &sold_there)] {
        let order = shop.shop.sell(&[(sold.clone(), 1)]);
        shop.shop.fulfil(&order);
        hub.settle().await;
        hub.sync(&shop.connection, "orders").await;
    }
    assert_eq!(hub.list("/v1/orders").await, Vec::<Value>::new());
    assert_eq!(hub.get("/v1/organization").await.ok()["order_sync"], "confirmed");
}

async fn g1_an_order_is_there_once_however_often_it_is_told(on: ChannelKind) {
    let (hub, shop, sold, item) = linked(on).await;
    let order = shop.shop.sell(&[(sold.clone(), 2)]);
    let told = shop.shop.take_deliveries();
    for _ in 0..3 {
        for delivery in told.iter().filter(|delivery| !delivery.url.starts_with("arn:")) {
            assert!(hub.deliver(delivery).await < 300);
        }
        hub.settle().await;
        hub.sync(&shop.connection, "orders").await;
    }
    order_of(&hub, &order).await;
    assert_eq!(hub.stock(&item).await, (20, 2));
    assert_eq!(shop.shop.quantity(&sold), Some(18));
}

async fn g1_what_happens_to_an_order_on_its_channel_happens_here(on: ChannelKind) {
    let (hub, shop, sold, item) = linked(on).await;
    let [cancelled, shipped] = [2, 3].map(|units| shop.shop.sell(&[(sold.clone(), units)]));
    hub.settle().await;
    assert_eq!(hub.stock(&item).await, (20, 5));
    hub.clock.advance(SignedDuration::from_mins(10));
    shop.shop.cancel(&cancelled);
    shop.shop.fulfil(&shipped);
    hub.settle().await;
    hub.sync(&shop.connection, "orders").await;
    assert_eq!(order_of(&hub, &cancelled).await["state"], "void");
    assert_eq!(order_of(&hub, &shipped).await["state"], "fulfilled");
    assert_eq!(hub.stock(&item).await, (17, 0));
    assert_eq!(shop.shop.quantity(&sold), Some(17));
}

async fn g4_a_shipment_made_here_is_told_with_carrier_and_tracking(on: ChannelKind) {
    let (hub, shop, sold, item) = linked(on).await;
    let order = shop.shop.sell(&[(sold.clone(), 2)]);
    hub.settle().await;
    let shipments = format!("{}/shipments", path(&order_of(&hub, &order).await));
    let made = hub.post(&shipments, json!({"carrier": "DHL", "tracking_number": "JD1234"})).await.ok();
    hub.settle().await;
    let told = shop.shop.shipments(&order);
    let has = |text: &Option<String>, part: &str| {
        text.as_ref().is_some_and(|text| text.to_ascii_lowercase().contains(part))
    };
    match told.as_slice() {
        [one] => assert!(has(&one.carrier, "dhl") && has(&one.tracking_number, "1234"), "{one:?}"),
        other => panic!("{other:?}"),
    }
    let shown = hub.get(&format!("/v1/shipments/{}", made["id"].as_str().unwrap())).await.ok();
    assert_eq!(shown["push_state"], "in_sync", "{shown}");
    assert_eq!(hub.stock(&item).await, (18, 0));
}

async fn g4_shipped_by_two_at_once_it_leaves_once(on: ChannelKind) {
    let (hub, shop, sold, item) = linked(on).await;
    let order = shop.shop.sell(&[(sold, 2)]);
    hub.settle().await;
    let shipments = format!("{}/shipments", path(&order_of(&hub, &order).await));
    let ship =
        |number: u32| hub.post(&shipments, json!({"carrier": "DHL", "tracking_number": number.to_string()}));
    let answers = join_all((100_001..100_005).map(ship)).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((made, refused), (1, 3), "{answers:?}");
    hub.settle().await;
    assert_eq!(shop.shop.shipments(&order).len(), 1);
    assert_eq!(hub.stock(&item).await, (18, 0));
}

async fn g5_the_payment_is_a_status_and_a_comment(on: ChannelKind) {
    let (hub, shop, sold, _) = linked(on).await;
    let paid = shop.shop.sell(&[(sold.clone(), 1)]);
    hub.settle().await;
    let shown = order_of(&hub, &paid).await;
    assert_eq!(shown["payment"], json!({"status": "paid", "comment": "Paid"}));
    assert_eq!(shown["comments"], json!(["Paid"]));
    if on == ChannelKind::Etsy {
        return set_aside("g5 of an unpaid order", on, "an order is told when it is paid");
    }
    let unpaid = shop.shop.sell_unpaid(&[(sold, 1)]);
    hub.settle().await;
    hub.sync(&shop.connection, "orders").await;
    assert_eq!(order_of(&hub, &unpaid).await["payment"]["status"], "pending");
}
