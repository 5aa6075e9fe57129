//! Access: consent with PKCE, tokens of an hour that begin with the user's number, a refresh token that is spent by its
//! use.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

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

    /// The merchant consents on the page at `query`; what the merchant comes back with.
    pub fn consent(
        &mut self,
        query: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, &'static str> {
        let field = |name: &str| query.get(name).cloned().unwrap_or_default();
        let scopes = field("scope");
        let missing = ["listings_r", "listings_w", "transactions_r", "transactions_w", "shops_r"]
            .iter()
            .any(|scope| !scopes.split(' ').any(|given| given == *scope));
        if field("response_type") != "code"
            || field("client_id") != KEYSTRING
            || field("code_challenge_method") != "S256"
            || field("state").is_empty()
            || missing
        {
            return Err("the page is not asked as Etsy asks for");
        }
        let code = self.name("code");
        self.codes.insert(code.clone(), (field("code_challenge"), field("redirect_uri")));
        Ok(BTreeMap::from([("code".to_owned(), code), ("state".to_owned(), field("state"))]))
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

fn end(now: Timestamp, lasts: SignedDuration) -> Timestamp {
    now.checked_add(lasts).unwrap_or(now)
}
