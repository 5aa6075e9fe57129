//! The keys of our application at each marketplace, as the operator gives them: a JSON object of an object for each
//! channel, `{"shopify": {"client_id": "…", "client_secret": "…"}}`. The channel's README names its keys.

use std::collections::BTreeMap;

use channels::Credentials;
use domain::ChannelKind;

#[derive(Debug, thiserror::Error)]
pub enum ApplicationsError {
    /// The text is not told: it holds secrets.
    #[error(
        "the applications' keys are no JSON object of an object for each channel (line {line}, column {column})"
    )]
    Malformed { line: usize, column: usize },
    #[error("the applications' keys of {channel} cannot be used: {why}")]
    Unusable { channel: ChannelKind, why: String },
}

pub fn parse(text: &str) -> Result<BTreeMap<ChannelKind, Credentials>, ApplicationsError> {
    let given: BTreeMap<ChannelKind, BTreeMap<String, String>> = serde_json::from_str(text)
        .map_err(|error| ApplicationsError::Malformed { line: error.line(), column: error.column() })?;
    let mut applications = BTreeMap::new();
    for (channel, keys) in given {
        let capability = channels::adapter(channel).capability();
        let keys = keys.into_iter().map(|(name, key)| (name, key.into()));
        let keys = Credentials::parse(keys, capability)
            .map_err(|error| ApplicationsError::Unusable { channel, why: error.to_string() })?;
        applications.insert(channel, keys);
    }
    Ok(applications)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_by_channel() {
        let read = parse(r#"{"shopify": {"client_id": "id", "client_secret": "secret"}}"#).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), [&ChannelKind::Shopify]);
        assert_eq!(read[&ChannelKind::Shopify].get("client_id"), Some("id"));
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_not_repeated() {
        for text in [
            "",
            "[]",
            r#"{"bazaar": {}}"#,
            r#"{"shopify": "secret"}"#,
            r#"{"shopify": {"secret": "secret"}}"#,
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(!error.contains("\"secret\""), "{error}");
        }
    }
}
