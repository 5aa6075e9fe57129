//! Access: tokens that last, that expire and are refreshed, or that an application gets for its id and secret.

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How a connection gets in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A token without end, as of the merchant's own custom application.
    Lasting,
    /// A token of an hour, and a refresh token which each use replaces.
    Expiring,
    /// A token of a day, for the application's id and secret alone.
    ClientCredentials,
}

pub(super) const CLIENT_ID: &str = "sim-client";
pub(super) const CLIENT_SECRET: &str = "shpss_simulated_secret";

#[derive(Debug)]
pub(super) struct Tokens {
    access: Access,
    /// Each with its end.
    valid: BTreeMap<String, Option<Timestamp>>,
    refresh: Option<String>,
    /// Works until the one that replaced it is used.
    refresh_before: Option<String>,
    issued: u32,
    pub revoked: bool,
}

impl Tokens {
    pub fn new(access: Access) -> Self {
        let mut tokens = Self {
            access,
            valid: BTreeMap::new(),
            refresh: None,
            refresh_before: None,
            issued: 0,
            revoked: false,
        };
        match access {
            Access::Lasting => {
                tokens.valid.insert("shpat_lasting".to_owned(), None);
            }
            Access::Expiring => tokens.refresh = Some("shprt_0".to_owned()),
            Access::ClientCredentials => {}
        }
        tokens
    }

    pub fn credentials(&self) -> BTreeMap<String, String> {
        let mut fields = BTreeMap::from([
            ("client_id".to_owned(), CLIENT_ID.to_owned()),
            ("client_secret".to_owned(), CLIENT_SECRET.to_owned()),
        ]);
        if self.access == Access::Lasting {
            fields.insert("access_token".to_owned(), "shpat_lasting".to_owned());
        }
        fields.extend(self.refresh.iter().map(|token| ("refresh_token".to_owned(), token.clone())));
        fields
    }

    pub fn admits(&self, token: Option<&str>, now: Timestamp) -> bool {
        let end = token.and_then(|token| self.valid.get(token));
        !self.revoked && end.is_some_and(|end| end.is_none_or(|end| now < end))
    }

    /// `POST /admin/oauth/access_token`.
    pub fn grant(&mut self, form: &BTreeMap<String, String>, now: Timestamp) -> (StatusCode, Value) {
        let field = |name: &str| form.get(name).map(String::as_str);
        let refuse = |error: &str, description: &str| {
            (StatusCode::BAD_REQUEST, json!({ "error": error, "error_description": description }))
        };
        if self.revoked
            || field("client_id") != Some(CLIENT_ID)
            || field("client_secret") != Some(CLIENT_SECRET)
        {
            return refuse("application_cannot_be_found", "The application could not be found.");
        }
        match (field("grant_type"), self.access) {
            (Some("refresh_token"), Access::Expiring) => {
                let given = field("refresh_token");
                if given.is_none() {
                    return refuse("invalid_request", "The refresh token is missing.");
                }
                if given == self.refresh.as_deref() {
                    self.refresh_before = self.refresh.take();
                } else if given != self.refresh_before.as_deref() {
                    return refuse("invalid_request", "The refresh token is not valid any more.");
                }
                let token = self.issue(SignedDuration::from_hours(1), now);
                let refresh = format!("shprt_{}", self.issued);
                self.refresh = Some(refresh.clone());
                let body = json!({
                    "access_token": token, "expires_in": 3600, "scope": "read_products,write_inventory",
                    "refresh_token": refresh, "refresh_token_expires_in": 7_776_000,
                });
                (StatusCode::OK, body)
            }
            (Some("client_credentials"), Access::ClientCredentials) => {
                let token = self.issue(SignedDuration::from_hours(24), now);
                let body = json!({ "access_token": token, "expires_in": 86_399, "scope": "read_products" });
                (StatusCode::OK, body)
            }
            _ => refuse("unsupported_grant_type", "This application may not use this grant."),
        }
    }

    fn issue(&mut self, lasts: SignedDuration, now: Timestamp) -> String {
        self.issued += 1;
        let token = format!("shpat_{}", self.issued);
        self.valid.insert(token.clone(), now.checked_add(lasts).ok());
        token
    }
}
