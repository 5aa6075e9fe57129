//! eBay's marketplaces and what they count in.

use domain::Currency;

use crate::{ChannelError, ErrorKind, Shop};

/// Where a connection sells that names no marketplace.
pub(super) const DEFAULT: &str = "EBAY_US";

/// The currency of each marketplace, by its site's own.
const CURRENCIES: [(&str, &str); 26] = [
    ("EBAY_US", "USD"),
    ("EBAY_MOTORS_US", "USD"),
    ("EBAY_AT", "EUR"),
    ("EBAY_AU", "AUD"),
    ("EBAY_BE", "EUR"),
    ("EBAY_CA", "CAD"),
    ("EBAY_CH", "CHF"),
    ("EBAY_CZ", "CZK"),
    ("EBAY_DE", "EUR"),
    ("EBAY_DK", "DKK"),
    ("EBAY_ES", "EUR"),
    ("EBAY_FI", "EUR"),
    ("EBAY_FR", "EUR"),
    ("EBAY_GB", "GBP"),
    ("EBAY_HK", "HKD"),
    ("EBAY_IE", "EUR"),
    ("EBAY_IT", "EUR"),
    ("EBAY_JP", "JPY"),
    ("EBAY_MY", "MYR"),
    ("EBAY_NL", "EUR"),
    ("EBAY_NO", "NOK"),
    ("EBAY_PH", "PHP"),
    ("EBAY_PL", "PLN"),
    ("EBAY_SE", "SEK"),
    ("EBAY_SG", "SGD"),
    ("EBAY_TW", "TWD"),
];

/// The marketplaces of a connection, the leading one first.
pub(super) fn of<'a>(shop: &Shop<'a>) -> Vec<&'a str> {
    if shop.marketplaces.is_empty() {
        vec![DEFAULT]
    } else {
        shop.marketplaces.iter().map(String::as_str).collect()
    }
}

/// What the leading marketplace counts in. Errors: a marketplace that eBay does not have.
pub(super) fn currency(shop: &Shop<'_>, operation: &'static str) -> Result<Currency, ChannelError> {
    let mut currencies = of(shop).into_iter().map(|id| {
        let code = CURRENCIES.iter().find(|(known, _)| *known == id).map(|(_, currency)| *currency);
        code.and_then(|code| code.parse().ok()).ok_or_else(|| {
            let detail = "a marketplace of the connection is not one of eBay's, such as EBAY_US or EBAY_DE";
            ChannelError::new(ErrorKind::Rejected, operation, detail)
        })
    });
    let leading = currencies.next().unwrap_or_else(|| {
        Err(ChannelError::new(ErrorKind::Rejected, operation, "the connection has no marketplace"))
    })?;
    currencies.find_map(Result::err).map_or(Ok(leading), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_marketplace_has_a_currency() {
        for (marketplace, currency) in CURRENCIES {
            assert!(
                marketplace.starts_with("EBAY_") && currency.parse::<Currency>().is_ok(),
                "{marketplace}"
            );
        }
    }
}
