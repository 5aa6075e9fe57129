//! A team's tokens: API Gateway's authorizer verifies them, two claims say what they open, and nothing else lets them in.

use api::ApiSettings;
use axum::body::{Body, to_bytes};
use domain::audit::AuditAction;
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::world::World;

const ISSUER: &str = "https://id.example";
const TOKEN: &str = "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmVk";

/// The claims of a token for an hour.
fn claims(world: &World, scopes: &str) -> Value {
    let exp = (world.app.clock.now().as_second() + 3_600).to_string();
    json!({"iss": ISSUER, "aud": "stock", "sub": "auth0|ada", "exp": exp,
        "custom:organization": world.organization.to_string(), "custom:scopes": scopes})
}

/// An event of API Gateway as Lambda hands it over: `authorizer` is what the gateway's own wrote, if it has any.
fn event(method: &str, path: &str, body: Option<&Value>, authorizer: Option<&Value>) -> Value {
    let mut context = json!({
        "accountId": "123456789012", "apiId": "team", "domainName": "team.example", "domainPrefix": "team",
        "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "t"},
        "requestId": "r", "routeKey": "$default", "stage": "$default",
        "time": "01/Jul/2026:12:00:00 +0000", "timeEpoch": 1_782_907_200_000_u64,
    });
    if let Some(authorizer) = authorizer {
        context["authorizer"] = authorizer.clone();
    }
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
        "headers": {"authorization": TOKEN, "content-type": "application/json", "host": "team.example"},
        "requestContext": context,
        "stageVariables": {"oidc_issuer": ISSUER, "oidc_audience": "stock",
            "oidc_organization_claim": "custom:organization", "oidc_scopes_claim": "custom:scopes"},
        "body": body.map(Value::to_string), "isBase64Encoded": false,
    })
}

async fn send(world: &World, event: &Value) -> (u16, Value) {
    let (parts, body) = lambda_http::request::from_str(&event.to_string()).unwrap().into_parts();
    let router = api::router(world.app.clone(), ApiSettings::default());
    let response = router.oneshot(Request::from_parts(parts, Body::new(body))).await.unwrap();
    let status = response.status().as_u16();
    let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

fn verified(claims: &Value) -> Value {
    json!({"jwt": {"claims": claims, "scopes": null}})
}

async fn with(world: &World, method: &str, path: &str, body: Option<Value>, claims: &Value) -> (u16, Value) {
    send(world, &event(method, path, body.as_ref(), Some(&verified(claims)))).await
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_say_and_the_subject_is_noted() {
    let world = World::new().await;
    let reader = claims(&world, "[masterstock:read]");
    assert_eq!(with(&world, "GET", "/v1/items", None, &reader).await.0, 200);
    for (method, path) in
        [("POST", "/v1/items"), ("GET", "/v1/api-keys"), ("GET", "/v1/orders/ord_1_2/customer")]
    {
        let (status, problem) =
            with(&world, method, path, Some(json!({"sku": "A", "name": "A"})), &reader).await;
        assert_eq!((status, problem["code"].as_str()), (403, Some("scope_missing")), "{method} {path}");
    }
    let admin = claims(&world, "masterstock:read masterstock:admin");
    let key = json!({"name": "ERP", "scopes": ["read"]});
    assert_eq!(with(&world, "POST", "/v1/api-keys", Some(key), &admin).await.0, 201);
    let more = json!({"name": "More", "scopes": ["pii"]});
    let (status, problem) = with(&world, "POST", "/v1/api-keys", Some(more), &admin).await;
    assert_eq!((status, problem["code"].as_str()), (403, Some("scope_not_held")));
    let page = store::PageRequest { limit: 9, cursor: None };
    let noted = world.app.store.audits(&world.organization, &page).await.unwrap().data;
    let noted: Vec<_> = noted.iter().map(|one| (one.action, one.actor.as_str())).collect();
    assert_eq!(noted, [(AuditAction::ApiKeyCreated, "sub_auth0|ada")]);
    // What a person moves is in the ledger under their name too.
    let writer = claims(&world, "[masterstock:read masterstock:write]");
    let item = json!({"sku": "A", "name": "A", "opening_stock": [{"location_id": world.primary().await, "quantity": 3}]});
    let (status, made) = with(&world, "POST", "/v1/items", Some(item), &writer).await;
    assert_eq!(status, 201, "{made}");
    let moves = world.get(&format!("/v1/items/{}/movements", made["id"].as_str().unwrap())).await.ok();
    assert_eq!(moves["data"][0]["actor"], "sub_auth0|ada");
}

#[tokio::test]
async fn claims_that_are_missing_foreign_or_wrong_open_nothing() {
    let world = World::new().await;
    let nobody = format!("org_{}", "0".repeat(32));
    for (claim, value, status) in [
        ("iss", "https://evil.example", 401),
        ("iss", "", 401),
        ("aud", "another", 401),
        ("exp", "1", 401),
        ("sub", "", 403),
        ("custom:organization", "", 403),
        ("custom:organization", nobody.as_str(), 403),
        ("custom:organization", "org_operator", 403),
        ("custom:scopes", "", 403),
        ("custom:scopes", "read admin", 403),
    ] {
        let mut claims = claims(&world, "masterstock:read");
        claims[claim] = value.into();
        let (got, problem) = with(&world, "GET", "/v1/items", None, &claims).await;
        assert_eq!(
            (got, problem["code"].as_str()),
            (status, Some("token_refused")),
            "{claim}={value}: {problem}"
        );
    }
    // Another organization's token sees another organization.
    let (other, _) = world.new_organization("EUR").await;
    world.item("MINE").await;
    let mut theirs = claims(&world, "masterstock:read");
    theirs["custom:organization"] = other.to_string().into();
    assert_eq!(with(&world, "GET", "/v1/items", None, &theirs).await.1["data"], json!([]));
}

#[tokio::test]
async fn only_the_gateway_s_own_word_lets_a_token_in() {
    let world = World::new().await;
    let claims = claims(&world, "masterstock:read");
    let good = verified(&claims);
    // A route without the authorizer, one with another kind of it, a stage that names no issuer, no token beside the claims.
    let lambda = json!({"lambda": {"jwt": {"claims": claims}, "claims": claims}});
    let mut nameless = event("GET", "/v1/items", None, Some(&good));
    nameless["stageVariables"] = json!({"oidc_issuer": ISSUER});
    let mut silent = event("GET", "/v1/items", None, Some(&good));
    silent["headers"] = json!({"host": "team.example"});
    let events = [
        event("GET", "/v1/items", None, None),
        event("GET", "/v1/items", None, Some(&lambda)),
        nameless,
        silent,
    ];
    for event in events {
        assert_eq!(send(&world, &event).await.0, 401, "{event}");
    }
    // Nor does the operator's door open for it.
    assert_eq!(with(&world, "POST", "/v1/organizations", Some(json!({})), &claims).await.0, 401);
    // Where there is no gateway, as in the local run, headers that speak for one are nobody's word.
    let context = event("GET", "/v1/items", None, Some(&good))["requestContext"].to_string();
    let forged = [
        ("authorization", TOKEN),
        ("x-amzn-request-context", context.as_str()),
        ("x-amz-apigateway-authorizer", context.as_str()),
        ("x-apigateway-event", context.as_str()),
        ("x-authorizer-claims", context.as_str()),
        ("requestcontext", context.as_str()),
    ];
    world.request(None, "GET", "/v1/items", None, &forged).await.refused(401, "unauthorized", None);
    world.request(None, "POST", "/v1/sessions", None, &forged).await.refused(401, "unauthorized", None);
}

#[tokio::test]
async fn a_token_becomes_a_session_that_ends_with_it_and_a_key_does_not() {
    let world = World::new().await;
    let (status, made) =
        with(&world, "POST", "/v1/sessions", None, &claims(&world, "masterstock:read")).await;
    assert_eq!(status, 201, "{made}");
    let session = made["session"].as_str().unwrap();
    let who = world.app.signed_in(session).await.unwrap().unwrap();
    assert_eq!(
        (who.organization_id, String::from(who.actor)),
        (world.organization.clone(), "sub_auth0|ada".into())
    );
    assert_eq!(who.scopes, [store::api_key::Scope::Read].into());
    world.clock.advance_minutes(61);
    assert_eq!(world.app.signed_in(session).await.unwrap(), None);
    let mut long = claims(&world, "masterstock:read");
    long["exp"] = (world.app.clock.now().as_second() + 30 * 86_400).to_string().into();
    let made = with(&world, "POST", "/v1/sessions", None, &long).await.1;
    world.clock.advance_hours(13);
    assert_eq!(world.app.signed_in(made["session"].as_str().unwrap()).await.unwrap(), None);
    world.post("/v1/sessions", json!({})).await.refused(403, "token_needed", None);
    let (status, _) = with(&world, "POST", "/v1/sessions", None, &claims(&world, "masterstock:write")).await;
    assert_eq!(status, 403, "who may not look has no use for a session");
}
