//! A sales order as the API shows it.

use std::collections::{BTreeMap, BTreeSet};

use app::{AppError, contact};
use domain::order::{OrderState, PaymentStatus};
use domain::{
    ChannelKind, ConnectionId, ContactId, ItemId, ListingId, LocationId, Money, OrderId, Timestamp,
};
use serde::Serialize;
use store::order::{Order, OrderLine, Origin};
use utoipa::ToSchema;

use crate::Api;
use crate::auth::Caller;
use crate::value::MoneyBody;

/// A sales order. Who bought is not in it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderBody {
    #[schema(value_type = String)]
    id: OrderId,
    number: String,
    #[schema(pattern = "^(marketplace|manual)$")]
    source: &'static str,
    /// `null` for an order of no channel.
    #[schema(value_type = Option<String>)]
    connection_id: Option<ConnectionId>,
    /// The channel's own id of it.
    external_id: Option<String>,
    #[schema(value_type = String, pattern = "^(pending|confirmed|packed|shipped|delivered|fulfilled|void)$")]
    state: OrderState,
    /// It holds lines that no item is known for.
    frozen: bool,
    warnings: Vec<OrderWarning>,
    /// What can be changed: everything of an open manual order, the location of another's.
    editable: bool,
    lines: Vec<LineBody>,
    totals: TotalsBody,
    payment: PaymentBody,
    #[schema(value_type = String)]
    location_id: LocationId,
    contact: ContactRef,
    /// The payment's, then people's, oldest first.
    comments: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    imported_at: Timestamp,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct OrderWarning {
    /// Stable, snake_case.
    code: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    line_ids: Vec<String>,
    /// What can be done about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    actions: Vec<ActionBody>,
}

/// A call that helps.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
pub struct ActionBody {
    #[schema(pattern = "^(confirm|link)$")]
    action: &'static str,
    method: &'static str,
    /// With `{line_id}` where it is of one line.
    path: String,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderLine)]
pub struct LineBody {
    id: String,
    #[schema(value_type = Option<String>)]
    listing_id: Option<ListingId>,
    #[schema(value_type = Option<String>)]
    item_id: Option<ItemId>,
    sku: Option<String>,
    title: String,
    quantity: u32,
    unit_price: Option<MoneyBody>,
    tax: Option<MoneyBody>,
    invoiced_quantity: u32,
    packed_quantity: u32,
    /// Here or elsewhere, by the channel's word.
    shipped_quantity: u32,
    returned_quantity: u32,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderTotals)]
pub struct TotalsBody {
    /// Of the lines without tax, where all say their price.
    subtotal: Option<MoneyBody>,
    /// Of the lines, where all say theirs.
    tax: Option<MoneyBody>,
    total: Option<MoneyBody>,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub struct PaymentBody {
    #[schema(value_type = String, pattern = "^(pending|paid|part_refunded|refunded|voided)$")]
    status: PaymentStatus,
    comment: &'static str,
}

/// Who bought, under the default name of where it was; the true one is concealed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OrderContact)]
pub struct ContactRef {
    #[schema(value_type = Option<String>)]
    id: Option<ContactId>,
    display_name: String,
}

fn comment(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Pending => "Payment pending",
        PaymentStatus::Paid => "Paid",
        PaymentStatus::PartRefunded => "Refunded in part",
        PaymentStatus::Refunded => "Refunded",
        PaymentStatus::Voided => "Voided",
    }
}

fn warnings(order: &Order) -> Vec<OrderWarning> {
    let mut warnings = Vec::new();
    if order.frozen {
        let open = order.lines.iter().filter(|line| line.item_id.is_none() && line.quantity.get() > 0);
        let id = &order.id;
        let action = |action, path| ActionBody { action, method: "POST", path };
        warnings.push(OrderWarning {
            code: "unconfirmed_lines",
            detail: "lines are of listings that have no item: confirm them, or link each to an item"
                .to_owned(),
            line_ids: open.map(|line| line.id.clone()).collect(),
            actions: vec![
                action("confirm", format!("/v1/orders/{id}/confirm-lines")),
                action("link", format!("/v1/orders/{id}/lines/{{line_id}}/link")),
            ],
        });
    }
    if let Some(state) = &order.unknown_state {
        warnings.push(OrderWarning {
            code: "unknown_channel_state",
            detail: format!("the channel says «{state}», which is not known; the order counts as pending"),
            line_ids: Vec::new(),
            actions: Vec::new(),
        });
    }
    warnings
}

fn line(order: &Order, line: &OrderLine) -> LineBody {
    let money = |minor: Option<i64>| minor.map(|minor| Money { minor, currency: order.currency }.into());
    LineBody {
        id: line.id.clone(),
        listing_id: order.listing_of(line),
        item_id: line.item_id.clone(),
        sku: line.sku.clone(),
        title: line.title.clone(),
        quantity: line.quantity.get(),
        unit_price: money(line.unit_price_minor),
        tax: money(line.tax_minor),
        invoiced_quantity: line.done.invoiced.get(),
        packed_quantity: line.done.packed.get(),
        shipped_quantity: line.stand().shipped().get(),
        returned_quantity: line.done.returned.get(),
    }
}

fn totals(order: &Order) -> TotalsBody {
    let money = |minor: i64| MoneyBody::from(Money { minor, currency: order.currency });
    let of_line = |line: &OrderLine| line.unit_price_minor?.checked_mul(line.quantity.units());
    let subtotal: Option<i64> =
        order.lines.iter().map(of_line).try_fold(0_i64, |sum, line| sum.checked_add(line?));
    let tax: Option<i64> = order.lines.iter().try_fold(0_i64, |sum, line| sum.checked_add(line.tax_minor?));
    TotalsBody { subtotal: subtotal.map(money), tax: tax.map(money), total: order.total.map(MoneyBody::from) }
}

/// What buyers are called, by the connection of their order.
pub struct Names(BTreeMap<ConnectionId, (ChannelKind, String)>);

impl Names {
    pub async fn of(api: &Api, caller: &Caller) -> Result<Self, AppError> {
        let connections = api.app.store.connections(&caller.organization_id).await?;
        let named = connections.into_iter().map(|connection| {
            let name = channels::adapter(connection.channel).customer_name(&connection.marketplace);
            (connection.id, (connection.channel, name))
        });
        Ok(Self(named.collect()))
    }

    /// The connections to the channel.
    pub fn of_channel(&self, channel: ChannelKind) -> BTreeSet<ConnectionId> {
        self.0.iter().filter(|(_, (kind, _))| *kind == channel).map(|(id, _)| id.clone()).collect()
    }

    fn buyer_of(&self, order: &Order) -> &str {
        match order.connection_id() {
            None => contact::MANUAL_NAME,
            Some(connection) => self.0.get(connection).map_or(contact::UNKNOWN_NAME, |(_, name)| name),
        }
    }
}

impl OrderBody {
    /// Says something of what was just done.
    pub fn warn(&mut self, code: &'static str, detail: &str) {
        let (line_ids, actions) = (Vec::new(), Vec::new());
        self.warnings.push(OrderWarning { code, detail: detail.to_owned(), line_ids, actions });
    }

    pub fn new(order: &Order, names: &Names) -> Self {
        let manual = order.origin == Origin::Manual;
        let payment = comment(order.payment);
        let noted = order.comments.iter().map(|comment| comment.text.clone());
        Self {
            id: order.id.clone(),
            number: order.number.clone(),
            source: if manual { "manual" } else { "marketplace" },
            connection_id: order.connection_id().cloned(),
            external_id: order.external_id().map(str::to_owned),
            state: order.state,
            frozen: order.frozen,
            warnings: warnings(order),
            editable: app::manual_order::is_editable(order),
            lines: order.lines.iter().map(|one| line(order, one)).collect(),
            totals: totals(order),
            payment: PaymentBody { status: order.payment, comment: payment },
            location_id: order.location_id.clone(),
            contact: ContactRef {
                id: order.contact_id.clone(),
                display_name: names.buyer_of(order).to_owned(),
            },
            comments: std::iter::once(payment.to_owned()).chain(noted).collect(),
            placed_at: order.placed_at,
            imported_at: order.imported_at,
        }
    }
}
