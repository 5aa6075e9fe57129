//! The countries that a deployment opens of a channel that is opened country by country.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::amazon;

/// By ISO 3166-1 alpha-2 code. What is not among them cannot be connected; what was connected before stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editions(BTreeSet<&'static str>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is no country with a marketplace; write codes such as US,GB,IN")]
pub struct UnknownCountry(String);

/// A marketplace that the deployment has not opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Which of those named; `None` where none was and the channel's own is meant.
    pub position: Option<usize>,
    pub country: &'static str,
}

impl Editions {
    pub fn has(&self, country: &str) -> bool {
        self.0.contains(country)
    }
}

impl Default for Editions {
    fn default() -> Self {
        Self(BTreeSet::from(["US", "GB", "IN"]))
    }
}

impl fmt::Display for Editions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().copied().collect::<Vec<_>>().join(","))
    }
}

/// `US,GB,IN`, in any case; `UK` is `GB`.
impl FromStr for Editions {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        let country = |name: &str| {
            let code = name.trim().to_uppercase();
            let code = if code == "UK" { "GB" } else { code.as_str() };
            amazon::country(code).ok_or_else(|| UnknownCountry(name.trim().to_owned()))
        };
        text.split(',').map(country).collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e1_the_three_editions_are_open_unless_told_otherwise() {
        let open = Editions::default();
        assert_eq!(open.to_string(), "GB,IN,US");
        assert!(open.has("GB") && !open.has("DE"));
    }

    #[test]
    fn e1_countries_are_read_as_people_write_them() {
        for (text, read) in [("US,GB,IN", "GB,IN,US"), (" uk , de", "DE,GB"), ("jp", "JP")] {
            assert_eq!(text.parse::<Editions>().unwrap().to_string(), read);
        }
        for (text, named) in [("", ""), ("US,", ""), ("US;GB", "US;GB"), ("US,XX", "XX")] {
            assert_eq!(text.parse::<Editions>(), Err(UnknownCountry(named.to_owned())));
        }
    }
}
