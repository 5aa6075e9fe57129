//! The merchant's consent, and tokens.

use std::collections::BTreeMap;

use channels::ebay::Ebay;
use channels::{ACCOUNT, Channel, Consent, ConsentAnswer, ConsentRequest, ErrorKind, Retry, Tokens};
use marketplace_sim::SimulatedShop;

use crate::bench::Bench;

#[tokio::test]
async fn consent_is_asked_for_by_the_ru_name_and_redeemed_once() {
    let mut bench = Bench::unauthorized(|options| options);
    let redirect_uri = "https://hub.example/v1/oauth/callback".parse().unwrap();
    let request = ConsentRequest { redirect_uri: &redirect_uri, state: "s t", code_challenge: "c" };
    let page = Ebay.page(&bench.shop(), &request).unwrap();
    assert_eq!(page.as_str().split('?').next(), Some("https://auth.ebay.com/oauth2/authorize"));
    let fields: BTreeMap<_, _> = page.query_pairs().into_owned().collect();
    assert_eq!(fields["redirect_uri"], bench.credentials.get("ru_name").unwrap());
    assert_eq!((fields["response_type"].as_str(), fields["state"].as_str()), ("code", "s t"));
    assert!(fields["scope"].split(' ').any(|scope| scope.ends_with("/sell.inventory")));
    assert!(!page.as_str().contains(bench.credentials.get("client_secret").unwrap()));

    let back = bench.sim.consent(&page).unwrap();
    let query: BTreeMap<String, String> = back.query_pairs().into_owned().collect();
    let answer = ConsentAnswer { query: &query, redirect_uri: &redirect_uri, code_verifier: "v" };
    let given = Ebay.redeem(&bench.shop(), &answer).await.unwrap();
    assert_ne!(given.get("refresh_token"), bench.credentials.get("refresh_token"));
    let error = Ebay.redeem(&bench.shop(), &answer).await.err().unwrap();
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthorized, Retry::Never));
    let refused = ConsentAnswer { query: &BTreeMap::new(), ..answer };
    assert_eq!(Ebay.redeem(&bench.shop(), &refused).await.err().unwrap().kind, ErrorKind::Unauthorized);

    bench.credentials = given;
    let identity = Ebay.identify(&bench.shop()).await.unwrap();
    assert_eq!(identity.currency.as_str(), "EUR");
    assert!(identity.facts.contains_key(ACCOUNT));
}

#[tokio::test]
async fn without_a_ru_name_nothing_is_asked() {
    let bench = Bench::unauthorized(|options| options);
    let mut fields: BTreeMap<String, String> = bench.sim.credentials();
    fields.remove("ru_name");
    let credentials = channels::Credentials::from_exposed(fields);
    let shop = channels::Shop { credentials: &credentials, ..bench.shop() };
    let redirect_uri = "https://hub.example/".parse().unwrap();
    let request = ConsentRequest { redirect_uri: &redirect_uri, state: "s", code_challenge: "c" };
    let error = Ebay.page(&shop, &request).unwrap_err();
    assert!(error.detail.contains("ru_name"), "{error}");
}

#[tokio::test]
async fn a_token_ends_and_its_refresh_token_does_not() {
    let mut bench = Bench::new().await;
    let refresh = bench.credentials.get("refresh_token").unwrap().to_owned();
    for _ in 0..3 {
        let end = Ebay.expires_at(&bench.credentials).unwrap();
        bench.pass(end.duration_since(bench.now()).unsigned_abs());
        assert!(Ebay.identify(&bench.shop()).await.is_ok(), "it is renewed before its end");
        bench.pass(std::time::Duration::from_secs(301));
        let error = Ebay.identify(&bench.shop()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
        bench.credentials = Ebay.refresh(&bench.shop()).await.unwrap();
        assert_eq!(bench.credentials.get("refresh_token"), Some(refresh.as_str()));
        assert!(Ebay.identify(&bench.shop()).await.is_ok());
    }
    bench.sim.revoke();
    let error = Ebay.refresh(&bench.shop()).await.err().unwrap();
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthorized, Retry::Never));
}

/// An endpoint stands in for every host; eBay's sandbox has hosts of its own.
#[tokio::test]
async fn each_call_goes_to_its_host() {
    let mut bench = Bench::new().await;
    for (endpoint, api, identity) in [
        ("https://api.ebay.com", "api.ebay.com", "apiz.ebay.com"),
        ("https://api.sandbox.ebay.com", "api.sandbox.ebay.com", "apiz.sandbox.ebay.com"),
        ("http://127.0.0.1:8080", "127.0.0.1", "127.0.0.1"),
    ] {
        bench.endpoint = endpoint.parse().unwrap();
        bench.take_exchanges();
        Ebay.identify(&bench.shop()).await.unwrap();
        Ebay.refresh(&bench.shop()).await.unwrap();
        let hosts: Vec<String> = bench
            .take_exchanges()
            .iter()
            .map(|(request, _)| request.uri().host().unwrap().to_owned())
            .collect();
        assert_eq!(hosts, [identity, api, api], "{endpoint}: the seller, the locations, the token");
    }
}

#[tokio::test]
async fn a_marketplace_that_ebay_does_not_have_is_refused() {
    let mut bench = Bench::new().await;
    bench.marketplaces = vec!["EBAY_DE".to_owned(), "EBAY_ATLANTIS".to_owned()];
    let error = Ebay.identify(&bench.shop()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Rejected);
    bench.marketplaces = Vec::new();
    assert_eq!(Ebay.identify(&bench.shop()).await.unwrap().currency.as_str(), "USD");
}
