//! Access: consent with PKCE, tokens of an hour that begin with the user's number, a refresh token that is spent by its
//! use.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use url::Url;

pub(super) const KEYSTRING: &str = "simkeystring";
pub(super) const SHARED_SECRET: &str = "simsharedsecret";
pub(super) const USER_ID: u64 = 9_001;

const ACCESS_LASTS: SignedDuration = SignedDuration::from_secs(3_600);
const REFRESH_LASTS: SignedDuration = SignedDuration::from_hours(24 * 90);

#[derive(Debug)]
pub(super) struct Tokens {
    /// Each with its end.
    access: BTreeMap<String, Timestamp>,
    refresh: Option<(String, Timestamp)>,
    /// Codes given, each with the challenge and the address that it was given for.
    codes: BTreeMap<String, (String, String)>,
    issued: u32,
    pub revoked: bool,
}

impl Tokens {
    pub fn new(now: Timestamp) -> Self {
        let mut tokens = Self {
            access: BTreeMap::new(),
            refresh: None,
            codes: BTreeMap::new(),
            issued: 0,
            revoked: false,
        };
        tokens.refresh = Some((tokens.name("refresh"), end(now, REFRESH_LASTS)));
        tokens
    }

    pub fn refresh_token(&self) -> String {
        self.refresh.as_ref().map(|(token, _)| token.clone()).unwrap_or_default()
    }

    fn name(&mut self, kind: &str) -> String {
        self.issued += 1;
        format!("{USER_ID}.{kind}-{}", self.issued)
    }

    pub fn admits(&self, token: &str, now: Timestamp) -> bool {
        !self.revoked && self.access.get(token).is_some_and(|end| now < *end)
    }

    /// The merchant agrees on the page; `None` for a page that Etsy would not show.
    pub fn consent(&mut self, page: &Url) -> Option<Url> {
        let (mut back, query) = asked(page)?;
        let code = self.name("code");
        let field = |name: &str| query.get(name).cloned().unwrap_or_default();
        self.codes.insert(code.clone(), (field("code_challenge"), field("redirect_uri")));
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &field("state"));
        Some(back)
    }

    pub fn deny(&self, page: &Url) -> Option<Url> {
        let (mut back, query) = asked(page)?;
        let state = query.get("state").cloned().unwrap_or_default();
        back.query_pairs_mut()
            .append_pair("error", "access_denied")
            .append_pair("error_description", "The user denied the request")
            .append_pair("state", &state);
        Some(back)
    }

    /// `POST /v3/public/oauth/token`.
    pub fn grant(&mut self, form: &BTreeMap<String, String>, now: Timestamp) -> (StatusCode, Value) {
        let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
        let refuse = |error: &str, text: &str| {
            (StatusCode::BAD_REQUEST, json!({ "error": error, "error_description": text }))
        };
        if field("client_id") != KEYSTRING {
            return refuse("invalid_client", "client_id is invalid");
        }
        match field("grant_type") {
            "refresh_token" => {
                let live = self.refresh.as_ref().is_some_and(|(token, end)| {
                    !self.revoked && *token == field("refresh_token") && now < *end
                });
                if !live {
                    return refuse("invalid_grant", "refresh_token is invalid");
                }
            }
            "authorization_code" => {
                let Some((challenge, address)) = self.codes.remove(field("code")) else {
                    return refuse("invalid_grant", "code is invalid");
                };
                let digest = digest::digest(&digest::SHA256, field("code_verifier").as_bytes());
                if URL_SAFE_NO_PAD.encode(digest) != challenge || field("redirect_uri") != address {
                    return refuse("invalid_grant", "code_verifier or redirect_uri do not match");
                }
                self.revoked = false;
            }
            _ => return refuse("unsupported_grant_type", "grant_type is not supported"),
        }
        let (access, refresh) = (self.name("access"), self.name("refresh"));
        self.access.insert(access.clone(), end(now, ACCESS_LASTS));
        self.refresh = Some((refresh.clone(), end(now, REFRESH_LASTS)));
        let body = json!({
            "access_token": access, "token_type": "Bearer", "expires_in": ACCESS_LASTS.as_secs(),
            "refresh_token": refresh,
        });
        (StatusCode::OK, body)
    }
}

/// Where the merchant is sent back to, and what the page was asked with.
fn asked(page: &Url) -> Option<(Url, BTreeMap<String, String>)> {
    let query: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
    let field = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let given: Vec<&str> = field("scope").split(' ').collect();
    let scopes = ["listings_r", "listings_w", "transactions_r", "transactions_w", "shops_r"];
    let shown = page.path() == "/oauth/connect"
        && field("response_type") == "code"
        && field("client_id") == KEYSTRING
        && field("code_challenge_method") == "S256"
        && !field("state").is_empty()
        && scopes.iter().all(|scope| given.contains(scope));
    let back = Url::parse(field("redirect_uri")).ok()?;
    shown.then_some((back, query))
}

fn end(now: Timestamp, lasts: SignedDuration) -> Timestamp {
    now.checked_add(lasts).unwrap_or(now)
}
