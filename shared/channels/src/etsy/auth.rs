//! Who we are to Etsy, and whose shop it is: consent with PKCE, tokens of an hour, a refresh token that each use
//! replaces.

use async_trait::async_trait;
use bytes::Bytes;
use domain::Timestamp;
use http::{Method, Request};
use jiff::SignedDuration;
use url::Url;

use super::wire::{Myself, ShopRecord, TokenAnswer};
use super::{Admitted, Call, Etsy, Fields, HOME, encoded, error, number, parse, unwritable};
use crate::{
    ACCOUNT, ChannelError, Consent, ConsentAnswer, ConsentRequest, Credentials, ErrorKind, Shop, ShopFacts,
    ShopIdentity, Tokens,
};

pub(super) const ACCESS_TOKEN: &str = "access_token";
const REFRESH_TOKEN: &str = "refresh_token";
/// Kept beside the token, never sent in from outside.
const EXPIRES_AT: &str = "access_token_expires_at";
/// Where the merchant consents.
const CONSENT_HOST: &str = "https://www.etsy.com";
/// What the operations here need, and nothing more.
const SCOPES: &str = "listings_r listings_w transactions_r transactions_w shops_r";
/// A token is renewed this long before its end, so that none ends on its way.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);

const IDENTIFY: &str = "identify the shop";
const REFRESH: &str = "renew the access token";
const REDEEM: &str = "redeem the merchant's consent";

/// The application's key with its shared secret: Etsy refuses the key alone since 2026-02-09.
pub(super) fn api_key(shop: &Shop<'_>, operation: &'static str) -> Result<String, ChannelError> {
    let (id, secret) = (client_id(shop, operation)?, shop.credentials.get("client_secret"));
    secret.map(|secret| format!("{id}:{secret}")).ok_or_else(|| keys_missing(operation))
}

fn client_id<'a>(shop: &Shop<'a>, operation: &'static str) -> Result<&'a str, ChannelError> {
    shop.credentials.get("client_id").ok_or_else(|| keys_missing(operation))
}

fn keys_missing(operation: &'static str) -> ChannelError {
    ChannelError::new(
        ErrorKind::Unauthorized,
        operation,
        "the application's keystring or shared secret is missing",
    )
}

/// The token's own shop. Asked for even where the connection names a shop, since a shop's record is public: only the
/// question who we are tries the token.
pub(super) async fn identify(shop: &Shop<'_>) -> Result<ShopIdentity, ChannelError> {
    let rejected = |detail| ChannelError::new(ErrorKind::Rejected, IDENTIFY, detail);
    let mut calls = Admitted::new(shop, IDENTIFY, 2)?;
    let myself: Myself = calls.send(Call::get("users/me", Vec::new())).await?.read(IDENTIFY)?;
    let own = myself.shop_id.ok_or_else(|| rejected("this Etsy account has no shop"))?;
    if let Some(named) = shop.credentials.get("shop_id")
        && number(named) != Some(own)
    {
        return Err(rejected("the authorization is of another shop than shop_id names"));
    }
    let record: ShopRecord =
        calls.send(Call::get(format!("shops/{own}"), Vec::new())).await?.read(IDENTIFY)?;
    let currency = record.currency_code.parse().map_err(|e| {
        ChannelError::new(ErrorKind::Malformed, IDENTIFY, "the shop's currency is not a currency code")
            .caused_by(e)
    })?;
    Ok(ShopIdentity {
        name: record.shop_name,
        currency,
        time_zone: None,
        version: Some("Open API v3".to_owned()),
        facts: ShopFacts::from([(ACCOUNT.to_owned(), record.shop_id.to_string())]),
    })
}

#[async_trait]
impl Tokens for Etsy {
    fn expires_at(&self, credentials: &Credentials) -> Option<Timestamp> {
        // A token whose end nobody told is as good as none.
        let end = credentials.get(ACCESS_TOKEN).and_then(|_| credentials.instant(EXPIRES_AT));
        Some(end.map_or(Timestamp::UNIX_EPOCH, |end| end.checked_sub(MARGIN).unwrap_or(end)))
    }

    async fn refresh(&self, shop: &Shop<'_>) -> Result<Credentials, ChannelError> {
        let token = shop.credentials.get(REFRESH_TOKEN).ok_or_else(|| {
            ChannelError::new(ErrorKind::Unauthorized, REFRESH, "there is no refresh token: authorize again")
        })?;
        let form = vec![
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", client_id(shop, REFRESH)?.to_owned()),
            ("refresh_token", token.to_owned()),
        ];
        grant(shop, REFRESH, &form).await
    }
}

#[async_trait]
impl Consent for Etsy {
    fn page(&self, shop: &Shop<'_>, request: &ConsentRequest<'_>) -> Result<Url, ChannelError> {
        const PAGE: &str = "ask for the merchant's consent";
        let address = format!("{}/oauth/connect", shop.host(HOME, CONSENT_HOST));
        let mut page = Url::parse(&address).map_err(|e| unwritable(PAGE).caused_by(e))?;
        page.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", client_id(shop, PAGE)?)
            .append_pair("redirect_uri", request.redirect_uri.as_str())
            .append_pair("scope", SCOPES)
            .append_pair("state", request.state)
            .append_pair("code_challenge", request.code_challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(page)
    }

    async fn redeem(&self, shop: &Shop<'_>, answer: &ConsentAnswer<'_>) -> Result<Credentials, ChannelError> {
        let code = answer.query.get("code").ok_or_else(|| {
            ChannelError::new(ErrorKind::Unauthorized, REDEEM, "the merchant did not consent")
        })?;
        let form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", client_id(shop, REDEEM)?.to_owned()),
            ("redirect_uri", answer.redirect_uri.to_string()),
            ("code", code.clone()),
            ("code_verifier", answer.code_verifier.to_owned()),
        ];
        grant(shop, REDEEM, &form).await
    }
}

/// `POST /v3/public/oauth/token`.
async fn grant(shop: &Shop<'_>, operation: &'static str, form: &Fields) -> Result<Credentials, ChannelError> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/v3/public/oauth/token", shop.host(HOME, HOME)))
        .header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(http::header::ACCEPT, "application/json")
        .header("x-api-key", api_key(shop, operation)?)
        .body(Bytes::from(encoded(form)))
        .map_err(|e| unwritable(operation).caused_by(e))?;
    let response = shop.transport.send(request).await.map_err(|e| e.during(operation))?;
    if matches!(response.status().as_u16(), 400 | 401 | 403) {
        return Err(ChannelError::new(
            ErrorKind::Unauthorized,
            operation,
            "the authorization is refused, spent or over",
        ));
    }
    if let Some(error) = error::of_status(operation, response.status(), response.headers(), response.body()) {
        return Err(error);
    }
    let answer: TokenAnswer = parse(operation, response.body())?;
    let end =
        shop.now.checked_add(SignedDuration::from_secs(i64::from(answer.expires_in))).unwrap_or(shop.now);
    let renewed =
        shop.credentials.clone().with(ACCESS_TOKEN, answer.access_token).with(EXPIRES_AT, end.to_string());
    Ok(match answer.refresh_token {
        Some(token) => renewed.with(REFRESH_TOKEN, token),
        None => renewed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_before_its_end_and_one_without_an_end_has_ended() {
        type Given = &'static [(&'static str, &'static str)];
        let table: [(Given, &str); 3] = [
            (&[("refresh_token", "r")], "1970-01-01T00:00:00Z"),
            (&[("access_token", "1.t"), ("refresh_token", "r")], "1970-01-01T00:00:00Z"),
            (
                &[("access_token", "1.t"), ("access_token_expires_at", "2026-11-21T12:00:00Z")],
                "2026-11-21T11:55:00Z",
            ),
        ];
        for (fields, end) in table {
            let fields = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let found = Etsy.expires_at(&Credentials::from_exposed(fields));
            assert_eq!(found, Some(end.parse().unwrap()));
        }
    }
}
