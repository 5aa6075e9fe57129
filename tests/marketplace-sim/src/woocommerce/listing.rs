//! What a merchant does in the shop itself.

use crate::{Goods, Sold};

use super::Context;
use super::state::Product;

impl Context<'_> {
    pub fn add(&mut self, goods: &Goods) -> Vec<Sold> {
        let kind = if goods.variations.is_empty() { "simple" } else { "variable" };
        let id = self.new_product(kind, None, &goods.title);
        if let Some(product) = self.state.products.get_mut(&id) {
            product.sku = goods.sku.clone().unwrap_or_default();
            product.price.clone_from(&goods.price);
            product.manages_stock = goods.quantity.is_some();
            product.quantity = goods.quantity.unwrap_or(0);
            product.barcode = goods.barcode.clone().unwrap_or_default();
        }
        self.state.tell("product.updated", id);
        self.state.tell("product.created", id);
        let external_id = id.to_string();
        if goods.variations.is_empty() {
            return vec![Sold { external_id, variation_id: None }];
        }
        let mut sold = Vec::new();
        for variation in &goods.variations {
            let id = self.new_product("variation", Some(id), "");
            if let Some(product) = self.state.products.get_mut(&id) {
                product.sku = variation.sku.clone().unwrap_or_default();
                product.price.clone_from(&variation.price);
                product.manages_stock = variation.quantity.is_some();
                product.quantity = variation.quantity.unwrap_or(0);
                product.attributes.clone_from(&variation.attributes);
            }
            sold.push(Sold { external_id: external_id.clone(), variation_id: Some(id.to_string()) });
        }
        sold
    }

    /// A new product without stock, SKU or price; its id.
    pub fn new_product(&mut self, kind: &str, parent: Option<u64>, name: &str) -> u64 {
        let id = self.state.take_id();
        let product = Product {
            id,
            parent,
            kind: kind.to_owned(),
            name: name.to_owned(),
            status: "publish".to_owned(),
            sku: String::new(),
            price: String::new(),
            manages_stock: false,
            quantity: 0,
            backorders: "no".to_owned(),
            barcode: String::new(),
            attributes: Vec::new(),
            created: self.now,
            modified: self.now,
            spoiled: false,
        };
        self.state.products.insert(id, product);
        id
    }

    pub fn rename(&mut self, id: u64, sku: Option<Option<String>>, title: Option<String>) {
        if let Some(product) = self.state.products.get_mut(&id) {
            if let Some(sku) = sku {
                product.sku = sku.unwrap_or_default();
            }
            if let Some(title) = title {
                product.name = title;
            }
        }
        self.state.touch(id, self.now);
    }

    /// For good, with its variations. Lines of orders forget what they sold.
    pub fn delete_product(&mut self, id: u64) {
        let parent = self.state.products.get(&id).and_then(|product| product.parent);
        let mut gone: Vec<u64> = self.state.variations(id).map(|variation| variation.id).collect();
        gone.push(id);
        for id in gone {
            self.state.products.remove(&id);
            for line in self.state.orders.values_mut().flat_map(|order| &mut order.lines) {
                if line.variation_id == id {
                    line.variation_id = 0;
                    line.sku = Some(String::new());
                } else if line.product_id == id {
                    line.product_id = 0;
                    line.variation_id = 0;
                    line.sku = None;
                }
            }
        }
        if let Some(parent) = parent {
            self.state.touch(parent, self.now);
        }
        self.state.tell("product.deleted", id);
    }

    pub fn set_by_hand(&mut self, id: u64, quantity: i64) {
        let holder = self.state.holder(id).unwrap_or(id);
        if let Some(product) = self.state.products.get_mut(&holder) {
            product.manages_stock = true;
            product.quantity = quantity;
        }
        self.state.touch(holder, self.now);
    }
}
