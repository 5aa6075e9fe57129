//! Who looks: the session that the cookie names, with the organization whose pages they are.

use std::collections::BTreeSet;

use app::audit::Witness;
use app::session::LIFETIME;
use app::{App, AppError};
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use domain::audit::AuditAction;
use domain::stock::Actor;
use domain::{OrganizationId, Timestamp};
use http::header::{COOKIE, LOCATION, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use jiff::tz::TimeZone;
use store::api_key::Scope;
use store::organization::Organization;

use crate::Console;
use crate::edge::is_secure;
use crate::fault::{Fault, explained};

/// What a form's work came to, for the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    pub good: bool,
    pub text: String,
}

/// A signed-in person.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub organization: Organization,
    pub zone: TimeZone,
    pub csrf: String,
    pub notice: Option<Notice>,
    pub now: Timestamp,
    actor: Actor,
    scopes: BTreeSet<Scope>,
}

const NOTICE: &str = "notice";
/// Seconds that a notice waits for its page.
const NOTICE_S: u32 = 60;
const NOTICE_CHARS_MAX: usize = 900;

/// With TLS the name binds the cookie to this host alone.
fn session_cookie(secure: bool) -> &'static str {
    if secure { "__Host-session" } else { "session" }
}

pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

pub fn token(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, session_cookie(is_secure(headers))).filter(|token| !token.is_empty())
}

/// Whether a cookie is sent along when another site sends the person here.
#[derive(Debug, Clone, Copy)]
pub enum SameSite {
    Strict,
    Lax,
}

pub fn set_cookie(
    name: &str,
    value: &str,
    seconds: i64,
    site: SameSite,
    secure: bool,
) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite={site:?}{secure}");
    HeaderValue::try_from(text).ok()
}

/// The cookie of a new session, or of none: then it goes.
pub fn session_of(token: Option<&str>, headers: &HeaderMap) -> Option<HeaderValue> {
    let seconds = if token.is_some() { LIFETIME.as_secs() } else { 0 };
    session_until(token.unwrap_or_default(), seconds, headers)
}

/// The cookie of a session that lasts so long.
pub fn session_until(token: &str, seconds: i64, headers: &HeaderMap) -> Option<HeaderValue> {
    let secure = is_secure(headers);
    set_cookie(session_cookie(secure), token, seconds, SameSite::Strict, secure)
}

/// What each form of the session must bring: nobody makes it who does not have the session.
fn csrf_of(token: &str) -> String {
    app::secret::digest(&format!("csrf\n{token}"))
}

impl Notice {
    fn read(headers: &HeaderMap) -> Option<Self> {
        let (kind, text) = cookie(headers, NOTICE)?.split_once('.')?;
        let [(_, text)] = <[_; 1]>::try_from(
            serde_urlencoded::from_str::<Vec<(String, String)>>(&format!("t={text}")).ok()?,
        )
        .ok()?;
        Some(Self { good: kind == "good", text })
    }

    fn write(&self) -> Option<HeaderValue> {
        let text: String = self.text.chars().take(NOTICE_CHARS_MAX).collect();
        let encoded = serde_urlencoded::to_string([("t", text)]).ok()?;
        let kind = if self.good { "good" } else { "bad" };
        let value = format!("{kind}.{}", encoded.strip_prefix("t=")?);
        set_cookie(NOTICE, &value, i64::from(NOTICE_S), SameSite::Strict, false)
    }
}

/// The cookie that ends a notice which was shown.
pub fn notice_shown() -> Option<HeaderValue> {
    set_cookie(NOTICE, "", 0, SameSite::Strict, false)
}

/// To another page, by GET.
pub fn go(place: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(place) = HeaderValue::try_from(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// To another page, which says what was done.
pub fn go_saying(place: &str, text: impl Into<String>) -> Response {
    with_notice(go(place), &Notice { good: true, text: text.into() })
}

fn with_notice(mut response: Response, notice: &Notice) -> Response {
    if let Some(cookie) = notice.write() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// To `place`, which says what was done, or why it could not be. A failure of ours is a page of its own.
pub fn done(result: Result<impl Into<String>, AppError>, place: &str) -> Result<Response, Fault> {
    match result {
        Ok(text) => Ok(go_saying(place, text)),
        Err(error) => match explained(&error) {
            Some(text) => Ok(with_notice(go(place), &Notice { good: false, text })),
            None => Err(error.into()),
        },
    }
}

impl Visitor {
    pub fn id(&self) -> &OrganizationId {
        &self.organization.id
    }

    pub fn actor(&self) -> Actor {
        self.actor.clone()
    }

    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    pub fn scopes(&self) -> &BTreeSet<Scope> {
        &self.scopes
    }

    pub fn require(&self, scope: Scope) -> Result<(), Fault> {
        if self.may(scope) { Ok(()) } else { Err(Fault::NotAllowed) }
    }

    /// Notes what was done, as the API does: who may do what, and where goods and orders go. One that was done and cannot
    /// be noted is reported in the log.
    pub async fn note(&self, app: &App, action: AuditAction, object: &str) {
        let by = Witness { actor: self.actor(), reason: None };
        if let Err(error) = app.note(self.id(), &by, action, object).await {
            tracing::error!(%error, ?action, object, "an action was done and could not be noted");
        }
    }

    async fn of_token(app: &App, token: &str, headers: &HeaderMap) -> Result<Option<Self>, AppError> {
        let Some(who) = app.signed_in(token).await? else { return Ok(None) };
        let organization = app.organization(&who.organization_id).await?;
        Ok(Some(Self {
            zone: TimeZone::get(&organization.time_zone).unwrap_or(TimeZone::UTC),
            organization,
            csrf: csrf_of(token),
            notice: Notice::read(headers),
            now: app.clock.now(),
            actor: who.actor,
            scopes: who.scopes,
        }))
    }
}

impl FromRequestParts<Console> for Visitor {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Fault> {
        let asked = parts.uri.path_and_query().map_or("/", |place| place.as_str()).to_owned();
        let next = if parts.method == Method::GET { asked } else { "/".to_owned() };
        let Some(token) = token(&parts.headers) else { return Err(Fault::SignedOut(next)) };
        let visitor = Self::of_token(&console.app, token, &parts.headers).await?;
        let visitor = visitor.ok_or(Fault::SignedOut(next))?;
        visitor.require(Scope::Read)?;
        Ok(visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_comes_back_as_it_was_written() {
        let notice = Notice { good: false, text: "Not possible: 5 % of «ä; b=c» & more.".to_owned() };
        let set = notice.write().unwrap();
        let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::try_from(format!("a=b; {pair}")).unwrap());
        assert_eq!(Notice::read(&headers), Some(notice));
    }

    #[test]
    fn a_session_s_cookie_is_of_this_site_alone() {
        let mut headers = HeaderMap::new();
        let plain = session_of(Some("abc"), &headers).unwrap();
        assert_eq!(plain, "session=abc; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict");
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        let secure = session_of(Some("abc"), &headers).unwrap();
        assert_eq!(secure, "__Host-session=abc; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict; Secure");
    }
}
