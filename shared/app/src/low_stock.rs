//! Stock below its reorder level: said once, with an event, until it is at the level again.

use domain::stock::Level;
use store::facts::LowStock;
use store::stock::ItemStock;

use crate::fan_out::ChangedItem;
use crate::{App, AppError};

impl App {
    /// What is available at all locations together, against the item's reorder level. One write when that is crossed,
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
                let reorder_level = reorder_level.units();
                let low = LowStock { since: self.clock.now(), available, reorder_level };
                self.store.mark_low(organization_id, item_id, &low).await?;
            }
            (None, Some(_)) => self.store.unmark_low(organization_id, item_id).await?,
            (Some(_), Some(_)) | (None, None) => {}
        }
        Ok(())
    }
}
