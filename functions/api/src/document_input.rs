//! What the lines of stock documents have in common, and how a document stands.

use app::{App, AppError};
use domain::{ItemId, ListingId, OrganizationId, Quantity, Timestamp};
use serde::{Deserialize, Deserializer, Serialize};
use store::document::Voiding;
use utoipa::ToSchema;

/// Longest reason and reference, in characters.
pub const TEXT_MAX: usize = 500;

/// What a line names: an item. A listing is understood, to be refused by name: stock is an item's.
#[derive(Debug, Clone)]
pub enum Named {
    Item(ItemId),
    Listing(ListingId),
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let text = String::deserialize(reader)?;
        match text.parse::<ListingId>() {
            Ok(listing) => Ok(Self::Listing(listing)),
            Err(_) => text.parse().map(Self::Item).map_err(serde::de::Error::custom),
        }
    }
}

impl Named {
    /// The item. A listing is 422 `unconfirmed_item`, or `listing_not_item` where it has an item to name instead.
    pub async fn item(
        self,
        app: &App,
        organization: &OrganizationId,
        pointer: &str,
    ) -> Result<ItemId, AppError> {
        let listing = match self {
            Self::Item(item) => return Ok(item),
            Self::Listing(listing) => listing,
        };
        let found = app.store.listing(organization, &listing).await?;
        Err(match found.and_then(|listing| listing.item_id) {
            Some(item) => {
                let detail = format!("is a listing; name its item, {item}");
                AppError::invalid("listing_not_item", pointer, detail)
            }
            None => {
                let detail = "is a listing that is no item yet; confirm it or link it to an item first";
                AppError::invalid("unconfirmed_item", pointer, detail)
            }
        })
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct QuantityLineInput {
    #[schema(value_type = String)]
    item_id: Named,
    #[schema(value_type = u32, minimum = 1, maximum = 999_999_999)]
    quantity: Quantity,
}

/// Items and quantities of at least 1.
pub async fn quantities(
    app: &App,
    organization: &OrganizationId,
    lines: Vec<QuantityLineInput>,
) -> Result<Vec<(ItemId, Quantity)>, AppError> {
    let mut named = Vec::with_capacity(lines.len());
    for (n, line) in lines.into_iter().enumerate() {
        if line.quantity == Quantity::ZERO {
            let pointer = format!("/lines/{n}/quantity");
            return Err(AppError::invalid("invalid_field", pointer, "must be at least 1"));
        }
        let item = line.item_id.item(app, organization, &format!("/lines/{n}/item_id")).await?;
        named.push((item, line.quantity));
    }
    Ok(named)
}

/// That a document was voided, when and by whom.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Voiding)]
pub struct VoidingBody {
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The key that it was voided with.
    by: String,
}

impl From<Voiding> for VoidingBody {
    fn from(voiding: Voiding) -> Self {
        Self { at: voiding.at, by: voiding.by.into() }
    }
}

/// The state of a document that takes effect at once.
pub fn state(voided: Option<&Voiding>) -> &'static str {
    if voided.is_some() { "void" } else { "posted" }
}
