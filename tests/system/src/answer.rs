//! An answer of the API, and what is expected of one.

use reqwest::header::HeaderMap;
use serde_json::Value;

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// `null` where there is none.
    pub body: Value,
}

impl Answer {
    pub(crate) async fn read(response: reqwest::Response) -> reqwest::Result<Self> {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Self { status, headers, body })
    }

    /// The body of a success.
    #[track_caller]
    pub fn done(self) -> Value {
        assert!((200..300).contains(&self.status), "{} {}", self.status, self.body);
        self.body
    }

    /// A refusal of RFC 9457 with this status and code, and, where one is named, this pointer.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str, pointer: Option<&str>) {
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let found = (self.status, kind, self.body["code"].as_str());
        assert_eq!(found, (status, "application/problem+json", Some(code)), "{}", self.body);
        assert_eq!(self.body["status"], status, "{}", self.body);
        if let Some(pointer) = pointer {
            let named = self.body["errors"].as_array().is_some_and(|errors| {
                errors.iter().any(|error| error["pointer"] == pointer && error["detail"].is_string())
            });
            assert!(named, "no error at {pointer}: {}", self.body);
        }
    }
}
