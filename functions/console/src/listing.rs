//! `/listings`: what waits for a person, what is linked, what was left alone; one by one or many at once.

use std::collections::BTreeMap;

use app::bulk_listing::BulkAction;
use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::listing::{ListingStatus, Match};
use domain::push::PushState;
use domain::{ItemId, ListingId, MatchKey};
use serde::Deserialize;
use store::Counted;
use store::api_key::Scope;
use store::listing::{Listing, ListingFilter};

use crate::Console;
use crate::fault::{Fault, sentence};
use crate::form::Posted;
use crate::names::Connections;
use crate::order::word;
use crate::page::{Badge, Choice, Pager, Section, Shell, money, render, request};
use crate::text::{ENGLISH, listing_status, matched, push_state, reason};
use crate::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListingQuery {
    status: String,
    #[serde(rename = "match")]
    found: String,
    connection: String,
    push_state: String,
    q: String,
    cursor: String,
}

pub struct ListingRow {
    pub id: String,
    pub title: String,
    pub sku: Option<String>,
    pub connection: String,
    pub price: Option<String>,
    pub quantity: Option<u32>,
    pub found: Badge,
    pub candidate: Option<String>,
    /// Where it is linked: what it should show, what it was told, and how that stands.
    pub push: Option<PushView>,
}

/// How a listing's number stands.
pub struct PushView {
    pub desired: String,
    pub pushed: String,
    pub state: Badge,
    pub why: Option<String>,
}

impl PushView {
    pub fn new(push: &app::availability::ListingPush) -> Self {
        let number =
            |units: Option<domain::Quantity>| units.map_or_else(|| "–".to_owned(), |u| u.to_string());
        let why = push.detail.clone().or_else(|| push.reason.as_deref().map(reason));
        Self {
            desired: number(push.desired),
            pushed: number(push.pushed),
            state: push_state(push.state),
            why,
        }
    }
}

/// Listings that a number counts before it says that there are more: the page costs the same however many there are.
pub const LISTINGS_COUNTED_MAX: u32 = 999;

pub fn counted(counted: Counted) -> String {
    format!("{}{}", counted.count, if counted.complete { "" } else { "+" })
}

struct Tab {
    place: String,
    label: &'static str,
    count: String,
    on: bool,
}

#[derive(Template)]
#[template(path = "listings.html")]
struct ListingsPage {
    shell: Shell,
    tabs: Vec<Tab>,
    kinds: Vec<Tab>,
    connections: Vec<Choice>,
    states: Vec<Choice>,
    status: &'static str,
    found: String,
    pending: bool,
    linked: bool,
    dismissed: bool,
    q: String,
    rows: Vec<ListingRow>,
    pager: Pager,
}

pub async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<ListingQuery>,
) -> Result<Response, Fault> {
    let app = &console.app;
    let wanted: Option<PushState> = word(&query.push_state);
    let status = match wanted {
        Some(_) => ListingStatus::Linked,
        None => word(&query.status).unwrap_or(ListingStatus::Unconfirmed),
    };
    let found: Option<Match> = word(&query.found).filter(|_| status == ListingStatus::Unconfirmed);
    let filter = ListingFilter {
        status: Some(status),
        found,
        connection_id: query.connection.parse().ok(),
        item_id: None,
        q: Some(MatchKey::of(&query.q)).filter(|key| !key.as_str().is_empty()),
    };
    let count = |of: ListingStatus, kind: Option<Match>| {
        app.store.listing_count(visitor.id(), of, kind, LISTINGS_COUNTED_MAX)
    };
    let of_statuses = ListingStatus::ALL.map(|of| count(of, None));
    // Shown while they are looked at.
    let kinds: &[Match] = if status == ListingStatus::Unconfirmed { &Match::ALL } else { &[] };
    let of_kinds = kinds.iter().map(|kind| count(ListingStatus::Unconfirmed, Some(*kind)));
    let (of_statuses, of_kinds, connections, page) = futures_util::future::try_join4(
        futures_util::future::try_join_all(of_statuses),
        futures_util::future::try_join_all(of_kinds),
        app.store.connections(visitor.id()),
        app.store.listings(visitor.id(), &filter, &request(&query.cursor)),
    )
    .await?;
    let connections = Connections(connections);
    let mut rows = rows(&console, &visitor, &connections, page.data).await?;
    if let Some(wanted) = wanted {
        let label = push_state(wanted);
        rows.retain(|row| row.push.as_ref().is_some_and(|push| push.state == label));
    }
    let tab = |(of, count): (ListingStatus, Counted)| Tab {
        place: format!("/listings?status={}", of.as_str()),
        label: listing_status(of).label,
        count: counted(count),
        on: of == status,
    };
    let kind = |(kind, count): (Match, Counted)| Tab {
        place: format!("/listings?match={}", kind.as_str()),
        label: matched(kind).label,
        count: counted(count),
        on: found == Some(kind),
    };
    let state =
        |state: PushState, value: &str| Choice::new(value, push_state(state).label, wanted == Some(state));
    let asked = [
        ("status", query.status.as_str()),
        ("match", &query.found),
        ("connection", &query.connection),
        ("push_state", &query.push_state),
        ("q", &query.q),
    ];
    let view = ListingsPage {
        shell: Shell::new(&visitor, Section::Listings, ENGLISH.listings),
        tabs: ListingStatus::ALL.into_iter().zip(of_statuses).map(tab).collect(),
        kinds: kinds.iter().copied().zip(of_kinds).map(kind).collect(),
        connections: connections.choices(&query.connection),
        states: vec![
            state(PushState::InSync, "in_sync"),
            state(PushState::Pending, "pending"),
            state(PushState::Failed, "failed"),
            state(PushState::Disabled, "disabled"),
        ],
        status: status.as_str(),
        found: query.found.clone(),
        pending: matches!(status, ListingStatus::Unconfirmed | ListingStatus::Unlinked),
        linked: status == ListingStatus::Linked,
        dismissed: status == ListingStatus::Dismissed,
        rows,
        pager: Pager::new("/listings", &asked, &query.cursor, page.next_cursor.as_deref()),
        q: query.q,
    };
    render(&visitor, &view)
}

/// Of linked listings with how their numbers stand: one read for each item.
async fn rows(
    console: &Console,
    visitor: &Visitor,
    connections: &Connections,
    listings: Vec<Listing>,
) -> Result<Vec<ListingRow>, Fault> {
    let app = &console.app;
    let candidates = listings.iter().filter_map(|listing| listing.candidate_item_ids.first().cloned());
    let candidates = app.store.items_by_ids(visitor.id(), &candidates.collect()).await?;
    let mut pushes = BTreeMap::<ListingId, PushView>::new();
    let linked: std::collections::BTreeSet<ItemId> =
        listings.iter().filter_map(|listing| listing.item_id.clone()).collect();
    if !linked.is_empty() {
        let deciders = app.deciders(visitor.id()).await?;
        for item in linked {
            for push in app.listing_pushes(visitor.id(), &item, &deciders).await? {
                pushes.insert(push.listing_id.clone(), PushView::new(&push));
            }
        }
    }
    let row = |listing: Listing| ListingRow {
        push: pushes.remove(&listing.id),
        candidate: listing
            .candidate_item_ids
            .first()
            .and_then(|id| Some(candidates.get(id)?.name.as_str().to_owned())),
        id: listing.id.to_string(),
        title: listing.title.as_str().to_owned(),
        sku: listing.sku.as_ref().map(|sku| sku.as_str().to_owned()),
        connection: connections.name(&listing.connection_id),
        price: listing.price.map(money),
        quantity: listing.channel_quantity.map(domain::Quantity::get),
        found: matched(listing.found),
    };
    Ok(listings.into_iter().map(row).collect())
}

struct OutcomeRow {
    id: String,
    title: String,
    good: bool,
    said: String,
    item: Option<String>,
}

#[derive(Template)]
#[template(path = "listings_bulk.html")]
struct BulkPage {
    shell: Shell,
    done: usize,
    failed: usize,
    defaults: bool,
    back: String,
    rows: Vec<OutcomeRow>,
}

fn action_of(text: &str) -> Option<BulkAction> {
    Some(match text {
        "confirm" => BulkAction::Confirm,
        "link_matches" => BulkAction::LinkMatches,
        "dismiss" => BulkAction::Dismiss,
        "restore" => BulkAction::Restore,
        _ => return None,
    })
}

/// One action on all that were ticked, and what became of each.
pub async fn bulk(
    State(console): State<Console>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fault> {
    visitor.require(Scope::Write)?;
    let ids: Vec<ListingId> = fields.all("listing_id").filter_map(|id| id.parse().ok()).collect();
    let back = format!(
        "/listings?status={}",
        if fields.text("action") == "restore" { "dismissed" } else { "unconfirmed" }
    );
    let Some(action) = action_of(fields.text("action")).filter(|_| !ids.is_empty()) else {
        let nothing = app::AppError::invalid("invalid_field", "/listing_id", ENGLISH.nothing_ticked);
        return crate::visitor::done(Err::<String, _>(nothing), &back);
    };
    let outcomes = console.app.bulk_listings(visitor.id(), &visitor.actor(), action, &ids, None).await?;
    let listings = console.app.store.listings_by_ids(visitor.id(), &ids.into_iter().collect()).await?;
    let row = |outcome: app::bulk_listing::BulkOutcome| {
        let title = listings.get(&outcome.listing_id).map(|listing| listing.title.as_str().to_owned());
        let (good, said, item) = match outcome.result {
            Ok(item) => (true, ENGLISH.done.to_owned(), item.map(|item| item.to_string())),
            Err(error) => (false, sentence(&error.to_string()), None),
        };
        let id = outcome.listing_id.to_string();
        OutcomeRow { title: title.unwrap_or_else(|| id.clone()), id, good, said, item }
    };
    let rows: Vec<OutcomeRow> = outcomes.into_iter().map(row).collect();
    let done = rows.iter().filter(|row| row.good).count();
    let page = BulkPage {
        shell: Shell::new(&visitor, Section::Listings, ENGLISH.bulk_result),
        done,
        failed: rows.len() - done,
        defaults: action == BulkAction::Confirm && done > 0,
        back,
        rows,
    };
    render(&visitor, &page)
}
