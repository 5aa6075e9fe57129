//! Parts of an order: invoiced, packed, shipped and taken back line by line.

use serde_json::json;

use crate::browser::{Browser, Page};
use crate::world::World;

async fn order(world: &World) -> String {
    let (mug, tee) = (world.stocked("MUG", 10).await, world.stocked("TEE", 10).await);
    let lines = json!([{"item_id": mug, "quantity": 5}, {"item_id": tee, "quantity": 2}]);
    let made = world.post("/v1/orders", json!({"lines": lines})).await.ok();
    format!("/orders/{}", made["id"].as_str().unwrap())
}

async fn part(browser: &Browser, path: &str, first: &str, second: &str, more: &[(&str, &str)]) -> Page {
    let mut fields = vec![
        ("part", "1"),
        ("line_id", "1"),
        ("line_quantity", first),
        ("line_id", "2"),
        ("line_quantity", second),
    ];
    fields.extend(more);
    browser.post(path, &fields).await
}

#[tokio::test]
async fn a_part_of_an_order_is_invoiced_packed_shipped_and_taken_back() {
    let world = World::new().await;
    let path = order(&world).await;
    let browser = Browser::signed_in(&world).await;
    let page = browser.get(&path).await;
    for (kind, label) in
        [("invoices", "Invoice a part"), ("packages", "Pack a part"), ("shipments", "Ship a part")]
    {
        page.ok().shows(&format!("href=\"{path}/{kind}\">{label}"));
    }
    page.hides("Take a part back").hides("Let Amazon send it");
    let form = browser.get(&format!("{path}/packages")).await;
    form.ok().shows("name=\"line_quantity\" inputmode=\"numeric\" value=\"5\"").shows("value=\"2\"");
    part(&browser, &format!("{path}/invoices"), "1", "", &[])
        .await
        .ok()
        .shows("Invoiced.")
        .shows("1 × Item MUG");
    part(&browser, &format!("{path}/packages"), "2", "1", &[]).await.ok().shows("Packed.");
    let form = browser.get(&format!("{path}/shipments")).await;
    form.ok().shows("Package 1").shows("name=\"carrier\"").shows("value=\"5\"");
    let package = form.between("name=\"package_id\" value=\"", "\"");
    let carrier = [("carrier", "DHL"), ("shipped_at", "2026-01-30")];
    let whole = [&carrier[..], &[("package_id", package.as_str())]].concat();
    let shipped = part(&browser, &format!("{path}/shipments"), "5", "2", &whole).await;
    shipped.ok().shows("Shipment 1").shows("2 × Item MUG").shows("1 × Item TEE");
    let form = browser.get(&format!("{path}/shipments")).await;
    form.ok().shows("value=\"3\"").hides("Package 1");
    part(&browser, &format!("{path}/shipments"), "1", "0", &carrier).await.ok().shows("Shipment 2");
    let back = browser.get(&format!("{path}/returns")).await;
    back.ok().shows("value=\"3\"").shows("name=\"restock\"");
    let reason = [("restock", "1"), ("reason", "too blue")];
    let taken = part(&browser, &format!("{path}/returns"), "2", "", &reason).await;
    taken.ok().shows("Return 1").shows("too blue").shows("2 × Item MUG");
}

#[tokio::test]
async fn a_part_that_is_too_large_or_nothing_is_refused_where_it_was_asked_for() {
    let world = World::new().await;
    let path = order(&world).await;
    let browser = Browser::signed_in(&world).await;
    for (first, said) in
        [("6", "Only 5 of the line are left to pack"), ("0", "at least one line"), ("x", "Quantity:")]
    {
        let page = part(&browser, &format!("{path}/packages"), first, "", &[]).await;
        page.ok().shows("role=\"alert\"").shows(said).shows("name=\"line_quantity\"");
    }
    assert_eq!(browser.get(&format!("{path}/rubbish")).await.status, 404);
    assert_eq!(browser.post(&format!("{path}/rubbish"), &[]).await.status, 404);
}
