//! `/contacts`: who buys, under the names of where they were met. What a person wrote of one is behind Reveal.

use std::collections::BTreeSet;

use app::AppError;
use app::audit::Witness;
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::{ContactId, OrderId};
use serde::Deserialize;
use store::api_key::Scope;
use store::contact::Contact;

use crate::Console;
use crate::fault::Fault;
use crate::form::Posted;
use crate::names::Connections;
use crate::order::OrderRow;
use crate::order_page::{Shown, TEXT_MAX, buyer_view};
use crate::page::{Moment, Pager, Section, Shell, render, request};
use crate::text::ENGLISH;
use crate::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContactQuery {
    cursor: String,
}

struct ContactRow {
    id: String,
    name: String,
    source: &'static str,
    met: Moment,
}

impl ContactRow {
    fn new(contact: &Contact, visitor: &Visitor) -> Self {
        Self {
            id: contact.id.to_string(),
            name: contact.display_name.clone(),
            source: if contact.manual { ENGLISH.manual } else { ENGLISH.marketplace },
            met: visitor.at(contact.created_at),
        }
    }
}

#[derive(Template)]
#[template(path = "contacts.html")]
struct ContactsPage {
    shell: Shell,
    rows: Vec<ContactRow>,
    pager: Pager,
}

pub async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<ContactQuery>,
) -> Result<Response, Fault> {
    let found = console.app.store.contacts(visitor.id(), &request(&query.cursor)).await?;
    let page = ContactsPage {
        shell: Shell::new(&visitor, Section::Orders, ENGLISH.contacts),
        rows: found.data.iter().map(|contact| ContactRow::new(contact, &visitor)).collect(),
        pager: Pager::new("/contacts", &[], &query.cursor, found.next_cursor.as_deref()),
    };
    render(&visitor, &page)
}

#[derive(Template)]
#[template(path = "contact.html")]
struct ContactPage {
    shell: Shell,
    row: ContactRow,
    manual: bool,
    rows: Vec<OrderRow>,
    pager: Pager,
    buyer: Shown,
}

fn contact_id(text: &str) -> Result<ContactId, AppError> {
    text.parse().map_err(|_| AppError::NotFound("contact"))
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    id: &ContactId,
    cursor: &str,
    buyer: Shown,
) -> Result<Response, Fault> {
    let (app, organization) = (&console.app, visitor.id());
    let contact = app.contact(organization, id).await?;
    let connections = Connections::of(app, organization).await?;
    let noted = app.store.contact_orders(organization, id, &request(cursor)).await?;
    let ids: BTreeSet<OrderId> = noted.data.into_iter().collect();
    let mut orders = app.store.orders_by_ids(organization, &ids).await?;
    // One may be another's since, or half there.
    orders.retain(|order| order.complete && order.contact_id.as_ref() == Some(id));
    orders.sort_by_key(|order| std::cmp::Reverse(order.placed_at));
    let view = ContactPage {
        shell: Shell::new(visitor, Section::Orders, contact.display_name.as_str()),
        row: ContactRow::new(&contact, visitor),
        manual: contact.manual,
        rows: orders.iter().map(|order| OrderRow::new(order, visitor, &connections)).collect(),
        pager: Pager::new(&format!("/contacts/{id}"), &[], cursor, noted.next_cursor.as_deref()),
        buyer,
    };
    render(visitor, &view)
}

pub async fn show(
    State(console): State<Console>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(query): Query<ContactQuery>,
) -> Result<Response, Fault> {
    page(&console, &visitor, &contact_id(&id)?, &query.cursor, Shown::Concealed).await
}

/// The page with what a person wrote. The look and its reason are noted first.
pub async fn reveal(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Pii)?;
    let id = contact_id(&id)?;
    let by = Witness { actor: visitor.actor(), reason: Some(fields.bounded("reason", TEXT_MAX)?) };
    let shown = match console.app.reveal_contact(visitor.id(), &by, &id).await {
        Ok(buyer) => Shown::Revealed(buyer_view(buyer)),
        Err(AppError::NotFound("contact data")) => Shown::Gone,
        Err(error) => return Err(error.into()),
    };
    page(&console, &visitor, &id, "", shown).await
}
