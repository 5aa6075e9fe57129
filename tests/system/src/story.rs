//! The main job as a story: three shops, one stock, an adjustment, orders, an edit, a cancellation. What comes out of it
//! is known beforehand, and must be the same whatever happens on the way.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use marketplace_sim::Sold;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{Hub, Post, SOON, Shop, eventually, goods, settled};

/// What happens, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Five mugs more are found.
    MugsFound,
    /// Two mugs and a tee.
    NorthSells,
    /// Three mugs.
    EastSells,
    /// Four tees, not paid.
    SouthSellsUnpaid,
    /// One mug less.
    NorthEdits,
    /// There are 40.
    TeesCounted,
    SouthIsPaid,
    EastCancels,
    NorthShips,
}

/// The steps, each with the mugs' and the tees' `(on hand, committed)` after it.
pub const STORY: [(Step, [(i64, i64); 2]); 9] = [
    (Step::MugsFound, [(25, 0), (30, 0)]),
    (Step::NorthSells, [(25, 2), (30, 1)]),
    (Step::EastSells, [(25, 5), (30, 1)]),
    (Step::SouthSellsUnpaid, [(25, 5), (30, 5)]),
    (Step::NorthEdits, [(25, 4), (30, 5)]),
    (Step::TeesCounted, [(25, 4), (40, 5)]),
    (Step::SouthIsPaid, [(25, 4), (40, 5)]),
    (Step::EastCancels, [(25, 1), (40, 5)]),
    (Step::NorthShips, [(24, 0), (39, 4)]),
];

const SKUS: [&str; 2] = ["MUG", "TEE"];

/// Two WooCommerce shops and one of Shopify, connected; mugs and tees are in all of them.
pub struct Market {
    pub hub: Hub,
    pub north: Shop,
    pub south: Shop,
    pub east: Shop,
    /// By shop and SKU.
    sold: BTreeMap<(&'static str, &'static str), Sold>,
    /// By shop: the one order that each takes in the story.
    orders: BTreeMap<&'static str, String>,
}

impl Market {
    /// Everything linked, and every listing at its number.
    pub async fn open() -> Self {
        Self::open_on(Hub::start().await).await
    }

    pub async fn open_on(hub: Hub) -> Self {
        for (sku, name, on_hand) in [("MUG", "Mug", 20), ("TEE", "Tee", 30)] {
            hub.item(sku, name, on_hand).await;
        }
        let mut north = Shop::woocommerce("north").await;
        let mut south = Shop::woocommerce("south").await;
        let mut east = Shop::shopify("east").await;
        let mut sold = BTreeMap::new();
        for (place, shop) in [("north", &mut north), ("south", &mut south), ("east", &mut east)] {
            // Not what the hub has: it must be told.
            for (sku, quantity) in [("MUG", 7), ("TEE", 9)] {
                sold.insert(
                    (place, sku),
                    shop.add(goods(sku, &format!("{sku} of {place}"), "9.50", quantity)),
                );
            }
            shop.connect(&hub).await;
            let sync = hub.sync(&shop.connection, "items").await;
            assert_eq!(sync["state"], "succeeded", "{sync}");
            shop.deliver(&hub, Post::Once).await;
        }
        let market = Self { hub, north, south, east, sold, orders: BTreeMap::new() };
        market.levels_become([(20, 0), (30, 0)]).await;
        settled(&market.hub, &market.shops()).await;
        market
    }

    pub fn shops(&self) -> [&Shop; 3] {
        [&self.north, &self.south, &self.east]
    }

    pub fn sold(&self, place: &'static str, sku: &'static str) -> Sold {
        self.sold[&(place, sku)].clone()
    }

    /// Lets the step happen; what the hub is told of it, ready to be sent.
    pub async fn act(&mut self, step: Step, post: Post) -> Vec<reqwest::RequestBuilder> {
        let shop = match step {
            Step::MugsFound => {
                return vec![self.adjustment("mugs-found", "MUG", json!({ "delta": 5 })).await];
            }
            Step::TeesCounted => {
                return vec![self.adjustment("tees-counted", "TEE", json!({ "set_to": 40 })).await];
            }
            Step::NorthSells => {
                let lines = [(self.sold("north", "MUG"), 2), (self.sold("north", "TEE"), 1)];
                self.orders.insert("north", self.north.shop.sell(&lines));
                &self.north
            }
            Step::EastSells => {
                self.orders.insert("east", self.east.shop.sell(&[(self.sold("east", "MUG"), 3)]));
                &self.east
            }
            Step::SouthSellsUnpaid => {
                self.orders.insert("south", self.south.shop.sell_unpaid(&[(self.sold("south", "TEE"), 4)]));
                &self.south
            }
            Step::NorthEdits => {
                self.north.shop.edit(&self.orders["north"], 0, 1);
                &self.north
            }
            Step::SouthIsPaid => {
                self.south.shop.pay(&self.orders["south"]);
                &self.south
            }
            Step::EastCancels => {
                self.east.shop.cancel(&self.orders["east"]);
                &self.east
            }
            Step::NorthShips => {
                self.north.shop.fulfil(&self.orders["north"]);
                &self.north
            }
        };
        shop.notifications(&self.hub, post)
    }

    async fn adjustment(&self, key: &str, sku: &str, mut line: Value) -> reqwest::RequestBuilder {
        let item = self.hub.item_by_sku(sku).await.expect("an item");
        line["item_id"] = item["id"].clone();
        let body = self.hub.adjustment(line).await;
        self.hub.request(Method::POST, "/v1/adjustments").header("idempotency-key", key).json(&body)
    }

    /// The mugs' and the tees' `(on hand, committed)`.
    pub async fn levels(&self) -> [(i64, i64); 2] {
        let mut levels = [(0, 0); 2];
        for (level, sku) in levels.iter_mut().zip(SKUS) {
            let item = self.hub.item_by_sku(sku).await.expect("an item");
            let stock = self.hub.get(&format!("/v1/items/{}/stock", item["id"].as_str().unwrap())).await;
            *level = (stock["on_hand"].as_i64().unwrap(), stock["committed"].as_i64().unwrap());
        }
        levels
    }

    pub async fn levels_become(&self, wanted: [(i64, i64); 2]) {
        eventually(&format!("levels of {wanted:?}"), SOON, async || {
            let levels = self.levels().await;
            if levels == wanted { Ok(()) } else { Err(format!("{levels:?}")) }
        })
        .await;
    }

    /// The next polls: hours pass, in steps shorter than what a message may rest.
    pub async fn hours_pass(&self) {
        self.pass_hours(false).await;
    }

    /// The same where every shop answers, so that no push rests: none is at hand when a clock jumps, for its message would be
    /// done a second time at once, and not after it.
    pub async fn calm_hours_pass(&self) {
        self.pass_hours(true).await;
    }

    async fn pass_hours(&self, pushes_too: bool) {
        for minutes in [31, 60, 60, 60, 65] {
            self.hub.advance(SignedDuration::from_mins(minutes)).await;
            // No clock jumps an hour while work is at hand, whose messages would count as lost.
            eventually("no sync is at hand", SOON, async || {
                let syncs = self.hub.list("/v1/syncs").await;
                let is_open = |sync: &&Value| sync["state"] == "queued" || sync["state"] == "running";
                match syncs.iter().filter(is_open).count() {
                    0 => Ok(()),
                    open => Err(format!("{open} syncs")),
                }
            })
            .await;
            if pushes_too {
                eventually("no push is at hand", SOON, async || {
                    match self.hub.list("/v1/listings?push_state=pending").await.len() {
                        0 => Ok(()),
                        open => Err(format!("{open} listings")),
                    }
                })
                .await;
            }
        }
    }

    /// That the story ended as it must: levels, orders, and the shops.
    pub async fn assert_ended(&self) {
        let (_, wanted) = STORY[STORY.len() - 1];
        self.levels_become(wanted).await;
        settled(&self.hub, &self.shops()).await;
        let mut orders: Vec<(String, String, Vec<i64>)> = Vec::new();
        for order in self.hub.list("/v1/orders").await {
            let shops = self.shops();
            let shop =
                shops.iter().find(|shop| order["connection_id"] == shop.connection).expect("a known shop");
            assert_eq!(order["external_id"], self.orders[shop.name.as_str()], "{order}");
            assert_eq!(order["frozen"], false, "{order}");
            let lines = order["lines"].as_array().unwrap().iter();
            let quantities = lines.map(|line| line["quantity"].as_i64().unwrap()).collect();
            orders.push((shop.name.clone(), order["state"].as_str().unwrap().to_owned(), quantities));
        }
        orders.sort();
        let state = |index: usize| (orders[index].0.as_str(), orders[index].1.as_str());
        assert_eq!(orders.len(), 3, "{orders:?}");
        assert_eq!(
            [state(0), state(1), state(2)],
            [("east", "void"), ("north", "fulfilled"), ("south", "confirmed")]
        );
        assert_eq!(orders[1].2, [1, 1], "{orders:?}");
        assert_eq!(orders[2].2, [4], "{orders:?}");
    }
}
