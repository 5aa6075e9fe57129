//! The whole catalogue as a report, for more listings than a search pages through.
//!
//! Asked for, waited for and read in slices, so that memory does not grow with the catalogue: the cursor holds the
//! report's id, then the document's id and how many bytes of it were read. The report does not tell what a variation's
//! attributes are; they come with the listing's next change.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use domain::channel::Fulfilment;
use domain::listing::{ChannelStatus, FetchedListing, ListingRef, RecordFailure};
use domain::{Currency, Money, Name, Quantity, Sku};
use flate2::read::GzDecoder;
use http::{Request, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::listings::failure;
use super::stock::Place;
use super::wire::{CreatedReport, Document, Report};
use super::{Call, Operation, USER_AGENT, error, marketplace, parse, unwritable};
use crate::{ChannelError, ErrorKind, Limit, Shop};

const REPORT_TYPE: &str = "GET_MERCHANT_LISTINGS_ALL_DATA";

/// Bytes of a document read at once: some 3,000 listings. Each slice costs a call of [`DOCUMENT`], of which there are 15
/// and then one a minute.
const SLICE_BYTES: u64 = 1024 * 1024;

/// Between two looks at a report that is still being made, at least and at most; in between, as long as it took so far.
const WAIT_MIN: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_secs(15 * 60);

pub(super) static CREATE: Operation = Operation {
    name: "ask for a report of the listings",
    limit: Limit { name: "createReport", burst: 15, rate_micro: 16_700 },
};
pub(super) static GET: Operation = Operation {
    name: "look at the report of the listings",
    limit: Limit { name: "getReport", burst: 15, rate_micro: 2_000_000 },
};
pub(super) static DOCUMENT: Operation = Operation {
    name: "read the report of the listings",
    limit: Limit { name: "getReportDocument", burst: 15, rate_micro: 16_700 },
};

/// How far a document was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reading {
    document: String,
    /// In bytes of the document without its compression.
    at: u64,
    /// Known after the first line.
    columns: Option<Columns>,
}

/// Which column holds what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Columns {
    sku: usize,
    title: Option<usize>,
    price: Option<usize>,
    quantity: Option<usize>,
    channel: Option<usize>,
    status: Option<usize>,
}

/// Asks for the report; its id.
pub(super) async fn create(shop: &Shop<'_>) -> Result<String, ChannelError> {
    let marketplaces = marketplace::ids(shop.marketplaces);
    let body = json!({ "reportType": REPORT_TYPE, "marketplaceIds": marketplaces });
    let answer = CREATE.call(shop, Call::post(&["reports", "2021-06-30", "reports"], body)).await?;
    Ok(parse::<CreatedReport>(CREATE.name, &answer)?.report_id)
}

/// Where reading begins, once the report is made; `None` if there is nothing in it.
pub(super) async fn wait(shop: &Shop<'_>, report: &str) -> Result<Option<Reading>, ChannelError> {
    let answer = GET.call(shop, Call::get(&["reports", "2021-06-30", "reports", report])).await?;
    let report: Report = parse(GET.name, &answer)?;
    match (report.processing_status.as_str(), report.report_document_id) {
        ("DONE", Some(document)) => Ok(Some(Reading { document, at: 0, columns: None })),
        // Amazon cancels a report that would be empty.
        ("CANCELLED", _) => Ok(None),
        ("IN_QUEUE" | "IN_PROGRESS", _) => {
            let so_far = Duration::try_from(shop.now.duration_since(report.created_time)).unwrap_or_default();
            let detail = "Amazon is still making the report";
            let error = ChannelError::new(ErrorKind::Unavailable, GET.name, detail);
            Err(error.after(so_far.clamp(WAIT_MIN, WAIT_MAX)))
        }
        _ => Err(ChannelError::new(ErrorKind::Rejected, GET.name, "Amazon could not make the report")),
    }
}

type Slice = (Vec<Result<FetchedListing, RecordFailure>>, Option<Reading>);

/// The listings of the next slice, and where the one after it begins.
pub(super) async fn read(shop: &Shop<'_>, reading: Reading) -> Result<Slice, ChannelError> {
    let answer =
        DOCUMENT.call(shop, Call::get(&["reports", "2021-06-30", "documents", &reading.document])).await?;
    let document: Document = parse(DOCUMENT.name, &answer)?;
    let (bytes, last) = slice(shop, &document, reading.at).await?;
    let leading = marketplace::ids(shop.marketplaces);
    lines(reading, &bytes, last, shop.currency, &leading)
}

/// Bytes of the document from `at` on, and whether they reach its end.
async fn slice(shop: &Shop<'_>, document: &Document, at: u64) -> Result<(Vec<u8>, bool), ChannelError> {
    let packed = match document.compression_algorithm.as_deref() {
        None => false,
        Some("GZIP") => true,
        Some(_) => {
            let detail = "the report is compressed in a way that is not documented";
            return Err(ChannelError::new(ErrorKind::Malformed, DOCUMENT.name, detail));
        }
    };
    let range = (!packed).then(|| (at, at + SLICE_BYTES));
    let (body, partial) = download(shop, DOCUMENT.name, &document.url, range).await?;
    // A server that does not know ranges sends all; a compressed document cannot be entered in its middle.
    let skip = if partial { 0 } else { at };
    let cut = |error: std::io::Error| {
        ChannelError::new(ErrorKind::Unavailable, DOCUMENT.name, "the report is cut short").caused_by(error)
    };
    let mut whole: Box<dyn Read + Send> =
        if packed { Box::new(GzDecoder::new(&body[..])) } else { Box::new(&body[..]) };
    std::io::copy(&mut (&mut whole).take(skip), &mut std::io::sink()).map_err(cut)?;
    let mut bytes = Vec::new();
    // One byte more than a slice tells whether there is more.
    whole.take(SLICE_BYTES + 1).read_to_end(&mut bytes).map_err(cut)?;
    let last = u64::try_from(bytes.len()).unwrap_or(u64::MAX) <= SLICE_BYTES;
    Ok((bytes, last))
}

/// Fetches a document from the address that Amazon signed; nothing of ours goes with it. `range`: from, and including,
/// to. Whether the answer is the part asked for.
pub(super) async fn download(
    shop: &Shop<'_>,
    operation: &'static str,
    url: &str,
    range: Option<(u64, u64)>,
) -> Result<(Bytes, bool), ChannelError> {
    let mut request = Request::builder().uri(url).header(header::USER_AGENT, USER_AGENT);
    if let Some((from, to)) = range {
        request = request.header(header::RANGE, format!("bytes={from}-{to}"));
    }
    let request = request.body(Bytes::new()).map_err(|error| unwritable(operation, error))?;
    let response = shop.transport.send(request).await.map_err(|error| error.during(operation))?;
    match response.status() {
        StatusCode::PARTIAL_CONTENT => Ok((response.into_body(), true)),
        StatusCode::RANGE_NOT_SATISFIABLE => Ok((Bytes::new(), true)),
        status if status.is_success() => Ok((response.into_body(), false)),
        // The address lasts minutes: another one is asked for with the next try.
        StatusCode::FORBIDDEN => {
            let detail = "the document's address has ended";
            Err(ChannelError::new(ErrorKind::Unavailable, operation, detail))
        }
        status => Err(error::of_answer(operation, status, response.headers(), response.body())),
    }
}

/// The whole lines of a slice.
fn lines(
    mut reading: Reading,
    bytes: &[u8],
    last: bool,
    currency: Currency,
    marketplaces: &[&str],
) -> Result<Slice, ChannelError> {
    let malformed = |detail: &str| ChannelError::new(ErrorKind::Malformed, DOCUMENT.name, detail);
    let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
        _ if last => bytes,
        Some(end) => bytes.get(..=end).unwrap_or_default(),
        None => return Err(malformed("a line of the report is too long")),
    };
    let mut lines = whole.split(|byte| *byte == b'\n').map(text);
    if reading.columns.is_none() {
        let header = lines.next().unwrap_or_default();
        let columns = Columns::of(&header).ok_or_else(|| malformed("the report has no column of SKUs"))?;
        reading.columns = Some(columns);
    }
    let columns = reading.columns.clone().ok_or_else(|| malformed("the report has no columns"))?;
    let records = lines
        .filter(|line| !line.trim().is_empty())
        .map(|line| columns.listing(&line, currency, marketplaces))
        .collect();
    reading.at += u64::try_from(whole.len()).unwrap_or(u64::MAX);
    Ok((records, (!last).then_some(reading)))
}

/// A line without its end. Some marketplaces still write ISO 8859-1.
fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok(text) => text.to_owned(),
        Err(_) => line.iter().map(|byte| char::from(*byte)).collect(),
    }
}

impl Columns {
    fn of(header: &str) -> Option<Self> {
        let names: Vec<&str> = header.split('\t').map(str::trim).collect();
        let at = |wanted: &str| names.iter().position(|name| name.eq_ignore_ascii_case(wanted));
        Some(Self {
            sku: at("seller-sku")?,
            title: at("item-name"),
            price: at("price"),
            quantity: at("quantity"),
            channel: at("fulfillment-channel"),
            status: at("status"),
        })
    }

    fn listing(
        &self,
        line: &str,
        currency: Currency,
        marketplaces: &[&str],
    ) -> Result<FetchedListing, RecordFailure> {
        let fields: Vec<&str> = line.split('\t').collect();
        let field =
            |at: Option<usize>| fields.get(at?).map(|text| text.trim()).filter(|text| !text.is_empty());
        let written = field(Some(self.sku)).unwrap_or_default();
        let title = field(self.title).unwrap_or(written);
        let refuse = |code: &str, reason: String| failure(written, Some(title), code, reason);
        let sku = Sku::parse(written)
            .map_err(|error| refuse("invalid_sku", format!("Change the SKU: it {error}.")))?;
        let name = Name::from_channel(title)
            .map_err(|error| refuse("invalid_title", format!("Change the title: it {error}.")))?;
        let price = match field(self.price) {
            None => None,
            Some(text) => Some(
                Money::parse_rounded(text, currency)
                    .map_err(|error| refuse("invalid_price", format!("Change the price: it {error}.")))?,
            ),
        };
        let quantity = match field(self.quantity) {
            None => None,
            Some(text) => Some(text.parse::<i64>().map(Quantity::clamped).map_err(|_| {
                refuse("unreadable_record", "Amazon's report has no number as its quantity.".to_owned())
            })?),
        };
        let amazon_s = field(self.channel).filter(|code| Place::is_amazon_s(code));
        let place = match amazon_s {
            Some(code) => Place::Amazon(code.to_owned()),
            None => Place::of_marketplace(None, marketplaces),
        };
        Ok(FetchedListing {
            reference: ListingRef { external_id: written.to_owned(), variation_id: None },
            sku: Some(sku),
            title: name,
            price,
            quantity,
            status: status(field(self.status), quantity),
            attributes: Vec::new(),
            barcode: None,
            fulfilment: if amazon_s.is_some() { Fulfilment::Fba } else { Fulfilment::Mfn },
            stock_ref: place.to_stock_ref(),
        })
    }
}

/// What is sold out is reported as inactive, and is on sale again with its next unit.
fn status(status: Option<&str>, quantity: Option<Quantity>) -> ChannelStatus {
    let sold_out = quantity.is_some_and(|quantity| quantity.get() == 0);
    match status {
        None | Some("Active") => ChannelStatus::Active,
        Some("Inactive") if sold_out => ChannelStatus::Active,
        Some(_) => ChannelStatus::Inactive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEADER: &str = "item-name\titem-description\tlisting-id\tseller-sku\tprice\tquantity\topen-date\t\
                          fulfillment-channel\tstatus\n";

    fn start() -> Reading {
        Reading { document: "d".to_owned(), at: 0, columns: None }
    }

    fn usd() -> Currency {
        "USD".parse().unwrap()
    }

    #[test]
    fn each_line_is_a_listing() {
        let text = format!(
            "{HEADER}Mug, red\tx\tL1\tMUG/1\t9.5\t0\t2026-01-01\tDEFAULT\tInactive\r\n\
             Lamp\t\tL2\tLAMP\t49.00\t\t\tAMAZON_NA\tActive\n\
             Old\t\tL3\tOLD\t1\t3\t\tDEFAULT\tInactive\n\
             Bad\t\tL4\tBAD\tmuch\t3\t\tDEFAULT\tActive\n\n"
        );
        let (records, next) = lines(start(), text.as_bytes(), true, usd(), &["A"]).unwrap();
        assert!(next.is_none());
        let told: Vec<String> = records
            .into_iter()
            .map(|record| match record {
                Ok(one) => format!(
                    "{} {} {:?} {:?} {:?}",
                    one.reference.external_id,
                    one.price.map(|price| price.amount()).unwrap_or_default(),
                    one.quantity.map(|quantity| quantity.get()),
                    one.status,
                    one.fulfilment
                ),
                Err(failure) => format!("{} {}", failure.external_id, failure.code),
            })
            .collect();
        assert_eq!(
            told,
            [
                "MUG/1 9.50 Some(0) Active Mfn",
                "LAMP 49.00 None Active Fba",
                "OLD 1.00 Some(3) Inactive Mfn",
                "BAD invalid_price",
            ]
        );
    }

    #[test]
    fn a_report_without_skus_is_refused() {
        let error = lines(start(), b"a\tb\n1\t2\n", true, usd(), &["A"]).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Malformed);
    }

    #[test]
    fn a_line_in_latin_1_is_read() {
        assert_eq!(text(b"Gr\xf6\xdfe\r"), "Größe");
        assert_eq!(text("商品".as_bytes()), "商品");
    }

    proptest! {
        /// Wherever it is cut, every line comes once and in its order.
        #[test]
        fn slices_lose_nothing(cuts in prop::collection::vec(60usize..200, 1..30), count in 0usize..40) {
            let mut whole = HEADER.to_owned();
            for n in 0..count {
                whole.push_str(&format!("Thing {n}\t\tL\tSKU-{n}\t1.00\t{n}\t\tDEFAULT\tActive\n"));
            }
            let bytes = whole.as_bytes();
            let (mut reading, mut found) = (start(), Vec::new());
            for cut in cuts.iter().chain(std::iter::repeat(&100)) {
                let from = usize::try_from(reading.at).unwrap();
                // The header alone is longer than the shortest cut.
                let to = (from + cut.max(&HEADER.len())).min(bytes.len());
                let (records, next) = lines(reading, &bytes[from..to], to == bytes.len(), usd(), &["A"]).unwrap();
                found.extend(records.into_iter().map(|record| record.unwrap().reference.external_id));
                match next {
                    Some(next) => reading = next,
                    None => break,
                }
            }
            let wanted: Vec<String> = (0..count).map(|n| format!("SKU-{n}")).collect();
            prop_assert_eq!(found, wanted);
        }
    }
}
