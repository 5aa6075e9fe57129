//! Drift: the listings whose channel showed another number than it took, one row each.

use std::collections::BTreeSet;

use domain::drift::{Action, Cause, SeenAt};
use domain::{ConnectionId, ItemId, ListingId, OrganizationId, Quantity, Timestamp};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::page::List;
use crate::read::Query;
use crate::row::{Reader, Row, from_row, n, to_row};
use crate::transact::{Refused, Step};
use crate::{Page, PageRequest, Store, StoreError};

const WHAT: &str = "a drift";
/// How long one that was made good is shown.
const KEPT: SignedDuration = SignedDuration::from_hours(31 * 24);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    pub listing_id: ListingId,
    pub item_id: ItemId,
    pub connection_id: ConnectionId,
    pub desired: Quantity,
    pub acknowledged: Option<Quantity>,
    pub observed: i64,
    /// Of one that is told by location: the channel's locations that show another number than they took.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<SeenAt>,
    pub observed_at: Timestamp,
    pub cause: Cause,
    pub action: Action,
}

impl Store {
    /// In the place of what was known of the listing. One that was overwritten is history and expires.
    pub async fn note_drift(&self, organization: &OrganizationId, drift: &Drift) -> Result<(), StoreError> {
        let mut row = to_row(WHAT, keys::drift(organization, &drift.listing_id), drift)?;
        if drift.action == Action::Overwritten {
            let at = drift.observed_at.checked_add(KEPT).unwrap_or(Timestamp::MAX);
            row.insert(keys::EXPIRES_AT.to_owned(), n(at.as_second()));
        }
        self.transact("note a drift", vec![Step::put(row)]).await
    }

    /// It shows its number again. One that was overwritten stays as history.
    pub async fn forget_drift(
        &self,
        organization: &OrganizationId,
        listing: &ListingId,
    ) -> Result<(), StoreError> {
        let step = Step::delete(keys::drift(organization, listing))
            .only_if("attribute_not_exists(expires_at)", Refused::Skip);
        self.write_if("forget a drift", step).await.map(drop)
    }

    /// Those of these listings of which a drift is open: it was noted, and not overwritten. One query, of a page of listings
    /// that lie beside each other; half a read unit where there is none.
    pub async fn open_drifts<'l>(
        &self,
        organization: &OrganizationId,
        listings: impl Iterator<Item = &'l ListingId> + Clone,
    ) -> Result<BTreeSet<ListingId>, StoreError> {
        let (Some(first), Some(last)) = (listings.clone().min(), listings.clone().max()) else {
            return Ok(BTreeSet::new());
        };
        let query = Query::of(keys::drifts(organization)).between(first.as_str(), last.as_str());
        let rows = self.query_all("look for drifts", &query).await?;
        let open = rows.into_iter().filter(|row| !row.contains_key(keys::EXPIRES_AT));
        let id = |row: Row| from_row::<Drift>(WHAT, row).map(|drift| drift.listing_id);
        open.map(id).collect()
    }

    /// In the order of the listings' ids, which begin with their connection.
    pub async fn drifts(
        &self,
        organization: &OrganizationId,
        connection: Option<&ConnectionId>,
        now: Timestamp,
        page: &PageRequest,
    ) -> Result<Page<Drift>, StoreError> {
        let list = List::new("drifts", organization, &connection);
        let mut query = Query::of(keys::drifts(organization));
        if let Some(connection) = connection {
            query = query.prefix(keys::listings_begin(connection));
        }
        query.limit = Some(page.rows() + 1);
        let read = |row: Row| {
            let expired = Reader::new(WHAT, &row).has_expired(now)?;
            if expired { Ok(None) } else { from_row(WHAT, row).map(Some) }
        };
        self.page("list drifts", &list, &query, page, read).await
    }
}
