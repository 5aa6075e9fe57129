//! Slips: the papers that do carry name and address, until they expire.

use domain::order::{Address, Buyer, ChannelOrderState};
use serde_json::{Value, json};

use crate::contacts::fetched;
use crate::privacy::ada;
use crate::world::{Answer, World};

#[track_caller]
fn assert_pdf(answer: &Answer, size: (i64, i64)) {
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/pdf"));
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.raw.starts_with(b"%PDF-") && answer.raw.len() > 3_000, "{} bytes", answer.raw.len());
    let text = String::from_utf8_lossy(&answer.raw);
    let (_, page) = text.split_once("/MediaBox").expect("a page has a size");
    let (page, _) = page.trim_start_matches([' ', '[']).split_once(']').expect("the size is a list");
    let points = |side: &str| side.split('.').next().unwrap().parse::<i64>().unwrap();
    let sides: Vec<i64> = page.split_ascii_whitespace().skip(2).map(points).collect();
    assert_eq!(sides, [size.0, size.1]);
}

/// In whole points, of 72 to the inch.
const A6: (i64, i64) = (297, 419);
const A4: (i64, i64) = (595, 841);

/// An order of a known buyer with a package and a shipment; their ids.
async fn shipped(world: &World) -> (String, String, String) {
    let item = world.stocked("MUG", 5).await;
    let person = json!({"name": "Ада Лавлейс", "phone": "+7 495 1234567", "shipping_address": {
        "lines": ["ул. Льва Толстого, 16"], "city": "Москва", "postal_code": "119021", "country": "RU"}});
    let input = json!({"number": "1001", "lines": [{"item_id": item, "quantity": 2}], "contact": person});
    let order = world.post("/v1/orders", input).await.ok();
    let id = order["id"].as_str().unwrap().to_owned();
    let package = world.post(&format!("/v1/orders/{id}/packages"), json!({})).await.ok();
    let shipment = json!({"carrier": "DHL", "tracking_number": "00340434"});
    let shipment = world.post(&format!("/v1/orders/{id}/shipments"), shipment).await.ok();
    let id_of = |paper: &Value| paper["id"].as_str().unwrap().to_owned();
    (id, id_of(&package), id_of(&shipment))
}

#[tokio::test]
async fn h8_slips_are_pdf_files_in_both_sizes() {
    let world = World::new().await;
    let (_, package, shipment) = shipped(&world).await;
    for path in [format!("/v1/packages/{package}/slip.pdf"), format!("/v1/shipments/{shipment}/slip.pdf")] {
        assert_pdf(&world.get(&path).await, A6);
        assert_pdf(&world.get(&format!("{path}?size=a6")).await, A6);
        assert_pdf(&world.get(&format!("{path}?size=a4")).await, A4);
        world.get(&format!("{path}?size=letter")).await.refused(400, "invalid_field", Some("/size"));
        world.get(&format!("{path}?dpi=1")).await.refused(400, "unknown_parameter", Some("/dpi"));
    }
    for wrong in [format!("/v1/packages/{shipment}/slip.pdf"), format!("/v1/shipments/{package}/slip.pdf")] {
        world.get(&wrong).await.refused(404, "not_found", None);
    }
}

#[tokio::test]
async fn h8_a_slip_needs_the_scope_and_is_noted() {
    let world = World::new().await;
    let (_, package, _) = shipped(&world).await;
    let path = format!("/v1/packages/{package}/slip.pdf");
    let scopes = json!({"name": "reader", "scopes": ["read", "write"]});
    let reader = world.post("/v1/api-keys", scopes).await.ok()["api_key"].as_str().unwrap().to_owned();
    world.request(Some(&reader), "GET", &path, None, &[]).await.refused(403, "scope_missing", None);
    let (_, stranger) = world.new_organization("EUR").await;
    world.request(Some(&stranger), "GET", &path, None, &[]).await.refused(404, "not_found", None);
    let headers = [("x-reason", "to be packed")];
    assert_eq!(world.request(Some(&world.key), "GET", &path, None, &headers).await.status, 200);
    let record = &world.get("/v1/audit?limit=1").await.ok()["data"][0];
    assert_eq!(
        [&record["action"], &record["object"], &record["reason"]],
        [&json!("slip_printed"), &json!(package), &json!("to be packed")]
    );
}

/// A PDF holds its letters compressed and by the numbers of its fonts, so what differs is compared: a slip with the buyer, one
/// of an order that never had any, and one whose buyer has expired.
#[tokio::test]
async fn h8_name_and_address_are_on_it_until_they_expire() {
    let world = World::new().await;
    let shop = world.shop("shop.example").await;
    let slip_with = async |id: &str, buyer: Buyer| {
        world.told(&shop, id, ChannelOrderState::Confirmed, buyer).await;
        let order = shop.order(id).to_string();
        let line = world.stocked(&format!("SKU-{id}"), 3).await;
        let link = format!("/v1/orders/{order}/lines/1/link");
        world.post(&link, json!({"item_id": line})).await.ok();
        let package = world.post(&format!("/v1/orders/{order}/packages"), json!({})).await.ok();
        format!("/v1/packages/{}/slip.pdf", package["id"].as_str().unwrap())
    };
    let long = Buyer {
        shipping_address: Some(Address {
            lines: vec!["A long street, and its number 12345".into(); 3],
            ..Address::default()
        }),
        ..ada()
    };
    let (known, other) = (slip_with("1", ada()).await, slip_with("2", long).await);
    let first = world.get(&known).await;
    assert_eq!(first.raw, world.get(&known).await.raw, "the same slip is the same file");
    assert_ne!(first.raw.len(), world.get(&other).await.raw.len());
    let over = fetched(&world, "1", ChannelOrderState::Fulfilled, world.app_now());
    world.import_fetched(&shop, &domain::order::FetchedOrder { buyer: ada(), ..over }).await;
    world.clock.advance_hours(29 * 24);
    assert_eq!(world.get(&known).await.raw, first.raw, "day 29");
    world.clock.advance_hours(24);
    let expired = world.get(&known).await;
    assert_pdf(&expired, A6);
    assert_ne!(expired.raw, first.raw, "day 30");
    assert_eq!(world.customer_status(shop.order("1").as_str()).await, 404);
}
