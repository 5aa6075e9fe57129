use channels::woocommerce::Woocommerce;
use channels::{Channel, Cursor, Page};
use domain::listing::{ChannelStatus, FetchedListing};
use domain::schedule::Window;
use serde_json::{Value, json};

use crate::replay::{Replay, Setup, at, exchange, recorded};

/// Walks to the end, one exchange a page, and checks that each page was one call.
async fn walk(exchanges: Vec<Value>, changed: Option<Window>) -> Vec<Page<FetchedListing>> {
    let (setup, mut pages, mut cursor) = (Setup::new(), Vec::new(), None::<Cursor>);
    for exchange in exchanges {
        let replay = Replay::of([exchange]);
        let page = Woocommerce.fetch_listings(&setup.shop(&replay), changed, cursor.as_ref()).await.unwrap();
        replay.done();
        cursor = page.next.clone();
        assert!(cursor.as_ref().is_none_or(|cursor| cursor.0.len() <= 16 * 1024));
        pages.push(page);
    }
    assert_eq!(cursor, None);
    pages
}

fn line(listing: &FetchedListing) -> String {
    let reference = &listing.reference;
    let attributes: Vec<String> =
        listing.attributes.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
    format!(
        "{}{} | {} | {} | {} | {} | {:?}{}{}",
        reference.external_id,
        reference.variation_id.as_ref().map(|id| format!("/{id}")).unwrap_or_default(),
        listing.sku.as_ref().map_or("-", |sku| sku.as_str()),
        listing.title.as_str(),
        listing.price.map_or("-".to_owned(), |price| price.amount()),
        listing.quantity.map_or("-".to_owned(), |quantity| quantity.to_string()),
        listing.status,
        if attributes.is_empty() { String::new() } else { format!(" | {}", attributes.join(" ")) },
        listing.stock_ref.as_ref().map(|id| format!(" | stock of {id}")).unwrap_or_default(),
    )
}

fn lines(page: &Page<FetchedListing>) -> Vec<String> {
    page.records.iter().map(|record| line(record.as_ref().unwrap())).collect()
}

#[tokio::test]
async fn the_catalogue_comes_as_the_shop_has_it() {
    let exchanges =
        ["products-list-page-of-100", "variations-list", "variations-list-parent-unmanaged"].map(recorded);
    let pages = walk(exchanges.to_vec(), None).await;
    assert_eq!(
        lines(&pages[0]),
        [
            "11 | MUG-001 | Enamel Mug & Saucer | 17.90 | 25 | Active",
            "12 | BELL-002 | Brass Bell | 9.50 | 0 | Active",
            "13 | LAMP-003 | Draft Lamp | 49.00 | 3 | Inactive",
            "14 | STOOL-004 | Private Stool | 89.00 | 2 | Inactive",
            "15 | VASE-005 | Pending Vase | 29.00 | 6 | Inactive",
            "17 | GIFT-007 | Gift Card 25 | 25.00 | - | Active",
            "18 | - | Loose Buttons | 1.20 | 500 | Active",
            "19 | Tee / Größe 42 · naïve | Größentabelle “Ö” 🧵 | 3.00 | 8 | Active",
            "20 | 000123 | Leading Zeros | 3.00 | 8 | Active",
            "21 | POST-009 | Print on Demand Poster | 19.00 | - | Active",
            "22 | OAK-010 | Oak Board | 39.00 | 0 | Active",
            "23 | REQ-011 | Price on Request | - | 1 | Active",
            "24 | TOW-012 | Linen Towel | 18.00 | 40 | Active",
            "25 | BOOK-013 | Book of Knots | 14.98 | 15 | Active",
            "26 | EXT-014 | Elsewhere Kettle | 35.00 | - | Active",
            "27 | SET-015 | Breakfast Set | 9.50 | - | Active",
        ]
    );
    let mug = pages[0].records[0].as_ref().unwrap();
    assert_eq!(mug.barcode.as_deref(), Some("4012345678901"));
    // The shirt has four attributes: each of its variations fails by name, the one that leaves an attribute open too.
    let failures: Vec<_> = pages[1].records.iter().map(|record| record.as_ref().unwrap_err()).collect();
    let ids: Vec<_> = failures.iter().map(|failure| failure.external_id.as_str()).collect();
    assert_eq!(ids, ["28/29", "28/30", "28/31", "28/32", "28/33"]);
    assert!(failures.iter().all(|failure| failure.code == "too_many_attributes"));
    assert_eq!(failures[0].title.as_deref(), Some("Trail Shirt - Blue, S, Regular, Short"));
    // Its siblings come in.
    assert_eq!(
        lines(&pages[2]),
        [
            "34/35 | CANDLE-PINE | Candle - Pine | 8.00 | 12 | Active | Scent=Pine",
            "34/36 | CANDLE-ROSE | Candle - Rose | 8.00 | 9 | Active | Scent=Rose",
        ]
    );
}

/// The recorded shirt with one attribute less.
fn shirt_of_three_attributes() -> Value {
    let mut shirt = recorded("variations-list");
    for variation in shirt["response"]["body"].as_array_mut().unwrap() {
        variation["attributes"].as_array_mut().unwrap().retain(|attribute| attribute["name"] != "Fit");
    }
    shirt
}

#[tokio::test]
async fn a_variation_knows_whose_stock_and_whose_sku_it_shows() {
    let mut products = recorded("products-list-page-of-100");
    products["response"]["body"].as_array_mut().unwrap().retain(|product| product["id"] == 28);
    let pages = walk(vec![products, shirt_of_three_attributes()], None).await;
    assert!(pages[0].records.is_empty());
    assert_eq!(
        lines(&pages[1]),
        [
            "28/29 | SHIRT-BLUE-S | Trail Shirt - Blue, S, Regular, Short | 29.90 | 5 | Active | Colour=Blue Size=S Sleeve=Short",
            "28/30 | - | Trail Shirt - Blue, M, Regular, Short | 29.90 | 20 | Active | Colour=Blue Size=M Sleeve=Short | stock of 28",
            "28/31 | SHIRT-RED-L | Trail Shirt - Red, L, Slim, Long | 25.00 | 0 | Active | Colour=Red Size=L Sleeve=Long",
            "28/32 | SHIRT-RED-ANY | Trail Shirt - Red, Slim, Short | 31.90 | 20 | Active | Colour=Red Sleeve=Short | stock of 28",
            "28/33 | SHIRT-HIDDEN | Trail Shirt - Red, S, Slim, Long | 31.90 | 2 | Inactive | Colour=Red Size=S Sleeve=Long",
        ]
    );
}

#[tokio::test]
async fn a_variation_of_a_draft_is_not_for_sale() {
    let mut products = recorded("products-list-page-of-100");
    let list = products["response"]["body"].as_array_mut().unwrap();
    list.retain(|product| product["id"] == 34);
    list[0]["status"] = json!("draft");
    let pages = walk(vec![products, recorded("variations-list-parent-unmanaged")], None).await;
    assert!(pages[1].records.iter().all(|record| record.as_ref().unwrap().status == ChannelStatus::Inactive));
}

#[tokio::test]
async fn changes_are_asked_for_in_gmt_without_a_zone() {
    // The recorded filter is one second before the window: whether a shop counts the second itself is its own matter.
    let window = Window::new(at("2026-11-21T19:59:23.5Z"), at("2026-11-21T20:30:00Z")).unwrap();
    let mut changes = recorded("products-list-modified-after");
    changes["response"]["body"][1]["variations"] = json!([35, 36]);
    let pages = walk(vec![changes, recorded("variations-list-parent-unmanaged")], Some(window)).await;
    let first: Vec<_> =
        pages[0].records.iter().map(|r| r.as_ref().unwrap().reference.external_id.as_str()).collect();
    assert_eq!((first, pages[1].records.len()), (vec!["24"], 2));
    let until = Window::new(at("2026-11-21T19:59:23Z"), at("2026-11-21T19:59:24Z")).unwrap();
    let pages = walk(vec![recorded("products-list-modified-after")], Some(until)).await;
    assert_eq!(pages[0].records.len(), 1);
}

#[tokio::test]
async fn an_empty_shop_is_one_call() {
    assert!(walk(vec![recorded("products-list-empty-shop")], None).await[0].records.is_empty());
}

#[tokio::test]
async fn a_product_deleted_under_the_walk_hides_no_other() {
    let product = |id: u64| json!({ "id": id, "name": "P", "type": "simple", "status": "publish" });
    let page = |page: &str, ids: &[u64], total: &str| {
        let body = Value::Array(ids.iter().map(|id| product(*id)).collect());
        let mut exchange = exchange("GET", "products", json!({ "page": page, "orderby": "id" }), 200, body);
        exchange["response"]["headers"]["x-wp-total"] = json!(total);
        exchange["response"]["headers"]["x-wp-totalpages"] = json!("2");
        exchange
    };
    // Pages of 2 stand for pages of 100. After the first page product 1 is deleted, so 3 moves to page 1.
    let pages = walk(
        vec![page("1", &[1, 2], "4"), page("2", &[4], "3"), page("1", &[2, 3], "3"), page("2", &[4], "3")],
        None,
    )
    .await;
    let ids: Vec<_> = pages
        .iter()
        .flat_map(|page| &page.records)
        .map(|r| r.as_ref().unwrap().reference.external_id.clone())
        .collect();
    assert_eq!(ids, ["1", "2", "3", "4"]);
}

#[tokio::test]
async fn a_hundred_parents_with_long_names_fit_a_cursor() {
    let parent = |id: u64| json!({ "id": id, "name": "ä\"".repeat(250), "type": "variable", "status": "publish", "variations": [id + 1] });
    let body = Value::Array((0..100).map(|n| parent(1_000_000 + 2 * n)).collect());
    let replay = Replay::of([exchange("GET", "products", json!({}), 200, body)]);
    let setup = Setup::new();
    let mut page = Woocommerce.fetch_listings(&setup.shop(&replay), None, None).await.unwrap();
    let (mut calls, mut found) = (1, 0);
    while let Some(cursor) = page.next {
        assert!(cursor.0.len() <= 16 * 1024, "{} bytes", cursor.0.len());
        let first: Value = serde_json::from_str(&cursor.0).unwrap();
        let id = first["v"][0]["i"].as_u64().unwrap();
        let next = match first["v"][0].get("k") {
            Some(_) => exchange(
                "GET",
                &format!("products/{id}/variations"),
                json!({}),
                200,
                json!([{ "id": id + 1, "status": "publish" }]),
            ),
            None => exchange("GET", &format!("products/{id}"), json!({}), 200, parent(id)),
        };
        let replay = Replay::of([next]);
        page = Woocommerce.fetch_listings(&setup.shop(&replay), None, Some(&cursor)).await.unwrap();
        calls += 1;
        found += page.records.iter().filter(|record| record.is_ok()).count();
    }
    assert_eq!(found, 100);
    assert!(calls < 201, "{calls}");
}
