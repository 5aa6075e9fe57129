//! A simulated shop, connected to a hub.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use marketplace_sim::shopify::ShopifyShop;
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Delivery, Goods, Served, SimulatedShop, Sold, serve};
use reqwest::Method;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::clock::machine_clock;
use crate::hub::Hub;

/// What becomes of a shop's notifications on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Post {
    Once,
    /// Each arrives twice.
    Doubled,
    /// None arrives.
    Lost,
    /// The last first.
    Reversed,
}

pub struct Shop {
    pub shop: Arc<dyn SimulatedShop>,
    served: Served,
    pub name: String,
    /// Its connection's id, once it is connected.
    pub connection: String,
}

/// Goods with one SKU.
pub fn goods(sku: &str, title: &str, price: &str, quantity: i64) -> Goods {
    let sku = (!sku.is_empty()).then(|| sku.to_owned());
    Goods {
        sku,
        title: title.to_owned(),
        price: price.to_owned(),
        quantity: Some(quantity),
        ..Goods::default()
    }
}

impl Shop {
    pub async fn woocommerce(name: &str) -> Self {
        Self::woocommerce_in("USD", name).await
    }

    pub async fn woocommerce_in(currency: &str, name: &str) -> Self {
        let options = Options { currency: currency.to_owned(), ..Options::new(machine_clock()) };
        Self::open(name, Arc::new(WoocommerceShop::new(options))).await
    }

    pub async fn shopify(name: &str) -> Self {
        Self::open(name, Arc::new(ShopifyShop::new(machine_clock()))).await
    }

    async fn open(name: &str, shop: Arc<dyn SimulatedShop>) -> Self {
        let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let served = serve(Arc::clone(&shop), any_port).await.expect("a port");
        Self { shop, served, name: name.to_owned(), connection: String::new() }
    }

    /// What is sent to connect it.
    pub fn request(&self) -> Value {
        json!({
            "channel": self.shop.channel(), "name": self.name, "endpoint": self.served.url(),
            "credentials": self.shop.credentials(),
        })
    }

    pub async fn try_connect(&self, hub: &Hub) -> Answer {
        hub.post("/v1/connections", self.request()).await
    }

    pub async fn connect(&mut self, hub: &Hub) -> Value {
        let connection = self.try_connect(hub).await.done();
        self.connection = connection["id"].as_str().expect("an id").to_owned();
        connection
    }

    pub fn add(&self, goods: Goods) -> Sold {
        self.shop.add(goods).remove(0)
    }

    /// Its listing in the hub, by SKU.
    pub async fn listing(&self, hub: &Hub, sku: &str) -> Value {
        let listings = hub.list(&format!("/v1/listings?connection_id={}", self.connection)).await;
        let found = listings.iter().find(|listing| listing["sku"] == sku);
        found.unwrap_or_else(|| panic!("{} has no listing {sku}: {listings:?}", self.name)).clone()
    }

    /// What the shop's webhooks want to tell, as requests to where the hub listens now: the shop knows the address of
    /// the start that subscribed.
    pub fn notifications(&self, hub: &Hub, post: Post) -> Vec<reqwest::RequestBuilder> {
        let mut deliveries = self.shop.take_deliveries();
        match post {
            Post::Lost => return Vec::new(),
            Post::Once => {}
            Post::Reversed => deliveries.reverse(),
            Post::Doubled => {
                deliveries =
                    deliveries.into_iter().flat_map(|delivery| [delivery.clone(), delivery]).collect();
            }
        }
        deliveries.iter().map(|delivery| notification(hub, delivery)).collect()
    }

    pub async fn deliver(&self, hub: &Hub, post: Post) {
        for request in self.notifications(hub, post) {
            let answer = hub.send(request).await;
            assert!((200..300).contains(&answer.status), "a notification: {} {}", answer.status, answer.body);
        }
    }
}

pub fn notification(hub: &Hub, delivery: &Delivery) -> reqwest::RequestBuilder {
    let path = delivery.url.find("/v1/").map_or("", |start| &delivery.url[start..]);
    let mut request = hub.unsigned(Method::POST, path).body(delivery.body.clone());
    for (name, value) in &delivery.headers {
        request = request.header(name, value);
    }
    request
}
