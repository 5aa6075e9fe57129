//! What must hold at every step. Each law says in its message what broke it.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};
use domain::availability::rule_of;
use domain::channel::Fulfilment;
use domain::connection::ConnectionStatus;
use domain::listing::ListingStatus;
use domain::order::ChannelOrderState;
use domain::{ChannelKind, ItemId, ListingId, LocationId, OrganizationId};
use marketplace_sim::Sold;
use store::connection::Connection;
use store::listing::Listing;
use store::order::{Order, OrderLine};

use crate::job::Begun;
use crate::mirror::{Changed, Known, is_personal};
use crate::model::{Line, Place, Posted, Resolved, Rule, Stage, State, ToShow};
use crate::street::Push;
use crate::table::LAG_MS;
use crate::world::World;

impl World {
    /// Follows what was written and sent since the last look, and holds it against the laws and the model. `job`: which
    /// function (by its place) did it all.
    pub async fn look(&mut self, job: Option<usize>) -> anyhow::Result<()> {
        let changed = self.mirror.catch_up().await?;
        self.check_tenancy(job, &changed)?;
        self.follow_shipped();
        for (organization, id) in &changed.orders {
            let order = self.mirror.known[organization].orders[id].clone();
            self.check_order(&order)?;
        }
        for organization in &changed.organizations {
            self.check_stock(organization, &changed)?;
        }
        for merchant in 0..self.merchants.len() {
            self.check_sent_by_amazon(merchant, false)?;
        }
        self.check_authorization(&changed)?;
        for listing in &changed.waiting {
            self.check_waits_for_a_person(listing, job)?;
        }
        if !changed.listings.is_empty() {
            self.follow_left_out();
        }
        self.follow_desired(&changed);
        for push in self.street.take_pushes(self.time.elapsed_ms()) {
            self.check_push(&push, job)?;
        }
        for (queue, body) in self.queue.take_sent() {
            ensure!(!is_personal(&body), "of a buyer, on the queue {queue}: {body}");
        }
        Ok(())
    }

    /// No write outside the organization whose work it is.
    fn check_tenancy(&self, job: Option<usize>, changed: &Changed) -> anyhow::Result<()> {
        let Some(job) = job.and_then(|at| self.jobs.get(at)) else { return Ok(()) };
        if job.organizations.is_empty() {
            return Ok(());
        }
        match changed.organizations.iter().find(|organization| !job.organizations.contains(organization)) {
            Some(other) => bail!("{} wrote to {other}, which is another's", self.begun[&job.id].name),
            None => Ok(()),
        }
    }

    /// Each order is one that a channel took, in a state that it had there, and never goes back to an older one.
    fn check_order(&mut self, order: &Order) -> anyhow::Result<()> {
        let (Some(connection), Some(external_id)) = (order.connection_id(), order.external_id()) else {
            return Ok(());
        };
        let host = self.host_of(connection).context("an order of no connection")?;
        let key = (host, external_id.to_owned());
        let Some(real) = self.model.orders.get_mut(&key) else {
            bail!("the order {} of {} was never placed", key.1, key.0)
        };
        if !order.complete {
            return Ok(());
        }
        let from = real.arrived.unwrap_or(0);
        let same_second = real.states[from].at_s;
        let newer = from..real.states.len();
        let older = (0..from).rev().filter(|n| real.states[*n].at_s == same_second);
        let found = newer.chain(older).find(|n| is_state(order, &real.states[*n]));
        let Some(found) = found else {
            bail!(
                "the order {} of {} is {}, which is none of its states since the one that was here: {:?}",
                key.1,
                key.0,
                described(order),
                &real.states[from..]
            )
        };
        real.arrived = Some(found);
        let resolved: BTreeMap<Sold, ItemId> =
            order.lines.iter().filter_map(|line| Some((sold_of(line)?, line.item_id.clone()?))).collect();
        if let Some(before) = self.model.resolved.get(&key) {
            for (sold, item) in &before.items {
                let now = resolved.get(sold);
                let gone = !order.lines.iter().any(|line| is_of(line, sold));
                ensure!(
                    gone || now == Some(item),
                    "a line of the order {} went from {item} to {now:?}",
                    key.1
                );
            }
        }
        let location = order.location_id.clone();
        let by_amazon = self.check_by_amazon(&key, order)?;
        self.model.resolved.insert(key, Resolved { items: resolved, location, by_amazon });
        Ok(())
    }

    /// What shops were told of shipments: their orders are in another state by it.
    fn follow_shipped(&mut self) {
        for shipped in self.street.take_shipped() {
            let Some(order) = self.model.orders.get_mut(&(shipped.host.clone(), shipped.order.clone()))
            else {
                continue;
            };
            let mut next = order.last().clone();
            let mut more = false;
            for (line, units) in next.lines.iter_mut().zip(shipped.units) {
                if units > line.shipped {
                    line.waiting = (line.waiting - (units - line.shipped)).max(0);
                    line.shipped = units;
                    more = true;
                }
            }
            if !more {
                continue;
            }
            // WooCommerce has one word for an order: that it is completed takes the place of that it was cancelled.
            let reopens = self.street.shops[&shipped.host].kind.channel == ChannelKind::Woocommerce;
            let ends = reopens || next.stage != Stage::Void;
            if ends && next.lines.iter().all(|line| line.waiting == 0) {
                next.stage = Stage::Fulfilled;
            }
            next.at_ms = shipped.at_ms;
            next.at_s = shipped.at_s;
            self.trace
                .note(format_args!("  {} has shipped of {}: {:?}", shipped.host, shipped.order, next.lines));
            order.states.push(next);
        }
    }

    pub fn host_of(&self, connection: &domain::ConnectionId) -> Option<String> {
        let shops = self.merchants.iter().flat_map(|merchant| &merchant.shops);
        Some(shops.into_iter().find(|shop| shop.connection == *connection)?.host.clone())
    }

    /// Levels equal the replayed movements, and both equal the model.
    fn check_stock(&mut self, organization: &OrganizationId, changed: &Changed) -> anyhow::Result<()> {
        let moved = |item: &ItemId| changed.items.contains(&(organization.clone(), item.clone()));
        let orders = changed.orders.iter().any(|(of, _)| of == organization);
        let items: Vec<ItemId> = self.mirror.known[organization].items.keys().cloned().collect();
        for item in items {
            if !orders && !moved(&item) {
                continue;
            }
            for location in self.locations_of(organization) {
                self.check_place(organization, &(item.clone(), location))?;
            }
        }
        Ok(())
    }

    fn locations_of(&self, organization: &OrganizationId) -> Vec<LocationId> {
        let of = self.merchants.iter().find(|merchant| merchant.organization == *organization);
        of.into_iter()
            .flat_map(|merchant| merchant.locations.iter().chain(&merchant.at_amazon))
            .cloned()
            .collect()
    }

    /// The ledger of one item at one location, against the model.
    pub fn check_place(&mut self, organization: &OrganizationId, place: &Place) -> anyhow::Result<()> {
        let known = &self.mirror.known[organization];
        let here = known.levels(&place.0).get(&place.1).copied().unwrap_or_default();
        let replayed = known.moved.get(place).copied().unwrap_or_default();
        ensure!(here == replayed, "the level of {place:?} is {here:?}, its movements {replayed:?}");
        // One that was made of a listing.
        let opening = known.opening.get(place).copied().unwrap_or(0);
        self.model.opening.entry(place.clone()).or_insert(opening);
        let expected = self.model.stock(place, None);
        if here == expected {
            return Ok(());
        }
        let explains = |key: &&String| self.model.stock(place, Some(key)) == here;
        let Some(key) = self.model.unknown().map(|(key, _)| key).find(explains).cloned() else {
            bail!("the stock of {place:?} is {here:?}, and by the model {expected:?}")
        };
        self.trace.note(format_args!("  {key} is posted"));
        if let Some(posting) = self.model.postings.get_mut(&key) {
            posting.posted = Posted::Yes;
        }
        Ok(())
    }

    /// A grant is lost only where it was taken back, or spent by a call whose answer did not come.
    fn check_authorization(&self, changed: &Changed) -> anyhow::Result<()> {
        for (organization, id) in &changed.connections {
            let Some(connection) = self.mirror.known[organization].connections.get(id) else { continue };
            let host = self.host_of(id).unwrap_or_default();
            ensure!(
                connection.status != ConnectionStatus::NeedsAuthorization
                    || self.revoked.contains(id)
                    || self.street.may_have_lost_its_grant(&host),
                "{id} needs authorization, and nobody took it back: {:?}",
                connection.status_reason
            );
        }
        Ok(())
    }

    /// A number waits for a person only where a person changed it: what sold, or was told, is nobody's edit.
    fn check_waits_for_a_person(&self, listing: &ListingId, job: Option<usize>) -> anyhow::Result<()> {
        if self.was_edited.contains(listing) {
            return Ok(());
        }
        let of = |known: &Known| known.listings.get(listing).map(|listing| listing.connection_id.clone());
        let host = self.mirror.known.values().find_map(of).and_then(|connection| self.host_of(&connection));
        let host = host.with_context(|| format!("{listing} waits for a person, and is of no connection"))?;
        let began = job.and_then(|at| self.begun.get(&self.jobs.get(at)?.id));
        // Of what a channel does not show yet, or lets nobody look for, nobody knows that it sold.
        let hidden = began.is_some_and(|began| self.street.showed_stale(&host, began.at_ms));
        let capability = channels::adapter(self.shop(&host).kind.channel).capability();
        ensure!(
            hidden || !capability.order_look_before_push,
            "{listing} waits for a person, and nobody edited its number"
        );
        Ok(())
    }

    /// What each listing had to show after each write, and must show from now on.
    fn follow_desired(&mut self, changed: &Changed) {
        let mut then = BTreeMap::new();
        for (organization, item, left) in &changed.levels {
            then.insert(item.clone(), *left);
            self.note_desired(organization, |known, of| {
                then.get(of).copied().unwrap_or_else(|| known.left(of))
            });
        }
        for organization in &changed.organizations {
            self.note_desired(organization, Known::left);
        }
    }

    fn note_desired(&mut self, organization: &OrganizationId, left: impl Fn(&Known, &ItemId) -> i64) {
        let now_ms = self.time.elapsed_ms();
        let known = &self.mirror.known[organization];
        for (id, listing) in &known.listings {
            let is_ours =
                listing.status == ListingStatus::Linked && listing.shipping().number_of() == Fulfilment::Mfn;
            let linked = listing.item_id.as_ref().filter(|_| is_ours);
            let connection = known.connections.get(&listing.connection_id);
            let shows = linked.zip(connection).map(|(item, connection)| {
                let rule = rule_for(known, connection, Some(listing));
                let by_part = self.model.by_part(item, |part| left(known, part));
                let told = connection.settings.pushes(connection.status).is_ok();
                ToShow { rule, item: item.clone(), by_part, told }
            });
            let history = self.desired.entry(id.clone()).or_default();
            if history.last().is_none_or(|(_, last)| *last != shows) {
                history.push((now_ms, shows));
            }
        }
    }

    /// A number goes only where it may, is one that was right at some time of the work, and comes after the orders that
    /// the channel had when the work began.
    fn check_push(&mut self, push: &Push, job: Option<usize>) -> anyhow::Result<()> {
        let listing = self.listing(&push.host, &push.sold);
        let job = match push.given {
            Some(given) => self.begun.get(&given.by),
            None => job.and_then(|at| self.begun.get(&self.jobs.get(at)?.id)),
        };
        let Begun { name, at_ms: began_ms } = job.context("a number was set by nobody")?.clone();
        // What became another after the channel was given it is not known to what it was given.
        let until = push.given.map_or(i64::MAX, |given| given.at_ms);
        let history = self.desired.get(&listing).map(Vec::as_slice).unwrap_or_default();
        let since = began_ms - LAG_MS;
        let ended = |n: usize| history.get(n + 1).map_or(i64::MAX, |(at_ms, _)| *at_ms);
        let then: Vec<&ToShow> = history
            .iter()
            .enumerate()
            .filter(|(n, (at_ms, _))| ended(*n) >= since && *at_ms <= until)
            .filter_map(|(_, (_, shows))| shows.as_ref())
            .collect();
        ensure!(
            then.iter().any(|one| one.told),
            "{name} set {listing}, which was not to be told anything at any time of the work"
        );
        if !push.to.is_some_and(|number| ToShow::may_be(&then, number)) {
            self.tally.stale_numbers += 1;
            bail!(
                "{name} set {listing} to {:?}; during the work it was to show {then:?}: a stale number",
                push.to
            );
        }
        // What took effect in the channel's own time may have been edited again before it was looked at.
        if push.given.is_none() || self.shop(&push.host).sim.quantity(&push.sold) == push.to {
            self.edited.remove(&listing);
        }
        self.check_orders_before_stock(push, began_ms, &name)
    }

    fn check_orders_before_stock(&mut self, push: &Push, began_ms: i64, name: &str) -> anyhow::Result<()> {
        let shop = self.shop(&push.host);
        if !channels::adapter(shop.kind.channel).capability().order_look_before_push {
            return Ok(());
        }
        if self.street.showed_stale(&push.host, began_ms) {
            return Ok(());
        }
        for ((host, id), order) in &self.model.orders {
            let sells = || order.last().lines.iter().any(|line| line.sold == push.sold);
            if *host != push.host || order.may_be_left_out || !sells() {
                continue;
            }
            let Some(then) = order.states.iter().rposition(|state| state.at_ms < began_ms) else { continue };
            if order.arrived.is_none_or(|arrived| !is_as_new(&order.states, arrived, then)) {
                self.tally.given_back += 1;
                bail!(
                    "{name} set a number of {host} before its order {id} was here as it was when the work began: a unit \
                     given back ({:?} has arrived, of {:?})",
                    order.arrived,
                    order.states
                );
            }
        }
        Ok(())
    }

    /// Orders that the hub need not have, for all that they sell was unlinked while it did not have them.
    pub fn follow_left_out(&mut self) {
        let mut left_out = Vec::new();
        for ((host, id), order) in &self.model.orders {
            if order.arrived.is_some() || order.may_be_left_out {
                continue;
            }
            let unlinked = |line: &Line| {
                let (merchant, _) = self.seller(host);
                let known = &self.mirror.known[&merchant.organization];
                known
                    .listings
                    .get(&self.listing(host, &line.sold))
                    .is_some_and(|listing| listing.status == ListingStatus::Unlinked)
            };
            if order.last().lines.iter().all(unlinked) {
                left_out.push((host.clone(), id.clone()));
            }
        }
        for key in left_out {
            if let Some(order) = self.model.orders.get_mut(&key) {
                order.may_be_left_out = true;
            }
        }
    }
}

/// In its three layers: the listing's, its connection's, the organization's.
pub fn rule_for(known: &Known, connection: &Connection, listing: Option<&Listing>) -> Rule {
    let listing = listing.map(|listing| listing.stock_rule).unwrap_or_default();
    let organization = known.organization.as_ref().map(|of| of.stock_rule).unwrap_or_default();
    let rule = rule_of([&listing, &connection.settings.stock_rule, &organization]);
    Rule {
        percent: i64::from(rule.percent.get()),
        buffer: rule.buffer.units(),
        max_listed: rule.max_listed.map(|most| most.units()),
    }
}

/// Whether a state is no older than another: later, of the same second, or the same as one that is. Which of two that are
/// the same has arrived, an order that was changed there and back does not say.
pub fn is_as_new(states: &[State], arrived: usize, then: usize) -> bool {
    let here = &states[arrived];
    let is_same = |state: &State| state.lines == here.lines && state.stage == here.stage;
    arrived >= then || here.at_s == states[then].at_s || states[then..].iter().any(is_same)
}

/// What a line of one of the hub's orders sells, by its channel's names.
pub fn sold_of(line: &OrderLine) -> Option<Sold> {
    let listing = line.listing.as_ref()?;
    Some(Sold { external_id: listing.external_id.clone(), variation_id: listing.variation_id.clone() })
}

fn is_of(line: &OrderLine, sold: &Sold) -> bool {
    sold_of(line).as_ref() == Some(sold)
}

/// By the channel's word: what was done here with the order is not its channel's.
pub fn stage_of(order: &Order) -> Stage {
    match order.channel_state {
        ChannelOrderState::Pending => Stage::Pending,
        ChannelOrderState::Confirmed | ChannelOrderState::PartFulfilled => Stage::Confirmed,
        ChannelOrderState::Fulfilled => Stage::Fulfilled,
        ChannelOrderState::Cancelled => Stage::Void,
    }
}

/// Whether the hub's order says what this state says.
pub fn is_state(order: &Order, state: &State) -> bool {
    let stage = stage_of(order);
    let units = |sold: &Sold| {
        let lines = order.lines.iter().filter(|line| is_of(line, sold));
        lines.fold((0, 0), |(waiting, shipped), line| {
            let (quantity, gone) = (line.quantity.units(), line.shipped.units());
            match stage {
                Stage::Void => (waiting, shipped + gone),
                Stage::Fulfilled => (waiting, shipped + quantity),
                Stage::Pending | Stage::Confirmed => (waiting + quantity - gone, shipped + gone),
            }
        })
    };
    stage == state.stage && state.lines.iter().all(|line| units(&line.sold) == (line.waiting, line.shipped))
}

fn described(order: &Order) -> String {
    let lines: Vec<String> = order
        .lines
        .iter()
        .map(|line| format!("{} of {}, {} shipped", line.quantity.units(), line.title, line.shipped.units()))
        .collect();
    format!("{} with {}", order.state.as_str(), lines.join("; "))
}
