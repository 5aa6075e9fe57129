//! Query parameters, and the lists that they page, filter and sort.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use serde_json::Value;

use super::Context;
use super::answer::{Answer, Outcome, Refusal};

/// Decoded parameters, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Query(pub Vec<(String, String)>);

impl Query {
    /// Of several values under one name the last one counts, as PHP has it; WooCommerce's own client sends each
    /// parameter twice where it signs.
    pub fn parse(text: &str) -> Self {
        let mut given: Vec<(String, String)> = Vec::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()).into_owned() {
            match given.iter_mut().find(|(known, _)| *known == name && !name.ends_with("[]")) {
                Some((_, last)) => *last = value,
                None => given.push((name, value)),
            }
        }
        Self(given)
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A comma list.
    pub fn list(&self, name: &str) -> Option<Vec<&str>> {
        self.get(name).map(|text| text.split(',').map(str::trim).filter(|one| !one.is_empty()).collect())
    }

    fn number(&self, name: &str, default: usize, max: usize) -> Result<usize, Refusal> {
        let Some(text) = self.get(name) else { return Ok(default) };
        match text.parse() {
            Ok(number) if (1..=max).contains(&number) => Ok(number),
            Ok(_) => Err(Refusal::parameter(
                name,
                &format!("{name} must be between 1 (inclusive) and {max} (inclusive)"),
            )),
            Err(_) => Err(Refusal::parameter(name, &format!("{name} is not of type integer."))),
        }
    }
}

/// What a list is sorted and filtered by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub id: u64,
    pub created: Timestamp,
    pub modified: Timestamp,
}

impl Context<'_> {
    /// Whether a record passes `include` and `modified_after`.
    pub fn passes(&self, query: &Query, key: Key) -> Result<bool, Refusal> {
        if let Some(ids) = query.list("include")
            && !ids.contains(&key.id.to_string().as_str())
        {
            return Ok(false);
        }
        let Some(text) = query.get("modified_after") else { return Ok(true) };
        let bad = || Refusal::parameter("modified_after", "Invalid date.");
        let local = Offset::from_seconds(self.options.offset_s).map_err(|_| bad())?;
        // A zone is turned into the shop's own wall clock, whatever it is compared with then: that is the trap.
        let wall: DateTime = match text.parse::<Timestamp>() {
            Ok(instant) => local.to_datetime(instant),
            Err(_) => text.parse().map_err(|_| bad())?,
        };
        let gmt = query.get("dates_are_gmt").is_some_and(|text| matches!(text, "true" | "1"));
        let column =
            if gmt { Offset::UTC.to_datetime(key.modified) } else { local.to_datetime(key.modified) };
        Ok(whole_second(column) > whole_second(wall))
    }

    /// One page of records, with the headers that count them.
    pub fn page(
        &self,
        path: &str,
        query: &Query,
        mut records: Vec<(Key, Value)>,
        newest_first: bool,
    ) -> Outcome {
        let per_page = query.number("per_page", 10, 100)?;
        let page = query.number("page", 1, usize::MAX)?;
        let by = query.get("orderby").unwrap_or("date");
        records.sort_by_key(|(key, _)| match by {
            "id" => (Timestamp::UNIX_EPOCH, key.id),
            "modified" => (second(key.modified), key.id),
            _ => (second(key.created), key.id),
        });
        if query.get("order").map_or(newest_first, |order| order == "desc") {
            records.reverse();
        }
        let total = records.len();
        let pages = total.div_ceil(per_page);
        let body = records
            .into_iter()
            .skip((page - 1) * per_page)
            .take(per_page)
            .map(|(_, record)| record)
            .collect();
        let mut answer = Answer::ok(body);
        answer.headers = vec![
            ("x-wp-total", total.to_string()),
            ("x-wp-totalpages", pages.to_string()),
            ("link", links(path, query, page, pages)),
        ];
        Ok(answer)
    }

    /// The shop's own wall clock, and GMT, both without a zone.
    pub fn dates(&self, at: Timestamp) -> (String, String) {
        let text = |offset: Offset| offset.to_datetime(at).strftime("%Y-%m-%dT%H:%M:%S").to_string();
        (text(Offset::from_seconds(self.options.offset_s).unwrap_or(Offset::UTC)), text(Offset::UTC))
    }
}

fn links(path: &str, query: &Query, page: usize, pages: usize) -> String {
    let to = |page: usize, relation: &str| {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(query.0.iter().filter(|(name, _)| name != "page" && !name.starts_with("oauth_")));
        text.append_pair("page", &page.to_string());
        format!("<https://shop.example{path}?{}>; rel=\"{relation}\"", text.finish())
    };
    let mut links = Vec::new();
    if page > 1 && pages > 0 {
        links.push(to((page - 1).min(pages), "prev"));
    }
    if page < pages {
        links.push(to(page + 1, "next"));
    }
    if links.is_empty() {
        return "<https://shop.example/wp-json/>; rel=\"https://api.w.org/\"".to_owned();
    }
    links.join(", ")
}

/// The shop keeps whole seconds.
fn second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

fn whole_second(at: DateTime) -> DateTime {
    at.with().subsec_nanosecond(0).build().unwrap_or(at)
}
