//! Notifications: registered for the topics that are used, verified, and reduced to what must be read again.
//!
//! A shop never repeats a delivery that failed, switches a webhook off after a few failures in a row, and has no memory
//! of what happened meanwhile: so what was off and is on again is counted, and the time between is fetched.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::error::malformed;
use super::{PAGE_MAX, parameter, send, wire};
use crate::{ChannelError, Hint, Notification, Shop, WebhookRefused, WebhookUpkeep};

const ENSURE: &str = "see to the webhooks";

/// Not `product.updated`: it comes for every change of stock, our own writes and each sale included, and would have the
/// catalogue read again for each. What was edited is found by the next item sync.
const TOPICS: [&str; 4] = ["order.created", "order.updated", "order.deleted", "product.created"];

/// Pages of 100 webhooks read; a shop with more has other troubles.
const PAGES_MAX: u32 = 10;

pub(super) async fn ensure(
    shop: &Shop<'_>,
    callback: &Url,
    secret: &SecretString,
) -> Result<WebhookUpkeep, ChannelError> {
    let registered = registered(shop, callback).await?;
    let secret = secret.expose_secret();
    let mut upkeep = WebhookUpkeep::default();
    for topic in TOPICS {
        let mut of_topic = registered.iter().filter(|webhook| webhook.topic == topic);
        if of_topic.clone().any(|webhook| webhook.status == "active") {
            continue;
        }
        match of_topic.next() {
            Some(webhook) => {
                let path = format!("webhooks/{}", webhook.id);
                let body = json!({ "status": "active", "secret": secret });
                send(shop, ENSURE, Method::PUT, &path, Vec::new(), Some(body)).await?;
            }
            None => {
                let body = json!({
                    "name": format!("masterstock {topic}"),
                    "topic": topic,
                    "delivery_url": callback.as_str(),
                    "secret": secret,
                    "status": "active",
                });
                send(shop, ENSURE, Method::POST, "webhooks", Vec::new(), Some(body)).await?;
            }
        }
        upkeep.restored += 1;
    }
    Ok(upkeep)
}

/// The webhooks that call us, whatever their status.
async fn registered(shop: &Shop<'_>, callback: &Url) -> Result<Vec<wire::Webhook>, ChannelError> {
    let mut ours = Vec::new();
    for page in 1..=PAGES_MAX {
        let query = vec![
            parameter("per_page", PAGE_MAX),
            parameter("page", page),
            parameter("orderby", "id"),
            parameter("order", "asc"),
        ];
        let answer = send(shop, ENSURE, Method::GET, "webhooks", query, None).await?;
        let found: Vec<wire::Webhook> = wire::read(&answer.body).map_err(|error| malformed(ENSURE, error))?;
        let last = u64::from(page) >= answer.count("x-wp-totalpages").unwrap_or(0);
        ours.extend(found.into_iter().filter(|webhook| webhook.delivery_url == callback.as_str()));
        if last {
            break;
        }
    }
    Ok(ours)
}

pub(super) fn read(
    secret: &SecretString,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Notification, WebhookRefused> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(signature) = text("x-wc-webhook-signature") else {
        // The call on creation has neither topic nor signature. It says nothing, so believing it does no harm.
        let form = text(header::CONTENT_TYPE.as_str())
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let greeting =
            form && body.strip_prefix(b"webhook_id=").is_some_and(|id| id.iter().all(u8::is_ascii_digit));
        return match greeting {
            true => Ok(Notification { delivery_id: None, account: None, hint: Hint::Nothing }),
            false => Err(WebhookRefused::Unsigned),
        };
    };
    let signature = STANDARD.decode(signature.trim()).map_err(|_| WebhookRefused::BadSignature)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes());
    hmac::verify(&key, body, &signature).map_err(|_| WebhookRefused::BadSignature)?;

    let topic = text("x-wc-webhook-topic").unwrap_or_default();
    let hint = match topic.split_once('.') {
        Some(("order", _)) => {
            let notified: wire::Notified = wire::read(body).map_err(|_| WebhookRefused::Unreadable)?;
            Hint::Orders(vec![notified.id.to_string()])
        }
        Some(("product", _)) => Hint::Listings,
        _ => Hint::Nothing,
    };
    Ok(Notification { delivery_id: text("x-wc-webhook-delivery-id").map(str::to_owned), account: None, hint })
}
