//! Who is asking: the key, or the token of someone of a team, names the organization; its scopes say what may be done.
//!
//! A key is found by its SHA-256, so comparing takes the same time whatever is sent. A token is read by API Gateway's
//! authorizer alone: what it found is beside the request, where the gateway puts it, and never among the headers.

use std::collections::BTreeSet;

use app::member::{Claims, TokenRefused, TokenTrust};
use app::secret;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::stock::Actor;
use domain::{OrganizationId, Timestamp};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderValue, StatusCode};
use lambda_http::RequestExt as _;
use lambda_http::request::RequestContext;
use store::api_key::Scope;

use crate::Api;
use crate::problem::Problem;

/// Who a request comes from.
#[derive(Debug, Clone)]
pub struct Caller {
    pub organization_id: OrganizationId,
    pub actor: Actor,
    pub scopes: BTreeSet<Scope>,
    /// `None`: it is a key.
    pub token_ends_at: Option<Timestamp>,
}

impl Caller {
    pub fn actor(&self) -> Actor {
        self.actor.clone()
    }
}

/// The secret after `Bearer`.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then_some(secret)
}

fn unauthorized() -> Problem {
    let detail = "a valid key is needed: Authorization: Bearer <key>";
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
        .with_header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"masterstock\""))
}

/// What API Gateway's JWT authorizer read from the token that it verified; `None` where no such authorizer was asked.
fn verified(extensions: &Extensions) -> Option<Claims> {
    match extensions.get::<RequestContext>()? {
        RequestContext::ApiGatewayV2(context) => {
            let authorizer = context.authorizer.as_ref()?;
            authorizer.jwt.as_ref().map(|jwt| jwt.claims.clone())
        }
        _ => None,
    }
}

/// Whose tokens the gateway's stage takes: stage variables of `TeamStage` in the template, which no request can set.
fn trust(extensions: &Extensions) -> Option<TokenTrust> {
    let variables = extensions.stage_variables_ref()?;
    let text = |name| variables.first(name).filter(|value| !value.is_empty()).map(str::to_owned);
    Some(TokenTrust {
        issuer: text("oidc_issuer")?,
        audience: text("oidc_audience")?,
        organization_claim: text("oidc_organization_claim")?,
        scopes_claim: text("oidc_scopes_claim")?,
    })
}

async fn by_key(api: &Api, secret: &str) -> Result<Caller, Problem> {
    let key = api.app.store.api_key_by_digest(&secret::digest(secret)).await?.ok_or_else(unauthorized)?;
    let actor = Actor::ApiKey(key.id.to_string());
    Ok(Caller { organization_id: key.organization_id, actor, scopes: key.scopes, token_ends_at: None })
}

async fn by_token(api: &Api, trust: Option<TokenTrust>, claims: &Claims) -> Result<Caller, Problem> {
    let trust = trust.ok_or_else(unauthorized)?;
    let member = api.app.member(&trust, claims).await.map_err(|refused| {
        let status = match refused {
            TokenRefused::Foreign | TokenRefused::Ended => StatusCode::UNAUTHORIZED,
            TokenRefused::NoSubject | TokenRefused::NoOrganization(_) | TokenRefused::NoScopes(_) => {
                StatusCode::FORBIDDEN
            }
            TokenRefused::Failed(error) => return Problem::from(error),
        };
        Problem::new(status, "token_refused", refused.to_string())
    })?;
    Ok(Caller {
        organization_id: member.organization_id,
        actor: member.actor,
        scopes: member.scopes,
        token_ends_at: Some(member.until),
    })
}

/// Lets in whoever has a merchant's key, or a token that API Gateway has verified.
pub async fn merchant(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let Some(secret) = bearer(request.headers()).map(str::to_owned) else {
        return unauthorized().into_response();
    };
    let caller = match verified(request.extensions()) {
        Some(claims) => {
            let trust = trust(request.extensions());
            by_token(&api, trust, &claims).await
        }
        None => by_key(&api, &secret).await,
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Lets in whoever has the deployment's operator key.
pub async fn operator(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let given = bearer(request.headers()).map(secret::digest);
    if given.is_none() || given != api.settings.operator_key_digest {
        return unauthorized().into_response();
    }
    // A place of their own for the operator's idempotency keys: no organization has this id.
    let Ok(organization_id) = OrganizationId::from_body("operator") else {
        return Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response();
    };
    let actor = Actor::ApiKey("key_operator".to_owned());
    let scopes = BTreeSet::new();
    request.extensions_mut().insert(Caller { organization_id, actor, scopes, token_ends_at: None });
    next.run(request).await
}

macro_rules! scoped {
    ($(#[$doc:meta])* $name:ident, $scope:expr, $text:literal) => {
        $(#[$doc])*
        pub struct $name(pub Caller);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                let caller = parts.extensions.get::<Caller>().ok_or_else(unauthorized)?;
                if caller.scopes.contains(&$scope) {
                    return Ok(Self(caller.clone()));
                }
                let detail = concat!("the key does not have the scope ", $text);
                Err(Problem::new(StatusCode::FORBIDDEN, "scope_missing", detail))
            }
        }
    };
}

scoped!(
    /// May look.
    Reader, Scope::Read, "read"
);
scoped!(
    /// May change goods, stock and listings, and start syncs.
    Writer, Scope::Write, "write"
);
scoped!(
    /// May change the organization, its keys and its connections.
    Admin, Scope::Admin, "admin"
);
scoped!(
    /// May see buyers' data.
    Revealer, Scope::Pii, "pii"
);
