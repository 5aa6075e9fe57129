//! FBA: the location and its rules, marking, both numbers, inbound shipments (features F1 to F10, F15, F16, F22).

use domain::ChannelKind;
use marketplace_sim::{Fault, SimulatedShop};
use serde_json::{Value, json};

use crate::fba_world::Amazon;

#[tokio::test]
async fn f1_a_connection_is_given_its_fba_location_later_or_from_the_beginning() {
    let amazon = Amazon::new().await;
    let world = &amazon.world;
    assert_eq!(world.get(&amazon.path()).await.ok()["fba"], Value::Null);
    let enabled = amazon.enable(&amazon.location).await.ok();
    assert_eq!(enabled["fba"], json!({"location_id": amazon.location}));
    assert_eq!(amazon.enable(&amazon.location).await.ok(), enabled);
    assert_eq!(world.get(&amazon.path()).await.ok()["fba"]["location_id"], amazon.location.as_str());
    // Another connection has one of its own.
    let other = world.open_amazon("USD");
    let taken = json!({"fba": {"location_id": amazon.location}});
    world.delete(&amazon.path()).await;
    let again = world.connect_amazon(&other, "Again", taken).await.ok();
    assert_eq!(again["fba"]["location_id"], amazon.location.as_str());
    let etag = world.get(&format!("/v1/connections/{}", again["id"].as_str().unwrap())).await;
    let path = format!("/v1/connections/{}/fba", again["id"].as_str().unwrap());
    let body = Some(json!({"location_id": amazon.location}));
    let stale = world.request(Some(&world.key), "PUT", &path, body, &[("if-match", "\"x\"")]).await;
    stale.refused(412, "precondition_failed", None);
    let tag = etag.header("etag").to_owned();
    let gone = world.request(Some(&world.key), "DELETE", &path, None, &[("if-match", &tag)]).await.ok();
    assert_eq!(gone["fba"], Value::Null);
}

#[tokio::test]
async fn f1_only_a_location_of_amazon_s_kind_and_of_one_connection_will_do() {
    let amazon = Amazon::new().await;
    let world = &amazon.world;
    let home = world.primary().await;
    amazon.enable(&home).await.refused(422, "location_not_fba", Some("/location_id"));
    amazon.enable("loc_none").await.refused(404, "not_found", Some("/location_id"));
    let body = json!({"location": home});
    world.put(&format!("{}/fba", amazon.path()), body).await.refused(422, "unknown_field", Some("/location"));
    amazon.enable(&amazon.location).await.ok();
    // What it is used for, it stays.
    let path = format!("/v1/locations/{}", amazon.location);
    world.patch(&path, json!({"kind": "warehouse"})).await.refused(409, "location_in_use", None);
    world.delete(&path).await.refused(409, "location_in_use", None);
    world.patch("/v1/organization", json!({"country": "CA"})).await.refused(409, "fba_enabled", None);
    amazon.disable().await;
    world.patch(&path, json!({"kind": "warehouse"})).await.ok();
}

#[tokio::test]
async fn f1_a_channel_that_stores_nothing_has_no_fba() {
    let amazon = Amazon::new().await;
    let world = &amazon.world;
    world.open_shop("shop.example", "USD");
    let mut input = crate::world::connection_input();
    input["endpoint"] = json!("https://shop.example");
    let shop = world.post("/v1/connections", input).await.ok();
    let path = format!("/v1/connections/{}/fba", shop["id"].as_str().unwrap());
    let body = json!({"location_id": amazon.location});
    world.put(&path, body.clone()).await.refused(409, "fba_not_supported", None);
    world.put("/v1/connections/con_none/fba", body).await.refused(404, "not_found", None);
    // A location counts the goods of one connection.
    amazon.enable(&amazon.location).await.ok();
    let mut second = crate::world::connection_input();
    second["endpoint"] = json!("https://other.example");
    world.open_shop("other.example", "USD");
    second["fba"] = json!({"location_id": amazon.location});
    world.post("/v1/connections", second).await.refused(409, "location_in_use", None);
}

#[tokio::test]
async fn f2_fba_and_a_location_mapping_exclude_each_other_both_ways() {
    let amazon = Amazon::new().await;
    let world = &amazon.world;
    let (home, other) = (world.primary().await, world.warehouse("Second").await);
    let select = json!({"location_mapping": {"mode": "selected", "location_ids": [other, home]}});
    world.patch(&amazon.path(), select.clone()).await.ok();
    amazon.enable(&amazon.location).await.refused(409, "fba_excludes_location_mapping", None);
    assert_eq!(world.get(&amazon.path()).await.ok()["fba"], Value::Null);
    world.patch(&amazon.path(), json!({"location_mapping": {"mode": "all"}})).await.ok();
    amazon.enable(&amazon.location).await.ok();
    let refused = world.patch(&amazon.path(), select.clone()).await;
    refused.refused(409, "fba_excludes_location_mapping", None);
    let dry = world.patch(&format!("{}?dry_run=true", amazon.path()), select.clone()).await;
    dry.refused(409, "fba_excludes_location_mapping", None);
    assert_eq!(world.get(&amazon.path()).await.ok()["location_mapping"]["mode"], "all");
    amazon.disable().await;
    world.patch(&amazon.path(), select).await.ok();
}

#[tokio::test]
async fn f3_fba_is_for_organizations_in_the_united_states() {
    let amazon = Amazon::in_country("DE").await;
    let refused = amazon.enable(&amazon.location).await;
    refused.refused(422, "fba_needs_country_us", Some(""));
    assert!(refused.body["detail"].as_str().unwrap().contains("US"));
    amazon.world.patch("/v1/organization", json!({"country": "US"})).await.ok();
    amazon.enable(&amazon.location).await.ok();
}

#[tokio::test]
async fn f4_items_are_marked_one_by_one_and_in_bulk_and_one_that_is_not_listed_fails_alone() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (a, sold_a) = amazon.item("A", 0, 7, true).await;
    let (b, _) = amazon.item("B", 4, 0, false).await;
    let (c, sold_c) = amazon.item("C", 0, 3, true).await;
    let unlisted = world.stocked_in("D", 1, "USD").await;
    amazon.sim.suppress(&sold_c);
    amazon.sync_items().await;
    let one = amazon.mark(&[&a], "fba").await;
    assert_eq!((&one[0]["outcome"], &one[0]["amazon"]), (&json!("done"), &json!(7)));
    assert_eq!(one[0]["listing_ids"], json!([amazon.listing(&sold_a)]));
    let many = amazon.mark(&[&b, &unlisted, "rubbish", &c, &a, &b], "fba").await;
    let codes: Vec<(&str, &str)> = many
        .iter()
        .map(|one| (one["outcome"].as_str().unwrap(), one["code"].as_str().unwrap_or("-")))
        .collect();
    assert_eq!(
        codes,
        [
            ("done", "-"),
            ("failed", "not_actively_listed"),
            ("failed", "not_found"),
            ("failed", "not_actively_listed"),
            ("done", "-"),
            ("done", "-"),
        ]
    );
    let listing = world.get(&format!("/v1/listings/{}", amazon.listing(&sold_a))).await.ok();
    assert_eq!(listing["fulfilment"], "fba");
    let listings = world.get(&format!("/v1/items/{b}/listings")).await.ok();
    let shown = &listings["data"][0];
    assert_eq!((&shown["fulfilment"], &shown["push_state"]), (&json!("fba"), &json!("disabled")));
    assert_eq!(shown["reason"], "fulfilled_by_amazon");
    for (body, pointer) in [
        (json!({"item_ids": [], "fulfilment": "fba"}), "/item_ids"),
        (json!({"item_ids": [a], "fulfilment": "drone"}), "/fulfilment"),
        (json!({"item_ids": vec![a.as_str(); 501], "fulfilment": "fba"}), "/item_ids"),
    ] {
        world.post("/v1/items/mark-fulfilment", body).await.refused(422, "invalid_field", Some(pointer));
    }
    amazon.assert_replays(&[&a, &b, &c]).await;
}

#[tokio::test]
async fn f4_what_cannot_be_fetched_is_not_marked() {
    let amazon = Amazon::tracking().await;
    let (item, sold) = amazon.item("A", 5, 0, false).await;
    amazon.sim.faults().always(Some(Fault::Status(503)));
    let failed = amazon.mark(&[&item], "fba").await;
    assert_eq!(
        (&failed[0]["outcome"], &failed[0]["code"]),
        (&json!("failed"), &json!("channel_unavailable"))
    );
    amazon.sim.faults().always(None);
    let listing = amazon.world.get(&format!("/v1/listings/{}", amazon.listing(&sold))).await.ok();
    assert_eq!(listing["fulfilment"], "mfn");
    amazon.disable().await;
    assert_eq!(amazon.mark(&[&item], "fba").await[0]["code"], "fba_disabled");
}

#[tokio::test]
async fn f5_marked_mfn_tracking_stops_and_the_merchant_s_number_goes_out_again() {
    let amazon = Amazon::tracking().await;
    let (item, sold) = amazon.item("A", 5, 0, false).await;
    amazon.mark(&[&item], "fba").await;
    amazon.world.work_of(ChannelKind::Amazon).await;
    amazon.sim.set_quantity(&sold, 0);
    let back = amazon.mark(&[&item], "mfn").await;
    assert_eq!((&back[0]["outcome"], &back[0]["warnings"]), (&json!("done"), &json!([])));
    amazon.world.work_of(ChannelKind::Amazon).await;
    assert_eq!(amazon.sim.quantity(&sold), Some(5));
    amazon.fba_stock(&sold).await.refused(409, "listing_not_fba", None);
    // What Amazon itself calls its own is not pushed all the same, and the answer says so.
    let (theirs, sold) = amazon.item("B", 5, 9, true).await;
    amazon.mark(&[&theirs], "fba").await;
    let back = amazon.mark(&[&theirs], "mfn").await;
    assert_eq!(back[0]["warnings"][0]["code"], "still_fulfilled_by_amazon");
    amazon.world.work_of(ChannelKind::Amazon).await;
    assert_eq!(amazon.sim.quantity(&sold), Some(9));
    let order = amazon.sim.sell(&[(sold, 1)]);
    amazon.import(&order).await;
    assert_eq!(amazon.at(&theirs, &amazon.location).await, (9, 0), "tracking has stopped");
    let listings = amazon.world.get(&format!("/v1/items/{theirs}/listings")).await.ok();
    assert_eq!(listings["data"][0]["fulfilment"], "mfn");
    assert_eq!(listings["data"][0]["reason"], "fulfilled_by_amazon");
}

#[tokio::test]
async fn f6_fba_and_mfn_listings_are_of_one_item_and_no_way_of_pushing_reaches_the_fba_one() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (item, mfn) = amazon.item("A", 6, 0, false).await;
    let fba = amazon.goods("A-FBA", 20, true);
    amazon.sync_items().await;
    let link = format!("/v1/listings/{}/link", amazon.listing(&fba));
    world.post(&link, json!({"item_id": item})).await.ok();
    let marked = amazon.mark(&[&item], "fba").await;
    assert_eq!(marked[0]["listing_ids"], json!([amazon.listing(&fba)]), "the merchant's own stays so");
    assert_eq!(amazon.at(&item, &amazon.location).await, (20, 0));
    let other = world.shop_in("shop.example", "USD").await;
    let elsewhere = other.goods(Some("A"), "A elsewhere", 1);
    world.sync_items(&other).await;
    amazon.sim.take_calls();
    // Every way there is: the stream, by hand, a rule, a forced target, a sweep, a reconciliation.
    world.moved(&[&item]).await;
    world.post(&format!("/v1/items/{item}/push"), json!({})).await.ok();
    let rule = json!({"stock_rule": {"buffer": 1}});
    world.patch(&format!("/v1/listings/{}", amazon.listing(&fba)), rule.clone()).await;
    world.patch(&amazon.path(), rule).await.ok();
    let forced = queue::message::PushTarget {
        item_id: item.parse().unwrap(),
        listing_id: amazon.listing(&fba),
        version: u64::MAX,
    };
    let (organization, attempt) = (&world.organization, crate::shop::attempt());
    world.app.push_listings(organization, &amazon.connection, vec![forced], true, &attempt).await.unwrap();
    world.post(&format!("{}/sync", amazon.path()), json!({"kind": "stock"})).await.ok();
    world.post(&format!("{}/reconcile", amazon.path()), json!({})).await.ok();
    world.work_of(ChannelKind::Amazon).await;
    world.work().await;
    let told: Vec<String> = amazon
        .sim
        .take_calls()
        .into_iter()
        .filter(|call| matches!(call.operation.as_str(), "patchListingsItem" | "createFeed"))
        .map(|call| call.path)
        .collect();
    assert!(!told.is_empty() && told.iter().all(|path| !path.contains("A-FBA")), "{told:?}");
    assert_eq!(amazon.sim.quantity(&fba), Some(20));
    // Numbers of other listings are without Amazon's stock, unless a connection maps it by name.
    assert_eq!((amazon.sim.quantity(&mfn), other.sim.quantity(&elsewhere)), (Some(5), Some(6)));
    let home = world.primary().await;
    let map = json!({"location_mapping": {"mode": "selected", "location_ids": [home, amazon.location]}});
    world.patch(&format!("/v1/connections/{}", other.connection), map).await.ok();
    world.work().await;
    assert_eq!(other.sim.quantity(&elsewhere), Some(26));
    amazon.assert_replays(&[&item]).await;
}

#[tokio::test]
async fn f7_on_marking_what_amazon_has_is_counted_once_in_the_fba_location() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (item, sold) = amazon.item("A", 4, 11, true).await;
    amazon.mark(&[&item], "fba").await;
    let home = world.primary().await;
    assert_eq!((amazon.at(&item, &amazon.location).await, amazon.at(&item, &home).await), ((11, 0), (4, 0)));
    amazon.mark(&[&item], "fba").await;
    amazon.mark(&[&item], "mfn").await;
    amazon.mark(&[&item], "fba").await;
    assert_eq!(amazon.at(&item, &amazon.location).await, (11, 0));
    let movements = world.get(&format!("/v1/items/{item}/movements")).await.ok();
    assert_eq!(movements["data"][0]["source"]["type"], "adjustment");
    // What was sold before is in Amazon's number; what is sold later is not.
    world.clock.advance_minutes(10);
    let (late, sold_late) = amazon.item("B", 0, 10, true).await;
    let before = amazon.sim.sell(&[(sold_late.clone(), 2)]);
    world.clock.advance_minutes(1);
    amazon.mark(&[&late], "fba").await;
    assert_eq!(amazon.at(&late, &amazon.location).await, (8, 0));
    amazon.import(&before).await;
    assert_eq!(amazon.at(&late, &amazon.location).await, (8, 0));
    let after = amazon.sim.sell(&[(sold_late, 3)]);
    amazon.import(&after).await;
    assert_eq!(amazon.at(&late, &amazon.location).await, (5, 0));
    assert_eq!(amazon.fba_stock(&sold).await.ok()["mismatch"], 0);
    amazon.assert_replays(&[&item, &late]).await;
}

#[tokio::test]
async fn f7_what_is_sold_right_after_is_not_in_the_number_by_whatever_clock() {
    let amazon = Amazon::tracking_behind(4).await;
    let (item, sold) = amazon.item("A", 0, 10, true).await;
    amazon.mark(&[&item], "fba").await;
    let order = amazon.sim.sell(&[(sold, 3)]);
    amazon.import(&order).await;
    assert_eq!(amazon.at(&item, &amazon.location).await, (7, 0));
}

#[tokio::test]
async fn f8_f9_a_difference_shows_both_numbers_and_the_time_and_a_document_ends_it() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (item, sold) = amazon.item("A", 3, 8, true).await;
    amazon.mark(&[&item], "fba").await;
    amazon.sim.set_quantity(&sold, 10);
    amazon.sim.send_in(&sold, 5);
    world.clock.advance_minutes(30);
    let shown = amazon.fba_stock(&sold).await.ok();
    let numbers = ["amazon", "hub", "mismatch"].map(|name| shown[name].as_i64().unwrap());
    assert_eq!(numbers, [10, 8, 2]);
    assert_eq!(shown["observed_at"], "2026-02-01T10:30:00Z");
    assert_eq!(shown["skus"][0]["sku"], "A");
    assert_eq!(shown["skus"][0]["inbound"]["shipped"], 5);
    let path = format!("/v1/listings/{}/fba-stock/adjust", amazon.listing(&sold));
    let body = json!({"reason": "Found by Amazon", "reference": "CASE-1"});
    let key = [("idempotency-key", "k-1")];
    let post = || world.request(Some(&world.key), "POST", &path, Some(body.clone()), &key);
    let adjusted = post().await.ok();
    assert_eq!(post().await.ok(), adjusted);
    assert_eq!(adjusted["location_id"], amazon.location.as_str());
    assert_eq!(adjusted["lines"][0]["delta"], 2);
    assert_eq!((&adjusted["reason"], &adjusted["reference"]), (&json!("Found by Amazon"), &json!("CASE-1")));
    let home = world.primary().await;
    assert_eq!((amazon.at(&item, &amazon.location).await, amazon.at(&item, &home).await), ((10, 0), (3, 0)));
    world.post(&path, json!({})).await.refused(409, "no_mismatch", None);
    // Fewer, too, and with a reason of its own where none is given.
    amazon.sim.set_quantity(&sold, 1);
    let down = world.post(&path, json!({})).await.ok();
    assert_eq!(down["lines"][0]["delta"], -9);
    assert_eq!(down["reason"], "FBA stock: Amazon has 1, 10 counted");
    assert_eq!(amazon.at(&item, &amazon.location).await, (1, 0));
    amazon.assert_replays(&[&item]).await;
}

#[tokio::test]
async fn f8_the_skus_of_one_item_are_compared_together() {
    let amazon = Amazon::tracking().await;
    let (item, sold) = amazon.item("A", 0, 8, true).await;
    let second = amazon.goods("A-2", 5, true);
    amazon.sync_items().await;
    let link = format!("/v1/listings/{}/link", amazon.listing(&second));
    amazon.world.post(&link, json!({"item_id": item})).await.ok();
    amazon.mark(&[&item], "fba").await;
    assert_eq!(amazon.at(&item, &amazon.location).await, (13, 0));
    for listing in [&sold, &second] {
        let shown = amazon.fba_stock(listing).await.ok();
        assert_eq!((&shown["amazon"], &shown["mismatch"]), (&json!(13), &json!(0)));
        assert_eq!(shown["skus"].as_array().unwrap().len(), 2);
    }
}

#[tokio::test]
async fn f8_what_is_not_tracked_has_no_numbers_to_compare() {
    let amazon = Amazon::tracking().await;
    let loose = amazon.goods("LOOSE", 1, true);
    let (_, mfn) = amazon.item("A", 1, 1, false).await;
    amazon.fba_stock(&loose).await.refused(409, "listing_not_linked", None);
    amazon.fba_stock(&mfn).await.refused(409, "listing_not_fba", None);
    amazon.world.get("/v1/listings/lst_none_1/fba-stock").await.refused(404, "not_found", None);
}

#[tokio::test]
async fn f10_goods_sent_to_amazon_are_in_transit_until_amazon_received_them() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (a, b) = (world.stocked_in("A", 10, "USD").await, world.stocked_in("B", 2, "USD").await);
    let home = world.primary().await;
    let send = |lines: Value| {
        let body = json!({"connection_id": amazon.connection, "from_location_id": home, "lines": lines,
            "reference": "FBA15DJ8K9"});
        async move { world.post("/v1/inbound-shipments", body).await }
    };
    let line = |item: &str, quantity: i64| json!({"item_id": item, "quantity": quantity});
    let sent = send(json!([line(&a, 6), line(&b, 2)])).await;
    assert_eq!(sent.status, 201);
    let sent = sent.ok();
    assert_eq!((&sent["state"], &sent["to_location_id"]), (&json!("in_transit"), &json!(amazon.location)));
    assert_eq!((&sent["lines"][0]["in_transit"], &sent["lines"][0]["received"]), (&json!(6), &json!(0)));
    assert_eq!((amazon.at(&a, &home).await, amazon.at(&a, &amazon.location).await), ((4, 0), (0, 0)));
    let path = format!("/v1/inbound-shipments/{}", sent["id"].as_str().unwrap());
    let part = json!({"lines": [line(&a, 5)]});
    let part = world.post(&format!("{path}/receive"), part).await.ok();
    assert_eq!((&part["lines"][0]["in_transit"], &part["lines"][0]["received"]), (&json!(1), &json!(5)));
    assert_eq!((amazon.at(&a, &amazon.location).await, &part["state"]), ((5, 0), &json!("in_transit")));
    let too_many = json!({"lines": [line(&a, 2)]});
    let refused = world.post(&format!("{path}/receive"), too_many).await;
    refused.refused(422, "invalid_field", Some("/lines/0/quantity"));
    // The connection counts elsewhere now; what is on its way arrives where it was sent.
    let second = world.fba_location("Amazon's second").await;
    amazon.enable(&second).await.ok();
    let whole = world.post(&format!("{path}/receive"), json!({})).await.ok();
    assert_eq!((&whole["state"], whole["received_at"].is_string()), (&json!("received"), true));
    assert_eq!(
        (amazon.at(&a, &amazon.location).await, amazon.at(&b, &amazon.location).await),
        ((6, 0), (2, 0))
    );
    world.post(&format!("{path}/receive"), json!({})).await.refused(409, "not_in_transit", None);
    assert_eq!(world.get(&path).await.ok(), whole);
    assert_eq!(world.get("/v1/inbound-shipments").await.ok()["data"], json!([whole]));
    send(json!([line(&a, 5)])).await.refused(409, "not_enough_stock", Some("/lines/0/quantity"));
    send(json!([])).await.refused(422, "invalid_field", Some("/lines"));
    let movements = world.get(&format!("/v1/items/{a}/movements")).await.ok();
    assert_eq!(movements["data"][0]["source"], json!({"type": "inbound_shipment", "id": sent["id"]}));
    amazon.assert_replays(&[&a, &b]).await;
}

#[tokio::test]
async fn f15_with_another_location_what_comes_is_counted_there_and_what_was_stays() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (item, sold) = amazon.item("A", 0, 9, true).await;
    amazon.mark(&[&item], "fba").await;
    let first = amazon.sim.sell(&[(sold.clone(), 2)]);
    let before = amazon.import(&first).await;
    let second = world.fba_location("Amazon's second").await;
    let changed = amazon.enable(&second).await.ok();
    assert_eq!(changed["fba"]["location_id"], second.as_str());
    assert_eq!(amazon.at(&item, &amazon.location).await, (7, 0));
    let shown = amazon.fba_stock(&sold).await.ok();
    assert_eq!(
        (&shown["location_id"], &shown["hub"], &shown["mismatch"]),
        (&json!(second), &json!(0), &json!(7))
    );
    world.post(&format!("/v1/listings/{}/fba-stock/adjust", amazon.listing(&sold)), json!({})).await.ok();
    world.clock.advance_minutes(1);
    let later = amazon.sim.sell(&[(sold, 3)]);
    assert_eq!(amazon.import(&later).await["location_id"], second.as_str());
    assert_eq!((amazon.at(&item, &second).await, amazon.at(&item, &amazon.location).await), ((4, 0), (7, 0)));
    // The first order stays where it was, also when Amazon tells of it again.
    amazon.sim.fulfil(&first);
    let again = amazon.import(&first).await;
    assert_eq!(
        (&again["location_id"], &before["location_id"]),
        (&json!(amazon.location), &json!(amazon.location))
    );
    amazon.assert_replays(&[&item]).await;
}

#[tokio::test]
async fn f16_disabled_nothing_is_tracked_and_nothing_is_sent() {
    let amazon = Amazon::tracking().await;
    let world = &amazon.world;
    let (item, sold) = amazon.item("A", 5, 9, true).await;
    amazon.mark(&[&item], "fba").await;
    assert_eq!(amazon.disable().await["fba"], Value::Null);
    assert_eq!(amazon.disable().await["fba"], Value::Null);
    amazon.fba_stock(&sold).await.refused(409, "fba_disabled", None);
    let adjust = format!("/v1/listings/{}/fba-stock/adjust", amazon.listing(&sold));
    world.post(&adjust, json!({})).await.refused(409, "fba_disabled", None);
    assert_eq!(amazon.mark(&[&item], "fba").await[0]["code"], "fba_disabled");
    let inbound = json!({"connection_id": amazon.connection, "from_location_id": world.primary().await,
        "lines": [{"item_id": item, "quantity": 1}]});
    world.post("/v1/inbound-shipments", inbound).await.refused(409, "fba_disabled", None);
    let order = json!({"lines": [{"item_id": item, "quantity": 1}], "contact": crate::fba_world::buyer()});
    let order = world.post("/v1/orders", order).await.ok();
    let path = format!("/v1/orders/{}/outbound-shipments", order["id"].as_str().unwrap());
    world.post(&path, json!({})).await.refused(409, "fba_disabled", None);
    let named = json!({"connection_id": amazon.connection});
    world.post(&path, named).await.refused(409, "fba_disabled", None);
    // Sold meanwhile: not counted; and still never pushed.
    let sale = amazon.sim.sell(&[(sold.clone(), 2)]);
    amazon.import(&sale).await;
    assert_eq!(amazon.at(&item, &amazon.location).await, (9, 0));
    world.work_of(ChannelKind::Amazon).await;
    assert_eq!(amazon.sim.quantity(&sold), Some(7));
    // Enabled again, it goes on where it stood.
    amazon.enable(&amazon.location).await.ok();
    assert_eq!(amazon.fba_stock(&sold).await.ok()["mismatch"], -2);
    amazon.assert_replays(&[&item]).await;
}
