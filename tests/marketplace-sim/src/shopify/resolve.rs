//! The roots: what can be asked of the shop, and what it can be told.

use std::cell::RefCell;

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::validation::Valid;
use jiff::Timestamp;
use serde_json::Value;

use super::fulfilment;
use super::nodes::{self, Node, Slot, connection, error, gid, key, leaf};
use super::notify::Subscription;
use super::search::Filter;
use super::set_quantities::{activate, set_quantities};
use super::state::{Order, State};

pub(super) struct Root<'a> {
    state: RefCell<&'a mut State>,
    mutation: bool,
    variables: &'a Valid<JsonMap>,
    now: Timestamp,
}

impl<'a> Root<'a> {
    pub fn new(state: &'a mut State, mutation: bool, variables: &'a Valid<JsonMap>, now: Timestamp) -> Self {
        Self { state: RefCell::new(state), mutation, variables, now }
    }
}

impl ObjectValue for Root<'_> {
    fn type_name(&self) -> &str {
        if self.mutation { "Mutation" } else { "QueryRoot" }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = Arguments(info.arguments());
        let state = &mut **self.state.borrow_mut();
        match info.field_name() {
            "shop" => Ok(ResolvedValue::object(shop(state))),
            "locations" => {
                let found = locations(state, arguments.flag("includeInactive"));
                connection("LocationConnection", found, arguments.first(), None).map(ResolvedValue::object)
            }
            "productVariants" => variants(state, arguments).map(ResolvedValue::object),
            "orders" => orders(state, arguments).map(ResolvedValue::object),
            "order" => Ok(ResolvedValue::nullable_object(node(
                state,
                arguments.text("id").unwrap_or_default(),
                "Order",
            ))),
            "refund" => Ok(ResolvedValue::nullable_object(node(
                state,
                arguments.text("id").unwrap_or_default(),
                "Refund",
            ))),
            "nodes" => {
                let found: Vec<Option<Node>> =
                    arguments.texts("ids").iter().map(|id| node(state, id, kind_of(id))).collect();
                Ok(ResolvedValue::list(found.into_iter().map(ResolvedValue::nullable_object)))
            }
            "fulfillmentOrder" => Ok(ResolvedValue::nullable_object(node(
                state,
                arguments.text("id").unwrap_or_default(),
                "FulfillmentOrder",
            ))),
            "fulfillment" => Ok(ResolvedValue::nullable_object(node(
                state,
                arguments.text("id").unwrap_or_default(),
                "Fulfillment",
            ))),
            "webhookSubscriptions" => subscriptions(state, arguments).map(ResolvedValue::object),
            "inventorySetQuantities" => {
                set_quantities(state, &arguments.value("input"), self.key(info)).map(ResolvedValue::object)
            }
            "inventoryActivate" => {
                let asked = serde_json::to_value(info.arguments()).unwrap_or_default();
                activate(state, &asked, self.key(info)).map(ResolvedValue::object)
            }
            "fulfillmentCreate" => {
                let done = state.create_fulfilment(&arguments.value("fulfillment"));
                if let Ok(id) = &done {
                    state.fulfilled(*id, self.now);
                }
                Ok(ResolvedValue::object(fulfilment::created(done)))
            }
            "webhookSubscriptionCreate" => Ok(ResolvedValue::object(subscribe(state, arguments))),
            _ => Err(self.unknown_field_error(info)),
        }
    }
}

impl<'a> Root<'a> {
    /// The key of the field's `@idempotent` directive.
    fn key<'b>(&'b self, info: &'b ResolveInfo<'_>) -> Option<&'b str> {
        let directive = info.field_selections().first()?.directives.get("idempotent")?;
        let given = directive.specified_argument_by_name("key")?;
        match given.as_variable() {
            Some(variable) => self.variables.get(variable.as_str()).and_then(JsonValue::as_str),
            None => given.as_str(),
        }
    }
}

#[derive(Clone, Copy)]
struct Arguments<'a>(&'a JsonMap);

impl<'a> Arguments<'a> {
    fn first(self) -> Option<u64> {
        self.0.get("first").and_then(JsonValue::as_u64)
    }

    fn text(self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(JsonValue::as_str)
    }

    fn flag(self, name: &str) -> bool {
        self.0.get(name).and_then(JsonValue::as_bool).unwrap_or(false)
    }

    /// Nothing is turned round in silence.
    fn forward_only(self) -> Result<(), FieldError> {
        if self.flag("reverse") || self.0.contains_key("last") || self.0.contains_key("before") {
            return Err(error("BAD_REQUEST", "this shop is simulated from its first record on only"));
        }
        Ok(())
    }

    fn texts(self, name: &str) -> Vec<&'a str> {
        self.0
            .get(name)
            .and_then(JsonValue::as_array)
            .into_iter()
            .flatten()
            .filter_map(JsonValue::as_str)
            .collect()
    }

    fn value(self, name: &str) -> Value {
        self.0.get(name).and_then(|value| serde_json::to_value(value).ok()).unwrap_or_default()
    }
}

fn shop(state: &State) -> Node {
    let fields = vec![
        ("name", leaf("Simulated shop")),
        ("currencyCode", leaf(state.currency.clone())),
        ("ianaTimezone", leaf("America/New_York")),
    ];
    Node::new("Shop", fields)
}

/// Without those that are closed, as Shopify lists them unless it is asked for them.
fn locations(state: &State, closed_too: bool) -> Vec<(String, Node)> {
    let found = state.locations.iter().filter(|(_, location)| location.active || closed_too);
    found
        .map(|(id, location)| {
            let fields = vec![
                ("id", leaf(gid("Location", *id))),
                ("name", leaf(location.name.clone())),
                ("isActive", leaf(location.active)),
                ("isFulfillmentService", leaf(location.service)),
                ("fulfillsOnlineOrders", leaf(true)),
                ("shipsInventory", leaf(true)),
            ];
            (key(0, *id), Node::new("Location", fields))
        })
        .collect()
}

fn variants(state: &State, arguments: Arguments<'_>) -> Result<Node, FieldError> {
    arguments.forward_only()?;
    let filter = Filter::parse(arguments.text("query"))?;
    let found = state.variants.iter().filter(|(id, variant)| filter.admits(**id, variant.updated_at));
    let found = found.map(|(id, variant)| (key(0, *id), nodes::variant(state, *id, variant))).collect();
    connection("ProductVariantConnection", found, arguments.first(), arguments.text("after"))
}

fn orders(state: &State, arguments: Arguments<'_>) -> Result<Node, FieldError> {
    arguments.forward_only()?;
    let at: fn(&Order) -> i64 = match arguments.text("sortKey") {
        Some("UPDATED_AT") => |order| order.updated_at.as_second(),
        Some("PROCESSED_AT" | "CREATED_AT") => |order| order.created_at.as_second(),
        Some("ID") => |_| 0,
        _ => return Err(error("BAD_REQUEST", "this shop does not sort orders by that")),
    };
    let filter = Filter::parse(arguments.text("query"))?;
    let found = state.orders.iter().filter(|(id, order)| filter.admits(**id, order.updated_at));
    let mut found: Vec<(String, Node)> =
        found.map(|(id, order)| (key(at(order), *id), nodes::order(state, *id, order))).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    connection("OrderConnection", found, arguments.first(), arguments.text("after"))
}

fn kind_of(id: &str) -> &str {
    id.rsplit('/').nth(1).unwrap_or_default()
}

fn node(state: &mut State, id: &str, kind: &str) -> Option<Node> {
    let number: u64 = id.strip_prefix(&format!("gid://shopify/{kind}/"))?.parse().ok()?;
    match kind {
        "Order" => {
            let order = state.orders.get(&number)?;
            Some(nodes::order(state, number, order))
        }
        "Refund" => state.orders.values().find_map(|order| {
            let refund = order.refunds.iter().find(|refund| refund.id == number)?;
            Some(nodes::refund(order, refund))
        }),
        "FulfillmentOrder" => {
            let order = state.orders.values().find(|order| order.fulfilment_order == number)?;
            fulfilment::fulfilment_orders(order).pop().map(|(_, node)| node)
        }
        "Fulfillment" => state.orders.values().find_map(|order| {
            let entry = order.fulfilments.iter().find(|entry| entry.id == number)?;
            Some(fulfilment::fulfilment(order, entry))
        }),
        "InventoryItem" => state.variant_of_item(number).map(|variant| nodes::item(variant)),
        _ => None,
    }
}

fn subscriptions(state: &State, arguments: Arguments<'_>) -> Result<Node, FieldError> {
    let topics = arguments.texts("topics");
    let uri = arguments.text("uri");
    let found = state.subscriptions.iter().filter(|subscription| {
        (topics.is_empty() || topics.contains(&subscription.topic.as_str()))
            && uri.is_none_or(|uri| uri == subscription.uri)
    });
    let found = found.map(|subscription| {
        let fields =
            vec![("topic", leaf(subscription.topic.clone())), ("uri", leaf(subscription.uri.clone()))];
        (key(0, subscription.id), Node::new("WebhookSubscription", fields))
    });
    connection("WebhookSubscriptionConnection", found.collect(), arguments.first(), arguments.text("after"))
}

fn subscribe(state: &mut State, arguments: Arguments<'_>) -> Node {
    let input = arguments.value("webhookSubscription");
    let topic = arguments.text("topic").unwrap_or_default().to_owned();
    let uri = input["uri"].as_str().unwrap_or_default().to_owned();
    let taken = state.subscriptions.iter().any(|other| other.topic == topic && other.uri == uri);
    let message = match uri.split_once("://") {
        _ if taken => Some("Address for this topic has already been taken"),
        None => Some("Address is invalid"),
        Some(_) => None,
    };
    if let Some(message) = message {
        let path = serde_json::json!(["webhookSubscription", "callbackUrl"]);
        let errors = vec![nodes::user_error("UserError", "", path, message)];
        let fields = vec![("webhookSubscription", leaf(Value::Null)), ("userErrors", Slot::Many(errors))];
        return Node::new("WebhookSubscriptionCreatePayload", fields);
    }
    let include_fields = input["includeFields"].as_array().into_iter().flatten();
    let include_fields = include_fields.filter_map(|name| name.as_str().map(str::to_owned)).collect();
    let id = state.id();
    state.subscriptions.push(Subscription { id, topic, uri, include_fields });
    let created = Node::new("WebhookSubscription", vec![("id", leaf(gid("WebhookSubscription", id)))]);
    let fields = vec![("webhookSubscription", Slot::One(created)), ("userErrors", Slot::Many(Vec::new()))];
    Node::new("WebhookSubscriptionCreatePayload", fields)
}
