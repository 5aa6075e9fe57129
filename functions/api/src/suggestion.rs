//! `/v1/listings/{id}/suggestions`.

use app::suggestion::Suggestion;
use axum::extract::State;
use domain::likeness::Likeness;
use domain::{ItemId, ListingId, Name, Sku};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Reader;
use crate::input::Id;
use crate::output::List;
use crate::problem::Problem;

/// An item that a listing looks like.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suggestion)]
pub struct SuggestionBody {
    #[schema(value_type = String)]
    item_id: ItemId,
    #[schema(value_type = String)]
    sku: Sku,
    #[schema(value_type = String)]
    name: Name,
    /// The strongest first.
    reasons: Vec<ReasonBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SuggestionReason)]
pub struct ReasonBody {
    #[schema(value_type = String, pattern = "^(barcode|sku|title)$")]
    code: Likeness,
    detail: &'static str,
}

impl From<Suggestion> for SuggestionBody {
    fn from(suggestion: Suggestion) -> Self {
        let reason = |likeness: Likeness| ReasonBody { code: likeness, detail: likeness.reason() };
        Self {
            item_id: suggestion.item.id,
            sku: suggestion.item.sku,
            name: suggestion.item.name,
            reasons: suggestion.alike.into_iter().map(reason).collect(),
        }
    }
}

/// Items that a listing which waits looks like, the most alike first, each with why; at most ten. No sync links by them.
#[utoipa::path(get, path = "/v1/listings/{id}/suggestions", tag = "listings", params(("id" = String, Path)),
    responses((status = 200, body = List<SuggestionBody>)))]
pub async fn list_suggestions(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ListingId>,
) -> Result<List<SuggestionBody>, Problem> {
    let found = api.app.suggestions(&caller.organization_id, &id).await?;
    Ok(List { data: found.into_iter().map(SuggestionBody::from).collect(), next_cursor: None })
}
