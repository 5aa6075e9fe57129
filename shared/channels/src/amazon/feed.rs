//! Many quantities at once: one feed of patches (`JSON_LISTINGS_FEED`), worked on by Amazon in its own time.
//!
//! Its id is the ticket. Amazon says nothing of the order in which a feed and a PATCH take effect, so a SKU whose feed is
//! not done must not be told another number by another way.

use std::collections::BTreeMap;
use std::io::Read;

use bytes::Bytes;
use domain::listing::ListingRef;
use flate2::read::GzDecoder;
use http::{Method, Request, header};
use serde_json::json;

use super::stock::{marketplace_of, patches, refuse_amazon_s, refused_by};
use super::wire::{CreatedDocument, CreatedFeed, Document, Feed, ProcessingReport};
use super::{Call, Operation, USER_AGENT, error, marketplace, parse, report, seller, unwritable};
use crate::transport::RESPONSE_BYTES_MAX;
use crate::{ChannelError, ErrorKind, Limit, Shop, StockBatch, StockOutcome, StockResult, StockTarget};

/// Messages of one feed.
pub const MESSAGES_MAX: usize = 25_000;

const FEED_TYPE: &str = "JSON_LISTINGS_FEED";
const CONTENT_TYPE: &str = "application/json; charset=UTF-8";

/// The group of a feed for what the leading marketplace has; another's id follows for what it has not.
const GROUP: &str = "feed";

pub(super) static CREATE_DOCUMENT: Operation = Operation {
    name: "prepare a feed of quantities",
    limit: Limit { name: "createFeedDocument", burst: 15, rate_micro: 500_000 },
};
/// The burst is of this type of feed, 5 in 5 minutes; the rate is the operation's.
pub(super) static CREATE: Operation = Operation {
    name: "submit a feed of quantities",
    limit: Limit { name: "createFeed", burst: 5, rate_micro: 8_300 },
};
pub(super) static GET: Operation = Operation {
    name: "look at a feed of quantities",
    limit: Limit { name: "getFeed", burst: 15, rate_micro: 2_000_000 },
};
pub(super) static DOCUMENT: Operation = Operation {
    name: "read the result of a feed",
    limit: Limit { name: "getFeedDocument", burst: 10, rate_micro: 22_200 },
};

/// One feed for each marketplace that must be told, and each 25,000 of its SKUs; what is refused without asking Amazon
/// is by itself.
pub(super) fn plan(targets: Vec<StockTarget>) -> Vec<StockBatch> {
    let mut of_group = BTreeMap::<String, Vec<StockTarget>>::new();
    let mut refused = Vec::new();
    for target in targets {
        if refuse_amazon_s(&target).is_some() {
            refused.push(StockBatch { group: None, targets: vec![target] });
            continue;
        }
        let group = match &target.stock_ref {
            None => GROUP.to_owned(),
            Some(marketplace) => format!("{GROUP} {marketplace}"),
        };
        of_group.entry(group).or_default().push(target);
    }
    let mut batches = Vec::new();
    for (group, targets) in of_group {
        let mut targets = targets.into_iter().peekable();
        while targets.peek().is_some() {
            let targets = targets.by_ref().take(MESSAGES_MAX).collect();
            batches.push(StockBatch { group: Some(group.clone()), targets });
        }
    }
    batches.extend(refused);
    batches
}

/// Document, upload, feed: after a crash in between nothing was submitted.
pub(super) async fn submit(
    shop: &Shop<'_>,
    group: &str,
    targets: &[StockTarget],
) -> Result<Vec<StockOutcome>, ChannelError> {
    let sent: Vec<&StockTarget> = targets.iter().filter(|target| refuse_amazon_s(target).is_none()).collect();
    // Asked first, for it is the one that runs out: a document that is not used costs nothing.
    let marketplace = match group.strip_prefix(GROUP).map(str::trim) {
        Some(id) if !id.is_empty() => id.to_owned(),
        _ => sent
            .first()
            .map(|target| marketplace_of(shop, target))
            .unwrap_or_else(|| marketplace::leading(shop.marketplaces).id.to_owned()),
    };
    let content = content(shop, &sent)?;
    let call = Call::post(&["feeds", "2021-06-30", "documents"], json!({ "contentType": CONTENT_TYPE }));
    let answer = CREATE_DOCUMENT.call(shop, call).await?;
    let document: CreatedDocument = parse(CREATE_DOCUMENT.name, &answer)?;
    upload(shop, &document.url, content).await?;
    let specification = json!({
        "feedType": FEED_TYPE,
        "marketplaceIds": [marketplace],
        "inputFeedDocumentId": document.feed_document_id,
    });
    let answer = CREATE.call(shop, Call::post(&["feeds", "2021-06-30", "feeds"], specification)).await?;
    let feed: CreatedFeed = parse(CREATE.name, &answer)?;
    let submitted = StockOutcome::Submitted { ticket: feed.feed_id };
    Ok(targets.iter().map(|target| refuse_amazon_s(target).unwrap_or_else(|| submitted.clone())).collect())
}

fn content(shop: &Shop<'_>, targets: &[&StockTarget]) -> Result<Bytes, ChannelError> {
    let message = |(target, id): (&&StockTarget, u32)| {
        json!({
            "messageId": id,
            "sku": target.listing.external_id,
            "operationType": "PATCH",
            "productType": "PRODUCT",
            "patches": patches(target.quantity),
        })
    };
    let messages: Vec<_> = targets.iter().zip(1..).map(message).collect();
    let header = json!({ "sellerId": seller(shop, CREATE.name)?, "version": "2.0" });
    Ok(Bytes::from(json!({ "header": header, "messages": messages }).to_string()))
}

/// To the address that Amazon signed; nothing of ours but the content goes with it.
async fn upload(shop: &Shop<'_>, url: &str, content: Bytes) -> Result<(), ChannelError> {
    let operation = "upload a feed of quantities";
    let request = Request::builder()
        .method(Method::PUT)
        .uri(url)
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONTENT_TYPE, CONTENT_TYPE)
        .body(content)
        .map_err(|error| unwritable(operation, error))?;
    let response = shop.transport.send(request).await.map_err(|error| error.during(operation))?;
    match response.status() {
        status if status.is_success() => Ok(()),
        // The address lasts five minutes: the next try gets another.
        http::StatusCode::FORBIDDEN => {
            let detail = "the document's address has ended";
            Err(ChannelError::new(ErrorKind::Unavailable, operation, detail))
        }
        status => Err(error::of_answer(operation, status, response.headers(), response.body())),
    }
}

/// What became of each SKU; `None` while Amazon works on the feed.
pub(super) async fn result(shop: &Shop<'_>, feed: &str) -> Result<Option<StockResult>, ChannelError> {
    let all = |others| Ok(Some(StockResult { named: BTreeMap::new(), others }));
    let failed =
        |reason: &str| StockOutcome::Failed { code: "feed_not_processed", reason: reason.to_owned() };
    let call = Call::get(&["feeds", "2021-06-30", "feeds", feed]);
    let Some(answer) = GET.call_if_any(shop, call).await? else {
        return all(failed("Amazon no longer knows the feed"));
    };
    let feed: Feed = parse(GET.name, &answer)?;
    match (feed.processing_status.as_str(), feed.result_feed_document_id) {
        ("IN_QUEUE" | "IN_PROGRESS", _) => Ok(None),
        ("DONE", Some(document)) => Ok(Some(read(&processing_report(shop, &document).await?))),
        ("DONE", None) => all(StockOutcome::Accepted),
        _ => all(failed("Amazon could not work on the feed")),
    }
}

async fn processing_report(shop: &Shop<'_>, document: &str) -> Result<ProcessingReport, ChannelError> {
    let answer = DOCUMENT.call(shop, Call::get(&["feeds", "2021-06-30", "documents", document])).await?;
    let document: Document = parse(DOCUMENT.name, &answer)?;
    let (body, _) = report::download(shop, DOCUMENT.name, &document.url, None).await?;
    if document.compression_algorithm.is_none() {
        return parse(DOCUMENT.name, &body);
    }
    let mut plain = Vec::new();
    let limit = u64::try_from(RESPONSE_BYTES_MAX).unwrap_or(u64::MAX);
    GzDecoder::new(&body[..]).take(limit).read_to_end(&mut plain).map_err(|error| {
        ChannelError::new(ErrorKind::Unavailable, DOCUMENT.name, "the result is cut short").caused_by(error)
    })?;
    parse(DOCUMENT.name, &plain)
}

/// Every SKU without an error was taken; an error that names none is of the whole feed.
fn read(report: &ProcessingReport) -> StockResult {
    let mut of_sku = BTreeMap::<Option<&str>, Vec<(&str, &str)>>::new();
    for issue in report.issues.iter().filter(|issue| issue.severity == "ERROR") {
        let sku = issue.sku.as_deref().filter(|sku| !sku.is_empty());
        of_sku.entry(sku).or_default().push((&issue.severity, &issue.code));
    }
    let others = match of_sku.remove(&None) {
        Some(issues) => refused_by(&issues),
        None => StockOutcome::Accepted,
    };
    let named = of_sku.into_iter().filter_map(|(sku, issues)| {
        let external_id = sku?.to_owned();
        Some((ListingRef { external_id, variation_id: None }, refused_by(&issues)))
    });
    StockResult { named: named.collect(), others }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sku_has_the_outcome_that_its_errors_are() {
        let report: ProcessingReport = serde_json::from_value(json!({
            "header": {"sellerId": "S", "version": "2.0", "feedId": "1"},
            "issues": [
                {"messageId": 1, "sku": "A", "code": "18448", "severity": "WARNING", "message": "m"},
                {"messageId": 2, "sku": "B", "code": "8560", "severity": "ERROR", "message": "m"},
            ],
            "summary": {"errors": 1, "warnings": 1, "messagesProcessed": 2, "messagesAccepted": 1, "messagesInvalid": 1},
        }))
        .unwrap();
        let result = read(&report);
        assert_eq!(result.others, StockOutcome::Accepted);
        let named: Vec<_> = result.named.keys().map(|listing| listing.external_id.as_str()).collect();
        assert_eq!(named, ["B"]);
        let whole =
            json!({"issues": [{"messageId": 0, "code": "4000001", "severity": "ERROR", "message": "m"}]});
        let result = read(&serde_json::from_value(whole).unwrap());
        assert!(matches!(result.others, StockOutcome::Rejected { code: "listing_invalid", .. }));
    }
}
