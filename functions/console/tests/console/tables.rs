//! Items in from a table, first looked at, then with a yes; tables out.

use serde_json::json;

use crate::browser::Browser;
use crate::world::World;

const TABLE: &str = "sku,name,selling_price,opening_stock,colour\r\nMUG,Mug,9.50,7,red\r\nTEE,Tee,,,blue\r\n\
    ,No SKU,1,,\r\nCUP,,2,,\r\nPOT,Pot,1.234,,\r\n";

#[tokio::test]
async fn a_table_is_looked_at_row_by_row_before_anything_is_done() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    browser.get("/items").await.ok().shows("href=\"/items/import\"").shows("href=\"/exports/items.csv\"");
    browser.get("/items/import").await.ok().shows("type=\"file\"").shows("multipart/form-data");
    let looked = browser.post_file("/items/import", "table", TABLE.as_bytes()).await;
    looked.ok().shows("What would happen").shows("<dt>New</dt><dd>2</dd>").shows("<dt>Failed</dt><dd>3</dd>");
    looked.shows("sku: must be given").shows("name: must be given for a new item").shows("selling price: ");
    looked.shows("Columns that are not read: colour").shows("name=\"apply\"");
    browser.get("/items").await.ok().shows("No items yet");
    // What the hidden field holds is the table that was looked at.
    let table = looked.between("<textarea name=\"table\" hidden>", "</textarea>").replace("&#38;", "&");
    let done = browser.post("/items/import", &[("table", &table), ("apply", "1")]).await;
    done.ok().shows("What happened").shows("<dt>New</dt><dd>2</dd>").hides("name=\"apply\"");
    done.shows("href=\"/items/itm_");
    let items = browser.get("/items").await;
    items.ok().shows("Mug").shows("9.50 EUR").shows("<strong>7</strong>").hides("Pot");
    let again = browser.post_file("/items/import", "table", TABLE.as_bytes()).await;
    again.shows("is for new items; an adjustment changes the stock").shows("<dt>Unchanged</dt><dd>1</dd>");
}

#[tokio::test]
async fn what_is_no_table_says_why() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    browser.post_file("/items/import", "table", b"").await.ok().shows("Choose a file.");
    browser.post_file("/items/import", "table", b"name\r\nMug\r\n").await.ok().shows("role=\"alert\"");
    let latin = browser.post_file("/items/import", "table", b"sku,name\r\nA,Caf\xe9\r\n").await;
    assert_eq!(latin.status, 422);
    latin.shows("UTF-8");
    let long = browser.post_file("/items/import", "table", &vec![b'a'; console::FORM_BYTES_MAX]).await;
    assert_eq!(long.status, 413);
    long.shows("longer than 1 MiB");
}

#[tokio::test]
async fn a_formula_in_a_cell_is_shown_as_text() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    let table = "sku,name\r\n</textarea><b>,\r\nOK,<i>fine</i>\r\n";
    let looked = browser.post_file("/items/import", "table", table.as_bytes()).await;
    looked.ok().hides("<b>").hides("<i>fine").shows("&#60;/textarea&#62;");
}

#[tokio::test]
async fn tables_are_what_the_api_exports() {
    let world = World::new().await;
    let item = world.stocked("MUG", 10).await;
    let line = json!({"item_id": item, "quantity": 2});
    world.post("/v1/orders", json!({"lines": [line]})).await.ok();
    let browser = Browser::signed_in(&world).await;
    for table in ["items", "orders", "movements"] {
        let file = browser.get(&format!("/exports/{table}.csv")).await;
        file.ok();
        assert!(file.header("content-type").starts_with("text/csv"));
        assert_eq!(file.header("content-disposition"), format!("attachment; filename=\"{table}.csv\""));
        let raw = world.get(&format!("/v1/exports/{table}.csv")).await.raw;
        assert_eq!(file.html.as_bytes(), &raw[..], "{table}");
    }
    assert_eq!(browser.get("/exports/buyers.csv").await.status, 404);
    assert_eq!(Browser::stranger(&world).get("/exports/items.csv").await.status, 303);
}
