//! What people ask of the hub, through its API.

use domain::connection::ConnectionStatus;
use domain::listing::ListingStatus;
use domain::{ItemId, ListingId};
use serde_json::{Value, json};

use crate::gate::JobId;
use crate::mirror::Known;
use crate::model::{Adjustment, Posted};
use crate::world::World;

impl World {
    fn known(&self, merchant: usize) -> &Known {
        &self.mirror.known[&self.merchants[merchant].organization]
    }

    fn listings(&self, merchant: usize, status: ListingStatus) -> Vec<ListingId> {
        let listings = self.known(merchant).listings.values();
        listings.filter(|listing| listing.status == status).map(|listing| listing.id.clone()).collect()
    }

    /// One request of some merchant's.
    pub fn ask(&mut self) -> Option<JobId> {
        let merchant = self.chance.index(self.merchants.len());
        let items: Vec<ItemId> = self.known(merchant).items.keys().cloned().collect();
        let item = self.chance.pick(&items)?.clone();
        let shop = self.chance.index(self.merchants[merchant].shops.len());
        let connection = self.merchants[merchant].shops[shop].connection.clone();
        let status = self.known(merchant).connections.get(&connection)?.status;
        let path = format!("/v1/connections/{connection}");
        match self.chance.below(20) {
            0..=6 => self.adjust(merchant, &item),
            7 => self.retry(),
            8 | 9 => {
                Some(self.begin_request(merchant, "POST", &format!("/v1/items/{item}/push"), None, None))
            }
            10 => {
                let linked = self.listings(merchant, ListingStatus::Linked);
                let listing = self.chance.pick(&linked)?;
                Some(self.begin_request(
                    merchant,
                    "POST",
                    &format!("/v1/listings/{listing}/unlink"),
                    None,
                    None,
                ))
            }
            11 | 12 => {
                let mut open = self.listings(merchant, ListingStatus::Unconfirmed);
                open.extend(self.listings(merchant, ListingStatus::Unlinked));
                let listing = self.chance.pick(&open)?;
                let body = json!({ "item_id": item });
                Some(self.begin_request(
                    merchant,
                    "POST",
                    &format!("/v1/listings/{listing}/link"),
                    Some(body),
                    None,
                ))
            }
            13 => {
                let open = self.listings(merchant, ListingStatus::Unconfirmed);
                let listing = self.chance.pick(&open)?;
                let path = format!("/v1/listings/{listing}/confirm");
                Some(self.begin_request(merchant, "POST", &path, Some(json!({})), None))
            }
            14 | 15 => {
                let rule = match self.chance.below(4) {
                    0 => json!({ "buffer": self.chance.below(3) }),
                    1 => json!({ "percent": self.chance.between(30, 100) }),
                    2 => json!({ "max_listed": self.chance.between(1, 8) }),
                    _ => json!({ "buffer": 0, "percent": 100, "max_listed": null }),
                };
                Some(self.begin_request(merchant, "PATCH", &path, Some(json!({ "stock_rule": rule })), None))
            }
            16 if status == ConnectionStatus::Active && self.chance.happens(300) => {
                Some(self.begin_request(merchant, "POST", &format!("{path}/disable"), None, None))
            }
            16 | 17 if status == ConnectionStatus::Inactive => {
                Some(self.begin_request(merchant, "POST", &format!("{path}/enable"), None, None))
            }
            16 | 17 if status == ConnectionStatus::NeedsAuthorization => {
                Some(self.authorize_again(merchant, shop))
            }
            _ => {
                let kind = *self.chance.pick(&["items", "orders", "stock"])?;
                let body = json!({ "kind": kind });
                Some(self.begin_request(merchant, "POST", &format!("{path}/sync"), Some(body), None))
            }
        }
    }

    /// Of an item at most one whose outcome nobody knows.
    fn adjust(&mut self, merchant: usize, item: &ItemId) -> Option<JobId> {
        if self.model.unknown(item).is_some() {
            return self.retry();
        }
        let delta = match self.chance.between(-4, 6) {
            0 => 1,
            delta => delta,
        };
        self.made += 1;
        let key = format!("adjust-{}", self.made);
        let adjustment = Adjustment { item: item.clone(), delta, posted: Posted::Unknown };
        self.model.adjustments.insert(key.clone(), adjustment);
        self.unanswered.insert(key.clone());
        Some(self.send_adjustment(merchant, &key))
    }

    fn send_adjustment(&mut self, merchant: usize, key: &str) -> JobId {
        let adjustment = &self.model.adjustments[key];
        let body = json!({
            "location_id": self.merchants[merchant].primary,
            "lines": [{ "item_id": adjustment.item, "delta": adjustment.delta }],
            "reference": key,
        });
        self.begin_request(merchant, "POST", "/v1/adjustments", Some(body), Some(key))
    }

    /// The same request once more, as whoever had no answer does.
    pub fn retry(&mut self) -> Option<JobId> {
        let waiting: Vec<String> = self.unanswered.iter().cloned().collect();
        let key = self.chance.pick(&waiting)?.clone();
        let item = self.model.adjustments[&key].item.clone();
        let merchant =
            (0..self.merchants.len()).find(|merchant| self.known(*merchant).items.contains_key(&item))?;
        Some(self.send_adjustment(merchant, &key))
    }

    pub fn authorize_again(&mut self, merchant: usize, shop: usize) -> JobId {
        let connected = &self.merchants[merchant].shops[shop];
        let path = format!("/v1/connections/{}", connected.connection);
        let sim = self.shop(&connected.host).sim.clone();
        sim.admit();
        let body: Value = json!({ "credentials": sim.credentials() });
        self.begin_request(merchant, "PATCH", &path, Some(body), None)
    }
}
