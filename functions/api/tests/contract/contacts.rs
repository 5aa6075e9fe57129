//! Who buys: one contact a buyer, and nothing of them in the clear.

use std::collections::BTreeSet;

use app::import_order::Imported;
use domain::order::{Buyer, ChannelOrderState, FetchedLine, FetchedOrder, PaymentStatus};
use domain::{Quantity, Timestamp};
use serde_json::{Value, json};

use crate::shop::Shop;
use crate::world::{World, eur};

fn buyer(name: Option<&str>, email: Option<&str>) -> Buyer {
    Buyer { name: name.map(str::to_owned), email: email.map(str::to_owned), ..Buyer::default() }
}

/// An order of a free text line, as a channel tells it.
pub fn fetched(world: &World, id: &str, state: ChannelOrderState, placed_at: Timestamp) -> FetchedOrder {
    FetchedOrder {
        fulfilment: Default::default(),
        external_id: id.to_owned(),
        number: format!("#{id}"),
        placed_at,
        changed_at: world.app_now(),
        state,
        payment: PaymentStatus::Paid,
        currency: eur(),
        total: None,
        lines: vec![FetchedLine {
            line_id: "1".to_owned(),
            listing: None,
            sku: None,
            title: "Engraving".to_owned(),
            quantity: Quantity::new(1).unwrap(),
            shipped: Quantity::ZERO,
            unit_price: None,
            tax: None,
        }],
        buyer: Buyer::default(),
        unknown_state: None,
        tracking: Vec::new(),
        assigned_to: None,
    }
}

impl World {
    pub async fn import_fetched(&self, shop: &Shop, fetched: &FetchedOrder) -> Imported {
        let organization = self.app.organization(&self.organization).await.unwrap();
        let connection = self.app.connection(&self.organization, &shop.connection).await.unwrap();
        self.app.import_order(&organization, &connection, fetched).await.unwrap()
    }

    async fn contact_of(&self, shop: &Shop, number: u32, buyer: Buyer) -> Value {
        let id = number.to_string();
        let now = self.app_now();
        let fetched = FetchedOrder { buyer, ..fetched(self, &id, ChannelOrderState::Confirmed, now) };
        self.import_fetched(shop, &fetched).await;
        self.get(&format!("/v1/orders/{}", shop.order(&id))).await.ok()["contact"].clone()
    }
}

#[tokio::test]
async fn g2_g3_buyers_are_one_contact_by_e_mail_and_without_one_by_name() {
    let world = World::new().await;
    let (shop, other) = (world.shop("shop.example").await, world.shop("other.example").await);
    let ada = world.contact_of(&shop, 1, buyer(Some("Ada Lovelace"), Some("ada@example.org"))).await;
    assert_eq!(ada["display_name"], "WooCommerce - Customer");
    let id = ada["id"].as_str().unwrap();
    // The same address in another spelling, of another shop, under another name.
    let again = world.contact_of(&other, 2, buyer(Some("A. L."), Some(" ADA@example.org"))).await;
    assert_eq!(again["id"], id);
    // No address: by the name, in another spelling.
    let by_name = world.contact_of(&shop, 3, buyer(Some("  ada  LOVELACE"), None)).await;
    assert_eq!(by_name["id"], id);
    // Another address is another buyer, whatever the name.
    let namesake = world.contact_of(&shop, 4, buyer(Some("Ada Lovelace"), Some("other@example.org"))).await;
    let bob = world.contact_of(&shop, 5, buyer(Some("Bob"), None)).await;
    let bob_again = world.contact_of(&other, 6, buyer(Some("bob"), None)).await;
    assert_eq!(bob["id"], bob_again["id"]);
    let nobody = world.contact_of(&shop, 7, buyer(None, None)).await;
    assert_eq!(nobody, json!({"id": null, "display_name": "WooCommerce - Customer"}));
    let ids: BTreeSet<&str> = [&ada, &namesake, &bob].map(|one| one["id"].as_str().unwrap()).into();
    let listed = world.get("/v1/contacts").await.ok();
    let found: BTreeSet<&str> =
        listed["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!((found, ids.len()), (ids, 3));
    let orders = world.get(&format!("/v1/orders?contact_id={id}")).await.ok();
    assert_eq!(orders["data"].as_array().unwrap().len(), 3);
    let one = world.get(&format!("/v1/contacts/{id}")).await.ok();
    assert_eq!(
        (&one["source"], &one["display_name"]),
        (&json!("marketplace"), &json!("WooCommerce - Customer"))
    );
    world.get(&format!("/v1/contacts/{id}/customer")).await.refused(404, "not_found", None);
    let (_, stranger) = world.new_organization("EUR").await;
    let path = format!("/v1/contacts/{id}");
    world.request(Some(&stranger), "GET", &path, None, &[]).await.refused(404, "not_found", None);
}

#[tokio::test]
async fn a_buyer_known_later_is_a_contact_later() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    assert_eq!(world.contact_of(&shop, 1, buyer(None, None)).await["id"], Value::Null);
    world.clock.advance_hours(1);
    let known = world.contact_of(&shop, 1, buyer(Some("Ada"), Some("ada@example.org"))).await;
    assert!(known["id"].is_string());
    world.clock.advance_hours(1);
    // What the channel has forgotten is not forgotten here.
    assert_eq!(world.contact_of(&shop, 1, buyer(None, None)).await["id"], known["id"]);
}

#[tokio::test]
async fn h2_no_read_shows_who_bought_and_one_call_reveals_it() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    world.contact_of(&shop, 1, buyer(Some("Ada Lovelace"), Some("ada@example.org"))).await;
    let person = json!({"name": "Charles Babbage", "email": "charles@example.org", "phone": "12345",
        "shipping_address": {"lines": ["1 Dorset Street"], "city": "London", "country": "GB"}});
    let made = world.post("/v1/contacts", person.clone()).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["display_name"], "Manual - Customer");
    let again =
        world.post("/v1/contacts", json!({"name": "C. B.", "email": "Charles@example.org"})).await.ok();
    assert_eq!(again, made.body);
    let id = made.body["id"].as_str().unwrap();
    let item = world.stocked("A", 5).await;
    let order = json!({"lines": [{"item_id": item, "quantity": 1}], "contact": {"id": id}});
    let order = world.post("/v1/orders", order).await.ok();
    assert_eq!(order["contact"], json!({"id": id, "display_name": "Manual - Customer"}));
    for path in ["/v1/contacts".to_owned(), format!("/v1/contacts/{id}"), "/v1/orders".to_owned()] {
        let text = world.get(&path).await.ok().to_string();
        for word in ["Ada", "ada@", "Babbage", "charles", "Dorset", "12345"] {
            assert!(!text.contains(word), "{path} shows {word}");
        }
    }
    let revealed = world.get(&format!("/v1/contacts/{id}/customer")).await.ok();
    assert_eq!(
        (&revealed["email"], &revealed["shipping_address"]["city"]),
        (&json!("charles@example.org"), &json!("London"))
    );
    let scopes = json!({"name": "reader", "scopes": ["read", "write"]});
    let reader = world.post("/v1/api-keys", scopes).await.ok()["api_key"].as_str().unwrap().to_owned();
    let path = format!("/v1/contacts/{id}/customer");
    world.request(Some(&reader), "GET", &path, None, &[]).await.refused(403, "scope_missing", None);
    world.post("/v1/contacts", json!({"id": id})).await.refused(422, "invalid_field", Some("/id"));
    world.post("/v1/contacts", json!({"phone": "1"})).await.refused(422, "invalid_field", None);
}

#[tokio::test]
async fn g5_the_payment_is_a_status_and_a_comment() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    for (n, (payment, status, comment)) in [
        (PaymentStatus::Paid, "paid", "Paid"),
        (PaymentStatus::Pending, "pending", "Payment pending"),
        (PaymentStatus::PartRefunded, "part_refunded", "Refunded in part"),
        (PaymentStatus::Refunded, "refunded", "Refunded"),
        (PaymentStatus::Voided, "voided", "Voided"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = n.to_string();
        let told = fetched(&world, &id, ChannelOrderState::Confirmed, world.app_now());
        world.import_fetched(&shop, &FetchedOrder { payment, ..told }).await;
        let shown = world.get(&format!("/v1/orders/{}", shop.order(&id))).await.ok();
        assert_eq!(shown["payment"], json!({"status": status, "comment": comment}));
        assert_eq!(shown["comments"], json!([comment]));
    }
}

#[tokio::test]
async fn e14_with_confirmed_only_a_fulfilled_order_is_left_out() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    let now = world.app_now();
    let fulfilled = |id: &str| fetched(&world, id, ChannelOrderState::Fulfilled, now);
    assert!(matches!(world.import_fetched(&shop, &fulfilled("1")).await, Imported::New(_)));
    world.patch("/v1/organization", json!({"order_sync": "confirmed"})).await.ok();
    let skipped = world.import_fetched(&shop, &fulfilled("2")).await;
    assert!(matches!(skipped, Imported::Skipped { code: "fulfilled_not_wanted", .. }), "{skipped:?}");
    let confirmed = fetched(&world, "3", ChannelOrderState::Confirmed, now);
    assert!(matches!(world.import_fetched(&shop, &confirmed).await, Imported::New(_)));
    // One that is known is followed to its end.
    world.clock.advance_hours(1);
    assert!(matches!(world.import_fetched(&shop, &fulfilled("3")).await, Imported::Changed(_)));
}

#[tokio::test]
async fn e15_the_preference_is_of_all_connections() {
    let world = World::new().await;
    let shops = [world.shop("shop.example").await, world.shop("other.example").await];
    world.patch("/v1/organization", json!({"order_sync": "confirmed"})).await.ok();
    assert_eq!(world.get("/v1/organization").await.ok()["order_sync"], "confirmed");
    for shop in &shops {
        let told = fetched(&world, "1", ChannelOrderState::Fulfilled, world.app_now());
        assert!(matches!(world.import_fetched(shop, &told).await, Imported::Skipped { .. }));
    }
    world.patch("/v1/organization", json!({"order_sync": "confirmed_and_fulfilled"})).await.ok();
    for shop in &shops {
        let told = fetched(&world, "1", ChannelOrderState::Fulfilled, world.app_now());
        assert!(matches!(world.import_fetched(shop, &told).await, Imported::New(_)));
    }
}

#[tokio::test]
async fn g1_an_order_fulfilled_before_the_connection_leaves_the_stock_alone() {
    let world = World::new().await;
    let item = world.stocked("A", 10).await;
    let shop = world.shop("shop.example").await;
    let sold = shop.goods(Some("A"), "Item A", 10);
    world.sync_items(&shop).await;
    let listing = domain::listing::ListingRef { external_id: sold.external_id, variation_id: None };
    let order = |id: &str, state, hours: i64| {
        let placed_at = world.app_now().checked_sub(jiff::SignedDuration::from_hours(hours)).unwrap();
        let mut order = fetched(&world, id, state, placed_at);
        order.lines[0].listing = Some(listing.clone());
        order
    };
    let old = order("1", ChannelOrderState::Fulfilled, 48);
    for _ in 0..2 {
        world.import_fetched(&shop, &old).await;
    }
    assert_eq!(world.level(&item).await, (10, 0));
    world.import_fetched(&shop, &order("2", ChannelOrderState::Confirmed, 48)).await;
    assert_eq!(world.level(&item).await, (10, 1), "an open one is still to be sent");
    world.import_fetched(&shop, &order("3", ChannelOrderState::Fulfilled, 0)).await;
    assert_eq!(world.level(&item).await, (9, 1));
}
