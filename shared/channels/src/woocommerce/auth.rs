//! How a request is made ours: Basic over https, OAuth 1.0a without a token (one-legged, HMAC-SHA256) over http.
//!
//! A shop takes Basic over https alone; over http it answers 401 to it. Which of the two is used follows the scheme of the
//! shop's address; whether http may be spoken at all is the transport's policy.

use aws_lc_rs::{hmac, rand};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Timestamp;

use crate::Credentials;

mod consent;

/// One query parameter, not yet encoded.
pub(super) type Parameter = (String, String);

/// The value of an `Authorization` header.
pub(super) fn basic(credentials: &Credentials) -> String {
    let (key, secret) = key_and_secret(credentials);
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}

/// The query with the parameters that sign it. `address` is the request's own, without query.
pub(super) fn oauth1(
    credentials: &Credentials,
    method: &str,
    address: &str,
    query: Vec<Parameter>,
    nonce: &str,
    now: Timestamp,
) -> Vec<Parameter> {
    let (key, secret) = key_and_secret(credentials);
    let mut signed = query;
    let mut with = |name: &str, value: String| signed.push((name.to_owned(), value));
    with("oauth_consumer_key", key.to_owned());
    with("oauth_nonce", nonce.to_owned());
    with("oauth_signature_method", "HMAC-SHA256".to_owned());
    with("oauth_timestamp", now.as_second().to_string());
    let mut pairs: Vec<(String, String)> =
        signed.iter().map(|(name, value)| (encoded(name), encoded(value))).collect();
    pairs.sort();
    let parameters =
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let base = format!("{method}&{}&{}", encoded(address), encoded(&parameters));
    let signing = hmac::Key::new(hmac::HMAC_SHA256, format!("{secret}&").as_bytes());
    signed.push(("oauth_signature".to_owned(), STANDARD.encode(hmac::sign(&signing, base.as_bytes()))));
    signed
}

/// A number used once: the shop refuses one that it has seen in the last 15 minutes.
pub(super) fn nonce() -> Result<String, aws_lc_rs::error::Unspecified> {
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A query string, encoded as RFC 3986 has it, which is what the signature is made over.
pub(super) fn query_string(query: &[Parameter]) -> String {
    query
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
        .collect::<Vec<_>>()
        .join("&")
}

fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn key_and_secret(credentials: &Credentials) -> (&str, &str) {
    let of = |field| credentials.get(field).unwrap_or_default();
    (of("consumer_key"), of("consumer_secret"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials() -> Credentials {
        Credentials::default().with("consumer_key", "ck_test").with("consumer_secret", "cs_test")
    }

    #[test]
    fn the_signature_that_a_real_shop_took_comes_out_again() {
        let query = [("per_page", "1"), ("orderby", "id"), ("order", "asc"), ("_fields", "id,sku")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let signed = oauth1(
            &credentials(),
            "GET",
            "http://shop.example/wp-json/wc/v3/products",
            query,
            "n462867143221",
            Timestamp::from_second(1_795_291_221).unwrap(),
        );
        let signature = signed.iter().find(|(name, _)| name == "oauth_signature").unwrap();
        assert_eq!(signature.1, "lIpFWDxtoMfM21L8uVtPv/CX9AeLYz5nEjlxc+qVKmo=");
    }

    #[test]
    fn basic_is_key_and_secret() {
        assert_eq!(basic(&credentials()), "Basic Y2tfdGVzdDpjc190ZXN0");
    }

    #[test]
    fn a_query_is_encoded_as_the_signature_reads_it() {
        let query = [("a b".to_owned(), "Größe/+ '1'~".to_owned())];
        assert_eq!(query_string(&query), "a%20b=Gr%C3%B6%C3%9Fe%2F%2B%20%271%27~");
    }

    #[test]
    fn no_two_nonces_are_alike() {
        assert_ne!(nonce().unwrap(), nonce().unwrap());
    }
}
