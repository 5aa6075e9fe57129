//! API keys: made with scopes, shown once, revoked.

use app::organization::SCOPES;
use domain::audit::AuditAction;
use secrecy::ExposeSecret;
use store::api_key::Scope;

use crate::browser::Browser;
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
    let issued = world.app.create_api_key(&world.organization, &all, "Second".into(), scopes).await.unwrap();
    let second = Browser::signed_in_with(&world, issued.secret.expose_secret()).await;
    second.get("/keys").await.ok().hides("value=\"pii\"");
    second.post("/keys", &[("name", "More"), ("scope", "pii")]).await.shows("role=\"alert\"").hides("ms_");
    let keys = world.app.store.api_keys(&world.organization).await.unwrap();
    let first = keys.iter().find(|key| key.name != "Second").unwrap().id.to_string();
    second.post(&format!("/keys/{first}/revoke"), &[]).await.ok().shows("Revoked");
    let own = format!("/keys/{}/revoke", issued.key.id);
    second.post(&own, &[]).await.ok().shows("No key with the scope admin");
}
