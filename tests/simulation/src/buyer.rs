//! What buyers do, and what people do in the shops themselves.

use std::time::Duration;

use marketplace_sim::{Goods, Sold};

use crate::model::{Line, Order, OrderKey, Stage, State};
use crate::oversell::Cause;
use crate::world::World;

impl World {
    fn any_host(&self) -> String {
        let hosts: Vec<&String> = self.street.shops.keys().collect();
        (*self.chance.pick(&hosts).unwrap()).clone()
    }

    /// Orders what is shown, and no more of it.
    pub async fn buy(&mut self, paid: bool) {
        let host = self.any_host();
        let shop = self.shop(&host).clone();
        let mut lines: Vec<(Sold, u32)> = Vec::new();
        // The channel sends what it ships by itself.
        let by_channel = shop.kind.fba && self.chance.happens(500);
        for sold in shop.on_sale().into_iter().filter(|sold| shop.holds(sold) == by_channel) {
            let shown = shop.sim.quantity(&sold).unwrap_or(0);
            if shown > 0 && lines.len() < 3 && self.chance.happens(400) {
                let units = self.chance.between(1, shown.min(3));
                lines.push((sold, u32::try_from(units).unwrap()));
            }
        }
        if lines.is_empty() {
            return;
        }
        let id = if paid { shop.sim.sell(&lines) } else { shop.sim.sell_unpaid(&lines) };
        let line =
            |(sold, units): &(Sold, u32)| Line { sold: sold.clone(), waiting: i64::from(*units), shipped: 0 };
        let state = State {
            at_ms: self.time.elapsed_ms(),
            at_s: shop.now().as_second(),
            stage: if paid { Stage::Confirmed } else { Stage::Pending },
            lines: lines.iter().map(line).collect(),
        };
        let text: Vec<String> =
            lines.iter().map(|(sold, units)| format!("{units} of {}", self.listing(&host, sold))).collect();
        let how = if paid { "paid" } else { "not paid" };
        self.trace.note(format_args!("order {id} at {host}, {how}: {}", text.join(", ")));
        let order = Order {
            paid,
            by_channel,
            refunded: false,
            states: vec![state],
            arrived: None,
            may_be_left_out: false,
        };
        self.model.orders.insert((host.clone(), id), order);
        self.tally.orders += 1;
        for (sold, units) in &lines {
            self.tally.units += u64::from(*units);
            if !by_channel {
                self.count_oversold(&host, sold, i64::from(*units));
            }
        }
    }

    fn count_oversold(&mut self, host: &str, sold: &Sold, units: i64) {
        let listing = self.listing(host, sold);
        let (merchant, _) = self.seller(host);
        let Some(known) = self.mirror.known.get(&merchant.organization) else { return };
        let item = self.item_of(host, sold);
        let (cause, delay_ms) = match &item {
            Some(_) => self.cause(known, &listing, host),
            None => (Cause::NotInSync, 0),
        };
        let Some(item) = item else { return };
        let left = self.model.really_available(&item, |host, sold| self.item_of(host, sold));
        let beyond = units.min(-left);
        if beyond > 0 {
            self.trace.note(format_args!("  {beyond} of {item} beyond stock: {cause:?}, for {delay_ms} ms"));
            self.tally.oversold(u64::try_from(beyond).unwrap(), cause, delay_ms);
        }
    }

    /// Something happens to an order that is there.
    pub async fn change_order(&mut self) {
        let open: Vec<OrderKey> = self
            .model
            .orders
            .iter()
            .filter(|(_, order)| order.last().stage != Stage::Void)
            .map(|(key, _)| key.clone())
            .collect();
        let Some((host, id)) = self.chance.pick(&open).cloned() else { return };
        let shop = self.shop(&host).clone();
        // Shops tell what happened before an order was shipped from what happened after by the second.
        if shop.now().as_second() <= self.model.orders[&(host.clone(), id.clone())].last().at_s
            && self.chance.happens(900)
        {
            self.pass(Duration::from_secs(1)).await;
        }
        let order = &self.model.orders[&(host.clone(), id.clone())];
        let later = shop.now().as_second() > order.last().at_s;
        let mut next = order.last().clone();
        let (mut paid, mut refunded) = (order.paid, order.refunded);
        let n = self.chance.index(next.lines.len());
        let line = next.lines[n].clone();
        let shipped = next.stage == Stage::Fulfilled;
        let what = match self.chance.below(10) {
            0 | 1 if !paid => {
                shop.sim.pay(&id);
                paid = true;
                next.stage = Stage::Confirmed;
                "is paid".to_owned()
            }
            2 | 3 if !shipped && !refunded => {
                shop.sim.cancel(&id);
                next.stage = Stage::Void;
                next.lines.iter_mut().for_each(|line| line.waiting = 0);
                "is cancelled".to_owned()
            }
            4 | 5 if shop.kind.edits && !shipped && !refunded && line.waiting > 0 => {
                let units = self.chance.between(1, 4);
                shop.sim.edit(&id, n, u32::try_from(line.shipped + units).unwrap());
                next.lines[n].waiting = units;
                format!("is edited: {units} wait of {}", self.listing(&host, &line.sold))
            }
            6 if shop.kind.refunds && paid && !shipped && line.waiting > 0 && later => {
                let units = self.chance.between(1, line.waiting);
                shop.sim.refund(&id, n, u32::try_from(units).unwrap());
                next.lines[n].waiting -= units;
                refunded = true;
                if next.lines.iter().all(|line| line.waiting == 0) {
                    let some_left = next.lines.iter().any(|line| line.shipped > 0);
                    next.stage = if some_left { Stage::Fulfilled } else { Stage::Void };
                }
                format!("is refunded {units} of {}", self.listing(&host, &line.sold))
            }
            7 if shipped && line.shipped > 0 && later => {
                let units = self.chance.between(1, line.shipped);
                if !shop.sim.returned(&id, n, u32::try_from(units).unwrap()) {
                    return;
                }
                next.lines[n].shipped -= units;
                format!("gets back {units} of {}", self.listing(&host, &line.sold))
            }
            8 | 9 if paid && !shipped && later => {
                shop.sim.fulfil(&id);
                next.stage = Stage::Fulfilled;
                for line in &mut next.lines {
                    line.shipped += line.waiting;
                    line.waiting = 0;
                }
                "is shipped".to_owned()
            }
            _ => return,
        };
        next.at_ms = self.time.elapsed_ms();
        next.at_s = shop.now().as_second();
        self.trace.note(format_args!("order {id} at {host} {what}"));
        if let Some(order) = self.model.orders.get_mut(&(host, id)) {
            order.paid = paid;
            order.refunded = refunded;
            order.states.push(next);
        }
    }

    /// A merchant does something in the shop and not in the hub.
    pub fn edit_shop(&mut self) {
        let host = self.any_host();
        let shop = self.shop(&host).clone();
        let on_sale = shop.on_sale();
        let Some(sold) = self.chance.pick(&on_sale).cloned() else { return };
        let listing = self.listing(&host, &sold);
        match self.chance.below(4) {
            0 | 1 if !shop.holds(&sold) => {
                let units = self.chance.between(0, 15);
                shop.sim.set_quantity(&sold, units);
                self.trace.note(format_args!("{units} of {listing} are set by hand at {host}"));
                self.was_edited.insert(listing.clone());
                self.edited.insert(listing);
            }
            2 => {
                shop.sim.rename(&sold, None, Some(format!("Thing, renamed at {}", self.time.elapsed_ms())));
                self.trace.note(format_args!("{listing} is renamed at {host}"));
            }
            _ => {
                self.made += 1;
                let goods = Goods {
                    sku: Some(format!("NEW-{}", self.made)),
                    title: format!("New thing {}", self.made),
                    price: "5.00".to_owned(),
                    quantity: Some(self.chance.between(1, 9)),
                    ..Goods::default()
                };
                self.trace.note(format_args!("{} is new at {host}", goods.title));
                let new = shop.sim.add(goods);
                shop.on_sale.lock().unwrap().extend(new);
            }
        }
    }

    /// Since when each listing has offered more than there is.
    pub fn watch_numbers(&mut self) {
        let now_ms = self.time.elapsed_ms();
        let mut too_high = std::collections::BTreeMap::new();
        for (host, shop) in &self.street.shops {
            let (merchant, connected) = self.seller(host);
            let Some(known) = self.mirror.known.get(&merchant.organization) else { continue };
            let Some(connection) = known.connections.get(&connected.connection) else { continue };
            for sold in shop.on_sale() {
                let Some(item) = self.item_of(host, &sold).filter(|_| !shop.holds(&sold)) else { continue };
                let listing = known.listings.get(&self.listing(host, &sold));
                let rule = crate::law::rule_for(known, connection, listing);
                let left = self.model.really_available(&item, |host, sold| self.item_of(host, sold));
                if shop.sim.quantity(&sold).unwrap_or(0) > rule.shows(left) {
                    let key = (host.clone(), self.listing(host, &sold));
                    let since = self.too_high.get(&key).copied().unwrap_or(now_ms);
                    too_high.insert(key, since);
                }
            }
        }
        self.too_high = too_high;
    }
}
