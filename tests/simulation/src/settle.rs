//! After the faults: within a bounded time all must be right, by the hub's own means.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use app::Clock;
use domain::Timestamp;
use domain::connection::ConnectionStatus;
use domain::listing::ListingStatus;
use domain::sync::SyncState;
use domain::{ConnectionId, ItemId, ListingId, LocationId};
use marketplace_sim::{Shipped, Sold};
use queue::Work;
use serde_json::json;
use store::PageRequest;
use store::listing::Listing;
use store::order_document::ShipmentPushState;
use store::sync::SyncFilter;

use crate::law::{is_state, rule_for};
use crate::model::{Stage, Stock};
use crate::world::{Merchant, World};

/// Within which all is right: a cycle of half an hour, the longest rest of a message, what SQS hides a message for, and
/// as much again.
const BOUND_MS: i64 = 4 * 3_600_000;

/// Cycles of half an hour in which all ends that is under way on a channel: what Amazon sends takes it an hour.
const ROUNDS_MAX: u32 = 10;

impl World {
    pub async fn settle(&mut self) -> anyhow::Result<()> {
        self.trace.note("--- calm");
        self.weather.set_calm(true);
        let shops: Vec<_> = self.street.shops.values().cloned().collect();
        for shop in &shops {
            shop.go_down_for(0);
            // Notifications may be lost: what they told is found without them.
            shop.sim.take_deliveries();
        }
        self.notifications.clear();
        let running: Vec<u64> = self.jobs.iter().map(|job| job.id).collect();
        for id in running {
            self.complete(id).await?;
        }
        self.answer_all().await?;
        self.switch_all_on().await?;
        self.overwrite_edited().await?;
        for listing in std::mem::take(&mut self.edited) {
            self.push_edited(&listing).await?;
        }
        self.quiet(false).await?;
        let mut rounds = 0;
        while self.approve_held().await? || self.orders_moved_on(self.quieted_ms) || self.amazon_sends() {
            rounds += 1;
            ensure!(rounds < ROUNDS_MAX, "something moves on its channel after {rounds} cycles of calm");
            self.quiet(false).await?;
        }
        self.follow_left_out();
        self.check_all().await
    }

    /// Whoever had no answer asks until there is one.
    async fn answer_all(&mut self) -> anyhow::Result<()> {
        for _ in 0..200 {
            let Some(id) = self.retry() else { return Ok(()) };
            self.complete(id).await?;
            self.pass(Duration::from_secs(5)).await;
        }
        bail!("nobody answers these requests: {:?}", self.unanswered)
    }

    async fn switch_all_on(&mut self) -> anyhow::Result<()> {
        for merchant in 0..self.merchants.len() {
            for shop in 0..self.merchants[merchant].shops.len() {
                let connected = &self.merchants[merchant].shops[shop];
                let (id, host) = (connected.connection.clone(), connected.host.clone());
                self.shop(&host).sim.admit();
                let known = &self.mirror.known[&self.merchants[merchant].organization];
                let status = known.connections.get(&id).context("a connection is gone")?.status;
                let begun = match status {
                    ConnectionStatus::Active if self.street.may_have_lost_its_grant(&host) => {
                        self.authorize_again(merchant, shop)
                    }
                    ConnectionStatus::Active => continue,
                    ConnectionStatus::Inactive => {
                        let path = format!("/v1/connections/{id}/enable");
                        let enabling = self.begin_request(merchant, "POST", &path, None, None);
                        if self.street.may_have_lost_its_grant(&host) {
                            self.complete(enabling).await?;
                            self.authorize_again(merchant, shop)
                        } else {
                            enabling
                        }
                    }
                    ConnectionStatus::NeedsAuthorization => self.authorize_again(merchant, shop),
                };
                self.complete(begun).await?;
            }
        }
        Ok(())
    }

    /// What waits for a person to decide is decided.
    async fn overwrite_edited(&mut self) -> anyhow::Result<()> {
        for connection in std::mem::take(&mut self.left_to_people) {
            let shops = |merchant: &Merchant| merchant.shops.iter().any(|shop| shop.connection == connection);
            let merchant = self.merchants.iter().position(shops).context("a connection of nobody")?;
            let path = format!("/v1/connections/{connection}");
            let body = Some(json!({ "drift": "overwrite" }));
            let id = self.begin_request(merchant, "PATCH", &path, body, None);
            self.complete(id).await?;
            for listing in self.waiting_on(merchant, &connection) {
                let release = format!("/v1/listings/{listing}/release");
                let id = self.begin_request(merchant, "POST", &release, None, None);
                self.complete(id).await?;
            }
            let id = self.begin_request(merchant, "POST", &format!("{path}/reconcile"), None, None);
            self.complete(id).await?;
        }
        Ok(())
    }

    /// Listings whose number waits for a person.
    fn waiting_on(&self, merchant: usize, connection: &ConnectionId) -> Vec<ListingId> {
        let known = &self.mirror.known[&self.merchants[merchant].organization];
        let listings = known.waiting.iter().filter_map(|id| known.listings.get(id));
        let of_connection = listings.filter(|listing| listing.connection_id == *connection);
        of_connection.map(|listing| listing.id.clone()).collect()
    }

    /// Edits on the channel are found once a day: whoever made one has the numbers compared now, or presses Push Stock.
    async fn push_edited(&mut self, listing: &ListingId) -> anyhow::Result<()> {
        for merchant in 0..self.merchants.len() {
            let known = &self.mirror.known[&self.merchants[merchant].organization];
            let Some(link) = known.link(listing) else { continue };
            let path = if self.chance.happens(500) {
                format!("/v1/connections/{}/reconcile", link.connection_id)
            } else {
                format!("/v1/items/{}/push", link.item_id)
            };
            let id = self.begin_request(merchant, "POST", &path, None, None);
            self.complete(id).await?;
        }
        Ok(())
    }

    /// Whether an order moved on at its channel since then: by the hub's own telling of a shipment.
    fn orders_moved_on(&self, since_ms: i64) -> bool {
        self.model.orders.values().any(|order| order.last().at_ms >= since_ms)
    }

    /// What waits for a yes gets it. Whether there was anything.
    async fn approve_held(&mut self) -> anyhow::Result<bool> {
        let mut any = false;
        for merchant in 0..self.merchants.len() {
            let page = PageRequest { limit: 200, cursor: None };
            let organization = self.merchants[merchant].organization.clone();
            let found = self.observer.syncs(&organization, &SyncFilter::default(), &page).await?;
            for sync in found.data.into_iter().filter(|sync| sync.state == SyncState::Held) {
                let path = format!("/v1/syncs/{}/approve", sync.id);
                let id = self.begin_request(merchant, "POST", &path, None, None);
                self.complete(id).await?;
                any = true;
            }
        }
        Ok(any)
    }

    /// Until nothing is left to do and each connection had a cycle of its own.
    pub async fn quiet(&mut self, first: bool) -> anyhow::Result<()> {
        self.look(None).await?;
        let began_ms = self.time.elapsed_ms();
        self.quieted_ms = began_ms;
        let mut before: BTreeMap<ConnectionId, Option<Timestamp>> = self.next_syncs();
        // A walk that is on its way has passed some of what came to be since: the cycle that it ends is not a whole one.
        let mut halfway = self.queue.groups_with(Work::ItemSync);
        loop {
            while self.work_through().await? {}
            let now = self.time.now();
            let next = self.next_syncs();
            for (id, at) in &next {
                if before.get(id).is_some_and(|before| before != at) && halfway.remove(id.as_str()) {
                    before.insert(id.clone(), *at);
                }
            }
            let cycled = next.iter().all(|(id, at)| at.is_none() || *at != before[id]);
            if cycled && self.queue.is_empty() {
                return Ok(());
            }
            ensure!(
                self.time.elapsed_ms() - began_ms < BOUND_MS,
                "not quiet after {} minutes of calm; {} waits",
                BOUND_MS / 60_000,
                if cycled { "a message" } else { "a connection's cycle" }
            );
            let due_ms = next.values().flatten().map(|at| {
                i64::try_from(at.duration_since(now).as_millis()).unwrap() + self.time.elapsed_ms()
            });
            let due_ms = if cycled { None } else { due_ms.min() };
            let tick = due_ms.is_some_and(|due_ms| self.queue.next_at_ms().is_none_or(|at| due_ms <= at));
            let at_ms = if tick { due_ms } else { self.queue.next_at_ms() };
            let wait_ms = at_ms.map_or(60_000, |at_ms| at_ms - self.time.elapsed_ms());
            // What is due by this clock may not be by that of the process that looked.
            let wait_ms = if wait_ms > 0 { wait_ms } else { 1_000 };
            self.pass(Duration::from_millis(wait_ms.unsigned_abs())).await;
            if tick || first {
                let id = self.begin_tick();
                self.complete(id).await?;
            }
        }
    }

    fn next_syncs(&self) -> BTreeMap<ConnectionId, Option<Timestamp>> {
        let connections = self.mirror.known.values().flat_map(|known| known.connections.values());
        connections.map(|connection| (connection.id.clone(), connection.next_sync_at)).collect()
    }

    /// Whether there was anything.
    async fn work_through(&mut self) -> anyhow::Result<bool> {
        let mut any = false;
        while let Some(id) = self.begin_fan_out() {
            self.complete(id).await?;
            any = true;
        }
        for queue in self.queue.ready() {
            if let Some(id) = self.begin_batch(queue) {
                self.complete(id).await?;
                any = true;
            }
        }
        Ok(any)
    }

    async fn check_all(&mut self) -> anyhow::Result<()> {
        self.mirror.read_all().await?;
        let dead = self.queue.dead_bodies();
        ensure!(dead.is_empty(), "dead letters: {dead:?}");
        ensure!(
            self.model.unknown().next().is_none(),
            "these are neither posted nor refused: {:?}",
            self.model.unknown().map(|(key, _)| key).collect::<Vec<_>>()
        );
        self.check_orders_are_here()?;
        for merchant in 0..self.merchants.len() {
            self.check_numbers(merchant)?;
            self.check_lines(merchant)?;
            self.check_sent_by_amazon(merchant, true)?;
            self.check_told(merchant).await?;
            self.check_ledger(merchant).await?;
            self.check_availability(merchant).await?;
        }
        Ok(())
    }

    /// Every order that a channel took is here once with its last state.
    fn check_orders_are_here(&self) -> anyhow::Result<()> {
        for ((host, id), real) in &self.model.orders {
            let (merchant, connected) = self.seller(host);
            let known = &self.mirror.known[&merchant.organization];
            let here: Vec<_> = known
                .orders
                .values()
                .filter(|order| {
                    order.connection_id() == Some(&connected.connection) && order.external_id() == Some(id)
                })
                .collect();
            match here.as_slice() {
                [] if real.may_be_left_out => {}
                [] => bail!("the order {id} of {host} never came: {:?}", real.last()),
                [one] => ensure!(
                    is_state(one, real.last()),
                    "the order {id} of {host} is {} with {:?}, and should be {:?}",
                    one.state.as_str(),
                    one.lines,
                    real.last()
                ),
                more => bail!("the order {id} of {host} is here {} times", more.len()),
            }
        }
        Ok(())
    }

    /// Every linked listing shows what it must.
    fn check_numbers(&self, merchant: usize) -> anyhow::Result<()> {
        let of = &self.merchants[merchant];
        let known = &self.mirror.known[&of.organization];
        for connected in &of.shops {
            let connection = known.connections.get(&connected.connection).context("a connection is gone")?;
            ensure!(
                connection.status == ConnectionStatus::Active,
                "{} is {:?} after all: {:?}",
                connection.id,
                connection.status,
                connection.status_reason
            );
            for sold in self.shop(&connected.host).on_sale() {
                let id = self.listing(&connected.host, &sold);
                let listing = known.listings.get(&id);
                let listing = listing.with_context(|| format!("{id} was never fetched"))?;
                let (ListingStatus::Linked, Some(item)) = (listing.status, &listing.item_id) else {
                    continue;
                };
                if self.shop(&connected.host).holds(&sold) {
                    self.check_held(merchant, &connected.host, &sold, item)?;
                    continue;
                }
                let left = self.must_be_left(merchant, item);
                let must = rule_for(known, connection, Some(listing)).shows(left);
                let shown = self.shop(&connected.host).sim.quantity(&sold);
                ensure!(
                    shown == Some(must),
                    "{id} shows {shown:?} and must show {must}: {left} of {item} are left"
                );
                let link = known.link(&id).with_context(|| format!("{id} is linked and has no link"))?;
                ensure!(
                    link.failure.is_none(),
                    "{id} shows the right number and its push failed: {:?}",
                    link.failure
                );
            }
        }
        Ok(())
    }

    /// What lies at Amazon is what is counted here, with no word from anybody: of an item whose listings, and those of its
    /// bundles, were linked all along. One that is linked by hand sells from the same count, into which nobody has taken
    /// its units.
    fn check_held(&self, merchant: usize, host: &str, sold: &Sold, item: &ItemId) -> anyhow::Result<()> {
        let of = &self.merchants[merchant];
        let known = &self.mirror.known[&of.organization];
        let sells = |listing: &Listing| {
            let of = |linked: &ItemId| linked == item || self.model.each(linked, item) > 0;
            listing.item_id.as_ref().is_some_and(of)
        };
        let mut listings = self.taken_apart.iter().filter_map(|id| known.listings.get(id));
        let taken_apart = listings.any(sells);
        let Some(at_amazon) = of.at_amazon.clone().filter(|_| !taken_apart) else {
            return Ok(());
        };
        let levels = known.levels(item);
        let here = levels.get(&at_amazon).copied().unwrap_or_default();
        let there = self.shop(host).sim.quantity(sold).unwrap_or(0);
        ensure!(
            here == Stock { on_hand: there, committed: 0 },
            "of {item} {there} lie at Amazon, and {here:?} are counted there"
        );
        Ok(())
    }

    /// By the model, of all its locations.
    fn must_be_left(&self, merchant: usize, item: &ItemId) -> i64 {
        let locations = &self.merchants[merchant].locations;
        self.model.least(item, |part| {
            let stock = |location: &LocationId| self.model.stock(&(part.clone(), location.clone()), None);
            locations.iter().map(|location| stock(location).available()).sum()
        })
    }

    /// Each shipment is at its order's channel, once, where the hub says so, and waits to be told nowhere.
    async fn check_told(&self, merchant: usize) -> anyhow::Result<()> {
        let of = &self.merchants[merchant];
        let known = &self.mirror.known[&of.organization];
        for order in known.orders.values() {
            if order.lines.iter().all(|line| line.done.shipped.units() == 0) {
                continue;
            }
            let host = order.connection_id().and_then(|connection| self.host_of(connection));
            let (Some(host), Some(external_id)) = (host, order.external_id()) else { continue };
            let there = self.shop(&host).sim.shipments(external_id);
            for document in self.observer.order_documents(&of.organization, &order.id).await? {
                let Some(shipment) = document.shipment() else { continue };
                let Some(push) = &shipment.push else { continue };
                let number = shipment.tracking_number.as_deref().unwrap_or_default();
                let told =
                    |one: &&Shipped| one.tracking_number.as_deref().is_some_and(|text| names(text, number));
                let times = there.iter().filter(told).count();
                let right = match push.state {
                    ShipmentPushState::InSync => times == 1,
                    ShipmentPushState::Failed => true,
                    ShipmentPushState::Pending | ShipmentPushState::Disabled => false,
                };
                ensure!(
                    right,
                    "the shipment {} is {:?} by the hub and is {times} times at {host}: {there:?}",
                    document.id,
                    push
                );
            }
        }
        Ok(())
    }

    /// No line waits for a listing that has its item.
    fn check_lines(&self, merchant: usize) -> anyhow::Result<()> {
        let known = &self.mirror.known[&self.merchants[merchant].organization];
        for order in known.orders.values() {
            for line in order.lines.iter().filter(|line| line.item_id.is_none() && line.quantity.get() > 0) {
                let Some(listing) = order.listing_of(line) else { continue };
                ensure!(
                    known.link(&listing).is_none(),
                    "a line of {} waits for {listing}, which is linked",
                    order.id
                );
                ensure!(
                    order.frozen || crate::law::stage_of(order) == Stage::Void,
                    "{} has an open line and is not frozen",
                    order.id
                );
            }
        }
        Ok(())
    }

    /// As an auditor would: all movements, from the first.
    async fn check_ledger(&self, merchant: usize) -> anyhow::Result<()> {
        let of = &self.merchants[merchant];
        let known = &self.mirror.known[&of.organization];
        for item in known.items.keys() {
            let mut request = PageRequest { limit: 200, cursor: None };
            let mut movements = Vec::new();
            loop {
                let page = self.observer.movements(&of.organization, item, &request).await?;
                movements.extend(page.data);
                match page.next_cursor {
                    Some(cursor) => request.cursor = Some(cursor),
                    None => break,
                }
            }
            let replayed: BTreeMap<LocationId, Stock> = domain::stock::replay(&movements)
                .into_iter()
                .map(|level| {
                    let stock = Stock { on_hand: level.on_hand, committed: level.committed };
                    (level.location_id, stock)
                })
                .collect();
            let levels = known.levels(item);
            ensure!(
                replayed == levels,
                "the movements of {item} make {replayed:?}, its levels are {levels:?}"
            );
        }
        Ok(())
    }

    /// The hub's own word for it.
    async fn check_availability(&mut self, merchant: usize) -> anyhow::Result<()> {
        let of = &self.merchants[merchant];
        let Some((_, item)) = self.chance.pick(&of.items) else { return Ok(()) };
        let Some(connected) = self.chance.pick(&of.shops) else { return Ok(()) };
        let known = &self.mirror.known[&of.organization];
        let connection = known.connections.get(&connected.connection).context("a connection is gone")?;
        // The rule of its one listing there, where it has one.
        let links = known.items.get(item).into_iter().flat_map(|stock| &stock.links);
        let mut linked = links.filter(|link| link.connection_id == connection.id);
        let listing = linked.next().filter(|_| linked.next().is_none());
        let listing = listing.and_then(|link| known.listings.get(&link.listing_id));
        let must = rule_for(known, connection, listing).shows(self.must_be_left(merchant, item));
        let (_, process) = self.process();
        let explained =
            process.app.explain_availability(&of.organization, item, Some(&connection.id), None).await?;
        let result = explained.availability.map(|availability| availability.result.units());
        ensure!(result == Some(must), "availability of {item} is {result:?} and must be {must}");
        Ok(())
    }
}

/// Whether a text, such as a note to the buyer, has this number and not a longer one.
fn names(text: &str, number: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == number)
}
