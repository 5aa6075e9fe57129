//! What a channel can do, as data: the suite, the API and the workers ask it, nobody knows a channel by name.

/// A channel's abilities and limits. Numbers are the channel's own, with their source in the adapter's README.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capability {
    /// For people.
    pub name: &'static str,
    pub authorization: Authorization,
    /// What a connection must bring, by field name.
    pub credentials_required: &'static [&'static str],
    pub credentials_optional: &'static [&'static str],
    /// What the application brings, not the merchant: a connection that lacks these gets the deployment's.
    pub application_keys: &'static [&'static str],
    /// The address that stands for all hosts of a hosted marketplace; `None` where each store has an address of its own,
    /// which the connection must name.
    pub home: Option<&'static str>,
    /// The channel collects taxes itself, so the organization must count them: `taxes_enabled`.
    pub taxes_required: bool,
    /// Listings of one page.
    pub listing_page_max: u32,
    /// Listings can be asked for by time of change.
    pub listing_changes: bool,
    /// Orders of one page.
    pub order_page_max: u32,
    /// Orders that one call can fetch by id.
    pub order_ids_max: u32,
    /// Quantities of one stock call: of a target that is told by location, one for each.
    pub stock_batch_max: u32,
    /// Setting a number can be made to depend on the number that is there.
    pub stock_compare_and_set: bool,
    pub locations: ByLocation,
    /// The merchant can raise and lower the units of an order's line, and the channel moves its own number by them.
    pub order_edits: bool,
    /// The limits allow one look at new orders before each push.
    pub order_look_before_push: bool,
}

/// How a channel counts stock by locations of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByLocation {
    /// It has none, or cannot be told of them.
    No,
    /// A listing's number is what its locations have together; each location is asked for by itself.
    Summed,
    /// A listing has a number of its own beside what lies where; one question tells all of it.
    Beside,
}

impl ByLocation {
    /// Whether it can be told by location.
    pub fn is_told(self) -> bool {
        self != Self::No
    }

    /// Locations that one question about stock covers.
    pub fn asked_at_once(self) -> usize {
        match self {
            Self::No | Self::Summed => 1,
            Self::Beside => usize::MAX,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authorization {
    Oauth2,
    ApiKey,
}

impl Authorization {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Oauth2 => "oauth2",
            Self::ApiKey => "api_key",
        }
    }
}
