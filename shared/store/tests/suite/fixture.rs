//! Entities to try things with. Bodies of ids are short; what a law does not care about is the same everywhere.

use std::collections::{BTreeMap, BTreeSet};

use channels::Credentials;
use domain::availability::LocationKind;
use domain::connection::{ConnectionSettings, ConnectionStatus};
use domain::sync::{Outcome, RecordCounts, SyncKind, SyncState, Trigger};
use domain::{
    ApiKeyId, ChannelKind, ConnectionId, Currency, LocationId, Name, OrderId, OrganizationId, SyncId,
    Timestamp,
};
use secrecy::SecretString;
use store::api_key::{ApiKey, Scope};
use store::connection::{Connection, ConnectionState};
use store::location::Location;
use store::organization::{Organization, StockDeductedOn};
use store::sync::{Phase, Sync, SyncRecord};
use store::{Page, PageRequest, Store};

/// An instant, in seconds after some day in 2026.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_780_000_000 + seconds).unwrap()
}

pub const DAY: i64 = 86_400;

pub fn org(body: &str) -> OrganizationId {
    OrganizationId::from_body(body).unwrap()
}

pub fn con(body: &str) -> ConnectionId {
    ConnectionId::from_body(body).unwrap()
}

pub fn order_id(connection: &str, external: &str) -> OrderId {
    OrderId::of(&con(connection), external).unwrap()
}

pub fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

pub fn organization(body: &str) -> Organization {
    Organization {
        id: org(body),
        name: name("Lamps & Co"),
        base_currency: "USD".parse::<Currency>().unwrap(),
        country: "US".to_owned(),
        time_zone: "America/New_York".to_owned(),
        taxes_enabled: true,
        order_sync: serde_json::from_str("\"confirmed\"").unwrap(),
        stock_deducted_on: StockDeductedOn::Shipment,
        primary_location_id: LocationId::from_body("main").unwrap(),
        stock_rule: Default::default(),
        privacy_policy_starts_at: None,
        auto_link: serde_json::from_str("\"sku\"").unwrap(),
        created_at: at(0),
        version: 1,
    }
}

pub fn location(body: &str) -> Location {
    Location {
        id: LocationId::from_body(body).unwrap(),
        name: name("Warehouse"),
        kind: LocationKind::Warehouse,
        address: None,
        created_at: at(0),
        version: 1,
    }
}

pub fn api_key(organization: &str, body: &str) -> ApiKey {
    ApiKey {
        id: ApiKeyId::from_body(body).unwrap(),
        organization_id: org(organization),
        name: "till".to_owned(),
        scopes: BTreeSet::from([Scope::Read, Scope::Write]),
        digest: format!("digest-{organization}-{body}"),
        created_at: at(0),
    }
}

/// Active, first due at 1,800 s.
pub fn connection(organization: &str, body: &str) -> Connection {
    Connection {
        id: con(body),
        organization_id: org(organization),
        channel: ChannelKind::Woocommerce,
        name: name("Shop"),
        endpoint: "https://shop.example".to_owned(),
        marketplace: Vec::new(),
        status: ConnectionStatus::Active,
        status_reason: None,
        settings: ConnectionSettings::default(),
        currency: "USD".parse().unwrap(),
        facts: BTreeMap::from([("version".to_owned(), "11.0".to_owned())]),
        created_at: at(0),
        connected_at: Some(at(0)),
        next_sync_at: Some(at(1_800)),
        version: 1,
    }
}

pub fn credentials(secret: &str) -> Credentials {
    let fields = [("consumer_key", "ck_1"), ("consumer_secret", secret)];
    Credentials::from_exposed(fields.map(|(name, value)| (name.to_owned(), value.to_owned())).into())
}

pub const STATE: fn() -> ConnectionState = || ConnectionState {
    orders_watermark: at(0),
    items_watermark: None,
    webhooks_checked_at: None,
    reconciled_at: None,
    zeroed: None,
};

/// Stores a connection with secrets and state of no interest.
pub async fn connect(store: &Store, connection: &Connection) -> anyhow::Result<()> {
    let secret = SecretString::from("whsec");
    Ok(store.create_connection(connection, &credentials("cs_1"), &secret, &STATE()).await?)
}

/// Of items, queued at 0 s. The body orders syncs by time, as a UUIDv7 does.
pub fn sync(body: &str, connection: &str) -> Sync {
    Sync {
        id: SyncId::from_body(body).unwrap(),
        connection_id: con(connection),
        kind: SyncKind::Items,
        trigger: Trigger::Schedule,
        window: None,
        state: SyncState::Queued,
        done: 0,
        total: None,
        records: RecordCounts::default(),
        queued_at: at(0),
        started_at: None,
        channel_started_at: None,
        finished_at: None,
        failure: None,
        held: None,
        approved: false,
        step: 0,
        phase: Phase::Fetch,
        cursor: None,
    }
}

/// The sync one step on, with these records counted.
pub fn stepped(sync: &Sync, state: SyncState, records: &[SyncRecord]) -> Sync {
    let mut after = Sync { step: sync.step + 1, state, ..sync.clone() };
    for record in records {
        after.records.count(record.outcome);
    }
    after
}

pub fn records(outcome: Outcome, ids: std::ops::Range<usize>) -> Vec<SyncRecord> {
    let record = |n: usize| SyncRecord {
        external_id: n.to_string(),
        sku: Some(format!("SKU-{n}")),
        title: Some("Lamp".to_owned()),
        outcome,
        code: (outcome == Outcome::Failed).then(|| "too_many_attributes".to_owned()),
        reason: None,
        listing_id: None,
        order_id: None,
    };
    ids.map(record).collect()
}

pub fn page(limit: u32, cursor: Option<&str>) -> PageRequest {
    PageRequest { limit, cursor: cursor.map(str::to_owned) }
}

/// All of a list, page by page; fails if it does not end.
pub async fn walk<T, F>(limit: u32, mut list: impl FnMut(PageRequest) -> F) -> anyhow::Result<Vec<T>>
where
    F: Future<Output = Result<Page<T>, store::StoreError>>,
{
    let mut all = Vec::new();
    let mut cursor = None;
    for _ in 0..1_000 {
        let found = list(PageRequest { limit, cursor }).await?;
        assert!(found.data.len() <= usize::try_from(limit)?);
        all.extend(found.data);
        cursor = found.next_cursor;
        if cursor.is_none() {
            return Ok(all);
        }
    }
    anyhow::bail!("a list without end")
}
