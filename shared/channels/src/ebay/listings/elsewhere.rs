//! Listings that were made elsewhere: on eBay's own pages or by the Trading API.
//!
//! The Inventory API neither shows nor changes them, so they cannot be synced until they are migrated, which freezes some of
//! what their maker can do with them: it is the merchant's choice, never ours. They are reported, each by name, as records
//! that failed. What is on sale at all is told by one call of the Trading API for 200 listings.

use bytes::Bytes;
use domain::listing::{FetchedListing, RecordFailure};
use http::{Method, Request};
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use secrecy::ExposeSecret;

use crate::ebay::request::{HOME, INVENTORY, admit, exchange, host};
use crate::ebay::{auth, limits, stock};
use crate::{ChannelError, ErrorKind, Shop};

/// Listings of a page: eBay's limit.
const PAGE: u32 = 200;
/// The Trading API's version, as its reference has it.
const VERSION: &str = "1423";

const FETCH: &str = "fetch what is on sale";

/// What stands for these codes of the Trading API. Not verified but for the first.
const UNAUTHORIZED: [&str; 6] = ["21917053", "931", "932", "16110", "17470", "21916984"];
const THROTTLED: [&str; 1] = ["518"];
const UNAVAILABLE: [&str; 2] = ["10007", "2"];

/// A listing that is on sale.
#[derive(Debug, Default, PartialEq, Eq)]
struct OnSale {
    id: String,
    title: String,
    /// Its own, or its variations'.
    skus: Vec<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct ActiveList {
    listings: Vec<OnSale>,
    pages: u32,
    errors: Vec<String>,
}

/// One page, counted from 1: what cannot be synced, and whether there are more pages.
pub(super) async fn fetch(
    shop: &Shop<'_>,
    page: u32,
) -> Result<(Vec<Result<FetchedListing, RecordFailure>>, bool), ChannelError> {
    INVENTORY.admit(shop, FETCH, 0)?;
    admit(shop, &limits::TRADING, FETCH, 1)?;
    let list = match active(shop, page).await {
        Ok(list) => list,
        // What can be synced is: only the report is missing.
        Err(error) if matches!(error.kind, ErrorKind::Rejected | ErrorKind::Forbidden) => {
            return Ok((vec![Err(unknown(&error))], false));
        }
        Err(error) => return Err(error),
    };
    let mut skus: Vec<&str> =
        list.listings.iter().filter_map(|one| one.skus.first()).map(String::as_str).collect();
    skus.sort_unstable();
    skus.dedup();
    INVENTORY.charge(shop, skus.len().div_ceil(25));
    let known = stock::items(shop, FETCH, &skus).await?;
    let elsewhere =
        list.listings.into_iter().filter(|one| !one.skus.first().is_some_and(|sku| known.contains_key(sku)));
    Ok((elsewhere.map(|one| Err(failure(one))).collect(), page < list.pages))
}

fn failure(one: OnSale) -> RecordFailure {
    RecordFailure {
        external_id: one.id,
        sku: one.skus.into_iter().next(),
        title: Some(one.title),
        code: "made_elsewhere".to_owned(),
        reason: "This listing was not made through eBay's Inventory API, which alone we can use. Migrate it to have it \
                 synced: afterwards eBay's own pages and older tools can no longer change it."
            .to_owned(),
    }
}

fn unknown(error: &ChannelError) -> RecordFailure {
    RecordFailure {
        external_id: "active listings".to_owned(),
        sku: None,
        title: None,
        code: "listings_elsewhere_unknown".to_owned(),
        reason: format!(
            "eBay did not tell what else is on sale ({}): listings that were made elsewhere are not reported.",
            error.detail
        ),
    }
}

async fn active(shop: &Shop<'_>, page: u32) -> Result<ActiveList, ChannelError> {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\
         <GetMyeBaySellingRequest xmlns=\"urn:ebay:apis:eBLBaseComponents\">\
         <ActiveList><Include>true</Include><Pagination><EntriesPerPage>{PAGE}</EntriesPerPage>\
         <PageNumber>{page}</PageNumber></Pagination></ActiveList></GetMyeBaySellingRequest>"
    );
    let token = auth::user_token(shop, FETCH)?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/ws/api.dll", host(shop, HOME)))
        .header(http::header::CONTENT_TYPE, "text/xml")
        .header("X-EBAY-API-CALL-NAME", "GetMyeBaySelling")
        .header("X-EBAY-API-COMPATIBILITY-LEVEL", VERSION)
        .header("X-EBAY-API-SITEID", "0")
        .header("X-EBAY-API-IAF-TOKEN", token.expose_secret())
        .body(Bytes::from(body));
    let response = exchange(shop, FETCH, request).await?;
    let list = read(response.body())
        .ok_or_else(|| ChannelError::new(ErrorKind::Malformed, FETCH, "the answer is not as documented"))?;
    let Some(first) = list.errors.first() else { return Ok(list) };
    let kind = match first.as_str() {
        code if UNAUTHORIZED.contains(&code) => ErrorKind::Unauthorized,
        code if THROTTLED.contains(&code) => ErrorKind::Throttled,
        code if UNAVAILABLE.contains(&code) => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    };
    Err(ChannelError::new(kind, FETCH, format!("ebay answered with error {first}")))
}

/// Reads the answer; `None` where it is none.
fn read(body: &[u8]) -> Option<ActiveList> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text);
    let mut list = ActiveList::default();
    let mut path: Vec<String> = Vec::new();
    let mut value = String::new();
    let (mut answered, mut failed) = (false, false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                path.push(start.local_name().as_ref().to_owned());
                value.clear();
                if path.ends_with(&["ItemArray".to_owned(), "Item".to_owned()]) {
                    list.listings.push(OnSale::default());
                }
            }
            Event::Text(text) => value.push_str(&text),
            Event::CData(text) => value.push_str(&text),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(character) => value.push(character),
                None => value.push_str(resolve_predefined_entity(&reference)?),
            },
            Event::End(_) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                match (names.as_slice(), list.listings.last_mut()) {
                    ([_, "Ack"], _) => {
                        answered = true;
                        failed = value == "Failure";
                    }
                    ([_, "Errors", "ErrorCode"], _) => list.errors.push(value.clone()),
                    ([_, "ActiveList", "PaginationResult", "TotalNumberOfPages"], _) => {
                        list.pages = value.parse().ok()?;
                    }
                    ([.., "Item", "ItemID"], Some(one)) => one.id.clone_from(&value),
                    ([.., "Item", "Title"], Some(one)) => one.title.clone_from(&value),
                    ([.., "Item" | "Variation", "SKU"], Some(one)) if !value.is_empty() => {
                        one.skus.push(value.clone());
                    }
                    _ => {}
                }
                path.pop();
                value.clear();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    // What only warns has its list all the same.
    if !failed {
        list.errors.clear();
    }
    (answered && path.is_empty()).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<GetMyeBaySellingResponse xmlns="urn:ebay:apis:eBLBaseComponents">
  <Ack>Success</Ack>
  <ActiveList>
    <ItemArray>
      <Item><ItemID>11</ItemID><Title>Salt &amp; pepper &#8211; set</Title><SKU>A/B &lt;1&gt;</SKU></Item>
      <Item><ItemID>12</ItemID><Title>Shirt</Title>
        <Variations><Variation><SKU>S</SKU></Variation><Variation><SKU>M</SKU></Variation></Variations></Item>
      <Item><ItemID>13</ItemID><Title>No SKU</Title><SKU/></Item>
    </ItemArray>
    <PaginationResult><TotalNumberOfPages>3</TotalNumberOfPages></PaginationResult>
  </ActiveList>
</GetMyeBaySellingResponse>"#;

    #[test]
    fn what_is_on_sale_is_read() {
        let list = read(ANSWER.as_bytes()).unwrap();
        let found: Vec<_> = list
            .listings
            .iter()
            .map(|one| (one.id.as_str(), one.title.as_str(), one.skus.join(",")))
            .collect();
        assert_eq!(
            found,
            [
                ("11", "Salt & pepper – set", "A/B <1>".to_owned()),
                ("12", "Shirt", "S,M".to_owned()),
                ("13", "No SKU", String::new()),
            ]
        );
        assert_eq!(list.pages, 3);
    }

    #[test]
    fn a_refusal_is_told_from_a_warning_and_from_half_an_answer() {
        let failed = "<R><Ack>Failure</Ack><Errors><ErrorCode>931</ErrorCode></Errors></R>";
        assert_eq!(read(failed.as_bytes()).unwrap().errors, ["931"]);
        let warned = "<R><Ack>Warning</Ack><Errors><ErrorCode>17</ErrorCode></Errors></R>";
        assert_eq!(read(warned.as_bytes()).unwrap().errors, Vec::<String>::new());
        assert_eq!(read(b"<R><Ack>Success</Ack>"), None);
        assert_eq!(read(b"<html></html>"), None);
        assert_eq!(read(b"no"), None);
    }
}
