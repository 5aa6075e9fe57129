//! `/orders`: the list.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use domain::order::OrderState;
use domain::{ChannelKind, ConnectionId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde::de::value::StrDeserializer;
use store::order::{Order, OrderFilter, Origin};

use crate::Console;
use crate::fault::Fault;
use crate::names::Connections;
use crate::page::{Badge, Choice, Moment, Pager, Section, Shell, money, render, request};
use crate::text::{ENGLISH, order_state};
use crate::visitor::Visitor;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct OrderQuery {
    channel: String,
    state: String,
    frozen: String,
    q: String,
    cursor: String,
}

/// As in the choice of states.
const STATES: [OrderState; 7] = [
    OrderState::Pending,
    OrderState::Confirmed,
    OrderState::Packed,
    OrderState::Shipped,
    OrderState::Delivered,
    OrderState::Fulfilled,
    OrderState::Void,
];
/// The choice beside the channels.
const MANUAL: &str = "manual";

pub struct OrderRow {
    pub id: String,
    pub number: String,
    pub source: String,
    pub placed: Moment,
    pub state: Badge,
    pub frozen: bool,
    pub units: i64,
    pub total: Option<String>,
}

impl OrderRow {
    pub fn new(order: &Order, visitor: &Visitor, connections: &Connections) -> Self {
        Self {
            id: order.id.to_string(),
            number: order.number.clone(),
            source: source_of(order, connections),
            placed: visitor.at(order.placed_at),
            state: order_state(order.state),
            frozen: order.frozen,
            units: order.lines.iter().map(|line| line.quantity.units()).sum(),
            total: order.total.map(money),
        }
    }
}

/// Where it was bought.
pub fn source_of(order: &Order, connections: &Connections) -> String {
    match &order.origin {
        Origin::Manual => ENGLISH.manual.to_owned(),
        Origin::Channel { connection_id, .. } => connections.name(connection_id),
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct OrdersPage {
    shell: Shell,
    rows: Vec<OrderRow>,
    channels: Vec<Choice>,
    states: Vec<Choice>,
    frozen: bool,
    q: String,
    filtered: bool,
    pager: Pager,
}

/// A word of the table's, such as a state; `None` for another.
pub fn word<T: DeserializeOwned>(text: &str) -> Option<T> {
    T::deserialize(StrDeserializer::<serde::de::value::Error>::new(text)).ok()
}

pub async fn list(
    State(console): State<Console>,
    visitor: Visitor,
    Query(query): Query<OrderQuery>,
) -> Result<Response, Fault> {
    let connections = Connections::of(&console.app, visitor.id()).await?;
    let of_channel: Option<BTreeSet<ConnectionId>> =
        query.channel.parse::<ChannelKind>().ok().map(|kind| connections.of_channel(kind));
    let frozen = !query.frozen.is_empty();
    let filter = OrderFilter {
        connection_ids: of_channel,
        manual: (query.channel == MANUAL).then_some(true),
        state: word(&query.state),
        frozen: frozen.then_some(true),
        q: Some(query.q.trim().to_lowercase()).filter(|q| !q.is_empty()),
        ..OrderFilter::default()
    };
    let found = console.app.store.orders(visitor.id(), &filter, &request(&query.cursor)).await?;
    let mut channels = connections.channels(&query.channel);
    channels.push(Choice::new(MANUAL, ENGLISH.manual, query.channel == MANUAL));
    let state = |state: OrderState| {
        Choice::new(state.as_str(), order_state(state).label, query.state == state.as_str())
    };
    let asked = [
        ("channel", query.channel.as_str()),
        ("state", &query.state),
        ("frozen", &query.frozen),
        ("q", &query.q),
    ];
    let page = OrdersPage {
        shell: Shell::new(&visitor, Section::Orders, ENGLISH.orders),
        rows: found.data.iter().map(|order| OrderRow::new(order, &visitor, &connections)).collect(),
        channels,
        states: STATES.into_iter().map(state).collect(),
        frozen,
        filtered: asked.iter().any(|(_, value)| !value.is_empty()),
        pager: Pager::new("/orders", &asked, &query.cursor, found.next_cursor.as_deref()),
        q: query.q,
    };
    render(&visitor, &page)
}
