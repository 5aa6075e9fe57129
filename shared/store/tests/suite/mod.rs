//! Which laws there are. A law is an async function over a [`Bench`]: a store on fresh tables of its own.

use std::pin::Pin;

use libtest_mimic::Trial;

pub mod bench;
pub mod fixture;

mod api_key;
mod buyer;
mod connection;
mod contacts;
mod credential;
mod due;
mod facts;
mod fault;
mod idempotency;
mod items;
pub mod kms;
mod lease;
mod listings;
mod location;
mod orders;
mod organization;
mod papers;
mod retried;
mod samples;
mod stock;
mod sync;
mod sync_record;
mod units;

use bench::{Bench, Engine};

pub type Outcome = anyhow::Result<()>;

pub struct Law {
    /// `<module>::<function>`.
    name: &'static str,
    run: fn(Bench) -> Pin<Box<dyn Future<Output = Outcome>>>,
}

/// `pub fn all()` with the module's laws by their names.
macro_rules! laws {
    ($($law:ident),* $(,)?) => {
        pub fn all() -> Vec<$crate::suite::Law> {
            vec![$($crate::suite::Law::new(
                concat!(module_path!(), "::", stringify!($law)),
                |bench| Box::pin(async move { $law(&bench).await }),
            )),*]
        }
    };
}
pub(crate) use laws;

impl Law {
    fn new(path: &'static str, run: fn(Bench) -> Pin<Box<dyn Future<Output = Outcome>>>) -> Self {
        let name = path.split_once("::suite::").map_or(path, |(_, name)| name);
        Self { name, run }
    }
}

/// Those that hold on every engine.
fn everywhere() -> Vec<Law> {
    [
        api_key::all(),
        buyer::all(),
        connection::all(),
        contacts::all(),
        credential::all(),
        due::all(),
        facts::all(),
        idempotency::all(),
        items::all(),
        lease::all(),
        listings::all(),
        location::all(),
        orders::all(),
        organization::all(),
        papers::all(),
        stock::all(),
        sync::all(),
        sync_record::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Those that need faults on demand or a meter, which only the embedded engine has.
fn with_faults() -> Vec<Law> {
    [fault::all(), retried::all(), units::all()].into_iter().flatten().collect()
}

pub fn trials(engines: &[Engine]) -> Vec<Trial> {
    let mut trials = Vec::new();
    for engine in engines {
        let laws =
            everywhere().into_iter().chain(if engine.has_faults() { with_faults() } else { Vec::new() });
        for law in laws {
            let engine = engine.clone();
            let name = format!("{}::{}", engine.name(), law.name);
            trials.push(Trial::test(name, move || {
                engine.try_law(law.run).map_err(|error| format!("{error:?}").into())
            }));
        }
    }
    trials
}
