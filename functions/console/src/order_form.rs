//! `/orders/new`: an order of a person's making. The whole draft is in the form, so that finding, adding and taking off lines
//! needs no memory here.

use app::AppError;
use app::manual_order::{NewContact, NewOrder, NewOrderLine};
use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use domain::order::{Address, Buyer, PaymentStatus};
use domain::{ItemId, OrderId};
use serde::Deserialize;
use store::api_key::Scope;

use crate::Console;
use crate::fault::{Fault, explained};
use crate::form::{Fields, Posted, units_of};
use crate::names::Locations;
use crate::order_action::place;
use crate::order_page::{TEXT_MAX, order_id};
use crate::page::{Choice, Section, Shell, part, render};
use crate::pick::{Offer, offers};
use crate::text::{ENGLISH, payment};
use crate::visitor::{Visitor, done, go_saying};

/// Longest e-mail address (RFC 5321, a path less its brackets).
const EMAIL_MAX: usize = 254;
const PHONE_MAX: usize = 50;
const ADDRESS_LINES_MAX: usize = 10;

struct DraftLine {
    item_id: ItemId,
    quantity: String,
    price: String,
}

struct LineRow {
    item_id: String,
    name: String,
    sku: String,
    quantity: String,
    price: String,
}

/// A field of the buyer's: its name, its label, what is in it.
struct BuyerField {
    name: &'static str,
    label: &'static str,
    value: String,
}

#[derive(Template)]
#[template(path = "order_form.html")]
struct FormPage {
    shell: Shell,
    q: String,
    offers: Vec<Offer>,
    lines: Vec<LineRow>,
    currency: String,
    /// The display name of a contact that is known already, with its id.
    contact: Option<(String, String)>,
    person: Vec<BuyerField>,
    street: String,
    number: String,
    comment: String,
    locations: Vec<Choice>,
    payments: Vec<Choice>,
    once: String,
    refused: Option<String>,
}

#[derive(Template)]
#[template(path = "order_offers.html")]
struct OffersPart {
    shell: Shell,
    q: String,
    offers: Vec<Offer>,
}

/// The fields of who buys, in the order in which the form has them.
fn person(fields: &Fields) -> Vec<BuyerField> {
    let all = [
        ("buyer_name", ENGLISH.name),
        ("buyer_email", ENGLISH.email),
        ("buyer_phone", ENGLISH.phone),
        ("city", ENGLISH.city),
        ("region", ENGLISH.region),
        ("postal_code", ENGLISH.postal_code),
        ("country", ENGLISH.country),
    ];
    let field = |(name, label)| BuyerField { name, label, value: fields.text(name).to_owned() };
    all.into_iter().map(field).collect()
}

fn draft_of(fields: &Fields) -> Vec<DraftLine> {
    let cells = fields.all("item_id").zip(fields.all("quantity")).zip(fields.all("unit_price"));
    cells
        .filter_map(|((item, quantity), price)| {
            let item_id = item.parse().ok()?;
            Some(DraftLine { item_id, quantity: quantity.to_owned(), price: price.to_owned() })
        })
        .collect()
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    fields: &Fields,
    draft: Vec<DraftLine>,
    contact: &str,
    refused: Option<String>,
) -> Result<Response, Fault> {
    let (app, organization) = (&console.app, visitor.id());
    let ids = draft.iter().map(|line| line.item_id.clone()).collect();
    let items = app.store.items_by_ids(organization, &ids).await?;
    let row = |line: &DraftLine| {
        let item = items.get(&line.item_id)?;
        let own = || item.selling_price.map(|price| price.amount()).unwrap_or_default();
        Some(LineRow {
            item_id: line.item_id.to_string(),
            name: item.name.as_str().to_owned(),
            sku: item.sku.as_str().to_owned(),
            quantity: line.quantity.clone(),
            price: if line.price.is_empty() { own() } else { line.price.clone() },
        })
    };
    let contact = match contact.parse() {
        Ok(id) => Some((app.contact(organization, &id).await?.display_name, id.to_string())),
        Err(_) => None,
    };
    let locations = Locations::of(app, organization).await?;
    let primary = Some(visitor.organization.primary_location_id.clone());
    let chosen = fields.text("location_id").parse().ok().or(primary);
    let paid = fields.text("payment") == "paid";
    let view = FormPage {
        shell: Shell::new(visitor, Section::Orders, ENGLISH.new_order),
        q: fields.text("q").to_owned(),
        offers: offers(app, organization, fields.text("q")).await?,
        lines: draft.iter().filter_map(row).collect(),
        currency: visitor.organization.base_currency.to_string(),
        contact,
        person: person(fields),
        street: fields.text("street").to_owned(),
        number: fields.text("number").to_owned(),
        comment: fields.text("comment").to_owned(),
        locations: locations.choices(chosen.as_ref()),
        payments: vec![
            Choice::new("pending", payment(PaymentStatus::Pending).label, !paid),
            Choice::new("paid", payment(PaymentStatus::Paid).label, paid),
        ],
        once: fields.once().unwrap_or_else(|| app.ids.next(visitor.now)),
        refused,
    };
    render(visitor, &view)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct BlankQuery {
    contact: String,
    q: String,
}

pub async fn blank(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<BlankQuery>,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    page(&console, &visitor, &Fields::default(), Vec::new(), &query.contact, None).await
}

/// Items found as one types.
pub async fn find(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<BlankQuery>,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let offers = offers(&console.app, visitor.id(), &query.q).await?;
    let shell = Shell::new(&visitor, Section::Orders, ENGLISH.new_order);
    part(&OffersPart { shell, q: query.q, offers })
}

fn lines_of(draft: &[DraftLine], visitor: &Visitor) -> Result<Vec<NewOrderLine>, AppError> {
    if draft.is_empty() {
        return Err(AppError::invalid("invalid_field", "/lines", ENGLISH.no_lines));
    }
    let currency = visitor.organization.base_currency;
    let line = |line: &DraftLine| {
        let price = Some(line.price.as_str()).filter(|price| !price.is_empty());
        let unit_price = price.map(|price| {
            domain::Money::parse(price, currency).map_err(|error| {
                AppError::invalid("invalid_price", "/unit_price", format!("{}: {error}", ENGLISH.price))
            })
        });
        Ok(NewOrderLine {
            id: None,
            item_id: line.item_id.clone(),
            quantity: units_of("quantity", &line.quantity)?,
            unit_price: unit_price.transpose()?,
            tax: None,
            title: None,
        })
    };
    draft.iter().map(line).collect()
}

fn address_of(fields: &Fields) -> Result<Option<Address>, AppError> {
    let mut lines = Vec::new();
    for line in fields.text("street").lines().map(str::trim).filter(|line| !line.is_empty()) {
        let parsed = domain::text::parse_bounded(line, TEXT_MAX);
        lines.push(parsed.map_err(|error| {
            AppError::invalid("invalid_field", "/street", format!("{}: {error}", ENGLISH.street))
        })?);
    }
    if lines.len() > ADDRESS_LINES_MAX {
        return Err(AppError::invalid("invalid_field", "/street", ENGLISH.street_too_long));
    }
    let address = Address {
        name: None,
        lines,
        city: fields.bounded_if_any("city", TEXT_MAX)?,
        region: fields.bounded_if_any("region", TEXT_MAX)?,
        postal_code: fields.bounded_if_any("postal_code", TEXT_MAX)?,
        country: fields.bounded_if_any("country", TEXT_MAX)?,
    };
    Ok(Some(address).filter(|address| *address != Address::default()))
}

/// A contact that is known, a person, or nobody.
fn contact_of(fields: &Fields) -> Result<Option<NewContact>, AppError> {
    if let Some(id) = fields.parsed_if_any("contact_id")? {
        return Ok(Some(NewContact::Known(id)));
    }
    let email = fields.bounded_if_any("buyer_email", EMAIL_MAX)?;
    if email.as_ref().is_some_and(|email| !email.contains('@')) {
        return Err(AppError::invalid("invalid_field", "/email", ENGLISH.no_email));
    }
    let buyer = Buyer {
        name: fields.bounded_if_any("buyer_name", TEXT_MAX)?,
        email,
        phone: fields.bounded_if_any("buyer_phone", PHONE_MAX)?,
        shipping_address: address_of(fields)?,
        billing_address: None,
    };
    Ok((buyer != Buyer::default()).then(|| NewContact::Person(Box::new(buyer))))
}

async fn create(
    console: &Console,
    visitor: &Visitor,
    fields: &Fields,
    draft: &[DraftLine],
) -> Result<OrderId, AppError> {
    let paid = fields.text("payment") == "paid";
    let new = NewOrder {
        number: fields.bounded_if_any("number", TEXT_MAX)?,
        lines: lines_of(draft, visitor)?,
        location_id: fields.parsed_if_any("location_id")?,
        contact: contact_of(fields)?,
        payment: if paid { PaymentStatus::Paid } else { PaymentStatus::Pending },
        placed_at: None,
        comments: fields.bounded_if_any("comment", TEXT_MAX)?.into_iter().collect(),
        id: fields.once(),
    };
    Ok(console.app.create_order(visitor.id(), &visitor.actor(), &new).await?.id)
}

/// Which button it was: find, add, take off, or create.
pub async fn work(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let mut draft = draft_of(&fields);
    let contact = fields.text("contact_id");
    if let Ok(item_id) = fields.text("add").parse::<ItemId>() {
        if draft.iter().all(|line| line.item_id != item_id) {
            draft.push(DraftLine { item_id, quantity: "1".to_owned(), price: String::new() });
        }
        return page(&console, &visitor, &fields, draft, contact, None).await;
    }
    if let Ok(item_id) = fields.text("remove").parse::<ItemId>() {
        draft.retain(|line| line.item_id != item_id);
        return page(&console, &visitor, &fields, draft, contact, None).await;
    }
    if !fields.is_on("create") {
        return page(&console, &visitor, &fields, draft, contact, None).await;
    }
    match create(&console, &visitor, &fields, &draft).await {
        Ok(id) => Ok(go_saying(&place(id.as_str()), ENGLISH.order_made)),
        Err(error) => match explained(&error) {
            Some(text) => page(&console, &visitor, &fields, draft, contact, Some(text)).await,
            None => Err(error.into()),
        },
    }
}

/// A new order of the same goods, for nobody.
pub async fn copy(
    State(console): State<Console>,
    Path(id): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let made = console.app.clone_order(visitor.id(), &visitor.actor(), &order_id(&id)?, fields.once()).await;
    match made {
        Ok(order) => Ok(go_saying(&place(order.id.as_str()), ENGLISH.order_copied)),
        Err(error) => done(Err::<String, _>(error), &place(&id)),
    }
}
