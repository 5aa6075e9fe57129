//! What connections and locations are called, for lists that know their ids.

use std::collections::{BTreeMap, BTreeSet};

use app::{App, AppError};
use domain::availability::LocationKind;
use domain::{ChannelKind, ConnectionId, LocationId, OrganizationId};
use store::connection::Connection;
use store::location::Location;

use crate::page::Choice;
use crate::text::ENGLISH;

/// The channel's own name.
pub fn channel(kind: ChannelKind) -> &'static str {
    channels::adapter(kind).capability().name
}

/// All connections of the organization.
pub struct Connections(pub Vec<Connection>);

impl Connections {
    pub async fn of(app: &App, organization: &OrganizationId) -> Result<Self, AppError> {
        Ok(Self(app.store.connections(organization).await?))
    }

    pub fn get(&self, id: &ConnectionId) -> Option<&Connection> {
        self.0.iter().find(|connection| connection.id == *id)
    }

    /// `Own shop · WooCommerce`.
    pub fn name(&self, id: &ConnectionId) -> String {
        self.get(id).map_or_else(|| ENGLISH.connection_deleted.to_owned(), full_name)
    }

    pub fn choices(&self, chosen: &str) -> Vec<Choice> {
        let choice = |c: &Connection| Choice::new(c.id.as_str(), c.name.as_str(), c.id.as_str() == chosen);
        self.0.iter().map(choice).collect()
    }

    /// The channels that are connected.
    pub fn channels(&self, chosen: &str) -> Vec<Choice> {
        let kinds: BTreeSet<ChannelKind> = self.0.iter().map(|connection| connection.channel).collect();
        let choice = |kind: ChannelKind| Choice::new(kind.as_str(), channel(kind), kind.as_str() == chosen);
        kinds.into_iter().map(choice).collect()
    }

    /// Those whose goods at Amazon are counted.
    pub fn tracking_fba(&self) -> Vec<Choice> {
        let tracking = self.0.iter().filter(|connection| connection.settings.fba.is_some());
        tracking.map(|c| Choice::new(c.id.as_str(), c.name.as_str(), false)).collect()
    }

    pub fn of_channel(&self, kind: ChannelKind) -> BTreeSet<ConnectionId> {
        self.0.iter().filter(|c| c.channel == kind).map(|c| c.id.clone()).collect()
    }
}

pub fn full_name(connection: &Connection) -> String {
    format!("{} · {}", connection.name.as_str(), channel(connection.channel))
}

/// All locations of the organization.
pub struct Locations {
    pub all: Vec<Location>,
    names: BTreeMap<LocationId, String>,
}

impl Locations {
    pub async fn of(app: &App, organization: &OrganizationId) -> Result<Self, AppError> {
        let all = app.store.locations(organization).await?;
        let names = all.iter().map(|location| (location.id.clone(), location.name.as_str().to_owned()));
        Ok(Self { names: names.collect(), all })
    }

    pub fn name(&self, id: &LocationId) -> String {
        self.names.get(id).cloned().unwrap_or_else(|| ENGLISH.location_deleted.to_owned())
    }

    /// Those where goods at Amazon can be counted.
    pub fn of_amazon(&self, chosen: Option<&LocationId>) -> Vec<Choice> {
        let amazon = self.all.iter().filter(|location| location.kind == LocationKind::Fba);
        amazon.map(|l| Choice::new(l.id.as_str(), l.name.as_str(), chosen == Some(&l.id))).collect()
    }

    pub fn choices(&self, chosen: Option<&LocationId>) -> Vec<Choice> {
        let choice = |location: &Location| {
            Choice::new(location.id.as_str(), location.name.as_str(), chosen == Some(&location.id))
        };
        self.all.iter().map(choice).collect()
    }
}
