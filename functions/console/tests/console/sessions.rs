//! Who gets in, how long, and what a form must bring.

use app::organization::SCOPES;
use secrecy::ExposeSecret;
use store::api_key::Scope;

use crate::browser::{Browser, key_of};
use crate::world::World;

#[tokio::test]
async fn a_key_becomes_a_session_that_scripts_cannot_read() {
    let world = World::new().await;
    let stranger = Browser::stranger(&world);
    let asked = stranger.get("/orders?q=7").await;
    assert_eq!((asked.status, asked.header("location")), (303, "/sign-in?next=%2Forders%3Fq%3D7"));
    let page = stranger.get(asked.header("location")).await;
    page.ok().shows("name=\"next\" value=\"/orders?q=7\"");
    let refused = stranger.post_bare("/sign-in", &[("key", "ms_wrong"), ("next", "/orders")]).await;
    assert_eq!(refused.status, 401);
    assert!(refused.shows("opens nothing").cookie("session").is_none());
    let let_in = stranger.post_bare("/sign-in", &[("key", &world.key), ("next", "/orders")]).await;
    assert_eq!((let_in.status, let_in.header("location")), (303, "/orders"));
    let cookie = let_in.header("set-cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    assert!(!cookie.contains("Secure") && !cookie.contains(&world.key), "{cookie}");
}

#[tokio::test]
async fn behind_tls_the_cookie_is_of_this_host_alone() {
    let world = World::new().await;
    let stranger = Browser::stranger(&world);
    let tls = [("x-forwarded-proto", "https")];
    let answer = stranger.send("POST", "/sign-in", Some(&[("key", &world.key)]), &tls).await;
    assert!(answer.header("set-cookie").starts_with("__Host-session="), "{answer:?}");
    assert!(answer.header("set-cookie").ends_with("; Secure"));
    assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn a_session_ends_with_its_time_its_key_and_its_sign_out() {
    let world = World::new().await;
    let organization = &world.organization;
    let all = SCOPES.into();
    let issued = world.app.create_api_key(organization, &all, key_of("Second", SCOPES.into())).await.unwrap();
    let by_second = Browser::signed_in_with(&world, issued.secret.expose_secret()).await;
    by_second.get("/").await.ok();
    world.app.delete_api_key(organization, &issued.key.id).await.unwrap();
    assert_eq!(by_second.get("/").await.status, 303);

    let browser = Browser::signed_in(&world).await;
    browser.post("/sign-out", &[]).await.shows("Sign in");
    assert_eq!(browser.get("/").await.status, 303);

    let browser = Browser::signed_in(&world).await;
    world.clock.advance_hours(11);
    browser.get("/").await.ok();
    world.clock.advance_hours(2);
    assert_eq!(browser.get("/").await.status, 303);
}

#[tokio::test]
async fn no_form_is_taken_without_the_session_s_token() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    let fields = [("name", "Annex"), ("kind", "warehouse")];
    for forged in [
        browser.post_bare("/stock/locations", &fields).await,
        browser.post_bare("/stock/locations", &[("csrf", "0"), ("name", "Annex")]).await,
    ] {
        assert_eq!(forged.status, 403);
    }
    let other = Browser::signed_in(&world).await;
    let token = other.get("/").await.between("name=\"csrf\" value=\"", "\"");
    let stolen = browser.post_bare("/stock/locations", &[("csrf", &token), ("name", "Annex")]).await;
    assert_eq!(stolen.status, 403);
    let own = browser.get("/").await.between("name=\"csrf\" value=\"", "\"");
    let elsewhere = [("sec-fetch-site", "cross-site")];
    let form = [("csrf", own.as_str()), ("name", "Annex")];
    assert_eq!(browser.send("POST", "/stock/locations", Some(&form), &elsewhere).await.status, 403);
    let sign_in = [("key", world.key.as_str())];
    assert_eq!(browser.send("POST", "/sign-in", Some(&sign_in), &elsewhere).await.status, 403);
    browser.get("/stock/locations").await.hides("Annex");
    browser.post("/stock/locations", &fields).await.ok().shows("Annex");
}

#[tokio::test]
async fn a_key_that_may_only_look_changes_nothing() {
    let world = World::new().await;
    let all = SCOPES.into();
    let issued = world
        .app
        .create_api_key(&world.organization, &all, key_of("Looks", [Scope::Read].into()))
        .await
        .unwrap();
    let item = world.item("MUG").await;
    let browser = Browser::signed_in_with(&world, issued.secret.expose_secret()).await;
    browser.get(&format!("/items/{item}")).await.ok().hides("Push stock").hides("/edit");
    for path in [
        "/stock/locations".to_owned(),
        format!("/items/{item}/push"),
        "/items/new".to_owned(),
        "/stock/rules".to_owned(),
        "/connections/new/woocommerce".to_owned(),
    ] {
        assert_eq!(browser.post(&path, &[]).await.status, 403, "{path}");
    }
}

#[tokio::test]
async fn another_organization_s_pages_are_not_there() {
    let world = World::new().await;
    let item = world.item("MUG").await;
    let connection = world.connect().await;
    let (_, key) = world.new_organization("EUR").await;
    let browser = Browser::signed_in_with(&world, &key).await;
    for path in [format!("/items/{item}"), format!("/connections/{connection}"), "/items/rubbish".to_owned()]
    {
        assert_eq!(browser.get(&path).await.status, 404, "{path}");
    }
}
