//! What others do not have: rules in three layers, drift, proof of the ledger, plans, and holds.

use domain::listing::Match;
use marketplace_sim::SimulatedShop;
use serde_json::{Value, json};

use crate::world::{Selling, World};

async fn connection_patch(world: &World, shop: &Selling, patch: Value) -> Value {
    world.patch(&format!("/v1/connections/{}", shop.connection), patch).await.ok()
}

async fn reconcile(world: &World, shop: &Selling) -> Value {
    let started = world.post(&format!("/v1/connections/{}/reconcile", shop.connection), json!({})).await;
    assert_eq!((started.status, &started.body["kind"]), (202, &json!("reconcile")), "{}", started.body);
    world.work().await;
    let sync = world.get(started.header("location")).await.ok();
    assert_eq!(sync["state"], "succeeded", "{sync}");
    sync
}

async fn drift(world: &World, shop: &Selling) -> Vec<Value> {
    let list = world.get(&format!("/v1/drift?connection_id={}", shop.connection)).await.ok();
    list["data"].as_array().unwrap().clone()
}

async fn adjust(world: &World, item: &str, delta: i64) {
    let lines = json!([{"item_id": item, "delta": delta}]);
    let body = json!({"location_id": world.primary().await, "lines": lines});
    world.post("/v1/adjustments", body).await.ok();
}

/// Five of one item on sale, told five minutes ago, on a connection of this policy.
async fn under(policy: &str) -> (World, String, Selling) {
    let world = World::new().await;
    let item = world.stocked("A", 5).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    connection_patch(&world, &shop, json!({"drift": policy})).await;
    world.settle().await;
    world.clock.advance_minutes(5);
    (world, item, shop)
}

#[tokio::test]
async fn d16_the_seven_steps_and_the_selling_listing_is_corrected_too() {
    let world = World::new().await;
    let item = world.stocked("TEST_SS7052", 5).await;
    let goods = [("TEST_SS7052", 1)];
    let (one, two) = (world.selling("one.example", &goods).await, world.selling("two.example", &goods).await);
    world.settle().await;
    assert_eq!((one.shows("TEST_SS7052"), two.shows("TEST_SS7052")), (5, 5));
    one.pushes();
    two.pushes();
    // 2: edited on the channel. 3: the hub does not know and sends nothing.
    one.edit("TEST_SS7052", 10);
    world.settle().await;
    assert_eq!((one.pushes(), two.pushes(), world.levels(&item).await.2), (0, 0, 5));
    assert_eq!(one.shows("TEST_SS7052"), 10);
    // 4 to 6: an order is placed, fetched and reserved.
    world.clock.advance_minutes(1);
    one.sell("TEST_SS7052", 2);
    world.post(&format!("/v1/connections/{}/sync", one.connection), json!({"kind": "orders"})).await.ok();
    world.work().await;
    assert_eq!(world.levels(&item).await, (5, 2, 3));
    // 7: every listing has the new level, the one that sold included.
    world.moved(&[&item]).await;
    world.work().await;
    assert_eq!((one.shows("TEST_SS7052"), two.shows("TEST_SS7052")), (3, 3));
}

#[tokio::test]
async fn l3_what_was_edited_on_a_channel_is_found_without_any_change_of_stock() {
    let world = World::new().await;
    world.stocked("A", 5).await;
    world.stocked("B", 6).await;
    let shop = world.selling("one.example", &[("A", 1), ("B", 2)]).await;
    world.settle().await;
    reconcile(&world, &shop).await;
    assert_eq!(drift(&world, &shop).await, Vec::<Value>::new());
    world.clock.advance_minutes(5);
    shop.edit("A", 10);
    let sync = reconcile(&world, &shop).await;
    assert_eq!(shop.shows("A"), 5);
    let found = drift(&world, &shop).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["listing_id"], shop.listing("A").as_str());
    assert_eq!(
        (&found[0]["desired"], &found[0]["acknowledged"], &found[0]["observed"]),
        (&json!(5), &json!(5), &json!(10))
    );
    assert_eq!(
        (&found[0]["cause"], &found[0]["action"]),
        (&json!("edited_on_channel"), &json!("overwritten"))
    );
    let records = world.get(&format!("/v1/syncs/{}/records", sync["id"].as_str().unwrap())).await.ok();
    assert_eq!(records["data"][0]["code"], "edited_on_channel");
    assert_eq!(sync["records"]["synced"], 2);
    let other = world.get("/v1/drift?connection_id=con_other").await.ok();
    assert_eq!(other["data"], json!([]));
}

#[tokio::test]
async fn l3_a_lost_update_and_a_missed_order_are_made_good_whatever_the_policy() {
    let world = World::new().await;
    let item = world.stocked("A", 8).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    connection_patch(&world, &shop, json!({"drift": "hold"})).await;
    world.settle().await;
    world.clock.advance_minutes(5);
    adjust(&world, &item, -3).await;
    world.settle().await;
    assert_eq!(shop.shows("A"), 5);
    // The channel took 5 and shows the 8 from before.
    shop.edit("A", 8);
    reconcile(&world, &shop).await;
    let found = drift(&world, &shop).await;
    assert_eq!((&found[0]["cause"], &found[0]["action"]), (&json!("lost_update"), &json!("overwritten")));
    assert_eq!(shop.shows("A"), 5);
    // It sold, and nobody said so for a while.
    world.clock.advance_minutes(5);
    shop.sell("A", 2);
    world.clock.advance_minutes(60);
    reconcile(&world, &shop).await;
    let found = drift(&world, &shop).await;
    assert_eq!((&found[0]["cause"], &found[0]["action"]), (&json!("missed_order"), &json!("overwritten")));
    assert_eq!((shop.shows("A"), world.levels(&item).await), (3, (5, 2, 3)));
}

#[tokio::test]
async fn l3_alert_leaves_the_number_and_hold_waits_for_a_person() {
    let (world, item, shop) = under("alert").await;
    shop.edit("A", 10);
    reconcile(&world, &shop).await;
    assert_eq!((shop.shows("A"), &drift(&world, &shop).await[0]["action"]), (10, &json!("alerted")));
    connection_patch(&world, &shop, json!({"drift": "hold"})).await;
    reconcile(&world, &shop).await;
    assert_eq!((shop.shows("A"), &drift(&world, &shop).await[0]["action"]), (10, &json!("held")));
    adjust(&world, &item, -1).await;
    world.settle().await;
    assert_eq!(shop.shows("A"), 10, "nothing is sent while it is held");
    let listing = shop.listing("A");
    let disabled = world.get("/v1/listings?push_state=disabled").await.ok();
    assert_eq!(
        (&disabled["data"][0]["id"], &disabled["data"][0]["reason"]),
        (&json!(listing), &json!("drift_held"))
    );
    assert!(disabled["data"][0]["since"].is_string());
    world.post(&format!("/v1/listings/{listing}/release"), json!({})).await.ok();
    world.work().await;
    assert_eq!((shop.shows("A"), drift(&world, &shop).await), (4, Vec::new()));
    world.post(&format!("/v1/listings/{listing}/release"), json!({})).await.refused(
        409,
        "listing_not_held",
        None,
    );
}

#[tokio::test]
async fn l3_what_sells_while_numbers_are_compared_is_nobody_s_edit() {
    let (world, item, shop) = under("hold").await;
    let (of, sold) = (shop.shop.clone(), shop.sold["A"].clone());
    // Between the look at the orders and the one at the numbers.
    world.shops.after_answers(1, move || drop(of.sell(&[(sold, 2)])));
    reconcile(&world, &shop).await;
    assert_eq!(drift(&world, &shop).await, Vec::<Value>::new());
    assert_eq!((shop.shows("A"), world.levels(&item).await), (3, (5, 2, 3)));
}

#[tokio::test]
async fn l3_of_a_number_that_moves_while_it_is_compared_nothing_is_said() {
    let (world, _, shop) = under("hold").await;
    shop.edit("A", 10);
    let (of, sold) = (shop.shop.clone(), shop.sold["A"].clone());
    // Orders, number, orders; and before the number once more:
    world.shops.after_answers(3, move || drop(of.sell(&[(sold, 2)])));
    let sync = reconcile(&world, &shop).await;
    let records = world.get(&format!("/v1/syncs/{}/records", sync["id"].as_str().unwrap())).await.ok();
    assert_eq!(records["data"][0]["code"], "moved_meanwhile");
    assert_eq!((drift(&world, &shop).await, shop.shows("A")), (Vec::<Value>::new(), 8));
}

#[tokio::test]
async fn l3_a_number_that_is_due_to_be_told_is_not_held() {
    let (world, item, shop) = under("hold").await;
    shop.sell("A", 2);
    world.post(&format!("/v1/connections/{}/sync", shop.connection), json!({"kind": "orders"})).await.ok();
    world.work().await;
    adjust(&world, &item, 1).await;
    reconcile(&world, &shop).await;
    let found = drift(&world, &shop).await;
    assert_eq!((&found[0]["cause"], &found[0]["action"]), (&json!("unknown"), &json!("alerted")));
    world.moved(&[&item]).await;
    world.work().await;
    assert_eq!(shop.shows("A"), 4);
}

#[tokio::test]
async fn l3_what_is_right_again_is_told_no_more_unless_a_person_is_to_decide() {
    let world = World::new().await;
    world.stocked("A", 5).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    world.settle().await;
    for (policy, then) in [("alert", 0), ("hold", 1)] {
        connection_patch(&world, &shop, json!({"drift": policy})).await;
        world.clock.advance_minutes(5);
        shop.edit("A", 10);
        reconcile(&world, &shop).await;
        assert_eq!(drift(&world, &shop).await.len(), 1, "{policy}");
        world.clock.advance_minutes(5);
        shop.edit("A", 5);
        reconcile(&world, &shop).await;
        assert_eq!(drift(&world, &shop).await.len(), then, "{policy}");
    }
}

#[tokio::test]
async fn l3_every_connection_is_reconciled_once_a_day() {
    let world = World::new().await;
    world.stocked("A", 5).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    world.settle().await;
    let reconciled = async || {
        world.app.dispatch_due().await.unwrap();
        world.work().await;
        let list = world.get("/v1/syncs?kind=reconcile").await.ok();
        list["data"].as_array().unwrap().len()
    };
    world.clock.advance_hours(5);
    assert_eq!(reconciled().await, 0);
    shop.edit("A", 9);
    world.clock.advance_hours(20);
    assert_eq!((reconciled().await, shop.shows("A")), (1, 5));
    world.clock.advance_hours(5);
    assert_eq!(reconciled().await, 1);
    world.clock.advance_hours(20);
    assert_eq!(reconciled().await, 2);
}

#[tokio::test]
async fn a_rule_is_the_listing_s_over_the_connection_s_over_the_organization_s() {
    let world = World::new().await;
    let item = world.stocked("A", 20).await;
    let shop = world.selling("one.example", &[("A", 1)]).await;
    world.settle().await;
    assert_eq!(shop.shows("A"), 20);
    world.patch("/v1/organization", json!({"stock_rule": {"buffer": 1, "max_listed": 9}})).await.ok();
    world.work().await;
    assert_eq!(shop.shows("A"), 9);
    let connection =
        connection_patch(&world, &shop, json!({"stock_rule": {"percent": 25, "buffer": 2}})).await;
    assert_eq!(connection["stock_rule"], json!({"percent": 25, "buffer": 2, "max_listed": 9}));
    assert_eq!(connection["stock_rule_set"], json!({"percent": 25, "buffer": 2, "max_listed": null}));
    world.work().await;
    assert_eq!(shop.shows("A"), 3);
    let path = format!("/v1/listings/{}", shop.listing("A"));
    let changed =
        world.patch(&path, json!({"stock_rule": {"percent": 50, "buffer": 0, "max_listed": 8}})).await;
    assert_eq!(changed.status, 200, "{}", changed.body);
    world.work().await;
    assert_eq!(shop.shows("A"), 8);
    let why =
        world.get(&format!("/v1/items/{item}/availability?connection_id={}", shop.connection)).await.ok();
    assert_eq!(
        (&why["result"], &why["rule"]),
        (&json!(8), &json!({"percent": 50, "buffer": 0, "max_listed": 8}))
    );
    let named = format!("/v1/items/{item}/availability?listing_id={}", shop.listing("A"));
    assert_eq!(world.get(&named).await.ok()["result"], 8);
    let open = json!({"stock_rule": {"percent": null, "buffer": null, "max_listed": null}});
    world.patch(&path, open).await.ok();
    world.work().await;
    assert_eq!(shop.shows("A"), 3);
    world.patch(&path, json!({"sku": "B"})).await.refused(422, "unknown_field", Some("/sku"));
}

#[tokio::test]
async fn stock_below_its_reorder_level_is_said_once() {
    let world = World::new().await;
    let item = world.stocked("A", 5).await;
    world.patch(&format!("/v1/items/{item}"), json!({"reorder_level": 3})).await.ok();
    let since = async || {
        world.moved(&[&item]).await;
        let stock = world.get(&format!("/v1/items/{item}/stock")).await.ok();
        stock["below_reorder_level_since"].clone()
    };
    assert_eq!(since().await, Value::Null);
    adjust(&world, &item, -2).await;
    assert_eq!(since().await, Value::Null, "at the level is not below it");
    adjust(&world, &item, -1).await;
    let first = since().await;
    assert!(first.is_string());
    world.clock.advance_minutes(1);
    adjust(&world, &item, -1).await;
    assert_eq!(since().await, first);
    adjust(&world, &item, 5).await;
    assert_eq!(since().await, Value::Null);
    adjust(&world, &item, -5).await;
    assert!(since().await.is_string() && since().await != first);
}

#[tokio::test]
async fn l5_stock_is_known_as_of_any_time() {
    let world = World::new().await;
    let item = world.stocked("A", 5).await;
    world.clock.advance_hours(1);
    adjust(&world, &item, 3).await;
    world.clock.advance_hours(1);
    adjust(&world, &item, -7).await;
    for (at, on_hand) in [
        ("2026-02-01T09:59:59Z", 0),
        ("2026-02-01T10:00:00Z", 5),
        ("2026-02-01T10:30:00Z", 5),
        ("2026-02-01T11:00:00Z", 8),
        ("2026-02-01T12:00:00Z", 1),
        ("2030-01-01T00:00:00Z", 1),
    ] {
        let stock = world.get(&format!("/v1/items/{item}/stock?at={at}")).await.ok();
        assert_eq!((&stock["on_hand"], &stock["at"]), (&json!(on_hand), &json!(at)), "{at}");
    }
    let path = format!("/v1/items/{item}/stock?at=yesterday");
    world.get(&path).await.refused(400, "invalid_field", Some("/at"));
}

#[tokio::test]
async fn l5_a_check_replays_the_ledger_and_names_every_level_that_differs() {
    let world = World::new().await;
    let home = world.primary().await;
    let mut items = Vec::new();
    for n in 0..60 {
        items.push(world.stocked(&format!("S{n}"), n).await);
    }
    let components = json!([{"item_id": items[1], "quantity": 1}]);
    world.post("/v1/items", json!({"sku": "SET", "name": "Set", "components": components})).await.ok();
    let checked = world.post("/v1/verify", json!({})).await;
    assert_eq!((checked.status, &checked.body["state"]), (202, &json!("succeeded")), "{}", checked.body);
    assert_eq!((&checked.body["progress"]["done"], &checked.body["different"]), (&json!(61), &json!(0)));
    let id = checked.body["id"].as_str().unwrap();
    assert_eq!(
        world.get(&format!("/v1/syncs/{id}")).await.ok(),
        world.get(checked.header("location")).await.ok()
    );

    // A level that was written past the ledger.
    let spoiled: domain::ItemId = items[7].parse().unwrap();
    let key = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
    world
        .dynamodb
        .update_item()
        .table_name("main")
        .key("pk", key(format!("O#{}#I#{}", world.organization.body(), spoiled.body())))
        .key("sk", key(format!("LVL#{home}")))
        .update_expression("ADD h :h")
        .expression_attribute_values(":h", aws_sdk_dynamodb::types::AttributeValue::N("2".to_owned()))
        .send()
        .await
        .unwrap();
    let checked = world.post("/v1/verify", json!({})).await.ok();
    assert_eq!((&checked["state"], &checked["different"]), (&json!("partial"), &json!(1)));
    let found = &checked["differences"][0];
    assert_eq!((&found["item_id"], &found["location_id"]), (&json!(items[7]), &json!(home)));
    assert_eq!((&found["level"]["on_hand"], &found["ledger"]["on_hand"]), (&json!(9), &json!(7)));

    // The schedule does the same each day.
    world.app.verify_due().await.unwrap();
    world.clock.advance_hours(25);
    world.app.verify_due().await.unwrap();
    let first = world.organization.body();
    let scheduled = world.get(&format!("/v1/verify/syn_{first}")).await.ok();
    assert_eq!(
        (&scheduled["trigger"], &scheduled["state"], &scheduled["different"]),
        (&json!("schedule"), &json!("partial"), &json!(1))
    );
    let due = world.app.store.due_verifications(world.app.clock.now(), 10).await.unwrap();
    assert!(due.is_empty(), "the next is due tomorrow");
    world.clock.advance_hours(25);
    assert_eq!(world.app.store.due_verifications(world.app.clock.now(), 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn l7_a_rule_is_planned_applied_as_planned_and_refused_when_the_world_has_moved() {
    let world = World::new().await;
    let a = world.stocked("A", 10).await;
    world.stocked("B", 1).await;
    let shop = world.selling("one.example", &[("A", 1), ("B", 2)]).await;
    world.settle().await;
    let path = format!("/v1/connections/{}", shop.connection);
    let patch = json!({"stock_rule": {"buffer": 4}});
    let planned = world.patch(&format!("{path}?dry_run=true"), patch.clone()).await.ok();
    let changes = planned["changes"].as_array().unwrap();
    let of =
        |sku: &str| changes.iter().find(|change| change["listing_id"] == shop.listing(sku).as_str()).unwrap();
    assert_eq!(
        (&of("A")["from"], &of("A")["to"], &of("A")["why"]),
        (&json!(10), &json!(6), &json!("stock_rule"))
    );
    assert_eq!((&of("B")["from"], &of("B")["to"]), (&json!(1), &json!(0)));
    assert_eq!(planned["totals"], json!({"changed": 2, "to_zero": 1, "raised": 0, "lowered": 2}));
    assert_eq!(world.get(&path).await.ok()["stock_rule"]["buffer"], 0, "nothing was changed");
    let by_plan = format!("{path}?plan_id={}", planned["plan_id"].as_str().unwrap());
    adjust(&world, &a, 1).await;
    world.patch(&by_plan, patch.clone()).await.refused(409, "plan_stale", None);
    adjust(&world, &a, -1).await;
    world.patch(&by_plan, json!({"stock_rule": {"buffer": 5}})).await.refused(409, "plan_stale", None);
    world.patch(&by_plan, patch).await.ok();
    world.work().await;
    assert_eq!((shop.shows("A"), shop.shows("B")), (6, 0));
    let both = format!("{path}?dry_run=true&plan_id=pln_1");
    world.patch(&both, json!({})).await.refused(400, "invalid_field", Some("/plan_id"));
}

#[tokio::test]
async fn l7_push_confirm_mapping_and_auto_link_are_planned() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let shop = world.selling("one.example", &[("A", 3), ("NEW", 4)]).await;
    let planned = world.post(&format!("/v1/items/{item}/push?dry_run=true"), json!({})).await;
    assert_eq!((planned.status, &planned.body["changes"][0]["to"]), (200, &json!(10)), "{}", planned.body);
    assert_eq!(planned.body["changes"][0]["from"], 3);
    assert_eq!(shop.shows("A"), 3);
    let plan = planned.body["plan_id"].as_str().unwrap();
    let pushed = world.post(&format!("/v1/items/{item}/push?plan_id={plan}"), json!({})).await;
    assert_eq!(pushed.status, 202, "{}", pushed.body);
    world.work().await;
    assert_eq!(shop.shows("A"), 10);
    let again = world.post(&format!("/v1/items/{item}/push?dry_run=true"), json!({})).await.ok();
    assert_eq!(again["totals"]["changed"], 0);

    let path = format!("/v1/connections/{}?dry_run=true", shop.connection);
    let there = world.warehouse("There").await;
    let mapping = json!({"location_mapping": {"mode": "selected", "location_ids": [there]}});
    let planned = world.patch(&path, mapping).await.ok();
    assert_eq!(
        (&planned["changes"][0]["to"], &planned["changes"][0]["why"]),
        (&json!(0), &json!("location_mapping"))
    );

    let confirm = json!({"action": "confirm", "listing_ids": [shop.listing("NEW")]});
    world.patch("/v1/organization", json!({"stock_rule": {"buffer": 1}})).await.ok();
    let planned = world.post("/v1/listings/bulk?dry_run=true", confirm.clone()).await.ok();
    assert_eq!((&planned["changes"][0]["from"], &planned["changes"][0]["to"]), (&json!(4), &json!(3)));
    let listing = world.get(&format!("/v1/listings/{}", shop.listing("NEW"))).await.ok();
    assert_eq!(listing["status"], "unconfirmed");
    let plan = planned["plan_id"].as_str().unwrap();
    let done = world.post(&format!("/v1/listings/bulk?plan_id={plan}"), confirm).await.ok();
    assert_eq!(done["data"][0]["outcome"], "done");

    world.patch("/v1/organization", json!({"auto_link": "off"})).await.ok();
    let waiting = world.listing(&shop.connection, 900, Some("Q"), Match::SkuMatched).await;
    world.stocked("Q", 2).await;
    let planned = world.patch("/v1/organization?dry_run=true", json!({"auto_link": "sku"})).await.ok();
    assert_eq!(
        (&planned["changes"][0]["listing_id"], &planned["changes"][0]["why"]),
        (&json!(waiting), &json!("auto_link"))
    );
    assert_eq!(world.get("/v1/organization").await.ok()["auto_link"], "off");
}

/// Fifteen goods in one shop, each with stock.
async fn wide(world: &World) -> (Selling, Vec<String>) {
    let skus: Vec<String> = (0..15).map(|n| format!("S{n}")).collect();
    let mut items = Vec::new();
    for sku in &skus {
        items.push(world.stocked(sku, 5).await);
    }
    let goods: Vec<(&str, i64)> = skus.iter().map(|sku| (sku.as_str(), 5)).collect();
    let shop = world.selling("one.example", &goods).await;
    world.settle().await;
    (shop, items)
}

async fn empty(world: &World, items: &[String]) {
    let lines: Vec<Value> = items.iter().map(|item| json!({"item_id": item, "set_to": 0})).collect();
    let body = json!({"location_id": world.primary().await, "lines": lines});
    world.post("/v1/adjustments", body).await.ok();
    let moved: Vec<&str> = items.iter().map(String::as_str).collect();
    world.moved(&moved).await;
    world.work().await;
}

#[tokio::test]
async fn l8_a_feed_gone_empty_stops_and_asks_and_nothing_was_zeroed() {
    let world = World::new().await;
    let (shop, items) = wide(&world).await;
    empty(&world, &items).await;
    let shown: Vec<i64> = (0..15).map(|n| shop.shows(&format!("S{n}"))).collect();
    assert_eq!(shown, vec![5; 15], "nothing was zeroed");
    let list = world.get("/v1/syncs?kind=stock").await.ok();
    let held: Vec<&Value> =
        list["data"].as_array().unwrap().iter().filter(|sync| sync["state"] == "held").collect();
    assert_eq!(held.len(), 1, "{list}");
    assert_eq!(held[0]["held"], json!({"to_zero": 15, "limit": 10, "linked": 15}));
    let pending = world.get("/v1/listings?push_state=pending").await.ok();
    assert_eq!(
        (pending["data"].as_array().unwrap().len(), &pending["data"][0]["reason"]),
        (15, &json!("held_for_approval"))
    );
    let path = format!("/v1/syncs/{}", held[0]["id"].as_str().unwrap());
    let cancelled = world.post(&format!("{path}/cancel"), json!({})).await.ok();
    assert_eq!((&cancelled["state"], &cancelled["failure"]["code"]), (&json!("failed"), &json!("cancelled")));
    world.post(&format!("{path}/approve"), json!({})).await.refused(409, "sync_not_held", None);

    // Asked again by a sync of a person's own, which waits itself.
    let start =
        world.post(&format!("/v1/connections/{}/sync", shop.connection), json!({"kind": "stock"})).await;
    world.work().await;
    let sync = start.header("location").to_owned();
    assert_eq!(world.get(&sync).await.ok()["state"], "held");
    assert_eq!(shop.shows("S0"), 5);
    let approved = world.post(&format!("{sync}/approve"), json!({})).await;
    assert_eq!((approved.status, &approved.body["state"]), (202, &json!("queued")));
    world.work().await;
    assert_eq!(world.get(&sync).await.ok()["state"], "succeeded");
    let shown: Vec<i64> = (0..15).map(|n| shop.shows(&format!("S{n}"))).collect();
    assert_eq!(shown, vec![0; 15]);
    assert_eq!(world.get("/v1/listings?push_state=pending").await.ok()["data"], json!([]));
}

#[tokio::test]
async fn l8_small_runs_are_counted_together_and_what_orders_took_is_not() {
    let world = World::new().await;
    let (shop, items) = wide(&world).await;
    for chunk in items[..10].chunks(5) {
        empty(&world, chunk).await;
    }
    assert_eq!((shop.shows("S0"), shop.shows("S9")), (0, 0), "ten may go");
    empty(&world, &items[10..11]).await;
    assert_eq!(shop.shows("S10"), 5, "the eleventh within the hour is asked about");
    world.clock.advance_minutes(1);
    for n in 11..15 {
        shop.sell(&format!("S{n}"), 5);
    }
    world.post(&format!("/v1/connections/{}/sync", shop.connection), json!({"kind": "orders"})).await.ok();
    world.work().await;
    let sold: Vec<&str> = items[11..].iter().map(String::as_str).collect();
    world.moved(&sold).await;
    world.work().await;
    let states = world.get(&format!("/v1/items/{}/listings", items[12])).await.ok();
    assert_eq!(
        (&states["data"][0]["push_state"], &states["data"][0]["pushed_quantity"]),
        (&json!("in_sync"), &json!(0))
    );
    // With a limit of all, nobody is asked.
    connection_patch(&world, &shop, json!({"blast_radius_percent": 100})).await;
    empty(&world, &items[10..11]).await;
    world.post(&format!("/v1/items/{}/push", items[10]), json!({})).await.ok();
    world.work().await;
    assert_eq!(shop.shows("S10"), 0);
}
