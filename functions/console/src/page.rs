//! What all pages have in common: the frame around them, and the small things that they are made of.

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;
use axum::response::{Html, IntoResponse, Response};
use domain::{Money, Timestamp};
use http::header::SET_COOKIE;
use jiff::tz::TimeZone;
use store::PageRequest;
use store::api_key::Scope;

use crate::asset::{PATHS, Paths};
use crate::fault::Fault;
use crate::text::{ENGLISH, Text};
use crate::visitor::{Notice, Visitor, notice_shown};

/// Where a page is in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Dashboard,
    Orders,
    Listings,
    Items,
    Stock,
    Connections,
    Keys,
}

/// The frame of a page.
pub struct Shell {
    pub t: &'static Text,
    pub assets: &'static Paths,
    pub title: String,
    pub section: Section,
    pub organization: String,
    pub zone: String,
    pub csrf: Csrf,
    pub notice: Option<Notice>,
    pub may_write: bool,
    pub may_admin: bool,
    pub may_reveal: bool,
}

impl Shell {
    pub fn new(visitor: &Visitor, section: Section, title: impl Into<String>) -> Self {
        Self {
            t: &ENGLISH,
            assets: &PATHS,
            title: title.into(),
            section,
            organization: visitor.organization.name.as_str().to_owned(),
            zone: visitor.organization.time_zone.clone(),
            csrf: Csrf(visitor.csrf.clone()),
            notice: visitor.notice.clone(),
            may_write: visitor.may(Scope::Write),
            may_admin: visitor.may(Scope::Admin),
            may_reveal: visitor.may(Scope::Pii),
        }
    }

    pub fn is(&self, section: &str) -> bool {
        section == format!("{:?}", self.section)
    }
}

/// The page; a notice that it shows is not shown again.
pub fn render(visitor: &Visitor, template: &impl Template) -> Result<Response, Fault> {
    let mut response = part(template)?;
    if let Some(cookie) = visitor.notice.as_ref().and_then(|_| notice_shown()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A part of a page, for what is replaced in it.
pub fn part(template: &impl Template) -> Result<Response, Fault> {
    Ok(Html(template.render().map_err(|error| {
        tracing::error!(%error, "a page could not be written");
        Fault::Unwritable
    })?)
    .into_response())
}

/// The hidden field of each form: hex digits alone.
#[derive(Debug, Clone)]
pub struct Csrf(String);

impl fmt::Display for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<input type=\"hidden\" name=\"csrf\" value=\"{}\">", self.0)
    }
}

impl HtmlSafe for Csrf {}

/// A word with a colour, which says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Badge {
    pub tone: Tone,
    pub label: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Good,
    Warn,
    Bad,
    Plain,
    Busy,
}

impl Badge {
    pub fn new(tone: Tone, label: &'static str) -> Self {
        Self { tone, label }
    }
}

impl fmt::Display for Badge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let class = match self.tone {
            Tone::Good => "good",
            Tone::Warn => "warn",
            Tone::Bad => "bad",
            Tone::Plain => "plain",
            Tone::Busy => "busy",
        };
        write!(f, "<span class=\"badge {class}\">{}</span>", self.label)
    }
}

/// Labels are words of ours.
impl HtmlSafe for Badge {}

/// An instant on the organization's clocks.
#[derive(Debug, Clone)]
pub struct Moment {
    iso: String,
    text: String,
}

impl Moment {
    pub fn new(at: Timestamp, zone: &TimeZone) -> Self {
        let text = at.to_zoned(zone.clone()).strftime("%-d %b %Y, %H:%M").to_string();
        Self { iso: format!("{at:.0}"), text }
    }

    /// Without the markup, for a place in a sentence.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\">{}</time>", self.iso, self.text)
    }
}

/// Digits, and the names of months.
impl HtmlSafe for Moment {}

impl Visitor {
    pub fn at(&self, at: Timestamp) -> Moment {
        Moment::new(at, &self.zone)
    }

    pub fn at_if_any(&self, at: Option<Timestamp>) -> Option<Moment> {
        at.map(|at| self.at(at))
    }

    /// How long ago, in the largest unit that fits.
    pub fn age(&self, at: Timestamp) -> String {
        let minutes = self.now.duration_since(at).as_mins().max(0);
        match minutes {
            0 => ENGLISH.just_now.to_owned(),
            1..60 => format!("{minutes} min"),
            60..2880 => format!("{} h", minutes / 60),
            _ => format!("{} {}", minutes / 1440, ENGLISH.days),
        }
    }
}

/// An amount with its currency.
pub fn money(money: Money) -> String {
    format!("{} {}", money.amount(), money.currency)
}

/// Something to choose.
#[derive(Debug, Clone)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub on: bool,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>, on: bool) -> Self {
        Self { value: value.into(), label: label.into(), on }
    }
}

/// Rows of a page of a list.
const ROWS: u32 = 25;

pub fn request(cursor: &str) -> PageRequest {
    PageRequest { limit: ROWS, cursor: Some(cursor.to_owned()).filter(|cursor| !cursor.is_empty()) }
}

/// The way from one part of a list to the next.
#[derive(Debug, Clone, Default)]
pub struct Pager {
    pub first: Option<String>,
    pub next: Option<String>,
}

impl Pager {
    /// `query`: the list's filter.
    pub fn new(path: &str, query: &[(&str, &str)], cursor: &str, next: Option<&str>) -> Self {
        let place = |cursor: Option<&str>| {
            let filled = query.iter().copied().filter(|(_, value)| !value.is_empty());
            let mut text = url::form_urlencoded::Serializer::new(String::new());
            text.extend_pairs(filled).extend_pairs(cursor.map(|cursor| ("cursor", cursor)));
            let text = text.finish();
            if text.is_empty() { path.to_owned() } else { format!("{path}?{text}") }
        };
        Self { first: (!cursor.is_empty()).then(|| place(None)), next: next.map(|next| place(Some(next))) }
    }
}
