//! Inbound shipments beside Amazon's own: which of them it is, and what Amazon says of it. Amazon's word moves no stock: it
//! does not say what it received.

use std::collections::BTreeMap;

use channels::fulfiller::ExpectedInbound;
use domain::inbound::{ExpectedSku, InboundRef, InboundWord, kept};
use domain::{InboundShipmentId, ItemId, OrganizationId, Timestamp};
use store::StoreError;
use store::connection::Connection;
use store::inbound::{AtAmazon, InboundShipment};

use crate::change::{CHANGES_MAX, check_version};
use crate::fba_stock::{no_fulfiller, sku_of};
use crate::{App, AppError};

/// What is left out stays as it is.
#[derive(Debug, Clone, Default)]
pub struct InboundPatch {
    /// `Some(None)`: it is none of Amazon's any more. What Amazon said of another one is forgotten.
    pub amazon: Option<Option<InboundRef>>,
    pub reference: Option<Option<String>>,
}

impl InboundPatch {
    fn apply(&self, shipment: &mut InboundShipment) {
        if let Some(reference) = &self.reference {
            shipment.reference = reference.clone();
        }
        if let Some(amazon) = &self.amazon {
            let same = shipment.amazon.as_ref().map(|at| &at.reference) == amazon.as_ref();
            if !same {
                shipment.amazon = amazon.clone().map(AtAmazon::unasked);
            }
        }
    }
}

impl App {
    pub async fn change_inbound(
        &self,
        organization: &OrganizationId,
        id: &InboundShipmentId,
        expected: Option<u64>,
        patch: &InboundPatch,
    ) -> Result<InboundShipment, AppError> {
        self.note_inbound(organization, id, expected, |shipment| patch.apply(shipment)).await
    }

    /// Asks Amazon how far its shipment is and what it expects of it. Errors: 409 `no_amazon_shipment` where nobody said
    /// which it is; 409 `unknown_at_amazon` where Amazon has none of these ids: nothing is changed then.
    pub async fn refresh_inbound(
        &self,
        organization: &OrganizationId,
        id: &InboundShipmentId,
    ) -> Result<InboundShipment, AppError> {
        let shipment = self.inbound_shipment(organization, id).await?;
        let Some(AtAmazon { reference, .. }) = &shipment.amazon else {
            let detail = "say first which of Amazon's shipments it is: its inbound plan's id and its own";
            return Err(AppError::conflict("no_amazon_shipment", detail));
        };
        let mut shop = self.open_shop(organization, &shipment.connection_id).await?;
        let told = self
            .call(&mut shop, |call| {
                Box::pin(async move {
                    let fulfiller = call.channel.fulfiller().ok_or_else(no_fulfiller)?;
                    fulfiller.inbound(&call.shop, reference).await
                })
            })
            .await?;
        let Some(told) = told else {
            let detail = "Amazon has no such shipment in such a plan: look for both ids in Seller Central";
            return Err(AppError::conflict("unknown_at_amazon", detail));
        };
        let items = self.items_by_amazon_sku(organization, &shop.connection, &shipment).await?;
        let word = word_of(told, &items, shop.answered_at());
        self.note_inbound(organization, id, None, |shipment| {
            // Of another one by now: this is not its word.
            if let Some(at) = shipment.amazon.as_mut().filter(|at| at.reference == *reference) {
                at.word = Some(word.clone());
            }
        })
        .await
    }

    /// The items of the shipment's lines by the SKUs that they have on the connection.
    async fn items_by_amazon_sku(
        &self,
        organization: &OrganizationId,
        connection: &Connection,
        shipment: &InboundShipment,
    ) -> Result<BTreeMap<String, ItemId>, AppError> {
        let mut items = BTreeMap::new();
        for line in &shipment.lines {
            let listings = self.listings_on(organization, connection, &line.item_id).await?;
            items.extend(listings.iter().map(|listing| (sku_of(listing).to_owned(), line.item_id.clone())));
        }
        Ok(items)
    }

    /// Changes what is known of it, and no stock.
    async fn note_inbound(
        &self,
        organization: &OrganizationId,
        id: &InboundShipmentId,
        expected: Option<u64>,
        change: impl Fn(&mut InboundShipment) + Send + Sync,
    ) -> Result<InboundShipment, AppError> {
        for _ in 0..CHANGES_MAX {
            let before = self.inbound_shipment(organization, id).await?;
            check_version(before.version, expected)?;
            let mut after = before.clone();
            change(&mut after);
            if after == before {
                return Ok(before);
            }
            after.version += 1;
            match self.store.post_document(organization, &after, &[]).await {
                Err(StoreError::Conflict(_)) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => return Ok(after),
            }
        }
        Err(StoreError::Conflict("inbound shipment").into())
    }
}

fn word_of(told: ExpectedInbound, items: &BTreeMap<String, ItemId>, checked_at: Timestamp) -> InboundWord {
    let expected = told.units.into_iter().map(|(sku, quantity)| {
        let item_id = items.get(&sku).cloned();
        ExpectedSku { sku, quantity, item_id }
    });
    let (skus, left_out) = kept(expected.collect());
    InboundWord { status: told.status, confirmation_id: told.confirmation_id, skus, left_out, checked_at }
}
