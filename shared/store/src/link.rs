//! Links: which listings show an item's stock, and what each was last told.
//!
//! A link's row lies beside the item's levels, so that one query of half a read unit gives all that a push must know,
//! and an acknowledgement is one write unit.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::availability::{Percent, RuleSetting};
use domain::channel::Fulfilment;
use domain::channel_location::Shares;
use domain::listing::ListingRef;
use domain::push::{Acknowledged, PushFailure, Submitted};
use domain::{ChannelKind, ConnectionId, ItemId, ListingId, OrganizationId, Quantity, Timestamp};
use serde::{Deserialize, Serialize};

use crate::keys::{self, IPK, ISK};
use crate::row::{Reader, Row, n, s, time, word};
use crate::transact::{Refused, Step};
use crate::{Store, StoreError};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub listing_id: ListingId,
    pub item_id: ItemId,
    pub connection_id: ConnectionId,
    pub channel: ChannelKind,
    pub listing: ListingRef,
    pub stock_ref: Option<String>,
    /// Whose its number is ([`domain::fba::Shipping::number_of`]).
    pub fulfilment: Fulfilment,
    /// What the channel showed when it was last looked at: the first `expected` of a channel that compares.
    pub observed: Option<i64>,
    /// When `observed` was first seen so, where a reconciliation saw it.
    pub observed_at: Option<Timestamp>,
    pub linked_by: LinkedBy,
    pub linked_at: Timestamp,
    pub acknowledged: Option<Acknowledged>,
    /// What was acknowledged before that.
    pub previous: Option<Quantity>,
    /// The acknowledged quantity by the channel's own locations; empty where it was told the one number.
    pub shares: Shares,
    /// What was acknowledged by location before that.
    pub previous_shares: Shares,
    /// What the channel still works on.
    pub submitted: Option<Submitted>,
    pub failure: Option<PushFailure>,
    /// What the listing sets of its rule.
    pub rule: RuleSetting,
    /// Nothing is sent since then: its number was changed on the channel, and a person is to decide.
    pub held_since: Option<Timestamp>,
}

/// Who linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LinkedBy {
    Sku,
    Name,
    Person,
}

/// What became of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Stored,
    /// A newer one is there already, or the link is gone: nothing was changed.
    Superseded,
}

/// Attributes of a link's row: short, since each push reads them.
const CONNECTION: &str = "n";
const EXTERNAL: &str = "e";
const VARIATION: &str = "x";
const CHANNEL: &str = "k";
const STOCK_REF: &str = "s";
const FBA: &str = "f";
const OBSERVED: &str = "o";
const OBSERVED_AT: &str = "ot";
const LINKED_BY: &str = "b";
const LINKED_AT: &str = "t";
const QUANTITY: &str = "aq";
const VERSION: &str = "av";
const TAKEN_AT: &str = "at";
const PREVIOUS: &str = "pq";
const SHARES: &str = "al";
const PREVIOUS_SHARES: &str = "pl";
const BUFFER: &str = "rb";
const MAX_LISTED: &str = "rm";
const PERCENT: &str = "rp";
const HELD_SINCE: &str = "hs";
const TICKET: &str = "st";
const SUBMITTED_QUANTITY: &str = "sq";
const SUBMITTED_VERSION: &str = "sv";
const SUBMITTED_AT: &str = "sa";
const FAILURE_CODE: &str = "fc";
const FAILURE_REASON: &str = "fr";
const FAILING_SINCE: &str = "fs";

impl Link {
    pub(crate) fn to_row(&self, organization: &OrganizationId) -> Result<Row, StoreError> {
        let mut row = keys::link(organization, &self.item_id, &self.listing_id).into_row();
        let mut put = |name: &str, value| drop(row.insert(name.to_owned(), value));
        if !self.is_named_by_its_id() {
            put(CONNECTION, s(self.connection_id.as_str()));
            put(EXTERNAL, s(&self.listing.external_id));
            if let Some(variation) = &self.listing.variation_id {
                put(VARIATION, s(variation));
            }
        }
        put(CHANNEL, word(&self.channel)?);
        if let Some(stock_ref) = &self.stock_ref {
            put(STOCK_REF, s(stock_ref));
        }
        if self.fulfilment == Fulfilment::Fba {
            put(FBA, word(&self.fulfilment)?);
        }
        if let Some(observed) = self.observed {
            put(OBSERVED, n(observed));
        }
        if let Some(at) = self.observed_at {
            put(OBSERVED_AT, time(at));
        }
        for (name, value) in rule_values(&self.rule) {
            if let Some(value) = value {
                put(name, value);
            }
        }
        if let Some(at) = self.held_since {
            put(HELD_SINCE, time(at));
        }
        if let Some(previous) = self.previous {
            put(PREVIOUS, n(previous));
        }
        for (name, shares) in [(SHARES, &self.shares), (PREVIOUS_SHARES, &self.previous_shares)] {
            if !shares.is_empty() {
                put(name, shares_value(shares));
            }
        }
        put(LINKED_BY, word(&self.linked_by)?);
        put(LINKED_AT, time(self.linked_at));
        if let Some(acknowledged) = self.acknowledged {
            put(QUANTITY, n(acknowledged.quantity));
            put(VERSION, n(acknowledged.version));
            put(TAKEN_AT, time(acknowledged.at));
        }
        if let Some(submitted) = &self.submitted {
            put(TICKET, s(&submitted.ticket));
            put(SUBMITTED_QUANTITY, n(submitted.quantity));
            put(SUBMITTED_VERSION, n(submitted.version));
            put(SUBMITTED_AT, time(submitted.at));
        }
        if let Some(failure) = &self.failure {
            put(FAILURE_CODE, s(&failure.code));
            put(FAILURE_REASON, s(&failure.reason));
            put(FAILING_SINCE, time(failure.since));
            if !failure.is_lasting() {
                put(IPK, s(keys::behind_index(organization)));
                put(ISK, s(keys::behind_sort(failure.since, &self.listing_id)));
            }
        }
        Ok(row)
    }

    pub(crate) fn of_row(item: &ItemId, row: &Row) -> Result<Self, StoreError> {
        let unreadable = |error| StoreError::Unreadable("a link", Box::new(error));
        let reader = Reader::new("a link", row);
        let listing_id: ListingId = reader.sort_key_after(keys::LINK)?.parse().map_err(unreadable)?;
        let (connection_id, listing) = if reader.has(CONNECTION) {
            let external_id = reader.text(EXTERNAL)?.to_owned();
            let listing = ListingRef { external_id, variation_id: reader.text_if_any(VARIATION)? };
            (reader.parsed(CONNECTION)?, listing)
        } else {
            let (external_id, variation_id) = listing_id.external().unwrap_or_default();
            (listing_id.connection().map_err(unreadable)?, ListingRef { external_id, variation_id })
        };
        let acknowledged = match reader.number_if_any(VERSION)? {
            Some(version) => Some(Acknowledged {
                quantity: Quantity::clamped(reader.number(QUANTITY)?),
                version,
                at: reader.time(TAKEN_AT)?,
            }),
            None => None,
        };
        let submitted = match reader.text_if_any(TICKET)? {
            Some(ticket) => Some(Submitted {
                ticket,
                quantity: Quantity::clamped(reader.number(SUBMITTED_QUANTITY)?),
                version: reader.number(SUBMITTED_VERSION)?,
                at: reader.time(SUBMITTED_AT)?,
            }),
            None => None,
        };
        let failure = match reader.text_if_any(FAILURE_CODE)? {
            Some(code) => Some(PushFailure {
                code,
                reason: reader.text(FAILURE_REASON)?.to_owned(),
                since: reader.time(FAILING_SINCE)?,
            }),
            None => None,
        };
        Ok(Self {
            listing_id,
            item_id: item.clone(),
            connection_id,
            channel: reader.word(CHANNEL)?,
            listing,
            stock_ref: reader.text_if_any(STOCK_REF)?,
            fulfilment: if reader.has(FBA) { Fulfilment::Fba } else { Fulfilment::Mfn },
            observed: reader.number_if_any(OBSERVED)?,
            observed_at: reader.time_if_any(OBSERVED_AT)?,
            linked_by: reader.word(LINKED_BY)?,
            linked_at: reader.time(LINKED_AT)?,
            acknowledged,
            previous: reader.number_if_any(PREVIOUS)?.map(Quantity::clamped),
            shares: shares_of(&reader, SHARES)?,
            previous_shares: shares_of(&reader, PREVIOUS_SHARES)?,
            submitted,
            failure,
            rule: RuleSetting {
                buffer: reader.number_if_any(BUFFER)?.map(Quantity::clamped),
                max_listed: reader.number_if_any(MAX_LISTED)?.map(Quantity::clamped),
                percent: reader.number_if_any(PERCENT)?.and_then(|percent| Percent::new(percent).ok()),
            },
            held_since: reader.time_if_any(HELD_SINCE)?,
        })
    }

    /// Whether the listing's id says its connection and the channel's own ids, so that the row need not.
    fn is_named_by_its_id(&self) -> bool {
        let ListingRef { external_id, variation_id } = &self.listing;
        ListingId::of(&self.connection_id, external_id, variation_id.as_deref()).as_ref()
            == Ok(&self.listing_id)
    }

    /// Renews what the link holds of its listing, and nothing of what the channel was told.
    pub(crate) fn renewal(&self, organization: &OrganizationId) -> Step {
        let mut set = Vec::new();
        let mut remove = Vec::new();
        let key = keys::link(organization, &self.item_id, &self.listing_id);
        let mut values = Vec::new();
        let [buffer, max_listed, percent] = rule_values(&self.rule);
        let by_amazon = (self.fulfilment == Fulfilment::Fba).then(|| s("fba"));
        for (name, placeholder, value) in [
            (STOCK_REF, ":s", self.stock_ref.as_ref().map(s)),
            (OBSERVED, ":o", self.observed.map(n)),
            (FBA, ":f", by_amazon),
            (buffer.0, ":rb", buffer.1),
            (max_listed.0, ":rm", max_listed.1),
            (percent.0, ":rp", percent.1),
        ] {
            match value {
                Some(value) => {
                    set.push(format!("{name} = {placeholder}"));
                    values.push((placeholder, value));
                }
                None => remove.push(name),
            }
        }
        let mut expression = String::new();
        if !set.is_empty() {
            expression.push_str(&format!("SET {} ", set.join(", ")));
        }
        if !remove.is_empty() {
            expression.push_str(&format!("REMOVE {}", remove.join(", ")));
        }
        let step =
            Step::update(key, expression.trim()).only_if("attribute_exists(pk)", Refused::Conflict("link"));
        values.into_iter().fold(step, |step, (placeholder, value)| step.value(placeholder, value))
    }
}

/// A location that does not keep the goods has no number: some 20 bytes each.
fn shares_value(shares: &Shares) -> AttributeValue {
    let value = |units: &Option<Quantity>| units.map_or(AttributeValue::Null(true), n);
    AttributeValue::M(shares.iter().map(|(at, units)| (at.to_string(), value(units))).collect())
}

fn shares_of(reader: &Reader<'_>, name: &str) -> Result<Shares, StoreError> {
    let Some(AttributeValue::M(map)) = reader.row.get(name) else { return Ok(Shares::new()) };
    let places = Reader::new(reader.what, map);
    let share = |at: &String| {
        let id = at.parse().map_err(|error| reader.unreadable(error))?;
        let units = match map.get(at) {
            Some(AttributeValue::Null(_)) => None,
            _ => Some(Quantity::clamped(places.number(at)?)),
        };
        Ok((id, units))
    };
    map.keys().map(share).collect()
}

/// The parts of a rule by their attributes.
fn rule_values(rule: &RuleSetting) -> [(&'static str, Option<AttributeValue>); 3] {
    [
        (BUFFER, rule.buffer.map(n)),
        (MAX_LISTED, rule.max_listed.map(n)),
        (PERCENT, rule.percent.map(|percent| n(percent.get()))),
    ]
}

impl Store {
    /// What the channel was seen to show, and since when; `held`: whether nothing is sent any more. One write unit.
    /// Nothing where the link is gone.
    pub async fn note_observed(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        listing: &ListingId,
        observed: (i64, Timestamp),
        held: bool,
    ) -> Result<(), StoreError> {
        let expression = if held { "SET #o = :o, #ot = :ot, #hs = :ot" } else { "SET #o = :o, #ot = :ot" };
        let step = Step::update(keys::link(organization, item, listing), expression)
            .only_if("attribute_exists(pk)", Refused::Conflict("link"))
            .name("#o", OBSERVED)
            .name("#ot", OBSERVED_AT)
            .value(":o", n(observed.0))
            .value(":ot", time(observed.1));
        let step = if held { step.name("#hs", HELD_SINCE) } else { step };
        self.write_if("note what a channel shows", step).await.map(drop)
    }

    /// Numbers are sent again. Whether it was held.
    pub async fn release_link(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        listing: &ListingId,
    ) -> Result<bool, StoreError> {
        let step = Step::update(keys::link(organization, item, listing), "REMOVE #hs")
            .only_if("attribute_exists(#hs)", Refused::Conflict("link"))
            .name("#hs", HELD_SINCE);
        self.write_if("release a listing", step).await
    }

    /// The channel took a quantity: kept, and the failure cleared, unless one of a higher version is there. One write
    /// unit.
    pub async fn acknowledge(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        listing: &ListingId,
        acknowledged: &Acknowledged,
    ) -> Result<Stored, StoreError> {
        let key = keys::link(organization, item, listing);
        let step = Step::update(
            key,
            "SET #p = if_not_exists(#q, :q), #q = :q, #v = :v, #t = :t REMOVE #fc, #fr, #fs, #ip, #is",
        );
        self.keep_acknowledged(step, acknowledged).await
    }

    /// The same of one that is told by location, with what each has; empty where it is told the one number again.
    pub async fn acknowledge_by_location(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        listing: &ListingId,
        acknowledged: &Acknowledged,
        shares: &Shares,
    ) -> Result<Stored, StoreError> {
        let key = keys::link(organization, item, listing);
        let step = if shares.is_empty() {
            let expression = "SET #p = if_not_exists(#q, :q), #q = :q, #v = :v, #t = :t REMOVE #fc, #fr, #fs, #ip, #is, #al, #pl";
            Step::update(key, expression)
        } else {
            let expression = "SET #p = if_not_exists(#q, :q), #q = :q, #v = :v, #t = :t, #pl = if_not_exists(#al, :al), #al = :al REMOVE #fc, #fr, #fs, #ip, #is";
            Step::update(key, expression).value(":al", shares_value(shares))
        };
        let step = step.name("#al", SHARES).name("#pl", PREVIOUS_SHARES);
        self.keep_acknowledged(step, acknowledged).await
    }

    async fn keep_acknowledged(&self, step: Step, acknowledged: &Acknowledged) -> Result<Stored, StoreError> {
        // An equal version passes: a try repeated after a lost answer is the same acknowledgement.
        let condition = "attribute_exists(pk) AND (attribute_not_exists(#v) OR #v <= :v)";
        let step = step
            .only_if(condition, Refused::Conflict("link"))
            .name("#p", PREVIOUS)
            .name("#q", QUANTITY)
            .name("#v", VERSION)
            .name("#t", TAKEN_AT)
            .name("#fc", FAILURE_CODE)
            .name("#fr", FAILURE_REASON)
            .name("#fs", FAILING_SINCE)
            .name("#ip", IPK)
            .name("#is", ISK)
            .value(":q", n(acknowledged.quantity))
            .value(":v", n(acknowledged.version))
            .value(":t", time(acknowledged.at));
        stored(self.write_if("acknowledge a quantity", step).await?)
    }

    /// The channel took a quantity in and works on it. One write unit.
    pub async fn note_submission(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        listing: &ListingId,
        submitted: &Submitted,
    ) -> Result<Stored, StoreError> {
        let step =
            Step::update(keys::link(organization, item, listing), "SET #p = :p, #q = :q, #v = :v, #t = :t")
                .only_if("attribute_exists(pk)", Refused::Conflict("link"))
                .name("#p", TICKET)
                .name("#q", SUBMITTED_QUANTITY)
                .name("#v", SUBMITTED_VERSION)
                .name("#t", SUBMITTED_AT)
                .value(":p", s(&submitted.ticket))
                .value(":q", n(submitted.quantity))
                .value(":v", n(submitted.version))
                .value(":t", time(submitted.at));
        stored(self.write_if("note a submission", step).await?)
    }

    /// The result of a submission is kept: the listing may be told again. Another submission's stays.
    pub async fn end_submission(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        listing: &ListingId,
        ticket: &str,
    ) -> Result<Stored, StoreError> {
        let step = Step::update(keys::link(organization, item, listing), "REMOVE #p, #q, #v, #t")
            .only_if("#p = :p", Refused::Conflict("link"))
            .name("#p", TICKET)
            .name("#q", SUBMITTED_QUANTITY)
            .name("#v", SUBMITTED_VERSION)
            .name("#t", SUBMITTED_AT)
            .value(":p", s(ticket));
        stored(self.write_if("end a submission", step).await?)
    }

    /// The channel did not take it. A failure that is there already with the same code keeps its `since`; one from
    /// before the last acknowledgement is superseded by it. Unless it lasts, it is in the index of those behind until the
    /// channel takes a number.
    pub async fn note_push_failure(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
        listing: &ListingId,
        failure: &PushFailure,
    ) -> Result<Stored, StoreError> {
        let of = |expression: &str, condition: &str| {
            Step::update(keys::link(organization, item, listing), expression)
                .only_if(condition, Refused::Conflict("link"))
                .name("#fc", FAILURE_CODE)
                .name("#fr", FAILURE_REASON)
                .value(":c", s(&failure.code))
                .value(":r", s(&failure.reason))
        };
        let expression = match failure.is_lasting() {
            true => "SET #fc = :c, #fr = :r, #fs = :s REMOVE #ip, #is",
            false => "SET #fc = :c, #fr = :r, #fs = :s, #ip = :ip, #is = :is",
        };
        let mut new = of(
            expression,
            "attribute_exists(pk) AND (attribute_not_exists(#fc) OR #fc <> :c) \
             AND (attribute_not_exists(#t) OR #t <= :s)",
        )
        .name("#fs", FAILING_SINCE)
        .name("#t", TAKEN_AT)
        .name("#ip", IPK)
        .name("#is", ISK)
        .value(":s", time(failure.since));
        if !failure.is_lasting() {
            new = new
                .value(":ip", s(keys::behind_index(organization)))
                .value(":is", s(keys::behind_sort(failure.since, listing)));
        }
        if self.write_if("note a failed push", new).await? {
            return Ok(Stored::Stored);
        }
        let same = of("SET #fr = :r", "#fc = :c");
        stored(self.write_if("note a failed push", same).await?)
    }
}

fn stored(done: bool) -> Result<Stored, StoreError> {
    Ok(if done { Stored::Stored } else { Stored::Superseded })
}
