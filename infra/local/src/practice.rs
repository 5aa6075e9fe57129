//! Two simulated shops that nobody has connected: a merchant's first steps without a merchant's shops.
//!
//! They live in memory, sell when they are told to, and are new at each start.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use domain::ChannelKind;
use marketplace_sim::shopify::ShopifyShop;
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, Served, SimClock, SimulatedShop, Sold, serve};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::demo::deliver;
use crate::machine::Machine;
use crate::routes::problem;

const PAUSE_BETWEEN_DELIVERIES: Duration = Duration::from_millis(200);
const UNITS_MAX: u32 = 100;
/// What is on sale: SKU, title, price, quantity, and in which shops.
const GOODS: [(&str, &str, &str, i64, &[&str]); 4] = [
    ("MUG-RED", "Mug, red", "9.50", 5, &["north", "south"]),
    ("BAG-01", "Canvas bag", "14.00", 12, &["north"]),
    ("TEE-M", "Shirt, medium", "19.00", 30, &["south"]),
    ("LAMP-07", "Desk lamp", "49.00", 8, &["south"]),
];

struct PracticeShop {
    name: &'static str,
    channel: ChannelKind,
    shop: Arc<dyn SimulatedShop>,
    on_sale: Vec<(&'static str, &'static str, Sold)>,
    server: Served,
}

/// The shops of one run.
#[derive(Clone)]
pub struct Street(Arc<[PracticeShop]>);

impl Street {
    /// Opens both, at the two ports after `port`; at any that are free where it is 0. They count in `currency`.
    pub async fn open(clock: SimClock, port: u16, currency: &str) -> anyhow::Result<Self> {
        let own = Options { currency: currency.to_owned(), ..Options::new(Arc::clone(&clock)) };
        let hosted = ShopifyShop::new(clock).in_currency(currency);
        let shops: [(&str, ChannelKind, Arc<dyn SimulatedShop>); 2] = [
            ("north", ChannelKind::Woocommerce, Arc::new(WoocommerceShop::new(own))),
            ("south", ChannelKind::Shopify, Arc::new(hosted)),
        ];
        let mut open = Vec::new();
        for ((name, channel, shop), at) in shops.into_iter().zip(1..) {
            let port = if port == 0 { 0 } else { port.checked_add(at).context("the port is too high")? };
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            let server = serve(Arc::clone(&shop), address).await.with_context(|| {
                format!(
                    "the practice shop {name} could not listen on port {port}; choose another with --port"
                )
            })?;
            let on_sale = put_on_sale(name, shop.as_ref());
            open.push(PracticeShop { name, channel, shop, on_sale, server });
        }
        Ok(Self(open.into()))
    }

    /// A line for each shop, for a person.
    pub fn described(&self) -> Vec<String> {
        let line = |shop: &PracticeShop| format!("{} ({}) at {}", shop.name, shop.channel, shop.server.url());
        self.0.iter().map(line).collect()
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/_local/shops", get(list))
            .route("/_local/shops/{name}/orders", post(order))
            .with_state(self.clone())
    }

    /// Brings the shops' notifications to the hub until `stop`.
    pub async fn deliver(self, machine: Machine, mut stop: watch::Receiver<bool>) {
        let client = reqwest::Client::new();
        while !*stop.borrow() {
            for shop in self.0.iter() {
                deliver(&machine, &client, shop.channel, shop.shop.as_ref()).await;
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE_BETWEEN_DELIVERIES) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }
}

fn put_on_sale(name: &str, shop: &dyn SimulatedShop) -> Vec<(&'static str, &'static str, Sold)> {
    let mut on_sale = Vec::new();
    for (sku, title, price, quantity, shops) in GOODS {
        if shops.contains(&name) {
            let goods = Goods {
                sku: Some(sku.to_owned()),
                title: title.to_owned(),
                price: price.to_owned(),
                quantity: Some(quantity),
                ..Goods::default()
            };
            on_sale.extend(shop.add(goods).into_iter().map(|sold| (sku, title, sold)));
        }
    }
    on_sale
}

/// What a merchant sees in the shops themselves: what is on sale, and what was ordered and sent.
async fn list(State(street): State<Street>) -> Response {
    let shown = |shop: &PracticeShop| -> Value {
        let goods = shop.on_sale.iter().map(
            |(sku, title, sold)| json!({ "sku": sku, "title": title, "quantity": shop.shop.quantity(sold) }),
        );
        let orders = shop.shop.orders().into_iter().map(|id| {
            let sent = shop.shop.shipments(&id).into_iter();
            let sent =
                sent.map(|one| json!({ "carrier": one.carrier, "tracking_number": one.tracking_number }));
            let sent: Vec<Value> = sent.collect();
            json!({ "id": id, "shipments": sent })
        });
        json!({
            "name": shop.name, "channel": shop.channel, "endpoint": shop.server.url(),
            "credentials": shop.shop.credentials(),
            "on_sale": goods.collect::<Vec<_>>(), "orders": orders.collect::<Vec<_>>(),
        })
    };
    Json(json!({ "data": street.0.iter().map(shown).collect::<Vec<_>>() })).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bought {
    sku: String,
    quantity: u32,
}

/// A buyer orders in a shop, and pays.
async fn order(State(street): State<Street>, Path(name): Path<String>, body: String) -> Response {
    let invalid = |detail: &str| problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid_field", detail);
    let Some(shop) = street.0.iter().find(|shop| shop.name == name) else {
        return problem(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such shop; GET /_local/shops lists them.",
        );
    };
    let Ok(Bought { sku, quantity }) = serde_json::from_str(&body) else {
        return invalid("Send {\"sku\":\"MUG-RED\",\"quantity\":2}.");
    };
    let Some((.., sold)) = shop.on_sale.iter().find(|(on_sale, ..)| *on_sale == sku) else {
        return invalid("The shop does not sell this; GET /_local/shops lists what it does.");
    };
    if !(1..=UNITS_MAX).contains(&quantity) {
        return invalid("Buyers take between 1 and 100.");
    }
    if shop.shop.quantity(sold).is_some_and(|shown| shown < i64::from(quantity)) {
        let detail = "The shop shows fewer than that; no shop sells more than it shows.";
        return problem(StatusCode::CONFLICT, "sold_out", detail);
    }
    let id = shop.shop.sell(&[(sold.clone(), quantity)]);
    (StatusCode::CREATED, Json(json!({ "id": id }))).into_response()
}
