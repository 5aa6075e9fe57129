//! Lists in pages.
//!
//! A cursor is the key of the last row that was given out, with the fingerprint of the list: organization, name and
//! filter. It goes to clients and comes back from them, so it is believed only as far as the list's own keys reach.

use std::collections::BTreeMap;
use std::fmt::Debug;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::OrganizationId;
use serde::{Deserialize, Serialize};

use crate::StoreError;
use crate::keys::{IPK, ISK, Key, PK, SK};
use crate::row::{Row, s};

/// Which part of a list.
#[derive(Debug, Clone, Default)]
pub struct PageRequest {
    /// 1 to 200.
    pub limit: u32,
    /// As the page before gave it. One of another list, or of another organization, is refused.
    pub cursor: Option<String>,
}

impl PageRequest {
    /// Rows wanted, whatever was asked for.
    pub(crate) fn rows(&self) -> usize {
        usize::try_from(self.limit.clamp(1, 200)).unwrap_or(200)
    }
}

#[derive(Debug, Clone)]
pub struct Page<T> {
    pub data: Vec<T>,
    /// `None` on the last page. A page may be short, or empty, and have one: a search stops after a bounded number of
    /// rows looked at.
    pub next_cursor: Option<String>,
}

/// Which list a cursor belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    fingerprint: String,
    /// The beginning of each partition key of the organization.
    tenant: String,
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    l: String,
    k: BTreeMap<String, String>,
}

impl List {
    /// The filter's `Debug` form tells two filters apart.
    pub fn new(name: &str, organization: &OrganizationId, filter: &impl Debug) -> Self {
        let text = format!("{name}\n{organization}\n{filter:?}");
        let digest = digest::digest(&digest::SHA256, text.as_bytes());
        let mut fingerprint = URL_SAFE_NO_PAD.encode(digest);
        fingerprint.truncate(16);
        Self { fingerprint, tenant: format!("{}#", crate::keys::organization(organization)) }
    }

    /// A cursor behind the row with this key; of a row, only the key attributes are taken.
    pub fn cursor(&self, row: &Row) -> Result<String, StoreError> {
        let k = [PK, SK, IPK, ISK]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), row.get(name)?.as_s().ok()?.clone())))
            .collect();
        let json = serde_json::to_vec(&Cursor { l: self.fingerprint.clone(), k })
            .map_err(|error| StoreError::Unreadable("a cursor", Box::new(error)))?;
        Ok(URL_SAFE_NO_PAD.encode(json))
    }

    /// A page of what is in memory already, in the order of its keys.
    pub fn page_of<T>(
        &self,
        entities: impl IntoIterator<Item = T>,
        page: &PageRequest,
        key: impl Fn(&T) -> Key,
    ) -> Result<Page<T>, StoreError> {
        let sort_key = |row: &Row| row.get(SK).and_then(|sk| sk.as_s().ok()).cloned();
        let start = self.start(page)?.as_ref().and_then(sort_key);
        let behind = |entity: &T| start.as_ref().is_none_or(|start| key(entity).sk > *start);
        let mut data: Vec<T> = entities.into_iter().filter(behind).take(page.rows() + 1).collect();
        let more = data.len() > page.rows();
        data.truncate(page.rows());
        let next_cursor = match data.last() {
            Some(last) if more => Some(self.cursor(&key(last).into_row())?),
            _ => None,
        };
        Ok(Page { data, next_cursor })
    }

    /// The key to start behind; `None` for the first page.
    pub fn start(&self, page: &PageRequest) -> Result<Option<Row>, StoreError> {
        let Some(text) = &page.cursor else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| StoreError::BadCursor)?;
        let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| StoreError::BadCursor)?;
        let own = |name: &str| match cursor.k.get(name) {
            Some(pk) => pk.starts_with(&self.tenant) || self.tenant.strip_suffix('#') == Some(pk),
            None => name == IPK,
        };
        if cursor.l != self.fingerprint || !own(PK) || !own(IPK) || !cursor.k.contains_key(SK) {
            return Err(StoreError::BadCursor);
        }
        Ok(Some(cursor.k.into_iter().map(|(name, value)| (name, s(value))).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn organization(body: &str) -> OrganizationId {
        OrganizationId::from_body(body).unwrap()
    }

    #[test]
    fn a_cursor_is_taken_by_its_own_list_only() {
        let own = List::new("items", &organization("a"), &Some("red"));
        let row = Key::new("O#a#ITM", "itm_1").into_row();
        let cursor = own.cursor(&row).unwrap();
        let page = |cursor: &str| PageRequest { limit: 1, cursor: Some(cursor.to_owned()) };
        assert_eq!(own.start(&page(&cursor)).unwrap(), Some(row));
        for other in [
            List::new("orders", &organization("a"), &Some("red")),
            List::new("items", &organization("b"), &Some("red")),
            List::new("items", &organization("a"), &Some("blue")),
        ] {
            assert!(matches!(other.start(&page(&cursor)), Err(StoreError::BadCursor)));
        }
    }

    #[test]
    fn a_forged_cursor_is_refused() {
        let list = List::new("items", &organization("a"), &());
        let foreign = list.cursor(&Key::new("O#b#ITM", "itm_1").into_row()).unwrap();
        let no_key = list.cursor(&Row::new()).unwrap();
        let neighbour = list.cursor(&Key::new("O#ab#ITM", "itm_1").into_row()).unwrap();
        for text in ["", "x", "e30", "!!", &foreign, &no_key, &neighbour] {
            let page = PageRequest { limit: 1, cursor: Some(text.to_owned()) };
            assert!(matches!(list.start(&page), Err(StoreError::BadCursor)), "{text:?}");
        }
    }
}
