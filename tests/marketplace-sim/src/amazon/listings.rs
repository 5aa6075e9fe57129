//! Listings Items, version 2021-08-01.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::{Asked, Said, invalid, missing, say};
use super::state::{Listing, State};

const INCLUDED: [&str; 8] = [
    "summaries",
    "attributes",
    "issues",
    "offers",
    "fulfillmentAvailability",
    "procurement",
    "relationships",
    "productTypes",
];
const PAGE_MAX: usize = 20;
/// Amazon does not page further through one search [M].
const SEARCHED_MAX: usize = 1_000;

fn marketplaces<'a>(asked: &'a Asked<'_>, state: &State) -> Result<Vec<&'a str>, Said> {
    let ids = asked.list("marketplaceIds");
    match ids.first() {
        None => Err(invalid("'marketplaceIds' is required.")),
        Some(_) if ids.iter().any(|id| !state.marketplaces.iter().any(|ours| ours == id)) => {
            Err(invalid("Invalid 'marketplaceIds' provided."))
        }
        Some(_) => Ok(ids),
    }
}

fn check_included(asked: &Asked<'_>, known: &[&str]) -> Result<(), Said> {
    match asked.list("includedData").iter().find(|what| !known.contains(what)) {
        Some(_) => Err(invalid("Invalid 'includedData' provided.")),
        None => Ok(()),
    }
}

pub(super) fn search(state: &State, asked: &Asked<'_>, now: Timestamp) -> Said {
    let known = [
        "marketplaceIds",
        "includedData",
        "pageSize",
        "pageToken",
        "sortBy",
        "sortOrder",
        "identifiers",
        "identifiersType",
        "lastUpdatedAfter",
        "lastUpdatedBefore",
        "createdAfter",
        "createdBefore",
        "issueLocale",
    ];
    if let Some(refused) = asked.unknown(&known) {
        return refused;
    }
    match try_search(state, asked, now) {
        Ok(said) | Err(said) => said,
    }
}

fn try_search(state: &State, asked: &Asked<'_>, now: Timestamp) -> Result<Said, Said> {
    let ids = marketplaces(asked, state)?;
    check_included(asked, &INCLUDED)?;
    let time = |name: &str| match asked.get(name) {
        None => Ok(None),
        Some(text) => text.parse::<Timestamp>().map(Some).map_err(|_| invalid("not a date-time")),
    };
    let (after, before) = (time("lastUpdatedAfter")?, time("lastUpdatedBefore")?);
    if before.is_some_and(|before| before > now) {
        return Err(invalid("'lastUpdatedBefore' must not be in the future."));
    }
    let size: usize = asked.get("pageSize").unwrap_or("10").parse().map_err(|_| invalid("pageSize"))?;
    if !(1..=PAGE_MAX).contains(&size) {
        return Err(invalid("'pageSize' must be between 1 and 20."));
    }
    let wanted = asked.list("identifiers");
    match (asked.get("identifiersType"), wanted.len()) {
        (None, 0) => {}
        (Some("SKU"), 1..=PAGE_MAX) => {}
        _ => return Err(invalid("'identifiers' and 'identifiersType' do not fit.")),
    }
    let by_change = match asked.get("sortBy").unwrap_or("lastUpdatedDate") {
        "createdDate" => false,
        "lastUpdatedDate" => true,
        _ => return Err(invalid("'sortBy' is not one that the simulation knows.")),
    };
    let matching = |(sku, listing): &(&String, &Listing)| {
        ids.iter().any(|id| listing.marketplaces.iter().any(|shown| shown == id))
            && (wanted.is_empty() || wanted.contains(&sku.as_str()))
            && after.is_none_or(|after| listing.updated_at >= after)
            && before.is_none_or(|before| listing.updated_at <= before)
    };
    let sign = match asked.get("sortOrder").unwrap_or("DESC") {
        "ASC" => 1,
        "DESC" => -1,
        _ => return Err(invalid("Invalid 'sortOrder' provided.")),
    };
    // A place among what is sorted, so that what goes or comes under the walk moves nobody else.
    let key = |listing: &Listing| {
        let at = if by_change { listing.updated_at.as_millisecond() } else { 0 };
        (sign * at, sign * i64::try_from(listing.number).expect("a small number"))
    };
    let mut found: Vec<_> = state.listings.iter().filter(matching).collect();
    found.sort_by_key(|(_, listing)| key(listing));
    let total = found.len();
    let (from, seen) = match asked.get("pageToken") {
        None => ((i64::MIN, i64::MIN), 0),
        Some(token) => read_token(token).ok_or_else(|| invalid("Invalid 'pageToken' provided."))?,
    };
    let rest: Vec<_> = found.into_iter().filter(|(_, listing)| key(listing) > from).collect();
    let page: Vec<_> = rest.iter().take(size).collect();
    let items: Vec<Value> =
        page.iter().map(|(sku, listing)| item(state, sku, listing, asked, &ids)).collect();
    let mut body = json!({ "numberOfResults": total, "items": items });
    let seen = seen + page.len();
    if let Some((_, last)) = page.last()
        && rest.len() > page.len()
        && seen < SEARCHED_MAX
    {
        let (at, number) = key(last);
        body["pagination"] = json!({ "nextToken": format!("{at}~{number}~{seen}") });
    }
    Ok(say(200, body))
}

fn read_token(token: &str) -> Option<((i64, i64), usize)> {
    let mut parts = token.split('~');
    let mut next = || parts.next();
    Some(((next()?.parse().ok()?, next()?.parse().ok()?), next()?.parse().ok()?))
}

pub(super) fn get(state: &State, asked: &Asked<'_>, sku: &str) -> Said {
    let ids = match marketplaces(asked, state).and_then(|ids| check_included(asked, &INCLUDED).map(|()| ids))
    {
        Ok(ids) => ids,
        Err(said) => return said,
    };
    if let Some(refused) = asked.unknown(&["marketplaceIds", "includedData", "issueLocale"]) {
        return refused;
    }
    match state.listings.get(sku) {
        Some(listing) => say(200, item(state, sku, listing, asked, &ids)),
        None => missing(),
    }
}

fn item(state: &State, sku: &str, listing: &Listing, asked: &Asked<'_>, ids: &[&str]) -> Value {
    let shown: Vec<&str> =
        ids.iter().copied().filter(|id| listing.marketplaces.iter().any(|one| one == id)).collect();
    let mut item = Map::from_iter([("sku".to_owned(), sku.into())]);
    let mut put = |name: &str, value: Value| {
        let by_default = name == "summaries" && asked.get("includedData").is_none();
        if by_default || asked.includes(name) {
            item.insert(name.to_owned(), value);
        }
    };
    let sells = listing.fba || listing.quantity.is_some_and(|quantity| quantity > 0);
    let status = match (listing.suppressed, sells) {
        (true, _) => json!([]),
        (false, true) => json!(["BUYABLE", "DISCOVERABLE"]),
        (false, false) => json!(["DISCOVERABLE"]),
    };
    let summary = |id: &&str| {
        json!({
            "marketplaceId": id, "asin": format!("B0{:08}", listing.number), "productType": "PRODUCT",
            "conditionType": "new_new", "status": status, "itemName": listing.title,
            "createdDate": listing.created_at.to_string(), "lastUpdatedDate": listing.updated_at.to_string(),
        })
    };
    // Not what the model says of it.
    let summaries = if listing.spoiled { json!("none") } else { shown.iter().map(summary).collect() };
    put("summaries", summaries);
    let offer = |id: &&str| {
        json!({
            "marketplaceId": id, "offerType": "B2C",
            "price": { "currencyCode": state.currency, "amount": listing.price },
            "audience": { "value": "ALL", "displayName": "Sell on Amazon" },
        })
    };
    put("offers", shown.iter().map(offer).collect());
    put("issues", json!([]));
    let code = if listing.fba { "AMAZON_NA" } else { "DEFAULT" };
    let mut availability = json!({ "fulfillmentChannelCode": code });
    if let Some(quantity) = listing.quantity {
        availability["quantity"] = quantity.into();
    }
    put("fulfillmentAvailability", json!([availability]));
    let mut attributes = Map::from_iter([("item_name".to_owned(), json!([{ "value": listing.title }]))]);
    for (name, value) in &listing.attributes {
        attributes.insert(name.to_ascii_lowercase(), json!([{ "value": value }]));
    }
    if let Some(barcode) = &listing.barcode {
        let value = json!([{ "type": "ean", "value": barcode }]);
        attributes.insert("externally_assigned_product_identifier".to_owned(), value);
    }
    put("attributes", Value::Object(attributes));
    let theme: Vec<String> = listing.attributes.iter().map(|(name, _)| name.to_ascii_uppercase()).collect();
    let theme = json!({ "attributes": theme, "theme": theme.join("/") });
    let relation = match &listing.parent {
        Some(parent) => Some(json!({ "type": "VARIATION", "parentSkus": [parent], "variationTheme": theme })),
        None if listing.children.is_empty() => None,
        None => Some(json!({ "type": "VARIATION", "childSkus": listing.children, "variationTheme": theme })),
    };
    let of = |id: &&str| json!({ "marketplaceId": id, "relationships": relation.iter().collect::<Vec<_>>() });
    put("relationships", shown.iter().map(of).collect());
    Value::Object(item)
}

pub(super) fn patch(state: &mut State, asked: &Asked<'_>, sku: &str, now: Timestamp) -> Said {
    if let Err(said) = marketplaces(asked, state) {
        return said;
    }
    if let Some(refused) = asked.unknown(&["marketplaceIds", "includedData", "mode", "issueLocale"]) {
        return refused;
    }
    let Some(body) = asked.json() else { return invalid("Could not parse the request body.") };
    if !body["productType"].is_string() {
        return invalid("'productType' is required.");
    }
    let submission = format!("{:032x}", state.id());
    let issues = match apply(state, sku, &body["patches"], now) {
        Ok(()) => {
            return say(
                200,
                json!({ "sku": sku, "status": "ACCEPTED", "submissionId": submission, "issues": [] }),
            );
        }
        Err(code) => json!([issue(code)]),
    };
    say(200, json!({ "sku": sku, "status": "INVALID", "submissionId": submission, "issues": issues }))
}

fn issue(code: &str) -> Value {
    json!({
        "code": code, "message": "The submission is not valid.", "severity": "ERROR",
        "categories": ["INVALID_ATTRIBUTE"], "attributeNames": ["fulfillment_availability"],
    })
}

/// The one patch that is known: of the merchant's quantity. The number of an issue is its failure.
pub(super) fn apply(
    state: &mut State,
    sku: &str,
    patches: &Value,
    now: Timestamp,
) -> Result<(), &'static str> {
    let listing = state.listings.get_mut(sku).filter(|listing| listing.children.is_empty()).ok_or("8560")?;
    let patches = patches.as_array().filter(|list| !list.is_empty()).ok_or("4000001")?;
    for patch in patches {
        let right = patch["op"] == "merge" && patch["path"] == "/attributes/fulfillment_availability";
        let value = &patch["value"][0];
        let quantity = value["quantity"].as_i64().filter(|quantity| (0..=999_999_999).contains(quantity));
        let known = |name: &String| matches!(name.as_str(), "quantity" | "fulfillment_channel_code");
        let closed = value.as_object().is_some_and(|fields| fields.keys().all(known));
        let (true, true, Some(quantity)) = (right, closed, quantity) else { return Err("4000001") };
        if value["fulfillment_channel_code"] != "DEFAULT" {
            return Err("90220");
        }
        // The merchant's number on Amazon's stock adds a second channel, which sells what nobody has.
        if listing.fba {
            listing.fba = false;
        }
        listing.quantity = Some(quantity);
        listing.updated_at = now;
    }
    Ok(())
}
