//! Notifications: having them sent to us, and believing them.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA1_ASN1, ECDSA_P256_SHA256_ASN1, UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;
use http::{HeaderMap, Method};
use jiff::SignedDuration;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::error::Refusal;
use super::limits;
use super::request::{As, NOTIFICATION, admit, parse, segment};
use super::wire::{
    DeliveryConfig, Destination, Destinations, Message, MovedSubscription, NewDestination, NewSubscription,
    Payload, PublicKey, Signature, Subscription, Subscriptions,
};
use crate::{ACCOUNT, ChannelError, ErrorKind, Hint, Notification, Shop, WebhookRefused, WebhookUpkeep};

const LIST: &str = "list notification subscriptions";
const CREATE: &str = "subscribe to notifications";
const KEY: &str = "fetch a key to verify notifications with";

/// Topics, and whose subscription each is. There is none for a changed order or a new listing.
const TOPICS: [(&str, As); 2] = [(ORDER_CONFIRMATION, As::User), (AUTHORIZATION_REVOCATION, As::Application)];
const ORDER_CONFIRMATION: &str = "ORDER_CONFIRMATION";
const AUTHORIZATION_REVOCATION: &str = "AUTHORIZATION_REVOCATION";
const SCHEMA_VERSION: &str = "1.0";

const ENABLED: &str = "ENABLED";

/// Pages of a list that are read before giving up: eBay's lists of an application are short.
const PAGES_MAX: usize = 100;

/// How long a key is believed: eBay recommends an hour.
const KEY_FOR: SignedDuration = SignedDuration::from_hours(1);

pub(super) async fn ensure(
    shop: &Shop<'_>,
    callback: &Url,
    secret: &SecretString,
) -> Result<WebhookUpkeep, ChannelError> {
    NOTIFICATION.admit(shop, LIST, 3)?;
    let destination = ensure_destination(shop, callback, secret).await?;
    let mut upkeep = WebhookUpkeep::default();
    for (topic, who) in TOPICS {
        let found =
            list(shop, "/subscription", who, |page: Subscriptions| (page.subscriptions, page.next)).await?;
        let of_topic: Vec<&Subscription> = found.iter().filter(|one| one.topic_id == topic).collect();
        let ours = of_topic.iter().find(|one| one.destination_id == destination);
        let restored = match (ours, of_topic.first()) {
            (Some(one), _) if one.status == ENABLED => false,
            (Some(one), _) => {
                let path = format!("/subscription/{}/enable", segment(&one.subscription_id));
                post(shop, &path, None::<&Value>, who).await.map_err(told)?;
                true
            }
            // The application has one subscription to it, for all of its merchants: another connection keeps it.
            (None, Some(_)) if who == As::Application => false,
            // A merchant has one: it leads to an address that this connection had before.
            (None, Some(one)) => {
                redirect(shop, one, &destination, who).await?;
                true
            }
            (None, None) => subscribe(shop, topic, &destination, who).await?,
        };
        upkeep.restored += u32::from(restored);
    }
    Ok(upkeep)
}

/// Sees to it that eBay knows our address, and answers its question with our token.
async fn ensure_destination(
    shop: &Shop<'_>,
    callback: &Url,
    secret: &SecretString,
) -> Result<String, ChannelError> {
    let config = DeliveryConfig {
        endpoint: callback.as_str().to_owned(),
        verification_token: verification_token(secret),
    };
    let found: Vec<Destination> =
        list(shop, "/destination", As::Application, |page: Destinations| (page.destinations, page.next))
            .await?;
    let ours = found
        .into_iter()
        .find(|one| one.delivery_config.as_ref().is_some_and(|known| known.endpoint == config.endpoint));
    let wanted = |delivery_config| NewDestination { name: "Masterstock", status: ENABLED, delivery_config };
    match ours {
        Some(known) if known.status == ENABLED && known.delivery_config.as_ref() == Some(&config) => {
            Ok(known.destination_id)
        }
        Some(known) => {
            NOTIFICATION.charge(shop, 1);
            let path = format!("/destination/{}", segment(&known.destination_id));
            let call = (Method::PUT, path.as_str());
            let sent = NOTIFICATION.send(shop, CREATE, call, Some(&wanted(config)), As::Application).await;
            sent.map_err(told)?;
            Ok(known.destination_id)
        }
        None => {
            let id =
                post(shop, "/destination", Some(&wanted(config)), As::Application).await.map_err(told)?;
            id.ok_or_else(|| {
                ChannelError::new(ErrorKind::Malformed, CREATE, "the answer does not name what was created")
            })
        }
    }
}

const PAYLOAD: Payload<'static> =
    Payload { format: "JSON", schema_version: SCHEMA_VERSION, delivery_protocol: "HTTPS" };

async fn redirect(
    shop: &Shop<'_>,
    subscription: &Subscription,
    destination: &str,
    who: As,
) -> Result<(), ChannelError> {
    NOTIFICATION.charge(shop, 1);
    let path = format!("/subscription/{}", segment(&subscription.subscription_id));
    let moved = MovedSubscription { status: ENABLED, destination_id: destination, payload: PAYLOAD };
    let sent = NOTIFICATION.send(shop, CREATE, (Method::PUT, &path), Some(&moved), who).await;
    sent.map(drop).map_err(told)
}

/// Whether there is one now that was not there.
async fn subscribe(shop: &Shop<'_>, topic: &str, destination: &str, who: As) -> Result<bool, ChannelError> {
    const EXISTS: i64 = 195_012;
    let new =
        NewSubscription { topic_id: topic, status: ENABLED, destination_id: destination, payload: PAYLOAD };
    match post(shop, "/subscription", Some(&new), who).await {
        Ok(_) => Ok(true),
        // Another worker was faster.
        Err(refusal) if refusal.has(&[EXISTS]) => Ok(false),
        Err(refusal) => Err(told(refusal)),
    }
}

/// What the operator must do, where a refusal says so.
fn told(refusal: Refusal) -> ChannelError {
    const ADVICE: [(i64, &str); 3] = [
        (
            195_003,
            "the application has no alert e-mail yet: set one in eBay's developer portal, under alerts and notifications",
        ),
        (195_011, "the application may not subscribe to this topic: ask eBay for its scope"),
        (
            195_020,
            "eBay asked our address for the challenge and had no right answer: it must be public, over https",
        ),
    ];
    let advice = ADVICE.iter().find(|(id, _)| refusal.has(&[*id])).map(|(_, advice)| *advice);
    let ChannelError { kind, retry, operation, detail, source } = refusal.error;
    ChannelError { kind, retry, operation, detail: advice.map_or(detail, str::to_owned), source }
}

/// The id of what was created, the end of its address.
async fn post(
    shop: &Shop<'_>,
    path: &str,
    body: Option<&(impl serde::Serialize + Sync)>,
    who: As,
) -> Result<Option<String>, Refusal> {
    NOTIFICATION.charge(shop, 1);
    let answer = NOTIFICATION.send(shop, CREATE, (Method::POST, path), body, who).await?;
    let location = answer.headers().get(http::header::LOCATION).and_then(|value| value.to_str().ok());
    Ok(location.and_then(|text| text.rsplit('/').next()).filter(|id| !id.is_empty()).map(str::to_owned))
}

/// All pages of a list.
async fn list<P: DeserializeOwned, T>(
    shop: &Shop<'_>,
    path: &str,
    who: As,
    parts: impl Fn(P) -> (Vec<T>, Option<String>) + Send + Sync,
) -> Result<Vec<T>, ChannelError> {
    let mut all = Vec::new();
    let mut query = format!("{path}?limit=100");
    for _ in 0..PAGES_MAX {
        let answer = NOTIFICATION.send(shop, LIST, (Method::GET, &query), None::<&Value>, who).await?;
        let (found, next) = parts(parse(LIST, answer.body())?);
        all.extend(found);
        let Some(token) = next.as_deref().and_then(continuation) else { break };
        NOTIFICATION.charge(shop, 1);
        query = format!("{path}?limit=100&continuation_token={}", segment(&token));
    }
    Ok(all)
}

/// The token in the address of the next page.
fn continuation(next: &str) -> Option<String> {
    let (_, query) = next.split_once('?')?;
    let mut fields = url::form_urlencoded::parse(query.as_bytes());
    fields.find(|(name, _)| name == "continuation_token").map(|(_, token)| token.into_owned())
}

/// eBay wants 32 to 80 letters, digits, `_` and `-`: the digest of our secret has them, whatever that is.
fn verification_token(secret: &SecretString) -> String {
    hex(digest::digest(&digest::SHA256, secret.expose_secret().as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of what eBay asks, our token and our address, in this order.
pub(super) fn answer_challenge(secret: &SecretString, callback: &Url, query: &str) -> Option<String> {
    let (_, code) =
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "challenge_code")?;
    let text = format!("{code}{}{callback}", verification_token(secret));
    let answer = hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
    Some(json!({ "challengeResponse": answer }).to_string())
}

/// eBay signs the body as it sends it, by a key of its own that its API tells.
pub(super) async fn read(
    shop: &Shop<'_>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Notification, WebhookRefused> {
    let header = headers.get("x-ebay-signature").ok_or(WebhookRefused::Unsigned)?;
    let header = STANDARD.decode(header.as_bytes()).map_err(|_| WebhookRefused::BadSignature)?;
    let signed: Signature = serde_json::from_slice(&header).map_err(|_| WebhookRefused::BadSignature)?;
    let signature = STANDARD.decode(&signed.signature).map_err(|_| WebhookRefused::BadSignature)?;
    let key = public_key(shop, &signed.kid).await?;
    verify(&key, body, &signature)?;
    let message: Message = serde_json::from_slice(body).map_err(|_| WebhookRefused::Unreadable)?;
    let hint = hint(shop, &message)?;
    Ok(Notification { delivery_id: message.notification.notification_id, account: None, hint })
}

fn verify(key: &PublicKey, body: &[u8], signature: &[u8]) -> Result<(), WebhookRefused> {
    let algorithm: &'static dyn VerificationAlgorithm =
        match (key.algorithm.to_uppercase().as_str(), key.digest.to_uppercase().as_str()) {
            ("ECDSA", "SHA1") => &ECDSA_P256_SHA1_ASN1,
            ("ECDSA", "SHA256") => &ECDSA_P256_SHA256_ASN1,
            _ => return Err(WebhookRefused::KeyUnavailable),
        };
    let text = key.key.replace("-----BEGIN PUBLIC KEY-----", "").replace("-----END PUBLIC KEY-----", "");
    let text: String = text.split_whitespace().collect();
    let der = STANDARD.decode(text).map_err(|_| WebhookRefused::KeyUnavailable)?;
    UnparsedPublicKey::new(algorithm, der).verify(body, signature).map_err(|_| WebhookRefused::BadSignature)
}

/// From the memo, or from eBay. That there is no such key is remembered too: whoever forges notifications must not have us
/// ask for ever.
async fn public_key(shop: &Shop<'_>, kid: &str) -> Result<PublicKey, WebhookRefused> {
    const NONE: &str = "none";
    let sound =
        !kid.is_empty() && kid.len() <= 64 && kid.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if !sound {
        return Err(WebhookRefused::BadSignature);
    }
    let name = format!("public_key {kid}");
    let remembered = shop.pace.memo.recall(&name, shop.now);
    if let Some(text) = remembered {
        return serde_json::from_str(text.expose_secret()).map_err(|_| WebhookRefused::BadSignature);
    }
    let asked = async {
        admit(shop, &limits::KEYS, KEY, 1)?;
        NOTIFICATION.charge(shop, 1);
        let path = format!("/public_key/{}", segment(kid));
        match NOTIFICATION.send(shop, KEY, (Method::GET, &path), None::<&Value>, As::Application).await {
            Ok(answer) => parse::<PublicKey>(KEY, answer.body()).map(Some),
            Err(refusal) if matches!(refusal.status.as_u16(), 400 | 404) => Ok(None),
            Err(refusal) => Err(refusal.error),
        }
    };
    let found = asked.await.map_err(|error| {
        tracing::warn!(%error, "a notification cannot be verified now");
        WebhookRefused::KeyUnavailable
    })?;
    let text = match &found {
        Some(key) => serde_json::to_string(key).unwrap_or_default(),
        None => NONE.to_owned(),
    };
    shop.pace.memo.remember(&name, text.into(), until(shop.now));
    found.ok_or(WebhookRefused::BadSignature)
}

fn until(now: Timestamp) -> Timestamp {
    now.checked_add(KEY_FOR).unwrap_or(now)
}

fn hint(shop: &Shop<'_>, message: &Message) -> Result<Hint, WebhookRefused> {
    let data = &message.notification.data;
    let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    match message.metadata.topic.as_str() {
        ORDER_CONFIRMATION => {
            let id = text("/orderId").or_else(|| text("/order/orderId")).ok_or(WebhookRefused::Unreadable)?;
            Ok(Hint::Orders(vec![id]))
        }
        // Told for every merchant of the application, wherever the one subscription leads.
        AUTHORIZATION_REVOCATION if text("/userId").as_ref() == shop.facts.get(ACCOUNT) => Ok(Hint::Revoked),
        _ => Ok(Hint::Nothing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Message, key and signature from the tests of eBay's own SDKs (event-notification-java-sdk, Apache-2.0).
    const BODY: &str = include_str!("../../tests/fixtures/ebay/notification-account-deletion.json");
    const KEY_TEXT: &str = "-----BEGIN PUBLIC KEY-----MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZhhxXKtR+TOvtDbgTPCkSof02qgBB7IsYOyf76ilExJ/upAa/vKIKheOoCyOpcLmi4t0b4uepb7LLjmMr90FUg==-----END PUBLIC KEY-----";
    const SIGNATURE: &str =
        "MEYCIQCfxfIWuxmWcIBQJ9c5/X7iGDJqs2RCGsBEaAjinyrrfAIhAIV6wGcTiBuV5KJUif2hokyrL+Q9ssHkad+mx2nEE25w";

    fn key(digest: &str) -> PublicKey {
        PublicKey { key: KEY_TEXT.to_owned(), algorithm: "ECDSA".to_owned(), digest: digest.to_owned() }
    }

    #[test]
    fn a_message_that_ebay_signed_verifies() {
        let signature = STANDARD.decode(SIGNATURE).unwrap();
        let body = BODY.trim_end();
        assert_eq!(verify(&key("SHA1"), body.as_bytes(), &signature), Ok(()));
        let changed = body.replace("test_user", "best_user");
        assert_eq!(verify(&key("SHA1"), changed.as_bytes(), &signature), Err(WebhookRefused::BadSignature));
        assert_eq!(verify(&key("SHA256"), body.as_bytes(), &signature), Err(WebhookRefused::BadSignature));
        assert_eq!(verify(&key("MD5"), body.as_bytes(), &signature), Err(WebhookRefused::KeyUnavailable));
    }

    #[test]
    fn the_challenge_is_answered_with_what_ebay_computes() {
        let secret = SecretString::from("a-secret".to_owned());
        let callback: Url = "https://hub.example/v1/webhooks/con_1".parse().unwrap();
        let token = verification_token(&secret);
        assert!((32..=80).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_alphanumeric()));
        let expected =
            digest::digest(&digest::SHA256, format!("a8628072-3d33-45ee{token}{callback}").as_bytes());
        let answer = answer_challenge(&secret, &callback, "challenge_code=a8628072-3d33-45ee").unwrap();
        assert_eq!(answer, format!("{{\"challengeResponse\":\"{}\"}}", hex(expected.as_ref())));
        assert_eq!(answer_challenge(&secret, &callback, "hub.challenge=1"), None);
    }

    #[test]
    fn the_next_page_is_where_ebay_says() {
        let next =
            "https://api.ebay.com/commerce/notification/v1/subscription?limit=100&continuation_token=MTE%3D";
        assert_eq!(continuation(next).as_deref(), Some("MTE="));
        assert_eq!(continuation("/subscription?limit=20"), None);
    }
}
