//! What a change would do on the channels, shown before it is made.

use app::plan::{ChangeAt, Plan, Totals};
use app::{App, AppError};
use domain::OrganizationId;

/// Changes that are shown one by one.
const SHOWN: usize = 50;

pub struct PlanView {
    pub id: String,
    pub totals: Totals,
    /// Changes that no row shows.
    pub beyond: usize,
    pub rows: Vec<ChangeRow>,
}

pub struct ChangeRow {
    pub id: String,
    pub title: String,
    pub from: String,
    pub to: u32,
    /// Of a listing that is told by location: what each would show.
    pub places: Vec<PlaceChange>,
}

pub struct PlaceChange {
    /// The channel's own id, until it is named.
    pub place: String,
    pub from: Option<u32>,
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
            places: change.locations.iter().map(place_change).collect(),
        });
        let (totals, beyond) = (plan.totals(), plan.changes.len().saturating_sub(SHOWN));
        Ok(Self { totals, beyond, rows: rows.collect(), id: plan.id })
    }

    /// Calls the channel's locations by their names, where they are known.
    pub fn name_places(&mut self, name: impl Fn(&str) -> Option<String>) {
        for change in self.rows.iter_mut().flat_map(|row| &mut row.places) {
            if let Some(name) = name(&change.place) {
                change.place = name;
            }
        }
    }
}

fn place_change(change: &ChangeAt) -> PlaceChange {
    PlaceChange {
        place: change.at.to_string(),
        from: change.from.map(|from| from.get()),
        to: change.to.get(),
    }
}
