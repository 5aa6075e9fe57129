//! Looking at a connection's orders: those named, or those new since the watermark.

use channels::{Cursor, OrderQuery};
use domain::listing::RecordFailure;
use domain::order::FetchedOrder;
use domain::schedule::Window;
use domain::sync::{Outcome, RecordCounts, SyncKind, SyncState, Trigger};
use domain::{ConnectionId, OrderId, OrganizationId, SyncId};
use store::organization::Organization;
use store::sync::{Phase, Sync, SyncRecord};

use crate::import_order::Imported;
use crate::shop::OpenShop;
use crate::{App, AppError};

/// What adapters call an order that was asked for by its id and is deleted for good.
const ORDER_GONE: &str = "order_gone";
/// Pages that one look reads; what is behind them is the next order sync's.
const LOOK_PAGES_MAX: u32 = 10;

impl App {
    /// Imports what is new on the connection since the watermark, and moves it on: rule 4, orders before stock. One
    /// call to the channel where at most a page is new. What fails in a record is left to the next order sync, which
    /// names it.
    pub async fn look_at_orders(
        &self,
        organization: &Organization,
        shop: &mut OpenShop,
    ) -> Result<Look, AppError> {
        let connection = shop.connection.clone();
        let mut look = Look::default();
        if !connection.settings.modules.orders {
            return Ok(look);
        }
        let state = self.store.connection_state(&organization.id, &connection.id).await?;
        let watermark = state.ok_or(AppError::NotFound("connection"))?.orders_watermark;
        let window = Window::since(watermark, shop.channel_time()).open_ended();
        let mut cursor = None;
        let mut read_at = None;
        let mut failed = false;
        for _ in 0..LOOK_PAGES_MAX {
            let query = OrderQuery::Changed(window);
            let page = self.import_page(organization, shop, &query, cursor.as_ref()).await?;
            // Heard with the first page: what changes later is the next look's.
            read_at.get_or_insert_with(|| shop.answered_at());
            failed |= page.records.iter().any(|record| record.outcome == Outcome::Failed);
            look.moved |= page.moved;
            look.new.extend(page.new);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        if let (None, false, Some(read_at)) = (&cursor, failed, read_at) {
            self.store.advance_orders_watermark(&organization.id, &connection.id, read_at).await?;
        }
        Ok(look)
    }

    /// Imports the orders that a notification named. What fails is kept in the history.
    pub async fn fetch_named_orders(
        &self,
        organization: &OrganizationId,
        connection: &ConnectionId,
        external_ids: &[String],
        trigger: Trigger,
    ) -> Result<(), AppError> {
        let organization =
            &self.store.organization(organization).await?.ok_or(AppError::NotFound("organization"))?;
        let shop = &mut self.open_shop(&organization.id, connection).await?;
        if !shop.connection.settings.modules.orders {
            return Ok(());
        }
        let per_call = usize::try_from(shop.channel.capability().order_ids_max).unwrap_or(1).max(1);
        let mut failures = Vec::new();
        for ids in external_ids.chunks(per_call) {
            let query = OrderQuery::Ids(ids.to_vec());
            let mut cursor = None;
            loop {
                let page = self.import_page(organization, shop, &query, cursor.as_ref()).await?;
                failures.extend(page.records.into_iter().filter(|record| record.outcome == Outcome::Failed));
                cursor = page.next;
                if cursor.is_none() {
                    break;
                }
            }
        }
        if failures.is_empty() { Ok(()) } else { self.record_failures(shop, trigger, &failures).await }
    }

    /// Fetches and imports one page.
    pub(crate) async fn import_page(
        &self,
        organization: &Organization,
        shop: &mut OpenShop,
        query: &OrderQuery,
        cursor: Option<&Cursor>,
    ) -> Result<ImportedPage, AppError> {
        let mut page = self
            .call(shop, |call| {
                Box::pin(async move { call.channel.fetch_orders(&call.shop, query, cursor).await })
            })
            .await?;
        let readable = page.records.iter_mut().filter_map(|record| record.as_mut().ok());
        self.note_assigned(shop, readable).await?;
        let mut records = Vec::with_capacity(page.records.len());
        let (mut moved, mut new) = (false, Vec::new());
        for record in page.records {
            records.push(match record {
                Ok(fetched) => {
                    let imported = self.import_order(organization, &shop.connection, &fetched).await?;
                    moved |= matches!(imported, Imported::New(_) | Imported::Changed(_));
                    if let Imported::New(id) = &imported {
                        new.push(id.clone());
                    }
                    order_record(&fetched, imported)
                }
                Err(failure) if failure.code == ORDER_GONE => {
                    let at = shop.channel_time();
                    let known = self
                        .void_gone_order(organization, &shop.connection, &failure.external_id, at)
                        .await?;
                    moved |= known;
                    let outcome = if known { Outcome::Synced } else { Outcome::Skipped };
                    SyncRecord { outcome, ..failed_record(failure) }
                }
                Err(failure) if failure.code == channels::NOT_SOLD_HERE => {
                    SyncRecord { outcome: Outcome::Skipped, ..failed_record(failure) }
                }
                Err(failure) => failed_record(failure),
            });
        }
        Ok(ImportedPage { records, next: page.next, moved, new })
    }

    async fn record_failures(
        &self,
        shop: &OpenShop,
        trigger: Trigger,
        failures: &[SyncRecord],
    ) -> Result<(), AppError> {
        let now = self.clock.now();
        let id = SyncId::from_body(&self.ids.next(now)).map_err(|_| AppError::Internal("ids must be hex"))?;
        let failed = u64::try_from(failures.len()).unwrap_or(u64::MAX);
        let mut sync = Sync {
            id,
            connection_id: shop.connection.id.clone(),
            kind: SyncKind::Orders,
            trigger,
            window: None,
            state: SyncState::Queued,
            done: failed,
            total: Some(failed),
            records: RecordCounts { failed, ..RecordCounts::default() },
            queued_at: now,
            started_at: Some(now),
            channel_started_at: None,
            finished_at: Some(now),
            failure: None,
            held: None,
            approved: false,
            step: 0,
            phase: Phase::Fetch,
            cursor: None,
        };
        let organization = &shop.connection.organization_id;
        if let store::sync::BegunSync::Joined(_) = self.store.begin_sync(organization, &sync).await? {
            // An order sync runs: it covers these orders too and names what fails.
            return Ok(());
        }
        sync.step = 1;
        sync.state = SyncState::Partial;
        Ok(self.store.checkpoint_sync(organization, &sync, failures, now).await?)
    }
}

/// A page of orders, imported.
pub(crate) struct ImportedPage {
    pub records: Vec<SyncRecord>,
    pub next: Option<Cursor>,
    /// Whether an order of it was new or changed.
    pub moved: bool,
    pub new: Vec<OrderId>,
}

/// What a look at a connection's orders brought in.
#[derive(Debug, Default)]
pub struct Look {
    /// Whether any order was new or changed, so that stock may have moved.
    pub moved: bool,
    pub new: Vec<OrderId>,
}

fn order_record(fetched: &FetchedOrder, imported: Imported) -> SyncRecord {
    let record =
        |outcome, order_id: Option<OrderId>, code: Option<&str>, reason: Option<String>| SyncRecord {
            external_id: fetched.external_id.clone(),
            sku: None,
            title: Some(fetched.number.clone()),
            outcome,
            code: code.map(str::to_owned),
            reason,
            listing_id: None,
            order_id,
        };
    match imported {
        Imported::New(id) | Imported::Changed(id) | Imported::Unchanged(id) => {
            let unknown = fetched.unknown_state.as_ref();
            let reason = unknown
                .map(|state| format!("The channel's state «{state}» is not known and counts as pending."));
            record(Outcome::Synced, Some(id), unknown.map(|_| "unknown_order_state"), reason)
        }
        Imported::Skipped { code, reason } => {
            record(Outcome::Skipped, None, Some(code), Some(reason.to_owned()))
        }
    }
}

pub(crate) fn failed_record(failure: RecordFailure) -> SyncRecord {
    SyncRecord {
        external_id: failure.external_id,
        sku: failure.sku,
        title: failure.title,
        outcome: Outcome::Failed,
        code: Some(failure.code),
        reason: Some(failure.reason),
        listing_id: None,
        order_id: None,
    }
}
