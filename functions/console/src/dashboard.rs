//! `/`: what needs a person first, how the shops stand, and how much was sold.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::connection::ConnectionStatus;
use domain::drift::Action;
use domain::listing::ListingStatus;
use domain::push::PushState;
use domain::sync::SyncState;
use domain::{ConnectionId, ItemId, Timestamp};
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use store::PageRequest;
use store::listing::ListingFilter;
use store::order::{Order, OrderFilter};
use store::sync::{Sync, SyncFilter};

use crate::Console;
use crate::chart::Bars;
use crate::connection::ConnectionRow;
use crate::fault::Fault;
use crate::page::{Badge, Moment, Section, Shell, part, render};
use crate::text::{ENGLISH, sync_kind, sync_state};
use crate::visitor::Visitor;

/// Days of the charts.
const DAYS: i64 = 28;
/// Orders that the charts are drawn from at most: one page of the newest.
const ORDERS_MAX: u32 = 200;
/// Syncs that are looked at for the last of each shop.
const SYNCS_MAX: u32 = 50;
/// Linked listings of the look at those behind.
const LOOKED_AT: u32 = 50;

struct Task {
    count: String,
    label: &'static str,
    place: String,
    urgent: bool,
}

struct ShopRow {
    row: ConnectionRow,
    last: Option<(Badge, &'static str, Moment)>,
}

#[derive(Template)]
#[template(path = "dashboard.html")]
struct DashboardPage {
    shell: Shell,
    tasks: Vec<Task>,
    shops: Vec<ShopRow>,
    orders: Bars,
    units: Bars,
    cut: bool,
    linked: u64,
}

/// One page of the newest orders, by day of the organization's zone.
fn by_day(orders: &[Order], visitor: &Visitor) -> (Bars, Bars) {
    let today = visitor.now.to_zoned(visitor.zone.clone()).date();
    let mut days = BTreeMap::<Date, (u64, u64)>::new();
    for back in 0..DAYS {
        if let Ok(day) = today.checked_sub(Span::new().days(back)) {
            days.insert(day, (0, 0));
        }
    }
    for order in orders {
        let day = order.placed_at.to_zoned(visitor.zone.clone()).date();
        if let Some((count, units)) = days.get_mut(&day) {
            *count += 1;
            *units += order.lines.iter().map(|line| u64::from(line.quantity.get())).sum::<u64>();
        }
    }
    let name = |day: &Date| day.strftime("%-d %b").to_string();
    let orders = days.iter().map(|(day, (count, _))| (name(day), *count)).collect();
    let units = days.iter().map(|(day, (_, units))| (name(day), *units)).collect();
    (Bars { label: ENGLISH.orders, days: orders }, Bars { label: ENGLISH.units_sold, days: units })
}

fn last_of(
    syncs: &[Sync],
    connection: &ConnectionId,
    visitor: &Visitor,
) -> Option<(Badge, &'static str, Moment)> {
    let last = syncs.iter().find(|sync| sync.connection_id == *connection)?;
    Some((sync_state(last.state), sync_kind(last.kind), visitor.at(last.queued_at)))
}

pub async fn show(State(console): State<Console>, visitor: Visitor) -> Result<Response, Fault> {
    let (store, organization) = (&console.app.store, visitor.id());
    let page = |limit| PageRequest { limit, cursor: None };
    let frozen = OrderFilter { frozen: Some(true), ..OrderFilter::default() };
    let every = SyncFilter { now: Some(visitor.now), ..SyncFilter::default() };
    let (all_orders, fifty, syncs_page) = (OrderFilter::default(), page(LOOKED_AT), page(SYNCS_MAX));
    let newest = page(ORDERS_MAX);
    let (counts, connections, frozen, orders, syncs) = futures_util::future::try_join5(
        store.listing_counts(organization),
        store.connections(organization),
        store.orders(organization, &frozen, &fifty),
        store.orders(organization, &all_orders, &newest),
        store.syncs(organization, &every, &syncs_page),
    )
    .await?;
    let drifts = store.drifts(organization, None, visitor.now, &fifty).await?;
    let count =
        |status| -> u64 { counts.iter().filter(|((of, _), _)| *of == status).map(|(_, count)| *count).sum() };
    let unconfirmed = count(ListingStatus::Unconfirmed);
    let more = |count: usize, next: bool| if next { format!("{count}+") } else { count.to_string() };
    let mut tasks = Vec::new();
    if !frozen.data.is_empty() {
        tasks.push(Task {
            count: more(frozen.data.len(), frozen.next_cursor.is_some()),
            label: ENGLISH.frozen_orders,
            place: "/orders?frozen=1".to_owned(),
            urgent: true,
        });
    }
    for connection in connections.iter().filter(|c| c.status == ConnectionStatus::NeedsAuthorization) {
        tasks.push(Task {
            count: "!".to_owned(),
            label: ENGLISH.authorization_needed,
            place: format!("/connections/{}", connection.id),
            urgent: true,
        });
    }
    for sync in syncs.data.iter().filter(|sync| sync.state == SyncState::Held) {
        tasks.push(Task {
            count: sync.held.map_or_else(String::new, |held| held.to_zero.to_string()),
            label: ENGLISH.run_held,
            place: format!("/connections/{}/history/{}", sync.connection_id, sync.id),
            urgent: true,
        });
    }
    for drift in drifts.data.iter().filter(|drift| drift.action != Action::Overwritten).take(3) {
        tasks.push(Task {
            count: drift.observed.to_string(),
            label: ENGLISH.edited_on_channel,
            place: format!("/listings/{}", drift.listing_id),
            urgent: false,
        });
    }
    if unconfirmed > 0 {
        tasks.push(Task {
            count: unconfirmed.to_string(),
            label: ENGLISH.unconfirmed_items,
            place: "/listings".to_owned(),
            urgent: false,
        });
    }
    let (orders_chart, units) = by_day(&orders.data, &visitor);
    let shop = |connection| ShopRow {
        last: last_of(&syncs.data, &connection_id(connection), &visitor),
        row: ConnectionRow::new(connection, &visitor),
    };
    let view = DashboardPage {
        shell: Shell::new(&visitor, Section::Dashboard, ENGLISH.dashboard),
        tasks,
        shops: connections.iter().map(shop).collect(),
        orders: orders_chart,
        units,
        cut: is_cut(&orders.data, orders.next_cursor.is_some(), visitor.now),
        linked: count(ListingStatus::Linked),
    };
    render(&visitor, &view)
}

fn connection_id(connection: &store::connection::Connection) -> ConnectionId {
    connection.id.clone()
}

/// Whether older orders of these weeks are not in the charts.
fn is_cut(orders: &[Order], more: bool, now: Timestamp) -> bool {
    let begin = now.checked_sub((DAYS * 24).hours()).unwrap_or(now);
    more && orders.last().is_some_and(|order| order.placed_at > begin)
}

#[derive(Template)]
#[template(path = "behind.html")]
struct BehindPart {
    shell: Shell,
    looked_at: usize,
    more: bool,
    pending: usize,
    failed: usize,
    oldest: Option<String>,
}

/// How many linked listings are not in sync, and since when: of the first ones, since each item is a read.
pub async fn behind(State(console): State<Console>, visitor: Visitor) -> Result<Response, Fault> {
    let app = &console.app;
    let filter = ListingFilter { status: Some(ListingStatus::Linked), ..ListingFilter::default() };
    let page = PageRequest { limit: LOOKED_AT, cursor: None };
    let listings = app.store.listings(visitor.id(), &filter, &page).await?;
    let deciders = app.deciders(visitor.id()).await?;
    let items: std::collections::BTreeSet<ItemId> =
        listings.data.iter().filter_map(|listing| listing.item_id.clone()).collect();
    let (mut pending, mut failed, mut oldest) = (0, 0, None::<Timestamp>);
    for item in items {
        for push in app.listing_pushes(visitor.id(), &item, &deciders).await? {
            match push.state {
                PushState::Pending => pending += 1,
                PushState::Failed => failed += 1,
                PushState::InSync | PushState::Disabled => continue,
            }
            oldest = oldest.into_iter().chain(push.since).min();
        }
    }
    part(&BehindPart {
        shell: Shell::new(&visitor, Section::Dashboard, ENGLISH.dashboard),
        looked_at: listings.data.len(),
        more: listings.next_cursor.is_some(),
        pending,
        failed,
        oldest: oldest.map(|at| visitor.age(at)),
    })
}
