//! Contacts: one a buyer, whatever channels they buy on. Buyers are told apart by e-mail, those without one by name, by
//! hashes under a key of the organization's own, so that the table says neither.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::{hmac, rand};
use domain::audit::AuditAction;
use domain::order::Buyer;
use domain::{ContactId, MatchKey, OrganizationId};
use store::contact::Contact;

use crate::audit::Witness;
use crate::change::not_hex;
use crate::{App, AppError};

/// The opened keys, of the organizations that this process has worked for.
pub(crate) type ContactKeys = Arc<Mutex<HashMap<OrganizationId, Arc<hmac::Key>>>>;

/// What a contact that a person made is called where the true name is concealed.
pub const MANUAL_NAME: &str = "Manual - Customer";
/// What the buyer of an order is called whose connection is deleted.
pub const UNKNOWN_NAME: &str = "Marketplace - Customer";

/// 16 bytes tell buyers apart.
const ID_BYTES: usize = 16;

/// What tells a buyer from others, in the form in which it is compared.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tokens {
    email: Option<String>,
    name: Option<String>,
}

impl Tokens {
    fn of(buyer: &Buyer) -> Self {
        let filled = |text: &Option<String>| {
            let text = text.as_deref().map(MatchKey::of)?;
            Some(text.as_str().to_owned()).filter(|text| !text.is_empty())
        };
        let addresses = [&buyer.shipping_address, &buyer.billing_address];
        let on_address = || addresses.into_iter().flatten().find_map(|address| filled(&address.name));
        Self {
            email: filled(&buyer.email).filter(|email| email.contains('@')),
            name: filled(&buyer.name).or_else(on_address),
        }
    }
}

fn hash(key: &hmac::Key, kind: &str, text: &str, bytes: usize) -> String {
    let tag = hmac::sign(key, format!("{kind}\n{text}").as_bytes());
    tag.as_ref().iter().take(bytes).map(|byte| format!("{byte:02x}")).collect()
}

impl App {
    pub async fn contact(&self, organization: &OrganizationId, id: &ContactId) -> Result<Contact, AppError> {
        self.store.contact(organization, id).await?.ok_or(AppError::NotFound("contact"))
    }

    /// The contact that the buyer is, made where it is new; `None` where nothing tells the buyer from others.
    /// `display_name`: what a new one is called.
    pub(crate) async fn contact_of_buyer(
        &self,
        organization: &OrganizationId,
        display_name: &str,
        buyer: &Buyer,
    ) -> Result<Option<ContactId>, AppError> {
        let tokens = Tokens::of(buyer);
        if tokens == (Tokens { email: None, name: None }) {
            return Ok(None);
        }
        let (id, name_hash) = self.contact_id_of(organization, &tokens).await?;
        if self.store.contact(organization, &id).await?.is_none() {
            let contact = self.new_contact(&id, display_name, false);
            self.store.create_contact(organization, &contact, name_hash.as_deref(), None).await?;
        }
        Ok(Some(id))
    }

    /// A contact by a person's word, with what they know of it; the one that it is already, where there is one.
    pub async fn create_contact(
        &self,
        organization: &OrganizationId,
        details: &Buyer,
    ) -> Result<Contact, AppError> {
        let tokens = Tokens::of(details);
        if tokens == (Tokens { email: None, name: None }) {
            return Err(AppError::invalid("invalid_field", "", "must have a name or an e-mail address"));
        }
        let (id, name_hash) = self.contact_id_of(organization, &tokens).await?;
        if let Some(known) = self.store.contact(organization, &id).await? {
            return Ok(known);
        }
        let contact = self.new_contact(&id, MANUAL_NAME, true);
        self.store.create_contact(organization, &contact, name_hash.as_deref(), Some(details)).await?;
        Ok(contact)
    }

    /// What a person wrote of a contact. Each look is noted before anything is shown. Errors: not found where nobody wrote
    /// any.
    pub async fn reveal_contact(
        &self,
        organization: &OrganizationId,
        by: &Witness,
        id: &ContactId,
    ) -> Result<Buyer, AppError> {
        self.contact(organization, id).await?;
        self.note(organization, by, AuditAction::ContactRevealed, id).await?;
        self.store.contact_details(organization, id).await?.ok_or(AppError::NotFound("contact data"))
    }

    /// The contact that whoever has this e-mail address is, or would be. `None` for what is no address.
    pub(crate) async fn contact_id_of_email(
        &self,
        organization: &OrganizationId,
        email: &str,
    ) -> Result<Option<ContactId>, AppError> {
        let tokens = Tokens::of(&Buyer { email: Some(email.to_owned()), ..Buyer::default() });
        if tokens.email.is_none() {
            return Ok(None);
        }
        Ok(Some(self.contact_id_of(organization, &tokens).await?.0))
    }

    fn new_contact(&self, id: &ContactId, display_name: &str, manual: bool) -> Contact {
        let display_name = display_name.to_owned();
        Contact { id: id.clone(), display_name, manual, created_at: self.clock.now() }
    }

    async fn contact_id_of(
        &self,
        organization: &OrganizationId,
        tokens: &Tokens,
    ) -> Result<(ContactId, Option<String>), AppError> {
        let key = self.contact_key(organization).await?;
        let name_hash = tokens.name.as_deref().map(|name| hash(&key, "name", name, 2 * ID_BYTES));
        let body = match (&tokens.email, &tokens.name, &name_hash) {
            (None, Some(name), Some(name_hash)) => {
                if let Some(known) = self.store.contact_of_name(organization, name_hash).await? {
                    return Ok((known, None));
                }
                hash(&key, "contact by name", name, ID_BYTES)
            }
            (email, ..) => hash(&key, "contact by e-mail", email.as_deref().unwrap_or_default(), ID_BYTES),
        };
        Ok((ContactId::from_body(&body).map_err(not_hex)?, name_hash))
    }

    async fn contact_key(&self, organization: &OrganizationId) -> Result<Arc<hmac::Key>, AppError> {
        let known = {
            let keys = self.contact_keys.lock().unwrap_or_else(PoisonError::into_inner);
            keys.get(organization).cloned()
        };
        if let Some(key) = known {
            return Ok(key);
        }
        let mut fresh = [0; 32];
        rand::fill(&mut fresh).map_err(|_| AppError::Internal("the machine gives no random numbers"))?;
        let opened = self.store.contact_key(organization, &fresh).await?;
        let key = Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &opened));
        let mut keys = self.contact_keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(keys.entry(organization.clone()).or_insert(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::order::Address;

    #[track_caller]
    fn check(name: &str, email: &str, on_address: &str, expected: (Option<&str>, Option<&str>)) {
        let some = |text: &str| Some(text.to_owned());
        let buyer = Buyer {
            name: some(name),
            email: some(email),
            shipping_address: Some(Address { name: some(on_address), ..Address::default() }),
            ..Buyer::default()
        };
        let expected = Tokens { email: expected.0.map(str::to_owned), name: expected.1.map(str::to_owned) };
        assert_eq!(Tokens::of(&buyer), expected);
    }

    #[test]
    fn buyers_are_compared_without_case_and_white_space() {
        check(" Ada  LOVELACE ", " Ada@Example.ORG ", "", (Some("ada@example.org"), Some("ada lovelace")));
        check("", "", "Ada Lovelace", (None, Some("ada lovelace")));
        check("Ada", "none", "", (None, Some("ada")));
        check(" ", "", " ", (None, None));
    }

    #[test]
    fn a_hash_depends_on_key_kind_and_text() {
        let key = |byte| hmac::Key::new(hmac::HMAC_SHA256, &[byte; 32]);
        let one = hash(&key(1), "name", "ada", 16);
        assert_eq!(one.len(), 32);
        assert_eq!(one, hash(&key(1), "name", "ada", 16));
        for other in [
            hash(&key(2), "name", "ada", 16),
            hash(&key(1), "e-mail", "ada", 16),
            hash(&key(1), "name", "bob", 16),
        ] {
            assert_ne!(one, other);
        }
    }
}
