//! Values as the API writes them.

use app::{AppError, FieldError};
use domain::{Currency, Money};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An amount of money.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = Money)]
#[serde(deny_unknown_fields)]
pub struct MoneyBody {
    /// A decimal text with at most the currency's own number of decimals.
    #[schema(example = "12.50")]
    pub amount: String,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD", pattern = "^[A-Z]{3}$")]
    pub currency: Currency,
}

impl From<Money> for MoneyBody {
    fn from(money: Money) -> Self {
        Self { amount: money.amount(), currency: money.currency }
    }
}

impl MoneyBody {
    pub fn parse(&self, pointer: &str) -> Result<Money, AppError> {
        Money::parse(&self.amount, self.currency)
            .map_err(|error| AppError::invalid("invalid_price", format!("{pointer}/amount"), error))
    }
}

/// A price that may be left out.
pub fn price(money: Option<&MoneyBody>, pointer: &str) -> Result<Option<Money>, AppError> {
    money.map(|money| money.parse(pointer)).transpose()
}

/// Free text of 1 to `max` characters, trimmed.
pub fn text(text: &str, pointer: &str, max: usize) -> Result<String, AppError> {
    domain::text::parse_bounded(text, max).map_err(|error| AppError::invalid("invalid_field", pointer, error))
}

/// The same where it may be left out.
pub fn optional_text(value: Option<&String>, pointer: &str, max: usize) -> Result<Option<String>, AppError> {
    value.map(|value| text(value, pointer, max)).transpose()
}

/// An input that misses what goes together.
pub fn invalid(pointer: &str, detail: &str) -> AppError {
    AppError::Invalid {
        code: "invalid_field",
        detail: detail.to_owned(),
        fields: vec![FieldError::new(pointer, detail)],
    }
}
