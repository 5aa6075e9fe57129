//! Money: integer minor units of an ISO 4217 currency. No float touches it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An ISO 4217 code: three capital letters.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMoney {
    #[error("must be an ISO 4217 currency code, three capital letters")]
    Currency,
    #[error("must be a decimal number such as 12.50")]
    Amount,
    #[error("has more than the {decimals} decimals of {currency}")]
    TooPrecise { currency: Currency, decimals: u8 },
    #[error("is larger than can be held")]
    TooLarge,
}

impl Currency {
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the point, by ISO 4217 (list one, 2024): 2 unless listed here.
    pub fn decimals(self) -> u8 {
        match self.as_str() {
            "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
            | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
            "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
            "CLF" | "UYW" => 4,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = InvalidMoney;
    fn from_str(text: &str) -> Result<Self, InvalidMoney> {
        match text.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|l| l.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(InvalidMoney::Currency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = InvalidMoney;
    fn try_from(text: String) -> Result<Self, InvalidMoney> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in minor units, such as cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    #[serde(rename = "m")]
    pub minor: i64,
    #[serde(rename = "c")]
    pub currency: Currency,
}

impl Money {
    pub fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// A decimal text in major units: `12.5` of USD is 1250 cents. Trailing zeros beyond the currency's decimals are
    /// taken, other digits are not.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, InvalidMoney> {
        Self::read(amount, currency, Excess::Refuse)
    }

    /// As [`Money::parse`], but rounds half away from zero what a channel gives with more decimals than the currency
    /// has (WooCommerce computes unit prices to 6 and more).
    pub fn parse_rounded(amount: &str, currency: Currency) -> Result<Self, InvalidMoney> {
        Self::read(amount, currency, Excess::Round)
    }

    fn read(amount: &str, currency: Currency, excess: Excess) -> Result<Self, InvalidMoney> {
        let (negative, digits) = match amount.trim().strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount.trim()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return Err(InvalidMoney::Amount);
        }
        let decimals = currency.decimals();
        let mut minor: i64 = 0;
        let kept = fraction.bytes().chain(std::iter::repeat(b'0')).take(usize::from(decimals));
        for digit in whole.bytes().chain(kept) {
            minor = minor
                .checked_mul(10)
                .and_then(|m| m.checked_add(i64::from(digit - b'0')))
                .ok_or(InvalidMoney::TooLarge)?;
        }
        let rest = fraction.get(usize::from(decimals)..).unwrap_or_default();
        if rest.bytes().any(|b| b != b'0') {
            match excess {
                Excess::Refuse => return Err(InvalidMoney::TooPrecise { currency, decimals }),
                Excess::Round if rest.as_bytes().first().is_some_and(|d| *d >= b'5') => {
                    minor = minor.checked_add(1).ok_or(InvalidMoney::TooLarge)?;
                }
                Excess::Round => {}
            }
        }
        Ok(Self { minor: if negative { -minor } else { minor }, currency })
    }

    /// The amount alone, with the currency's decimals: `12.50`.
    pub fn amount(&self) -> String {
        let decimals = usize::from(self.currency.decimals());
        let sign = if self.minor < 0 { "-" } else { "" };
        let digits = format!("{:0>width$}", self.minor.unsigned_abs(), width = decimals + 1);
        let (whole, fraction) = digits.split_at(digits.len() - decimals);
        if decimals == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

#[derive(Clone, Copy)]
enum Excess {
    Refuse,
    Round,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn minor(amount: &str, currency: &str) -> Result<i64, InvalidMoney> {
        Money::parse(amount, currency.parse().unwrap()).map(|m| m.minor)
    }

    #[test]
    fn each_currency_has_its_own_decimals() {
        assert_eq!(minor("12.5", "USD"), Ok(1250));
        assert_eq!(minor("12", "JPY"), Ok(12));
        assert_eq!(minor("1.234", "KWD"), Ok(1234));
        assert_eq!(minor("12.500", "USD"), Ok(1250));
        assert!(matches!(minor("12.505", "USD"), Err(InvalidMoney::TooPrecise { .. })));
        assert!(matches!(minor("0.5", "JPY"), Err(InvalidMoney::TooPrecise { .. })));
        for text in ["", ".", "-", "1e3", "1,5", "٣", "--1", "+1"] {
            assert_eq!(minor(text, "USD"), Err(InvalidMoney::Amount), "{text:?}");
        }
        assert_eq!(minor("99999999999999999999", "USD"), Err(InvalidMoney::TooLarge));
    }

    #[test]
    fn a_channel_s_longer_number_is_rounded_half_away_from_zero() {
        let eur = "EUR".parse().unwrap();
        assert_eq!(Money::parse_rounded("8.394958", eur).unwrap().minor, 839);
        assert_eq!(Money::parse_rounded("8.395", eur).unwrap().minor, 840);
        assert_eq!(Money::parse_rounded("-8.395", eur).unwrap().minor, -840);
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(minor in -9_000_000_000_000i64..9_000_000_000_000, code in prop::sample::select(vec!["USD", "JPY", "KWD", "CLF"])) {
            let money = Money { minor, currency: code.parse().unwrap() };
            prop_assert_eq!(Money::parse(&money.amount(), money.currency), Ok(money));
        }
    }
}
