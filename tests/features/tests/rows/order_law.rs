//! The law of orders on each channel: L9. Whatever happens to an order there, in whatever sequence, and however the hub is
//! told of it (each step twice, all of it afterwards and backwards, or the end alone), it ends in one state.

use std::collections::{BTreeMap, BTreeSet};

use domain::{ChannelKind, OrderId};
use features::{Hub, Shop, goods};
use jiff::SignedDuration;
use marketplace_sim::{Delivery, Sold};
use serde_json::{Value, json};

use crate::{rows, set_aside};

rows![l9_every_sequence_of_what_happens_however_told_ends_in_one_state];

const ON_HAND: i64 = 900;

/// What happens to an order after it was made, unpaid: 3 of one thing and 2 of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    Pay,
    /// Another number of the first thing.
    Edit,
    /// The second thing is not wanted any more.
    CancelPart,
    Cancel,
    /// One of the first thing.
    Refund,
    Fulfil,
}

const ALL: [Happens; 6] = {
    use Happens::*;
    [Pay, Edit, CancelPart, Cancel, Refund, Fulfil]
};

/// Why what happens elsewhere does not happen to this channel's orders.
fn unheard_of(on: ChannelKind, what: Happens) -> Option<&'static str> {
    match (on, what) {
        (ChannelKind::Ebay | ChannelKind::Etsy, Happens::Edit) => Some("an order is what it was at checkout"),
        (ChannelKind::Ebay | ChannelKind::Etsy, Happens::CancelPart) => Some("orders are cancelled whole"),
        _ => None,
    }
}

/// An order as its channel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct OnChannel {
    paid: bool,
    refunded: bool,
    cancelled: bool,
    fulfilled: bool,
    wanted: [i64; 2],
}

impl OnChannel {
    const NEW: Self =
        Self { paid: false, refunded: false, cancelled: false, fulfilled: false, wanted: [3, 2] };

    fn edited_to(on: ChannelKind) -> i64 {
        // Buyers on Amazon cannot add to an order.
        if on == ChannelKind::Amazon { 2 } else { 5 }
    }

    /// `None` where it cannot happen to an order that stands so.
    fn after(mut self, on: ChannelKind, what: Happens) -> Option<Self> {
        let open = !self.cancelled && !self.fulfilled;
        // Amazon says what of an order was cancelled once it is paid.
        let counted = on != ChannelKind::Amazon || self.paid;
        let can = unheard_of(on, what).is_none()
            && match what {
                Happens::Pay => open,
                Happens::Edit => open && counted && !self.refunded,
                Happens::CancelPart => open && counted,
                Happens::Cancel => open,
                Happens::Refund => self.paid && !self.cancelled,
                Happens::Fulfil => self.paid && open,
            };
        if !can {
            return None;
        }
        match what {
            Happens::Pay => self.paid = true,
            Happens::Edit => self.wanted[0] = Self::edited_to(on),
            Happens::CancelPart => self.wanted[1] = 0,
            Happens::Cancel => self.cancelled = true,
            Happens::Refund => {
                self.refunded = true;
                // What was sent stays sent; eBay and Etsy tell of money, never of units.
                let of_money = matches!(on, ChannelKind::Ebay | ChannelKind::Etsy);
                self.wanted[0] -= i64::from(open && !of_money);
            }
            Happens::Fulfil => self.fulfilled = true,
        }
        Some(self)
    }

    /// `(on hand, committed)`: what the order does to stock.
    fn effect(&self) -> (i64, i64) {
        let wanted = self.wanted.iter().sum::<i64>();
        match self {
            Self { cancelled: true, .. } => (0, 0),
            Self { fulfilled: true, .. } => (-wanted, 0),
            _ => (0, wanted),
        }
    }
}

fn permutations(things: &[Happens]) -> Vec<Vec<Happens>> {
    if things.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (n, first) in things.iter().enumerate() {
        let mut rest = things.to_vec();
        rest.remove(n);
        for mut sequence in permutations(&rest) {
            sequence.insert(0, *first);
            all.push(sequence);
        }
    }
    all
}

/// What really happens in each of the permutations, once each.
fn histories(on: ChannelKind) -> BTreeSet<Vec<Happens>> {
    let mut histories = BTreeSet::new();
    for sequence in permutations(&ALL) {
        let mut order = OnChannel::NEW;
        let mut happened = Vec::new();
        for what in sequence {
            if let Some(after) = order.after(on, what) {
                order = after;
                happened.push(what);
                // An order may stay at any of its states.
                histories.insert(happened.clone());
            }
        }
    }
    histories
}

fn end_of(on: ChannelKind, history: &[Happens]) -> OnChannel {
    history.iter().fold(OnChannel::NEW, |order, what| order.after(on, *what).expect("it could happen"))
}

/// How the hub learns of what happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// Each notification twice, at once.
    Twice,
    /// When all is over, the last first, and each twice: a cancellation before what it cancels.
    Backwards,
    /// No notification arrives: the sync sees the end alone.
    EndAlone,
}

/// What the hub made of an order, without what is its own in every hub.
fn outcome(shown: &Value) -> Value {
    let mut shown = shown.clone();
    for own in ["id", "connection_id", "imported_at", "placed_at", "contact", "location_id"] {
        shown[own] = Value::Null;
    }
    for line in shown["lines"].as_array_mut().unwrap() {
        line["listing_id"] = Value::Null;
        line["item_id"] = Value::Null;
    }
    shown
}

/// What became of each order, by the channel's id of it: what is shown, and what it did to stock.
type Outcomes = BTreeMap<String, (Value, (i64, i64))>;

/// The same happens in a shop of its own, and is told so.
struct Day {
    hub: Hub,
    shop: Shop,
    sold: [Sold; 2],
    items: [String; 2],
    kept: Vec<Delivery>,
}

impl Day {
    async fn begin(on: ChannelKind) -> Self {
        let hub = Hub::new().await;
        let items = [hub.item("MUG", "Mug", ON_HAND).await, hub.item("TEE", "Tee", ON_HAND).await];
        let mut shop = Shop::open(&hub, on, "north");
        let sold = [shop.add(goods("MUG", "Mug", ON_HAND)), shop.add(goods("TEE", "Tee", ON_HAND))];
        shop.connect(&hub).await;
        hub.sync(&shop.connection, "items").await;
        Self { hub, shop, sold, items, kept: Vec::new() }
    }

    async fn told(&mut self, telling: Telling) {
        let told = self.shop.shop.take_deliveries();
        match telling {
            Telling::EndAlone => {}
            Telling::Backwards => self.kept.extend(told),
            Telling::Twice => self.deliver_twice(told).await,
        }
        // Shops tell times by the second; and no notification is so late that it could be one sent again by a stranger.
        self.hub.clock.advance(SignedDuration::from_secs(30));
    }

    async fn deliver_twice(&self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            for _ in 0..2 {
                assert!(self.hub.tell(&delivery).await, "a notification was refused: {}", delivery.url);
            }
        }
        self.hub.settle().await;
    }

    fn happen(&self, on: ChannelKind, order: &str, what: Happens) {
        let shop = &self.shop.shop;
        match what {
            Happens::Pay => shop.pay(order),
            Happens::Edit => {
                let units = u32::try_from(OnChannel::edited_to(on)).unwrap();
                shop.edit(order, 0, units);
            }
            Happens::CancelPart => shop.edit(order, 1, 0),
            Happens::Cancel => shop.cancel(order),
            Happens::Refund => shop.refund(order, 0, 1),
            Happens::Fulfil => shop.fulfil(order),
        }
    }

    async fn outcomes(&self, orders: &[String]) -> Outcomes {
        let mut effects = BTreeMap::<String, (i64, i64)>::new();
        for item in &self.items {
            for movement in self.hub.list(&format!("/v1/items/{item}/movements")).await {
                let order = movement["source"]["id"].as_str().unwrap().to_owned();
                let effect = effects.entry(order).or_default();
                effect.0 += movement["on_hand_delta"].as_i64().unwrap();
                effect.1 += movement["committed_delta"].as_i64().unwrap();
            }
        }
        let mut outcomes = Outcomes::new();
        for order in orders {
            let id = OrderId::of(&self.shop.connection.parse().unwrap(), order).unwrap().to_string();
            let answer = self.hub.get(&format!("/v1/orders/{id}")).await;
            let shown = if answer.status == 404 { Value::Null } else { outcome(&answer.ok()) };
            outcomes.insert(order.clone(), (shown, effects.get(&id).copied().unwrap_or_default()));
        }
        outcomes
    }
}

/// All histories at once, each to an order of its own, step by step.
async fn day(on: ChannelKind, histories: &[Vec<Happens>], telling: Telling) -> (Vec<String>, Outcomes) {
    let mut day = Day::begin(on).await;
    let [mug, tee] = day.sold.clone();
    let mut orders = Vec::new();
    for _ in histories {
        orders.push(day.shop.shop.sell_unpaid(&[(mug.clone(), 3), (tee.clone(), 2)]));
    }
    day.told(telling).await;
    for step in 0..ALL.len() {
        for (order, history) in orders.iter().zip(histories) {
            if let Some(what) = history.get(step) {
                day.happen(on, order, *what);
            }
        }
        day.told(telling).await;
    }
    if telling == Telling::Backwards {
        let kept = std::mem::take(&mut day.kept);
        day.deliver_twice(kept.into_iter().rev().collect()).await;
    }
    day.hub.clock.advance(SignedDuration::from_mins(10));
    let sync = day.hub.sync(&day.shop.connection, "orders").await;
    assert_eq!(sync["state"], "succeeded", "{sync}");
    let outcomes = day.outcomes(&orders).await;
    (orders, outcomes)
}

async fn l9_every_sequence_of_what_happens_however_told_ends_in_one_state(on: ChannelKind) {
    for what in ALL {
        if let Some(why) = unheard_of(on, what) {
            set_aside(&format!("l9 of {what:?}"), on, why);
        }
    }
    let histories: Vec<Vec<Happens>> = histories(on).into_iter().collect();
    let (orders, once) = day(on, &histories, Telling::EndAlone).await;
    for telling in [Telling::Twice, Telling::Backwards] {
        let (_, told) = day(on, &histories, telling).await;
        for (order, history) in orders.iter().zip(&histories) {
            assert_eq!(told[order], once[order], "{history:?} told {telling:?}");
        }
    }
    let mut ends = BTreeMap::new();
    for (order, history) in orders.iter().zip(&histories) {
        let end = end_of(on, history);
        let (shown, effect) = &once[order];
        assert_eq!(*effect, end.effect(), "{history:?}: {shown}");
        let mut shown = shown.clone();
        for own in ["external_id", "number"] {
            shown[own] = json!(null);
        }
        for line in shown["lines"].as_array_mut().into_iter().flatten() {
            line["id"] = json!(null);
        }
        // Whatever the way to it, an end is shown in one way.
        let first = ends.entry(end).or_insert_with(|| (shown.clone(), history));
        assert_eq!(shown, first.0, "{history:?} and {:?} end in {end:?}", first.1);
    }
}
