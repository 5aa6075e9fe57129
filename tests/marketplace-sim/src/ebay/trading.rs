//! Of the Trading API: `GetMyeBaySelling`, the list of what is on sale, wherever it was made.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;

use super::answer::Answer;
use super::state::State;

pub(super) fn answer(state: &State, request: &Request<Bytes>, now: Timestamp) -> Answer {
    let headers = request.headers();
    let call = headers.get("x-ebay-api-call-name").and_then(|value| value.to_str().ok());
    if call != Some("GetMyeBaySelling") {
        return failure("2", "Unsupported API call.");
    }
    // 200, whatever is wrong.
    if !state.tokens.admits_iaf(headers, now) {
        return failure("21917053", "Auth token is hard expired.");
    }
    let body = String::from_utf8_lossy(request.body());
    let number = |name: &str| -> Option<usize> {
        let rest = body.split_once(&format!("<{name}>"))?.1;
        rest.split_once('<')?.0.parse().ok()
    };
    let (size, page) = (number("EntriesPerPage").unwrap_or(25), number("PageNumber").unwrap_or(1));
    if !(1..=200).contains(&size) || page == 0 {
        return failure("37", "Input data for tag <EntriesPerPage> is invalid or missing.");
    }
    let mut listings: Vec<(String, String)> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (sku, item) in &state.items {
        if !seen.insert(&item.listing_id) {
            continue;
        }
        let skus = match item.group.as_ref().and_then(|key| state.groups.get(key)) {
            None => format!("<SKU>{}</SKU>", escaped(sku)),
            Some(group) => {
                let one = |sku: &String| format!("<Variation><SKU>{}</SKU></Variation>", escaped(sku));
                format!("<Variations>{}</Variations>", group.skus.iter().map(one).collect::<String>())
            }
        };
        listings.push((item.listing_id.clone(), format!("<Title>{}</Title>{skus}", escaped(&item.title))));
    }
    for one in &state.elsewhere {
        let sku = one.sku.as_ref().map_or(String::new(), |sku| format!("<SKU>{}</SKU>", escaped(sku)));
        listings.push((one.listing_id.clone(), format!("<Title>{}</Title>{sku}", escaped(&one.title))));
    }
    let pages = listings.len().div_ceil(size);
    let shown: String = listings
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .map(|(id, rest)| format!("<Item><ItemID>{id}</ItemID>{rest}</Item>"))
        .collect();
    let list = if listings.is_empty() {
        String::new()
    } else {
        format!(
            "<ActiveList><ItemArray>{shown}</ItemArray><PaginationResult><TotalNumberOfPages>{pages}</TotalNumberOfPages>\
             <TotalNumberOfEntries>{}</TotalNumberOfEntries></PaginationResult></ActiveList>",
            listings.len()
        )
    };
    enveloped("Success", &list)
}

fn failure(code: &str, message: &str) -> Answer {
    let errors = format!(
        "<Errors><ShortMessage>{message}</ShortMessage><LongMessage>{message}</LongMessage><ErrorCode>{code}</ErrorCode>\
         <SeverityCode>Error</SeverityCode></Errors>"
    );
    enveloped("Failure", &errors)
}

fn enveloped(ack: &str, rest: &str) -> Answer {
    Answer::xml(format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><GetMyeBaySellingResponse xmlns=\"urn:ebay:apis:eBLBaseComponents\">\
         <Ack>{ack}</Ack><Version>1423</Version>{rest}</GetMyeBaySellingResponse>"
    ))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
