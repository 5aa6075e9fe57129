//! Listings: confirm, link, unlink, bulk.

use domain::listing::Match;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn confirming_makes_an_item_with_the_stated_defaults_and_says_so() {
    let world = World::new().await;
    let connection = world.connect().await;
    let listing = world.listing(&connection, 1, Some("A"), Match::Unmatched).await;
    let path = format!("/v1/listings/{listing}/confirm");
    let confirmed = world.request(Some(&world.key), "POST", &path, None, &[]).await.ok();
    let price = json!({"amount": "9.99", "currency": "EUR"});
    assert_eq!((&confirmed["sku"], &confirmed["name"]), (&json!("A"), &json!("Listing 1")));
    for field in ["selling_price", "purchase_price", "opening_stock_value"] {
        assert_eq!(confirmed[field], price, "{field}");
    }
    assert_eq!(confirmed["warnings"][0]["code"], "defaults_used");
    let detail = confirmed["warnings"][0]["detail"].as_str().unwrap();
    for field in ["purchase_price", "selling_price", "opening_stock_value", "opening_stock"] {
        assert!(detail.contains(field), "{detail}");
    }
    assert_eq!(
        (&confirmed["listing"]["status"], &confirmed["listing"]["item_id"]),
        (&json!("linked"), &confirmed["id"])
    );
    let stock = world.get(&format!("/v1/items/{}/stock", confirmed["id"].as_str().unwrap())).await.ok();
    assert_eq!(stock["on_hand"], 8);
    let again = world.post(&path, json!({})).await.ok();
    assert_eq!((&again["id"], &again["warnings"]), (&confirmed["id"], &Value::Null));
    assert_eq!(world.get("/v1/items").await.ok()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_a_person_says_stands_over_the_listing() {
    let world = World::new().await;
    let connection = world.connect().await;
    let listing = world.listing(&connection, 1, None, Match::EmptySku).await;
    let path = format!("/v1/listings/{listing}/confirm");
    world.post(&path, json!({})).await.refused(422, "sku_required", Some("/item/sku"));
    let dollars = json!({"item": {"sku": "S", "purchase_price": {"amount": "1", "currency": "USD"}}});
    world.post(&path, dollars).await.refused(422, "invalid_price", Some("/item/purchase_price/currency"));
    world.post(&path, json!({"item": {"colour": 1}})).await.refused(
        422,
        "unknown_field",
        Some("/item/colour"),
    );
    let euros = json!({"amount": "4.00", "currency": "EUR"});
    let said =
        json!({"item": {"sku": "S", "name": "Mine", "purchase_price": euros, "opening_stock_value": euros}});
    let confirmed = world.post(&path, said).await.ok();
    assert_eq!((&confirmed["name"], &confirmed["purchase_price"]), (&json!("Mine"), &euros));
    assert_eq!(confirmed.get("warnings"), None);
}

#[tokio::test]
async fn a_listing_with_an_item_s_sku_joins_it_and_leaves_it_as_it_is() {
    let world = World::new().await;
    let connection = world.connect().await;
    let item = world.item("A").await;
    let joined = world.listing(&connection, 1, Some("a"), Match::SkuMatched).await;
    let confirmed = world.post(&format!("/v1/listings/{joined}/confirm"), json!({})).await.ok();
    assert_eq!((&confirmed["id"], &confirmed["name"]), (&json!(item), &json!("Item A")));
    assert_eq!(world.get(&format!("/v1/items/{item}/stock")).await.ok()["on_hand"], 0);
    let double = world.listing(&connection, 2, Some("A"), Match::DuplicateSku).await;
    let path = format!("/v1/listings/{double}/confirm");
    let taken = world.post(&path, json!({})).await;
    taken.refused(409, "sku_taken", None);
    assert!(taken.body["detail"].as_str().unwrap().contains(&item));
    let own = world.post(&path, json!({"item": {"sku": "A-2"}})).await.ok();
    assert_ne!(own["id"], json!(item));
}

#[tokio::test]
async fn linked_by_hand_and_taken_off_for_good() {
    let world = World::new().await;
    let connection = world.connect().await;
    let (a, b) = (world.item("A").await, world.item("B").await);
    let listing = world.listing(&connection, 1, Some("A"), Match::SkuMatched).await;
    let path = format!("/v1/listings/{listing}");
    let link_path = format!("{path}/link");
    let link = |item: &str| world.post(&link_path, json!({"item_id": item}));
    link("itm_nothing").await.refused(404, "not_found", Some("/item_id"));
    assert_eq!(link(&a).await.ok()["item_id"], json!(a));
    assert_eq!(link(&a).await.status, 200);
    link(&b).await.refused(409, "listing_linked", None);
    world.delete(&format!("/v1/items/{a}")).await.refused(409, "item_in_use", None);
    let off = world.post(&format!("{path}/unlink"), json!({})).await.ok();
    assert_eq!((&off["status"], &off["item_id"]), (&json!("unlinked"), &Value::Null));
    assert_eq!(world.post(&format!("{path}/unlink"), json!({})).await.status, 200);
    world.post(&format!("{path}/confirm"), json!({})).await.refused(409, "sku_taken", None);
    assert_eq!(link(&b).await.ok()["item_id"], json!(b));
    let other = json!({"connection_ids": ["con_other"]});
    assert_eq!(world.post(&format!("/v1/items/{b}/unlink"), other).await.ok()["listings"], json!([]));
    let this = json!({"connection_ids": [connection]});
    let unlinked = world.post(&format!("/v1/items/{b}/unlink"), this).await.ok();
    assert_eq!(unlinked["listings"][0]["status"], "unlinked");
    assert_eq!(world.get(&format!("/v1/items/{b}/listings")).await.ok()["data"], json!([]));
}

fn outcomes(answer: &Value) -> Vec<(&str, &str)> {
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["outcome"].as_str().unwrap(), one["code"].as_str().unwrap_or_default()))
        .collect()
}

#[tokio::test]
async fn in_bulk_each_listing_comes_out_by_itself() {
    let world = World::new().await;
    let connection = world.connect().await;
    let fresh = world.listing(&connection, 1, Some("A"), Match::Unmatched).await;
    let other = world.connect_to("other.example").await;
    let same = world.listing(&other, 2, Some("A"), Match::Unmatched).await;
    let empty = world.listing(&connection, 3, None, Match::EmptySku).await;
    let double = world.listing(&connection, 4, Some("D"), Match::DuplicateSku).await;
    let ids = json!([fresh, same, empty, double, "lst_x_404", "rubbish"]);
    let bulk = |action: &str, ids: Value| {
        world.post("/v1/listings/bulk", json!({"action": action, "listing_ids": ids}))
    };
    let confirmed = bulk("confirm", ids).await.ok();
    let expected = [
        ("done", ""),
        ("done", ""),
        ("failed", "empty_sku"),
        ("failed", "duplicate_sku"),
        ("failed", "not_found"),
        ("failed", "not_found"),
    ];
    assert_eq!(outcomes(&confirmed), expected);
    assert_eq!(confirmed["data"][0]["item_id"], confirmed["data"][1]["item_id"]);
    assert_eq!(confirmed["warnings"][0]["code"], "defaults_used");
    let items = world.get("/v1/items").await.ok();
    assert_eq!(
        (items["data"].as_array().unwrap().len(), &items["data"][0]["name"]),
        (1, &json!("Listing 1"))
    );
    assert_eq!(
        outcomes(&bulk("dismiss", json!([empty, fresh])).await.ok()),
        [("done", ""), ("failed", "listing_linked")]
    );
    world
        .post(&format!("/v1/listings/{empty}/link"), json!({"item_id": items["data"][0]["id"]}))
        .await
        .refused(409, "listing_dismissed", None);
    let summary = world.get("/v1/listings/summary").await.ok();
    assert_eq!(summary["by_status"], json!({"unconfirmed": 1, "linked": 2, "unlinked": 0, "dismissed": 1}));
    assert_eq!(summary["unconfirmed_by_match"]["duplicate_sku"], 1);
    let waiting = world.get("/v1/listings?status=unconfirmed").await.ok();
    assert_eq!(waiting["data"].as_array().unwrap().len(), 1);
    assert_eq!(waiting["data"][0]["actions"], json!(["confirm", "update", "link"]));
    assert_eq!(outcomes(&bulk("restore", json!([empty])).await.ok()), [("done", "")]);
    assert_eq!(outcomes(&bulk("link_matches", json!([double])).await.ok()), [("failed", "no_match")]);
    for (body, pointer) in [
        (json!({"action": "confirm", "listing_ids": []}), "/listing_ids"),
        (json!({"action": "confirm", "listing_ids": vec!["lst_1_1"; 501]}), "/listing_ids"),
        (json!({"action": "burn", "listing_ids": ["lst_1_1"]}), "/action"),
    ] {
        world.post("/v1/listings/bulk", body).await.refused(422, "invalid_field", Some(pointer));
    }
}

#[tokio::test]
async fn a6_confirmed_by_many_at_once_a_listing_becomes_one_item() {
    let world = World::new().await;
    let connection = world.connect().await;
    let other = world.connect_to("other.example").await;
    let listings = [
        world.listing(&connection, 1, Some("A"), Match::Unmatched).await,
        world.listing(&other, 2, Some("a"), Match::Unmatched).await,
    ];
    let paths: Vec<String> = (0..8).map(|n| format!("/v1/listings/{}/confirm", listings[n % 2])).collect();
    let answers = join_all(paths.iter().map(|path| world.post(path, json!({})))).await;
    let ids: Vec<Value> = answers.into_iter().map(|answer| answer.ok()["item_id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    let items = world.get("/v1/items").await.ok();
    assert_eq!(items["data"].as_array().unwrap().len(), 1);
    let stock = world.get(&format!("/v1/items/{}/stock", ids[0].as_str().unwrap())).await.ok();
    assert_eq!(stock["on_hand"], 8, "opened once");
}

#[tokio::test]
async fn a6_confirmed_and_linked_at_once_a_listing_has_one_item() {
    let world = World::new().await;
    let connection = world.connect().await;
    let item = world.item("OTHER").await;
    for number in 1..=8 {
        let sku = format!("S{number}");
        let listing = world.listing(&connection, number, Some(&sku), Match::Unmatched).await;
        let path = format!("/v1/listings/{listing}");
        let (confirm_path, link_path) = (format!("{path}/confirm"), format!("{path}/link"));
        let confirm = world.post(&confirm_path, json!({}));
        let link = world.post(&link_path, json!({"item_id": item}));
        let (confirmed, linked) = if number % 2 == 0 {
            join(confirm, link).await
        } else {
            let (linked, confirmed) = join(link, confirm).await;
            (confirmed, linked)
        };
        let now = world.get(&path).await.ok()["item_id"].clone();
        if linked.status == 200 {
            assert_eq!((&now, confirmed.status), (&json!(item), 200), "{}", confirmed.body);
            assert_eq!(confirmed.body["item_id"], now, "it has its item already");
            let made = world.get(&format!("/v1/items?sku={sku}")).await.ok();
            assert_eq!(made["data"], json!([]), "no item is left over");
        } else {
            linked.refused(409, "listing_linked", None);
            assert_eq!(confirmed.ok()["item_id"], now);
        }
    }
}

#[tokio::test]
async fn a27_of_five_hundred_the_one_bad_id_fails_alone() {
    let world = World::new().await;
    let connection = world.connect().await;
    let mut ids = Vec::new();
    for number in 1..500 {
        let listing = world.listing(&connection, number, Some(&format!("S{number}")), Match::Unmatched).await;
        ids.push(listing.to_string());
    }
    ids.insert(250, "lst_x_404".to_owned());
    let body = json!({"action": "confirm", "listing_ids": ids});
    for _ in 0..2 {
        let answer = world.post("/v1/listings/bulk", body.clone()).await.ok();
        let outcomes = outcomes(&answer);
        assert_eq!((outcomes.len(), outcomes[250]), (500, ("failed", "not_found")));
        assert_eq!(outcomes.iter().filter(|(outcome, _)| *outcome == "done").count(), 499);
        let told: Vec<&Value> =
            answer["data"].as_array().unwrap().iter().map(|one| &one["listing_id"]).collect();
        assert_eq!(told, ids.iter().map(|id| json!(id)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    }
    let summary = world.get("/v1/listings/summary").await.ok();
    assert_eq!(
        (&summary["by_status"]["linked"], &summary["by_status"]["unconfirmed"]),
        (&json!(499), &json!(0))
    );
}
