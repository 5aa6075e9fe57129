//! `/v1/contacts`: who buys, under the default name of where they were met; true names are concealed.

use axum::extract::State;
use domain::{ContactId, Timestamp};
use serde::Serialize;
use store::contact::Contact;
use utoipa::ToSchema;

use crate::Api;
use crate::audit::Reason;
use crate::auth::{Reader, Revealer, Writer};
use crate::input::{Body, Filter, Id, PageQuery};
use crate::manual_order::ContactChoice;
use crate::order::CustomerBody;
use crate::output::{List, Single};
use crate::problem::Problem;

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactBody {
    #[schema(value_type = String)]
    id: ContactId,
    /// The default name of the channel where they bought first.
    display_name: String,
    #[schema(pattern = "^(marketplace|manual)$")]
    source: &'static str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl From<Contact> for ContactBody {
    fn from(contact: Contact) -> Self {
        Self {
            id: contact.id,
            display_name: contact.display_name,
            source: if contact.manual { "manual" } else { "marketplace" },
            created_at: contact.created_at,
        }
    }
}

/// In no order that means anything. The orders of one: `GET /v1/orders?contact_id=`.
#[utoipa::path(get, path = "/v1/contacts", tag = "contacts", params(PageQuery),
    responses((status = 200, body = List<ContactBody>)))]
pub async fn list_contacts(
    State(api): State<Api>,
    Reader(caller): Reader,
    Filter(query): Filter<PageQuery>,
) -> Result<List<ContactBody>, Problem> {
    let page = query.request()?;
    Ok(List::of(api.app.store.contacts(&caller.organization_id, &page).await?, ContactBody::from))
}

/// A contact for manual orders; the one that has the e-mail address, or without one the name, where there is one.
#[utoipa::path(post, path = "/v1/contacts", tag = "contacts", request_body = ContactChoice,
    responses((status = 201, body = ContactBody)))]
pub async fn create_contact(
    State(api): State<Api>,
    Writer(caller): Writer,
    Body(input): Body<ContactChoice>,
) -> Result<Single<ContactBody>, Problem> {
    let person = input.person("")?;
    let contact = api.app.create_contact(&caller.organization_id, &person).await?;
    Ok(Single::created(format!("/v1/contacts/{}", contact.id), contact.into()))
}

#[utoipa::path(get, path = "/v1/contacts/{id}", tag = "contacts", params(("id" = String, Path)),
    responses((status = 200, body = ContactBody)))]
pub async fn get_contact(
    State(api): State<Api>,
    Reader(caller): Reader,
    Id(id): Id<ContactId>,
) -> Result<Single<ContactBody>, Problem> {
    Ok(Single::ok(api.app.contact(&caller.organization_id, &id).await?.into()))
}

/// What a person wrote of a contact. Needs the scope `pii`; each look is noted in the audit. 404 for a marketplace's buyer: what is
/// known of one is with the orders, as long as it is kept.
#[utoipa::path(get, path = "/v1/contacts/{id}/customer", tag = "contacts", params(("id" = String, Path),
    ("X-Reason" = Option<String>, Header, description = "Why, for the audit.")),
    responses((status = 200, body = CustomerBody)))]
pub async fn reveal_contact(
    State(api): State<Api>,
    Revealer(caller): Revealer,
    reason: Reason,
    Id(id): Id<ContactId>,
) -> Result<Single<CustomerBody>, Problem> {
    let details = api.app.reveal_contact(&caller.organization_id, &reason.of(&caller), &id).await?;
    Ok(Single::ok(CustomerBody::new(details, None)))
}
