//! Access: user tokens of two hours for a refresh token that stays, and tokens for the application itself.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use url::Url;

use super::answer::Answer;

pub(super) const CLIENT_ID: &str = "Simulate-Mastersto-PRD-0123456789ab-cdef0123";
const CLIENT_SECRET: &str = "PRD-0123456789ab-cdef-4567-89ab-cdef";
pub(super) const RU_NAME: &str = "Simulated_Seller-Simulate-Master-abcdefgh";
/// Seconds that a code of consent lasts.
const CODE_LASTS_S: i64 = 299;
pub(super) const USERNAME: &str = "fictional_outfitters";

/// Whose a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    User,
    Application,
}

#[derive(Debug)]
pub(super) struct Tokens {
    valid: BTreeMap<String, (Bearer, Timestamp)>,
    refresh: String,
    /// Codes of consent that were not redeemed yet, with their ends.
    codes: BTreeMap<String, Timestamp>,
    issued: u32,
    pub revoked: bool,
}

impl Tokens {
    pub fn new() -> Self {
        Self {
            valid: BTreeMap::new(),
            refresh: "v^1.1#i^1#r^1#f^0#I^3#t^refresh0".to_owned(),
            codes: BTreeMap::new(),
            issued: 0,
            revoked: false,
        }
    }

    pub fn credentials(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("client_id".to_owned(), CLIENT_ID.to_owned()),
            ("client_secret".to_owned(), CLIENT_SECRET.to_owned()),
            ("ru_name".to_owned(), RU_NAME.to_owned()),
            ("refresh_token".to_owned(), self.refresh.clone()),
        ])
    }

    /// Whose token a call carries, where it is a good one.
    pub fn bearer(&self, headers: &HeaderMap, now: Timestamp) -> Option<Bearer> {
        let text = headers.get("authorization")?.to_str().ok()?;
        let (bearer, end) = self.valid.get(text.strip_prefix("Bearer ")?)?;
        (now < *end && !(self.revoked && *bearer == Bearer::User)).then_some(*bearer)
    }

    /// The Trading API's way.
    pub fn admits_iaf(&self, headers: &HeaderMap, now: Timestamp) -> bool {
        let token = headers.get("x-ebay-api-iaf-token").and_then(|value| value.to_str().ok());
        let found = token.and_then(|token| self.valid.get(token));
        !self.revoked && found.is_some_and(|(bearer, end)| *bearer == Bearer::User && now < *end)
    }

    /// `POST /identity/v1/oauth2/token`.
    pub fn grant(&mut self, headers: &HeaderMap, form: &BTreeMap<String, String>, now: Timestamp) -> Answer {
        let field = |name: &str| form.get(name).map(String::as_str);
        let refuse = |status: u16, error: &str, description: &str| {
            Answer::json(status, json!({ "error": error, "error_description": description }))
        };
        let basic = format!("Basic {}", STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}")));
        if headers.get("authorization").and_then(|value| value.to_str().ok()) != Some(basic.as_str()) {
            return refuse(401, "invalid_client", "client authentication failed");
        }
        match field("grant_type") {
            Some("client_credentials") if field("scope").is_some() => {
                let token = self.issue(Bearer::Application, now);
                Answer::ok(json!({
                    "access_token": token, "expires_in": 7200, "token_type": "Application Access Token",
                }))
            }
            Some("refresh_token") => {
                if self.revoked || field("refresh_token") != Some(self.refresh.as_str()) {
                    let description =
                        "the provided authorization refresh token is invalid or was issued to another client";
                    return refuse(400, "invalid_grant", description);
                }
                let token = self.issue(Bearer::User, now);
                Answer::ok(
                    json!({ "access_token": token, "expires_in": 7200, "token_type": "User Access Token" }),
                )
            }
            Some("authorization_code") => {
                let end = field("code").and_then(|code| self.codes.remove(code));
                if end.is_none_or(|end| end <= now) || field("redirect_uri") != Some(RU_NAME) {
                    let description =
                        "the provided authorization grant code is invalid or was issued to another client";
                    return refuse(400, "invalid_grant", description);
                }
                self.revoked = false;
                let token = self.issue(Bearer::User, now);
                self.refresh = format!("v^1.1#i^1#r^1#f^0#I^3#t^refresh{}", self.issued);
                Answer::ok(json!({
                    "access_token": token, "expires_in": 7200, "token_type": "User Access Token",
                    "refresh_token": self.refresh, "refresh_token_expires_in": 47_304_000,
                }))
            }
            _ => refuse(
                400,
                "unsupported_grant_type",
                "grant type in request is not supported by the authorization server",
            ),
        }
    }

    /// Where the page of consent sends the merchant who agreed, or did not: to the address that the RuName stands for.
    /// `None` for a page that eBay would not show.
    pub fn way_back(&mut self, page: &Url, registered: &str, consents: bool, now: Timestamp) -> Option<Url> {
        let asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        let is = |name: &str, value: &str| asked.get(name).is_some_and(|asked| asked == value);
        let right = page.path() == "/oauth2/authorize"
            && is("client_id", CLIENT_ID)
            && is("redirect_uri", RU_NAME)
            && is("response_type", "code")
            && asked.get("scope").is_some_and(|scope| !scope.is_empty());
        let mut back: Url = Some(registered).filter(|_| right)?.parse().ok()?;
        if consents {
            self.issued += 1;
            let code = format!("v^1.1#i^1#f^0#p^3#I^3#r^1#t^code{}", self.issued);
            let end = now.checked_add(SignedDuration::from_secs(CODE_LASTS_S)).expect("a time");
            back.query_pairs_mut().append_pair("code", &code).append_pair("expires_in", "299");
            self.codes.insert(code, end);
        } else {
            back.query_pairs_mut().append_pair("error", "access_denied");
        }
        if let Some(state) = asked.get("state") {
            back.query_pairs_mut().append_pair("state", state);
        }
        Some(back)
    }

    fn issue(&mut self, bearer: Bearer, now: Timestamp) -> String {
        self.issued += 1;
        let token = format!("v^1.1#i^1#p^3#I^3#f^0#r^0#t^access{}", self.issued);
        let end = now.checked_add(SignedDuration::from_secs(7_200)).expect("a time");
        self.valid.insert(token.clone(), (bearer, end));
        token
    }
}
