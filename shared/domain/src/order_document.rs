//! The papers of an order: invoices, packages, shipments, returns. Each names its order and its number among those of
//! its kind, so it is found without an index and made once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::OrderId;
use crate::id::InvalidId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DocumentKind {
    Invoice,
    Package,
    Shipment,
    Return,
}

impl DocumentKind {
    pub const ALL: [Self; 4] = [Self::Invoice, Self::Package, Self::Shipment, Self::Return];

    /// What ids of the kind begin with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Invoice => "inv",
            Self::Package => "pkg",
            Self::Shipment => "shp",
            Self::Return => "ret",
        }
    }
}

/// `shp_<order>_<number>`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DocumentId {
    pub kind: DocumentKind,
    pub order_id: OrderId,
    /// 1, 2, 3 … among those of the kind and order.
    pub number: u32,
}

impl FromStr for DocumentId {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let refused = InvalidId { prefix: "pkg" };
        let (prefix, rest) = text.split_once('_').ok_or_else(|| refused.clone())?;
        let kind = DocumentKind::ALL.into_iter().find(|kind| kind.prefix() == prefix);
        let (order, number) = rest.rsplit_once('_').ok_or_else(|| refused.clone())?;
        let id = Self {
            kind: kind.ok_or_else(|| refused.clone())?,
            order_id: OrderId::from_body(order)?,
            number: number.parse().map_err(|_| refused.clone())?,
        };
        // One text an id: no sign, no leading zeros.
        if id.to_string() == text { Ok(id) } else { Err(refused) }
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}_{}", self.kind.prefix(), self.order_id.body(), self.number)
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl TryFrom<String> for DocumentId {
    type Error = InvalidId;
    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<DocumentId> for String {
    fn from(id: DocumentId) -> String {
        id.to_string()
    }
}

/// How many papers of each kind an order has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DocumentCounts([u32; 4]);

impl DocumentCounts {
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// The number of the next one, which is counted from now on.
    pub fn take_next(&mut self, kind: DocumentKind) -> u32 {
        let [invoices, packages, shipments, returns] = &mut self.0;
        let count = match kind {
            DocumentKind::Invoice => invoices,
            DocumentKind::Package => packages,
            DocumentKind::Shipment => shipments,
            DocumentKind::Return => returns,
        };
        *count += 1;
        *count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_text_and_reads_back() {
        for (text, number) in [("shp_c1_1001_1", 1), ("pkg_0199abcd_12", 12), ("inv_c1_a~2fb_3", 3)] {
            let id: DocumentId = text.parse().unwrap();
            assert_eq!((id.number, id.to_string().as_str()), (number, text));
        }
        for text in
            ["", "shp", "shp_1", "itm_c1_1001_1", "shp_c1_01", "shp_c1_+1", "shp_c1_x", "shp__1", "shp_c1_-1"]
        {
            assert!(text.parse::<DocumentId>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn each_kind_is_counted_by_itself() {
        let mut counts = DocumentCounts::default();
        assert!(counts.is_nothing());
        assert_eq!(counts.take_next(DocumentKind::Package), 1);
        assert_eq!(counts.take_next(DocumentKind::Package), 2);
        assert_eq!(counts.take_next(DocumentKind::Shipment), 1);
        assert!(!counts.is_nothing());
    }
}
