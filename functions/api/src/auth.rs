//! Who is asking: the key names the organization, its scopes say what may be done.
//!
//! A key is found by its SHA-256, so comparing takes the same time whatever is sent.

use std::collections::BTreeSet;

use app::secret;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use domain::stock::Actor;
use domain::{ApiKeyId, OrganizationId};
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode};
use store::api_key::Scope;

use crate::Api;
use crate::problem::Problem;

/// The key that a request came with.
#[derive(Debug, Clone)]
pub struct Caller {
    pub organization_id: OrganizationId,
    pub key_id: Option<ApiKeyId>,
    pub scopes: BTreeSet<Scope>,
}

impl Caller {
    pub fn actor(&self) -> Actor {
        Actor::ApiKey(self.key_id.as_ref().map_or_else(|| "key_operator".to_owned(), ToString::to_string))
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

/// Lets in whoever has a merchant's key.
pub async fn merchant(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let Some(secret) = bearer(request.headers()) else { return unauthorized().into_response() };
    let key = match api.app.store.api_key_by_digest(&secret::digest(secret)).await {
        Ok(Some(key)) => key,
        Ok(None) => return unauthorized().into_response(),
        Err(error) => return Problem::from(error).into_response(),
    };
    let caller = Caller { organization_id: key.organization_id, key_id: Some(key.id), scopes: key.scopes };
    request.extensions_mut().insert(caller);
    next.run(request).await
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
    request.extensions_mut().insert(Caller { organization_id, key_id: None, scopes: BTreeSet::new() });
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
