//! The machine: engine, queue, clock and what is remembered in the data directory beside them.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use app::{App, Clock, Ids, Settings};
use channels::network::{AddressPolicy, NetworkTransport};
use channels::{Credentials, Editions};
use domain::ChannelKind;
use engine::Engine;
use queue::local::LocalQueue;
use store::{Sealer, Store, Tables};
use tokio::sync::Mutex;
use url::Url;

use crate::clock::ShiftedClock;
use crate::queue::BellQueue;

/// As the template's queues: what failed this often is a dead letter.
const RECEIVES_MAX: u32 = 20;

/// What is remembered besides the tables and the queues, by name.
pub mod mark {
    pub const ORGANIZATION: &str = "organization";
    pub const OPERATOR_DIGEST: &str = "operator_digest";
    pub const CLOCK_AHEAD_MS: &str = "clock_ahead_ms";
    pub const STREAM_POSITION: &str = "stream_position";
    /// `demo` or `shops`: what the data directory is for.
    pub const PURPOSE: &str = "purpose";
    /// All but the position in a stream that a reset begins anew.
    pub const BEYOND_RESET: [&str; 4] = [ORGANIZATION, OPERATOR_DIGEST, CLOCK_AHEAD_MS, PURPOSE];
}

#[derive(Clone)]
pub struct Machine {
    pub app: App,
    pub engine: Engine,
    pub queue: BellQueue,
    pub clock: ShiftedClock,
    pub tables: Tables,
    /// Held by whoever reads the stream, and by a reset.
    pub stream: Arc<Mutex<()>>,
    /// Locked as long as the process lives: two in one data directory would take each other's messages.
    _lock: Arc<fs::File>,
}

impl Machine {
    pub async fn open(
        data_dir: &Path,
        public_url: Url,
        applications: BTreeMap<ChannelKind, Credentials>,
        editions: Editions,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(data_dir).with_context(|| format!("could not make {}", data_dir.display()))?;
        let lock = fs::File::create(data_dir.join("lock"))?;
        if lock.try_lock().is_err() {
            bail!(
                "{} is in use by another process; stop it, or choose another --data-dir",
                data_dir.display()
            );
        }
        let clock = ShiftedClock::default();
        let now = {
            let clock = clock.clone();
            Arc::new(move || clock.now())
        };
        let receives = NonZeroU32::new(RECEIVES_MAX).unwrap_or(NonZeroU32::MIN);
        let queue = LocalQueue::open(&data_dir.join("queue.db"), now, receives)?;
        if let Some(ahead) = queue.get_mark(mark::CLOCK_AHEAD_MS)? {
            clock.set(ahead.parse().context("the clock's mark cannot be read")?);
        }
        queue.release_in_flight()?;
        let queue = BellQueue::new(queue);
        let engine = Engine::open(data_dir.join("tables.db"))?;
        let tables = Tables { main: "masterstock".to_owned(), personal: "masterstock-personal".to_owned() };
        let sealer = Sealer::local(master_key(&data_dir.join("master.key"))?);
        let store = Store::new(engine.client(), tables.clone(), sealer);
        store.create_tables().await?;
        let settings =
            Settings { public_url: Some(public_url), custom_endpoints: true, applications, editions };
        let app = App::new(
            store,
            Arc::new(queue.clone()),
            Arc::new(NetworkTransport::new(AddressPolicy::AllowPrivate)?),
            Arc::new(clock.clone()),
            Ids::random(),
            settings,
        );
        Ok(Self { app, engine, queue, clock, tables, stream: Arc::default(), _lock: Arc::new(lock) })
    }

    pub fn mark(&self, name: &str) -> anyhow::Result<Option<String>> {
        Ok(self.queue.file.get_mark(name)?.filter(|value| !value.is_empty()))
    }

    pub fn set_mark(&self, name: &str, value: &str) -> anyhow::Result<()> {
        Ok(self.queue.file.set_mark(name, value)?)
    }

    /// Deletes what has expired by this machine's clock: DynamoDB's part on AWS.
    pub fn sweep_expired(&self) -> anyhow::Result<usize> {
        let now = self.clock.now().as_second();
        let main = self.engine.sweep_expired(&self.tables.main, "expires_at", now)?;
        Ok(main + self.engine.sweep_expired(&self.tables.personal, "expires_at", now)?)
    }
}

/// The key under which everything secret is sealed: made once, readable by its owner alone.
fn master_key(path: &Path) -> anyhow::Result<[u8; 32]> {
    match fs::read(path) {
        Ok(bytes) => match bytes.try_into() {
            Ok(key) => Ok(key),
            Err(_) => {
                bail!("{} is damaged: it must have 32 bytes. Put back the copy you kept.", path.display())
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            let (first, second) = key.split_at_mut(16);
            first.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
            second.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
            // Written whole under another name first: a crash must not leave half a key.
            let draft = path.with_extension("new");
            let mut file =
                fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
            file.write_all(&key)?;
            file.sync_all()?;
            fs::rename(&draft, path)?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
    }
}
