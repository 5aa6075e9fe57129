//! Finding an item as one types: the same list in the page and as the part of it that is replaced.

use app::{App, AppError};
use domain::{MatchKey, OrganizationId};
use http::HeaderMap;
use store::PageRequest;
use store::item::{Item, ItemFilter};

/// Items offered at once.
const OFFERED: u32 = 8;

/// An item that can be chosen.
#[derive(Debug, Clone)]
pub struct Offer {
    pub id: String,
    pub sku: String,
    pub name: String,
}

impl From<&Item> for Offer {
    fn from(item: &Item) -> Self {
        Self {
            id: item.id.to_string(),
            sku: item.sku.as_str().to_owned(),
            name: item.name.as_str().to_owned(),
        }
    }
}

/// Items whose SKU or name holds the text; none for no text.
pub async fn offers(app: &App, organization: &OrganizationId, q: &str) -> Result<Vec<Offer>, AppError> {
    let key = MatchKey::of(q);
    if key.as_str().is_empty() {
        return Ok(Vec::new());
    }
    let filter = ItemFilter { q: Some(key), ..ItemFilter::default() };
    let request = PageRequest { limit: OFFERED, cursor: None };
    let found = app.store.items(organization, &filter, &request).await?;
    Ok(found.data.iter().map(Offer::from).collect())
}

/// Whether a script of the page asks, which wants the part alone.
pub fn wants_part(headers: &HeaderMap) -> bool {
    headers.get("hx-request").is_some_and(|value| value == "true")
}
