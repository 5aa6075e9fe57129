//! API keys: made with scopes, shown once, revoked.

use app::organization::SCOPES;
use domain::audit::AuditAction;
use secrecy::ExposeSecret;
use store::api_key::Scope;

use crate::browser::{Browser, key_of};
use crate::world::World;

#[tokio::test]
async fn a_key_is_shown_once_opens_what_it_may_and_ends_when_it_is_revoked() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    browser.get("/keys").await.ok().shows("this session").shows("value=\"pii\"");
    let fields = [("name", "Bookkeeping"), ("scope", "read"), ("scope", "pii")];
    let made = browser.post("/keys", &fields).await;
    made.ok().shows("Your new key").shows("Bookkeeping");
    let secret = made.between("<input class=\"secret\" value=\"", "\"");
    assert!(secret.starts_with("ms_"));
    browser.get("/keys").await.ok().shows("Bookkeeping").hides(&secret);
    let other = Browser::signed_in_with(&world, &secret).await;
    other.get("/").await.ok();
    assert_eq!(other.get("/keys").await.status, 403);
    let keys = world.app.store.api_keys(&world.organization).await.unwrap();
    let id = keys.iter().find(|key| key.name == "Bookkeeping").unwrap().id.to_string();
    browser.post(&format!("/keys/{id}/revoke"), &[]).await.ok().shows("Revoked").hides("Bookkeeping");
    assert_eq!(other.get("/").await.status, 303);
    let page = store::PageRequest { limit: 2, cursor: None };
    let noted = world.app.store.audits(&world.organization, &page).await.unwrap().data;
    let noted: Vec<_> = noted.into_iter().map(|one| (one.action, one.object)).collect();
    let expected = [AuditAction::ApiKeyDeleted, AuditAction::ApiKeyCreated];
    assert_eq!(noted, expected.map(|action| (action, id.clone())));
}

#[tokio::test]
async fn nobody_gives_what_they_do_not_have_and_the_last_admin_stays() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    let refused = browser.post("/keys", &[("name", "None")]).await;
    refused.ok().shows("role=\"alert\"").shows("value=\"None\"");
    let all = SCOPES.into();
    let scopes = [Scope::Read, Scope::Admin].into();
    let issued = world.app.create_api_key(&world.organization, &all, key_of("Second", scopes)).await.unwrap();
    let second = Browser::signed_in_with(&world, issued.secret.expose_secret()).await;
    second.get("/keys").await.ok().hides("value=\"pii\"");
    second.post("/keys", &[("name", "More"), ("scope", "pii")]).await.shows("role=\"alert\"").hides("ms_");
    let keys = world.app.store.api_keys(&world.organization).await.unwrap();
    let first = keys.iter().find(|key| key.name != "Second").unwrap().id.to_string();
    second.post(&format!("/keys/{first}/revoke"), &[]).await.ok().shows("Revoked");
    let own = format!("/keys/{}/revoke", issued.key.id);
    second.post(&own, &[]).await.ok().shows("No key with the scope admin");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_key() {
    let world = World::new().await;
    let browser = Browser::signed_in(&world).await;
    let once = browser.get("/keys").await.between("name=\"once\" value=\"", "\"");
    let fields = [("name", "Till"), ("scope", "read"), ("once", once.as_str())];
    let refused = browser.post("/keys", &[("name", "Till"), ("once", once.as_str())]).await;
    refused.shows("role=\"alert\"").shows(&format!("name=\"once\" value=\"{once}\""));
    let made = browser.post("/keys", &fields).await;
    let secret = made.ok().between("<input class=\"secret\" value=\"", "\"");
    let again = browser.post("/keys", &fields).await;
    again.ok().shows("made one key").shows("made by this form").hides("class=\"secret\"").hides(&secret);
    assert_ne!(again.between("name=\"once\" value=\"", "\""), once, "the next form is another");
    let keys = world.app.store.api_keys(&world.organization).await.unwrap();
    let tills: Vec<_> = keys.iter().filter(|key| key.name == "Till").collect();
    assert_eq!(tills.len(), 1);
    assert_eq!(tills[0].id.body(), once);
    Browser::signed_in_with(&world, &secret).await.get("/").await.ok();
    let page = store::PageRequest { limit: 9, cursor: None };
    assert_eq!(world.app.store.audits(&world.organization, &page).await.unwrap().data.len(), 1);
}
