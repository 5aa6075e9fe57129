//! The merchant's consent: what only Shopify has.

use channels::{Consent, ConsentAnswer, ConsentRequest};

use super::*;

const CALLBACK: &str = "https://sync.example/v1/oauth/callback";

fn page(bench: &Bench) -> Url {
    let redirect_uri = CALLBACK.parse().unwrap();
    let request = ConsentRequest { redirect_uri: &redirect_uri, state: "state-1", code_challenge: "unused" };
    Shopify.page(&bench.shop(), &request).unwrap()
}

async fn redeem(bench: &Bench, back: &Url) -> Result<Credentials, String> {
    let query = back.query_pairs().into_owned().collect();
    let redirect_uri = CALLBACK.parse().unwrap();
    let answer = ConsentAnswer { query: &query, redirect_uri: &redirect_uri, code_verifier: "unused" };
    Shopify.redeem(&bench.shop(), &answer).await.map_err(|error| error.detail)
}

#[test]
fn the_page_is_the_shop_s_own_and_names_what_is_asked_for() {
    let page = page(&Bench::new());
    assert_eq!(page.host_str(), Some("simulated.myshopify.com"));
    assert_eq!(page.path(), "/admin/oauth/authorize");
    let query: BTreeMap<String, String> = page.query_pairs().into_owned().collect();
    assert_eq!(query.keys().collect::<Vec<_>>(), ["client_id", "redirect_uri", "scope", "state"]);
    let scopes: Vec<&str> = query["scope"].split(',').collect();
    for needed in ["write_inventory", "read_orders", "write_merchant_managed_fulfillment_orders"] {
        assert!(scopes.contains(&needed), "{scopes:?}");
    }
}

#[tokio::test]
async fn consent_gives_a_token_that_ends_and_keeps_the_chosen_location() {
    let mut bench = Bench::new();
    bench.credentials = bench.credentials.clone().with("location_id", "501");
    let back = bench.sim.consent(&page(&bench)).unwrap();
    let credentials = redeem(&bench, &back).await.unwrap();
    let fields: Vec<&str> = credentials.expose().into_keys().collect();
    let expected = [
        "access_token",
        "access_token_expires_at",
        "client_id",
        "client_secret",
        "location_id",
        "refresh_token",
    ];
    assert_eq!(fields, expected);
    assert!(Shopify.expires_at(&credentials).is_some_and(|end| end > bench.now()));
    bench.credentials = credentials;
    assert_eq!(Shopify.identify(&bench.shop()).await.unwrap().facts["location_id"], "501");
}

#[tokio::test]
async fn only_what_shopify_signed_for_this_shop_is_redeemed() {
    let bench = Bench::new();
    let page = page(&bench);
    let mut other = page.clone();
    other.set_host(Some("other.myshopify.com")).unwrap();
    let other = bench.sim.consent(&other).unwrap();
    assert_eq!(redeem(&bench, &other).await.unwrap_err(), "the merchant consented for another shop");
    let genuine = bench.sim.consent(&page).unwrap();
    for (from, to) in [("code=code", "code=c0de"), ("state=state-1", "state=state-2"), ("hmac=", "hmac=0")] {
        let forged = genuine.as_str().replace(from, to);
        assert_ne!(forged, genuine.as_str());
        let refused = redeem(&bench, &forged.parse().unwrap()).await.unwrap_err();
        assert_eq!(refused, "the way back is not signed by Shopify", "{from}");
    }
    let denied = bench.sim.deny(&page).unwrap();
    assert_eq!(redeem(&bench, &denied).await.unwrap_err(), "the merchant did not consent");
    assert!(redeem(&bench, &genuine).await.is_ok());
}

#[tokio::test]
async fn a_location_that_is_not_the_shop_s_is_refused() {
    let mut bench = Bench::new();
    for (chosen, right) in [("501", true), ("500", false), ("499", false), ("7", false)] {
        bench.credentials = bench.credentials.clone().with("location_id", chosen);
        let identity = Shopify.identify(&bench.shop()).await;
        assert_eq!(identity.is_ok(), right, "{chosen}");
    }
}
