//! From a request to what answers it.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::SHOP_ID;
use super::answer::{Outcome, Refusal};
use super::limits::Verdict;
use super::state::{Listing, Receipt, State};
use super::tokens::{KEYSTRING, SHARED_SECRET, USER_ID};
use super::write::listed;

const LIMIT_MAX: usize = 100;

type Fields = BTreeMap<String, String>;

impl State {
    pub fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> (String, Response<Bytes>) {
        let path = request.uri().path().to_owned();
        if path.ends_with("/v3/public/oauth/token") && request.method() == Method::POST {
            let (status, body) = self.tokens.grant(&granted(request), now);
            return ("POST oauth/token".to_owned(), response(status, &body));
        }
        let Some((_, route)) = path.split_once("/v3/application/") else {
            return ("unknown".to_owned(), error(&Refusal::missing()));
        };
        let operation = format!("{} {}", request.method(), operation(route));
        if let Some(refusal) = self.refused(request, now) {
            return (operation, error(&refusal));
        }
        let (second, day) = match self.limits.count(now) {
            Verdict::Admitted { left_this_second, left_today } => (left_this_second, left_today),
            exceeded => return (operation, throttled(exceeded)),
        };
        let mut answer = match self.answer(request, route, now) {
            Ok(body) => response(StatusCode::OK, &body),
            Err(refusal) => error(&refusal),
        };
        let told = [
            ("x-limit-per-second", self.limits.per_second),
            ("x-remaining-this-second", second),
            ("x-limit-per-day", self.limits.per_day),
            ("x-remaining-today", day),
        ];
        for (name, number) in told {
            answer.headers_mut().insert(name, number.into());
        }
        (operation, answer)
    }

    /// The application's key comes first, then the merchant's token.
    fn refused(&self, request: &Request<Bytes>, now: Timestamp) -> Option<Refusal> {
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        let key = header("x-api-key").unwrap_or_default();
        if key != format!("{KEYSTRING}:{SHARED_SECRET}") {
            let words = if key == KEYSTRING {
                "Shared secret is required in x-api-key header."
            } else {
                "API key not found or not active, or incorrect shared secret for API key."
            };
            return Some(Refusal(StatusCode::FORBIDDEN, words.to_owned()));
        }
        let token = header("authorization").and_then(|text| text.strip_prefix("Bearer ")).unwrap_or_default();
        (!self.tokens.admits(token, now))
            .then(|| Refusal(StatusCode::UNAUTHORIZED, "invalid_token".to_owned()))
    }

    fn answer(&mut self, request: &Request<Bytes>, route: &str, now: Timestamp) -> Outcome {
        let query = fields(request.uri().query().unwrap_or_default().as_bytes());
        let number = |text: &str| text.parse::<u64>().map_err(|_| Refusal::missing());
        let segments: Vec<&str> = route.split('/').collect();
        let ours = segments.get(1) == Some(&SHOP_ID.to_string().as_str());
        match (request.method().as_str(), segments.as_slice()) {
            ("GET", ["users", "me"]) => Ok(json!({ "user_id": USER_ID, "shop_id": SHOP_ID })),
            ("GET", ["listings", "batch"]) => self.batch(&query),
            ("GET", ["listings", id]) => {
                let listing = self.listings.get(&number(id)?).ok_or_else(Refusal::missing)?;
                Ok(self.listing_with(listing, with_inventory(&query)))
            }
            ("GET", ["listings", id, "inventory"]) => {
                Ok(self.inventory(self.listings.get(&number(id)?).ok_or_else(Refusal::missing)?))
            }
            ("PUT", ["listings", id, "inventory"]) => self.put_inventory(number(id)?, request.body(), now),
            (_, ["shops", ..]) if !ours => {
                Err(Refusal(StatusCode::FORBIDDEN, "User does not own this shop".to_owned()))
            }
            ("GET", ["shops", _]) => Ok(self.shop()),
            ("GET", ["shops", _, "listings"]) => self.of_state(&query),
            ("PATCH", ["shops", _, "listings", id]) => {
                self.patch_listing(number(id)?, &fields(request.body()), now)
            }
            ("GET", ["shops", _, "receipts"]) => self.page_of_receipts(&query),
            ("GET", ["shops", _, "receipts", id]) => {
                let receipt = self.receipts.get(&number(id)?).ok_or_else(Refusal::missing)?;
                Ok(self.receipt(receipt))
            }
            ("POST", ["shops", _, "receipts", id, "tracking"]) => {
                self.post_tracking(number(id)?, &fields(request.body()), now)
            }
            _ => Err(Refusal::missing()),
        }
    }

    /// Newest first: sorting works together with a search only.
    fn of_state(&self, query: &Fields) -> Outcome {
        let state = query.get("state").map_or("active", String::as_str);
        if !["active", "inactive", "sold_out", "draft", "expired"].contains(&state) {
            return Err(Refusal::bad("Invalid enum value for state"));
        }
        let mut found: Vec<&Listing> =
            self.listings.values().filter(|listing| listing.state == state).collect();
        found.sort_by_key(|listing| std::cmp::Reverse((listing.created, listing.id)));
        let (offset, limit) = window(query)?;
        let page = found.iter().skip(offset).take(limit);
        let results = page.map(|listing| self.listing_with(listing, with_inventory(query))).collect();
        Ok(listed(found.len(), results))
    }

    fn batch(&self, query: &Fields) -> Outcome {
        let ids: Vec<&str> = query.get("listing_ids").map(|ids| ids.split(',').collect()).unwrap_or_default();
        if ids.is_empty() || ids.len() > LIMIT_MAX {
            return Err(Refusal::bad("listing_ids must have 1 to 100 ids"));
        }
        let listings = ids.iter().filter_map(|id| self.listings.get(&id.parse().ok()?));
        let results: Vec<Value> =
            listings.map(|listing| self.listing_with(listing, with_inventory(query))).collect();
        Ok(listed(results.len(), results))
    }

    fn page_of_receipts(&self, query: &Fields) -> Outcome {
        let second = |name: &str| -> Result<Option<i64>, Refusal> {
            let Some(text) = query.get(name) else { return Ok(None) };
            let second =
                text.parse().map_err(|_| Refusal::bad(format!("Expected int value for '{name}'")))?;
            Ok(Some(second))
        };
        let changed = (second("min_last_modified")?, second("max_last_modified")?);
        let made = (second("min_created")?, second("max_created")?);
        let during = |at: Timestamp, (from, to): (Option<i64>, Option<i64>)| {
            from.is_none_or(|from| at.as_second() >= from) && to.is_none_or(|to| at.as_second() <= to)
        };
        let (paid, shipped, cancelled) =
            (flag(query, "was_paid")?, flag(query, "was_shipped")?, flag(query, "was_canceled")?);
        let within = |receipt: &&Receipt| {
            during(receipt.updated, changed)
                && during(receipt.created, made)
                && paid.is_none_or(|was| was == receipt.paid)
                && shipped.is_none_or(|was| was == receipt.shipped)
                && cancelled.is_none_or(|was| was == (receipt.status == "canceled"))
        };
        let mut found: Vec<&Receipt> = self.receipts.values().filter(within).collect();
        match query.get("sort_on").map_or("created", String::as_str) {
            "created" => found.sort_by_key(|receipt| (receipt.created, receipt.id)),
            "updated" => found.sort_by_key(|receipt| (receipt.updated, receipt.id)),
            "receipt_id" => found.sort_by_key(|receipt| receipt.id),
            _ => return Err(Refusal::bad("Invalid enum value for sort_on")),
        }
        if !matches!(query.get("sort_order").map(String::as_str), Some("asc" | "ascending" | "up")) {
            found.reverse();
        }
        let (offset, limit) = window(query)?;
        let results = found.iter().skip(offset).take(limit).map(|receipt| self.receipt(receipt)).collect();
        Ok(listed(found.len(), results))
    }
}

fn with_inventory(query: &Fields) -> bool {
    query.get("includes").is_some_and(|list| list.split(',').any(|one| one == "Inventory"))
}

fn window(query: &Fields) -> Result<(usize, usize), Refusal> {
    let number = |name: &str, usual: usize| -> Result<usize, Refusal> {
        let Some(text) = query.get(name) else { return Ok(usual) };
        text.parse().map_err(|_| Refusal::bad(format!("Expected int value for '{name}'")))
    };
    let (offset, limit) = (number("offset", 0)?, number("limit", 25)?);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Refusal::bad(format!("limit must be between 1 and {LIMIT_MAX}")));
    }
    Ok((offset, limit))
}

fn flag(query: &Fields, name: &str) -> Result<Option<bool>, Refusal> {
    match query.get(name).map(String::as_str) {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Refusal::bad(format!("Expected boolean value for '{name}'"))),
    }
}

/// A list is one name with commas, or the name with brackets once for each value, as client libraries write it.
fn fields(encoded: &[u8]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in url::form_urlencoded::parse(encoded).into_owned() {
        match name.strip_suffix("[]") {
            None => drop(fields.insert(name, value)),
            Some(list) => {
                let values = fields.entry(list.to_owned()).or_default();
                if !values.is_empty() {
                    values.push(',');
                }
                values.push_str(&value);
            }
        }
    }
    fields
}

/// What the token endpoint is given: a form, or JSON as in Etsy's own tutorial.
fn granted(request: &Request<Bytes>) -> Fields {
    let kind =
        request.headers().get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        return serde_json::from_slice(request.body()).unwrap_or_default();
    }
    fields(request.body())
}

/// The route without its numbers.
fn operation(route: &str) -> String {
    let segments = route.split('/').map(|segment| if segment.parse::<u64>().is_ok() { "*" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

fn response(status: StatusCode, body: &Value) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("a response")
}

fn error(Refusal(status, words): &Refusal) -> Response<Bytes> {
    response(*status, &json!({ "error": words }))
}

/// Without the headers that tell of limits.
fn throttled(verdict: Verdict) -> Response<Bytes> {
    let (words, retry_after_s) = match verdict {
        Verdict::DayExceeded { retry_after_s } => ("Exceeded daily rate limit", retry_after_s),
        _ => ("Exceeded per second rate limit", 1),
    };
    let mut answer = error(&Refusal(StatusCode::TOO_MANY_REQUESTS, words.to_owned()));
    answer.headers_mut().insert("retry-after", retry_after_s.into());
    answer
}
