//! In by an API key, which becomes a session; and out. In by a team's identity provider: `oidc`.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Response};
use http::header::SET_COOKIE;
use http::{Extensions, HeaderMap, StatusCode};
use secrecy::ExposeSecret;
use serde::Deserialize;

use crate::Console;
use crate::asset::{PATHS, Paths};
use crate::fault::Fault;
use crate::form::{Fields, Posted, is_from_elsewhere};
use crate::oidc::Provider;
use crate::text::{ENGLISH, Text};
use crate::visitor::{go, session_of, token};

#[derive(Debug, Default, Deserialize)]
pub struct NextQuery {
    #[serde(default)]
    pub next: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    t: &'static Text,
    assets: &'static Paths,
    next: &'a str,
    /// Where the team's identity provider is asked, where there is one.
    provider: Option<String>,
    refused: Option<&'a str>,
}

/// A page of ours, and nothing else: what begins otherwise leads elsewhere.
pub fn own(next: &str) -> &str {
    let plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if plain && next.starts_with('/') && !next.starts_with("//") { next } else { "/" }
}

pub fn page(next: &str, refused: Option<&str>, has_provider: bool) -> Result<Response, Fault> {
    let next = own(next);
    let query = serde_urlencoded::to_string([("next", next)]).map_err(|_| Fault::Unwritable)?;
    let provider = has_provider.then(|| format!("/sign-in/oidc?{query}"));
    let page = SignInPage { t: &ENGLISH, assets: &PATHS, next, provider, refused };
    let html = Html(page.render().map_err(|_| Fault::Unwritable)?);
    let status = if refused.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
    Ok((status, html).into_response())
}

pub async fn ask(extensions: Extensions, Query(query): Query<NextQuery>) -> Result<Response, Fault> {
    page(&query.next, None, Provider::of(&extensions).is_some())
}

pub async fn sign_in(
    State(console): State<Console>,
    headers: HeaderMap,
    extensions: Extensions,
    fields: Fields,
) -> Result<Response, Fault> {
    if is_from_elsewhere(&headers) {
        return Err(Fault::Forged);
    }
    let next = fields.text("next").to_owned();
    let Some(token) = console.app.sign_in(fields.text("key")).await? else {
        return page(&next, Some(ENGLISH.key_refused), Provider::of(&extensions).is_some());
    };
    let mut response = go(own(&next));
    if let Some(cookie) = session_of(Some(token.expose_secret()), &headers) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

pub async fn sign_out(
    State(console): State<Console>,
    headers: HeaderMap,
    _: Posted,
) -> Result<Response, Fault> {
    if let Some(token) = token(&headers) {
        console.app.sign_out(token).await?;
    }
    let mut response = go("/sign-in");
    if let Some(cookie) = session_of(None, &headers) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::own;

    #[test]
    fn the_way_on_stays_here() {
        for (next, place) in [
            ("/orders?q=1", "/orders?q=1"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("https://evil.example", "/"),
            ("/a\r\nSet-Cookie: x", "/"),
            ("", "/"),
        ] {
            assert_eq!(own(next), place, "{next:?}");
        }
    }
}
