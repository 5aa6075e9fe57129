//! Login with Amazon: access tokens of an hour, for a seller who consented or for the application itself.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;

pub(super) const CLIENT_ID: &str = "amzn1.application-oa2-client.sim";
pub(super) const APPLICATION_ID: &str = "amzn1.sp.solution.sim";
const CLIENT_SECRET: &str = "amzn1.oa2-cs.v1.simulated";
const REFRESH_TOKEN: &str = "Atzr|simulated";

/// Whom a token speaks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Speaker {
    Seller,
    Application,
}

#[derive(Debug)]
pub(super) struct Tokens {
    valid: BTreeMap<String, (Speaker, Timestamp)>,
    issued: u32,
    /// What the seller was sent back with, and to where: good for once.
    code: Option<(String, Url)>,
    /// Of an access token.
    pub lasts: SignedDuration,
    pub revoked: bool,
    pub secret_lapsed: bool,
}

impl Tokens {
    pub fn new() -> Self {
        let lasts = SignedDuration::from_hours(1);
        Self { valid: BTreeMap::new(), issued: 0, code: None, lasts, revoked: false, secret_lapsed: false }
    }

    pub fn credentials() -> BTreeMap<String, String> {
        let fields = [
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
            ("application_id", APPLICATION_ID),
            ("refresh_token", REFRESH_TOKEN),
            ("selling_partner_id", super::SELLER),
            ("notification_queue_arn", super::QUEUE_ARN),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub fn admits(&self, token: Option<&str>, speaker: Speaker, now: Timestamp) -> bool {
        let known = token.and_then(|token| self.valid.get(token));
        let revoked = self.revoked && speaker == Speaker::Seller;
        !revoked && known.is_some_and(|(whose, end)| *whose == speaker && now < *end)
    }

    /// The seller agrees on the page of consent: where the browser is sent then.
    pub fn consent(&mut self, page: &Url) -> Option<Url> {
        let asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        let known = asked.get("application_id").map(String::as_str) == Some(APPLICATION_ID);
        if page.path() != "/apps/authorize/consent" || !known {
            return None;
        }
        let mut back: Url = asked.get("redirect_uri")?.parse().ok()?;
        self.issued += 1;
        let code = format!("ANxyz{}", self.issued);
        self.code = Some((code.clone(), back.clone()));
        back.query_pairs_mut()
            .append_pair("state", asked.get("state")?)
            .append_pair("selling_partner_id", super::SELLER)
            .append_pair("spapi_oauth_code", &code);
        Some(back)
    }

    /// The address may be left out, as client libraries do, but not be another's.
    fn redeems(&self, given: Option<&str>, redirect_uri: Option<&str>) -> bool {
        self.code.as_ref().is_some_and(|(code, to)| {
            given == Some(code.as_str()) && redirect_uri.is_none_or(|uri| uri == to.as_str())
        })
    }

    /// `POST /auth/o2/token`.
    pub fn grant(&mut self, form: &BTreeMap<String, String>, now: Timestamp) -> (StatusCode, Value) {
        let field = |name: &str| form.get(name).map(String::as_str);
        let refuse = |status: StatusCode, error: &str| {
            (status, json!({ "error": error, "error_description": "The request is not authorized." }))
        };
        let known = field("client_id") == Some(CLIENT_ID) && field("client_secret") == Some(CLIENT_SECRET);
        if !known || self.secret_lapsed {
            return refuse(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        let speaker = match field("grant_type") {
            Some("refresh_token") if field("refresh_token") == Some(REFRESH_TOKEN) && !self.revoked => {
                Speaker::Seller
            }
            Some("authorization_code") if self.redeems(field("code"), field("redirect_uri")) => {
                self.code = None;
                self.revoked = false;
                Speaker::Seller
            }
            Some("client_credentials") if field("scope") == Some("sellingpartnerapi::notifications") => {
                Speaker::Application
            }
            Some("refresh_token" | "authorization_code") => {
                return refuse(StatusCode::BAD_REQUEST, "invalid_grant");
            }
            _ => return refuse(StatusCode::BAD_REQUEST, "unsupported_grant_type"),
        };
        self.issued += 1;
        let token = format!("Atza|{}", self.issued);
        self.valid.insert(token.clone(), (speaker, now.checked_add(self.lasts).unwrap_or(now)));
        let mut body =
            json!({ "access_token": token, "token_type": "bearer", "expires_in": self.lasts.as_secs() });
        if speaker == Speaker::Seller {
            body["refresh_token"] = REFRESH_TOKEN.into();
        }
        (StatusCode::OK, body)
    }
}
