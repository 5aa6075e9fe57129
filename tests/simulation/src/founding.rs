//! How a world begins: merchants with locations, items and shops that sell them, connected, and what lies at Amazon.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::Context;
use app::connection::NewConnection;
use app::connection_settings::{ImportPatch, SettingsPatch};
use app::item::{NewItem, OpeningStock};
use app::location::NewLocation;
use app::organization::{NewOrganization, OrganizationPatch};
use domain::availability::LocationKind;
use domain::bundle::Component;
use domain::schedule::SyncInterval;
use domain::stock::Actor;
use domain::{ItemId, Name, Quantity, Sku};
use marketplace_sim::{Goods, Variation};
use secrecy::ExposeSecret;
use serde_json::json;

use crate::street::Shop;
use crate::world::{Connected, Merchant, World};

fn setup() -> Actor {
    Actor::ApiKey("key_setup".to_owned())
}

fn blank(merchant: usize, n: i64) -> anyhow::Result<NewItem> {
    Ok(NewItem {
        sku: Sku::parse(&format!("SKU-{merchant}-{n}"))?,
        name: Name::parse(&format!("Thing {n}"))?,
        selling_price: None,
        purchase_price: None,
        opening_stock_value: None,
        barcode: None,
        group: None,
        reorder_level: None,
        opening_stock: Vec::new(),
        components: Vec::new(),
    })
}

impl World {
    /// A merchant comes, with items and shops that sell them.
    pub async fn found(&mut self, shops: Vec<Arc<Shop>>) -> anyhow::Result<()> {
        let app = self.processes[0].app.clone();
        let number = self.merchants.len();
        let american = shops.iter().any(|shop| shop.kind.fba);
        let (organization, key) = app
            .create_organization(NewOrganization {
                name: Name::parse(&format!("Merchant {number}"))?,
                base_currency: if american { "USD" } else { "EUR" }.parse()?,
                country: if american { "US" } else { "DE" }.to_owned(),
                time_zone: if american { "America/New_York" } else { "Europe/Berlin" }.to_owned(),
                privacy_policy_starts_at: None,
            })
            .await?;
        let key = key.secret.expose_secret().to_owned();
        // Where a channel collects taxes itself.
        let taxes = OrganizationPatch { taxes_enabled: Some(true), ..OrganizationPatch::default() };
        app.change_organization(&organization.id, None, &taxes).await?;
        let primary = organization.primary_location_id.clone();
        let store = NewLocation {
            name: Name::parse("Back store")?,
            kind: LocationKind::Warehouse,
            address: None,
            is_primary: false,
        };
        let back = app.create_location(&organization.id, store).await?.id;
        let mut at_amazon = None;
        if american {
            let held = NewLocation {
                name: Name::parse("At Amazon")?,
                kind: LocationKind::Fba,
                address: None,
                is_primary: false,
            };
            let held = app.create_location(&organization.id, held).await?.id;
            self.mirror.known.entry(organization.id.clone()).or_default().apart.insert(held.clone());
            self.model.apart.insert(held.clone());
            at_amazon = Some(held);
        }
        let simple = self.chance.between(2, 3);
        let mut items: Vec<(Sku, ItemId)> = Vec::new();
        for n in 0..simple {
            let quantity = self.chance.between(0, 12);
            let new = NewItem {
                opening_stock: vec![OpeningStock {
                    location_id: primary.clone(),
                    quantity: Quantity::new(quantity)?,
                }],
                ..blank(number, n)?
            };
            let made = app.create_item(&organization.id, &setup(), new).await?;
            self.model.opening.insert((made.id.clone(), primary.clone()), quantity);
            items.push((made.sku, made.id));
        }
        // Bundles of simple items, the second also of the first bundle.
        for n in simple..simple + self.chance.weighted(&[(4, 0), (4, 1), (3, 2)]) {
            let mut parts = BTreeMap::new();
            for _ in 0..self.chance.between(1, 2) {
                let (_, part) = self.chance.pick(&items).unwrap();
                parts.insert(part.clone(), self.chance.between(1, 3));
            }
            let component = |(item, n): (&ItemId, &i64)| {
                Ok(Component { item_id: item.clone(), quantity: Quantity::new(*n)? })
            };
            let components: anyhow::Result<Vec<Component>> = parts.iter().map(component).collect();
            let new = NewItem { components: components?, ..blank(number, n)? };
            let made = app.create_item(&organization.id, &setup(), new).await?;
            let mut flat = BTreeMap::new();
            for (part, n) in parts {
                let below = self.model.bundles.get(&part).cloned();
                for (simple, each) in below.unwrap_or_else(|| BTreeMap::from([(part, 1)])) {
                    *flat.entry(simple).or_default() += n * each;
                }
            }
            self.trace.note(format_args!("{} is a bundle of {flat:?}", made.id));
            self.model.bundles.insert(made.id.clone(), flat);
            items.push((made.sku, made.id));
        }
        let mut connected = Vec::new();
        for shop in shops {
            self.stock(&shop, &items);
            let settings = SettingsPatch {
                sync_interval_minutes: Some(SyncInterval::try_from(30)?),
                import: ImportPatch { out_of_stock: Some(true), archived: None },
                ..SettingsPatch::default()
            };
            let credentials = shop.sim.credentials().into_iter();
            let new = NewConnection {
                channel: shop.kind.channel,
                name: Name::parse(&shop.host)?,
                endpoint: Some(format!("https://{}", shop.host)),
                marketplace: shop.kind.marketplaces.iter().map(|id| (*id).to_owned()).collect(),
                credentials: credentials.map(|(field, value)| (field, value.into())).collect(),
                settings,
                fba: at_amazon.clone().filter(|_| shop.kind.fba),
            };
            let connection = app.connect(&organization.id, new).await.context("connecting")?.id;
            self.trace.note(format_args!("{} is {connection}", shop.host));
            shop.sim.register_endpoint(&format!("https://hub.example/v1/webhooks/{connection}"));
            connected.push(Connected { host: shop.host.clone(), connection });
        }
        self.merchants.push(Merchant {
            locations: vec![primary, back],
            at_amazon,
            organization: organization.id,
            key,
            shops: connected,
            items,
        });
        Ok(())
    }

    /// What lies at Amazon is followed from here on.
    pub async fn count_held(&mut self) -> anyhow::Result<()> {
        for merchant in 0..self.merchants.len() {
            let Some(at_amazon) = self.merchants[merchant].at_amazon.clone() else { continue };
            let mut items = BTreeSet::new();
            for shop in &self.merchants[merchant].shops {
                let shop = self.shop(&shop.host).clone();
                for sold in shop.on_sale().into_iter().filter(|sold| shop.holds(sold)) {
                    let item =
                        self.item_of(&shop.host, &sold).context("goods at Amazon that are not linked")?;
                    let there = shop.sim.quantity(&sold).unwrap_or(0);
                    self.model.opening.insert((item.clone(), at_amazon.clone()), there);
                    items.insert(item);
                }
            }
            if !items.is_empty() {
                let body = json!({ "item_ids": items, "fulfilment": "fba" });
                let path = "/v1/items/mark-fulfilment";
                let id = self.begin_request(merchant, "POST", path, Some(body), None);
                self.complete(id).await?;
                for item in items {
                    let organization = self.merchants[merchant].organization.clone();
                    self.check_place(&organization, &(item, at_amazon.clone()))?;
                }
            }
        }
        Ok(())
    }

    /// Puts some of the items on sale, now and then two of them as variations of one product.
    fn stock(&self, shop: &Shop, items: &[(Sku, ItemId)]) {
        let mut sold = Vec::new();
        let mut goods: Vec<&(Sku, ItemId)> = items.iter().filter(|_| self.chance.happens(750)).collect();
        if goods.is_empty() {
            goods.extend(items.first());
        }
        let price = || "9.90".to_owned();
        let grouped = if goods.len() > 2 && !shop.kind.whole && self.chance.happens(300) {
            goods.split_off(goods.len() - 2)
        } else {
            Vec::new()
        };
        for (sku, item) in goods {
            let new = Goods {
                sku: Some(sku.as_str().to_owned()),
                title: format!("{sku} at {}", shop.host),
                price: price(),
                quantity: Some(self.chance.between(0, 12)),
                ..Goods::default()
            };
            // A bundle is packed by the merchant.
            if shop.kind.fba && !self.model.bundles.contains_key(item) && self.chance.happens(600) {
                let new = shop.sim.add_fba(new);
                shop.held.lock().unwrap().extend(new.iter().cloned());
                sold.extend(new);
            } else {
                sold.extend(shop.sim.add(new));
            }
        }
        if !grouped.is_empty() {
            let variation = |(n, (sku, _)): (usize, &&(Sku, ItemId))| Variation {
                sku: Some(sku.as_str().to_owned()),
                price: price(),
                quantity: Some(self.chance.between(0, 12)),
                attributes: vec![("Size".to_owned(), ["S", "M"][n].to_owned())],
            };
            sold.extend(shop.sim.add(Goods {
                title: format!("Group at {}", shop.host),
                price: price(),
                variations: grouped.iter().enumerate().map(variation).collect(),
                ..Goods::default()
            }));
        }
        *shop.on_sale.lock().unwrap() = sold;
    }
}
