//! Buyers' data: how long it is kept, who saw it, and what a person may ask for.

use domain::order::{Address, Buyer, ChannelOrderState, FetchedOrder};
use domain::retention::KEPT_OPEN;
use serde_json::{Value, json};

use crate::contacts::fetched;
use crate::shop::Shop;
use crate::world::{World, rows};

const DAY_H: i64 = 24;

pub fn ada() -> Buyer {
    let text = |text: &str| Some(text.to_owned());
    Buyer {
        name: text("Ada Lovelace"),
        email: text("ada@example.org"),
        shipping_address: Some(Address {
            name: text("Ada Lovelace"),
            lines: vec!["12 St James's Square".to_owned()],
            city: text("London"),
            postal_code: text("SW1Y 4JH"),
            country: text("GB"),
            ..Address::default()
        }),
        ..Buyer::default()
    }
}

impl World {
    /// The channel tells the order's state, as of now.
    pub async fn told(&self, shop: &Shop, id: &str, state: ChannelOrderState, buyer: Buyer) {
        let told = fetched(self, id, state, self.app_now());
        self.import_fetched(shop, &FetchedOrder { buyer, ..told }).await;
    }

    pub async fn customer_status(&self, order: &str) -> u16 {
        self.get(&format!("/v1/orders/{order}/customer")).await.status
    }

    /// Rows of buyers that the table of personal data still has, whether expired or not.
    async fn buyer_rows(&self) -> usize {
        let all = rows(&self.dynamodb, "personal").await;
        all.iter().filter(|row| row["sk"].as_s().unwrap().starts_with("ORD#")).count()
    }

    /// What the schedule does, every minute, once.
    async fn tick(&self) -> u64 {
        self.app.sweep_due().await.unwrap()
    }
}

/// Day 0: told with its buyer in `state`. Present on day 29, gone after day 30, from the table too.
async fn gone_after_thirty_days(state: ChannelOrderState) {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    world.told(&shop, "1", ChannelOrderState::Confirmed, ada()).await;
    let order = shop.order("1").to_string();
    // Waiting costs nothing: the clock starts at the end.
    world.clock.advance_hours(60 * DAY_H);
    world.told(&shop, "1", state, ada()).await;
    world.clock.advance_hours(29 * DAY_H);
    assert_eq!((world.customer_status(&order).await, world.tick().await), (200, 0), "day 29");
    world.clock.advance_hours(DAY_H);
    assert_eq!(world.customer_status(&order).await, 404, "day 30: gone at once, deleted or not");
    assert_eq!(world.buyer_rows().await, 1);
    world.clock.advance_hours(DAY_H);
    assert_eq!((world.tick().await, world.buyer_rows().await), (1, 0), "the daily sweep deletes");
    assert_eq!(world.tick().await, 0, "once a day");
    // What the channel tells of it afterwards brings nothing back.
    world.told(&shop, "1", state, ada()).await;
    assert_eq!((world.customer_status(&order).await, world.buyer_rows().await), (404, 0));
}

#[tokio::test]
async fn h3_a_buyer_is_forgotten_thirty_days_after_fulfilment() {
    gone_after_thirty_days(ChannelOrderState::Fulfilled).await;
}

#[tokio::test]
async fn h4_a_buyer_is_forgotten_thirty_days_after_the_order_was_void() {
    gone_after_thirty_days(ChannelOrderState::Cancelled).await;
}

#[tokio::test]
async fn h3_an_order_fulfilled_long_ago_brings_no_buyer() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    let told = |id: &str, days: i64| {
        let at = world.app_now().checked_sub(jiff::SignedDuration::from_hours(days * DAY_H)).unwrap();
        FetchedOrder { buyer: ada(), changed_at: at, ..fetched(&world, id, ChannelOrderState::Fulfilled, at) }
    };
    for (id, days, status) in [("1", 31, 404), ("2", 30, 404), ("3", 29, 200)] {
        world.import_fetched(&shop, &told(id, days)).await;
        assert_eq!(world.customer_status(shop.order(id).as_str()).await, status, "{days} days ago");
    }
    assert_eq!(world.buyer_rows().await, 1);
    world.clock.advance_hours(DAY_H);
    assert_eq!(world.customer_status(shop.order("3").as_str()).await, 404);
}

#[tokio::test]
async fn h5_fulfilled_again_the_thirty_days_begin_anew() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    let order = shop.order("1").to_string();
    world.told(&shop, "1", ChannelOrderState::Fulfilled, ada()).await;
    world.clock.advance_hours(20 * DAY_H);
    world.told(&shop, "1", ChannelOrderState::Confirmed, ada()).await;
    world.clock.advance_hours(5 * DAY_H);
    world.told(&shop, "1", ChannelOrderState::Fulfilled, ada()).await;
    world.clock.advance_hours(29 * DAY_H);
    world.tick().await;
    assert_eq!(world.customer_status(&order).await, 200, "day 54");
    world.clock.advance_hours(DAY_H);
    assert_eq!(world.customer_status(&order).await, 404, "day 55");
    world.clock.advance_hours(DAY_H);
    world.tick().await;
    assert_eq!(world.buyer_rows().await, 0);
}

#[tokio::test]
async fn an_order_that_never_ends_keeps_its_buyer_half_a_year() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    world.told(&shop, "1", ChannelOrderState::Confirmed, ada()).await;
    let order = shop.order("1").to_string();
    world.clock.advance_hours(KEPT_OPEN.as_hours() - 1);
    world.tick().await;
    assert_eq!(world.customer_status(&order).await, 200);
    world.clock.advance_hours(1);
    assert_eq!(world.customer_status(&order).await, 404);
}

/// What a crash leaves: the order is over, its buyer kept as if it were open.
#[tokio::test]
async fn the_sweep_finds_the_buyers_of_orders_that_are_over() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    world.told(&shop, "1", ChannelOrderState::Fulfilled, ada()).await;
    let order = shop.order("1");
    let store = &world.app.store;
    store.set_buyer_expiry(&world.organization, &order, None, world.app_now()).await.unwrap();
    world.clock.advance_hours(DAY_H);
    world.tick().await;
    world.clock.advance_hours(29 * DAY_H - 1);
    assert_eq!(world.customer_status(order.as_str()).await, 200);
    world.clock.advance_hours(1);
    assert_eq!(world.customer_status(order.as_str()).await, 404, "day 30");
}

#[tokio::test]
async fn what_has_expired_does_not_come_back_with_its_order() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    world.told(&shop, "1", ChannelOrderState::Fulfilled, ada()).await;
    world.clock.advance_hours(30 * DAY_H);
    let (store, order) = (&world.app.store, shop.order("1"));
    store.set_buyer_expiry(&world.organization, &order, None, world.app_now()).await.unwrap();
    assert_eq!(world.customer_status(order.as_str()).await, 404);
}

#[tokio::test]
async fn h6_a_clone_carries_no_personal_data() {
    let world = World::new().await;
    let item = world.stocked("A", 5).await;
    let person = json!({"name": "Ada Lovelace", "email": "ada@example.org",
        "shipping_address": {"lines": ["12 St James's Square"], "city": "London", "country": "GB"}});
    let input =
        json!({"lines": [{"item_id": item, "quantity": 1}], "contact": person, "comments": ["for Ada"]});
    let made = world.post("/v1/orders", input).await.ok();
    let id = made["id"].as_str().unwrap();
    assert_eq!(world.customer_status(id).await, 200);
    let clone = world.post(&format!("/v1/orders/{id}/clone"), json!({})).await.ok();
    let cloned = clone["id"].as_str().unwrap();
    assert_eq!(clone["contact"]["id"], Value::Null);
    assert_eq!(world.customer_status(cloned).await, 404);
    assert!(!clone.to_string().contains("Ada"), "{clone}");
    assert_eq!(world.buyer_rows().await, 1);
    let package = world.post(&format!("/v1/orders/{cloned}/packages"), json!({})).await.ok();
    let slip = world.get(&format!("/v1/packages/{}/slip.pdf", package["id"].as_str().unwrap())).await;
    assert_eq!(slip.status, 200);
}

#[tokio::test]
async fn h10_orders_from_before_the_policy_are_left_as_they_are() {
    let world = World::new().await;
    let body = json!({"name": "Late", "base_currency": "EUR", "country": "DE", "time_zone": "Europe/Berlin",
        "privacy_policy_starts_at": "2026-03-01T00:00:00Z"});
    let key = Some(crate::world::OPERATOR_KEY);
    let made = world.request(key, "POST", "/v1/organizations", Some(body), &[]).await.ok();
    let mut world = world;
    world.organization = made["organization_id"].as_str().unwrap().parse().unwrap();
    world.key = made["api_key"].as_str().unwrap().to_owned();
    let shop = world.shop("shop.example").await;
    world.told(&shop, "1", ChannelOrderState::Fulfilled, ada()).await;
    world.clock.advance_hours(28 * DAY_H);
    assert_eq!(world.app_now().to_string(), "2026-03-01T10:00:00Z");
    world.told(&shop, "2", ChannelOrderState::Fulfilled, ada()).await;
    world.clock.advance_hours(400 * DAY_H);
    world.tick().await;
    let (before, after) = (shop.order("1").to_string(), shop.order("2").to_string());
    assert_eq!(world.customer_status(&before).await, 200, "unchanged");
    assert_eq!(world.customer_status(&after).await, 404, "from the policy's start on");
    // It begins earlier, never later.
    let later = json!({"privacy_policy_starts_at": "2026-04-01T00:00:00Z"});
    world.patch("/v1/organization", later).await.refused(409, "privacy_policy_started", None);
    let earlier = json!({"privacy_policy_starts_at": "2026-01-01T00:00:00Z"});
    let shown = world.patch("/v1/organization", earlier).await.ok();
    assert_eq!(shown["privacy_policy_starts_at"], "2026-01-01T00:00:00Z");
    world.clock.advance_hours(DAY_H);
    world.tick().await;
    assert_eq!(world.customer_status(&before).await, 200, "its days begin now");
    world.clock.advance_hours(30 * DAY_H);
    assert_eq!(world.customer_status(&before).await, 404);
    // Where nothing is said, all orders are protected.
    let (_, other) = world.new_organization("EUR").await;
    let shown = world.request(Some(&other), "GET", "/v1/organization", None, &[]).await.ok();
    assert_eq!(shown["privacy_policy_starts_at"], Value::Null);
}

#[tokio::test]
async fn h2_each_look_is_noted_with_who_when_and_why() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    world.told(&shop, "1", ChannelOrderState::Confirmed, ada()).await;
    let order = shop.order("1").to_string();
    let path = format!("/v1/orders/{order}/customer");
    let look = async |reason: &str| {
        world.request(Some(&world.key), "GET", &path, None, &[("x-reason", reason)]).await
    };
    look("Zustellfrage, Ticket 12 – Größe").await.ok();
    world.clock.advance_minutes(1);
    world.get(&path).await.ok();
    look(" ").await.refused(400, "invalid_reason", Some("/X-Reason"));
    look(&"x".repeat(501)).await.refused(400, "invalid_reason", Some("/X-Reason"));
    let keys = world.get("/v1/api-keys").await.ok();
    let own = &keys["data"][0]["id"];
    let first = world.get("/v1/audit?limit=1").await.ok();
    assert_eq!(
        first["data"][0],
        json!({"id": first["data"][0]["id"], "actor": own, "action": "customer_revealed", "object": order,
            "reason": null, "at": "2026-02-01T10:01:00Z"})
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = world.get(&format!("/v1/audit?limit=200&cursor={cursor}")).await.ok();
    let rest = rest["data"].as_array().unwrap();
    let seen: Vec<(&str, &str)> =
        rest.iter().map(|one| (one["action"].as_str().unwrap(), one["object"].as_str().unwrap())).collect();
    assert_eq!(
        seen,
        [("customer_revealed", order.as_str()), ("connection_created", shop.connection.as_str())]
    );
    assert_eq!(rest[0]["reason"], "Zustellfrage, Ticket 12 – Größe");
    // Who may not look leaves no look; the audit is for who may change keys, and of one organization.
    let scopes = json!({"name": "reader", "scopes": ["read", "write"]});
    let made = world.post("/v1/api-keys", scopes).await.ok();
    let reader = made["api_key"].as_str();
    world.request(reader, "GET", &path, None, &[]).await.refused(403, "scope_missing", None);
    world.request(reader, "GET", "/v1/audit", None, &[]).await.refused(403, "scope_missing", None);
    world.delete(&format!("/v1/api-keys/{}", made["id"].as_str().unwrap())).await;
    let (_, stranger) = world.new_organization("EUR").await;
    let theirs = world.request(Some(&stranger), "GET", "/v1/audit", None, &[]).await.ok();
    assert_eq!(theirs["data"], json!([]));
    world.patch("/v1/organization", json!({"taxes_enabled": true})).await.ok();
    let all = world.get("/v1/audit").await.ok();
    let actions: Vec<&str> =
        all["data"].as_array().unwrap().iter().map(|one| one["action"].as_str().unwrap()).collect();
    assert_eq!(actions[..3], ["organization_changed", "api_key_deleted", "api_key_created"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_shown_that_cannot_be_noted() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    world.told(&shop, "1", ChannelOrderState::Confirmed, ada()).await;
    let path = format!("/v1/orders/{}/customer", shop.order("1"));
    world.faults.next("PutItem", 1_000, engine::Fault::Throttled);
    let answer = world.get(&path).await;
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert!(!answer.body.to_string().contains("Ada"));
}

#[tokio::test]
async fn a_person_sees_all_that_is_kept_of_them_over_all_channels() {
    let world = World::new().await;
    let (one, other) = (world.shop("one.example").await, world.shop("other.example").await);
    world.told(&one, "1", ChannelOrderState::Confirmed, ada()).await;
    world.told(&other, "2", ChannelOrderState::Fulfilled, ada()).await;
    world
        .told(
            &other,
            "3",
            ChannelOrderState::Confirmed,
            Buyer { email: Some("bob@example.org".into()), ..ada() },
        )
        .await;
    world.clock.advance_hours(31 * DAY_H);
    let export = async |body: Value| world.post("/v1/privacy/export", body).await;
    let all = export(json!({"email": " ADA@example.org"})).await.ok();
    let orders = all["orders"].as_array().unwrap();
    let found: Vec<(&str, &Value)> =
        orders.iter().map(|order| (order["number"].as_str().unwrap(), &order["customer"]["name"])).collect();
    assert_eq!(found, [("#1", &json!("Ada Lovelace")), ("#2", &Value::Null)], "{all}");
    assert_eq!(orders[0]["customer"]["shipping_address"]["city"], "London");
    assert!(all["contact"]["id"].is_string() && all["next_cursor"].is_null());
    let first = export(json!({"email": "ada@example.org", "limit": 1})).await.ok();
    let cursor = first["next_cursor"].clone();
    let second = export(json!({"email": "ada@example.org", "limit": 1, "cursor": cursor})).await.ok();
    assert_eq!((&first["orders"][0]["number"], &second["orders"][0]["number"]), (&json!("#1"), &json!("#2")));
    let nobody = export(json!({"email": "nobody@example.org"})).await.ok();
    assert_eq!(nobody, json!({"contact": null, "details": null, "orders": [], "next_cursor": null}));
    export(json!({"email": "nobody"})).await.refused(422, "invalid_field", Some("/email"));
    let foreign = export(json!({"email": "bob@example.org", "cursor": first["next_cursor"]})).await;
    foreign.refused(400, "invalid_cursor", None);
    let audit = world.get("/v1/audit?limit=1").await.ok();
    assert_eq!(audit["data"][0]["action"], "personal_data_exported");
    // Of another organization nothing.
    let (_, stranger) = world.new_organization("EUR").await;
    let body = Some(json!({"email": "ada@example.org"}));
    let theirs = world.request(Some(&stranger), "POST", "/v1/privacy/export", body, &[]).await.ok();
    assert_eq!(theirs["orders"], json!([]));
}

#[tokio::test]
async fn a_person_is_forgotten_and_orders_and_stock_stay() {
    let world = World::new().await;
    let shop = world.shop("one.example").await;
    let item = world.stocked("A", 5).await;
    let person = json!({"name": "Ada Lovelace", "email": "Ada@example.org"});
    let manual = json!({"lines": [{"item_id": item, "quantity": 2}], "contact": person});
    let manual = world.post("/v1/orders", manual).await.ok();
    let contact = manual["contact"]["id"].as_str().unwrap().to_owned();
    world.told(&shop, "1", ChannelOrderState::Confirmed, ada()).await;
    // Met without an address, by the name.
    world.told(&shop, "2", ChannelOrderState::Fulfilled, Buyer { email: None, ..ada() }).await;
    world
        .told(
            &shop,
            "3",
            ChannelOrderState::Confirmed,
            Buyer { email: Some("bob@example.org".into()), name: Some("Bob".into()), ..ada() },
        )
        .await;
    let before = world.level(&item).await;
    let erase = async |email: &str| {
        let headers = [("x-reason", "request of 1 February"), ("idempotency-key", "e-1")];
        let body = json!({"email": email});
        world.request(Some(&world.key), "POST", "/v1/privacy/erase", Some(body), &headers).await
    };
    let erased = erase("ada@EXAMPLE.org").await.ok();
    assert_eq!((&erased["contacts"], &erased["orders"]), (&json!(1), &json!(3)), "{erased}");
    assert_eq!(erased["warnings"][0]["code"], "orders_without_address");
    let again = erase("ada@example.org").await.ok();
    assert_eq!(again, json!({"contacts": 0, "orders": 0}));
    for id in [manual["id"].as_str().unwrap(), shop.order("1").as_str(), shop.order("2").as_str()] {
        let order = world.get(&format!("/v1/orders/{id}")).await.ok();
        assert_eq!(order["contact"]["id"], Value::Null, "{id}");
        assert_eq!(world.customer_status(id).await, 404, "{id}");
    }
    assert_eq!(world.customer_status(shop.order("3").as_str()).await, 200, "another's");
    world.get(&format!("/v1/contacts/{contact}")).await.refused(404, "not_found", None);
    assert_eq!(world.level(&item).await, before);
    let kept = rows(&world.dynamodb, "personal").await;
    let hash = contact.trim_start_matches("ctc_");
    assert!(!format!("{kept:?}").contains(hash), "the hash of the address is still there");
    // The channel tells it once more; nothing is taken in. A new order is a new one.
    world.clock.advance_hours(1);
    world.told(&shop, "1", ChannelOrderState::Fulfilled, ada()).await;
    assert_eq!(world.customer_status(shop.order("1").as_str()).await, 404);
    world.told(&shop, "9", ChannelOrderState::Confirmed, ada()).await;
    assert_eq!(world.customer_status(shop.order("9").as_str()).await, 200);
    let audit = world.get("/v1/audit").await.ok();
    let erasures: Vec<&Value> = audit["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["action"] == "personal_data_erased")
        .collect();
    assert_eq!((erasures.len(), &erasures[0]["reason"]), (2, &json!("request of 1 February")));
}
