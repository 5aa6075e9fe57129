//! When buyers' data is gone, and the daily sweep that deletes what has expired.
//!
//! Reads treat the expired as gone at once; the table's own deletion and this sweep only clear up. The sweep also puts
//! right what a crash left: a buyer of an order that is over, kept as if it were open.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::retention::{KEPT_AFTER_END, KEPT_OPEN, Stand};
use domain::{OrderId, OrganizationId, Timestamp};
use jiff::SignedDuration;
use store::order::Order;
use store::organization::Organization;
use store::retention::{EVERY, Sweep};
use store::{PageRequest, StoreError};

use crate::order_change::is_over;
use crate::{App, AppError};

/// Buyers of one step.
const PAGE: u32 = 200;
/// Sweeps of one tick.
const DUE_MAX: usize = 50;
/// How long a tick of the schedule works on sweeps.
const OF_A_TICK: Duration = Duration::from_secs(15);
/// What is left of its time for a buyer whose order the sweep finds over: it may have been so for a day.
const KEPT_WHEN_FOUND: SignedDuration = SignedDuration::from_hours(29 * 24);

/// When the buyer's data of the order is gone, if the order came to where it stands at `at`.
pub(crate) fn buyer_expires_at(
    organization: &Organization,
    order: &Order,
    at: Timestamp,
) -> Option<Timestamp> {
    let stand = if is_over(order.state) { Stand::Over(at) } else { Stand::Open(at) };
    organization.privacy_policy().expires_at(order.imported_at, stand)
}

impl App {
    /// The order has just ended, or been opened again, at `at`.
    pub(crate) async fn begin_expiry(
        &self,
        organization: &Organization,
        order: &Order,
        at: Timestamp,
    ) -> Result<(), AppError> {
        let now = self.clock.now();
        let expires_at = buyer_expires_at(organization, order, at.min(now));
        Ok(self.store.set_buyer_expiry(&organization.id, &order.id, expires_at, now).await?)
    }

    /// Goes on with every sweep that is due, over all organizations, as far as a tick allows. How many buyers were deleted.
    pub async fn sweep_due(&self) -> Result<u64, AppError> {
        let now = self.clock.now();
        let until = now.checked_add(OF_A_TICK).unwrap_or(now);
        let mut deleted = 0;
        for organization in self.store.due_sweeps(now, DUE_MAX).await? {
            match self.sweep_until(&organization, until).await {
                Ok(count) => deleted += count,
                // Another goes on with it.
                Err(AppError::Store(StoreError::Conflict(_))) => {}
                Err(error) => return Err(error),
            }
            if self.clock.now() >= until {
                break;
            }
        }
        Ok(deleted)
    }

    async fn sweep_until(&self, id: &OrganizationId, until: Timestamp) -> Result<u64, AppError> {
        let organization = self.organization(id).await?;
        let mut deleted = 0;
        loop {
            let now = self.clock.now();
            let Some(mut sweep) = self.store.sweep(id).await?.filter(|sweep| sweep.due_at <= now) else {
                return Ok(deleted);
            };
            deleted += self.sweep_step(&organization, &mut sweep).await?;
            if now >= until {
                return Ok(deleted);
            }
        }
    }

    async fn sweep_step(&self, organization: &Organization, sweep: &mut Sweep) -> Result<u64, AppError> {
        let now = self.clock.now();
        let request = PageRequest { limit: PAGE, cursor: sweep.cursor.take() };
        let page = self.store.buyer_expiries(&organization.id, &request).await?;
        let mut deleted = 0;
        let mut kept_long = BTreeMap::new();
        let ended_at_latest = now.checked_add(KEPT_AFTER_END).unwrap_or(Timestamp::MAX);
        for (order, expires_at) in page.data {
            match expires_at {
                Some(at) if at <= now => {
                    let gone = self.store.delete_expired_buyer(&organization.id, &order, now).await?;
                    deleted += u64::from(gone);
                }
                Some(at) if at <= ended_at_latest => {}
                other => drop(kept_long.insert(order, other)),
            }
        }
        self.put_right(organization, &kept_long, now).await?;
        sweep.deleted += deleted;
        sweep.cursor = page.next_cursor;
        sweep.version += 1;
        if sweep.cursor.is_none() {
            if sweep.deleted > 0 {
                let (organization, deleted) = (&organization.id, sweep.deleted);
                tracing::info!(target: "privacy-sweep", %organization, deleted, "expired buyers' data deleted");
            }
            sweep.due_at = now.checked_add(EVERY).unwrap_or(Timestamp::MAX);
            sweep.deleted = 0;
        }
        self.store.save_sweep(&organization.id, sweep).await?;
        Ok(deleted)
    }

    /// Of these orders' buyers, kept as if their orders were open: those of orders that are over, or that the policy has
    /// come to reach since, begin to expire.
    async fn put_right(
        &self,
        organization: &Organization,
        kept_long: &BTreeMap<OrderId, Option<Timestamp>>,
        now: Timestamp,
    ) -> Result<(), AppError> {
        let ids = kept_long.keys().cloned().collect();
        for order in self.store.orders_by_ids(&organization.id, &ids).await? {
            let expires_at = match kept_long.get(&order.id) {
                _ if !order.complete || organization.privacy_policy().starts_at > order.imported_at => {
                    continue;
                }
                _ if is_over(order.state) => now.checked_add(KEPT_WHEN_FOUND),
                Some(None) => order.changed_at.checked_add(KEPT_OPEN),
                _ => continue,
            };
            let expires_at = expires_at.unwrap_or(Timestamp::MAX);
            self.store.set_buyer_expiry(&organization.id, &order.id, Some(expires_at), now).await?;
        }
        Ok(())
    }
}
