//! What a change would do on the channels, shown before it is made.

use app::plan::Plan;
use app::{App, AppError};
use domain::OrganizationId;

/// Changes that are shown one by one.
const SHOWN: usize = 50;

pub struct PlanView {
    pub id: String,
    pub changed: usize,
    pub to_zero: usize,
    pub raised: usize,
    pub lowered: usize,
    pub rows: Vec<ChangeRow>,
}

pub struct ChangeRow {
    pub id: String,
    pub title: String,
    pub from: String,
    pub to: u32,
}

impl PlanView {
    pub async fn new(app: &App, organization: &OrganizationId, plan: Plan) -> Result<Self, AppError> {
        let shown = plan.changes.iter().take(SHOWN);
        let ids = shown.clone().map(|change| change.listing_id.clone()).collect();
        let listings = app.store.listings_by_ids(organization, &ids).await?;
        let rows = shown.map(|change| ChangeRow {
            id: change.listing_id.to_string(),
            title: listings
                .get(&change.listing_id)
                .map_or_else(|| change.listing_id.to_string(), |listing| listing.title.as_str().to_owned()),
            from: change.from.map_or_else(|| "?".to_owned(), |from| from.to_string()),
            to: change.to.get(),
        });
        let count = |keep: fn(i64, i64) -> bool| {
            plan.changes.iter().filter(|change| keep(change.from.unwrap_or(0), change.to.units())).count()
        };
        Ok(Self {
            changed: plan.changes.len(),
            to_zero: count(|_, to| to == 0),
            raised: count(|from, to| to > from),
            lowered: count(|from, to| to < from),
            rows: rows.collect(),
            id: plan.id,
        })
    }
}
