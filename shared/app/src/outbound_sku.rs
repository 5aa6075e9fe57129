//! From which SKUs at Amazon an outbound shipment is sent. An item that has one there is sent from it, whatever Amazon has of
//! it; of one that has several, Amazon is asked what it has of each, once for all of them.

use std::collections::BTreeMap;

use domain::outbound::{OutboundLine, SkuStock, take};
use domain::{ItemId, OrganizationId, Quantity};
use store::order::{Order, OrderLine};
use store::order_document::DocumentLine;

use crate::fba_stock::sku_of;
use crate::order_document::LineQuantity;
use crate::shop::OpenShop;
use crate::{App, AppError};

#[derive(Debug, Clone)]
enum Source {
    One(String),
    /// With what Amazon can send of each, in the order of their listings' ids.
    Several(Vec<SkuStock>),
}

/// The SKUs at Amazon of the items of an order's lines.
#[derive(Debug, Default)]
pub(crate) struct Sources(BTreeMap<ItemId, Source>);

impl Sources {
    pub fn can_send(&self, line: &OrderLine) -> bool {
        is_simple(line) && line.item_id.as_ref().is_some_and(|item| self.0.contains_key(item))
    }

    /// The lines, each from one SKU or split over several. Errors: 409 `not_enough_at_amazon` where several SKUs together
    /// have too few.
    pub fn share(&self, lines: &[DocumentLine]) -> Result<Vec<OutboundLine>, AppError> {
        let mut left = self.0.clone();
        let mut shared = Vec::with_capacity(lines.len());
        for line in lines {
            let Some(item_id) = &line.item_id else { continue };
            let parts = match left.get_mut(item_id) {
                None => continue,
                Some(Source::One(sku)) => vec![SkuStock { sku: sku.clone(), units: line.quantity }],
                Some(Source::Several(stock)) => {
                    take(line.quantity, stock).ok_or_else(|| not_enough(line, stock))?
                }
            };
            shared.extend(parts.into_iter().map(|part| OutboundLine {
                line_id: line.line_id.clone(),
                item_id: item_id.clone(),
                sku: part.sku,
                quantity: part.units,
                shipped: Quantity::ZERO,
                dropped: Quantity::ZERO,
            }));
        }
        Ok(shared)
    }
}

fn not_enough(line: &DocumentLine, stock: &[SkuStock]) -> AppError {
    let each: Vec<String> = stock.iter().map(|one| format!("{} of {}", one.units, one.sku)).collect();
    let detail = format!(
        "{} are wanted for line {}, and Amazon can send {}; name fewer",
        line.quantity,
        line.line_id,
        each.join(", ")
    );
    AppError::conflict("not_enough_at_amazon", detail)
}

/// A bundle has no SKU at Amazon: its parts are sent together by whoever packs them.
fn is_simple(line: &OrderLine) -> bool {
    line.parts.as_ref().is_none_or(Vec::is_empty)
}

impl App {
    /// What Amazon has is asked only of items of `asked` lines, or of all lines, and only where there is a choice.
    pub(crate) async fn sources_of(
        &self,
        organization: &OrganizationId,
        shop: &mut OpenShop,
        order: &Order,
        asked: Option<&[LineQuantity]>,
    ) -> Result<Sources, AppError> {
        let mut skus = BTreeMap::<ItemId, Vec<String>>::new();
        let mut unclear = Vec::new();
        for line in &order.lines {
            let Some(item) = line.item_id.as_ref().filter(|_| is_simple(line)) else { continue };
            if !skus.contains_key(item) {
                let tracked = self.fba_listings(organization, &shop.connection, item).await?;
                skus.insert(item.clone(), tracked.iter().map(|listing| sku_of(listing).to_owned()).collect());
            }
            let wanted = asked.is_none_or(|asked| asked.iter().any(|one| one.line_id == line.id));
            unclear.extend(
                skus.get(item).filter(|skus| wanted && skus.len() > 1).into_iter().flatten().cloned(),
            );
        }
        unclear.sort();
        unclear.dedup();
        let held = match unclear.is_empty() {
            true => BTreeMap::new(),
            false => self.held(shop, &unclear).await?,
        };
        let stock = |sku: String| {
            let units = held.get(&sku).map_or(0, |held| held.sellable);
            SkuStock { sku, units: Quantity::clamped(units) }
        };
        let source = |(item, mut skus): (ItemId, Vec<String>)| {
            let source = match skus.len() {
                0 => return None,
                1 => Source::One(skus.remove(0)),
                _ => Source::Several(skus.into_iter().map(stock).collect()),
            };
            Some((item, source))
        };
        Ok(Sources(skus.into_iter().filter_map(source).collect()))
    }
}
