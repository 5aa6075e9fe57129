//! The keys of our application at each marketplace, as the operator gives them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use channels::Credentials;
use domain::ChannelKind;

/// What the simulated marketplaces take, who ask nobody for the keys of an application.
const SIMULATED: &str = "masterstock-local";

/// By channel, from the file where there is one; without a file, keys that only simulated marketplaces take.
pub fn read(path: Option<&Path>) -> anyhow::Result<BTreeMap<ChannelKind, Credentials>> {
    let Some(path) = path else { return Ok(simulated()) };
    let place = || format!("could not read the application's keys in {}", path.display());
    let text = fs::read_to_string(path).with_context(place)?;
    aws::applications::parse(&text).with_context(place)
}

fn simulated() -> BTreeMap<ChannelKind, Credentials> {
    let hosted =
        ChannelKind::ALL.into_iter().filter(|kind| channels::adapter(*kind).capability().home.is_some());
    let keys = |kind| {
        let names = channels::adapter(kind).capability().application_keys.iter();
        Credentials::from_exposed(names.map(|name| ((*name).to_owned(), SIMULATED.to_owned())).collect())
    };
    hosted.map(|kind| (kind, keys(kind))).collect()
}
