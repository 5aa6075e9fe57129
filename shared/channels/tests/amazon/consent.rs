//! Consent, tokens, and whose account it is.

use std::collections::BTreeMap;
use std::time::Duration;

use channels::amazon::Amazon;
use channels::{
    ACCOUNT, Channel, Consent, ConsentAnswer, ConsentRequest, Credentials, ErrorKind, Retry, Tokens,
};
use marketplace_sim::SimulatedShop;
use url::Url;

use crate::stage::Stage;

fn without(credentials: &Credentials, gone: &[&str]) -> Credentials {
    let fields = credentials.expose().into_iter().filter(|(field, _)| !gone.contains(field));
    Credentials::from_exposed(fields.map(|(field, value)| (field.to_owned(), value.to_owned())).collect())
}

/// From the page of consent to credentials that work.
#[tokio::test]
async fn a_seller_who_consents_is_connected() {
    let mut stage = Stage::cold(|sim| sim);
    stage.credentials = without(&stage.credentials, &["refresh_token", "selling_partner_id"]);
    let callback: Url = "https://hub.example/v1/oauth/callback".parse().unwrap();
    let request = ConsentRequest { redirect_uri: &callback, state: "s t", code_challenge: "unused" };
    let page = Amazon.page(&stage.shop(), &request).unwrap();
    assert_eq!(page.origin().ascii_serialization(), "https://sellercentral.amazon.com");
    assert_eq!(page.path(), "/apps/authorize/consent");
    let asked: BTreeMap<_, _> = page.query_pairs().into_owned().collect();
    assert_eq!((asked["state"].as_str(), asked["application_id"].as_str()), ("s t", "amzn1.sp.solution.sim"));
    let back = stage.sim.consent(&page).unwrap();
    let query: BTreeMap<String, String> = back.query_pairs().into_owned().collect();
    let answer = ConsentAnswer { query: &query, redirect_uri: &callback, code_verifier: "unused" };
    stage.credentials = Amazon.redeem(&stage.shop(), &answer).await.unwrap();
    let identity = Amazon.identify(&stage.shop()).await.unwrap();
    assert_eq!(identity.facts.get(ACCOUNT).map(String::as_str), Some("A3TH9S8BH6GOGM.na"));
    let refused = ConsentAnswer { query: &BTreeMap::new(), ..answer };
    let error = Amazon.redeem(&stage.shop(), &refused).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized);
}

/// The page is the leading marketplace's own.
#[tokio::test]
async fn each_marketplace_has_its_page_and_its_host() {
    let mut stage = Stage::cold(|sim| sim);
    let callback: Url = "https://hub.example/cb".parse().unwrap();
    let request = ConsentRequest { redirect_uri: &callback, state: "s", code_challenge: "c" };
    for (id, host) in [
        ("A1F83G8C2ARO7P", "https://sellercentral-europe.amazon.com"),
        ("A21TJRUUN4KGV", "https://sellercentral.amazon.in"),
    ] {
        stage.marketplaces = vec![id.to_owned()];
        let page = Amazon.page(&stage.shop(), &request).unwrap();
        assert_eq!(page.origin().ascii_serialization(), host);
    }
    stage.credentials = without(&stage.credentials, &["application_id"]);
    assert_eq!(Amazon.page(&stage.shop(), &request).unwrap_err().kind, ErrorKind::Rejected);
}

/// A token ends after an hour, and its successor works.
#[tokio::test]
async fn a_token_that_ended_is_refused_and_renewed() {
    let mut stage = Stage::new().await;
    Amazon.identify(&stage.shop()).await.unwrap();
    stage.pass(Duration::from_secs(3_600));
    assert!(Amazon.expires_at(&stage.credentials).unwrap() < stage.now());
    assert_eq!(Amazon.identify(&stage.shop()).await.unwrap_err().kind, ErrorKind::Unauthorized);
    stage.renew().await.unwrap();
    Amazon.identify(&stage.shop()).await.unwrap();
    stage.sim.revoke();
    let error = stage.renew().await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Unauthorized, Retry::Never));
}

/// A secret that the operator let lapse is no merchant's fault: nobody has to consent again.
#[tokio::test]
async fn a_lapsed_secret_takes_no_consent_away() {
    let mut stage = Stage::new().await;
    stage.sim.let_secret_lapse();
    let error = stage.renew().await.unwrap_err();
    assert_eq!((error.kind, error.retry), (ErrorKind::Forbidden, Retry::Backoff));
    assert!(error.detail.contains("180 days"), "{error}");
}

/// Marketplaces of one region are one connection, led by the first; others are refused with the reason.
#[tokio::test]
async fn the_leading_marketplace_names_the_account() {
    let mut stage = Stage::with(|sim| sim.in_marketplaces(&["A1F83G8C2ARO7P", "A21TJRUUN4KGV"])).await;
    stage.marketplaces = vec!["A21TJRUUN4KGV".to_owned(), "A1F83G8C2ARO7P".to_owned()];
    let identity = Amazon.identify(&stage.shop()).await.unwrap();
    assert_eq!(identity.facts[ACCOUNT], "A3TH9S8BH6GOGM.eu");
    for (ids, reason) in [
        (&["A21TJRUUN4KGV", "ATVPDKIKX0DER"][..], "of different regions"),
        (&["A1PA6795UKMFR9"], "does not sell in the marketplace of DE"),
        (&["NOWHERE"], "not the id of a marketplace"),
    ] {
        stage.marketplaces = ids.iter().map(|id| (*id).to_owned()).collect();
        let error = Amazon.identify(&stage.shop()).await.unwrap_err();
        assert!(error.kind == ErrorKind::Rejected && error.detail.contains(reason), "{error}");
    }
}
