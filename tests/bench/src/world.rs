//! The hub in one process: engine, queue and use cases, and what AWS does between the functions, one step at a time.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use app::adjustment::{Amount, LINES_MAX, NewAdjustment, NewLine};
use app::connection::NewConnection;
use app::connection_settings::SettingsPatch;
use app::item::{NewItem, OpeningStock};
use app::organization::NewOrganization;
use app::work::Attempt;
use app::{App, Clock, Ids, Settings};
use aws::event::{SqsBatchResponse, SqsEvent, SqsRecord, StreamEvent};
use domain::stock::Actor;
use domain::sync::{SyncKind, Trigger};
use domain::{ChannelKind, ItemId, Name, Quantity, Sku, Timestamp};
use engine::{Engine, Position};
use queue::local::LocalQueue;
use queue::message::Task;
use queue::{Message, Outgoing, Queue, QueueName, Work};
use store::connection::Connection;
use store::listing::Listing;
use store::organization::Organization;
use store::sync::Sync;
use store::{PageRequest, Sealer, Store, Tables};
use uuid::Uuid;

use crate::{BenchClock, Spent, Wire, goods};

pub const MAIN: &str = "main";
pub const PERSONAL: &str = "personal";

/// As in `template.yaml`: changes of one invocation of `stock-fanout`.
pub const STREAM_BATCH: usize = 100;
/// Changes that are read of the stream at a time.
const STREAM_READ: usize = 1_000;
/// As in `template.yaml`: messages of one invocation of a queue's function.
const QUEUE_BATCH: u32 = 10;
const VISIBILITY: Duration = Duration::from_secs(540);
const RECEIVES_MAX: NonZeroU32 = NonZeroU32::new(20).unwrap();

pub struct World {
    pub app: App,
    pub clock: BenchClock,
    pub wire: Arc<Wire>,
    pub organization: Organization,
    engine: Engine,
    queue: Arc<LocalQueue>,
    read_up_to: Mutex<Option<Position>>,
    total: Mutex<Spent>,
}

/// What one kind of function did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    /// Received, those that came again included.
    pub messages: u64,
    pub spent: Spent,
}

/// The same ids in each run, as random to look at as real ones: what a packed row weighs depends on them.
fn ids() -> Ids {
    let made = AtomicU64::new(0);
    Ids::from_fn(move |now| {
        let n = made.fetch_add(1, Ordering::SeqCst);
        let random = Uuid::new_v5(&Uuid::NAMESPACE_OID, &n.to_be_bytes()).as_u128() & (u128::MAX >> 48);
        let now_ms = u128::try_from(now.as_millisecond()).unwrap_or(0);
        Uuid::from_u128(now_ms << 80 | random)
    })
}

fn actor() -> Actor {
    Actor::ApiKey("key_bench".to_owned())
}

impl World {
    /// An organization that sells through `wire`.
    pub async fn new(clock: BenchClock, wire: Arc<Wire>) -> anyhow::Result<Self> {
        Self::on(Engine::memory()?, clock, wire).await
    }

    /// On an engine whose tables are yet to be made.
    pub async fn on(engine: Engine, clock: BenchClock, wire: Arc<Wire>) -> anyhow::Result<Self> {
        let tables = Tables { main: MAIN.to_owned(), personal: PERSONAL.to_owned() };
        let store = Store::new(engine.client(), tables, Sealer::local([7; 32]));
        store.create_tables().await?;
        let queue = Arc::new(LocalQueue::in_memory(clock.reader(), RECEIVES_MAX)?);
        let app = App::new(
            store,
            Arc::<LocalQueue>::clone(&queue),
            Arc::<Wire>::clone(&wire),
            Arc::new(clock.clone()),
            ids(),
            Settings { public_url: None, custom_endpoints: true, ..Settings::default() },
        );
        let (organization, _) = app
            .create_organization(NewOrganization {
                name: Name::parse("Bench")?,
                base_currency: "EUR".parse()?,
                country: "DE".to_owned(),
                time_zone: "Europe/Berlin".to_owned(),
                privacy_policy_starts_at: None,
            })
            .await?;
        Ok(Self {
            app,
            clock,
            wire,
            organization,
            engine,
            queue,
            read_up_to: Mutex::new(None),
            total: Mutex::default(),
        })
    }

    pub async fn connect(
        &self,
        channel: ChannelKind,
        credentials: impl IntoIterator<Item = (String, String)>,
        settings: SettingsPatch,
    ) -> anyhow::Result<Connection> {
        self.connect_at("https://shop.example", channel, credentials, settings).await
    }

    pub async fn connect_at(
        &self,
        endpoint: &str,
        channel: ChannelKind,
        credentials: impl IntoIterator<Item = (String, String)>,
        settings: SettingsPatch,
    ) -> anyhow::Result<Connection> {
        let new = NewConnection {
            channel,
            name: Name::parse("Shop")?,
            endpoint: Some(endpoint.to_owned()),
            marketplace: Vec::new(),
            credentials: credentials.into_iter().map(|(field, value)| (field, value.into())).collect(),
            settings,
            fba: None,
        };
        Ok(self.app.connect(&self.organization.id, new).await?)
    }

    /// Everything of the shop is fetched, linked to items and told its number; the orders are up to date.
    pub async fn settle(&self, connection: &Connection) -> anyhow::Result<()> {
        self.sync(connection, SyncKind::Items).await?;
        self.sync(connection, SyncKind::Orders).await?;
        self.drain(connection.channel, STREAM_BATCH).await?;
        self.clock.advance(Duration::from_secs(600));
        Ok(())
    }

    /// A whole sync, by its function.
    pub async fn sync(&self, connection: &Connection, kind: SyncKind) -> anyhow::Result<Sync> {
        let sync = self.app.start_sync(connection, kind, Trigger::Manual, None).await?;
        let work = match kind {
            SyncKind::Items => Work::ItemSync,
            SyncKind::Stock | SyncKind::Reconcile => Work::StockPush,
            SyncKind::Shipments => Work::ShipmentPush,
            SyncKind::Orders => Work::OrderImport,
        };
        self.work(QueueName { work, channel: connection.channel }).await?;
        let sync = self.app.sync(&self.organization.id, &sync.id).await?;
        anyhow::ensure!(sync.state == domain::sync::SyncState::Succeeded, "the sync ended as {sync:?}");
        Ok(sync)
    }

    /// Until nothing is left to do: the stream, then the pushes.
    pub async fn drain(&self, channel: ChannelKind, stream_batch: usize) -> anyhow::Result<(Worked, Worked)> {
        let fanned_out = self.fan_out(stream_batch).await?;
        let pushed = self.work(QueueName { work: Work::StockPush, channel }).await?;
        Ok((fanned_out, pushed))
    }

    /// All that is in the table's stream, to `stock-fanout`, in batches of those it is invoked with.
    pub async fn fan_out(&self, batch: usize) -> anyhow::Result<Worked> {
        let mut worked = Worked::default();
        let mut waiting = Vec::new();
        self.count();
        loop {
            let after = *self.read_up_to.lock().unwrap();
            let read = self.engine.stream_records(MAIN, after, STREAM_READ)?;
            let is_end = read.records.is_empty();
            *self.read_up_to.lock().unwrap() = read.position;
            let event: StreamEvent = serde_json::from_value(read.to_lambda_event())?;
            waiting.extend(event.records.into_iter().filter(stock_fanout::concerns));
            while waiting.len() >= batch || (is_end && !waiting.is_empty()) {
                let records = waiting.drain(..batch.min(waiting.len())).collect();
                worked.messages += 1;
                let answer = stock_fanout::handle(&self.app, StreamEvent { records }).await;
                anyhow::ensure!(answer.batch_item_failures.is_empty(), "stock-fanout failed");
            }
            if is_end {
                worked.spent = self.count();
                return Ok(worked);
            }
        }
    }

    /// What is spent since this was asked for the last time, by whatever was done.
    pub fn take_total(&self) -> Spent {
        self.count();
        std::mem::take(&mut *self.total.lock().unwrap())
    }

    /// What is spent since the last count.
    fn count(&self) -> Spent {
        let spent = Spent::from(self.engine.meter().take());
        *self.total.lock().unwrap() += spent;
        spent
    }

    /// A simple item, as [`goods`] has it, with so many at hand.
    pub async fn item(&self, n: usize, on_hand: i64) -> anyhow::Result<ItemId> {
        let opening = OpeningStock {
            location_id: self.organization.primary_location_id.clone(),
            quantity: Quantity::new(on_hand)?,
        };
        let new = NewItem {
            sku: Sku::parse(&goods::sku(n))?,
            name: Name::parse(&goods::title(n))?,
            selling_price: None,
            purchase_price: None,
            opening_stock_value: None,
            barcode: None,
            group: None,
            reorder_level: None,
            opening_stock: vec![opening],
            components: Vec::new(),
        };
        Ok(self.app.create_item(&self.organization.id, &actor(), new).await?.id)
    }

    /// Every record of the table's stream since the world began.
    pub fn stream(&self) -> anyhow::Result<StreamEvent> {
        let read = self.engine.stream_records(MAIN, None, usize::MAX)?;
        Ok(serde_json::from_value(read.to_lambda_event())?)
    }

    /// All that is in a queue, to its function, in batches of those it is invoked with.
    pub async fn work(&self, queue: QueueName) -> anyhow::Result<Worked> {
        let mut worked = Worked::default();
        self.count();
        loop {
            let received = self.queue.receive(queue, QUEUE_BATCH, VISIBILITY).await?;
            if received.is_empty() {
                // Nothing is left, or something rests: as a channel asked that has no more calls for us at this time.
                let Some(at) = self.queue.next_visible_at(queue)? else {
                    worked.spent = self.count();
                    return Ok(worked);
                };
                self.clock.advance(at.duration_since(self.clock.now()).unsigned_abs());
                continue;
            }
            worked.messages += u64::try_from(received.len())?;
            let mut receipts: BTreeMap<String, String> = received
                .iter()
                .map(|message| (message.message_id.clone(), message.receipt.clone()))
                .collect();
            let records = received.into_iter().map(|message| SqsRecord::delivered(queue, message)).collect();
            let answer = self.invoke(queue.work, SqsEvent { records }).await;
            for failure in answer.batch_item_failures {
                receipts.remove(&failure.item_identifier);
            }
            self.queue.delete(queue, receipts.into_values().collect()).await?;
        }
    }

    /// What is in a queue now, to its function, once.
    pub async fn work_once(&self, queue: QueueName) -> anyhow::Result<()> {
        let received = self.queue.receive(queue, QUEUE_BATCH, VISIBILITY).await?;
        let mut receipts: BTreeMap<String, String> =
            received.iter().map(|message| (message.message_id.clone(), message.receipt.clone())).collect();
        let records = received.into_iter().map(|message| SqsRecord::delivered(queue, message)).collect();
        for failure in self.invoke(queue.work, SqsEvent { records }).await.batch_item_failures {
            receipts.remove(&failure.item_identifier);
        }
        Ok(self.queue.delete(queue, receipts.into_values().collect()).await?)
    }

    async fn invoke(&self, work: Work, event: SqsEvent) -> SqsBatchResponse {
        match work {
            Work::ItemSync => item_sync::handle(&self.app, event).await,
            Work::OrderImport => order_import::handle(&self.app, event).await,
            Work::StockPush => stock_push::handle(&self.app, event).await,
            Work::ShipmentPush => shipment_push::handle(&self.app, event).await,
        }
    }

    /// What a notification of one order leads to.
    pub async fn import(&self, connection: &Connection, order: &str) -> anyhow::Result<Spent> {
        self.clock.advance(Duration::from_secs(1));
        let task = Task::FetchOrders { external_ids: vec![order.to_owned()], trigger: Trigger::Webhook };
        let body = Message::new(self.organization.id.clone(), connection.id.clone(), task).encode()?;
        let deduplication_id = self.app.ids.next(self.clock.now());
        let outgoing = Outgoing { group: connection.id.to_string(), deduplication_id, body };
        let queue = QueueName { work: Work::OrderImport, channel: connection.channel };
        self.queue.send(queue, vec![outgoing]).await?;
        Ok(self.work(queue).await?.spent)
    }

    /// The connection's listings, in the order of their ids.
    pub async fn listings(&self, connection: &Connection) -> anyhow::Result<Vec<Listing>> {
        let mut request = PageRequest { limit: 200, cursor: None };
        let mut listings = Vec::new();
        loop {
            let store = &self.app.store;
            let page =
                store.connection_listings(&self.organization.id, &connection.id, None, &request).await?;
            listings.extend(page.data);
            match page.next_cursor {
                Some(cursor) => request.cursor = Some(cursor),
                None => return Ok(listings),
            }
        }
    }

    /// The items that the connection's listings are linked to.
    pub async fn items(&self, connection: &Connection) -> anyhow::Result<Vec<ItemId>> {
        Ok(self.listings(connection).await?.into_iter().filter_map(|listing| listing.item_id).collect())
    }

    /// One more or less of each.
    pub async fn adjust(&self, items: &[ItemId], delta: i64) -> anyhow::Result<()> {
        for items in items.chunks(LINES_MAX) {
            let line = |item: &ItemId| NewLine { item_id: item.clone(), amount: Amount::Delta(delta) };
            let new = NewAdjustment {
                location_id: self.organization.primary_location_id.clone(),
                lines: items.iter().map(line).collect(),
                reason: None,
                reference: None,
                allow_negative: false,
                id: None,
            };
            self.app.adjust_stock(&self.organization.id, &actor(), &new).await?;
        }
        Ok(())
    }

    /// An attempt that no deadline ends.
    pub fn unhurried() -> Attempt {
        Attempt { deadline: Timestamp::MAX, receive_count: 1 }
    }
}
