//! What the hub has, followed through the table's stream: only what changed is read again.

use std::collections::{BTreeMap, BTreeSet};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, ensure};
use domain::listing::ListingStatus;
use domain::stock::Level;
use domain::{ConnectionId, ItemId, ListingId, LocationId, OrderId, OrganizationId};
use engine::{Engine, Position};
use serde_json::Value;
use store::Store;
use store::connection::Connection;
use store::link::Link;
use store::listing::Listing;
use store::order::Order;
use store::organization::Organization;
use store::stock::{Freshness, ItemStock};

use crate::model::{Place, Stock};

/// Of one organization.
#[derive(Debug, Default)]
pub struct Known {
    pub items: BTreeMap<ItemId, ItemStock>,
    /// Locations that count for no listing's number: Amazon's.
    pub apart: BTreeSet<LocationId>,
    /// All movements of a place.
    pub moved: BTreeMap<Place, Stock>,
    /// Those of its beginning.
    pub opening: BTreeMap<Place, i64>,
    /// Each level of an item, as last written.
    written: BTreeMap<ItemId, BTreeMap<LocationId, Stock>>,
    pub organization: Option<Organization>,
    pub orders: BTreeMap<OrderId, Order>,
    pub listings: BTreeMap<ListingId, Listing>,
    pub connections: BTreeMap<ConnectionId, Connection>,
    /// Listings that wait for a person to say what becomes of their number.
    pub waiting: BTreeSet<ListingId>,
}

impl Known {
    /// An item's levels, by location.
    pub fn levels(&self, item: &ItemId) -> BTreeMap<LocationId, Stock> {
        self.written.get(item).cloned().unwrap_or_default()
    }

    /// What is available of it for the listings that show a number of ours.
    pub fn left(&self, item: &ItemId) -> i64 {
        let levels = self.written.get(item).into_iter().flatten();
        levels
            .filter(|(location, _)| !self.apart.contains(*location))
            .map(|(_, stock)| stock.available())
            .sum()
    }

    pub fn link(&self, listing: &ListingId) -> Option<&Link> {
        let item =
            self.listings.get(listing).filter(|l| l.status == ListingStatus::Linked)?.item_id.as_ref()?;
        self.items.get(item)?.links.iter().find(|link| link.listing_id == *listing)
    }
}

/// What changed since the last look.
#[derive(Debug, Default)]
pub struct Changed {
    pub items: BTreeSet<(OrganizationId, ItemId)>,
    /// Of those, what is to be read: it has another link, or is another bundle.
    to_read: BTreeSet<(OrganizationId, ItemId)>,
    pub orders: BTreeSet<(OrganizationId, OrderId)>,
    pub listings: BTreeSet<(OrganizationId, ListingId)>,
    pub connections: BTreeSet<(OrganizationId, ConnectionId)>,
    /// Listings that wait for a person since then.
    pub waiting: Vec<ListingId>,
    /// What the items' levels came to after each write, in their order.
    pub levels: Vec<(OrganizationId, ItemId, i64)>,
    /// Whose own row was written.
    pub settings: BTreeSet<OrganizationId>,
    /// Whose partitions were written.
    pub organizations: BTreeSet<OrganizationId>,
}

pub struct Mirror {
    engine: Engine,
    table: String,
    store: Store,
    position: Option<Position>,
    /// Writes that were asked for, and how many of them are followed: where none is new there is nothing to read.
    writes: Arc<AtomicU64>,
    followed: u64,
    pub known: BTreeMap<OrganizationId, Known>,
    /// Records that nobody has passed on yet.
    pub backlog: Vec<Value>,
}

/// What the simulated buyers are known by.
const PERSONAL: [&str; 8] = [
    "buyer@example",
    "mia.muster",
    "Mia Muster",
    "Musterweg",
    "Ada Buyer",
    "1 Main Street",
    "Robin Buyer",
    "1 Example Street",
];

impl Mirror {
    pub fn new(engine: Engine, table: &str, store: Store, writes: Arc<AtomicU64>) -> Self {
        let (known, backlog) = (BTreeMap::new(), Vec::new());
        Self { engine, table: table.to_owned(), store, position: None, writes, followed: 0, known, backlog }
    }

    /// Comes again, before what came after it.
    pub fn put_back(&mut self, records: Vec<Value>) {
        self.backlog.splice(0..0, records);
    }

    pub async fn catch_up(&mut self) -> anyhow::Result<Changed> {
        let writes = self.writes.load(Ordering::Relaxed);
        if writes == self.followed {
            return Ok(Changed::default());
        }
        self.followed = writes;
        let read = self.engine.stream_records(&self.table, self.position, usize::MAX)?;
        let mut changed = Changed::default();
        if read.records.is_empty() {
            self.position = read.position;
            return Ok(changed);
        }
        for record in read.records {
            self.follow(&record.event, &mut changed)?;
            self.backlog.push(record.event);
        }
        self.position = read.position;
        self.read_again(&changed).await?;
        Ok(changed)
    }

    fn follow(&mut self, event: &Value, changed: &mut Changed) -> anyhow::Result<()> {
        let change = &event["dynamodb"];
        let key = |name: &str| change["Keys"][name]["S"].as_str().unwrap_or_default();
        let (pk, sk) = (key("pk"), key("sk"));
        if let Some(found) = personal_in(&change["NewImage"]) {
            anyhow::bail!("of a buyer, outside its place: {found:?} in {pk} {sk}");
        }
        let mut parts = pk.split('#');
        let (Some("O"), Some(organization)) = (parts.next(), parts.next()) else { return Ok(()) };
        let organization = OrganizationId::from_body(organization)?;
        let is_other = event["eventName"] != "MODIFY";
        changed.organizations.insert(organization.clone());
        match (parts.next(), parts.next(), parts.next()) {
            (Some("I"), Some(item), None) => {
                let item = ItemId::from_body(item)?;
                let row = &change["NewImage"];
                let number = |name: &str| row[name]["N"].as_str().and_then(|n| n.parse().ok()).unwrap_or(0);
                let (on_hand, committed) = (number("h"), number("c"));
                let known = self.known.entry(organization.clone()).or_default();
                if let Some(location) = sk.strip_prefix("LVL#") {
                    let levels = known.written.entry(item.clone()).or_default();
                    levels.insert(location.parse()?, Stock { on_hand, committed });
                    let left = known.left(&item);
                    changed.levels.push((organization.clone(), item.clone(), left));
                }
                if sk.starts_with("MOV#") {
                    ensure!(event["eventName"] == "INSERT", "a movement was changed: {pk} {sk}");
                    let location = LocationId::from_body(row["l"]["S"].as_str().unwrap_or_default())?;
                    let place = (item.clone(), location);
                    let moved = known.moved.entry(place.clone()).or_default();
                    *moved = moved.plus(Stock { on_hand, committed });
                    if row["r"]["S"] == "opening_stock" {
                        *known.opening.entry(place).or_default() += on_hand;
                    }
                }
                if let Some(listing) = sk.strip_prefix("LNK#") {
                    let listing: ListingId = listing.parse().context("a link's key")?;
                    if row["hs"].is_null() {
                        known.waiting.remove(&listing);
                    } else if known.waiting.insert(listing.clone()) {
                        changed.waiting.push(listing);
                    }
                }
                // What was sent of a link, and how it went, is looked at in the end.
                if !known.items.contains_key(&item) || sk == "FACT" || sk.starts_with("LNK#") && is_other {
                    changed.to_read.insert((organization.clone(), item.clone()));
                }
                changed.items.insert((organization, item));
            }
            (Some("ORD"), None, None) => {
                changed.orders.insert((organization, sk.parse().context("an order's key")?));
            }
            (Some("C"), Some(_), Some("LST")) => {
                changed.listings.insert((organization, sk.parse().context("a listing's key")?));
            }
            (None, None, None) => {
                if let Some(connection) = sk.strip_prefix("CON#") {
                    changed
                        .connections
                        .insert((organization, connection.parse().context("a connection's key")?));
                } else if sk == "ORG" {
                    changed.settings.insert(organization);
                }
            }
            _ => {}
        }
        Ok(())
    }

    async fn read_item(&mut self, organization: &OrganizationId, item: &ItemId) -> anyhow::Result<()> {
        let stock = self.store.item_stock(organization, item, Freshness::Consistent).await?;
        self.known.entry(organization.clone()).or_default().items.insert(item.clone(), stock);
        Ok(())
    }

    /// Every item as it stands in the table, which the levels that were followed must agree with.
    pub async fn read_all(&mut self) -> anyhow::Result<()> {
        let known = self.known.iter();
        let all: Vec<_> =
            known.map(|(of, known)| (of.clone(), known.items.keys().cloned().collect())).collect();
        for (organization, items) in all {
            let items: Vec<ItemId> = items;
            for item in items {
                self.read_item(&organization, &item).await?;
                let known = &self.known[&organization];
                let level = |level: &Level| {
                    let stock = Stock { on_hand: level.on_hand, committed: level.committed };
                    (level.location_id.clone(), stock)
                };
                let read: BTreeMap<_, _> = known.items[&item].levels.iter().map(level).collect();
                ensure!(read == known.levels(&item), "the levels of {item} are {read:?} in the table");
            }
        }
        Ok(())
    }

    async fn read_again(&mut self, changed: &Changed) -> anyhow::Result<()> {
        for (organization, item) in &changed.to_read {
            self.read_item(organization, item).await?;
        }
        for (organization, id) in &changed.orders {
            let order = self.store.order(organization, id).await?.context("an order was deleted")?;
            self.known.entry(organization.clone()).or_default().orders.insert(id.clone(), order);
        }
        for organization in &changed.organizations {
            let of = changed.listings.iter().filter(|(of, _)| of == organization);
            let ids: BTreeSet<ListingId> = of.map(|(_, id)| id.clone()).collect();
            if ids.is_empty() {
                continue;
            }
            let mut found = self.store.listings_by_ids(organization, &ids).await?;
            let known = self.known.entry(organization.clone()).or_default();
            for id in ids {
                match found.remove(&id) {
                    Some(listing) => known.listings.insert(id, listing),
                    None => known.listings.remove(&id),
                };
            }
        }
        for organization in &changed.settings {
            let row = self.store.organization(organization).await?;
            self.known.entry(organization.clone()).or_default().organization = row;
        }
        for (organization, id) in &changed.connections {
            let known = self.known.entry(organization.clone()).or_default();
            match self.store.connection(organization, id).await? {
                Some(connection) => known.connections.insert(id.clone(), connection),
                None => known.connections.remove(id),
            };
        }
        Ok(())
    }
}

fn personal_in(value: &Value) -> Option<&'static str> {
    match value {
        Value::String(text) => PERSONAL.into_iter().find(|name| text.contains(name)),
        Value::Array(members) => members.iter().find_map(personal_in),
        Value::Object(members) => members.values().find_map(personal_in),
        _ => None,
    }
}

/// For texts that are on the queues.
pub fn is_personal(text: &str) -> bool {
    PERSONAL.iter().any(|name| text.contains(name))
}
