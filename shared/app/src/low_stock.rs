//! Stock below its reorder level: said once, with an event, until it is at the level again.

use domain::event::DomainEvent;
use domain::stock::{Level, stock_version};
use store::stock::ItemStock;

use crate::fan_out::ChangedItem;
use crate::{App, AppError};

impl App {
    /// What is available at all locations together, against the item's reorder level. Two writes when that is crossed,
    /// none else. A bundle has no stock of its own: its components have.
    pub(crate) async fn watch_reorder_level(
        &self,
        item: &ChangedItem,
        stock: &ItemStock,
    ) -> Result<(), AppError> {
        let ChangedItem { organization_id, item_id } = item;
        let level = stock.facts.reorder_level.filter(|_| stock.facts.components.is_empty());
        let available: i64 = stock.levels.iter().map(Level::available).sum();
        match (level.filter(|level| available < level.units()), stock.low_since) {
            (Some(reorder_level), None) => {
                let at = self.clock.now();
                let item_id = item_id.clone();
                let event_id = format!("low-{}-{}", item_id.body(), stock_version(&stock.levels));
                let event = DomainEvent::StockBelowReorderLevel {
                    item_id: item_id.clone(),
                    available,
                    reorder_level,
                    at,
                };
                self.store.mark_low(organization_id, &item_id, at, &event, &event_id).await?;
            }
            (None, Some(_)) => self.store.unmark_low(organization_id, item_id).await?,
            (Some(_), Some(_)) | (None, None) => {}
        }
        Ok(())
    }
}
