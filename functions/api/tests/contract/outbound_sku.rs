//! Outbound shipments of an item that has several SKUs at Amazon: which of them is sent (features F6, F12, F13).

use domain::ChannelKind;
use marketplace_sim::{Fault, SimulatedShop, Sold};
use serde_json::{Value, json};

use crate::outbound::Sending;

/// An item with the SKUs `A` and `A-2`, both tracked; five more are at home.
struct Twice {
    sending: Sending,
    second: Sold,
}

impl Twice {
    async fn new(first: i64, second: i64) -> Self {
        let sending = Sending::new(9).await;
        let amazon = &sending.amazon;
        let sold = amazon.goods("A-2", 5, true);
        amazon.sync_items().await;
        let link = format!("/v1/listings/{}/link", amazon.listing(&sold));
        amazon.world.post(&link, json!({"item_id": sending.item})).await.ok();
        let twice = Self { sending, second: sold };
        twice.hold(first, second);
        let adjust = format!("/v1/listings/{}/fba-stock/adjust", twice.sending.amazon.listing(&twice.second));
        twice.sending.amazon.world.post(&adjust, json!({})).await;
        twice.sending.amazon.sim.take_calls();
        twice
    }

    /// What Amazon has of each.
    fn hold(&self, first: i64, second: i64) {
        let sim = &self.sending.amazon.sim;
        sim.set_quantity(&self.sending.sold, first);
        sim.set_quantity(&self.second, second);
    }

    async fn order(&self, quantity: i64) -> String {
        self.sending.order(&[(&self.sending.item, quantity)]).await
    }

    fn calls(&self) -> Vec<String> {
        self.sending.amazon.sim.take_calls().into_iter().map(|call| call.operation).collect()
    }
}

/// SKU, asked for, shipped, dropped.
fn lines(outbound: &Value) -> Vec<(&str, i64, i64, i64)> {
    let line = |line: &'_ Value| {
        ["quantity", "shipped_quantity", "dropped_quantity"].map(|name| line[name].as_i64().unwrap())
    };
    let all = outbound["lines"].as_array().unwrap().iter();
    all.map(|one| (one["sku"].as_str().unwrap(), line(one)[0], line(one)[1], line(one)[2])).collect()
}

#[tokio::test]
async fn f6_of_several_skus_the_one_that_has_goods_is_sent() {
    for (first, second, sku) in [(9, 0, "A"), (0, 9, "A-2"), (2, 3, "A-2"), (3, 2, "A")] {
        let twice = Twice::new(first, second).await;
        let order = twice.order(3).await;
        let made = twice.sending.send(&order, json!({})).await.ok();
        assert_eq!((lines(&made), &made["state"]), (vec![(sku, 3, 0, 0)], &json!("received")));
        assert_eq!(twice.calls(), ["getInventorySummaries", "createFulfillmentOrder"]);
        twice.sending.assert_replays().await;
    }
}

#[tokio::test]
async fn f6_amazon_is_not_asked_for_its_stock_where_there_is_one_sku() {
    let sending = Sending::new(1).await;
    let order = sending.order(&[(&sending.item, 2)]).await;
    sending.amazon.sim.take_calls();
    let made = sending.send(&order, json!({})).await.ok();
    assert_eq!(lines(&made), [("A", 2, 0, 0)]);
    let calls: Vec<String> = sending.amazon.sim.take_calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(calls, ["createFulfillmentOrder"]);
}

#[tokio::test]
async fn f6_a_line_is_split_where_no_sku_has_enough_and_its_parts_are_followed_together() {
    let twice = Twice::new(2, 4).await;
    let (sending, world) = (&twice.sending, &twice.sending.amazon.world);
    let order = twice.order(5).await;
    let made = sending.send(&order, json!({})).await.ok();
    assert_eq!(lines(&made), [("A-2", 4, 0, 0), ("A", 1, 0, 0)]);
    assert_eq!(made["lines"][0]["line_id"], made["lines"][1]["line_id"]);
    assert_eq!(sending.amazon.sim.dispatches().len(), 1);
    assert_eq!(sending.levels().await, [(5, 0), (6, 5)]);
    assert_eq!(sending.shown(&order).await["lines"][0]["outbound_quantity"], 5);
    world.clock.advance_minutes(61);
    let sent = sending.act(&made, "refresh").await.ok();
    assert_eq!((lines(&sent), &sent["state"]), (vec![("A-2", 4, 4, 0), ("A", 1, 1, 0)], &json!("complete")));
    // To the order it is one line that left.
    let paper = format!("/v1/shipments/{}", sent["shipment_ids"][0].as_str().unwrap());
    let paper = world.get(&paper).await.ok();
    assert_eq!((paper["lines"].as_array().unwrap().len(), &paper["lines"][0]["quantity"]), (1, &json!(5)));
    assert_eq!(sending.shown(&order).await["state"], "shipped");
    assert_eq!(sending.levels().await, [(5, 0), (1, 0)]);
    assert_eq!(sending.amazon.fba_stock(&sending.sold).await.ok()["mismatch"], 0);
    sending.assert_replays().await;
}

#[tokio::test]
async fn f6_two_lines_of_one_item_are_not_given_the_same_units() {
    let twice = Twice::new(2, 4).await;
    let item = twice.sending.item.as_str();
    let order = twice.sending.order(&[(item, 3), (item, 3)]).await;
    let made = twice.sending.send(&order, json!({})).await.ok();
    assert_eq!(lines(&made), [("A-2", 3, 0, 0), ("A", 2, 0, 0), ("A-2", 1, 0, 0)]);
    twice.sending.amazon.world.clock.advance_minutes(61);
    assert_eq!(twice.sending.act(&made, "refresh").await.ok()["state"], "complete");
    assert_eq!(twice.sending.levels().await, [(5, 0), (0, 0)]);
    twice.sending.assert_replays().await;
}

#[tokio::test]
async fn f6_asked_for_again_it_is_of_the_same_skus_and_what_is_gone_meanwhile_is_dropped() {
    let twice = Twice::new(2, 4).await;
    let (sending, world) = (&twice.sending, &twice.sending.amazon.world);
    let order = twice.order(5).await;
    for fault in [Fault::Pass, Fault::Hang] {
        sending.amazon.sim.faults().push(fault);
    }
    let made = sending.send(&order, json!({})).await.ok();
    assert_eq!((&made["state"], lines(&made)), (&json!("pending"), vec![("A-2", 4, 0, 0), ("A", 1, 0, 0)]));
    // One SKU could give all of it now; what was decided stands.
    twice.hold(9, 1);
    world.work_of(ChannelKind::Amazon).await;
    let found = sending.get(&made).await;
    assert_eq!((&found["state"], lines(&found)), (&json!("received"), lines(&made)));
    world.clock.advance_minutes(61);
    let sent = sending.act(&made, "refresh").await.ok();
    assert_eq!(sent["state"], "complete_partial");
    assert_eq!(lines(&sent), [("A-2", 4, 1, 3), ("A", 1, 1, 0)]);
    assert_eq!(sending.levels().await, [(5, 3), (4, 0)]);
    sending.assert_replays().await;
}

#[tokio::test]
async fn f6_a_split_line_is_taken_back_whole() {
    let twice = Twice::new(2, 4).await;
    let order = twice.order(5).await;
    let made = twice.sending.send(&order, json!({})).await.ok();
    let cancelled = twice.sending.act(&made, "cancel").await.ok();
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(lines(&cancelled), [("A-2", 4, 0, 4), ("A", 1, 0, 1)]);
    assert_eq!(twice.sending.levels().await, [(5, 5), (6, 0)]);
    twice.sending.assert_replays().await;
}

#[tokio::test]
async fn f6_where_all_skus_have_too_few_it_says_what_each_has_and_writes_nothing() {
    let twice = Twice::new(2, 1).await;
    let order = twice.order(5).await;
    let refused = twice.sending.send(&order, json!({})).await;
    refused.refused(409, "not_enough_at_amazon", None);
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("2 of A") && detail.contains("1 of A-2"), "{detail}");
    assert!(twice.sending.amazon.sim.dispatches().is_empty());
    assert_eq!(twice.sending.levels().await, [(5, 5), (3, 0)]);
    // Amazon cannot be asked: nothing is written either.
    twice.hold(9, 9);
    twice.sending.amazon.sim.faults().push(Fault::Hang);
    let away = twice.sending.send(&order, json!({})).await;
    assert_eq!(away.body["code"], "channel_unavailable", "{}", away.body);
    let list = format!("/v1/orders/{order}/outbound-shipments");
    assert_eq!(twice.sending.amazon.world.get(&list).await.ok()["data"], json!([]));
    let line = twice.sending.shown(&order).await["lines"][0]["id"].clone();
    let fewer = json!({"lines": [{"line_id": line, "quantity": 3}]});
    twice.hold(2, 1);
    let made = twice.sending.send(&order, fewer).await.ok();
    assert_eq!(lines(&made), [("A", 2, 0, 0), ("A-2", 1, 0, 0)]);
}
