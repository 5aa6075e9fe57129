//! A shop that sells: connected, its listings fetched, its orders imported by name.

use std::sync::Arc;

use app::work::Attempt;
use domain::sync::{SyncKind, Trigger};
use domain::{ConnectionId, ListingId, OrderId, Timestamp};
use marketplace_sim::woocommerce::WoocommerceShop;
use marketplace_sim::{Goods, SimulatedShop, Sold};
use serde_json::{Value, json};

use crate::world::{World, connection_input};

pub struct Shop {
    pub sim: Arc<WoocommerceShop>,
    pub connection: ConnectionId,
}

pub fn attempt() -> Attempt {
    Attempt { deadline: Timestamp::MAX, receive_count: 1 }
}

impl Shop {
    pub fn goods(&self, sku: Option<&str>, title: &str, quantity: i64) -> Sold {
        let goods = Goods {
            sku: sku.map(str::to_owned),
            title: title.to_owned(),
            price: "9.90".to_owned(),
            quantity: Some(quantity),
            ..Goods::default()
        };
        self.sim.add(goods).remove(0)
    }

    pub fn listing(&self, sold: &Sold) -> ListingId {
        ListingId::of(&self.connection, &sold.external_id, sold.variation_id.as_deref()).unwrap()
    }

    pub fn order(&self, order: &str) -> OrderId {
        OrderId::of(&self.connection, order).unwrap()
    }
}

impl World {
    pub async fn shop(&self, host: &str) -> Shop {
        let sim = self.open_shop(host, "EUR");
        let mut input = connection_input();
        input["endpoint"] = json!(format!("https://{host}"));
        let made = self.post("/v1/connections", input).await.ok();
        Shop { sim, connection: made["id"].as_str().unwrap().parse().unwrap() }
    }

    /// An item sync, whole.
    pub async fn sync_items(&self, shop: &Shop) {
        let connection = self.app.connection(&self.organization, &shop.connection).await.unwrap();
        let sync = self.app.start_sync(&connection, SyncKind::Items, Trigger::Manual, None).await.unwrap();
        self.app.run_item_sync(&self.organization, &sync.id, &attempt()).await.unwrap();
    }

    /// The channel's order as it is now; what the API shows of it.
    pub async fn import(&self, shop: &Shop, order: &str) -> Value {
        let ids = [order.to_owned()];
        let (organization, connection) = (&self.organization, &shop.connection);
        self.app.fetch_named_orders(organization, connection, &ids, Trigger::Webhook).await.unwrap();
        self.get(&format!("/v1/orders/{}", shop.order(order))).await.body
    }

    /// An item with stock at the primary location.
    pub async fn stocked(&self, sku: &str, quantity: i64) -> String {
        let home = self.primary().await;
        let body = json!({"sku": sku, "name": format!("Item {sku}"),
            "selling_price": {"amount": "5.00", "currency": "EUR"},
            "opening_stock": [{"location_id": home, "quantity": quantity}]});
        self.post("/v1/items", body).await.ok()["id"].as_str().unwrap().to_owned()
    }

    /// On hand and committed.
    pub async fn level(&self, item: &str) -> (i64, i64) {
        let stock = self.get(&format!("/v1/items/{item}/stock")).await.ok();
        (stock["on_hand"].as_i64().unwrap(), stock["committed"].as_i64().unwrap())
    }

    /// Movements of the item sum to its levels, whatever was done.
    pub async fn assert_replays(&self, item: &str) {
        let movements = self.get(&format!("/v1/items/{item}/movements?limit=200")).await.ok();
        let sum = |name: &str| -> i64 {
            movements["data"].as_array().unwrap().iter().map(|m| m[name].as_i64().unwrap()).sum()
        };
        assert_eq!((sum("on_hand_delta"), sum("committed_delta")), self.level(item).await);
    }
}
