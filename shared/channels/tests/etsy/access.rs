//! Consent, tokens, who is there.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use channels::etsy::Etsy;
use channels::{ACCOUNT, Channel, Consent, ConsentAnswer, ConsentRequest, ErrorKind, Tokens};
use marketplace_sim::SimulatedShop;
use url::Url;

use crate::bench::Bench;

const VERIFIER: &str = "vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv";

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, VERIFIER.as_bytes()))
}

fn callback() -> Url {
    "https://sync.example/v1/oauth/callback".parse().unwrap()
}

fn page(bench: &Bench) -> Url {
    let (callback, challenge) = (callback(), challenge());
    let request = ConsentRequest { redirect_uri: &callback, state: "st-1", code_challenge: &challenge };
    Etsy.page(&bench.shop(), &request).unwrap()
}

/// The query that the merchant comes back with.
fn answered(back: Option<Url>) -> BTreeMap<String, String> {
    let back = back.unwrap();
    assert!(back.as_str().starts_with(callback().as_str()));
    back.query_pairs().into_owned().collect()
}

#[tokio::test]
async fn the_merchant_consents_and_the_code_is_worth_credentials_once() {
    let bench = Bench::new().await;
    let page = page(&bench);
    assert_eq!((page.host_str(), page.path()), (Some("www.etsy.com"), "/oauth/connect"));
    let query = answered(bench.sim.consent(&page));
    assert_eq!(query["state"], "st-1");
    let callback = callback();
    let answer = |verifier| ConsentAnswer { query: &query, redirect_uri: &callback, code_verifier: verifier };
    let credentials = Etsy.redeem(&bench.shop(), &answer(VERIFIER)).await.unwrap();
    assert!(credentials.get("refresh_token") != bench.credentials.get("refresh_token"));
    assert!(Etsy.expires_at(&credentials).is_some_and(|end| end > bench.now()));
    let again = Etsy.redeem(&bench.shop(), &answer(VERIFIER)).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn another_verifier_and_a_refusal_are_worth_nothing() {
    let bench = Bench::new().await;
    let query = answered(bench.sim.consent(&page(&bench)));
    let callback = callback();
    let wrong = ConsentAnswer { query: &query, redirect_uri: &callback, code_verifier: "other" };
    assert_eq!(Etsy.redeem(&bench.shop(), &wrong).await.unwrap_err().kind, ErrorKind::Unauthorized);
    let denied = answered(bench.sim.deny(&page(&bench)));
    assert_eq!(denied["error"], "access_denied");
    let denied = ConsentAnswer { query: &denied, redirect_uri: &callback, code_verifier: VERIFIER };
    assert_eq!(Etsy.redeem(&bench.shop(), &denied).await.unwrap_err().kind, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn a_refresh_token_is_spent_by_its_use() {
    let bench = Bench::new().await;
    let renewed = Etsy.refresh(&bench.shop()).await.unwrap();
    assert!(renewed.get("refresh_token") != bench.credentials.get("refresh_token"));
    let spent = Etsy.refresh(&bench.shop()).await.unwrap_err();
    assert_eq!(spent.kind, ErrorKind::Unauthorized);
}

#[tokio::test]
async fn an_hour_later_the_token_is_refused_and_can_be_renewed() {
    let mut bench = Bench::new().await;
    bench.pass(std::time::Duration::from_secs(3_600));
    assert!(Etsy.expires_at(&bench.credentials).is_some_and(|end| end < bench.now()));
    assert_eq!(Etsy.identify(&bench.shop()).await.unwrap_err().kind, ErrorKind::Unauthorized);
    bench.credentials = Etsy.refresh(&bench.shop()).await.unwrap();
    assert!(Etsy.identify(&bench.shop()).await.is_ok());
}

#[tokio::test]
async fn the_shop_is_found_by_its_token() {
    let mut bench = Bench::new().await;
    let identity = Etsy.identify(&bench.shop()).await.unwrap();
    assert_eq!(identity.facts.get(ACCOUNT), Some(&bench.sim.shop_id().to_string()));
    assert_eq!((identity.currency.as_str(), identity.name.as_str()), ("USD", "FictionalOutfitters"));
    let own = bench.sim.shop_id().to_string();
    bench.credentials = bench.credentials.clone().with("shop_id", own);
    assert!(Etsy.identify(&bench.shop()).await.is_ok());
    bench.credentials = bench.credentials.clone().with("shop_id", "7");
    assert_eq!(Etsy.identify(&bench.shop()).await.unwrap_err().kind, ErrorKind::Rejected);
}

#[tokio::test]
async fn the_key_alone_is_refused() {
    let mut bench = Bench::new().await;
    bench.credentials = bench.credentials.clone().with("client_secret", "another");
    let error = Etsy.identify(&bench.shop()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden);
    assert!(!format!("{error:?}").contains("another:"), "{error:?}");
    let sent = bench.transport.exchanges.lock().unwrap();
    let key = sent.last().unwrap().0.headers()["x-api-key"].to_str().unwrap().to_owned();
    assert_eq!(key, "simkeystring:another");
}
