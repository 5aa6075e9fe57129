//! Stock documents: what a person did with stock. Posted with their movements, or not at all; voided, never deleted.

use domain::stock::Actor;
use domain::{OrganizationId, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::keys;
use crate::page::List;
use crate::read::Query;
use crate::row::{from_row, to_row};
use crate::stock::{Posting, posting_steps};
use crate::transact::{Refused, Step};
use crate::{Page, PageRequest, Store, StoreError};

/// A kind of document, kept in a partition of its own in the order of creation.
pub trait Document: Serialize + DeserializeOwned + Send + Sync {
    type Id: std::fmt::Display + Sync;
    /// Singular, in lower case: `transfer`.
    const WHAT: &'static str;
    /// What its partition's key ends with.
    const PARTITION: &'static str;

    fn id(&self) -> &Self::Id;
    /// From 1, growing by one with each change.
    fn version(&self) -> u64;
}

/// That a document was voided: its movements have their reverse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voiding {
    pub at: Timestamp,
    pub by: Actor,
}

impl Store {
    /// The document, the levels and the movements in one transaction. [`StoreError::Exists`] for a new one (version 1)
    /// that is there, [`StoreError::Conflict`] for a change of one that was changed since,
    /// [`StoreError::NotEnoughStock`] by the postings' guards.
    pub async fn post_document<D: Document>(
        &self,
        organization: &OrganizationId,
        document: &D,
        postings: &[Posting],
    ) -> Result<(), StoreError> {
        let row = to_row(D::WHAT, keys::document(organization, D::PARTITION, document.id()), document)?;
        let put = Step::put(row);
        let put = match document.version() {
            1 => put.only_if_new(Refused::Exists(D::WHAT)),
            version => put.only_after(version, D::WHAT),
        };
        let mut steps = vec![put];
        let postings = postings.iter().map(|posting| (&posting.movement, &posting.guard));
        steps.extend(posting_steps(organization, postings)?);
        self.transact("post a stock document", steps).await
    }

    pub async fn document<D: Document>(
        &self,
        organization: &OrganizationId,
        id: &D::Id,
    ) -> Result<Option<D>, StoreError> {
        let key = keys::document(organization, D::PARTITION, id);
        let row = self.get("read a stock document", &key).await?;
        row.map(|row| from_row(D::WHAT, row)).transpose()
    }

    /// Newest first.
    pub async fn documents<D: Document>(
        &self,
        organization: &OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<D>, StoreError> {
        let list = List::new(D::WHAT, organization, &());
        let mut query = Query::of(keys::documents(organization, D::PARTITION)).newest_first();
        query.limit = Some(page.rows() + 1);
        self.page("list stock documents", &list, &query, page, |row| from_row(D::WHAT, row).map(Some)).await
    }
}
