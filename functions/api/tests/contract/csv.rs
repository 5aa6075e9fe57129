//! Tables out and in.

use domain::order::Buyer;
use serde_json::{Value, json};

use crate::orders::order;
use crate::world::{Answer, World};

async fn export(world: &World, table: &str) -> Vec<Vec<String>> {
    let answer = world.get(&format!("/v1/exports/{table}")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("content-type").starts_with("text/csv"), "{}", answer.header("content-type"));
    rows(&answer.raw)
}

/// Cells of a table whose cells have no comma, quote or line break.
fn rows(raw: &[u8]) -> Vec<Vec<String>> {
    let text = std::str::from_utf8(raw).unwrap();
    assert!(text.ends_with("\r\n"));
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn column<'a>(table: &'a [Vec<String>], name: &str) -> Vec<&'a str> {
    let at = table[0].iter().position(|cell| cell == name).unwrap();
    table[1..].iter().map(|row| row[at].as_str()).collect()
}

async fn import(world: &World, query: &str, table: &str) -> Answer {
    let body = Some(Value::String(table.to_owned()));
    let path = format!("/v1/imports/items.csv{query}");
    world.request(Some(&world.key), "POST", &path, body, &[("content-type", "text/csv")]).await
}

const TABLE: &str = "\u{feff}SKU,name,selling_price,opening_stock,colour\r\n\
    MUG,Mug,9.50,7,red\r\n\
    TEE,Tee,,,blue\r\n\
    ,No SKU,1,,\r\n\
    mug,Mug again,1,,\r\n\
    CUP,,2,,\r\n\
    POT,Pot,1.234,,\r\n\
    PAN,Pan,-1,-3,\r\n";

#[tokio::test]
async fn an_import_says_first_what_it_would_do_and_names_the_problem_of_each_row() {
    let world = World::new().await;
    let dry = import(&world, "?dry_run=true", TABLE).await.ok();
    assert_eq!(dry["dry_run"], true);
    assert_eq!(dry["totals"], json!({"created": 2, "updated": 0, "unchanged": 0, "failed": 5}));
    assert_eq!(dry["ignored_columns"], json!(["colour"]));
    let failed: Vec<(u64, &str, &str)> = dry["rows"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["outcome"] == "failed")
        .map(|row| {
            let error = &row["errors"][0];
            (row["row"].as_u64().unwrap(), error["column"].as_str().unwrap(), error["code"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        failed,
        [
            (4, "sku", "missing_field"),
            (5, "sku", "duplicate_sku"),
            (6, "name", "missing_field"),
            (7, "selling_price", "invalid_price"),
            (8, "selling_price", "invalid_price"),
        ]
    );
    assert_eq!(world.get("/v1/items").await.ok()["data"], json!([]));
    // Done, it does what it said.
    let done = import(&world, "", TABLE).await.ok();
    assert_eq!(done["totals"], dry["totals"]);
    let mug = world.get("/v1/items?sku=MUG").await.ok()["data"][0].clone();
    assert_eq!(mug["selling_price"], json!({"amount": "9.50", "currency": "EUR"}));
    let stock = world.get(&format!("/v1/items/{}/stock", mug["id"].as_str().unwrap())).await.ok();
    assert_eq!(stock["on_hand"], 7);
}

#[tokio::test]
async fn a_table_sent_again_changes_nothing_and_an_empty_cell_leaves_what_is_there() {
    let world = World::new().await;
    let table = "sku,name,selling_price,barcode\r\nMUG,Mug,9.50,4006381333931\r\n";
    assert_eq!(import(&world, "", table).await.ok()["totals"]["created"], 1);
    assert_eq!(import(&world, "", table).await.ok()["totals"]["unchanged"], 1);
    let other = "sku,name,selling_price,barcode\r\n mug ,,10,\r\n";
    assert_eq!(import(&world, "", other).await.ok()["totals"]["updated"], 1);
    let mug = world.get("/v1/items?sku=MUG").await.ok()["data"][0].clone();
    assert_eq!((&mug["name"], &mug["barcode"]), (&json!("Mug"), &json!("4006381333931")));
    assert_eq!(mug["selling_price"]["amount"], "10.00");
    let stock = import(&world, "", "sku,opening_stock\r\nMUG,5\r\n").await.ok();
    assert_eq!(stock["rows"][0]["errors"][0]["code"], "item_exists");
}

#[tokio::test]
async fn what_is_no_table_is_refused() {
    let world = World::new().await;
    for table in ["", "name\r\nMug\r\n", "sku,name\r\nA\r\n", "sku,SKU\r\nA,B\r\n", "sku\r\n\u{0}\"\r\n,,,"] {
        import(&world, "", table).await.refused(422, "malformed_csv", None);
    }
    let many: String =
        std::iter::once("sku\r\n".to_owned()).chain((0..1001).map(|n| format!("S{n}\r\n"))).collect();
    import(&world, "", &many).await.refused(422, "malformed_csv", None);
    world.post("/v1/imports/items.csv", json!({})).await.refused(415, "unsupported_media_type", None);
}

#[tokio::test]
async fn an_export_of_items_has_their_stock_and_comes_back_as_it_was() {
    let world = World::new().await;
    for (sku, name) in [("MUG", "=cmd|calc"), ("TEE", "Tee")] {
        let input = json!({"sku": sku, "name": name, "selling_price": {"amount": "9.50", "currency": "EUR"},
            "opening_stock": [{"location_id": world.primary().await, "quantity": 4}]});
        world.post("/v1/items", input).await.ok();
    }
    let table = export(&world, "items.csv").await;
    assert_eq!(column(&table, "name"), ["'=cmd|calc", "Tee"]);
    assert_eq!(column(&table, "available"), ["4", "4"]);
    let raw = world.get("/v1/exports/items.csv").await.raw;
    let again = import(&world, "", std::str::from_utf8(&raw).unwrap()).await.ok();
    assert_eq!(again["totals"], json!({"created": 0, "updated": 0, "unchanged": 2, "failed": 0}));
}

#[tokio::test]
async fn an_export_of_movements_sums_to_the_levels() {
    let world = World::new().await;
    let primary = world.primary().await;
    let mut items = Vec::new();
    for sku in ["MUG", "TEE"] {
        let id = world.item(sku).await;
        for delta in [5, -2, 9] {
            let line = json!({"item_id": id, "delta": delta});
            world.post("/v1/adjustments", json!({"location_id": primary, "lines": [line]})).await.ok();
        }
        items.push(id);
    }
    let all = export(&world, "movements.csv").await;
    let one = export(&world, &format!("movements.csv?item_id={}", items[0])).await;
    assert_eq!((all.len(), one.len()), (7, 4));
    for id in &items {
        let ids = column(&all, "item_id");
        let deltas = column(&all, "on_hand_delta");
        let sum: i64 = ids
            .iter()
            .zip(deltas)
            .filter(|(item, _)| *item == id)
            .map(|(_, d)| d.parse::<i64>().unwrap())
            .sum();
        assert_eq!(sum, 12);
    }
    let (_, other) = world.new_organization("EUR").await;
    let path = format!("/v1/exports/movements.csv?item_id={}", items[0]);
    world.request(Some(&other), "GET", &path, None, &[]).await.refused(404, "not_found", None);
    world.get("/v1/exports/movements.csv?cursor=x").await.refused(400, "invalid_cursor", Some("/cursor"));
}

#[tokio::test]
async fn h7_an_export_of_orders_has_a_row_a_line_and_nobody_in_it() {
    let world = World::new().await;
    let connection = world.connect().await;
    let id = order(&world, &connection, "1001", true).await;
    let buyer = Buyer { name: Some("Ada Lovelace".to_owned()), ..Buyer::default() };
    world.app.store.put_buyer(&world.organization, &id, &buyer, None).await.unwrap();
    let table = export(&world, "orders.csv").await;
    assert_eq!(column(&table, "order_id"), [id.as_str()]);
    assert_eq!((column(&table, "quantity"), column(&table, "unit_price")), (vec!["2"], vec!["9.99"]));
    let raw = String::from_utf8(world.get("/v1/exports/orders.csv").await.raw.to_vec()).unwrap();
    assert!(!raw.contains("Ada"), "{raw}");
}
