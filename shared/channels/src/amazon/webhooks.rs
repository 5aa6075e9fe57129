//! Notifications: to a queue of ours, whose policy lets Amazon alone write to it.
//!
//! One destination is the application's, for all its sellers; each seller's subscription names it.

use http::StatusCode;
use serde_json::{Value, json};

use super::auth::application_token;
use super::wire::{Destination, Payload, QueuedNotification, Subscription};
use super::{Call, Operation, parse};
use crate::{
    ACCOUNT, ChannelError, Hint, Limit, Notification, Shop, ShopFacts, WebhookRefused, WebhookUpkeep,
};

/// The queue that Amazon notifies: an application key. Without it there are no notifications, and orders come by polling.
pub(super) const QUEUE_ARN: &str = "notification_queue_arn";

/// Amazon sends it to queues only; new listings and their changes it tells event buses alone.
const SUBSCRIBED: &str = "ORDER_CHANGE";

/// For the calls that concern the application and no seller [M].
const SCOPE: &str = "sellingpartnerapi::notifications";

const fn limit(name: &'static str) -> Limit {
    Limit { name, burst: 5, rate_micro: 1_000_000 }
}

pub(super) static SUBSCRIPTION: Operation =
    Operation { name: "look at the subscription to notifications", limit: limit("getSubscription") };
pub(super) static SUBSCRIBE: Operation =
    Operation { name: "subscribe to notifications", limit: limit("createSubscription") };
pub(super) static DESTINATIONS: Operation =
    Operation { name: "list the destinations of notifications", limit: limit("getDestinations") };
pub(super) static CREATE_DESTINATION: Operation =
    Operation { name: "name the destination of notifications", limit: limit("createDestination") };

pub(super) async fn ensure(shop: &Shop<'_>) -> Result<WebhookUpkeep, ChannelError> {
    let Some(arn) = shop.credentials.get(QUEUE_ARN) else { return Ok(WebhookUpkeep::default()) };
    let path = ["notifications", "v1", "subscriptions", SUBSCRIBED];
    let there = SUBSCRIPTION.call_if_any(shop, Call::get(&path)).await?;
    let there = match &there {
        Some(body) => Some(parse::<Payload<Subscription>>(SUBSCRIPTION.name, body)?.payload),
        None => None,
    };
    let destination = destination(shop, arn).await?;
    if there.is_some_and(|there| there.destination_id == destination) {
        return Ok(WebhookUpkeep::default());
    }
    let body = json!({ "payloadVersion": "1.0", "destinationId": destination });
    let response = SUBSCRIBE.send(shop, Call::post(&path, body)).await?;
    // Another worker was faster; or the seller is subscribed to another queue, which only its owner can end.
    if response.status() == StatusCode::CONFLICT {
        return Ok(WebhookUpkeep::default());
    }
    SUBSCRIBE.success(shop, response)?;
    Ok(WebhookUpkeep { restored: 1 })
}

/// The id of the destination that is our queue.
async fn destination(shop: &Shop<'_>, arn: &str) -> Result<String, ChannelError> {
    let token = application_token(shop, DESTINATIONS.name, SCOPE).await?;
    let path = ["notifications", "v1", "destinations"];
    let mut call = Call::get(&path);
    call.token = Some(&token);
    let body = DESTINATIONS.call(shop, call).await?;
    let Payload { payload: all } = parse::<Payload<Vec<Destination>>>(DESTINATIONS.name, &body)?;
    let is_ours = |one: &&Destination| one.resource.sqs.as_ref().is_some_and(|queue| queue.arn == arn);
    if let Some(ours) = all.iter().find(is_ours) {
        return Ok(ours.destination_id.clone());
    }
    let body = json!({ "name": "masterstock", "resourceSpecification": { "sqs": { "arn": arn } } });
    let mut call = Call::post(&path, body);
    call.token = Some(&token);
    let body = CREATE_DESTINATION.call(shop, call).await?;
    Ok(parse::<Payload<Destination>>(CREATE_DESTINATION.name, &body)?.payload.destination_id)
}

/// As SQS or EventBridge delivers it: the latter wraps it as the `detail` of an event.
pub(super) fn read_queued(body: &[u8]) -> Result<Notification, WebhookRefused> {
    let mut value: Value = serde_json::from_slice(body).map_err(|_| WebhookRefused::Unreadable)?;
    if let Some(detail) = value.get_mut("detail").map(Value::take) {
        value = detail;
    }
    let told: QueuedNotification = serde_json::from_value(value).map_err(|_| WebhookRefused::Unreadable)?;
    let id = told.metadata.get("NotificationId").or_else(|| told.metadata.get("notificationId"));
    let delivery_id = id.and_then(Value::as_str).map(str::to_owned);
    let text = |pointer: &str| told.payload.pointer(pointer).and_then(Value::as_str);
    let hint = match told.kind.as_str() {
        SUBSCRIBED => {
            let order = text("/OrderChangeNotification/AmazonOrderId").filter(|id| !id.is_empty());
            Hint::Orders(vec![order.ok_or(WebhookRefused::Unreadable)?.to_owned()])
        }
        "LISTINGS_ITEM_STATUS_CHANGE" => Hint::Listings,
        "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY" => {
            let end = text("/applicationOAuthClientSecretExpiry/clientSecretExpiryTime");
            Hint::SecretEnds(end.and_then(|end| end.parse().ok()).ok_or(WebhookRefused::Unreadable)?)
        }
        _ => Hint::Nothing,
    };
    let seller = text("/OrderChangeNotification/SellerId").or_else(|| text("/SellerId"));
    let account = seller.filter(|id| !id.is_empty()).map(str::to_owned);
    // One that nobody can be told of would be lost without a word.
    if account.is_none() && matches!(hint, Hint::Orders(_) | Hint::Listings) {
        return Err(WebhookRefused::Unreadable);
    }
    Ok(Notification { delivery_id, account, hint })
}

/// By the seller alone: a notification does not name the region, and what is of another is not found there.
pub(super) fn notified_as(facts: &ShopFacts) -> Option<String> {
    Some(facts.get(ACCOUNT)?.rsplit_once('.')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_change() -> Value {
        json!({
            "NotificationVersion": "1.0", "NotificationType": "ORDER_CHANGE", "PayloadVersion": "1.0",
            "EventTime": "2026-11-21T12:00:00Z",
            "Payload": {"OrderChangeNotification": {
                "SellerId": "A3TH9S8BH6GOGM", "AmazonOrderId": "903-8868176-2219830", "OrderChangeType": "OrderStatusChange",
            }},
            "NotificationMetadata": {"NotificationId": "d0e9e693"},
        })
    }

    #[test]
    fn a_changed_order_is_named_whoever_delivers() {
        let wanted = Notification {
            delivery_id: Some("d0e9e693".to_owned()),
            account: Some("A3TH9S8BH6GOGM".to_owned()),
            hint: Hint::Orders(vec!["903-8868176-2219830".to_owned()]),
        };
        let queue = order_change().to_string();
        let bus = json!({"source": "aws.partner/sellingpartnerapi.amazon.com/1", "detail": order_change()});
        assert_eq!(read_queued(queue.as_bytes()), Ok(wanted.clone()));
        assert_eq!(read_queued(bus.to_string().as_bytes()), Ok(wanted));
    }

    #[test]
    fn a_seller_is_notified_in_every_region_by_one_name() {
        let account = |text: &str| ShopFacts::from([(ACCOUNT.to_owned(), text.to_owned())]);
        assert_eq!(notified_as(&account("A3TH9S8BH6GOGM.eu")).as_deref(), Some("A3TH9S8BH6GOGM"));
        assert_eq!(notified_as(&account("A3TH9S8BH6GOGM.na")).as_deref(), Some("A3TH9S8BH6GOGM"));
        assert_eq!(notified_as(&ShopFacts::new()), None);
    }

    #[test]
    fn each_type_has_its_hint() {
        let end = "2027-05-01T00:00:00Z";
        let secret = json!({
            "notificationType": "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
            "payload": {"applicationOAuthClientSecretExpiry": {"clientSecretExpiryTime": end}},
        });
        let of = |kind: &str| json!({"NotificationType": kind, "Payload": {}});
        let listing = json!({"NotificationType": "LISTINGS_ITEM_STATUS_CHANGE", "Payload": {"SellerId": "A3TH9S8BH6GOGM"}});
        let order = json!({"AmazonOrderId": "903-8868176-2219830"});
        let nobody_s =
            json!({"NotificationType": "ORDER_CHANGE", "Payload": {"OrderChangeNotification": order}});
        let table = [
            (secret, Ok(Hint::SecretEnds(end.parse().unwrap()))),
            (listing, Ok(Hint::Listings)),
            (of("LISTINGS_ITEM_STATUS_CHANGE"), Err(WebhookRefused::Unreadable)),
            (nobody_s, Err(WebhookRefused::Unreadable)),
            (of("FEED_PROCESSING_FINISHED"), Ok(Hint::Nothing)),
            (of("ORDER_CHANGE"), Err(WebhookRefused::Unreadable)),
            (json!([]), Err(WebhookRefused::Unreadable)),
            (json!({"hello": 1}), Err(WebhookRefused::Unreadable)),
        ];
        for (body, hint) in table {
            assert_eq!(read_queued(body.to_string().as_bytes()).map(|told| told.hint), hint, "{body}");
        }
    }
}
