//! Inbound shipments beside Amazon's own (feature F10).

use marketplace_sim::{Fault, SimulatedShop};
use serde_json::{Value, json};

use crate::fba_world::Amazon;
use crate::world::Answer;

/// Six of A and two of B on their way, of a stock of ten and two.
struct Sent {
    amazon: Amazon,
    items: [String; 2],
    path: String,
}

impl Sent {
    async fn new() -> Self {
        let amazon = Amazon::tracking().await;
        let (a, _) = amazon.item("A", 10, 0, true).await;
        let b = amazon.world.stocked_in("B", 2, "USD").await;
        let sent = Self { amazon, items: [a, b], path: String::new() };
        let made = sent.send(json!({})).await.ok();
        Self { path: format!("/v1/inbound-shipments/{}", made["id"].as_str().unwrap()), ..sent }
    }

    async fn send(&self, more: Value) -> Answer {
        let world = &self.amazon.world;
        let [a, b] = self.items.each_ref().map(String::as_str);
        let mut body = json!({"connection_id": self.amazon.connection, "from_location_id": world.primary().await,
            "lines": [{"item_id": a, "quantity": 6}, {"item_id": b, "quantity": 2}]});
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        world.post("/v1/inbound-shipments", body).await
    }

    async fn tie(&self, (plan, shipment): &(String, String)) -> Answer {
        let amazon = json!({"inbound_plan_id": plan, "shipment_id": shipment});
        self.amazon.world.patch(&self.path, json!({"amazon": amazon})).await
    }

    async fn refresh(&self) -> Answer {
        self.amazon.world.post(&format!("{}/refresh", self.path), json!({})).await
    }

    async fn shown(&self) -> Value {
        self.amazon.world.get(&self.path).await.ok()
    }

    /// On hand of A at home and at Amazon.
    async fn on_hand(&self) -> (i64, i64) {
        let home = self.amazon.world.primary().await;
        let item = &self.items[0];
        (self.amazon.at(item, &home).await.0, self.amazon.at(item, &self.amazon.location).await.0)
    }
}

#[tokio::test]
async fn f10_amazon_s_word_of_a_shipment_is_fetched_and_lines_that_differ_are_named() {
    let sent = Sent::new().await;
    let second = sent.amazon.goods("A-2", 0, true);
    sent.amazon.sync_items().await;
    let link = format!("/v1/listings/{}/link", sent.amazon.listing(&second));
    sent.amazon.world.post(&link, json!({"item_id": sent.items[0]})).await.ok();
    let ids = sent.amazon.sim.plan_inbound(&[("A", 3), ("A-2", 4), ("STRANGE", 9)]);
    let tied = sent.tie(&ids).await.ok();
    assert_eq!(tied["amazon"]["inbound_plan_id"], ids.0);
    assert_eq!((&tied["amazon"]["status"], &tied["amazon"]["checked_at"]), (&Value::Null, &Value::Null));
    assert_eq!(tied["lines"][0]["mismatch"], Value::Null);
    sent.amazon.sim.set_inbound_status(&ids.1, "RECEIVING");
    sent.amazon.world.clock.advance_minutes(30);
    sent.amazon.sim.take_calls();
    let told = sent.refresh().await.ok();
    let calls: Vec<String> = sent.amazon.sim.take_calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["getShipment", "listShipmentItems"]);
    assert_eq!(told["amazon"]["status"], "RECEIVING");
    assert!(told["amazon"]["confirmation_id"].as_str().unwrap().starts_with("FBA"));
    assert!(told["amazon"]["checked_at"].is_string());
    assert_eq!((&told["lines"][0]["mismatch"], &told["lines"][1]["mismatch"]), (&json!(1), &json!(-2)));
    let strange = json!({"sku": "STRANGE", "quantity": 9, "item_id": null});
    let skus = told["amazon"]["skus"].as_array().unwrap();
    assert_eq!((skus.len(), &skus[2], &told["amazon"]["skus_left_out"]), (3, &strange, &json!(0)));
    assert_eq!(told["warnings"], json!([]));
    assert_eq!(sent.shown().await, told);
    assert_eq!(sent.amazon.world.get("/v1/inbound-shipments").await.ok()["data"], json!([told]));
    // A word that is new is shown as it is.
    sent.amazon.sim.set_inbound_status(&ids.1, "TELEPORTED");
    assert_eq!(sent.refresh().await.ok()["amazon"]["status"], "TELEPORTED");
    assert_eq!(sent.on_hand().await, (4, 0));
}

#[tokio::test]
async fn f10_what_amazon_closed_is_something_to_do_and_not_received_by_itself() {
    for (status, code) in [("CLOSED", "closed_at_amazon"), ("CANCELLED", "gone_at_amazon")] {
        let sent = Sent::new().await;
        let ids = sent.amazon.sim.plan_inbound(&[("A", 6)]);
        sent.tie(&ids).await.ok();
        sent.amazon.sim.set_inbound_status(&ids.1, status);
        let told = sent.refresh().await.ok();
        assert_eq!((&told["state"], &told["warnings"][0]["code"]), (&json!("in_transit"), &json!(code)));
        assert_eq!(sent.on_hand().await, (4, 0), "{status}");
        let some = json!({"lines": [{"item_id": sent.items[0], "quantity": 5}]});
        let part = sent.amazon.world.post(&format!("{}/receive", sent.path), some).await.ok();
        assert_eq!(part["warnings"][0]["code"], code);
        let whole = sent.amazon.world.post(&format!("{}/receive", sent.path), json!({})).await.ok();
        assert_eq!((&whole["state"], &whole["warnings"]), (&json!("received"), &json!([])));
        assert_eq!(whole["amazon"]["status"], status);
        sent.amazon.assert_replays(&[&sent.items[0], &sent.items[1]]).await;
    }
}

#[tokio::test]
async fn f10_amazon_s_shipment_is_named_at_once_or_later_or_no_more() {
    let sent = Sent::new().await;
    let world = &sent.amazon.world;
    sent.refresh().await.refused(409, "no_amazon_shipment", None);
    let [one, two] = [1, 2].map(|n| sent.amazon.sim.plan_inbound(&[("A", n)]));
    sent.tie(&one).await.ok();
    let told = sent.refresh().await.ok();
    assert_eq!(told["lines"][0]["mismatch"], -5);
    // The same again changes nothing; another's word is not this one's.
    assert_eq!(sent.tie(&one).await.ok(), told);
    assert_eq!(sent.tie(&two).await.ok()["amazon"]["status"], Value::Null);
    assert_eq!(sent.refresh().await.ok()["lines"][0]["mismatch"], -4);
    let renamed = world.patch(&sent.path, json!({"reference": "FBA15"})).await.ok();
    assert_eq!((&renamed["reference"], &renamed["lines"][0]["mismatch"]), (&json!("FBA15"), &json!(-4)));
    let stale = [("if-match", "\"stale\"")];
    let body = Some(json!({"reference": null}));
    world.request(Some(&world.key), "PATCH", &sent.path, body, &stale).await.refused(
        412,
        "precondition_failed",
        None,
    );
    let none = world.patch(&sent.path, json!({"amazon": null})).await.ok();
    assert_eq!((&none["amazon"], &none["lines"][0]["mismatch"]), (&Value::Null, &Value::Null));
    world
        .post(
            "/v1/adjustments",
            json!({"location_id": world.primary().await, "lines": [
        {"item_id": sent.items[0], "delta": 9}, {"item_id": sent.items[1], "delta": 9}]}),
        )
        .await
        .ok();
    let amazon = json!({"inbound_plan_id": one.0, "shipment_id": one.1});
    let at_once = sent.send(json!({"amazon": amazon})).await.ok();
    assert_eq!(at_once["amazon"]["shipment_id"], one.1);
}

#[tokio::test]
async fn f10_what_amazon_does_not_know_is_refused_and_nothing_is_kept_of_it() {
    let sent = Sent::new().await;
    let ids = sent.amazon.sim.plan_inbound(&[("A", 6)]);
    sent.tie(&ids).await.ok();
    let before = sent.refresh().await.ok();
    let nowhere = "sh00000000-0000-4000-8000-ffffffffffff".to_owned();
    for unknown in [(ids.0.clone(), nowhere.clone()), (nowhere, ids.1.clone())] {
        let tied = sent.tie(&unknown).await.ok();
        sent.refresh().await.refused(409, "unknown_at_amazon", None);
        assert_eq!(sent.shown().await, tied);
    }
    sent.tie(&ids).await.ok();
    sent.amazon.sim.faults().push(Fault::Hang);
    assert_eq!(sent.refresh().await.body["code"], "channel_unavailable");
    assert_eq!(sent.shown().await["amazon"]["checked_at"], Value::Null);
    assert_eq!(sent.refresh().await.ok()["amazon"]["status"], before["amazon"]["status"]);
    // Amazon's ids have a length and letters of their own.
    for (plan, shipment, field) in [
        ("wf1", ids.1.as_str(), "inbound_plan_id"),
        (ids.0.as_str(), "sh00000000-0000-4000-8000-00000000000/", "shipment_id"),
    ] {
        let short = sent.tie(&(plan.to_owned(), shipment.to_owned())).await;
        short.refused(422, "invalid_field", Some(&format!("/amazon/{field}")));
    }
    sent.amazon.world.post("/v1/inbound-shipments/inb_0/refresh", json!({})).await.refused(
        404,
        "not_found",
        None,
    );
}
