//! Who we are to Amazon (Login with Amazon), whose account it is, and how a seller consents.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Timestamp;
use http::{Method, Request, header};
use jiff::SignedDuration;
use serde_json::from_slice;
use url::Url;

use super::marketplace::{self, Marketplace};
use super::wire::{Participating, Payload, TokenAnswer, TokenRefusal};
use super::{Amazon, Call, HOME, Operation, USER_AGENT, address, error, parse, seller, unwritable};
use crate::{
    ACCOUNT, ChannelError, Consent, ConsentAnswer, ConsentRequest, Credentials, ErrorKind, Limit, Shop,
    ShopFacts, ShopIdentity, Tokens,
};

pub(super) const SELLER: &str = "selling_partner_id";
/// The application's id in Seller Central, `amzn1.sp.solution.…`: names it on the page of consent.
pub(super) const APPLICATION_ID: &str = "application_id";
pub(super) const ACCESS_TOKEN: &str = "access_token";
const REFRESH_TOKEN: &str = "refresh_token";
/// Kept beside the token, never sent in from outside.
const EXPIRES_AT: &str = "access_token_expires_at";

/// A token is renewed this long before its end, so that none ends on its way.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

/// Login with Amazon's own host.
const TOKEN_HOST: &str = "https://api.amazon.com";

pub(super) static PARTICIPATIONS: Operation = Operation {
    name: "identify the seller",
    limit: Limit { name: "getMarketplaceParticipations", burst: 15, rate_micro: 16_000 },
};

pub(super) async fn identify(shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
    let refused = |detail: String| ChannelError::new(ErrorKind::Rejected, PARTICIPATIONS.name, detail);
    let marketplaces = of_one_region(shop.marketplaces).map_err(refused)?;
    let body = PARTICIPATIONS.call(shop, Call::get(&["sellers", "v1", "marketplaceParticipations"])).await?;
    let Payload { payload: found } = parse::<Payload<Vec<Participating>>>(PARTICIPATIONS.name, &body)?;
    let sells_in = |wanted: &Marketplace| {
        found
            .iter()
            .find(|one| one.marketplace.id == wanted.id && one.participation.is_participating)
            .ok_or_else(|| {
                refused(format!("the seller does not sell in the marketplace of {}", wanted.country))
            })
    };
    for further in marketplaces.iter().skip(1) {
        sells_in(further)?;
    }
    let leading = marketplace::leading(shop.marketplaces);
    let store = sells_in(leading)?;
    let currency = store.marketplace.default_currency_code.parse().map_err(|error| {
        let detail = "the marketplace's currency is not a currency code";
        ChannelError::new(ErrorKind::Malformed, PARTICIPATIONS.name, detail).caused_by(error)
    })?;
    // One connection a region: there a SKU has one stock, whatever marketplaces show it.
    let account = format!("{}.{}", seller(shop, PARTICIPATIONS.name)?, leading.region.as_str());
    Ok(ShopIdentity {
        name: format!("{} ({})", store.store_name, store.marketplace.name),
        currency,
        time_zone: None,
        version: Some("Selling Partner API, orders 2026-01-01".to_owned()),
        facts: ShopFacts::from([(ACCOUNT.to_owned(), account)]),
    })
}

/// The connection's marketplaces, or why they cannot be one connection's.
fn of_one_region(ids: &[String]) -> Result<Vec<&'static Marketplace>, String> {
    let mut found = Vec::new();
    for id in marketplace::ids(ids) {
        let Some(known) = marketplace::by_id(id) else {
            return Err(format!("{} is not the id of a marketplace", error::printable(id)));
        };
        found.push(known);
    }
    let leading = marketplace::leading(ids);
    match found.iter().find(|other| other.region != leading.region) {
        Some(other) => Err(format!(
            "the marketplaces of {} and {} are of different regions: make a connection for each",
            leading.country, other.country
        )),
        None => Ok(found),
    }
}

#[async_trait]
impl Tokens for Amazon {
    fn expires_at(&self, credentials: &Credentials) -> Option<Timestamp> {
        match (credentials.get(ACCESS_TOKEN), credentials.instant(EXPIRES_AT)) {
            (Some(_), Some(end)) => Some(end.checked_sub(MARGIN).unwrap_or(end)),
            _ => Some(Timestamp::UNIX_EPOCH),
        }
    }

    async fn refresh(&self, shop: &Shop<'_>) -> Result<Credentials, ChannelError> {
        const OPERATION: &str = "renew the access token";
        let token = shop.credentials.get(REFRESH_TOKEN).ok_or_else(|| {
            ChannelError::new(ErrorKind::Unauthorized, OPERATION, "the refresh token is missing")
        })?;
        let form = [("grant_type", "refresh_token"), (REFRESH_TOKEN, token)];
        let answer = grant(shop, OPERATION, &form).await?;
        Ok(with_tokens(shop, shop.credentials.clone(), answer))
    }
}

#[async_trait]
impl Consent for Amazon {
    /// Amazon takes no proof of possession (PKCE): the application's secret stands in.
    fn page(&self, shop: &Shop<'_>, request: &ConsentRequest<'_>) -> Result<Url, ChannelError> {
        const OPERATION: &str = "ask for the seller's consent";
        let application = shop.credentials.get(APPLICATION_ID).ok_or_else(|| {
            let detail = "the application's id (application_id) is not configured";
            ChannelError::new(ErrorKind::Rejected, OPERATION, detail)
        })?;
        let host = shop.host(HOME, marketplace::leading(shop.marketplaces).seller_central);
        let query = [
            ("application_id", application.to_owned()),
            ("state", request.state.to_owned()),
            ("redirect_uri", request.redirect_uri.to_string()),
        ];
        address(host, OPERATION, &["apps", "authorize", "consent"], &query)
    }

    async fn redeem(&self, shop: &Shop<'_>, answer: &ConsentAnswer<'_>) -> Result<Credentials, ChannelError> {
        const OPERATION: &str = "redeem the seller's consent";
        let field = |name: &str| {
            answer.query.get(name).map(String::as_str).filter(|text| !text.is_empty()).ok_or_else(|| {
                ChannelError::new(ErrorKind::Unauthorized, OPERATION, "the seller did not consent")
            })
        };
        let (code, seller) = (field("spapi_oauth_code")?, field(SELLER)?);
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", answer.redirect_uri.as_str()),
        ];
        let granted = grant(shop, OPERATION, &form).await?;
        if granted.refresh_token.is_none() {
            let detail = "the answer holds no refresh token";
            return Err(ChannelError::new(ErrorKind::Malformed, OPERATION, detail));
        }
        Ok(with_tokens(shop, shop.credentials.clone().with(SELLER, seller), granted))
    }
}

fn with_tokens(shop: &Shop<'_>, credentials: Credentials, answer: TokenAnswer) -> Credentials {
    let lasts = SignedDuration::from_secs(i64::from(answer.expires_in));
    let end = shop.now.checked_add(lasts).unwrap_or(shop.now);
    let renewed = credentials.with(ACCESS_TOKEN, answer.access_token).with(EXPIRES_AT, end.to_string());
    match answer.refresh_token {
        Some(token) => renewed.with(REFRESH_TOKEN, token),
        None => renewed,
    }
}

/// A token for the application itself, for the few calls that concern no seller.
pub(super) async fn application_token(
    shop: &Shop<'_>,
    operation: &'static str,
    scope: &str,
) -> Result<String, ChannelError> {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    Ok(grant(shop, operation, &form).await?.access_token)
}

/// `POST /auth/o2/token`.
async fn grant(
    shop: &Shop<'_>,
    operation: &'static str,
    fields: &[(&str, &str)],
) -> Result<TokenAnswer, ChannelError> {
    let (Some(client_id), Some(client_secret)) =
        (shop.credentials.get("client_id"), shop.credentials.get("client_secret"))
    else {
        let detail = "the application's id or secret is missing";
        return Err(ChannelError::new(ErrorKind::Unauthorized, operation, detail));
    };
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .extend_pairs([("client_id", client_id), ("client_secret", client_secret)])
        .finish();
    let url = address(shop.host(HOME, TOKEN_HOST), operation, &["auth", "o2", "token"], &[])?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded;charset=UTF-8")
        .header(header::ACCEPT, "application/json")
        .body(Bytes::from(form))
        .map_err(|error| unwritable(operation, error))?;
    let response = shop.transport.send(request).await.map_err(|error| error.during(operation))?;
    if response.status().is_success() {
        return parse(operation, response.body());
    }
    match from_slice::<TokenRefusal>(response.body()) {
        Ok(refusal) if response.status().is_client_error() && response.status() != 429 => {
            Err(error::of_token_refusal(operation, &refusal.error))
        }
        _ => Err(error::of_answer(operation, response.status(), response.headers(), response.body())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(list: &[&str]) -> Vec<String> {
        list.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn marketplaces_of_one_region_are_one_connection() {
        let countries = |list: &[&str]| {
            of_one_region(&ids(list)).map(|found| found.iter().map(|one| one.country).collect::<Vec<_>>())
        };
        assert_eq!(countries(&["A1F83G8C2ARO7P", "A21TJRUUN4KGV"]), Ok(vec!["GB", "IN"]));
        assert_eq!(countries(&[]), Ok(vec!["US"]));
        assert!(countries(&["ATVPDKIKX0DER", "A1F83G8C2ARO7P"]).unwrap_err().contains("US and GB"));
        assert!(countries(&["nowhere"]).unwrap_err().contains("nowhere"));
    }

    #[test]
    fn a_token_without_its_end_is_stale() {
        let credentials = |fields: &[(&str, &str)]| {
            Credentials::from_exposed(
                fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            )
        };
        let end = "2026-11-21T12:00:00Z";
        let before: Timestamp = "2026-11-21T11:55:00Z".parse().unwrap();
        let known = credentials(&[("access_token", "t"), ("access_token_expires_at", end)]);
        assert_eq!(Amazon.expires_at(&known), Some(before));
        for fields in [&[("access_token", "t")][..], &[("refresh_token", "r")]] {
            assert_eq!(Amazon.expires_at(&credentials(fields)), Some(Timestamp::UNIX_EPOCH));
        }
    }
}
