//! Shopify's search syntax, as far as we use it: terms joined by `AND`.

use apollo_compiler::resolvers::FieldError;
use jiff::Timestamp;

use super::nodes::error;

/// What must hold of a record.
#[derive(Debug, Default)]
pub(super) struct Filter {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    above: Option<u64>,
}

impl Filter {
    /// Refuses a term that it does not know, where Shopify would only warn.
    pub fn parse(query: Option<&str>) -> Result<Self, FieldError> {
        let mut filter = Self::default();
        for term in query.unwrap_or_default().split(" AND ").filter(|term| !term.trim().is_empty()) {
            let unknown = || error("BAD_REQUEST", format!("cannot search by {term}"));
            let at = |text: &str| text.trim_matches('\'').parse::<Timestamp>().map_err(|_| unknown());
            if let Some(text) = term.strip_prefix("updated_at:>=") {
                filter.from = Some(at(text)?);
            } else if let Some(text) = term.strip_prefix("updated_at:<") {
                filter.to = Some(at(text)?);
            } else if let Some(text) = term.strip_prefix("id:>") {
                filter.above = Some(text.parse().map_err(|_| unknown())?);
            } else {
                return Err(unknown());
            }
        }
        Ok(filter)
    }

    pub fn admits(&self, id: u64, updated_at: Timestamp) -> bool {
        self.from.is_none_or(|from| updated_at >= from)
            && self.to.is_none_or(|to| updated_at < to)
            && self.above.is_none_or(|above| id > above)
    }
}
