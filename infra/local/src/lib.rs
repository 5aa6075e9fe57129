//! Masterstock on one machine: the functions' handlers, fed by a durable queue, the table's stream and a schedule, over
//! an embedded DynamoDB-compatible engine. What AWS does between the functions is done here, and nothing else.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use api::{ApiSettings, SlipFonts};
use app::Clock;
use app::organization::{NewApiKey, NewOrganization, SCOPES};
use console::ConsoleSettings;
use domain::{Name, OrganizationId};
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use url::Url;

mod applications;
mod clock;
pub mod command;
mod demo;
mod event_log;
pub mod lines;
mod machine;
pub mod options;
mod practice;
mod queue;
mod routes;
mod workers;

use machine::{Machine, mark};
use options::Options;
use practice::Street;

/// What a start has to say to its user.
pub struct Started {
    pub address: SocketAddr,
    /// Shown once: at the first start of a data directory, or when new ones were asked for.
    pub keys: Option<Keys>,
    /// Whether the demo runs; it does not in a directory that was made for real shops.
    pub demo: bool,
    /// The shops that are there to be connected, a line each.
    pub practice: Vec<String>,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

pub struct Keys {
    pub api: String,
    pub operator: String,
}

impl Started {
    /// Takes no new work, ends what is in flight, and returns.
    pub async fn stop(mut self) {
        // Nobody may be listening any more: then there is nothing to stop.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Opens the data directory and starts everything.
pub async fn start(options: &Options) -> anyhow::Result<Started> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))
        .await
        .with_context(|| format!("could not listen on port {}; choose another with --port", options.port))?;
    let address = listener.local_addr()?;
    let public_url = match &options.public_url {
        Some(url) => url.clone(),
        None => Url::parse(&format!("http://{address}/"))?,
    };
    let applications = applications::read(options.applications.as_deref())?;
    let machine =
        Machine::open(&options.data_dir, public_url, applications, options.amazon_marketplaces.clone())
            .await?;
    let demo = purpose(&machine, options, &options.data_dir)?;
    let (organization, keys) = first_organization(&machine, options.show_keys, demo).await?;
    let operator_digest =
        machine.mark(mark::OPERATOR_DIGEST)?.context("the operator's key is missing; use --show-keys")?;

    let (stop, stopped) = watch::channel(false);
    let mut tasks = workers::start(&machine, &stopped);
    let slip_fonts = fonts(&options.data_dir);
    let settings = ApiSettings { operator_key_digest: Some(operator_digest), slip_fonts: slip_fonts.clone() };
    let street = match options.practice {
        true => Some(practice_shops(&machine, options.port, &organization).await?),
        false => None,
    };
    let mut router = api::router(machine.app.clone(), settings)
        .merge(console::router(machine.app.clone(), ConsoleSettings { slip_fonts }))
        .merge(webhook_intake::router(machine.app.clone()))
        .merge(routes::router(machine.clone()));
    let practice = street.as_ref().map(Street::described).unwrap_or_default();
    if let Some(street) = street {
        router = router.merge(street.router());
        tasks.spawn(street.deliver(machine.clone(), stopped.clone()));
    }
    let mut ended = stopped.clone();
    tasks.spawn(async move {
        let until = async move {
            let _ = ended.wait_for(|stop| *stop).await;
        };
        if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(until).await {
            tracing::error!(%error, "the HTTP server ended");
        }
    });
    if demo {
        let pause = Duration::from_secs(options.demo_pause);
        tasks.spawn(demo::run(machine.clone(), organization, pause, stopped));
    }
    Ok(Started { address, keys, demo, practice, stop, tasks })
}

/// In the organization's currency: no other shop can be connected.
async fn practice_shops(
    machine: &Machine,
    port: u16,
    organization: &OrganizationId,
) -> anyhow::Result<Street> {
    let clock = machine.clock.clone();
    let currency = machine.app.organization(organization).await?.base_currency;
    Street::open(Arc::new(move || clock.now()), port, &currency.to_string()).await
}

/// The fonts of slips: the built-in one, and what the user put into the data directory.
fn fonts(data_dir: &Path) -> SlipFonts {
    let (fonts, refused) = SlipFonts::with_directory(&data_dir.join("fonts"));
    for file in refused {
        tracing::warn!("{file} is not a font that can be used");
    }
    fonts
}

/// A directory that holds a merchant's own organization is never used for the demo.
fn purpose(machine: &Machine, options: &Options, data_dir: &Path) -> anyhow::Result<bool> {
    let wanted = if options.demo() { "demo" } else { "shops" };
    match machine.mark(mark::PURPOSE)?.as_deref() {
        None => {
            machine.set_mark(mark::PURPOSE, wanted)?;
            Ok(options.demo())
        }
        Some("demo") => Ok(options.demo()),
        Some(_) => {
            if options.demo() {
                tracing::warn!(
                    "{} is for real shops, so the demo does not run in it; give the demo a --data-dir of its own",
                    data_dir.display()
                );
            }
            Ok(false)
        }
    }
}

async fn first_organization(
    machine: &Machine,
    show_keys: bool,
    demo: bool,
) -> anyhow::Result<(OrganizationId, Option<Keys>)> {
    let app = &machine.app;
    let known: Option<OrganizationId> = machine.mark(mark::ORGANIZATION)?.map(|id| id.parse()).transpose()?;
    let api_key = match &known {
        Some(id) if show_keys => {
            let all = BTreeSet::from(SCOPES);
            let name = "Shown by --show-keys".to_owned();
            Some(
                app.create_api_key(id, &all, NewApiKey { name, scopes: all.clone(), id: None }).await?.secret,
            )
        }
        Some(_) => None,
        None => {
            let (currency, country, zone) = ("USD", "US", "America/New_York");
            let new = NewOrganization {
                name: Name::parse(if demo { "Demo" } else { "My organization" })?,
                base_currency: currency.parse()?,
                country: country.to_owned(),
                time_zone: zone.to_owned(),
                privacy_policy_starts_at: None,
            };
            let (organization, issued) = app.create_organization(new).await?;
            machine.set_mark(mark::ORGANIZATION, organization.id.as_str())?;
            Some(issued.secret)
        }
    };
    let organization: OrganizationId =
        machine.mark(mark::ORGANIZATION)?.context("the organization's mark is missing")?.parse()?;
    let Some(api_key) = api_key else { return Ok((organization, None)) };
    let operator = app::secret::random("op_")?;
    machine.set_mark(mark::OPERATOR_DIGEST, &app::secret::digest(operator.expose_secret()))?;
    let keys =
        Keys { api: api_key.expose_secret().to_owned(), operator: operator.expose_secret().to_owned() };
    Ok((organization, Some(keys)))
}
