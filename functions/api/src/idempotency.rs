//! `Idempotency-Key`: the first answer again, whatever was lost on the way.
//!
//! An answer that holds a secret is kept sealed under the key that asked for it, which is itself kept nowhere: the table
//! alone opens nothing.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::digest;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LOCATION, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, StatusCode};
use store::idempotency::{Begun, KeptAnswer};

use crate::Api;
use crate::auth::{Caller, bearer};
use crate::input::BODY_BYTES_MAX;
use crate::problem::Problem;

const NAME: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const KEY_CHARACTERS_MAX: usize = 255;
/// Beside the kept headers: the body is sealed.
const SEALED: &str = "sealed";

/// An answer that shows a secret.
pub struct HoldsSecret<T>(pub T);

#[derive(Clone)]
struct SecretInside;

impl<T: IntoResponse> IntoResponse for HoldsSecret<T> {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.extensions_mut().insert(SecretInside);
        response
    }
}

/// What a request that bears a key makes has this for its id, however often the request is tried.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub async fn idempotent(State(api): State<Api>, request: Request, next: Next) -> Response {
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let Some(key) = request.headers().get(NAME).cloned() else { return next.run(request).await };
    match answer(&api, key, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(api: &Api, key: HeaderValue, request: Request, next: Next) -> Result<Response, Problem> {
    let Some(key) =
        key.to_str().ok().map(str::trim).filter(|key| (1..=KEY_CHARACTERS_MAX).contains(&key.len()))
    else {
        let detail = "must have 1 to 255 printable ASCII characters";
        return Err(Problem::field(
            StatusCode::BAD_REQUEST,
            "invalid_idempotency_key",
            "/Idempotency-Key",
            detail,
        ));
    };
    let caller = request.extensions().get::<Caller>().cloned();
    let Some(organization) = caller.map(|caller| caller.organization_id) else {
        return Err(Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR));
    };
    let secret = bearer(request.headers()).unwrap_or_default().to_owned();
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX)
        .await
        .map_err(|_| Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE))?;
    let digest = content_digest(&parts.method, &parts.uri.to_string(), &body);
    let store = &api.app.store;
    let first_at = match store.begin_idempotent(&organization, key, &digest, api.app.clock.now()).await? {
        Begun::First { first_at } => first_at,
        Begun::Answered(kept) => return replay(kept, &secret),
        Begun::Running => {
            let detail = "the first request with this key is still being worked on";
            return Err(Problem::new(StatusCode::CONFLICT, "idempotency_key_in_use", detail).retry_after(1));
        }
        Begun::OtherContent => return Err(other_content()),
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    request
        .extensions_mut()
        .insert(RequestId(app::id::of_request(first_at, &format!("{organization} {key}"))));
    let response = next.run(request).await;
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    // What may go otherwise the next time is not held on to.
    let passing = parts.status.is_server_error() || parts.headers.contains_key(RETRY_AFTER);
    let kept = if passing {
        store.abandon_idempotent(&organization, key).await
    } else {
        let answer = keep(&parts, &body, &secret)?;
        store.finish_idempotent(&organization, key, &answer).await
    };
    if let Err(error) = kept {
        // The work is done and its answer is at hand; only a retry with the same key may do it twice.
        tracing::error!(%error, "an answer could not be kept for its idempotency key");
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn other_content() -> Problem {
    let detail = "the key was used before with another request";
    Problem::field(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", "/Idempotency-Key", detail)
}

fn content_digest(method: &Method, path: &str, body: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(format!("{method} {path}\n").as_bytes());
    context.update(body);
    context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keep(parts: &http::response::Parts, body: &Bytes, secret: &str) -> Result<KeptAnswer, Problem> {
    let mut headers: Vec<(String, String)> = [CONTENT_TYPE, ETAG, LOCATION]
        .iter()
        .filter_map(|name| Some((name.to_string(), parts.headers.get(name)?.to_str().ok()?.to_owned())))
        .collect();
    let mut body = body.to_vec();
    if parts.extensions.get::<SecretInside>().is_some() {
        body = seal(body, secret).ok_or_else(|| Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR))?;
        headers.push((SEALED.to_owned(), "1".to_owned()));
    }
    Ok(KeptAnswer { status: parts.status.as_u16(), headers, body })
}

fn replay(kept: KeptAnswer, secret: &str) -> Result<Response, Problem> {
    let sealed = kept.headers.iter().any(|(name, _)| name == SEALED);
    // Sealed under another key: whoever asks now is not who asked then.
    let body = if sealed { open(kept.body, secret).ok_or_else(other_content)? } else { kept.body };
    let status = StatusCode::from_u16(kept.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.remove(CONTENT_TYPE);
    for (name, value) in kept.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && name != SEALED
        {
            headers.insert(name, value);
        }
    }
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

/// Derived from the secret otherwise than the digest that the table has of it.
fn sealing_key(secret: &str) -> Option<RandomizedNonceKey> {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"masterstock idempotency\n");
    context.update(secret.as_bytes());
    RandomizedNonceKey::new(&AES_256_GCM, context.finish().as_ref()).ok()
}

/// The nonce, then the sealed body.
fn seal(mut body: Vec<u8>, secret: &str) -> Option<Vec<u8>> {
    let nonce = sealing_key(secret)?.seal_in_place_append_tag(Aad::empty(), &mut body).ok()?;
    let mut sealed = nonce.as_ref().to_vec();
    sealed.append(&mut body);
    Some(sealed)
}

fn open(sealed: Vec<u8>, secret: &str) -> Option<Vec<u8>> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut body = body.to_vec();
    let plain = sealing_key(secret)?.open_in_place(nonce, Aad::empty(), &mut body).ok()?;
    Some(plain.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_that_asked_opens_the_answer() {
        let sealed = seal(b"ms_new".to_vec(), "ms_asker").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"ms_new"));
        assert_eq!(open(sealed.clone(), "ms_asker").as_deref(), Some(b"ms_new".as_slice()));
        assert_eq!(open(sealed, "ms_other"), None);
        assert_eq!(open(vec![1; 5], "ms_asker"), None);
    }
}
