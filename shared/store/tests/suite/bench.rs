//! The engines, and fresh tables on them.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_dynamodb::types::AttributeValue;
use engine::EngineFaults;
use futures_util::FutureExt;
use store::{Sealer, Store, Tables};

use super::Outcome;

const ENDPOINTS: &str = "MASTERSTOCK_TEST_DYNAMODB_ENDPOINTS";

#[derive(Clone)]
pub enum Engine {
    Embedded,
    Remote { name: String, url: String },
}

/// The embedded engine, and those named in the environment. Says which, and what is left out.
pub fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Embedded];
    engines.extend(named_in(ENDPOINTS).into_iter().map(|(name, url)| Engine::Remote { name, url }));
    let names: Vec<&str> = engines.iter().map(Engine::name).collect();
    eprintln!("store suite on: {}", names.join(", "));
    if engines.len() == 1 {
        eprintln!("skipped: every other engine, because {ENDPOINTS} names none");
    }
    eprintln!("skipped on all but {}: injected faults, which no other engine has", names[0]);
    engines
}

/// The `name=url` pairs of a variable.
pub fn named_in(variable_name: &str) -> Vec<(String, String)> {
    let named = variable(variable_name).unwrap_or_default();
    let entries = named.split(',').map(str::trim).filter(|entry| !entry.is_empty());
    let pair = |entry: &str| {
        let (name, url) =
            entry.split_once('=').unwrap_or_else(|| panic!("{variable_name}: {entry:?} is not name=url"));
        (name.to_owned(), url.to_owned())
    };
    entries.map(pair).collect()
}

#[allow(
    clippy::disallowed_methods,
    reason = "a test's own choice of engines is no configuration of the product"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

impl Engine {
    pub fn name(&self) -> &str {
        match self {
            Self::Embedded => "embedded",
            Self::Remote { name, .. } => name,
        }
    }

    pub fn has_faults(&self) -> bool {
        matches!(self, Self::Embedded)
    }

    /// Runs a law on new tables, and removes them whatever became of it.
    pub fn try_law(&self, law: fn(Bench) -> Pin<Box<dyn Future<Output = Outcome>>>) -> Outcome {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        let runtime = match self {
            // Nothing is waited for but the pauses between tries: those pass at once.
            Self::Embedded => builder.enable_time().start_paused(true).build()?,
            Self::Remote { .. } => builder.enable_all().build()?,
        };
        runtime.block_on(async {
            let bench = self.bench()?;
            bench.store.create_tables().await?;
            let (client, tables) = (bench.client.clone(), bench.tables.clone());
            let outcome = AssertUnwindSafe(law(bench)).catch_unwind().await;
            for table in [tables.main, tables.personal] {
                client.delete_table().table_name(table).send().await?;
            }
            outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    fn bench(&self) -> anyhow::Result<Bench> {
        let faults = EngineFaults::new();
        let engine = match self {
            Self::Embedded => Some(engine::Engine::memory()?),
            Self::Remote { .. } => None,
        };
        let client = match (self, &engine) {
            (_, Some(engine)) => engine.client_with(&faults),
            (Self::Remote { url, .. }, None) => remote(url),
            (Self::Embedded, None) => anyhow::bail!("no engine"),
        };
        let unique = RandomState::new().build_hasher().finish();
        let tables = Tables {
            main: format!("masterstock-test-{unique:016x}-main"),
            personal: format!("masterstock-test-{unique:016x}-personal"),
        };
        let store = Store::new(client.clone(), tables.clone(), Sealer::local([7; 32]));
        Ok(Bench { store, client, tables, faults, engine })
    }
}

/// The environment's keys where there are some, for an endpoint that looks at them.
pub fn aws_keys() -> Credentials {
    let id = variable("AWS_ACCESS_KEY_ID").unwrap_or_else(|| "test".to_owned());
    let secret = variable("AWS_SECRET_ACCESS_KEY").unwrap_or_else(|| "test".to_owned());
    Credentials::new(id, secret, variable("AWS_SESSION_TOKEN"), None, "suite")
}

pub fn region() -> Region {
    Region::new(variable("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned()))
}

fn remote(url: &str) -> Client {
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(region())
        .credentials_provider(aws_keys())
        .endpoint_url(url)
        .build();
    Client::from_conf(config)
}

/// What a law has at hand.
pub struct Bench {
    pub store: Store,
    /// Past the store, to look at rows as they are and to bend them.
    pub client: Client,
    pub tables: Tables,
    /// For the embedded engine.
    pub faults: EngineFaults,
    /// The embedded engine itself, for its meter.
    pub engine: Option<engine::Engine>,
}

pub type Row = HashMap<String, AttributeValue>;

impl Bench {
    /// Every row of a table.
    pub async fn rows(&self, table: &str) -> anyhow::Result<Vec<Row>> {
        let pages =
            self.client.scan().table_name(table).consistent_read(true).into_paginator().items().send();
        Ok(pages.collect::<Result<Vec<Row>, _>>().await?)
    }

    /// The one row of the main table whose sort key begins so.
    pub async fn row(&self, pk: &str, sk_prefix: &str) -> anyhow::Result<Row> {
        let begins = |row: &Row, name: &str, text: &str| text_of(row, name).starts_with(text);
        let rows = self.rows(&self.tables.main).await?;
        let mut rows: Vec<Row> =
            rows.into_iter().filter(|row| text_of(row, "pk") == pk && begins(row, "sk", sk_prefix)).collect();
        assert_eq!(rows.len(), 1, "rows of {pk} that begin with {sk_prefix}");
        Ok(rows.remove(0))
    }

    pub async fn put(&self, table: &str, row: Row) -> anyhow::Result<()> {
        self.client.put_item().table_name(table).set_item(Some(row)).send().await?;
        Ok(())
    }

    pub async fn delete(&self, row: &Row) -> anyhow::Result<()> {
        let key = ["pk", "sk"].map(|name| (name.to_owned(), row[name].clone()));
        let request = self.client.delete_item().table_name(&self.tables.main);
        request.set_key(Some(HashMap::from(key))).send().await?;
        Ok(())
    }

    /// Fails where any row of either table has one of the texts.
    pub async fn assert_nowhere(&self, texts: &[&str]) -> anyhow::Result<()> {
        for table in [&self.tables.main, &self.tables.personal] {
            for row in self.rows(table).await? {
                for (name, value) in &row {
                    let bytes = raw(value);
                    for text in texts {
                        let found = bytes.windows(text.len()).any(|part| part == text.as_bytes());
                        assert!(!found, "{text:?} is readable in {name} of {}", text_of(&row, "sk"));
                    }
                }
            }
        }
        Ok(())
    }
}

pub fn text_of<'a>(row: &'a Row, name: &str) -> &'a str {
    row.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

fn raw(value: &AttributeValue) -> Vec<u8> {
    match value {
        AttributeValue::B(bytes) => bytes.as_ref().to_vec(),
        other => format!("{other:?}").into_bytes(),
    }
}
