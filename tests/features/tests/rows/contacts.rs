//! Who bought, as the channel tells it: G2, G3.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use domain::ChannelKind;
use features::{Hub, Shop, goods};
use jiff::SignedDuration;
use marketplace_sim::Sold;
use serde_json::{Value, json};

use crate::rows;

rows![g2_a_new_buyer_is_a_contact_and_one_only, g3_buyers_are_told_apart_by_e_mail_and_without_one_by_name,];

/// Name and e-mail address.
type Person = (Option<&'static str>, Option<&'static str>);

/// Who bought, by the channel's order id: written into whatever the channel answers, where it writes its buyers.
#[derive(Clone)]
struct Buyers {
    on: ChannelKind,
    of: Arc<Mutex<BTreeMap<String, Person>>>,
}

impl Buyers {
    fn name(&self, body: Bytes) -> Bytes {
        let Ok(mut value) = serde_json::from_slice::<Value>(&body) else { return body };
        self.walk(&mut value);
        value.to_string().into()
    }

    fn walk(&self, value: &mut Value) {
        if let Some(person) = self.buyer_of(value) {
            write_buyer(self.on, value, person);
        }
        match value {
            Value::Object(fields) => fields.values_mut().for_each(|value| self.walk(value)),
            Value::Array(values) => values.iter_mut().for_each(|value| self.walk(value)),
            _ => {}
        }
    }

    /// Of an order.
    fn buyer_of(&self, value: &Value) -> Option<Person> {
        let id = match self.on {
            ChannelKind::Amazon | ChannelKind::Ebay => &value["orderId"],
            ChannelKind::Etsy => &value["receipt_id"],
            ChannelKind::Shopify => &value["id"],
            ChannelKind::Woocommerce => value.get("billing").map(|_| &value["id"])?,
        };
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let id = id.strip_prefix("gid://shopify/Order/").unwrap_or(&id);
        self.of.lock().unwrap().get(id).copied()
    }
}

fn write_buyer(on: ChannelKind, order: &mut Value, (name, email): Person) {
    let (name, email) = (json!(name), json!(email));
    // An answer of a part of an order has no place for it.
    let put = |order: &mut Value, place: &str, value: &Value| {
        if let Some(there) = order.pointer_mut(place) {
            *there = value.clone();
        }
    };
    match on {
        ChannelKind::Amazon => {
            put(order, "/buyer/buyerName", &name);
            put(order, "/buyer/buyerEmail", &email);
            put(order, "/recipient/deliveryAddress/name", &name);
        }
        ChannelKind::Ebay => {
            for party in
                ["/buyer/buyerRegistrationAddress", "/fulfillmentStartInstructions/0/shippingStep/shipTo"]
            {
                put(order, &format!("{party}/fullName"), &name);
                put(order, &format!("{party}/email"), &email);
            }
        }
        ChannelKind::Etsy => {
            put(order, "/name", &name);
            put(order, "/buyer_email", &email);
        }
        ChannelKind::Shopify => {
            put(order, "/shippingAddress/name", &name);
            put(order, "/billingAddress/name", &name);
            put(order, "/email", &email);
        }
        // What is not there is an empty text.
        ChannelKind::Woocommerce => {
            let text = |value: &Value| json!(value.as_str().unwrap_or_default());
            for party in ["/billing", "/shipping"] {
                put(order, &format!("{party}/first_name"), &text(&name));
                put(order, &format!("{party}/last_name"), &json!(""));
                put(order, &format!("{party}/email"), &text(&email));
            }
        }
    }
}

/// Two shops of one channel.
struct Street {
    hub: Hub,
    shops: [(Shop, Sold); 2],
    buyers: Buyers,
}

impl Street {
    async fn new(on: ChannelKind) -> Self {
        let hub = Hub::new().await;
        hub.item("MUG", "Mug", 50).await;
        let mut shops = Vec::new();
        for name in ["north", "south"] {
            let mut shop = Shop::open(&hub, on, name);
            // So that the orders of the two have ids of their own.
            for n in 0..shops.len() * 40 {
                shop.add(goods(&format!("OLD-{n}"), &format!("Old {n}"), 1));
            }
            let sold = shop.add(goods("MUG", "Mug", 50));
            shop.connect(&hub).await;
            hub.sync(&shop.connection, "items").await;
            shops.push((shop, sold));
        }
        let shops = shops.try_into().unwrap_or_else(|_| panic!("two shops"));
        let buyers = Buyers { on, of: Arc::default() };
        let naming = buyers.clone();
        hub.shops.tap(move |body| naming.name(body));
        Self { hub, shops, buyers }
    }

    /// Buys at a shop; the order's contact as the API shows it.
    async fn buy(&self, at: usize, person: Person) -> Value {
        let (shop, sold) = &self.shops[at];
        let order = shop.shop.sell(&[(sold.clone(), 1)]);
        // Notifications with the order in them are signed: nobody can write another buyer into these.
        shop.shop.take_deliveries();
        let before = self.buyers.of.lock().unwrap().insert(order.clone(), person);
        assert!(before.is_none(), "two orders are called {order}");
        self.hub.clock.advance(SignedDuration::from_mins(10));
        self.hub.sync(&shop.connection, "orders").await;
        let id = domain::OrderId::of(&shop.connection.parse().unwrap(), &order).unwrap();
        self.hub.get(&format!("/v1/orders/{id}")).await.ok()["contact"].clone()
    }

    async fn contacts(&self) -> BTreeSet<String> {
        let listed = self.hub.list("/v1/contacts").await;
        listed.iter().map(|contact| contact["id"].as_str().unwrap().to_owned()).collect()
    }
}

fn id(contact: &Value) -> String {
    contact["id"].as_str().unwrap_or_else(|| panic!("no contact: {contact}")).to_owned()
}

const ADA: Person = (Some("Ada Lovelace"), Some("ada@example.org"));

async fn g2_a_new_buyer_is_a_contact_and_one_only(on: ChannelKind) {
    let street = Street::new(on).await;
    assert_eq!(street.contacts().await, BTreeSet::new());
    let ada = id(&street.buy(0, ADA).await);
    assert_eq!(street.contacts().await, BTreeSet::from([ada.clone()]));
    // Told again, and bought again at either shop.
    street.hub.sync(&street.shops[0].0.connection, "orders").await;
    assert_eq!(id(&street.buy(0, ADA).await), ada);
    assert_eq!(id(&street.buy(1, ADA).await), ada);
    assert_eq!(street.contacts().await, BTreeSet::from([ada.clone()]));
    let grace = id(&street.buy(1, (Some("Grace Hopper"), Some("grace@example.org"))).await);
    assert_eq!(street.contacts().await, BTreeSet::from([ada.clone(), grace]));
    assert_eq!(street.hub.list(&format!("/v1/orders?contact_id={ada}")).await.len(), 3);
    let shown = street.hub.get(&format!("/v1/contacts/{ada}")).await.ok();
    assert_eq!(shown["source"], "marketplace");
    assert!(!shown.to_string().contains("Ada") && !shown.to_string().contains("example.org"), "{shown}");
}

async fn g3_buyers_are_told_apart_by_e_mail_and_without_one_by_name(on: ChannelKind) {
    let street = Street::new(on).await;
    let ada = id(&street.buy(0, ADA).await);
    for (at, person, why) in [
        (1, (Some("A. L."), Some("ADA@example.org")), "the same address under another name"),
        (0, (None, Some("ada@example.org")), "the same address and no name"),
        (1, (Some("ada  LOVELACE"), None), "no address and the same name"),
    ] {
        assert_eq!(id(&street.buy(at, person).await), ada, "{why}");
    }
    let namesake = id(&street.buy(0, (Some("Ada Lovelace"), Some("other@example.org"))).await);
    assert_ne!(namesake, ada, "another address is another buyer, whatever the name");
    let bob = id(&street.buy(0, (Some("Bob"), None)).await);
    assert_eq!(id(&street.buy(1, (Some("bob"), None)).await), bob);
    let nobody = street.buy(0, (None, None)).await;
    assert!(nobody["id"].is_null() && nobody["display_name"].is_string(), "{nobody}");
    assert_eq!(street.contacts().await, BTreeSet::from([ada, namesake, bob]));
}
