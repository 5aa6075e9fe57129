//! The routes of products and of their variations.

use http::Method;
use serde_json::{Value, json};

use super::Context;
use super::answer::{Answer, Outcome, Refusal};
use super::query::{Key, Query};
use super::state::Product;

/// Items of one batch.
const BATCH_MAX: usize = 100;

/// Whether values are held to their types: those of a single request are, those of a batch are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Typing {
    Strict,
    None,
}

fn missing(status: u16, parent: Option<u64>) -> Refusal {
    let code = match parent {
        None => "woocommerce_rest_product_invalid_id",
        Some(_) => "woocommerce_rest_product_variation_invalid_id",
    };
    Refusal::new(status, code, "Invalid ID.")
}

impl Context<'_> {
    /// `/products` and `/products/<parent>/variations`, with or without an id.
    pub fn products(
        &mut self,
        method: &Method,
        parent: Option<u64>,
        id: Option<u64>,
        path: &str,
        query: &Query,
        body: &Value,
    ) -> Outcome {
        match (method.as_str(), id) {
            ("GET", None) => self.list_products(parent, path, query),
            ("POST", None) => self.create_product(parent, body, Typing::Strict),
            ("GET", Some(id)) => {
                let product = self.state.products.get(&id).ok_or_else(|| missing(404, parent))?;
                // A variation can be read through the products' own route, not through another parent's.
                if parent.is_some() && product.parent != parent {
                    return Err(missing(404, parent));
                }
                Ok(Answer::ok(self.product_record(product)))
            }
            ("PUT" | "POST" | "PATCH", Some(id)) => {
                let record = self.update_product(parent, id, body, Typing::Strict)?;
                Ok(Answer::ok(record))
            }
            ("DELETE", Some(id)) => self.remove_product(parent, id, query.get("force") == Some("true")),
            _ => Err(Refusal::no_route()),
        }
    }

    fn list_products(&self, parent: Option<u64>, path: &str, query: &Query) -> Outcome {
        let statuses = query.list("status").unwrap_or_else(|| vec!["any"]);
        let skus: Option<Vec<String>> =
            query.list("sku").map(|skus| skus.into_iter().map(str::to_lowercase).collect());
        let mut records = Vec::new();
        for product in self.state.products.values() {
            let status = product.status.as_str();
            let shown =
                if statuses.contains(&"any") { status != "trash" } else { statuses.contains(&status) };
            // The filter by SKU finds variations too, under the SKU of their own.
            let placed = match (&skus, parent) {
                (Some(skus), None) => skus.contains(&product.sku.trim().to_lowercase()),
                (_, parent) => product.parent == parent,
            };
            let key = Key { id: product.id, created: product.created, modified: product.modified };
            if shown && placed && self.passes(query, key)? {
                records.push((key, self.product_record(product)));
            }
        }
        self.page(path, query, records, true)
    }

    /// The whole of a batch: each item fails alone, in its place.
    pub fn product_batch(&mut self, parent: Option<u64>, body: &Value) -> Outcome {
        let items = |kind: &str| body.get(kind).and_then(Value::as_array).cloned().unwrap_or_default();
        let (create, update, delete) = (items("create"), items("update"), items("delete"));
        if create.len() + update.len() + delete.len() > BATCH_MAX {
            let message = "Unable to accept more than 100 items for this request.";
            return Err(Refusal::new(413, "woocommerce_rest_request_entity_too_large", message));
        }
        let mut out = serde_json::Map::new();
        let failed = |id: &Value, refusal: &Refusal| json!({ "id": id, "error": refusal.body() });
        if !create.is_empty() {
            let mut done = Vec::new();
            for item in &create {
                let outcome = self.create_product(parent, item, Typing::None);
                done.push(outcome.map_or_else(|refusal| failed(&json!(0), &refusal), |answer| answer.body));
            }
            out.insert("create".to_owned(), Value::Array(done));
        }
        if !update.is_empty() {
            let mut done = Vec::new();
            for item in &update {
                let id = item.get("id").cloned().unwrap_or_default();
                let outcome = self.update_product(parent, id.as_u64().unwrap_or(0), item, Typing::None);
                done.push(outcome.unwrap_or_else(|refusal| failed(&id, &refusal)));
            }
            out.insert("update".to_owned(), Value::Array(done));
        }
        if !delete.is_empty() {
            let mut done = Vec::new();
            for id in &delete {
                let outcome = self.remove_product(parent, id.as_u64().unwrap_or(0), true);
                done.push(outcome.map_or_else(|refusal| failed(id, &refusal), |answer| answer.body));
            }
            out.insert("delete".to_owned(), Value::Array(done));
        }
        Ok(Answer::ok(if out.is_empty() { json!([]) } else { Value::Object(out) }))
    }

    fn create_product(&mut self, parent: Option<u64>, body: &Value, typing: Typing) -> Outcome {
        if let Some(parent) = parent
            && !self.state.products.contains_key(&parent)
        {
            return Err(missing(404, Some(parent)));
        }
        let stock = stock_change(body, typing)?;
        self.check_sku(body, 0)?;
        let text = |name: &str| body.get(name).and_then(Value::as_str);
        let kind = match parent {
            Some(_) => "variation",
            None => text("type").unwrap_or("simple"),
        };
        let id = self.new_product(kind, parent, "");
        self.write(id, body, stock);
        match parent {
            Some(parent) => self.state.touch(parent, self.now),
            None => {
                self.state.tell("product.updated", id);
                self.state.tell("product.created", id);
            }
        }
        let record =
            self.state.products.get(&id).map(|product| self.product_record(product)).unwrap_or_default();
        Ok(Answer::created(record, format!("https://shop.example/wp-json/wc/v3/products/{id}")))
    }

    fn update_product(
        &mut self,
        parent: Option<u64>,
        id: u64,
        body: &Value,
        typing: Typing,
    ) -> Result<Value, Refusal> {
        let of_parent = self.state.products.get(&id).map(|product| product.parent);
        match (of_parent, parent) {
            (None, None) => return Err(missing(400, None)),
            (Some(Some(_)), None) => {
                let message = "To manipulate product variations you should use the \
                               /products/&lt;product_id&gt;/variations/&lt;id&gt; endpoint.";
                return Err(Refusal::new(404, "woocommerce_rest_invalid_product_id", message));
            }
            (of_parent, Some(_)) if of_parent != Some(parent) => return Err(missing(404, parent)),
            _ => {}
        }
        let stock = stock_change(body, typing)?;
        self.check_sku(body, id)?;
        self.write(id, body, stock);
        self.state.touch(id, self.now);
        Ok(self.state.products.get(&id).map(|product| self.product_record(product)).unwrap_or_default())
    }

    fn write(&mut self, id: u64, body: &Value, stock: Option<i64>) {
        let Some(product) = self.state.products.get_mut(&id) else { return };
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let set = |field: &mut String, name: &str| {
            if let Some(text) = text(name) {
                *field = text;
            }
        };
        set(&mut product.name, "name");
        set(&mut product.status, "status");
        set(&mut product.price, "regular_price");
        set(&mut product.barcode, "global_unique_id");
        set(&mut product.backorders, "backorders");
        if let Some(sku) = text("sku") {
            product.sku = sku.trim().to_owned();
        }
        match body.get("manage_stock") {
            Some(Value::Bool(manages)) => {
                product.manages_stock = *manages;
                if !manages {
                    product.quantity = 0;
                }
            }
            Some(Value::String(text)) if text == "parent" => product.manages_stock = false,
            _ => {}
        }
        // Ignored, without a word, for what is not counted here.
        if let Some(quantity) = stock.filter(|_| product.manages_stock) {
            product.quantity = quantity;
        }
        if let Some(attributes) =
            body.get("attributes").and_then(Value::as_array).filter(|_| product.parent.is_some())
        {
            let text = |one: &Value, name: &str| {
                one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
            };
            product.attributes =
                attributes.iter().map(|one| (text(one, "name"), text(one, "option"))).collect();
        }
    }

    fn check_sku(&self, body: &Value, own: u64) -> Result<(), Refusal> {
        let Some(sku) = body.get("sku").and_then(Value::as_str).map(str::trim).filter(|sku| !sku.is_empty())
        else {
            return Ok(());
        };
        let taken =
            |product: &&Product| product.id != own && product.sku.to_lowercase() == sku.to_lowercase();
        match self.state.products.values().find(taken) {
            None => Ok(()),
            Some(other) => Err(Refusal::new(400, "product_invalid_sku", "Invalid or duplicated SKU.")
                .with("resource_id", json!(other.id))
                .with("unique_sku", json!(format!("{sku}-1")))),
        }
    }

    /// The answer shows what was before.
    fn remove_product(&mut self, parent: Option<u64>, id: u64, force: bool) -> Outcome {
        let product = self.state.products.get(&id).filter(|product| product.parent == parent);
        let record = self.product_record(product.ok_or_else(|| missing(404, parent))?);
        if force || parent.is_some() {
            self.delete_product(id);
        } else {
            if let Some(product) = self.state.products.get_mut(&id) {
                product.status = "trash".to_owned();
                product.modified = self.now;
            }
            self.state.tell("product.deleted", id);
        }
        Ok(Answer::ok(record))
    }

    pub fn product_record(&self, product: &Product) -> Value {
        let (created, created_gmt) = self.dates(product.created);
        let (modified, modified_gmt) = self.dates(product.modified);
        let parent = product.parent.and_then(|parent| self.state.products.get(&parent));
        let shared = !product.manages_stock && parent.is_some_and(|parent| parent.manages_stock);
        let quantity = self.state.shown(product.id);
        let stock_status = match quantity {
            Some(units) if units <= 0 && product.backorders != "no" => "onbackorder",
            Some(units) if units <= 0 => "outofstock",
            _ => "instock",
        };
        let variations: Vec<u64> = self.state.variations(product.id).map(|variation| variation.id).collect();
        let prices = || self.state.variations(product.id).map(|variation| variation.price.clone()).min();
        let price =
            if product.kind == "variable" { prices().unwrap_or_default() } else { product.price.clone() };
        let inherited = parent.filter(|_| product.sku.is_empty()).map(|parent| parent.sku.clone());
        let options =
            product.attributes.iter().map(|(_, option)| option.as_str()).collect::<Vec<_>>().join(", ");
        let attributes: Vec<Value> = product
            .attributes
            .iter()
            .map(|(name, option)| json!({ "id": 0, "name": escaped(name), "slug": name.to_lowercase(), "option": option }))
            .collect();
        json!({
            "id": product.id,
            "name": if product.parent.is_some() { escaped(&options) } else { escaped(&product.name) },
            "permalink": format!("https://shop.example/?p={}", product.id),
            "date_created": created, "date_created_gmt": created_gmt,
            "date_modified": modified, "date_modified_gmt": modified_gmt,
            "type": product.kind, "status": product.status,
            "sku": inherited.unwrap_or_else(|| product.sku.clone()),
            "global_unique_id": product.barcode,
            "price": price, "regular_price": if product.kind == "variable" { "" } else { price.as_str() },
            "sale_price": "",
            "manage_stock": if product.spoiled { json!("sometimes") } else if shared { json!("parent") } else { json!(product.manages_stock) },
            "stock_quantity": quantity, "stock_status": stock_status,
            "backorders": product.backorders,
            "attributes": attributes, "variations": variations,
            "parent_id": product.parent.unwrap_or(0), "grouped_products": [], "meta_data": [],
        })
    }
}

/// The number that a body sets. Single requests check its type, and take `null` for 0; batches take text for 0, cut
/// fractions off, and leave `null` alone.
fn stock_change(body: &Value, typing: Typing) -> Result<Option<i64>, Refusal> {
    let wrong = || Refusal::parameter("stock_quantity", "stock_quantity is not of type integer,null.");
    let Some(value) = body.get("stock_quantity") else { return Ok(None) };
    match (value, typing) {
        (Value::Null, Typing::Strict) => Ok(Some(0)),
        (Value::Null, Typing::None) => Ok(None),
        (Value::Number(number), _) if number.is_i64() => Ok(number.as_i64()),
        (Value::String(text), Typing::Strict) => text.trim().parse().map(Some).map_err(|_| wrong()),
        (_, Typing::Strict) => Err(wrong()),
        (Value::Number(number), Typing::None) => {
            let text = number.to_string();
            Ok(Some(text.split('.').next().and_then(|whole| whole.parse().ok()).unwrap_or(0)))
        }
        (Value::String(text), Typing::None) => Ok(Some(text.trim().parse().unwrap_or(0))),
        (_, Typing::None) => Ok(Some(0)),
    }
}

/// Names are shown as HTML.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
