//! Ids: opaque to clients, a type prefix and a body.
//!
//! Where nature gives a key the id is made of it: a listing's and an order's id hold the connection and the channel's
//! own id, so the row is found without an index and the same thing fetched twice has one id.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What is wrong with a text that should be an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not an id of the form {prefix}_…")]
pub struct InvalidId {
    pub prefix: &'static str,
}

/// Longest id accepted, in bytes: above the longest that a channel's own id of 255 characters makes.
pub const ID_BYTES_MAX: usize = 1_024;

fn is_body(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= ID_BYTES_MAX
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'~' | b'_'))
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            /// From a unique body of ASCII letters and digits, usually a UUIDv7 in hex.
            pub fn from_body(body: &str) -> Result<Self, InvalidId> {
                format!("{}_{body}", $prefix).parse()
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The id without its prefix.
            pub fn body(&self) -> &str {
                self.0.get($prefix.len() + 1..).unwrap_or_default()
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                match text.strip_prefix(concat!($prefix, "_")) {
                    Some(body) if is_body(body) => Ok(Self(text.to_owned())),
                    _ => Err(InvalidId { prefix: $prefix }),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// A merchant's organization: the tenant.
    OrganizationId, "org"
);
id!(ApiKeyId, "key");
id!(ItemId, "itm");
id!(LocationId, "loc");
id!(
    /// A shop of the merchant on one channel.
    ConnectionId, "con"
);
id!(
    /// A listing: `lst_<connection>_<external id>[_<variation id>]`.
    ListingId, "lst"
);
id!(
    /// A sales order: `ord_<connection>_<external id>` for one from a channel.
    OrderId, "ord"
);
id!(
    /// A buyer: by the keyed hash of what tells buyers apart, or of a person's making.
    ContactId, "ctc"
);
id!(MovementId, "mov");
id!(SyncId, "syn");
id!(AdjustmentId, "adj");
id!(PurchaseReceiveId, "rcv");
id!(TransferId, "trf");
id!(
    /// Goods on their way to Amazon.
    InboundShipmentId, "inb"
);
id!(
    /// A record of who did or saw what.
    AuditId, "aud"
);

/// A channel's own id in the alphabet of ids, reversibly: what is not an ASCII letter, digit, `-` or `.` becomes `~`
/// and two hex digits a byte.
fn escape(external: &str) -> String {
    let mut out = String::with_capacity(external.len());
    for byte in external.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("~{byte:02x}"));
        }
    }
    out
}

fn unescape(body: &str) -> Option<String> {
    let mut out = Vec::with_capacity(body.len());
    let mut bytes = body.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'~' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

impl ListingId {
    /// The one id of a channel's listing. `variation_id` is `None` for a listing without variations.
    pub fn of(
        connection: &ConnectionId,
        external_id: &str,
        variation_id: Option<&str>,
    ) -> Result<Self, InvalidId> {
        let mut body = format!("{}_{}", connection.body(), escape(external_id));
        if let Some(variation) = variation_id {
            body.push('_');
            body.push_str(&escape(variation));
        }
        Self::from_body(&body)
    }

    /// The connection the listing belongs to.
    pub fn connection(&self) -> Result<ConnectionId, InvalidId> {
        ConnectionId::from_body(self.body().split('_').next().unwrap_or_default())
    }

    /// The channel's own ids: of the listing, and of the variation where it has one.
    pub fn external(&self) -> Option<(String, Option<String>)> {
        let mut parts = self.body().split('_').skip(1);
        let external = unescape(parts.next()?)?;
        let variation = match parts.next() {
            Some(part) => Some(unescape(part)?),
            None => None,
        };
        Some((external, variation))
    }
}

impl OrderId {
    /// The one id of a channel's order.
    pub fn of(connection: &ConnectionId, external_id: &str) -> Result<Self, InvalidId> {
        Self::from_body(&format!("{}_{}", connection.body(), escape(external_id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_of_another_type_or_of_rubbish_is_refused() {
        for text in ["", "itm_", "itm", "lst_1", "itm_a b", "itm_ä", "ITM_1"] {
            assert!(text.parse::<ItemId>().is_err(), "{text:?}");
        }
        assert!("itm_0190".parse::<ItemId>().is_ok());
    }

    proptest! {
        #[test]
        fn a_listing_id_gives_back_what_it_was_made_of(external in "\\PC{1,40}", variation in proptest::option::of("\\PC{1,40}")) {
            let connection = ConnectionId::from_body("0190abcd").unwrap();
            let id = ListingId::of(&connection, &external, variation.as_deref()).unwrap();
            prop_assert_eq!(id.connection().unwrap(), connection);
            prop_assert_eq!(id.external(), Some((external, variation)));
        }
    }
}
