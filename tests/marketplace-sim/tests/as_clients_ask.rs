//! What client libraries ask that our own adapters do not (`tests/clients` drives the libraries themselves).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use marketplace_sim::amazon::{AmazonShop, SELLER};
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::etsy::EtsyShop;
use marketplace_sim::shopify::ShopifyShop;
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, SimClock, SimulatedShop, Sold, serve};
use serde_json::{Value, json};

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";

/// A clock that a test moves.
#[derive(Clone)]
struct Hands(Arc<Mutex<Timestamp>>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(Mutex::new("2026-11-20T12:00:00Z".parse().unwrap())))
    }

    fn clock(&self) -> SimClock {
        let hands = Arc::clone(&self.0);
        Arc::new(move || *hands.lock().unwrap())
    }

    fn pass(&self, time: SignedDuration) {
        let mut now = self.0.lock().unwrap();
        *now = now.checked_add(time).unwrap();
    }
}

fn goods(sku: &str) -> Goods {
    Goods {
        sku: Some(sku.to_owned()),
        title: sku.to_owned(),
        price: "9.50".to_owned(),
        quantity: Some(20),
        ..Goods::default()
    }
}

fn put_on_sale(shop: &dyn SimulatedShop, skus: &[&str]) -> Vec<Sold> {
    skus.iter().map(|sku| shop.add(goods(sku)).pop().unwrap()).collect()
}

fn ask(
    shop: &dyn SimulatedShop,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = shop.handle(request.body(Bytes::from(body.to_owned())).unwrap());
    (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap_or_default())
}

/// Of each record of a list, one text.
fn texts(list: &Value, pointer: &str) -> Vec<String> {
    let text = |one: &Value| one.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    list.as_array().unwrap().iter().map(text).collect()
}

/// The library signs each parameter once, and sends it once in the address and once more behind it.
#[test]
fn woocommerce_counts_the_last_of_several_values_in_signatures_and_in_filters() {
    let hands = Hands::new();
    let shop = WoocommerceShop::new(Options::new(hands.clock()));
    put_on_sale(&shop, &["A", "B", "C"]);
    let signed = "oauth_consumer_key=ck_test&oauth_nonce=n&oauth_signature_method=HMAC-SHA256\
                  &oauth_timestamp=1795176000&page=2&per_page=2";
    let encoded = signed.replace('=', "%3D").replace('&', "%26");
    let base = format!("GET&http%3A%2F%2Fshop.example%2Fwp-json%2Fwc%2Fv3%2Fproducts&{encoded}");
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"cs_test&"), base.as_bytes());
    let signature: String =
        url::form_urlencoded::byte_serialize(STANDARD.encode(signature).as_bytes()).collect();
    let uri = |last: &str| {
        format!("http://shop.example/wp-json/wc/v3/products?{signed}&oauth_signature={signature}&{last}")
    };
    let (status, body) = ask(&shop, "GET", &uri("page=2&per_page=2"), &[], "");
    assert_eq!((status, body.as_array().map(Vec::len)), (200, Some(1)), "{body}");
    let (status, body) = ask(&shop, "GET", &uri("page=1"), &[], "");
    assert_eq!((status, &body["code"]), (401, &json!("woocommerce_rest_authentication_error")));
}

fn amazon_token(shop: &AmazonShop) -> String {
    let given = shop.credentials();
    let body = format!(
        "grant_type=refresh_token&refresh_token={}&client_id={}&client_secret={}",
        given["refresh_token"], given["client_id"], given["client_secret"]
    );
    let (_, granted) =
        ask(shop, "POST", "https://api.amazon.com/auth/o2/token", &[("content-type", FORM)], &body);
    granted["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn amazon_has_its_own_mind_where_a_search_says_nothing() {
    let hands = Hands::new();
    let shop = AmazonShop::new(hands.clock(), "USD");
    for sku in ["A", "B", "C"] {
        put_on_sale(&shop, &[sku]);
        hands.pass(SignedDuration::from_mins(1));
    }
    let token = amazon_token(&shop);
    let search = |query: &str| {
        let uri = format!("https://a.example/listings/2021-08-01/items/{SELLER}?{query}");
        ask(&shop, "GET", &uri, &[("x-amz-access-token", &token)], "")
    };
    // As a library sends the marketplace, to whatever operation.
    let spelled = "MarketplaceId=ATVPDKIKX0DER&MarketplaceIds=ATVPDKIKX0DER&marketplace_ids=ATVPDKIKX0DER\
                   &marketplaceIds=ATVPDKIKX0DER";
    let (status, body) = search(spelled);
    assert_eq!((status, texts(&body["items"], "/sku")), (200, vec!["C".into(), "B".into(), "A".into()]));
    assert_eq!(body.pointer("/items/0/summaries/0/itemName"), Some(&json!("C")));
    assert_eq!(body.pointer("/items/0/offers"), None);
    let (_, first) = search("marketplaceIds=ATVPDKIKX0DER&pageSize=2");
    let next = first.pointer("/pagination/nextToken").and_then(Value::as_str).unwrap();
    let (_, second) = search(&format!("marketplaceIds=ATVPDKIKX0DER&pageSize=2&pageToken={next}"));
    assert_eq!(texts(&second["items"], "/sku"), ["A"]);
    let (_, rising) = search("marketplaceIds=ATVPDKIKX0DER&sortOrder=ASC&includedData=offers");
    assert_eq!(texts(&rising["items"], "/sku"), ["A", "B", "C"]);
    assert_eq!(rising.pointer("/items/0/summaries"), None);
    hands.pass(SignedDuration::from_mins(1));
    assert_eq!(search("marketplaceIds=ATVPDKIKX0DER&sortOrder=up").0, 400);
    assert_eq!(search("marketplaceIds=ATVPDKIKX0DER&pagesize=2").0, 400);
}

#[test]
fn amazon_filters_orders_by_all_that_its_model_names() {
    let hands = Hands::new();
    let shop = AmazonShop::new(hands.clock(), "USD");
    let own = put_on_sale(&shop, &["A"]);
    let stored = shop.add_fba(goods("F"));
    let waiting = shop.sell_unpaid(&[(own[0].clone(), 1)]);
    let early: Timestamp = hands.clock()();
    hands.pass(SignedDuration::from_mins(10));
    let paid = shop.sell(&[(own[0].clone(), 1)]);
    let by_amazon = shop.sell(&[(stored[0].clone(), 1)]);
    hands.pass(SignedDuration::from_mins(10));
    let token = amazon_token(&shop);
    let search = |query: &str| {
        let uri = format!("https://a.example/orders/2026-01-01/orders?{query}");
        ask(&shop, "GET", &uri, &[("x-amz-access-token", &token)], "")
    };
    let cases: [(String, u16, &[&String]); 7] = [
        ("createdAfter=2026-11-01T00:00:00Z".into(), 200, &[&waiting, &paid, &by_amazon]),
        ("createdAfter=2026-11-01T00:00:00Z&fulfillmentStatuses=PENDING,SHIPPED".into(), 200, &[&waiting]),
        ("createdAfter=2026-11-01T00:00:00Z&fulfilledBy=AMAZON".into(), 200, &[&by_amazon]),
        (format!("createdAfter=2026-11-01T00:00:00Z&createdBefore={early}"), 200, &[&waiting]),
        (format!("lastUpdatedAfter=2026-11-01T00:00:00Z&createdBefore={early}"), 400, &[]),
        ("createdAfter=2026-11-01T00:00:00Z&createdBefore=2026-11-20T12:19:00Z".into(), 400, &[]),
        ("createdAfter=2026-11-01T00:00:00Z&fulfillmentStatuses=Shipped".into(), 400, &[]),
    ];
    for (query, status, orders) in cases {
        let (answered, body) = search(&query);
        assert_eq!(answered, status, "{query}: {body}");
        if status == 200 {
            assert_eq!(texts(&body["orders"], "/orderId").iter().collect::<Vec<_>>(), orders, "{query}");
        }
    }
}

#[test]
fn amazon_takes_a_code_without_the_address_but_not_with_another() {
    let shop = AmazonShop::new(Hands::new().clock(), "USD");
    let given = shop.credentials();
    for (address, status) in [
        ("", 200),
        ("&redirect_uri=https://client.example/back", 200),
        ("&redirect_uri=https://else.example/", 400),
    ] {
        let page = format!(
            "https://sellercentral.amazon.com/apps/authorize/consent?application_id={}&state=s&redirect_uri=https://client.example/back",
            given["application_id"]
        );
        let back = shop.consent(&page.parse().unwrap()).unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "spapi_oauth_code").unwrap().1.into_owned();
        let body = format!(
            "grant_type=authorization_code&code={code}&client_id={}&client_secret={}{address}",
            given["client_id"], given["client_secret"]
        );
        let uri = "https://api.amazon.com/auth/o2/token";
        assert_eq!(ask(&shop, "POST", uri, &[("content-type", FORM)], &body).0, status, "{address}");
    }
}

#[test]
fn ebay_filters_orders_by_shipping_and_shows_those_of_90_days() {
    let hands = Hands::new();
    let shop = EbayShop::new(ebay::Options::new(hands.clock()));
    let listing = put_on_sale(&shop, &["A"]).pop().unwrap();
    let old = shop.sell(&[(listing.clone(), 1)]);
    hands.pass(SignedDuration::from_hours(24 * 91));
    let sent = shop.sell(&[(listing.clone(), 1)]);
    shop.fulfil(&sent);
    let waiting = shop.sell(&[(listing, 1)]);
    let given = shop.credentials();
    let basic = STANDARD.encode(format!("{}:{}", given["client_id"], given["client_secret"]));
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "refresh_token")
        .append_pair("refresh_token", &given["refresh_token"])
        .finish();
    let headers = [("content-type", FORM), ("authorization", &format!("Basic {basic}"))];
    let (_, granted) = ask(&shop, "POST", "https://api.ebay.com/identity/v1/oauth2/token", &headers, &form);
    let bearer = format!("Bearer {}", granted["access_token"].as_str().unwrap());
    let ever = "creationdate:[2026-11-01T00:00:00.000Z..]";
    let cases: [(&str, u16, &[&String]); 8] = [
        ("", 200, &[&sent, &waiting]),
        (ever, 200, &[&old, &sent, &waiting]),
        ("orderfulfillmentstatus:{NOT_STARTED|IN_PROGRESS}", 200, &[&waiting]),
        ("orderfulfillmentstatus:{FULFILLED|IN_PROGRESS}", 200, &[&sent]),
        (&format!("{ever},orderfulfillmentstatus:{{NOT_STARTED|IN_PROGRESS}}"), 200, &[&old, &waiting]),
        // Of two periods that of creation counts.
        (&format!("lastmodifieddate:[2027-02-01T00:00:00.000Z..],{ever}"), 200, &[&old, &sent, &waiting]),
        ("orderfulfillmentstatus:{FULFILLED}", 400, &[]),
        ("paymentstatus:{PAID}", 400, &[]),
    ];
    for (filter, status, orders) in cases {
        let mut uri = url::Url::parse("https://api.ebay.com/sell/fulfillment/v1/order").unwrap();
        if !filter.is_empty() {
            uri.query_pairs_mut().append_pair("filter", filter);
        }
        let (answered, body) = ask(&shop, "GET", uri.as_str(), &[("authorization", &bearer)], "");
        assert_eq!(answered, status, "{filter}: {body}");
        if status == 200 {
            let mut found = texts(&body["orders"], "/orderId");
            let mut wanted: Vec<String> = orders.iter().map(|id| (*id).clone()).collect();
            found.sort();
            wanted.sort();
            assert_eq!(found, wanted, "{filter}");
        }
    }
}

#[test]
fn etsy_takes_json_for_tokens_and_lists_by_their_brackets_and_shows_an_inventory() {
    let hands = Hands::new();
    let shop = EtsyShop::new(hands.clock());
    let listings = put_on_sale(&shop, &["A", "B"]);
    let paid = shop.sell(&[(listings[0].clone(), 1)]);
    hands.pass(SignedDuration::from_mins(1));
    let waiting = shop.sell_unpaid(&[(listings[1].clone(), 1)]);
    let second_minute = hands.clock()().as_second();
    let given = shop.credentials();
    let asked = json!({
        "grant_type": "refresh_token", "client_id": given["client_id"], "refresh_token": given["refresh_token"],
    });
    let uri = "https://api.etsy.com/v3/public/oauth/token";
    let (status, granted) = ask(&shop, "POST", uri, &[("content-type", JSON)], &asked.to_string());
    assert_eq!(status, 200, "{granted}");
    let bearer = format!("Bearer {}", granted["access_token"].as_str().unwrap());
    let key = format!("{}:{}", given["client_id"], given["client_secret"]);
    let get = |route: &str| {
        // No more than the application's ten in a second.
        hands.pass(SignedDuration::from_secs(1));
        let uri = format!("https://openapi.etsy.com/v3/application/{route}");
        ask(&shop, "GET", &uri, &[("authorization", &bearer), ("x-api-key", &key)], "")
    };
    let (_, me) = get("users/me");
    let own = me["shop_id"].as_u64().unwrap();

    for (query, with) in [
        ("includes=Shop,Inventory", true),
        ("includes[]=Inventory", true),
        ("includes[]=Shop&includes[]=Inventory", true),
        ("includes[]=Shop", false),
    ] {
        let (_, body) = get(&format!("shops/{own}/listings?{query}"));
        assert_eq!(body.pointer("/results/0/inventory").is_some(), with, "{query}: {body}");
    }
    let (status, inventory) = get(&format!("listings/{}/inventory", listings[0].external_id));
    assert_eq!((status, inventory.pointer("/products/0/sku")), (200, Some(&json!("A"))), "{inventory}");
    assert_eq!(inventory.pointer("/products/0/offerings/0/quantity"), Some(&json!(19)));
    assert_eq!(get("listings/1/inventory").0, 404);

    let cases: [(&str, u16, &[&String]); 5] = [
        ("was_paid=true", 200, &[&paid]),
        ("was_paid=false&was_shipped=false", 200, &[&waiting]),
        ("was_canceled=true", 200, &[]),
        (&format!("min_created={second_minute}"), 200, &[&waiting]),
        ("was_paid=yes", 400, &[]),
    ];
    for (query, status, orders) in cases {
        let (answered, body) = get(&format!("shops/{own}/receipts?{query}"));
        assert_eq!(answered, status, "{query}: {body}");
        if status == 200 {
            let ids = body["results"].as_array().unwrap().iter().map(|one| one["receipt_id"].to_string());
            assert_eq!(ids.collect::<Vec<_>>().iter().collect::<Vec<_>>(), orders, "{query}");
        }
    }
}

#[test]
fn shopify_keeps_closed_locations_back_and_sorts_orders_by_itself() {
    let hands = Hands::new();
    let shop = ShopifyShop::new(hands.clock());
    let listing = put_on_sale(&shop, &["A"]).pop().unwrap();
    let first = shop.sell(&[(listing.clone(), 1)]);
    hands.pass(SignedDuration::from_mins(1));
    let second = shop.sell(&[(listing, 1)]);
    hands.pass(SignedDuration::from_mins(1));
    shop.fulfil(&first);
    let token = shop.credentials()["access_token"].clone();
    let query = |text: &str| {
        let uri = "https://fictional.myshopify.com/admin/api/2026-10/graphql.json";
        let headers = [("content-type", JSON), ("x-shopify-access-token", token.as_str())];
        ask(&shop, "POST", uri, &headers, &json!({ "query": text }).to_string()).1
    };
    let open = query("{ locations(first: 9) { nodes { isActive } } }");
    assert_eq!(
        open.pointer("/data/locations/nodes"),
        Some(&json!([{ "isActive": true }, { "isActive": true }]))
    );
    let all = query("{ locations(first: 9, includeInactive: true) { nodes { isActive } } }");
    assert_eq!(all.pointer("/data/locations/nodes").and_then(Value::as_array).map(Vec::len), Some(3));
    for (sorted, wanted) in [
        ("", [&first, &second]),
        (", sortKey: CREATED_AT", [&first, &second]),
        (", sortKey: UPDATED_AT", [&second, &first]),
        (", sortKey: ID", [&first, &second]),
    ] {
        let body = query(&format!("{{ orders(first: 5{sorted}) {{ edges {{ node {{ id }} }} }} }}"));
        let ids = texts(&body["data"]["orders"]["edges"], "/node/id");
        let wanted: Vec<String> = wanted.iter().map(|id| format!("gid://shopify/Order/{id}")).collect();
        assert_eq!(ids, wanted, "{sorted}: {body}");
    }
    for turned in ["first: 5, reverse: true", "last: 5"] {
        let body = query(&format!("{{ orders({turned}) {{ edges {{ node {{ id }} }} }} }}"));
        assert_eq!(
            body.pointer("/errors/0/extensions/code"),
            Some(&json!("BAD_REQUEST")),
            "{turned}: {body}"
        );
    }
}

#[tokio::test]
async fn a_served_shop_sends_who_opens_its_page_of_consent_back() {
    let shop: Arc<dyn SimulatedShop> = Arc::new(AmazonShop::new(Hands::new().clock(), "USD"));
    let application = shop.credentials()["application_id"].clone();
    let served = serve(shop, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
    let client =
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap();
    for (asked, status) in [(application.as_str(), 302), ("another", 404)] {
        let page = format!(
            "{}/apps/authorize/consent?application_id={asked}&state=s&redirect_uri=https://client.example/back",
            served.url()
        );
        let answer = client.get(page).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let back = answer.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let right = back.is_some_and(|back| back.starts_with("https://client.example/back?state=s&"));
        assert_eq!(right, status == 302);
    }
}
