//! Amazon's marketplaces: which host speaks for each, and where its sellers give their consent.
//!
//! Ids and regions: <https://developer-docs.amazon.com/sp-api/docs/marketplace-ids> and `…/sp-api-endpoints`. Currencies
//! and names are asked of Amazon itself, so none are written down here.

use crate::{Closed, Editions};

/// Amazon authorizes a seller, and counts a SKU's stock, within a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    NorthAmerica,
    Europe,
    FarEast,
}

impl Region {
    pub fn host(self) -> &'static str {
        match self {
            Self::NorthAmerica => super::HOME,
            Self::Europe => "https://sellingpartnerapi-eu.amazon.com",
            Self::FarEast => "https://sellingpartnerapi-fe.amazon.com",
        }
    }

    pub fn as_str(self) -> &'static str {
        match self {
            Self::NorthAmerica => "na",
            Self::Europe => "eu",
            Self::FarEast => "fe",
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Marketplace {
    pub id: &'static str,
    pub country: &'static str,
    pub region: Region,
    /// Where the seller consents.
    pub seller_central: &'static str,
}

/// Where a connection that names no marketplace sells.
pub(super) const DEFAULT: &Marketplace = &UNITED_STATES;

const UNITED_STATES: Marketplace = Marketplace {
    id: "ATVPDKIKX0DER",
    country: "US",
    region: Region::NorthAmerica,
    seller_central: "https://sellercentral.amazon.com",
};

const fn american(id: &'static str, country: &'static str, seller_central: &'static str) -> Marketplace {
    Marketplace { id, country, region: Region::NorthAmerica, seller_central }
}

/// Sellers of the European Union and of the United Kingdom consent on one page.
const fn european(id: &'static str, country: &'static str) -> Marketplace {
    Marketplace {
        id,
        country,
        region: Region::Europe,
        seller_central: "https://sellercentral-europe.amazon.com",
    }
}

/// Of the European host, with a page of their own.
const fn eastern(id: &'static str, country: &'static str, seller_central: &'static str) -> Marketplace {
    Marketplace { id, country, region: Region::Europe, seller_central }
}

const fn far(id: &'static str, country: &'static str, seller_central: &'static str) -> Marketplace {
    Marketplace { id, country, region: Region::FarEast, seller_central }
}

static ALL: [Marketplace; 23] = [
    UNITED_STATES,
    american("A2EUQ1WTGCTBG2", "CA", "https://sellercentral.amazon.ca"),
    american("A1AM78C64UM0Y8", "MX", "https://sellercentral.amazon.com.mx"),
    american("A2Q3Y263D00KWC", "BR", "https://sellercentral.amazon.com.br"),
    european("A1F83G8C2ARO7P", "GB"),
    european("A1PA6795UKMFR9", "DE"),
    european("A13V1IB3VIYZZH", "FR"),
    european("APJ6JRA9NG5V4", "IT"),
    european("A1RKKUPIHCS9HS", "ES"),
    european("A1805IZSGTT6HS", "NL"),
    european("A2NODRKZP88ZB9", "SE"),
    european("A1C3SOZRARQ6R3", "PL"),
    european("AMEN7PMS3EDWL", "BE"),
    european("A28R8C7NBKEWEA", "IE"),
    eastern("A33AVAJ2PDY3EV", "TR", "https://sellercentral.amazon.com.tr"),
    eastern("A2VIGQ35RCS4UG", "AE", "https://sellercentral.amazon.ae"),
    eastern("A17E79C6D8DWNP", "SA", "https://sellercentral.amazon.sa"),
    eastern("ARBP9OOSHTCHU", "EG", "https://sellercentral.amazon.eg"),
    eastern("AE08WJ6YKNBMC", "ZA", "https://sellercentral.amazon.co.za"),
    eastern("A21TJRUUN4KGV", "IN", "https://sellercentral.amazon.in"),
    far("A1VC38T7YXB528", "JP", "https://sellercentral.amazon.co.jp"),
    far("A39IBJ37TRP1C6", "AU", "https://sellercentral.amazon.com.au"),
    far("A19VAU5U5O7RUS", "SG", "https://sellercentral.amazon.sg"),
];

pub(super) fn by_id(id: &str) -> Option<&'static Marketplace> {
    ALL.iter().find(|marketplace| marketplace.id == id)
}

/// The country, where it has a marketplace.
pub(crate) fn country(code: &str) -> Option<&'static str> {
    ALL.iter().map(|marketplace| marketplace.country).find(|country| *country == code)
}

/// The first that is not open.
pub(super) fn closed(marketplaces: &[String], open: &Editions) -> Option<Closed> {
    if marketplaces.is_empty() {
        let closed = Closed { position: None, country: DEFAULT.country };
        return (!open.has(DEFAULT.country)).then_some(closed);
    }
    let known = marketplaces.iter().enumerate().filter_map(|(at, id)| Some((at, by_id(id)?.country)));
    let mut closed = known.filter(|(_, country)| !open.has(country));
    closed.next().map(|(at, country)| Closed { position: Some(at), country })
}

/// The connection's leading marketplace: its host is spoken to. One that is not known is refused when the shop is
/// identified.
pub(super) fn leading(marketplaces: &[String]) -> &'static Marketplace {
    marketplaces.first().and_then(|id| by_id(id)).unwrap_or(DEFAULT)
}

/// The ids of the connection's marketplaces, the leading one first.
pub(super) fn ids(marketplaces: &[String]) -> Vec<&str> {
    if marketplaces.is_empty() { vec![DEFAULT.id] } else { marketplaces.iter().map(String::as_str).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn h1_a_buyer_is_called_by_the_marketplace_s_country() {
        use crate::Channel as _;
        let name = |ids: &[&str]| {
            crate::amazon::Amazon.customer_name(&ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(name(&["ATVPDKIKX0DER"]), "Amazon US - Customer");
        assert_eq!(name(&["A1F83G8C2ARO7P", "A1PA6795UKMFR9"]), "Amazon GB - Customer");
        assert_eq!(name(&["A21TJRUUN4KGV"]), "Amazon IN - Customer");
        assert_eq!(name(&[]), "Amazon US - Customer");
    }

    #[test]
    fn e1_a_marketplace_is_open_where_its_country_is() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let of = |named: &[&str], open: &str| closed(&ids(named), &open.parse().unwrap());
        let (us, gb, de) = ("ATVPDKIKX0DER", "A1F83G8C2ARO7P", "A1PA6795UKMFR9");
        assert_eq!(of(&[us, gb], "US,UK,IN"), None);
        assert_eq!(of(&[gb, de], "US,UK,IN"), Some(Closed { position: Some(1), country: "DE" }));
        assert_eq!(of(&[gb, de], "DE,GB"), None);
        assert_eq!(of(&[], "US"), None);
        assert_eq!(of(&[], "DE"), Some(Closed { position: None, country: "US" }), "the one that is meant");
        assert_eq!(of(&["NOWHERE"], "US"), None, "left to Amazon");
    }

    #[test]
    fn each_marketplace_is_listed_once() {
        let ids: BTreeSet<_> = ALL.iter().map(|one| one.id).collect();
        let countries: BTreeSet<_> = ALL.iter().map(|one| one.country).collect();
        assert_eq!((ids.len(), countries.len()), (ALL.len(), ALL.len()));
    }

    #[test]
    fn each_region_has_its_host() {
        let table = [
            ("ATVPDKIKX0DER", "US", "https://sellingpartnerapi-na.amazon.com"),
            ("A1F83G8C2ARO7P", "GB", "https://sellingpartnerapi-eu.amazon.com"),
            ("A21TJRUUN4KGV", "IN", "https://sellingpartnerapi-eu.amazon.com"),
            ("A1VC38T7YXB528", "JP", "https://sellingpartnerapi-fe.amazon.com"),
        ];
        for (id, country, host) in table {
            let found = leading(&[id.to_owned()]);
            assert_eq!((found.country, found.region.host()), (country, host));
        }
        assert_eq!(leading(&[]).country, "US");
        assert_eq!(ids(&[]), ["ATVPDKIKX0DER"]);
    }
}
