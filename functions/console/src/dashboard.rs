//! `/`: what needs a person first, how the shops stand, and how much was sold.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use domain::connection::ConnectionStatus;
use domain::drift::Action;
use domain::listing::ListingStatus;
use domain::sync::SyncState;
use domain::{ConnectionId, Timestamp};
use jiff::Span;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use store::PageRequest;
use store::order::OrderFilter;
use store::sync::{Sync, SyncFilter};

use crate::Console;
use crate::chart::Bars;
use crate::connection::ConnectionRow;
use crate::fault::Fault;
use crate::listing::{LISTINGS_COUNTED_MAX, counted};
use crate::page::{Badge, Moment, Section, Shell, render};
use crate::text::{ENGLISH, sync_kind, sync_state};
use crate::visitor::Visitor;

/// Days of the charts.
const DAYS: i64 = 28;
/// Syncs that are looked at for the last of each shop.
const SYNCS_MAX: u32 = 50;
/// Rows that a task counts before it says that there are more.
const COUNTED_MAX: u32 = 50;

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
    behind: String,
    oldest: Option<String>,
}

/// What was sold since the first day of the charts, by day of the organization's zone.
struct Sold {
    days: BTreeMap<Date, (u64, u64)>,
    from: Timestamp,
}

impl Sold {
    fn nothing(visitor: &Visitor) -> Self {
        let today = visitor.now.to_zoned(visitor.zone.clone()).date();
        let days: BTreeMap<Date, (u64, u64)> = (0..DAYS)
            .filter_map(|back| Some((today.checked_sub(Span::new().days(back)).ok()?, (0, 0))))
            .collect();
        let first = days.first_key_value().map_or(today, |(first, _)| *first);
        let from = visitor.zone.to_timestamp(first.into()).unwrap_or(visitor.now);
        Self { days, from }
    }

    fn add(&mut self, placed_at: Timestamp, units: u64, zone: &TimeZone) {
        let day = placed_at.to_zoned(zone.clone()).date();
        if let Some((orders, sold)) = self.days.get_mut(&day) {
            *orders += 1;
            *sold += units;
        }
    }

    fn charts(&self) -> (Bars, Bars) {
        let name = |day: &Date| day.strftime("%-d %b").to_string();
        let orders = self.days.iter().map(|(day, (count, _))| (name(day), *count)).collect();
        let units = self.days.iter().map(|(day, (_, units))| (name(day), *units)).collect();
        (Bars { label: ENGLISH.orders, days: orders }, Bars { label: ENGLISH.units_sold, days: units })
    }
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
    let (fifty, syncs_page) = (page(COUNTED_MAX), page(SYNCS_MAX));
    let mut sold = Sold::nothing(&visitor);
    let from = sold.from;
    let sales = store.for_each_sale(organization, from, |at, units| sold.add(at, units, &visitor.zone));
    let behind = console.app.listings_behind(organization).await?;
    let (unconfirmed, connections, frozen, complete, syncs) = futures_util::future::try_join5(
        store.listing_count(organization, ListingStatus::Unconfirmed, None, LISTINGS_COUNTED_MAX),
        store.connections(organization),
        store.orders(organization, &frozen, &fifty),
        sales,
        store.syncs(organization, &every, &syncs_page),
    )
    .await?;
    let drifts = store.drifts(organization, None, visitor.now, &fifty).await?;
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
    if unconfirmed.count > 0 {
        tasks.push(Task {
            count: counted(unconfirmed),
            label: ENGLISH.unconfirmed_items,
            place: "/listings".to_owned(),
            urgent: false,
        });
    }
    let (orders, units) = sold.charts();
    let shop = |connection| ShopRow {
        last: last_of(&syncs.data, &connection_id(connection), &visitor),
        row: ConnectionRow::new(connection, &visitor),
    };
    let view = DashboardPage {
        shell: Shell::new(&visitor, Section::Dashboard, ENGLISH.dashboard),
        tasks,
        shops: connections.iter().map(shop).collect(),
        orders,
        units,
        cut: !complete,
        behind: format!("{}{}", behind.count, if behind.complete { "" } else { "+" }),
        oldest: behind.oldest.map(|at| visitor.age(at)),
    };
    render(&visitor, &view)
}

fn connection_id(connection: &store::connection::Connection) -> ConnectionId {
    connection.id.clone()
}
