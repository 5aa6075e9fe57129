//! `/sign-in/oidc`: in by the team's own identity provider, by the code flow of OpenID Connect with PKCE. It takes no script.
//!
//! API Gateway alone says whether a token is good: what the provider gives is exchanged for a session at the team's API, each of
//! whose routes has the authorizer. Where the gateway's stage names no provider, as in the local run, there is no such
//! sign-in.

use app::{App, AppError, secret};
use askama::Template;
use axum::extract::{FromRequestParts, Query, State};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use domain::Timestamp;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, SET_COOKIE};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request};
use lambda_http::RequestExt as _;
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Console;
use crate::asset::{PATHS, Paths};
use crate::edge::is_secure;
use crate::fault::{Fault, sentence};
use crate::sign_in::{NextQuery, own, page};
use crate::text::{ENGLISH, Text};
use crate::visitor::{SameSite, cookie, go, session_until, set_cookie};

/// Who knows the team's people, and where their tokens are taken: stage variables of `HttpStage` in the template. The gateway
/// writes them; no header of a request can.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    issuer: String,
    client: String,
    /// The team's API, whose routes have the authorizer.
    team: String,
}

impl Provider {
    pub fn of(extensions: &Extensions) -> Option<Self> {
        let variables = extensions.stage_variables_ref()?;
        let text = |name| variables.first(name).filter(|value| !value.is_empty()).map(str::to_owned);
        Some(Self { issuer: text("oidc_issuer")?, client: text("oidc_client")?, team: text("team_url")? })
    }
}

impl FromRequestParts<Console> for Provider {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, _: &Console) -> Result<Self, Fault> {
        Self::of(&parts.extensions).ok_or(Fault::App(AppError::NotFound("page")))
    }
}

const DONE: &str = "/sign-in/oidc/done";
/// Seconds that a person has at the provider.
const BEGUN_S: i64 = 600;
const OPERATION: &str = "sign in at the identity provider";

/// What is remembered while the person is at the provider, in a cookie of this browser.
#[derive(Debug, Serialize, Deserialize)]
struct Begun {
    state: String,
    verifier: String,
    next: String,
}

/// With TLS the name binds the cookie to this host alone.
fn begun_cookie(headers: &HeaderMap) -> &'static str {
    if is_secure(headers) { "__Host-oidc" } else { "oidc" }
}

/// Not `Strict`: the person comes back from another site.
fn remember(begun: &str, seconds: i64, headers: &HeaderMap) -> Option<HeaderValue> {
    set_cookie(begun_cookie(headers), begun, seconds, SameSite::Lax, is_secure(headers))
}

/// Why nobody is signed in.
enum Failure {
    /// By the word of the provider or of the gateway.
    Refused(String),
    Failed(AppError),
}

impl<E: Into<AppError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What the provider says of itself.
#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
}

struct Endpoints {
    authorization: Url,
    token: Url,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: SecretString,
}

#[derive(Deserialize)]
struct Session {
    session: SecretString,
    expires_at: Timestamp,
}

/// What a refusal says of itself: a problem's `detail`, or OAuth's `error`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    detail: Option<String>,
    error_description: Option<String>,
    error: Option<String>,
}

async fn call<T: DeserializeOwned>(app: &App, request: Request<Bytes>) -> Result<T, Failure> {
    let answer = app.transport.send(request).await.map_err(|error| error.during(OPERATION))?;
    let body = answer.body();
    if !answer.status().is_success() {
        let said: Refusal = serde_json::from_slice(body).unwrap_or_default();
        let why = said.detail.or(said.error_description).or(said.error);
        tracing::warn!(status = answer.status().as_u16(), why, "a person was not signed in");
        return Err(Failure::Refused(why.unwrap_or_else(|| ENGLISH.provider_refused.to_owned())));
    }
    serde_json::from_slice(body).map_err(|_| Failure::Refused(ENGLISH.provider_unreadable.to_owned()))
}

fn request(method: Method, address: &str, body: Bytes) -> Result<Request<Bytes>, AppError> {
    let request =
        Request::builder().method(method).uri(address).header(ACCEPT, "application/json").body(body);
    request.map_err(|_| AppError::Internal("the identity provider has no address"))
}

impl Provider {
    async fn endpoints(&self, app: &App) -> Result<Endpoints, Failure> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let found: Configuration = call(app, request(Method::GET, &address, Bytes::new())?).await?;
        let by_tls = |text: &str| Url::parse(text).ok().filter(|url| url.scheme() == "https");
        match (by_tls(&found.authorization_endpoint), by_tls(&found.token_endpoint)) {
            (Some(authorization), Some(token)) if found.issuer == self.issuer => {
                Ok(Endpoints { authorization, token })
            }
            _ => Err(Failure::Refused(ENGLISH.provider_unreadable.to_owned())),
        }
    }

    /// The session of the person who came back with this code.
    async fn session(&self, app: &App, code: &str, verifier: &str) -> Result<Session, Failure> {
        let endpoints = self.endpoints(app).await?;
        let back = came_back_at(app)?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", back.as_str()),
            ("client_id", self.client.as_str()),
            ("code_verifier", verifier),
        ];
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut redeem = request(Method::POST, endpoints.token.as_str(), form.into())?;
        let media_type = HeaderValue::from_static("application/x-www-form-urlencoded");
        redeem.headers_mut().insert(CONTENT_TYPE, media_type);
        let Tokens { id_token } = call(app, redeem).await?;
        let mut open = request(Method::POST, &format!("{}/v1/sessions", self.team), Bytes::new())?;
        let bearer = HeaderValue::try_from(format!("Bearer {}", id_token.expose_secret()))
            .map_err(|_| Failure::Refused(ENGLISH.provider_unreadable.to_owned()))?;
        open.headers_mut().insert(AUTHORIZATION, bearer);
        call(app, open).await
    }
}

/// Where the provider sends the person back to.
fn came_back_at(app: &App) -> Result<String, AppError> {
    let public = app.settings.public_url.as_ref().ok_or(AppError::NotFound("page"))?;
    Ok(format!("{}{DONE}", public.as_str().trim_end_matches('/')))
}

fn refused(next: &str, failure: Failure) -> Result<Response, Fault> {
    match failure {
        Failure::Refused(why) => page(next, Some(&sentence(&why)), true),
        Failure::Failed(error) => Err(error.into()),
    }
}

/// To the provider's own page.
pub async fn begin(
    State(console): State<Console>,
    provider: Provider,
    headers: HeaderMap,
    Query(query): Query<NextQuery>,
) -> Result<Response, Fault> {
    let app = &console.app;
    let mut place = match provider.endpoints(app).await {
        Ok(endpoints) => endpoints.authorization,
        Err(failure) => return refused(&query.next, failure),
    };
    let (state, verifier) = (secret::random("")?, secret::random("")?);
    place
        .query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("scope", "openid")
        .append_pair("client_id", &provider.client)
        .append_pair("redirect_uri", &came_back_at(app)?)
        .append_pair("state", state.expose_secret())
        .append_pair("code_challenge", &secret::pkce_challenge(verifier.expose_secret()))
        .append_pair("code_challenge_method", "S256");
    let begun = Begun {
        state: state.expose_secret().to_owned(),
        verifier: verifier.expose_secret().to_owned(),
        next: own(&query.next).to_owned(),
    };
    let begun = serde_urlencoded::to_string(begun).map_err(|_| Fault::Unwritable)?;
    let mut response = go(place.as_str());
    response.headers_mut().extend(remember(&begun, BEGUN_S, &headers).map(|cookie| (SET_COOKIE, cookie)));
    Ok(response)
}

/// What the provider sends along.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct CameBack {
    code: String,
    state: String,
}

#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage<'a> {
    t: &'static Text,
    assets: &'static Paths,
    next: &'a str,
}

/// Back from the provider: in, where this browser began and the gateway takes the token.
///
/// Answers with a page that leads on by itself: the session's cookie is not sent along a way that began on another site.
pub async fn finish(
    State(console): State<Console>,
    provider: Provider,
    headers: HeaderMap,
    Query(came): Query<CameBack>,
) -> Result<Response, Fault> {
    let begun =
        cookie(&headers, begun_cookie(&headers)).and_then(|text| serde_urlencoded::from_str(text).ok());
    let Some(begun) = begun.filter(|begun: &Begun| !came.state.is_empty() && begun.state == came.state)
    else {
        return page("/", Some(ENGLISH.provider_forgotten), true);
    };
    if came.code.is_empty() {
        return page(&begun.next, Some(ENGLISH.provider_refused), true);
    }
    let session = match provider.session(&console.app, &came.code, &begun.verifier).await {
        Ok(session) => session,
        Err(failure) => return refused(&begun.next, failure),
    };
    let page = SignedInPage { t: &ENGLISH, assets: &PATHS, next: own(&begun.next) };
    let mut response = Html(page.render().map_err(|_| Fault::Unwritable)?).into_response();
    let seconds = session.expires_at.duration_since(console.app.clock.now()).as_secs().max(0);
    let cookies =
        [session_until(session.session.expose_secret(), seconds, &headers), remember("", 0, &headers)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
