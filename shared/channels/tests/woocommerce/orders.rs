use channels::woocommerce::Woocommerce;
use channels::{Channel, Cursor, OrderQuery, Page};
use domain::order::{ChannelOrderState, FetchedLine, FetchedOrder, PaymentStatus};
use domain::schedule::Window;
use serde_json::{Value, json};

use crate::replay::{Replay, Setup, at, exchange, listed, recorded};

async fn fetch(exchanges: Vec<Value>, query: &OrderQuery, cursor: Option<&Cursor>) -> Page<FetchedOrder> {
    let replay = Replay::of(exchanges);
    let page = Woocommerce.fetch_orders(&Setup::new().shop(&replay), query, cursor).await.unwrap();
    replay.done();
    page
}

async fn by_id(id: &str, mut further: Vec<Value>, name: &str) -> FetchedOrder {
    further.insert(0, listed(name, json!({ "include": id })));
    let mut page = fetch(further, &OrderQuery::Ids(vec![id.to_owned()]), None).await;
    assert_eq!((page.records.len(), page.next), (1, None));
    page.records.remove(0).unwrap()
}

fn window(from: &str, to: &str) -> OrderQuery {
    OrderQuery::Changed(Window::new(at(from), at(to)).unwrap())
}

fn line(line: &FetchedLine) -> String {
    let listing = line.listing.as_ref().map(|listing| {
        let variation = listing.variation_id.as_ref().map(|id| format!("/{id}")).unwrap_or_default();
        format!("{}{variation}", listing.external_id)
    });
    format!(
        "{} {} {} x{} at {}",
        line.line_id,
        listing.unwrap_or_else(|| "-".to_owned()),
        line.sku.as_deref().unwrap_or("-"),
        line.quantity,
        line.unit_price.map_or("-".to_owned(), |price| price.amount()),
    )
}

fn lines(order: &FetchedOrder) -> Vec<String> {
    order.lines.iter().map(line).collect()
}

/// Asked about products of which lines may have lost their variation.
fn kinds(ids: &str, found: Value) -> Value {
    exchange("GET", "products", json!({ "include": ids, "status": "any" }), 200, found)
}

#[tokio::test]
async fn a_window_of_orders_comes_in_one_page() {
    use ChannelOrderState::{Cancelled, Confirmed, Fulfilled, Pending};
    let exchanges = vec![
        recorded("orders-list-modified-after"),
        kinds("34", json!([{ "id": 34, "type": "variable" }])),
        recorded("refunds-list"),
    ];
    let page = fetch(exchanges, &window("2026-11-21T19:59:31Z", "2026-11-21T21:00:00Z"), None).await;
    assert_eq!((page.next, page.total), (None, Some(15)));
    let found: Vec<_> = page.records.iter().map(|record| record.as_ref().unwrap()).collect();
    let states: Vec<_> = found.iter().map(|order| (order.external_id.as_str(), order.state)).collect();
    assert_eq!(
        states,
        [
            ("40", Pending),
            ("43", Fulfilled),
            ("44", Cancelled),
            ("45", Cancelled),
            ("46", Cancelled),
            ("48", Pending),
            ("51", Pending),
            ("39", Confirmed),
            ("57", Confirmed),
            ("58", Confirmed),
            ("59", Confirmed),
            ("60", Confirmed),
            ("41", Confirmed),
            ("42", Fulfilled),
            ("61", Pending),
        ]
    );
    let unknown: Vec<_> = found.iter().filter_map(|order| order.unknown_state.as_deref()).collect();
    assert_eq!(unknown, ["packed"]);
    // What was refunded before it was sent is no longer wanted.
    let refunded = found.iter().find(|order| order.external_id == "39").unwrap();
    let quantities: Vec<_> = refunded.lines.iter().map(|line| line.quantity.get()).collect();
    assert_eq!((quantities, refunded.payment), (vec![1, 0, 1], PaymentStatus::PartRefunded));
}

#[tokio::test]
async fn what_changed_after_the_window_is_left_for_the_next() {
    let kinds = kinds("34", json!([{ "id": 34, "type": "variable" }]));
    let until = window("2026-11-21T19:59:31Z", "2026-11-21T19:59:34Z");
    let page = fetch(vec![recorded("orders-list-modified-after"), kinds], &until, None).await;
    let ids: Vec<_> =
        page.records.iter().map(|record| record.as_ref().unwrap().external_id.as_str()).collect();
    assert_eq!((ids, page.next), (vec!["40", "43", "44", "45", "46", "48"], None));
}

#[tokio::test]
async fn each_status_has_its_meaning() {
    use ChannelOrderState::{Cancelled, Confirmed, Fulfilled, Pending};
    let cases = [
        ("40", "orders-get-pending", Pending, PaymentStatus::Pending),
        ("41", "orders-get-on-hold", Pending, PaymentStatus::Pending),
        ("42", "orders-get-processing", Confirmed, PaymentStatus::Paid),
        ("43", "orders-get-completed", Fulfilled, PaymentStatus::Paid),
        ("44", "orders-get-cancelled", Cancelled, PaymentStatus::Voided),
        ("45", "orders-get-failed", Cancelled, PaymentStatus::Voided),
        ("46", "orders-get-refunded", Cancelled, PaymentStatus::Refunded),
        ("61", "orders-get-storefront-checkout", Pending, PaymentStatus::Pending),
    ];
    for (id, name, state, payment) in cases {
        let order = by_id(id, Vec::new(), name).await;
        assert_eq!((order.state, order.payment, order.unknown_state), (state, payment, None), "{name}");
    }
}

#[tokio::test]
async fn an_order_is_read_whole() {
    let order = by_id("39", Vec::new(), "orders-get-full").await;
    assert_eq!(order.number, "39");
    assert_eq!((order.placed_at, order.changed_at), (at("2026-11-21T19:59:31Z"), at("2026-11-21T19:59:31Z")));
    assert_eq!(order.total.unwrap().amount(), "80.48");
    assert_eq!(
        lines(&order),
        ["1 11 MUG-001 x2 at 13.54", "2 28/29 SHIRT-BLUE-S x1 at 22.61", "3 25 BOOK-013 x1 at 12.61"]
    );
    assert_eq!(order.lines[0].title, "Enamel Mug & Saucer");
    assert_eq!(order.lines[0].tax.unwrap().amount(), "5.14");
    assert_eq!(order.buyer.name.as_deref(), Some("Mia Muster"));
    assert_eq!(order.buyer.email.as_deref(), Some("mia.muster@example.com"));
    let address = order.buyer.shipping_address.as_ref().unwrap();
    assert_eq!(
        (address.lines.as_slice(), address.country.as_deref()),
        (&["Musterweg 1".to_owned(), "2. OG".to_owned()][..], Some("DE"))
    );
    assert!(!format!("{order:?}").contains("Muster "), "a buyer is not printed");
}

#[tokio::test]
async fn lines_of_deleted_goods_name_no_listing() {
    let order = by_id(
        "57",
        vec![kinds("34", json!([{ "id": 34, "type": "variable" }]))],
        "orders-get-deleted-product",
    )
    .await;
    assert_eq!(lines(&order), ["41 - - x2 at 5.88", "42 - - x1 at 6.72", "43 25 BOOK-013 x1 at 14.00"]);
    // The same line of a simple product, with a plugin's note: it is what it says.
    let order =
        by_id("57", vec![kinds("34", json!([{ "id": 34, "type": "simple" }]))], "orders-get-deleted-product")
            .await;
    assert_eq!(lines(&order)[1], "42 34 - x1 at 6.72");
}

#[tokio::test]
async fn an_edit_is_what_the_order_is_now() {
    let order = by_id("58", Vec::new(), "orders-get-edited").await;
    let recorded = recorded("orders-get-edited");
    let expected: Vec<_> = recorded["response"]["body"]["line_items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["quantity"].as_u64())
        .collect();
    let found: Vec<_> = order.lines.iter().map(|line| Some(u64::from(line.quantity.get()))).collect();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_trashed_order_is_found_by_its_id_and_a_deleted_one_is_reported() {
    let mut trashed = recorded("orders-get-trash");
    trashed["request"]["query"] = json!({});
    let exchanges = vec![
        exchange("GET", "orders", json!({ "include": "49,999999" }), 200, json!([])),
        trashed,
        recorded("orders-get-missing"),
    ];
    let ids = ["49", "999999", "no-id"].map(str::to_owned).to_vec();
    let page = fetch(exchanges, &OrderQuery::Ids(ids), None).await;
    let order = page.records[0].as_ref().unwrap();
    assert_eq!(order.state, ChannelOrderState::Cancelled);
    // Going to the trash moved no date, and is the newer state all the same.
    assert_eq!(order.changed_at, at("2026-11-21T19:59:33.001Z"));
    for record in &page.records[1..] {
        assert_eq!(record.as_ref().unwrap_err().code, "order_gone");
    }
}

#[tokio::test]
async fn what_was_refunded_after_it_was_sent_stays_sent() {
    let mut order = recorded("orders-get-partial-refund")["response"]["body"].clone();
    order["status"] = json!("completed");
    for (completed, quantities) in [("2026-11-21T19:59:35", [2, 1, 1]), ("2026-11-21T19:59:36", [1, 0, 1])] {
        order["date_completed_gmt"] = json!(completed);
        let list = exchange("GET", "orders", json!({ "include": "39" }), 200, json!([order]));
        let page =
            fetch(vec![list, recorded("refunds-list")], &OrderQuery::Ids(vec!["39".to_owned()]), None).await;
        let order = page.records[0].as_ref().unwrap();
        let found: Vec<_> = order.lines.iter().map(|line| line.quantity.get()).collect();
        assert_eq!(found, quantities, "completed at {completed}");
        assert!(order.lines.iter().all(|line| line.shipped == line.quantity));
    }
}

#[tokio::test]
async fn many_refunds_are_several_pages() {
    let refunded = |id: u64| {
        let mut order = recorded("orders-get-partial-refund")["response"]["body"].clone();
        order["id"] = json!(id);
        order["date_modified_gmt"] = json!(format!("2026-11-21T20:{:02}:00", id % 60));
        order
    };
    let all: Vec<Value> = (100..130).map(refunded).collect();
    let refunds = |id: u64| exchange("GET", &format!("orders/{id}/refunds"), json!({}), 200, json!([]));
    let list = |orders: &[Value], after: &str| {
        exchange("GET", "orders", json!({ "modified_after": after }), 200, json!(orders))
    };
    let query = window("2026-11-21T20:00:00Z", "2026-11-21T23:00:00Z");
    let mut first = vec![list(&all, "2026-11-21T19:59:59")];
    let order =
        |orders: &mut Vec<Value>| orders.sort_by_key(|o| o["date_modified_gmt"].as_str().unwrap().to_owned());
    let mut sorted = all.clone();
    order(&mut sorted);
    first[0]["response"]["body"] = json!(sorted);
    first.extend(sorted[..20].iter().map(|o| refunds(o["id"].as_u64().unwrap())));
    let page = fetch(first, &query, None).await;
    assert_eq!(page.records.len(), 20);
    // The last one comes again, by its second, and is not given out again.
    let last = sorted[19]["date_modified_gmt"].as_str().unwrap();
    let before = at(&format!("{last}Z")).checked_sub(jiff::SignedDuration::from_secs(1)).unwrap().to_string();
    let mut second = vec![list(&sorted[19..], before.trim_end_matches('Z'))];
    second.extend(sorted[20..].iter().map(|o| refunds(o["id"].as_u64().unwrap())));
    let page = fetch(second, &query, page.next.as_ref()).await;
    assert_eq!((page.records.len(), page.next), (10, None));
}
