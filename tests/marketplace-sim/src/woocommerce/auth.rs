//! Who calls: Basic or the query over https, OAuth 1.0a over http.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;

use super::Context;
use super::answer::Refusal;
use super::query::Query;

/// How far an OAuth timestamp may be from the shop's clock, in seconds.
const SKEW_MAX_S: i64 = 15 * 60;

impl Context<'_> {
    /// Refuses whoever may not read and write.
    pub fn authorize(&mut self, request: &Request<Bytes>, query: &Query) -> Result<(), Refusal> {
        let unknown =
            || Refusal::new(401, "woocommerce_rest_cannot_view", "Sorry, you cannot list resources.");
        if self.state.revoked {
            return Err(unknown());
        }
        if request.uri().scheme_str() == Some("https") {
            let (key, secret) = plain_credentials(request, query).ok_or_else(unknown)?;
            return match (key == self.options.consumer_key, secret == self.options.consumer_secret) {
                (false, _) => Err(unknown()),
                (true, false) => Err(refused("Consumer secret is invalid.")),
                (true, true) => Ok(()),
            };
        }
        let field = |name: &str| query.get(name).unwrap_or_default();
        match field("oauth_consumer_key") {
            "" => return Err(unknown()),
            key if key != self.options.consumer_key => return Err(refused("Consumer key is invalid.")),
            _ => {}
        }
        if self.signature(request, query) != field("oauth_signature") {
            return Err(refused("Invalid signature - provided signature does not match."));
        }
        let sent_at: i64 = field("oauth_timestamp").parse().unwrap_or(0);
        if (sent_at - self.now.as_second()).abs() > SKEW_MAX_S {
            return Err(refused("Invalid timestamp."));
        }
        if !self.state.nonces.insert(field("oauth_nonce").to_owned()) {
            return Err(refused("Invalid nonce - nonce has already been used."));
        }
        Ok(())
    }

    fn signature(&self, request: &Request<Bytes>, query: &Query) -> String {
        let host = request.uri().authority().map(|authority| authority.as_str());
        let host = host.or_else(|| request.headers().get("host")?.to_str().ok()).unwrap_or_default();
        let address = format!("http://{host}{}", request.uri().path());
        let mut pairs: Vec<String> = query
            .0
            .iter()
            .filter(|(name, _)| name != "oauth_signature")
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        pairs.sort();
        let base = [request.method().as_str(), &encoded(&address), &encoded(&pairs.join("&"))].join("&");
        let key = hmac::Key::new(hmac::HMAC_SHA256, format!("{}&", self.options.consumer_secret).as_bytes());
        STANDARD.encode(hmac::sign(&key, base.as_bytes()))
    }
}

fn refused(message: &str) -> Refusal {
    Refusal::new(401, "woocommerce_rest_authentication_error", message)
}

fn plain_credentials(request: &Request<Bytes>, query: &Query) -> Option<(String, String)> {
    if let Some(basic) = request.headers().get("authorization") {
        let decoded = STANDARD.decode(basic.to_str().ok()?.strip_prefix("Basic ")?).ok()?;
        let (key, secret) =
            String::from_utf8(decoded).ok()?.split_once(':').map(|(k, s)| (k.to_owned(), s.to_owned()))?;
        return Some((key, secret));
    }
    Some((query.get("consumer_key")?.to_owned(), query.get("consumer_secret")?.to_owned()))
}

/// As PHP's `rawurlencode`.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
