//! Who we are to Shopify, and who the shop is.
//!
//! The merchant's consent is in `auth/consent.rs`. Three ways in: a lasting access token (`shpat_…`); an expiring one with a refresh token, which each use replaces; or
//! neither, for an application of the merchant's own organization, which gets a token of 24 hours for its id and secret.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Timestamp;
use http::{Method, Request};
use jiff::SignedDuration;
use serde_json::json;

use super::wire::{self, ShopIdentityData};
use super::{API_VERSION, Operation, Shopify, address, error, parse};
use crate::{ChannelError, Credentials, ErrorKind, Shop, ShopFacts, ShopIdentity, Tokens};

mod consent;

/// The location whose stock we set, by its number: as a fact the one that was found, as a credential the merchant's choice.
pub(super) const LOCATION_ID: &str = "location_id";

const ACCESS_TOKEN: &str = "access_token";
const REFRESH_TOKEN: &str = "refresh_token";
/// Kept beside the token, never sent in from outside.
const EXPIRES_AT: &str = "access_token_expires_at";

/// A token is renewed this long before its end, so that none ends on its way.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

pub(super) static IDENTIFY: Operation =
    Operation { name: "identify the shop", document: include_str!("queries/shop.graphql"), cost: 203 };

pub(super) async fn identify(shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
    let data: ShopIdentityData = IDENTIFY.call(shop, &json!({})).await?;
    let currency = data.shop.currency_code.parse().map_err(|e| {
        ChannelError::new(ErrorKind::Malformed, IDENTIFY.name, "the shop's currency is not a currency code")
            .caused_by(e)
    })?;
    let chosen = shop.credentials.get(LOCATION_ID);
    let location = location(data.locations.nodes, chosen).ok_or_else(|| {
        let detail = match chosen {
            None => "the shop has no active location of its own",
            Some(_) => "the shop has no active location of its own with this location_id",
        };
        ChannelError::new(ErrorKind::Rejected, IDENTIFY.name, detail)
    })?;
    Ok(ShopIdentity {
        name: data.shop.name,
        currency,
        time_zone: Some(data.shop.iana_timezone),
        version: Some(format!("Admin API {API_VERSION}")),
        facts: ShopFacts::from([(LOCATION_ID.to_owned(), location)]),
    })
}

/// The merchant's main location: active, not a fulfilment service's (whose stock is not ours to set); of these the
/// `chosen` one, by its number, or else one that serves online orders, then one that ships, then the oldest, which has
/// the lowest number.
fn location(nodes: Vec<wire::LocationNode>, chosen: Option<&str>) -> Option<String> {
    nodes
        .into_iter()
        .filter(|node| node.is_active && !node.is_fulfillment_service)
        .filter_map(|node| {
            let number = wire::number_of(&node.id)?;
            let age: u64 = number.parse().ok()?;
            Some(((!node.fulfills_online_orders, !node.ships_inventory, age), number))
        })
        .filter(|(_, number)| chosen.is_none_or(|chosen| chosen == number))
        .min()
        .map(|(_, number)| number)
}

#[async_trait]
impl Tokens for Shopify {
    fn expires_at(&self, credentials: &Credentials) -> Option<Timestamp> {
        let known_end = credentials.instant(EXPIRES_AT);
        match (credentials.get(ACCESS_TOKEN), known_end) {
            (None, _) => Some(Timestamp::UNIX_EPOCH),
            (Some(_), Some(end)) => Some(end.checked_sub(MARGIN).unwrap_or(end)),
            // It came with a refresh token, so it ends, and nobody told when.
            (Some(_), None) if credentials.get(REFRESH_TOKEN).is_some() => Some(Timestamp::UNIX_EPOCH),
            (Some(_), None) => None,
        }
    }

    async fn refresh(&self, shop: &Shop<'_>) -> Result<Credentials, ChannelError> {
        const OPERATION: &str = "renew the access token";
        let credentials = shop.credentials;
        let (Some(client_id), Some(client_secret)) =
            (credentials.get("client_id"), credentials.get("client_secret"))
        else {
            return Err(ChannelError::new(
                ErrorKind::Unauthorized,
                OPERATION,
                "the application's id or secret is missing",
            ));
        };
        let answer =
            token(shop, OPERATION, grant(client_id, client_secret, credentials.get(REFRESH_TOKEN))).await?;
        Ok(answer.into_credentials(credentials.clone(), shop.now))
    }
}

/// Asks the token endpoint with a form.
async fn token(
    shop: &Shop<'_>,
    operation: &'static str,
    form: String,
) -> Result<wire::TokenAnswer, ChannelError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(address(shop.endpoint, "admin/oauth/access_token"))
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(http::header::ACCEPT, "application/json")
        .body(Bytes::from(form))
        .map_err(|e| {
            ChannelError::new(ErrorKind::Rejected, operation, "the request cannot be written").caused_by(e)
        })?;
    let response = shop.transport.send(request).await.map_err(|e| e.during(operation))?;
    if matches!(response.status().as_u16(), 400 | 401 | 403 | 422) {
        let detail = "the authorization is refused or spent";
        return Err(ChannelError::new(ErrorKind::Unauthorized, operation, detail));
    }
    match error::of_status(operation, response.status(), response.headers()) {
        Some(error) => Err(error),
        None => parse(operation, response.body()),
    }
}

impl wire::TokenAnswer {
    /// `credentials` with what the channel gave; of a token that lasts no end is known.
    fn into_credentials(self, credentials: Credentials, now: Timestamp) -> Credentials {
        let renewed = credentials.with(ACCESS_TOKEN, self.access_token);
        let renewed = match self.expires_in {
            Some(seconds) => {
                let end = now.checked_add(SignedDuration::from_secs(i64::from(seconds))).unwrap_or(now);
                renewed.with(EXPIRES_AT, end.to_string())
            }
            None => renewed,
        };
        match self.refresh_token {
            Some(token) => renewed.with(REFRESH_TOKEN, token),
            None => renewed,
        }
    }
}

/// The form of the grant: by refresh token where there is one, by the application's own right where not.
fn grant(client_id: &str, client_secret: &str, refresh_token: Option<&str>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.append_pair("client_id", client_id).append_pair("client_secret", client_secret);
    match refresh_token {
        Some(token) => form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token),
        None => form.append_pair("grant_type", "client_credentials"),
    };
    form.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(fields: &[(&str, &str)]) -> Credentials {
        Credentials::from_exposed(fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn each_way_in_has_its_end() {
        const END: &str = "2026-11-21T12:00:00Z";
        let before: Timestamp = "2026-11-21T11:55:00Z".parse().unwrap();
        let past = Some(Timestamp::UNIX_EPOCH);
        type Fields = &'static [(&'static str, &'static str)];
        let table: [(Fields, Option<Timestamp>); 6] = [
            (&[("access_token", "shpat_x")], None),
            (&[("access_token", "t"), ("refresh_token", "r")], past),
            (
                &[("access_token", "t"), ("refresh_token", "r"), ("access_token_expires_at", END)],
                Some(before),
            ),
            (&[("refresh_token", "r")], past),
            (&[("client_id", "i"), ("client_secret", "s")], past),
            (&[("access_token", "t"), ("access_token_expires_at", END)], Some(before)),
        ];
        for (fields, expected) in table {
            assert_eq!(Shopify.expires_at(&credentials(fields)), expected, "{fields:?}");
        }
    }

    #[test]
    fn the_location_is_the_merchant_s_own() {
        let node =
            |number: u32, is_active, is_fulfillment_service, fulfills_online_orders, ships_inventory| {
                wire::LocationNode {
                    id: format!("gid://shopify/Location/{number}"),
                    is_active,
                    is_fulfillment_service,
                    fulfills_online_orders,
                    ships_inventory,
                }
            };
        let choose = |nodes| location(nodes, None).unwrap_or_default();
        assert_eq!(choose(vec![node(9, true, false, true, true), node(10, true, false, true, true)]), "9");
        assert_eq!(choose(vec![node(1, true, false, false, true), node(2, true, false, true, false)]), "2");
        assert_eq!(choose(vec![node(1, false, false, true, true), node(2, true, true, true, true)]), "");
        let two = || vec![node(1, true, false, true, true), node(2, true, false, false, false)];
        assert_eq!(location(two(), Some("2")).as_deref(), Some("2"));
        assert_eq!(location(two(), Some("3")), None);
        assert_eq!(location(vec![node(3, true, true, true, true)], Some("3")), None);
    }
}
