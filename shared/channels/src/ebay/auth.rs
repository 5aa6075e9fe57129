//! Who we are to eBay, and who the merchant is.
//!
//! A user token of two hours, renewed by a refresh token that lasts 18 months and is not replaced by its use; and a token
//! for the application itself, for what concerns its notifications.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::Timestamp;
use http::{Method, Request};
use jiff::SignedDuration;
use secrecy::SecretString;
use url::Url;

use super::request::{HOME, IDENTITY, admit, exchange, host, parse};
use super::{Ebay, limits, locations, marketplace, wire};
use crate::{
    ACCOUNT, ChannelError, Consent, ConsentAnswer, ConsentRequest, Credentials, ErrorKind, Shop,
    ShopIdentity, Tokens,
};

const CLIENT_ID: &str = "client_id";
const CLIENT_SECRET: &str = "client_secret";
/// eBay's name for the addresses that the application registered: what OAuth calls the redirect URI.
const RU_NAME: &str = "ru_name";
const ACCESS_TOKEN: &str = "access_token";
const REFRESH_TOKEN: &str = "refresh_token";
/// Kept beside the tokens, never sent in from outside.
const EXPIRES_AT: &str = "access_token_expires_at";
const REFRESH_EXPIRES_AT: &str = "refresh_token_expires_at";
/// In the connection's memo.
const APPLICATION_TOKEN: &str = "application_token";

const AUTHORIZE: &str = "https://auth.ebay.com";
/// What an application may do for itself.
const APPLICATION_SCOPE: &str = "https://api.ebay.com/oauth/api_scope";

/// What the merchant is asked to consent to.
const SCOPES: [&str; 5] = [
    "https://api.ebay.com/oauth/api_scope",
    "https://api.ebay.com/oauth/api_scope/sell.inventory",
    "https://api.ebay.com/oauth/api_scope/sell.fulfillment",
    "https://api.ebay.com/oauth/api_scope/commerce.identity.readonly",
    "https://api.ebay.com/oauth/api_scope/commerce.notification.subscription",
];

/// A token is renewed this long before its end, so that none ends on its way.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

const IDENTIFY: &str = "identify the seller";

pub(super) async fn identify(shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
    let currency = marketplace::currency(shop, IDENTIFY)?;
    IDENTITY.admit(shop, IDENTIFY, 1)?;
    let user: wire::User = IDENTITY.get(shop, IDENTIFY, "/user/").await?;
    let mut facts = locations::home(shop).await;
    facts.insert(ACCOUNT.to_owned(), user.user_id.clone());
    Ok(ShopIdentity {
        name: user.username.unwrap_or(user.user_id),
        currency,
        time_zone: None,
        version: None,
        facts,
    })
}

pub(super) fn user_token(shop: &Shop<'_>, operation: &'static str) -> Result<SecretString, ChannelError> {
    shop.credentials
        .get(ACCESS_TOKEN)
        .map(SecretString::from)
        .ok_or_else(|| ChannelError::new(ErrorKind::Unauthorized, operation, "there is no access token yet"))
}

/// The application's token: remembered, for eBay gives only a thousand a day.
pub(super) async fn application_token(shop: &Shop<'_>) -> Result<SecretString, ChannelError> {
    const OPERATION: &str = "get a token for the application";
    if let Some(token) = shop.pace.memo.recall(APPLICATION_TOKEN, shop.now) {
        return Ok(token);
    }
    admit(shop, &limits::APPLICATION_TOKENS, OPERATION, 1)?;
    let form = [("grant_type", "client_credentials"), ("scope", APPLICATION_SCOPE)];
    let answer = grant(shop, OPERATION, &form).await?;
    let token = SecretString::from(answer.access_token);
    let end = end(shop.now, answer.expires_in);
    shop.pace.memo.remember(APPLICATION_TOKEN, token.clone(), end.checked_sub(MARGIN).unwrap_or(end));
    Ok(token)
}

/// One request to the token endpoint.
async fn grant(
    shop: &Shop<'_>,
    operation: &'static str,
    form: &[(&str, &str)],
) -> Result<wire::TokenAnswer, ChannelError> {
    let (Some(id), Some(secret)) = (shop.credentials.get(CLIENT_ID), shop.credentials.get(CLIENT_SECRET))
    else {
        let detail = "the application's id or secret is missing";
        return Err(ChannelError::new(ErrorKind::Unauthorized, operation, detail));
    };
    let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/identity/v1/oauth2/token", host(shop, HOME)))
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(http::header::ACCEPT, "application/json")
        .header(http::header::AUTHORIZATION, format!("Basic {}", STANDARD.encode(format!("{id}:{secret}"))))
        .body(Bytes::from(form));
    let response =
        exchange(shop, operation, request).await.map_err(|refusal| match refusal.status.as_u16() {
            400 | 401 | 403 => {
                ChannelError::new(ErrorKind::Unauthorized, operation, "the authorization is refused or spent")
            }
            _ => refusal.error,
        })?;
    parse(operation, response.body())
}

fn end(now: Timestamp, lasts_s: u32) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(i64::from(lasts_s))).unwrap_or(now)
}

fn with_answer(credentials: Credentials, answer: wire::TokenAnswer, now: Timestamp) -> Credentials {
    let renewed = credentials
        .with(ACCESS_TOKEN, answer.access_token)
        .with(EXPIRES_AT, end(now, answer.expires_in).to_string());
    let renewed = match answer.refresh_token {
        Some(token) => renewed.with(REFRESH_TOKEN, token),
        None => renewed,
    };
    match answer.refresh_token_expires_in {
        Some(lasts_s) => renewed.with(REFRESH_EXPIRES_AT, end(now, lasts_s).to_string()),
        None => renewed,
    }
}

#[async_trait]
impl Tokens for Ebay {
    fn expires_at(&self, credentials: &Credentials) -> Option<Timestamp> {
        let end = credentials.get(ACCESS_TOKEN).and_then(|_| credentials.instant(EXPIRES_AT));
        Some(end.map_or(Timestamp::UNIX_EPOCH, |end| end.checked_sub(MARGIN).unwrap_or(end)))
    }

    async fn refresh(&self, shop: &Shop<'_>) -> Result<Credentials, ChannelError> {
        const OPERATION: &str = "renew the access token";
        let token = shop.credentials.get(REFRESH_TOKEN).ok_or_else(|| {
            ChannelError::new(ErrorKind::Unauthorized, OPERATION, "there is no refresh token")
        })?;
        // Without scopes: those that were consented to.
        let answer =
            grant(shop, OPERATION, &[("grant_type", "refresh_token"), ("refresh_token", token)]).await?;
        Ok(with_answer(shop.credentials.clone(), answer, shop.now))
    }
}

#[async_trait]
impl Consent for Ebay {
    /// eBay takes no code challenge, and sends the merchant to the address that the RuName stands for.
    fn page(&self, shop: &Shop<'_>, request: &ConsentRequest<'_>) -> Result<Url, ChannelError> {
        const OPERATION: &str = "ask for consent";
        let (id, ru_name) = (required(shop, CLIENT_ID, OPERATION)?, required(shop, RU_NAME, OPERATION)?);
        let address = format!("{}/oauth2/authorize", host(shop, AUTHORIZE));
        let mut page = Url::parse(&address).map_err(|e| {
            ChannelError::new(ErrorKind::AddressRefused, OPERATION, "the address is not one").caused_by(e)
        })?;
        page.query_pairs_mut()
            .append_pair("client_id", id)
            .append_pair("redirect_uri", ru_name)
            .append_pair("response_type", "code")
            .append_pair("scope", &SCOPES.join(" "))
            .append_pair("state", request.state);
        Ok(page)
    }

    async fn redeem(&self, shop: &Shop<'_>, answer: &ConsentAnswer<'_>) -> Result<Credentials, ChannelError> {
        const OPERATION: &str = "redeem the merchant's consent";
        let ru_name = required(shop, RU_NAME, OPERATION)?;
        let code = answer.query.get("code").ok_or_else(|| {
            ChannelError::new(ErrorKind::Unauthorized, OPERATION, "the merchant did not consent")
        })?;
        let form = [("grant_type", "authorization_code"), ("code", code.as_str()), ("redirect_uri", ru_name)];
        let answer = grant(shop, OPERATION, &form).await?;
        if answer.refresh_token.is_none() {
            let detail = "the answer has no refresh token";
            return Err(ChannelError::new(ErrorKind::Malformed, OPERATION, detail));
        }
        Ok(with_answer(shop.credentials.clone(), answer, shop.now))
    }
}

fn required<'a>(shop: &Shop<'a>, field: &str, operation: &'static str) -> Result<&'a str, ChannelError> {
    shop.credentials.get(field).ok_or_else(|| {
        let detail = format!("the application's {field} is missing");
        ChannelError::new(ErrorKind::Rejected, operation, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_a_little_early_and_one_of_unknown_end_has_ended() {
        let credentials = Credentials::default().with(REFRESH_TOKEN, "r".to_owned());
        assert_eq!(Ebay.expires_at(&credentials), Some(Timestamp::UNIX_EPOCH));
        let credentials = credentials.with(ACCESS_TOKEN, "a".to_owned());
        assert_eq!(Ebay.expires_at(&credentials), Some(Timestamp::UNIX_EPOCH));
        let credentials = credentials.with(EXPIRES_AT, "2026-11-21T12:00:00Z".to_owned());
        assert_eq!(Ebay.expires_at(&credentials), Some("2026-11-21T11:55:00Z".parse().unwrap()));
    }

    #[test]
    fn a_refresh_token_stays_where_none_comes() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let before = Credentials::default().with(REFRESH_TOKEN, "r".to_owned());
        let answer = |refresh_token: Option<&str>| wire::TokenAnswer {
            access_token: "a".to_owned(),
            expires_in: 7_200,
            refresh_token: refresh_token.map(str::to_owned),
            refresh_token_expires_in: refresh_token.map(|_| 47_304_000),
        };
        let kept = with_answer(before.clone(), answer(None), now);
        assert_eq!((kept.get(REFRESH_TOKEN), kept.get(REFRESH_EXPIRES_AT)), (Some("r"), None));
        assert_eq!(kept.get(EXPIRES_AT), Some("2026-11-21T14:00:00Z"));
        let given = with_answer(before, answer(Some("new")), now);
        assert_eq!(given.get(REFRESH_TOKEN), Some("new"));
        assert_eq!(given.get(REFRESH_EXPIRES_AT), Some("2028-05-22T00:00:00Z"));
    }
}
