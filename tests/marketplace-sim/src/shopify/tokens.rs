//! Access: tokens that last, that expire and are refreshed, or that an application gets for its id and secret.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;

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
    /// Codes of consent that were not redeemed yet.
    codes: BTreeSet<String>,
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
            codes: BTreeSet::new(),
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
        let known = field("client_id") == Some(CLIENT_ID) && field("client_secret") == Some(CLIENT_SECRET);
        if let (true, Some(code)) = (known, field("code")) {
            return match self.codes.remove(code) {
                true => (StatusCode::OK, self.redeem(field("expiring") == Some("1"), now)),
                false => {
                    refuse("invalid_request", "The authorization code was not found or was already used")
                }
            };
        }
        if self.revoked || !known {
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
                (StatusCode::OK, self.expiring(now))
            }
            (Some("client_credentials"), Access::ClientCredentials) => {
                let token = self.issue(SignedDuration::from_hours(24), now);
                let body = json!({ "access_token": token, "expires_in": 86_399, "scope": "read_products" });
                (StatusCode::OK, body)
            }
            _ => refuse("unsupported_grant_type", "This application may not use this grant."),
        }
    }

    fn expiring(&mut self, now: Timestamp) -> Value {
        let token = self.issue(SignedDuration::from_hours(1), now);
        let refresh = format!("shprt_{}", self.issued);
        self.refresh = Some(refresh.clone());
        json!({
            "access_token": token, "expires_in": 3600, "scope": "read_products,write_inventory",
            "refresh_token": refresh, "refresh_token_expires_in": 7_776_000,
        })
    }

    /// The merchant has consented anew: what was revoked is no longer.
    fn redeem(&mut self, expiring: bool, now: Timestamp) -> Value {
        self.revoked = false;
        self.valid.clear();
        (self.refresh, self.refresh_before) = (None, None);
        if expiring {
            self.access = Access::Expiring;
            return self.expiring(now);
        }
        self.access = Access::Lasting;
        self.issued += 1;
        let token = format!("shpat_{}", self.issued);
        self.valid.insert(token.clone(), None);
        json!({ "access_token": token, "scope": "read_products,write_inventory" })
    }

    /// Where the page of consent sends the merchant who agreed, or did not: signed, in both cases, with the secret.
    /// `None` for a page that Shopify would not show.
    pub fn way_back(&mut self, page: &Url, consents: bool, now: Timestamp) -> Option<Url> {
        let asked: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
        let right = page.path().ends_with("/admin/oauth/authorize")
            && asked.get("client_id").map(String::as_str) == Some(CLIENT_ID)
            && asked.get("scope").is_some_and(|scope| !scope.is_empty());
        let mut back: Url = asked.get("redirect_uri").filter(|_| right)?.parse().ok()?;
        let shop = page.host_str()?;
        let mut told = BTreeMap::from([
            ("host", STANDARD_NO_PAD.encode(format!("{shop}/admin"))),
            ("shop", shop.to_owned()),
            ("timestamp", now.as_second().to_string()),
        ]);
        told.extend(asked.get("state").map(|state| ("state", state.clone())));
        if consents {
            self.issued += 1;
            let code = format!("code_{}", self.issued);
            self.codes.insert(code.clone());
            told.insert("code", code);
        } else {
            told.insert("error", "access_denied".to_owned());
        }
        let mut signed = url::form_urlencoded::Serializer::new(String::new());
        signed.extend_pairs(&told);
        let key = hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
        let signature = hmac::sign(&key, signed.finish().as_bytes());
        let signature: String = signature.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        back.query_pairs_mut().extend_pairs(&told).append_pair("hmac", &signature);
        Some(back)
    }

    fn issue(&mut self, lasts: SignedDuration, now: Timestamp) -> String {
        self.issued += 1;
        let token = format!("shpat_{}", self.issued);
        self.valid.insert(token.clone(), now.checked_add(lasts).ok());
        token
    }
}
