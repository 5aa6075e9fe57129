//! An organization in the United States that sells on Amazon, with an FBA location.

use std::sync::Arc;

use domain::sync::{SyncKind, Trigger};
use domain::{ChannelKind, ConnectionId, ItemId, ListingId, OrderId};
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::{Goods, SimClock, SimulatedShop, Sold};
use serde_json::{Value, json};

use crate::shop::attempt;
use crate::world::World;

pub const UNITED_STATES: &str = "ATVPDKIKX0DER";

pub struct Amazon {
    pub world: World,
    pub sim: Arc<AmazonShop>,
    pub connection: ConnectionId,
    /// Of the kind `fba`; the connection does not track it yet.
    pub location: String,
}

impl Amazon {
    pub async fn new() -> Self {
        Self::in_country("US").await
    }

    /// With FBA tracked, by a clock so many seconds behind ours, which dates what Amazon answers.
    pub async fn tracking_behind(seconds: i64) -> Self {
        let amazon = Self::with_clock("US", seconds).await;
        amazon.enable(&amazon.location).await.ok();
        amazon
    }

    pub async fn in_country(country: &str) -> Self {
        Self::with_clock(country, 0).await
    }

    async fn with_clock(country: &str, behind: i64) -> Self {
        let mut world = World::new().await;
        let (organization, key) = world.new_organization("USD").await;
        (world.organization, world.key) = (organization, key);
        world.patch("/v1/organization", json!({"country": country, "taxes_enabled": true})).await.ok();
        let sim = world.open_amazon_behind("USD", behind);
        let connection = world.connect_amazon(&sim, "Amazon", json!({})).await.ok();
        let connection = connection["id"].as_str().unwrap().parse().unwrap();
        let location = world.fba_location("Amazon's").await;
        Self { world, sim, connection, location }
    }

    /// With FBA tracked.
    pub async fn tracking() -> Self {
        let amazon = Self::new().await;
        amazon.enable(&amazon.location).await.ok();
        amazon
    }

    pub fn path(&self) -> String {
        format!("/v1/connections/{}", self.connection)
    }

    pub async fn enable(&self, location: &str) -> crate::world::Answer {
        let body = json!({"location_id": location});
        self.world.put(&format!("{}/fba", self.path()), body).await
    }

    pub async fn disable(&self) -> Value {
        self.world.delete(&format!("{}/fba", self.path())).await.ok()
    }

    /// Goods on Amazon, shipped by Amazon or by the merchant.
    pub fn goods(&self, sku: &str, units: i64, fba: bool) -> Sold {
        let goods = Goods {
            sku: Some(sku.to_owned()),
            title: format!("{sku} on Amazon"),
            price: "9.90".to_owned(),
            quantity: Some(units),
            ..Goods::default()
        };
        if fba { self.sim.add_fba(goods).remove(0) } else { self.sim.add(goods).remove(0) }
    }

    /// An item with stock at home, linked to a listing of its SKU.
    pub async fn item(&self, sku: &str, at_home: i64, at_amazon: i64, fba: bool) -> (String, Sold) {
        let item = self.world.stocked_in(sku, at_home, "USD").await;
        let sold = self.goods(sku, at_amazon, fba);
        self.sync_items().await;
        (item, sold)
    }

    pub fn listing(&self, sold: &Sold) -> ListingId {
        ListingId::of(&self.connection, &sold.external_id, None).unwrap()
    }

    pub fn order_id(&self, order: &str) -> OrderId {
        OrderId::of(&self.connection, order).unwrap()
    }

    pub async fn sync_items(&self) {
        let world = &self.world;
        let connection = world.app.connection(&world.organization, &self.connection).await.unwrap();
        let sync = world.app.start_sync(&connection, SyncKind::Items, Trigger::Manual, None).await.unwrap();
        world.app.run_item_sync(&world.organization, &sync.id, &attempt()).await.unwrap();
    }

    /// An order sync, whole, and what it starts.
    pub async fn sync_orders(&self) {
        let world = &self.world;
        let connection = world.app.connection(&world.organization, &self.connection).await.unwrap();
        let sync = world.app.start_sync(&connection, SyncKind::Orders, Trigger::Manual, None).await.unwrap();
        world.app.run_order_sync(&world.organization, &sync.id, &attempt()).await.unwrap();
        world.work_of(ChannelKind::Amazon).await;
    }

    /// Amazon's order as it is now; what the API shows of it.
    pub async fn import(&self, order: &str) -> Value {
        let (world, ids) = (&self.world, [order.to_owned()]);
        let organization = &world.organization;
        world.app.fetch_named_orders(organization, &self.connection, &ids, Trigger::Webhook).await.unwrap();
        world.get(&format!("/v1/orders/{}", self.order_id(order))).await.body
    }

    pub async fn mark(&self, items: &[&str], fulfilment: &str) -> Vec<Value> {
        let body = json!({"item_ids": items, "fulfilment": fulfilment});
        let answer = self.world.post("/v1/items/mark-fulfilment", body).await.ok();
        answer["data"].as_array().unwrap().clone()
    }

    /// On hand and committed in a location.
    pub async fn at(&self, item: &str, location: &str) -> (i64, i64) {
        self.world.at(item, location).await
    }

    pub async fn fba_stock(&self, sold: &Sold) -> crate::world::Answer {
        self.world.get(&format!("/v1/listings/{}/fba-stock", self.listing(sold))).await
    }

    /// Levels are the sum of their movements, in the ledger's own check.
    pub async fn assert_replays(&self, items: &[&str]) {
        for item in items {
            let item: ItemId = item.parse().unwrap();
            self.world.assert_ledger(&item).await;
        }
    }

    pub async fn sync_outbounds(&self) {
        let organization = &self.world.organization;
        self.world.app.sync_outbounds(organization, &self.connection, &attempt()).await.unwrap();
    }
}

/// A buyer whom Amazon can send goods to.
pub fn buyer() -> Value {
    json!({"name": "Ada Buyer", "email": "ada@example.com", "shipping_address": {
        "name": "Ada Buyer", "lines": ["1 Example Street"], "city": "Springfield", "region": "IL",
        "postal_code": "62701", "country": "US"}})
}

impl World {
    /// An account at Amazon, for all of Amazon's hosts.
    pub fn open_amazon(&self, currency: &str) -> Arc<AmazonShop> {
        self.open_amazon_behind(currency, 0)
    }

    fn open_amazon_behind(&self, currency: &str, seconds: i64) -> Arc<AmazonShop> {
        let clock = Arc::clone(&self.clock);
        let behind = jiff::SignedDuration::from_secs(seconds);
        let now: SimClock = Arc::new(move || app::Clock::now(&*clock).checked_sub(behind).unwrap());
        if seconds != 0 {
            *self.shops.dated.lock().unwrap() = Some(now.clone());
        }
        let shop = Arc::new(AmazonShop::new(now, currency));
        for host in ["sellingpartnerapi-na.amazon.com", "api.amazon.com"] {
            self.add_shop(host, shop.clone());
        }
        shop
    }

    pub async fn connect_amazon(&self, sim: &AmazonShop, name: &str, more: Value) -> crate::world::Answer {
        let mut input = json!({"channel": "amazon", "name": name, "marketplace": [UNITED_STATES],
            "credentials": sim.credentials(), "import": {"out_of_stock": true}});
        for (field, value) in more.as_object().unwrap() {
            input[field] = value.clone();
        }
        self.post("/v1/connections", input).await
    }

    pub async fn fba_location(&self, name: &str) -> String {
        let made = self.post("/v1/locations", json!({"name": name, "kind": "fba"})).await.ok();
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn put(&self, path: &str, body: Value) -> crate::world::Answer {
        self.request(Some(&self.key), "PUT", path, Some(body), &[]).await
    }

    /// An item with stock at the primary location.
    pub async fn stocked_in(&self, sku: &str, quantity: i64, currency: &str) -> String {
        let home = self.primary().await;
        let mut body = json!({"sku": sku, "name": format!("Item {sku}"),
            "selling_price": {"amount": "5.00", "currency": currency}});
        if quantity > 0 {
            body["opening_stock"] = json!([{"location_id": home, "quantity": quantity}]);
        }
        self.post("/v1/items", body).await.ok()["id"].as_str().unwrap().to_owned()
    }

    /// On hand and committed in a location.
    pub async fn at(&self, item: &str, location: &str) -> (i64, i64) {
        let stock = self.get(&format!("/v1/items/{item}/stock")).await.ok();
        let levels = stock["levels"].as_array().unwrap();
        let level = levels.iter().find(|level| level["location_id"] == location);
        level.map_or((0, 0), |level| {
            (level["on_hand"].as_i64().unwrap(), level["committed"].as_i64().unwrap())
        })
    }

    /// Replayed place by place, the item's movements are its levels.
    pub async fn assert_ledger(&self, item: &ItemId) {
        let movements = self.get(&format!("/v1/items/{item}/movements?limit=200")).await.ok();
        let mut sums = std::collections::BTreeMap::<String, (i64, i64)>::new();
        for movement in movements["data"].as_array().unwrap() {
            let sum = sums.entry(movement["location_id"].as_str().unwrap().to_owned()).or_default();
            sum.0 += movement["on_hand_delta"].as_i64().unwrap();
            sum.1 += movement["committed_delta"].as_i64().unwrap();
        }
        for (location, sum) in sums {
            assert_eq!(self.at(item.as_str(), &location).await, sum, "{item} at {location}");
        }
    }
}
