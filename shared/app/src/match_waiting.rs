//! An item came: listings of any connection that waited with its SKU are matched at once, not at their next sync.

use domain::listing::ListingStatus;
use domain::{OrganizationId, Sku};
use futures_util::future::BoxFuture;
use store::listing::Listing;

use crate::sync_orders::chain;
use crate::{App, AppError};

impl App {
    /// Matches what waits with the SKU. The item is there already, so a failure is only logged: the next item sync of
    /// each connection does the same.
    ///
    /// Boxed, for it may make items itself (`auto_create`), which ask for it again.
    pub(crate) fn match_waiting<'a>(
        &'a self,
        organization: &'a OrganizationId,
        sku: &'a Sku,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            if let Err(error) = self.try_match_waiting(organization, sku).await {
                tracing::warn!(%organization, code = error.code(), error = %chain(&error), "waiting listings are matched at the next sync");
            }
        })
    }

    async fn try_match_waiting(&self, organization: &OrganizationId, sku: &Sku) -> Result<(), AppError> {
        let organization = self.organization(organization).await?;
        let key = sku.match_key();
        for connection in self.store.connections(&organization.id).await? {
            let ids = self.store.listings_with_sku(&organization.id, &connection.id, &key).await?;
            let mut waiting: Vec<Listing> = Vec::new();
            for id in ids {
                let listing = self.store.listing(&organization.id, &id).await?;
                waiting.extend(listing.filter(|listing| listing.status == ListingStatus::Unconfirmed));
            }
            if !waiting.is_empty() {
                self.match_listings(&organization, &connection, waiting).await?;
            }
        }
        Ok(())
    }
}
