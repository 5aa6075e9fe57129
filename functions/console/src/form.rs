//! What a form sends: fields by name, believed only with the session's token and from a page of ours.

use std::str::FromStr;

use app::AppError;
use axum::extract::{FromRequest, FromRequestParts, Multipart, Request};
use bytes::Bytes;
use domain::availability::Percent;
use domain::{Currency, Money, Quantity, Timestamp};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::Console;
use crate::fault::Fault;
use crate::text::ENGLISH;
use crate::visitor::Visitor;

/// Fields of a form, in the order in which it has them.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

/// A form that a signed-in person sent.
pub struct Posted {
    pub visitor: Visitor,
    pub fields: Fields,
}

/// The name of the field that each form has.
pub const CSRF: &str = "csrf";

/// What a browser says of where a request comes from; a program says nothing.
pub fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

impl FromRequest<Console> for Posted {
    type Rejection = Fault;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Fault> {
        let (mut parts, body) = request.into_parts();
        let elsewhere = is_from_elsewhere(&parts.headers);
        let visitor = Visitor::from_request_parts(&mut parts, console).await?;
        let fields = Fields::from_request(Request::from_parts(parts, body), console).await?;
        if elsewhere || fields.text(CSRF) != visitor.csrf {
            return Err(Fault::Forged);
        }
        Ok(Self { visitor, fields })
    }
}

impl FromRequest<Console> for Fields {
    type Rejection = Fault;

    async fn from_request(request: Request, console: &Console) -> Result<Self, Fault> {
        if has_parts(request.headers()) {
            let parts = Multipart::from_request(request, console).await.map_err(|_| Fault::Forged)?;
            return Self::of_parts(parts).await;
        }
        let bytes =
            Bytes::from_request(request, console).await.map_err(|refused| unread(refused.status()))?;
        Ok(Self(url::form_urlencoded::parse(&bytes).into_owned().collect()))
    }
}

/// What a form with a file is sent as.
fn has_parts(headers: &HeaderMap) -> bool {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media_type.is_some_and(|media_type| media_type.starts_with("multipart/form-data"))
}

fn unread(status: StatusCode) -> Fault {
    if status == StatusCode::PAYLOAD_TOO_LARGE { Fault::TooLong } else { Fault::Forged }
}

fn wrong(name: &str, detail: impl std::fmt::Display) -> AppError {
    let label = name.replace('_', " ");
    AppError::invalid("invalid_field", format!("/{name}"), format!("{label}: {detail}"))
}

impl Fields {
    /// Files are taken as texts.
    async fn of_parts(mut parts: Multipart) -> Result<Self, Fault> {
        let mut fields = Vec::new();
        while let Some(part) = parts.next_field().await.map_err(|error| unread(error.status()))? {
            let name = part.name().unwrap_or_default().to_owned();
            let bytes = part.bytes().await.map_err(|error| unread(error.status()))?;
            let text = String::from_utf8(bytes.into())
                .map_err(|_| AppError::invalid("invalid_field", format!("/{name}"), ENGLISH.not_utf8))?;
            fields.push((name, text));
        }
        Ok(Self(fields))
    }

    #[cfg(test)]
    fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    /// Trimmed; empty where it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.trim())
    }

    /// `None` where it is empty.
    pub fn filled(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.trim())
    }

    /// Whether a box is ticked.
    pub fn is_on(&self, name: &str) -> bool {
        !self.text(name).is_empty()
    }

    pub fn parsed<T: FromStr>(&self, name: &str) -> Result<T, AppError>
    where
        T::Err: std::fmt::Display,
    {
        self.text(name).parse().map_err(|error| wrong(name, error))
    }

    pub fn parsed_if_any<T: FromStr>(&self, name: &str) -> Result<Option<T>, AppError>
    where
        T::Err: std::fmt::Display,
    {
        self.filled(name).map(|_| self.parsed(name)).transpose()
    }

    /// 1 to `max` characters.
    pub fn bounded(&self, name: &str, max: usize) -> Result<String, AppError> {
        domain::text::parse_bounded(self.text(name), max).map_err(|error| wrong(name, error))
    }

    pub fn bounded_if_any(&self, name: &str, max: usize) -> Result<Option<String>, AppError> {
        self.filled(name).map(|_| self.bounded(name, max)).transpose()
    }

    pub fn units(&self, name: &str) -> Result<Option<Quantity>, AppError> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        units_of(name, text).map(Some)
    }

    pub fn percent(&self, name: &str) -> Result<Option<Percent>, AppError> {
        let Some(number) = self.parsed_if_any::<u8>(name)? else { return Ok(None) };
        Percent::new(number).map(Some).map_err(|error| wrong(name, error))
    }

    pub fn money(&self, name: &str, currency: Currency) -> Result<Option<Money>, AppError> {
        let parse = |text| Money::parse(text, currency).map_err(|error| wrong(name, error));
        self.filled(name).map(parse).transpose()
    }

    /// A day, or a day and a time, on the clocks of the zone.
    pub fn moment(&self, name: &str, zone: &TimeZone) -> Result<Option<Timestamp>, AppError> {
        let Some(text) = self.filled(name) else { return Ok(None) };
        let day = text.parse::<DateTime>().or_else(|_| text.parse::<Date>().map(DateTime::from));
        let zoned = day.and_then(|day| zone.to_timestamp(day));
        zoned.map(Some).map_err(|error| wrong(name, error))
    }

    /// The id that a form was given when it was shown: sent twice, it does its work once.
    pub fn once(&self) -> Option<String> {
        let id = self.filled("once")?;
        (id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| id.to_ascii_lowercase())
    }
}

/// A whole number of units.
pub fn units_of(name: &str, text: &str) -> Result<Quantity, AppError> {
    let number: i64 = text.parse().map_err(|error| wrong(name, error))?;
    Quantity::new(number).map_err(|error| wrong(name, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_a_day_of_the_zone() {
        let zone = TimeZone::get("America/New_York").unwrap();
        let fields = Fields::of(&[("from", "2026-07-01"), ("to", "2026-07-01T12:30"), ("bad", "July")]);
        let at = |name| fields.moment(name, &zone).unwrap().unwrap().to_string();
        assert_eq!((at("from"), at("to")), ("2026-07-01T04:00:00Z".into(), "2026-07-01T16:30:00Z".into()));
        assert!(fields.moment("bad", &zone).is_err());
        assert_eq!(fields.moment("none", &zone).unwrap(), None);
    }

    #[test]
    fn only_an_id_of_ours_makes_a_form_single() {
        let once = |text: &str| Fields::of(&[("once", text)]).once();
        assert!(once("0190abcdef0190abcdef0190abcdef01").is_some());
        assert_eq!(once("../../etc"), None);
        assert_eq!(once(""), None);
    }
}
