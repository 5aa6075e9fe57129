//! In by the team's identity provider: there, back, and in, where API Gateway takes the token.

use std::sync::{Arc, Mutex};

use app::{App, secret};
use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use channels::Transport;
use channels::transport::TransportError;
use console::ConsoleSettings;
use http::{HeaderMap, Request, Response};
use lambda_http::RequestExt as _;
use serde_json::{Value, json};
use std::collections::HashMap;
use tower::ServiceExt as _;
use url::Url;

use crate::world::World;

/// The provider, and the gateway before the team's API.
struct Outside {
    app: App,
    /// The challenge of the last person that was sent here, and what their token says.
    challenge: Mutex<String>,
    claims: Value,
    issuer: &'static str,
}

const ISSUER: &str = "https://id.example/";
const CODE: &str = "c0de";

impl Outside {
    /// API Gateway: verifies, writes what the token says beside the request, and calls the API.
    async fn gateway(&self, request: Request<Bytes>) -> (u16, Bytes) {
        assert_eq!(request.headers()["authorization"], "Bearer signed.by.provider");
        let path = request.uri().path().to_owned();
        let event = json!({
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": {"authorization": "Bearer signed.by.provider", "host": "team.example"},
            "requestContext": {"accountId": "1", "apiId": "team", "domainName": "team.example", "domainPrefix": "team",
                "http": {"method": request.method().as_str(), "path": path, "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1", "userAgent": "t"},
                "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "", "timeEpoch": 0,
                "authorizer": {"jwt": {"claims": self.claims, "scopes": null}}},
            "stageVariables": {"oidc_issuer": ISSUER, "oidc_audience": "stock",
                "oidc_organization_claim": "org", "oidc_scopes_claim": "roles"},
            "isBase64Encoded": false,
        });
        let (parts, body) = lambda_http::request::from_str(&event.to_string()).unwrap().into_parts();
        let router = api::router(self.app.clone(), api::ApiSettings::default());
        let response = router.oneshot(Request::from_parts(parts, Body::new(body))).await.unwrap();
        (response.status().as_u16(), to_bytes(response.into_body(), usize::MAX).await.unwrap())
    }

    fn tokens(&self, form: &[u8]) -> (u16, Value) {
        let form: HashMap<String, String> = url::form_urlencoded::parse(form).into_owned().collect();
        let proven = secret::pkce_challenge(&form["code_verifier"]) == *self.challenge.lock().unwrap();
        assert_eq!(
            (form["client_id"].as_str(), form["grant_type"].as_str()),
            ("stock", "authorization_code")
        );
        assert_eq!(form["redirect_uri"], "https://stock.example/sign-in/oidc/done");
        if form["code"] == CODE && proven {
            return (200, json!({"id_token": "signed.by.provider", "token_type": "Bearer"}));
        }
        (400, json!({"error": "invalid_grant", "error_description": "the code is used up"}))
    }
}

#[async_trait]
impl Transport for Outside {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let (status, body) = match request.uri().to_string().as_str() {
            "https://id.example/.well-known/openid-configuration" => {
                let told = json!({"issuer": self.issuer, "authorization_endpoint": "https://id.example/authorize?v=2",
                    "token_endpoint": "https://id.example/token"});
                (200, told.to_string().into())
            }
            "https://id.example/token" => {
                let (status, told) = self.tokens(request.body());
                (status, told.to_string().into())
            }
            "https://team.example/v1/sessions" => self.gateway(request).await,
            other => panic!("nobody is at {other}"),
        };
        Ok(Response::builder().status(status).body(body).unwrap())
    }
}

struct Team {
    world: World,
    outside: Arc<Outside>,
    router: Router,
}

struct Shown {
    status: u16,
    headers: HeaderMap,
    html: String,
}

impl Shown {
    fn location(&self) -> Url {
        self.headers["location"].to_str().unwrap().parse().unwrap()
    }

    /// What the browser keeps of it.
    fn cookies(&self) -> String {
        let set = self.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        set.map(|text| text.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
    }
}

impl Team {
    async fn new(roles: &str) -> Self {
        Self::at(ISSUER, roles).await
    }

    async fn at(issuer: &'static str, roles: &str) -> Self {
        let world = World::new().await;
        let exp = (world.app.clock.now().as_second() + 3_600).to_string();
        let claims = json!({"iss": ISSUER, "aud": "stock", "sub": "ada", "exp": exp,
            "org": world.organization.to_string(), "roles": roles});
        let app = world.app.clone();
        let outside = Arc::new(Outside { app, challenge: Mutex::default(), claims, issuer });
        let mut app = world.app.clone();
        app.transport = outside.clone();
        Self { router: console::router(app, ConsoleSettings::default()), world, outside }
    }

    /// As it comes through the gateway, whose stage names the provider.
    async fn get(&self, path: &str, cookies: &str) -> Shown {
        let request = Request::get(path).header("x-forwarded-proto", "https").header("cookie", cookies);
        let stage = [("oidc_issuer", ISSUER), ("oidc_client", "stock"), ("team_url", "https://team.example")];
        let stage: HashMap<String, Vec<String>> =
            stage.into_iter().map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).collect();
        self.send(request.body(Body::empty()).unwrap().with_stage_variables(stage)).await
    }

    async fn send(&self, request: Request<Body>) -> Shown {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let html = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().into()).unwrap();
        Shown { status: parts.status.as_u16(), headers: parts.headers, html }
    }

    /// To the provider; the way back, and the browser's cookies.
    async fn sent_there(&self, next: &str) -> (String, String) {
        let there = self.get(&format!("/sign-in/oidc?next={next}"), "").await;
        assert_eq!(there.status, 303, "{}", there.html);
        let place = there.location();
        assert!(place.as_str().starts_with("https://id.example/authorize?v=2&response_type=code"), "{place}");
        let asked: HashMap<String, String> = place.query_pairs().into_owned().collect();
        assert_eq!((asked["client_id"].as_str(), asked["code_challenge_method"].as_str()), ("stock", "S256"));
        *self.outside.challenge.lock().unwrap() = asked["code_challenge"].clone();
        assert!(there.headers["set-cookie"].to_str().unwrap().contains("HttpOnly; SameSite=Lax; Secure"));
        (format!("/sign-in/oidc/done?code={CODE}&state={}", asked["state"]), there.cookies())
    }
}

#[tokio::test]
async fn a_person_goes_there_comes_back_and_is_in_without_a_script() {
    let team = Team::new("[masterstock:read masterstock:write]").await;
    let page = team.get("/sign-in?next=%2Forders", "").await;
    assert!(page.html.contains("href=\"/sign-in/oidc?next=%2Forders\""), "{}", page.html);
    let (back, cookies) = team.sent_there("%2Forders").await;
    let done = team.get(&back, &cookies).await;
    assert_eq!(done.status, 200, "{}", done.html);
    assert!(
        done.html.contains("content=\"0;url=/orders\"") && done.html.contains("href=\"/orders\""),
        "{}",
        done.html
    );
    let session = done.cookies();
    assert!(session.starts_with("__Host-session=") && session.contains("__Host-oidc="), "{session}");
    let lasts = done.headers["set-cookie"].to_str().unwrap();
    assert!(lasts.contains("Max-Age=3600; HttpOnly; SameSite=Strict; Secure"), "{lasts}");
    assert_eq!(team.get("/orders", &session).await.status, 200);
    assert_eq!(team.get("/keys", &session).await.status, 403);
    team.world.clock.advance_minutes(61);
    assert_eq!(team.get("/orders", &session).await.status, 303);
}

#[tokio::test]
async fn who_did_not_begin_here_or_is_refused_stays_out() {
    let team = Team::new("[masterstock:read]").await;
    let (back, cookies) = team.sent_there("/").await;
    let (_, of_another) = team.sent_there("/").await;
    for (path, cookies) in [
        (back.as_str(), ""),
        (back.as_str(), of_another.as_str()),
        ("/sign-in/oidc/done?code=c0de", cookies.as_str()),
        ("/sign-in/oidc/done?code=c0de&state=", "__Host-oidc=state=&verifier=&next=/"),
        ("/sign-in/oidc/done?error=access_denied", cookies.as_str()),
    ] {
        let out = team.get(path, cookies).await;
        assert_eq!(out.status, 401, "{path}");
        assert!(!out.cookies().contains("session"), "{path}");
        assert!(out.html.contains("role=\"alert\""), "{}", out.html);
    }
    // The code belongs to another verifier by now.
    let out = team.get(&back, &cookies).await;
    assert_eq!(out.status, 401);
    assert!(out.html.contains("The code is used up."), "{}", out.html);
}

#[tokio::test]
async fn a_token_that_says_no_scope_or_comes_of_another_opens_nothing() {
    let team = Team::new("[admin read]").await;
    let (back, cookies) = team.sent_there("/").await;
    let out = team.get(&back, &cookies).await;
    assert_eq!(out.status, 401);
    assert!(
        out.html.contains("claim roles has none of") && !out.cookies().contains("session"),
        "{}",
        out.html
    );
    let other = Team::at("https://other.example", "[masterstock:read]").await;
    let out = other.get("/sign-in/oidc", "").await;
    assert_eq!(out.status, 401);
}

#[tokio::test]
async fn without_the_gateway_s_word_there_is_no_such_way_in() {
    let team = Team::new("[masterstock:read]").await;
    let bare = |path: &str| {
        let request = Request::get(path)
            .header("oidc_issuer", ISSUER)
            .header("oidc_client", "stock")
            .header("team_url", "https://team.example");
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(team.send(bare("/sign-in/oidc")).await.status, 404);
    assert_eq!(team.send(bare("/sign-in/oidc/done?code=c0de&state=x")).await.status, 404);
    assert!(!team.send(bare("/sign-in")).await.html.contains("/sign-in/oidc"));
}
