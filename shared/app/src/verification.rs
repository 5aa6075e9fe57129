//! Checks of the ledger: every level of an organization rebuilt from its movements and compared with what is stored.
//!
//! A page of items a step. Whoever asks for one does the first steps at once; the schedule goes on with what is left,
//! and begins one of every organization each day.

use std::time::Duration;

use domain::stock::differences;
use domain::{ItemId, OrganizationId, SyncId, Timestamp};
use futures_util::{StreamExt, TryStreamExt, stream};
use store::item::ItemFilter;
use store::stock::Freshness;
use store::verification::{DIFFERENCES_MAX, EVERY, ItemDifference, Verification};
use store::{PageRequest, StoreError};

use crate::change::not_hex;
use crate::metric::{Metric, record};
use crate::{App, AppError};

/// Items of one step, and read at the same time.
const PAGE: u32 = 50;
const ITEMS_AT_ONCE: usize = 8;
/// How long a request waits for the check that it began: a small organization's is done within.
const AT_ONCE: Duration = Duration::from_secs(5);
/// How long a tick of the schedule works on checks, so that it ends before the next.
const OF_A_TICK: Duration = Duration::from_secs(20);
/// Checks of one tick.
const DUE_MAX: usize = 50;
/// An item that moves while it is looked at is looked at again this often, and then left to the next check.
const LOOKS_MAX: u32 = 5;

impl App {
    pub async fn verification(
        &self,
        organization: &OrganizationId,
        id: &SyncId,
    ) -> Result<Verification, AppError> {
        self.store.verification(organization, id).await?.ok_or(AppError::NotFound("verification"))
    }

    /// Begins a check, and goes on with it for some seconds.
    pub async fn verify(&self, organization: &OrganizationId) -> Result<Verification, AppError> {
        let now = self.clock.now();
        let id = SyncId::from_body(&self.ids.next(now)).map_err(not_hex)?;
        // The schedule takes it up where this process ends before it.
        let check = Verification::new(id.clone(), false, now, later(now, 2 * AT_ONCE));
        self.store.save_verification(organization, &check, None).await?;
        match self.verify_until(organization, check, later(now, AT_ONCE)).await {
            Err(AppError::Store(StoreError::Conflict(_))) => self.verification(organization, &id).await,
            other => other,
        }
    }

    /// Goes on with every check that is due, over all organizations, as far as a tick allows.
    pub async fn verify_due(&self) -> Result<(), AppError> {
        let now = self.clock.now();
        let until = later(now, OF_A_TICK);
        for (organization, id) in self.store.due_verifications(now, DUE_MAX).await? {
            let check = self.store.verification(&organization, &id).await?;
            let Some(check) = check.filter(|check| check.finished_at.is_none()) else { continue };
            match self.verify_until(&organization, check, until).await {
                // Another goes on with it.
                Ok(_) | Err(AppError::Store(StoreError::Conflict(_))) => {}
                Err(error) => return Err(error),
            }
            if self.clock.now() >= until {
                break;
            }
        }
        Ok(())
    }

    async fn verify_until(
        &self,
        organization: &OrganizationId,
        mut check: Verification,
        until: Timestamp,
    ) -> Result<Verification, AppError> {
        while check.finished_at.is_none() {
            self.verify_step(organization, &mut check).await?;
            if self.clock.now() >= until {
                break;
            }
        }
        Ok(check)
    }

    async fn verify_step(
        &self,
        organization: &OrganizationId,
        check: &mut Verification,
    ) -> Result<(), AppError> {
        let request = PageRequest { limit: PAGE, cursor: check.cursor.take() };
        let page = self.store.items(organization, &ItemFilter::default(), &request).await?;
        let reads: Vec<_> = page.data.iter().map(|item| self.verify_item(organization, &item.id)).collect();
        let found: Vec<Vec<ItemDifference>> =
            stream::iter(reads).buffered(ITEMS_AT_ONCE).try_collect().await?;
        let now = self.clock.now();
        check.started_at.get_or_insert(now);
        check.items += u64::try_from(page.data.len()).unwrap_or(0);
        for different in found.into_iter().flatten() {
            let difference = &different.difference;
            tracing::error!(
                target: "ledger-check", %organization, item = %different.item_id, location = %difference.location_id,
                level = ?difference.level, ledger = ?difference.ledger, "a level is not what its movements make"
            );
            check.different += 1;
            record(Metric::LedgerDifferences, None, 1);
            if check.differences.len() < DIFFERENCES_MAX {
                check.differences.push(different);
            }
        }
        check.cursor = page.next_cursor;
        check.version += 1;
        let mut next = None;
        if check.cursor.is_none() {
            check.finished_at = Some(now);
            if check.scheduled {
                let id = SyncId::from_body(&self.ids.next(now)).map_err(not_hex)?;
                let due_at = now.checked_add(EVERY).unwrap_or(now);
                next = Some(Verification::new(id, true, now, due_at));
            }
        }
        Ok(self.store.save_verification(organization, check, next.as_ref()).await?)
    }

    /// The levels are read before and after the movements: only between two equal readings do these belong to them.
    async fn verify_item(
        &self,
        organization: &OrganizationId,
        item: &ItemId,
    ) -> Result<Vec<ItemDifference>, AppError> {
        let levels = || self.store.item_stock(organization, item, Freshness::Consistent);
        let mut before = levels().await?.levels;
        for _ in 0..LOOKS_MAX {
            let ledger = self.store.replayed(organization, item, None).await?;
            let after = levels().await?.levels;
            if before == after {
                let of_item = |difference| ItemDifference { item_id: item.clone(), difference };
                return Ok(differences(&after, &ledger).into_iter().map(of_item).collect());
            }
            before = after;
        }
        Ok(Vec::new())
    }
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(by).unwrap_or(now)
}
