//! Buyers' data: a table of its own, sealed per order, with its expiry.

use domain::order::Buyer;
use domain::{OrderId, OrganizationId, Timestamp};
use secrecy::zeroize::Zeroizing;

use crate::page::List;
use crate::read::Query;
use crate::row::{Reader, Row, b, n};
use crate::transact::{Refused, Step};
use crate::{Page, PageRequest, Store, StoreError, keys};

const WHAT: &str = "buyer";
const SEALED: &str = "sealed";

/// Where the seal belongs: it opens in no other row.
fn context(organization: &OrganizationId, order: &OrderId) -> String {
    format!("{organization}/buyer/{order}")
}

impl Store {
    /// Seals the buyer under a data key of the order's own, which lies wrapped in the same row: with the row, the key is
    /// gone. `expires_at` (whole seconds, rounded down): `None` until the order is done.
    pub async fn put_buyer(
        &self,
        organization: &OrganizationId,
        order: &OrderId,
        buyer: &Buyer,
        expires_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let plain = serde_json::to_vec(buyer).map_err(|error| StoreError::Unreadable(WHAT, error.into()))?;
        let plain = Zeroizing::new(plain);
        let sealed = self.sealer.seal(&context(organization, order), &plain).await?;
        let mut row = keys::buyer(organization, order).into_row();
        row.insert(SEALED.to_owned(), b(sealed));
        if let Some(at) = expires_at {
            row.insert(keys::EXPIRES_AT.to_owned(), n(at.as_second()));
        }
        self.transact("store a buyer", vec![Step::put(row).personal()]).await
    }

    /// `None` where there is none, or it has expired by `now` (the table's own deletion comes later).
    pub async fn buyer(
        &self,
        organization: &OrganizationId,
        order: &OrderId,
        now: Timestamp,
    ) -> Result<Option<Buyer>, StoreError> {
        let key = keys::buyer(organization, order);
        let row = self.get_from(&self.tables.personal, "read a buyer", &key, true).await?;
        let Some(row) = row else { return Ok(None) };
        let reader = Reader::new(WHAT, &row);
        if reader.has_expired(now)? {
            return Ok(None);
        }
        let plain = self.sealer.open(&context(organization, order), reader.bytes(SEALED)?).await?;
        let plain = Zeroizing::new(plain);
        serde_json::from_slice(&plain).map(Some).map_err(|error| StoreError::Unreadable(WHAT, error.into()))
    }

    /// Sets or clears the expiry without opening the seal. Nothing where there is no buyer, or one that has expired by
    /// `now`: what is gone does not come back.
    pub async fn set_buyer_expiry(
        &self,
        organization: &OrganizationId,
        order: &OrderId,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let key = keys::buyer(organization, order);
        let step = match expires_at {
            Some(at) => {
                Step::update(key, "SET expires_at = :expires_at").value(":expires_at", n(at.as_second()))
            }
            None => Step::update(key, "REMOVE expires_at"),
        };
        let is_kept = "attribute_exists(pk) AND (attribute_not_exists(expires_at) OR expires_at > :now)";
        let step =
            step.only_if(is_kept, Refused::Conflict(WHAT)).value(":now", n(now.as_second())).personal();
        self.write_if("set the expiry of a buyer", step).await.map(drop)
    }

    /// A page of the buyers that are kept, or have expired and are not deleted yet, in the order of their ids: which order,
    /// and until when. No seal is opened.
    pub async fn buyer_expiries(
        &self,
        organization: &OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<(OrderId, Option<Timestamp>)>, StoreError> {
        let list = List::new("buyers", organization, &());
        let mut query = Query::of(keys::organization(organization)).prefix(keys::BUYER).personal();
        query.limit = Some(page.rows() + 1);
        let read = |row: Row| {
            let reader = Reader::new(WHAT, &row);
            let order =
                reader.sort_key_after(keys::BUYER)?.parse().map_err(|error| reader.unreadable(error))?;
            let at: Option<i64> = reader.number_if_any(keys::EXPIRES_AT)?;
            let at = at.map(Timestamp::from_second).transpose().map_err(|error| reader.unreadable(error))?;
            Ok(Some((order, at)))
        };
        self.page("list buyers", &list, &query, page, read).await
    }

    /// As [`Store::delete_buyer`], if it has expired by `now`; whether it had.
    pub async fn delete_expired_buyer(
        &self,
        organization: &OrganizationId,
        order: &OrderId,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let step = Step::delete(keys::buyer(organization, order))
            .only_if("expires_at <= :now", Refused::Conflict(WHAT))
            .value(":now", n(now.as_second()))
            .personal();
        self.write_if("delete an expired buyer", step).await
    }

    /// The row and with it the only key to it. Nothing where there is none.
    pub async fn delete_buyer(
        &self,
        organization: &OrganizationId,
        order: &OrderId,
    ) -> Result<(), StoreError> {
        let step = Step::delete(keys::buyer(organization, order)).personal();
        self.transact("delete a buyer", vec![step]).await
    }
}
