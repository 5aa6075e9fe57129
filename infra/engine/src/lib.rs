//! An embedded, DynamoDB-compatible engine behind the ordinary AWS SDK client.
//!
//! Owns one SQLite database (in memory or a file) driven by `dynoxide`, and hands out
//! `aws_sdk_dynamodb::Client`s whose HTTP client is a function call into it: the code that talks
//! to DynamoDB on AWS runs unchanged on one machine and in tests, without a socket. Beside the
//! client it offers what AWS offers outside the data API: the stream as Lambda would deliver it,
//! expiry by TTL, and, for tests, faults and a meter of consumed units.
//!
//! One process, one writer: every call takes one lock and runs on the calling thread. A file
//! must be open in one process at a time, because table metadata is cached in memory.
//!
//! # Where the engine differs from DynamoDB
//!
//! Known from `dynoxide` 3.2.0's source and from tests; each matters to code developed on it.
//!
//! - It never throttles, never conflicts and is never unavailable. Inject those with
//!   [`EngineFaults`].
//! - Every read, index reads included, sees the latest write. Code that relies on that is wrong
//!   on AWS; nothing here will show it.
//! - The last 10,000 `ClientRequestToken`s are remembered in memory, for ten minutes by the system
//!   clock, and are forgotten when the process ends. AWS remembers all of ten minutes, across any
//!   restart of ours, and charges reads for a repeat, which reports nothing here.
//! - The stream has one shard, so it is ordered across the whole table. AWS orders per item only.
//! - Its stream table lacks an index and is never trimmed; both are mended here, on a private
//!   schema that is checked when the database is opened ([`EngineError::Schema`]).
//! - A write that changes nothing leaves a stream record. [`Engine::stream_records`] drops it, as
//!   AWS emits none; that needs the view type `NEW_AND_OLD_IMAGES`.
//! - TTL never deletes by itself, and dynoxide's own sweep reads the system clock. Use
//!   [`Engine::sweep_expired`].
//! - A refused write reports no consumed capacity (nor does AWS), although AWS charges for it.
//!   [`Usage`] counts a floor for those apart from what was reported.
//! - In a transaction the factor of two applies to the table and not to its indexes. dynoxide's
//!   authors measured that on AWS; the documentation does not say it.
//! - IAM, quotas on tables and request rates, and the type pre-checks that AWS makes on malformed
//!   JSON (which the SDK cannot send) are absent. PartiQL, vector indexes, backups, exports and
//!   global tables answer `UnknownOperationException`.

mod connector;
mod dispatch;
mod error;
mod fault;
mod meter;
mod private;
mod stream;
mod token;
mod ttl;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition};
use aws_sdk_dynamodb::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use dynoxide::Database;

pub use crate::error::EngineError;
pub use crate::fault::{EngineFaults, Fault};
pub use crate::meter::{Calls, Consumed, Meter, Units, Usage};
pub use crate::stream::{Position, StreamBatch, StreamRecord};

use crate::private::PrivateTables;
use crate::token::Tokens;

/// Seconds since the Unix epoch, as the stamp on stream records.
type ClockFn = Box<dyn Fn() -> i64 + Send + Sync>;

/// A handle to one embedded database; clones share it. The database closes with the last handle
/// or client.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    database: Database,
    /// The lock on everything: dynoxide's connection and ours are never in use at once, so
    /// neither can find the database busy.
    private: Mutex<PrivateTables>,
    /// Locked while `private` is.
    tokens: Mutex<Tokens>,
    clock: Option<ClockFn>,
    meter: Meter,
}

impl Engine {
    /// A fresh database in memory, gone with its last handle.
    pub fn memory() -> Result<Self, EngineError> {
        Self::new(&private::memory_name(), None)
    }

    /// Like [`Engine::memory`], with stream records stamped by `clock` (seconds since the epoch)
    /// instead of the system clock. Sequence numbers still come from the system clock.
    pub fn memory_with_clock(clock: impl Fn() -> i64 + Send + Sync + 'static) -> Result<Self, EngineError> {
        Self::new(&private::memory_name(), Some(Box::new(clock)))
    }

    /// Opens or creates the database file at `path`. A write that was answered is on disk, also
    /// after `kill -9`.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, EngineError> {
        let path = path.as_ref();
        let name = path.to_str().ok_or_else(|| EngineError::Path(path.to_path_buf()))?;
        Self::new(name, None)
    }

    fn new(name: &str, clock: Option<ClockFn>) -> Result<Self, EngineError> {
        let database = Database::new(name)?;
        let private = PrivateTables::open(name)?;
        Ok(Self {
            inner: Arc::new(Inner {
                database,
                private: Mutex::new(private),
                tokens: Mutex::default(),
                clock,
                meter: Meter::default(),
            }),
        })
    }

    /// A client on this engine.
    #[must_use]
    pub fn client(&self) -> aws_sdk_dynamodb::Client {
        self.client_with(&EngineFaults::default())
    }

    /// A client that also meets the faults planned in `faults`.
    #[must_use]
    pub fn client_with(&self, faults: &EngineFaults) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::from_conf(self.config(faults).build())
    }

    /// The SDK configuration behind [`Engine::client_with`], for a caller that wants to change
    /// it, for example to no retries. Retries are the SDK's standard ones; they sleep on tokio's
    /// clock, so a test with a paused clock does not wait.
    #[must_use]
    pub fn config(&self, faults: &EngineFaults) -> aws_sdk_dynamodb::config::Builder {
        aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("local", "local", None, None, "engine"))
            .endpoint_url("http://engine.invalid")
            .retry_config(RetryConfig::standard())
            // The retry budget is otherwise one per process: a test that injects faults would
            // use up its neighbours' retries.
            .retry_partition(RetryPartition::custom("engine").build())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(self.http_client(faults))
    }

    /// What stands in for the network below such a client, for a test that stands in between.
    #[must_use]
    pub fn http_client(&self, faults: &EngineFaults) -> SharedHttpClient {
        connector::http_client(self.clone(), faults.clone())
    }

    /// The meter of consumed units. Metering starts with the first call of this; until then no
    /// request is counted.
    #[must_use]
    pub fn meter(&self) -> Meter {
        self.inner.meter.start();
        self.inner.meter.clone()
    }

    /// Writes a consistent copy of the database to a new file at `path`.
    pub fn back_up(&self, path: impl AsRef<Path>) -> Result<(), EngineError> {
        let path = path.as_ref();
        let name = path.to_str().ok_or_else(|| EngineError::Path(path.to_path_buf()))?;
        let _held = self.lock();
        Ok(self.inner.database.vacuum_into(name)?)
    }

    /// Runs one operation of the data API on its JSON body.
    fn run(&self, operation: &str, body: &str) -> Result<String, dispatch::Refusal> {
        let mut private = self.lock();
        let mut tokens = self.inner.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = dispatch::run(&self.inner.database, &mut tokens, operation, body);
        if dispatch::changes_items(operation) {
            self.stamp(&mut private);
        }
        answer
    }

    fn stamp(&self, private: &mut PrivateTables) {
        if let Some(clock) = &self.inner.clock
            && let Err(error) = private.stamp_new_records(clock())
        {
            tracing::error!(%error, "stream records keep the system clock's stamp");
        }
    }

    /// A poisoned lock is taken over: SQLite rolled back whatever the panic interrupted.
    fn lock(&self) -> MutexGuard<'_, PrivateTables> {
        self.inner.private.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").finish_non_exhaustive()
    }
}
