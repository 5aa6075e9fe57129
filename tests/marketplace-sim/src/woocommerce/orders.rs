//! Orders and refunds: their routes, and what buyers and merchants do to them.

use std::str::FromStr;

use http::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::Context;
use super::answer::{Answer, Outcome, Refusal};
use super::products::escaped;
use super::query::{Key, Query};
use super::state::{Line, Order, Refund, id};
use crate::Sold;

/// WooCommerce's own, and one that a plugin registered.
const STATUSES: [&str; 9] = [
    "pending",
    "processing",
    "on-hold",
    "completed",
    "cancelled",
    "refunded",
    "failed",
    "checkout-draft",
    "packed",
];

pub(super) fn missing(status: u16) -> Refusal {
    let message = if status == 404 { "Invalid ID." } else { "ID is invalid." };
    Refusal::new(status, "woocommerce_rest_shop_order_invalid_id", message)
}

impl Context<'_> {
    pub fn orders(
        &mut self,
        method: &Method,
        id: Option<u64>,
        path: &str,
        query: &Query,
        body: &Value,
    ) -> Outcome {
        match (method.as_str(), id) {
            ("GET", None) => self.list_orders(path, query),
            ("POST", None) => self.create_order(body),
            ("GET", Some(id)) => {
                let order = self.state.orders.get(&id).ok_or_else(|| missing(404))?;
                Ok(Answer::ok(self.order_record(order)))
            }
            ("PUT" | "POST" | "PATCH", Some(id)) => Ok(Answer::ok(self.update_order(id, body)?)),
            ("DELETE", Some(id)) => self.remove_order(id, query.get("force") == Some("true")),
            _ => Err(Refusal::no_route()),
        }
    }

    fn list_orders(&self, path: &str, query: &Query) -> Outcome {
        let statuses = query.list("status").unwrap_or_else(|| vec!["any"]);
        if let Some(unknown) =
            statuses.iter().find(|one| !STATUSES.contains(one) && !["any", "trash"].contains(one))
        {
            return Err(Refusal::parameter(
                "status",
                &format!("status[0] is not one of any, trash, …: {unknown}"),
            ));
        }
        let mut records = Vec::new();
        for order in self.state.orders.values() {
            let status = order.status.as_str();
            let hidden = ["trash", "checkout-draft"].contains(&status);
            let shown = statuses.contains(&status) || statuses.contains(&"any") && !hidden;
            let key = Key { id: order.id, created: order.created, modified: order.modified };
            if shown && self.passes(query, key)? {
                records.push((key, self.order_record(order)));
            }
        }
        self.page(path, query, records, true)
    }

    pub fn order_batch(&mut self, body: &Value) -> Outcome {
        let items = body.get("update").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut done = Vec::new();
        for item in &items {
            let id = item.get("id").cloned().unwrap_or_default();
            let outcome = self.update_order(id.as_u64().unwrap_or(0), item);
            done.push(outcome.unwrap_or_else(|refusal| json!({ "id": id, "error": refusal.body() })));
        }
        Ok(Answer::ok(json!({ "update": done })))
    }

    fn create_order(&mut self, body: &Value) -> Outcome {
        let items = body.get("line_items").and_then(Value::as_array).cloned().unwrap_or_default();
        let number = |item: &Value, name: &str| item.get(name).and_then(Value::as_u64).unwrap_or(0);
        let lines: Vec<(Sold, u32)> = items
            .iter()
            .map(|item| {
                let variation = number(item, "variation_id");
                let sold = Sold {
                    external_id: number(item, "product_id").to_string(),
                    variation_id: (variation != 0).then(|| variation.to_string()),
                };
                (sold, u32::try_from(number(item, "quantity")).unwrap_or(1))
            })
            .collect();
        let paid = body.get("set_paid").and_then(Value::as_bool).unwrap_or(false);
        let status = match body.get("status").and_then(Value::as_str) {
            Some(status) if !STATUSES.contains(&status) => return Err(bad_status()),
            Some(status) => status,
            None if paid => "processing",
            None => "pending",
        };
        let id = self.order(&lines, status);
        let order = self.state.orders.get_mut(&id).ok_or_else(|| missing(404))?;
        for (name, party) in [("billing", &mut order.billing), ("shipping", &mut order.shipping)] {
            if let Some(given) = body.get(name) {
                party.clone_from(given);
            }
        }
        let order = order.clone();
        Ok(Answer::created(
            self.order_record(&order),
            format!("https://shop.example/wp-json/wc/v3/orders/{id}"),
        ))
    }

    fn update_order(&mut self, order_id: u64, body: &Value) -> Result<Value, Refusal> {
        if !self.state.orders.contains_key(&order_id) {
            return Err(missing(400));
        }
        let status = body.get("status").and_then(Value::as_str);
        if status.is_some_and(|status| !STATUSES.contains(&status)) {
            return Err(bad_status());
        }
        for item in body.get("line_items").and_then(Value::as_array).cloned().unwrap_or_default() {
            let line = item.get("id").and_then(Value::as_u64);
            let quantity = item.get("quantity").and_then(Value::as_i64);
            let index = self
                .state
                .orders
                .get(&order_id)
                .and_then(|order| order.lines.iter().position(|one| Some(one.id) == line));
            if let (Some(index), Some(quantity)) = (index, quantity) {
                self.edit_line(order_id, index, quantity);
            }
        }
        match status {
            Some(status) => self.set_status(order_id, status),
            None => self.changed(order_id),
        }
        let order = self.state.orders.get(&order_id).cloned().ok_or_else(|| missing(400))?;
        Ok(self.order_record(&order))
    }

    /// The answer shows what was before; stock stays as it is, and no date moves.
    fn remove_order(&mut self, id: u64, force: bool) -> Outcome {
        let record = self.order_record(self.state.orders.get(&id).ok_or_else(|| missing(404))?);
        if force {
            self.state.orders.remove(&id);
        } else if let Some(order) = self.state.orders.get_mut(&id) {
            order.status = "trash".to_owned();
        }
        self.state.tell("order.deleted", id);
        Ok(Answer::ok(record))
    }

    pub fn refunds(
        &mut self,
        method: &Method,
        order_id: u64,
        path: &str,
        query: &Query,
        body: &Value,
    ) -> Outcome {
        let order = self.state.orders.get(&order_id).ok_or_else(|| missing(404))?;
        match method.as_str() {
            "GET" => {
                let key = |refund: &Refund| Key {
                    id: refund.id,
                    created: refund.created,
                    modified: refund.created,
                };
                let records =
                    order.refunds.iter().map(|refund| (key(refund), self.refund_record(order, refund)));
                self.page(path, query, records.collect(), true)
            }
            "POST" => {
                let decimal = |value: &Value| {
                    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                    Decimal::from_str(&text).unwrap_or_default()
                };
                let items = body.get("line_items").and_then(Value::as_array).cloned().unwrap_or_default();
                let lines: Vec<(u64, i64, Decimal)> = items
                    .iter()
                    .map(|item| {
                        let line = item.get("id").and_then(Value::as_u64).unwrap_or(0);
                        let units = item.get("quantity").and_then(Value::as_i64).unwrap_or(0);
                        (line, units, item.get("refund_total").map(decimal).unwrap_or_default())
                    })
                    .collect();
                let amount =
                    body.get("amount").map_or_else(|| lines.iter().map(|(_, _, sum)| *sum).sum(), decimal);
                let refunded: Decimal = order.refunds.iter().map(|refund| refund.amount).sum();
                if amount > order.total() - refunded {
                    let message = "Invalid refund amount.";
                    // The data is a bare number, and the failure lasts.
                    let body = json!({ "code": "woocommerce_rest_cannot_create_order_refund", "message": message, "data": 500 });
                    return Ok(Answer { status: 500, body, headers: Vec::new() });
                }
                let reason = body.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned();
                let restock = body.get("api_restock").and_then(Value::as_bool).unwrap_or(true);
                let refund = self.give_back(order_id, amount, reason, &lines, restock);
                let order = self.state.orders.get(&order_id).ok_or_else(|| missing(404))?;
                let record = order
                    .refunds
                    .iter()
                    .find(|one| one.id == refund)
                    .map(|one| self.refund_record(order, one));
                let location =
                    "https://shop.example/wp-json/wc/v3/orders/(?P<order_id>[\\d]+)/refunds".to_owned();
                Ok(Answer::created(record.unwrap_or_default(), format!("{location}/{refund}")))
            }
            _ => Err(Refusal::no_route()),
        }
    }

    /// A new order; its id.
    pub fn order(&mut self, sold: &[(Sold, u32)], status: &str) -> u64 {
        let order_id = self.state.take_id();
        let mut lines = Vec::new();
        for (sold, quantity) in sold {
            let (product_id, variation_id) =
                (id(&sold.external_id), sold.variation_id.as_deref().map_or(0, id));
            let record = |id: u64| self.state.products.get(&id);
            let product = record(if variation_id == 0 { product_id } else { variation_id });
            let parent = record(product_id);
            let line = Line {
                id: 0,
                name: parent.map(|parent| parent.name.clone()).unwrap_or_default(),
                product_id,
                variation_id,
                sku: product.map(|product| match product.sku.as_str() {
                    "" => parent.map(|parent| parent.sku.clone()).unwrap_or_default(),
                    own => own.to_owned(),
                }),
                quantity: i64::from(*quantity),
                unit_price: product
                    .and_then(|product| Decimal::from_str(&product.price).ok())
                    .unwrap_or_default(),
                reduced: 0,
                attributes: product.map(|product| product.attributes.clone()).unwrap_or_default(),
            };
            lines.push(line);
        }
        for line in &mut lines {
            line.id = self.state.take_line_id();
        }
        let party = json!({
            "first_name": "Mia", "last_name": "Muster", "company": "", "address_1": "Musterweg 1", "address_2": "",
            "city": "Musterstadt", "state": "", "postcode": "10115", "country": "DE",
            "email": "mia.muster@example.com", "phone": "",
        });
        let order = Order {
            id: order_id,
            status: "pending".to_owned(),
            lines,
            refunds: Vec::new(),
            created: self.now,
            modified: self.now,
            paid: None,
            completed: None,
            billing: party.clone(),
            shipping: party,
            notes: Vec::new(),
            trackings: Vec::new(),
        };
        self.state.orders.insert(order_id, order);
        self.set_status(order_id, status);
        // The shop tells of the update first.
        self.state.tell("order.created", order_id);
        order_id
    }

    pub fn set_status(&mut self, order_id: u64, status: &str) {
        let now = self.now;
        if let Some(order) = self.state.orders.get_mut(&order_id) {
            order.status = status.to_owned();
            if matches!(status, "processing" | "completed") {
                order.paid.get_or_insert(now);
            }
            if status == "completed" {
                order.completed.get_or_insert(now);
            }
            let left = order.total() - order.refunds.iter().map(|refund| refund.amount).sum::<Decimal>();
            if status == "refunded" && left > Decimal::ZERO {
                // Money only: neither lines nor stock.
                self.give_back(order_id, left, "Order fully refunded.".to_owned(), &[], false);
            }
        }
        self.state.settle(order_id, now);
        self.changed(order_id);
    }

    pub fn changed(&mut self, order_id: u64) {
        if let Some(order) = self.state.orders.get_mut(&order_id) {
            order.modified = self.now;
        }
        self.state.tell("order.updated", order_id);
    }

    /// Sets a line's quantity; 0 takes the line away. Stock follows where the order has taken some.
    pub fn edit_line(&mut self, order_id: u64, index: usize, quantity: i64) {
        let Some(order) = self.state.orders.get_mut(&order_id) else { return };
        let Some(line) = order.lines.get_mut(index) else { return };
        let added = quantity - line.quantity;
        line.quantity = quantity;
        let product = if line.variation_id == 0 { line.product_id } else { line.variation_id };
        let taken = line.reduced > 0;
        if taken {
            line.reduced += added;
        }
        if quantity == 0 {
            order.lines.remove(index);
        }
        if taken {
            self.state.move_stock(product, -added, self.now);
        }
        self.changed(order_id);
    }

    /// Refunds units of a line, with restock.
    pub fn refund_line(&mut self, order_id: u64, index: usize, units: i64) {
        let Some(line) = self.state.orders.get(&order_id).and_then(|order| order.lines.get(index)) else {
            return;
        };
        let sum = line.unit_price * Decimal::from(units);
        let lines = [(line.id, units, sum)];
        self.give_back(order_id, sum, String::new(), &lines, true);
    }

    fn give_back(
        &mut self,
        order_id: u64,
        amount: Decimal,
        reason: String,
        lines: &[(u64, i64, Decimal)],
        restock: bool,
    ) -> u64 {
        let refund_id = self.state.take_id();
        let lines: Vec<_> =
            lines.iter().map(|(line, units, sum)| (self.state.take_line_id(), *line, *units, *sum)).collect();
        let mut back = Vec::new();
        if let Some(order) = self.state.orders.get_mut(&order_id) {
            for (_, line, units, _) in lines.iter().filter(|_| restock) {
                if let Some(line) = order.lines.iter_mut().find(|one| one.id == *line && one.reduced > 0) {
                    line.reduced -= units;
                    back.push((
                        if line.variation_id == 0 { line.product_id } else { line.variation_id },
                        *units,
                    ));
                }
            }
            order.refunds.push(Refund { id: refund_id, amount, reason, created: self.now, lines });
            let refunded: Decimal = order.refunds.iter().map(|refund| refund.amount).sum();
            if refunded >= order.total() && order.total() > Decimal::ZERO {
                order.status = "refunded".to_owned();
            }
        }
        for (product, units) in back {
            self.state.move_stock(product, units, self.now);
        }
        self.changed(order_id);
        refund_id
    }

    fn money(&self, amount: Decimal) -> String {
        format!("{:.*}", usize::try_from(self.options.decimals).unwrap_or(2), amount)
    }

    pub fn order_record(&self, order: &Order) -> Value {
        let dates = |at: Option<jiff::Timestamp>| at.map(|at| self.dates(at));
        let (created, modified) = (self.dates(order.created), self.dates(order.modified));
        let (paid, completed) = (dates(order.paid), dates(order.completed));
        let refunds: Vec<Value> = order
            .refunds
            .iter()
            .map(|refund| json!({ "id": refund.id, "reason": refund.reason, "total": self.money(-refund.amount), "total_tax": self.money(Decimal::ZERO) }))
            .collect();
        let lines: Vec<Value> = order.lines.iter().map(|line| self.line_record(line)).collect();
        json!({
            "id": order.id, "parent_id": 0, "number": order.id.to_string(), "status": order.status,
            "currency": self.options.currency, "prices_include_tax": true,
            "date_created": created.0, "date_created_gmt": created.1,
            "date_modified": modified.0, "date_modified_gmt": modified.1,
            "date_paid": paid.as_ref().map(|(local, _)| local), "date_paid_gmt": paid.as_ref().map(|(_, gmt)| gmt),
            "date_completed": completed.as_ref().map(|(local, _)| local),
            "date_completed_gmt": completed.as_ref().map(|(_, gmt)| gmt),
            "total": self.money(order.total()), "total_tax": self.money(Decimal::ZERO),
            "customer_id": 0, "billing": order.billing, "shipping": order.shipping,
            "line_items": lines, "refunds": refunds, "meta_data": [],
        })
    }

    fn line_record(&self, line: &Line) -> Value {
        let total = self.money(line.unit_price * Decimal::from(line.quantity));
        let mut meta: Vec<Value> = line
            .attributes
            .iter()
            .map(|(name, option)| json!({ "key": name.to_lowercase(), "value": option, "display_key": name, "display_value": option }))
            .collect();
        if line.reduced > 0 {
            meta.push(json!({ "key": "_reduced_stock", "value": line.reduced.to_string() }));
        }
        json!({
            "id": line.id, "name": escaped(&line.name), "product_id": line.product_id,
            "variation_id": line.variation_id, "quantity": line.quantity, "subtotal": total, "total": total,
            "total_tax": self.money(Decimal::ZERO), "sku": line.sku, "meta_data": meta,
            "price": serde_json::from_str::<Value>(&line.unit_price.to_string()).unwrap_or_default(),
        })
    }

    fn refund_record(&self, order: &Order, refund: &Refund) -> Value {
        let (created, created_gmt) = self.dates(refund.created);
        let lines: Vec<Value> = refund
            .lines
            .iter()
            .map(|(id, of_line, units, sum)| {
                let line = order.lines.iter().find(|line| line.id == *of_line);
                json!({
                    "id": id, "quantity": -units, "total": self.money(-*sum), "subtotal": self.money(-*sum),
                    "product_id": line.map_or(0, |line| line.product_id),
                    "variation_id": line.map_or(0, |line| line.variation_id),
                    "meta_data": [{ "key": "_refunded_item_id", "value": of_line.to_string() }],
                })
            })
            .collect();
        json!({
            "id": refund.id, "date_created": created, "date_created_gmt": created_gmt,
            "amount": self.money(refund.amount), "reason": refund.reason, "refunded_by": 1,
            "refunded_payment": false, "meta_data": [], "line_items": lines,
        })
    }
}

fn bad_status() -> Refusal {
    Refusal::parameter(
        "status",
        "status is not one of pending, processing, on-hold, completed, cancelled, refunded, failed, checkout-draft, and packed.",
    )
}
