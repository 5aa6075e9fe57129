//! Outbound shipments: Amazon sends lines of orders made elsewhere (features F12 to F14).

use domain::ChannelKind;
use marketplace_sim::{Fault, SimulatedShop, Sold};
use serde_json::{Value, json};

use crate::fba_world::{Amazon, buyer};
use crate::world::Answer;

pub struct Sending {
    pub amazon: Amazon,
    pub item: String,
    pub sold: Sold,
    home: String,
}

impl Sending {
    /// Five at home, and so many at Amazon, tracked.
    pub async fn new(at_amazon: i64) -> Self {
        let amazon = Amazon::tracking().await;
        let (item, sold) = amazon.item("A", 5, at_amazon, true).await;
        amazon.mark(&[&item], "fba").await;
        let home = amazon.world.primary().await;
        Self { amazon, item, sold, home }
    }

    /// An order that a person took.
    pub async fn order(&self, lines: &[(&str, i64)]) -> String {
        let lines: Vec<Value> =
            lines.iter().map(|(item, quantity)| json!({"item_id": item, "quantity": quantity})).collect();
        let body = json!({"lines": lines, "contact": buyer()});
        let made = self.amazon.world.post("/v1/orders", body).await.ok();
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn send(&self, order: &str, body: Value) -> Answer {
        self.amazon.world.post(&format!("/v1/orders/{order}/outbound-shipments"), body).await
    }

    pub async fn get(&self, outbound: &Value) -> Value {
        let path = format!("/v1/outbound-shipments/{}", outbound["id"].as_str().unwrap());
        self.amazon.world.get(&path).await.ok()
    }

    pub async fn act(&self, outbound: &Value, what: &str) -> Answer {
        let path = format!("/v1/outbound-shipments/{}/{what}", outbound["id"].as_str().unwrap());
        self.amazon.world.post(&path, json!({})).await
    }

    pub async fn shown(&self, order: &str) -> Value {
        self.amazon.world.get(&format!("/v1/orders/{order}")).await.ok()
    }

    /// On hand and committed at home, then at Amazon.
    pub async fn levels(&self) -> [(i64, i64); 2] {
        let amazon = &self.amazon;
        [amazon.at(&self.item, &self.home).await, amazon.at(&self.item, &amazon.location).await]
    }

    fn created(&self) -> usize {
        let calls = self.amazon.sim.take_calls();
        calls.iter().filter(|call| call.operation == "createFulfillmentOrder").count()
    }

    pub async fn assert_replays(&self) {
        self.amazon.assert_replays(&[&self.item]).await;
    }
}

#[tokio::test]
async fn f12_amazon_is_asked_once_and_the_stock_is_promised_then_shipped_at_amazon_s() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let order = sending.order(&[(&sending.item, 2)]).await;
    assert_eq!(sending.levels().await, [(5, 2), (9, 0)]);
    let path = format!("/v1/orders/{order}/outbound-shipments");
    let key = [("idempotency-key", "send-1")];
    let body = Some(json!({"shipping_speed": "expedited"}));
    let post = || world.request(Some(&world.key), "POST", &path, body.clone(), &key);
    let made = post().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let made = made.ok();
    assert_eq!(post().await.ok(), made);
    assert_eq!((sending.created(), sending.amazon.sim.dispatches().len()), (1, 1));
    assert_eq!((&made["state"], &made["shipping_speed"]), (&json!("received"), &json!("expedited")));
    assert_eq!((&made["lines"][0]["sku"], &made["lines"][0]["quantity"]), (&json!("A"), &json!(2)));
    assert_eq!(made["external_id"], sending.amazon.sim.dispatches()[0].as_str());
    assert!(made["external_id"].as_str().unwrap().len() <= 40);
    assert_eq!((&made["tracking"], &made["location_id"]), (&json!([]), &json!(sending.amazon.location)));
    assert!(!made.to_string().contains("Ada"), "nobody is named");
    // The promise went to Amazon's stock; what Amazon has agrees with it.
    assert_eq!(sending.levels().await, [(5, 0), (9, 2)]);
    assert_eq!(sending.amazon.fba_stock(&sending.sold).await.ok()["mismatch"], 0);
    assert_eq!(sending.shown(&order).await["lines"][0]["outbound_quantity"], 2);
    // What Amazon is to send cannot be packed or sent once more.
    world.post(&format!("/v1/orders/{order}/packages"), json!({})).await.refused(409, "nothing_left", None);
    sending.send(&order, json!({})).await.refused(409, "nothing_left", None);
    world.post(&format!("/v1/orders/{order}/void"), json!({})).await.refused(409, "outbound_open", None);
    world.clock.advance_minutes(61);
    let sent = sending.act(&made, "refresh").await.ok();
    assert_eq!(sent["state"], "complete");
    assert_eq!(sent["tracking"][0]["carrier"], "UPS");
    assert_eq!(sent["lines"][0]["shipped_quantity"], 2);
    assert_eq!(sending.levels().await, [(5, 0), (7, 0)]);
    let shown = sending.shown(&order).await;
    assert_eq!((&shown["state"], &shown["lines"][0]["shipped_quantity"]), (&json!("shipped"), &json!(2)));
    let paper = sent["shipment_ids"][0].as_str().unwrap();
    let paper = world.get(&format!("/v1/shipments/{paper}")).await.ok();
    assert_eq!(paper["tracking_number"], sent["tracking"][0]["tracking_number"]);
    assert_eq!(sending.amazon.fba_stock(&sending.sold).await.ok()["mismatch"], 0);
    // Asked for again when it is over: as it is, at no call.
    sending.amazon.sim.take_calls();
    assert_eq!(sending.act(&made, "refresh").await.ok(), sent);
    assert!(sending.amazon.sim.take_calls().is_empty());
    assert_eq!(world.get(&path).await.ok()["data"], json!([sent]));
    sending.assert_replays().await;
}

#[tokio::test]
async fn f12_an_order_of_another_marketplace_is_sent_and_its_channel_is_told() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let shop = world.shop_in("shop.example", "USD").await;
    let elsewhere = shop.goods(Some("A"), "A elsewhere", 5);
    world.sync_items(&shop).await;
    let order = shop.sim.sell(&[(elsewhere, 3)]);
    world.import(&shop, &order).await;
    assert_eq!(sending.levels().await, [(5, 3), (9, 0)]);
    let id = shop.order(&order).to_string();
    let made = sending.send(&id, json!({"connection_id": sending.amazon.connection})).await;
    let made = match made.status {
        201 => made.ok(),
        _ => panic!("{}", made.body),
    };
    assert_eq!(sending.levels().await, [(5, 0), (9, 3)]);
    world.clock.advance_minutes(61);
    sending.act(&made, "refresh").await.ok();
    assert_eq!(sending.levels().await, [(5, 0), (6, 0)]);
    let attempt = crate::shop::attempt();
    world.app.push_shipments(&world.organization, &shop.connection, &attempt).await.unwrap();
    let told = shop.sim.shipments(&order);
    assert_eq!(told.len(), 1);
    // This channel is told in words.
    let number = sent_number(&sending.get(&made).await).unwrap();
    assert!(told[0].tracking_number.as_ref().unwrap().contains(&number));
    // The channel says that all is shipped: nothing moves twice.
    world.import(&shop, &order).await;
    assert_eq!(sending.levels().await, [(5, 0), (6, 0)]);
    sending.assert_replays().await;
}

fn sent_number(outbound: &Value) -> Option<String> {
    outbound["tracking"][0]["tracking_number"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn f12_the_order_that_amazon_makes_of_it_is_not_imported_again() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let order = sending.order(&[(&sending.item, 2)]).await;
    sending.send(&order, json!({})).await.ok();
    world.clock.advance_minutes(61);
    sending.amazon.sync_orders().await;
    let orders = world.get("/v1/orders").await.ok();
    let ids: Vec<&Value> = orders["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&json!(order)]);
    let syncs = world.get("/v1/syncs?kind=orders").await.ok();
    let path = format!("/v1/syncs/{}/records?outcome=skipped", syncs["data"][0]["id"].as_str().unwrap());
    assert_eq!(world.get(&path).await.ok()["data"][0]["code"], "not_sold_here");
    // The same sync has asked what became of it.
    assert_eq!(sending.levels().await, [(5, 0), (7, 0)]);
    assert_eq!(sending.shown(&order).await["state"], "shipped");
    sending.assert_replays().await;
}

#[tokio::test]
async fn f12_killed_between_writing_and_asking_it_is_asked_for_once() {
    for lost in [Fault::Hang, Fault::DropAnswer, Fault::Html] {
        let sending = Sending::new(9).await;
        let world = &sending.amazon.world;
        let order = sending.order(&[(&sending.item, 2)]).await;
        // The answer never comes: Amazon may have heard, or not.
        sending.amazon.sim.faults().push(lost.clone());
        let made = sending.send(&order, json!({})).await.ok();
        assert_eq!((&made["state"], &made["code"]), (&json!("pending"), &json!("channel_unavailable")));
        assert_eq!(sending.levels().await, [(5, 0), (9, 2)]);
        // Another process finds it, knowing nothing but the table.
        world.work_of(ChannelKind::Amazon).await;
        let found = sending.get(&made).await;
        assert_eq!((&found["state"], &found["code"]), (&json!("received"), &Value::Null), "{lost:?}");
        assert_eq!(sending.amazon.sim.dispatches().len(), 1);
        assert_eq!(sending.levels().await, [(5, 0), (9, 2)]);
        sending.assert_replays().await;
    }
}

#[tokio::test]
async fn f12_killed_at_any_moment_the_same_request_makes_one() {
    let mut point = 0;
    loop {
        let sending = Sending::new(9).await;
        let world = &sending.amazon.world;
        let order = sending.order(&[(&sending.item, 2)]).await;
        let path = format!("/v1/orders/{order}/outbound-shipments");
        let key = [("idempotency-key", "send-1")];
        world.faults.after("TransactWriteItems", point, 1_000, engine::Fault::InternalServerError);
        let post = || world.request(Some(&world.key), "POST", &path, Some(json!({})), &key);
        let first = post().await;
        let died = world.faults.pending() < 1_000;
        world.faults.clear();
        let made = post().await.ok();
        assert_eq!(sending.amazon.sim.dispatches().len(), 1, "killed at {point}: {}", first.body);
        let settled = sending.act(&made, "refresh").await.ok();
        assert_eq!(settled["state"], "received");
        assert_eq!(sending.levels().await, [(5, 0), (9, 2)], "killed at {point}");
        let listed = world.get(&path).await.ok();
        assert_eq!(listed["data"].as_array().unwrap().len(), 1);
        sending.assert_replays().await;
        if !died {
            return;
        }
        point += 1;
    }
}

#[tokio::test]
async fn f12_a_request_that_made_one_is_answered_with_it_while_its_connection_is_off() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let order = sending.order(&[(&sending.item, 2)]).await;
    let path = format!("/v1/orders/{order}/outbound-shipments");
    let key = [("idempotency-key", "send-1")];
    let post = || world.request(Some(&world.key), "POST", &path, Some(json!({})), &key);
    // The paper is written, and the answer is not kept.
    world.faults.after("UpdateItem", 0, 1_000, engine::Fault::InternalServerError);
    let first = post().await;
    world.faults.clear();
    world.post(&format!("/v1/connections/{}/disable", sending.amazon.connection), json!({})).await.ok();
    world.clock.advance_minutes(2);
    let again = post().await;
    assert_eq!((again.status, again.header("idempotency-replayed")), (201, ""));
    assert_eq!(again.body["id"], first.body["id"]);
    assert_eq!(world.get(&path).await.ok()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn f12_what_amazon_refuses_falls_back_to_the_merchant() {
    let sending = Sending::new(9).await;
    let order = sending.order(&[(&sending.item, 2)]).await;
    // Gone from Amazon's network meanwhile.
    sending.amazon.sim.set_fba(&sending.sold, false);
    let failed = sending.send(&order, json!({})).await.ok();
    assert_eq!((&failed["state"], &failed["code"]), (&json!("failed"), &json!("dispatch_refused")));
    assert_eq!(failed["lines"][0]["dropped_quantity"], 2);
    assert_eq!(sending.levels().await, [(5, 2), (9, 0)]);
    sending.amazon.sim.set_fba(&sending.sold, true);
    let made = sending.send(&order, json!({})).await.ok();
    assert_eq!((&made["state"], &made["number"]), (&json!("received"), &json!(2)));
    sending.assert_replays().await;
}

#[tokio::test]
async fn f12_each_thing_that_is_in_the_way_has_its_name() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let (plain, _) = sending.amazon.item("MFN", 5, 0, false).await;
    let body = json!({"lines": [{"item_id": sending.item, "quantity": 1}]});
    let nobody = world.post("/v1/orders", body).await.ok();
    sending.send(nobody["id"].as_str().unwrap(), json!({})).await.refused(409, "no_shipping_address", None);
    let of_ours = sending.order(&[(&plain, 1)]).await;
    sending.send(&of_ours, json!({})).await.refused(409, "no_fba_lines", None);
    let line = sending.shown(&of_ours).await["lines"][0]["id"].clone();
    let named = json!({"lines": [{"line_id": line, "quantity": 1}]});
    sending.send(&of_ours, named).await.refused(422, "line_not_fba", Some("/lines/0/line_id"));
    let order = sending.order(&[(&sending.item, 2)]).await;
    let line = sending.shown(&order).await["lines"][0]["id"].clone();
    let over = json!({"lines": [{"line_id": line, "quantity": 3}]});
    sending.send(&order, over).await.refused(409, "over_outbound", Some("/lines/0/quantity"));
    let fast = json!({"shipping_speed": "warp"});
    sending.send(&order, fast).await.refused(422, "invalid_field", Some("/shipping_speed"));
    let strange = json!({"connection_id": "con_none"});
    sending.send(&order, strange).await.refused(404, "not_found", Some("/connection_id"));
    sending.send("ord_none", json!({})).await.refused(404, "not_found", None);
    let many = sending.order(&[(&sending.item, 251)]).await;
    sending.send(&many, json!({})).await.refused(422, "too_many_units", Some("/lines"));
    world.get("/v1/outbound-shipments/out_none_1").await.refused(404, "not_found", None);
    world.get("/v1/outbound-shipments/shp_none_1").await.refused(404, "not_found", None);
    assert!(sending.amazon.sim.dispatches().is_empty());
}

#[tokio::test]
async fn f13_the_schedule_and_a_person_both_bring_amazon_s_word() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let mut made = Vec::new();
    for _ in 0..3 {
        let order = sending.order(&[(&sending.item, 1)]).await;
        made.push(sending.send(&order, json!({})).await.ok());
    }
    world.clock.advance_minutes(6);
    assert_eq!(sending.act(&made[0], "refresh").await.ok()["state"], "planning");
    assert_eq!(sending.get(&made[1]).await["state"], "received");
    world.clock.advance_minutes(16);
    sending.amazon.sim.take_calls();
    sending.amazon.sync_outbounds().await;
    for outbound in &made {
        assert_eq!(sending.get(outbound).await["state"], "processing");
    }
    // Nothing is new: one call tells so for all of them.
    world.clock.advance_minutes(10);
    sending.amazon.sim.take_calls();
    sending.amazon.sync_outbounds().await;
    let calls: Vec<String> = sending.amazon.sim.take_calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["listAllFulfillmentOrders"]);
    world.clock.advance_minutes(60);
    sending.amazon.sync_outbounds().await;
    for outbound in &made {
        assert_eq!(sending.get(outbound).await["state"], "complete");
    }
    // Nothing is open: nothing is asked.
    sending.amazon.sim.take_calls();
    sending.amazon.sync_outbounds().await;
    assert!(sending.amazon.sim.take_calls().is_empty());
    assert_eq!(sending.levels().await, [(5, 0), (6, 0)]);
    sending.assert_replays().await;
}

#[tokio::test]
async fn f13_what_amazon_does_not_have_is_dropped_and_shipped_by_the_merchant() {
    let sending = Sending::new(2).await;
    let world = &sending.amazon.world;
    let order = sending.order(&[(&sending.item, 5)]).await;
    let made = sending.send(&order, json!({})).await.ok();
    world.clock.advance_minutes(61);
    let sent = sending.act(&made, "refresh").await.ok();
    assert_eq!(sent["state"], "complete_partial");
    let line = &sent["lines"][0];
    assert_eq!((&line["shipped_quantity"], &line["dropped_quantity"]), (&json!(2), &json!(3)));
    assert_eq!(sending.levels().await, [(5, 3), (0, 0)]);
    let rest = json!({"carrier": "USPS"});
    world.post(&format!("/v1/orders/{order}/shipments"), rest).await.ok();
    assert_eq!(sending.levels().await, [(2, 0), (0, 0)]);
    assert_eq!(sending.shown(&order).await["state"], "shipped");
    sending.assert_replays().await;
}

#[tokio::test]
async fn f13_what_amazon_does_not_know_says_so_and_can_be_taken_back() {
    let sending = Sending::new(9).await;
    let order = sending.order(&[(&sending.item, 2)]).await;
    let made = sending.send(&order, json!({})).await.ok();
    sending.amazon.sim.forget_dispatch(&sending.amazon.sim.dispatches()[0]);
    let told = sending.act(&made, "refresh").await.ok();
    assert_eq!((&told["state"], &told["code"]), (&json!("received"), &json!("unknown_at_amazon")));
    assert_eq!(sending.levels().await, [(5, 0), (9, 2)]);
    let taken_back = sending.act(&made, "cancel").await.ok();
    assert_eq!((&taken_back["state"], &taken_back["code"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(sending.levels().await, [(5, 2), (9, 0)]);
    sending.assert_replays().await;
}

#[tokio::test]
async fn f13_it_is_taken_back_while_amazon_has_not_begun() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let order = sending.order(&[(&sending.item, 2)]).await;
    let made = sending.send(&order, json!({})).await.ok();
    let cancelled = sending.act(&made, "cancel").await.ok();
    assert_eq!((&cancelled["state"], &cancelled["cancel_asked_at"]), (&json!("cancelled"), &Value::Null));
    assert_eq!(sending.levels().await, [(5, 2), (9, 0)]);
    assert_eq!(sending.act(&made, "cancel").await.ok(), cancelled);
    let again = sending.send(&order, json!({})).await.ok();
    assert_eq!(again["number"], 2);
    world.clock.advance_minutes(16);
    sending.act(&again, "cancel").await.refused(409, "outbound_not_cancellable", None);
    assert_eq!(sending.get(&again).await["state"], "processing");
    sending.act(&again, "cancel").await.refused(409, "outbound_not_cancellable", None);
    assert_eq!(sending.levels().await, [(5, 0), (9, 2)]);
    sending.assert_replays().await;
}

#[tokio::test]
async fn f13_a_wish_to_cancel_outlives_an_outage() {
    let sending = Sending::new(9).await;
    let order = sending.order(&[(&sending.item, 2)]).await;
    let made = sending.send(&order, json!({})).await.ok();
    sending.amazon.sim.faults().always(Some(Fault::Status(503)));
    let asked = sending.act(&made, "cancel").await.ok();
    assert!(asked["cancel_asked_at"].is_string());
    assert_eq!(asked["state"], "received");
    sending.amazon.sim.faults().always(None);
    sending.amazon.sync_outbounds().await;
    assert_eq!(sending.get(&made).await["state"], "cancelled");
    assert_eq!(sending.levels().await, [(5, 2), (9, 0)]);
    sending.assert_replays().await;
}

#[tokio::test]
async fn f13_an_order_that_its_channel_cancels_is_taken_back_from_amazon() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let shop = world.shop_in("shop.example", "USD").await;
    let elsewhere = shop.goods(Some("A"), "A elsewhere", 5);
    world.sync_items(&shop).await;
    let order = shop.sim.sell(&[(elsewhere, 3)]);
    world.import(&shop, &order).await;
    let id = shop.order(&order).to_string();
    let made = sending.send(&id, json!({})).await.ok();
    shop.sim.cancel(&order);
    assert_eq!(world.import(&shop, &order).await["state"], "void");
    // Promised at Amazon as long as Amazon may send it.
    assert_eq!(sending.levels().await, [(5, 0), (9, 3)]);
    sending.amazon.sync_outbounds().await;
    assert_eq!(sending.get(&made).await["state"], "cancelled");
    assert_eq!(sending.levels().await, [(5, 0), (9, 0)]);
    sending.assert_replays().await;
}

#[tokio::test]
async fn f14_only_fba_lines_are_sent_and_the_merchant_ships_the_rest() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let (plain, _) = sending.amazon.item("MFN", 5, 0, false).await;
    let order = sending.order(&[(&plain, 2), (&sending.item, 1)]).await;
    let made = sending.send(&order, json!({})).await.ok();
    let lines = made["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["item_id"]), (1, &json!(sending.item)));
    let shipped = world.post(&format!("/v1/orders/{order}/shipments"), json!({"carrier": "USPS"})).await.ok();
    let lines = shipped["lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[0]["item_id"], &lines[0]["quantity"]), (1, &json!(plain), &json!(2)));
    assert_eq!(sending.amazon.at(&plain, &sending.home).await, (3, 0));
    assert_eq!(sending.shown(&order).await["state"], "confirmed");
    world.clock.advance_minutes(61);
    sending.act(&made, "refresh").await.ok();
    assert_eq!(sending.shown(&order).await["state"], "shipped");
    assert_eq!(sending.levels().await, [(5, 0), (8, 0)]);
    sending.amazon.assert_replays(&[&sending.item, &plain]).await;
}

#[tokio::test]
async fn f16_what_is_under_way_when_fba_is_disabled_is_followed_to_its_end() {
    let sending = Sending::new(9).await;
    let world = &sending.amazon.world;
    let order = sending.order(&[(&sending.item, 2)]).await;
    let made = sending.send(&order, json!({})).await.ok();
    sending.amazon.disable().await;
    world.clock.advance_minutes(61);
    sending.amazon.sync_outbounds().await;
    assert_eq!(sending.get(&made).await["state"], "complete");
    assert_eq!(sending.levels().await, [(5, 0), (7, 0)]);
    sending.assert_replays().await;
}

#[tokio::test]
async fn h9_the_buyer_s_address_goes_to_amazon_with_an_outbound_shipment_and_no_e_mail_with_it() {
    let sending = Sending::new(9).await;
    let order = sending.order(&[(&sending.item, 2)]).await;
    // Nothing goes before a person asks for it.
    sending.amazon.sync_outbounds().await;
    assert!(sending.amazon.sim.dispatches().is_empty());
    let made = sending.send(&order, json!({})).await.ok();
    let asked = sending.amazon.sim.dispatch_request(made["external_id"].as_str().unwrap());
    let address = json!({"name": "Ada Buyer", "addressLine1": "1 Example Street", "city": "Springfield",
        "stateOrRegion": "IL", "postalCode": "62701", "countryCode": "US"});
    assert_eq!(asked["destinationAddress"], address);
    assert!(!asked.to_string().contains("example.com"), "{asked}");
    // Written down beside the sealed buyer, nobody is named.
    let shown = sending.get(&made).await.to_string() + &sending.shown(&order).await.to_string();
    assert!(!shown.contains("Ada") && !shown.contains("Springfield"));
    // Forgotten, they go nowhere any more.
    let next = sending.order(&[(&sending.item, 1)]).await;
    let erase = json!({"email": "ada@example.com"});
    sending.amazon.world.post("/v1/privacy/erase", erase).await.ok();
    sending.send(&next, json!({})).await.refused(409, "no_shipping_address", None);
    assert_eq!(sending.amazon.sim.dispatches().len(), 1);
}
