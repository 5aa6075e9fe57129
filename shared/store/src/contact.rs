//! Contacts: who buys, in the table of personal data. What tells buyers apart is in no key and no attribute but as its
//! keyed hash; what a person wrote of one is sealed.

use domain::order::Buyer;
use domain::{ContactId, OrderId, OrganizationId, Timestamp};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use crate::page::List;
use crate::read::Query;
use crate::row::{Reader, Row, b, from_row, s, to_row};
use crate::transact::{Refused, Step};
use crate::{Page, PageRequest, Store, StoreError, keys};

const WHAT: &str = "contact";
const SEALED: &str = "sealed";
const HOLDER: &str = "contact_id";
/// Of a contact: the hash of the name that it has, to find that row by.
const NAME: &str = "name_hash";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    pub id: ContactId,
    /// The default name of where it was met first; nobody's own.
    pub display_name: String,
    /// A person made it.
    pub manual: bool,
    pub created_at: Timestamp,
}

/// Where the seal of a contact's own data belongs.
fn context(organization: &OrganizationId, id: &ContactId) -> String {
    format!("{organization}/contact/{id}")
}

fn key_context(organization: &OrganizationId) -> String {
    format!("{organization}/contact-key")
}

impl Store {
    /// The key that this organization's contacts are hashed with: `fresh` becomes it where there is none yet.
    pub async fn contact_key(
        &self,
        organization: &OrganizationId,
        fresh: &[u8; 32],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let key = keys::contact_key(organization);
        let context = key_context(organization);
        if self.get_from(&self.tables.personal, "read the key of contacts", &key, true).await?.is_none() {
            let mut row = key.to_row();
            row.insert(SEALED.to_owned(), b(self.sealer.seal(&context, fresh).await?));
            let step = Step::put(row).only_if_new(Refused::Exists("key of contacts")).personal();
            self.write_if("store the key of contacts", step).await?;
        }
        // Whoever was first: all must hash with one key.
        let row = self.get_from(&self.tables.personal, "read the key of contacts", &key, true).await?;
        let row = row.ok_or(StoreError::Conflict("key of contacts"))?;
        let sealed = Reader::new("key of contacts", &row).bytes(SEALED)?;
        Ok(Zeroizing::new(self.sealer.open(&context, sealed).await?))
    }

    /// The contact, where there is none of its id yet, and its name's hash, where no other has the name. Two writes at
    /// most, none together: each is right without the other. `details`: what a person wrote of it.
    pub async fn create_contact(
        &self,
        organization: &OrganizationId,
        contact: &Contact,
        name_hash: Option<&str>,
        details: Option<&Buyer>,
    ) -> Result<(), StoreError> {
        let mut row = to_row(WHAT, keys::contact(organization, &contact.id), contact)?;
        row.extend(name_hash.map(|hash| (NAME.to_owned(), s(hash))));
        if let Some(details) = details {
            let plain =
                serde_json::to_vec(details).map_err(|error| StoreError::Unreadable(WHAT, error.into()))?;
            let plain = Zeroizing::new(plain);
            row.insert(
                SEALED.to_owned(),
                b(self.sealer.seal(&context(organization, &contact.id), &plain).await?),
            );
        }
        let step = Step::put(row).only_if_new(Refused::Exists(WHAT)).personal();
        self.write_if("store a contact", step).await?;
        if let Some(hash) = name_hash {
            let mut row = keys::contact_name(organization, hash).into_row();
            row.insert(HOLDER.to_owned(), s(contact.id.as_str()));
            let step = Step::put(row).only_if_new(Refused::Exists("name of a contact")).personal();
            self.write_if("store the name of a contact", step).await?;
        }
        Ok(())
    }

    /// Eventually consistent.
    pub async fn contact(
        &self,
        organization: &OrganizationId,
        id: &ContactId,
    ) -> Result<Option<Contact>, StoreError> {
        let key = keys::contact(organization, id);
        let row = self.get_from(&self.tables.personal, "read a contact", &key, false).await?;
        row.map(|row| from_row(WHAT, row)).transpose()
    }

    /// Who has the name with this hash.
    pub async fn contact_of_name(
        &self,
        organization: &OrganizationId,
        hash: &str,
    ) -> Result<Option<ContactId>, StoreError> {
        let key = keys::contact_name(organization, hash);
        let row = self.get_from(&self.tables.personal, "read the name of a contact", &key, true).await?;
        row.map(|row| Reader::new("name of a contact", &row).parsed(HOLDER)).transpose()
    }

    /// What a person wrote of a contact; `None` where nobody did.
    pub async fn contact_details(
        &self,
        organization: &OrganizationId,
        id: &ContactId,
    ) -> Result<Option<Buyer>, StoreError> {
        let key = keys::contact(organization, id);
        let row = self.get_from(&self.tables.personal, "read a contact", &key, true).await?;
        let Some(row) = row.filter(|row| row.contains_key(SEALED)) else { return Ok(None) };
        let sealed = Reader::new(WHAT, &row).bytes(SEALED)?;
        let plain = Zeroizing::new(self.sealer.open(&context(organization, id), sealed).await?);
        serde_json::from_slice(&plain).map(Some).map_err(|error| StoreError::Unreadable(WHAT, error.into()))
    }

    /// Notes that an order is the contact's.
    pub async fn put_contact_order(
        &self,
        organization: &OrganizationId,
        contact: &ContactId,
        order: &OrderId,
    ) -> Result<(), StoreError> {
        let step = Step::put(keys::contact_order(organization, contact, order).into_row()).personal();
        self.transact("note an order of a contact", vec![step]).await
    }

    /// Which orders are the contact's, in the order of their ids. Consistent. One may be of another contact since, or not
    /// be stored yet.
    pub async fn contact_orders(
        &self,
        organization: &OrganizationId,
        contact: &ContactId,
        page: &PageRequest,
    ) -> Result<Page<OrderId>, StoreError> {
        let list = List::new("orders of a contact", organization, contact);
        let mut query = Query::of(keys::contact_orders(organization, contact)).personal().consistent();
        query.limit = Some(page.rows() + 1);
        let read = |row: Row| Reader::new("an order of a contact", &row).parsed(keys::SK).map(Some);
        self.page("list orders of a contact", &list, &query, page, read).await
    }

    /// Nothing where it is not noted.
    pub async fn delete_contact_order(
        &self,
        organization: &OrganizationId,
        contact: &ContactId,
        order: &OrderId,
    ) -> Result<(), StoreError> {
        let step = Step::delete(keys::contact_order(organization, contact, order)).personal();
        self.transact("forget an order of a contact", vec![step]).await
    }

    /// The contact, what was written of it with the only key to that, and its name's hash. Nothing where there is none.
    pub async fn delete_contact(
        &self,
        organization: &OrganizationId,
        id: &ContactId,
    ) -> Result<(), StoreError> {
        let key = keys::contact(organization, id);
        let row = self.get_from(&self.tables.personal, "read a contact", &key, true).await?;
        let Some(row) = row else { return Ok(()) };
        if let Some(hash) = Reader::new(WHAT, &row).text_if_any(NAME)? {
            let step = Step::delete(keys::contact_name(organization, &hash))
                .only_if("contact_id = :holder", Refused::Conflict("name of a contact"))
                .value(":holder", s(id.as_str()))
                .personal();
            self.write_if("delete the name of a contact", step).await?;
        }
        self.transact("delete a contact", vec![Step::delete(key).personal()]).await
    }

    /// In the order of their ids.
    pub async fn contacts(
        &self,
        organization: &OrganizationId,
        page: &PageRequest,
    ) -> Result<Page<Contact>, StoreError> {
        let list = List::new("contacts", organization, &());
        let mut query = Query::of(keys::contacts(organization)).personal();
        query.limit = Some(page.rows() + 1);
        self.page("list contacts", &list, &query, page, |row| from_row(WHAT, row).map(Some)).await
    }
}
