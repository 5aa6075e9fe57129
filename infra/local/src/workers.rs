//! What AWS does between the functions: queues are polled, the stream is read, the schedule ticks.

use std::time::Duration;

use app::{App, Clock};
use aws::event::{ScheduleEvent, SqsBatchResponse, SqsEvent, SqsRecord, StreamEvent};
use domain::ChannelKind;
use queue::{Queue, QueueName, Work};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::event_log::EventLog;
use crate::machine::{Machine, mark};

/// As in `template.yaml`: six times the functions' timeout.
const VISIBILITY: Duration = Duration::from_secs(720);
/// Messages of one batch, as SQS gives a FIFO trigger.
const BATCH: u32 = 10;
/// Batches of one queue that are worked on at the same time; of a connection never more than one.
const BATCHES_AT_ONCE: usize = 4;
/// How long a loop rests when there is nothing, unless the bell rings.
const REST: Duration = Duration::from_millis(500);
const STREAM_BATCH: usize = 500;
const STREAM_REST: Duration = Duration::from_millis(40);
const TICK: Duration = Duration::from_secs(1);
const SWEEP_EVERY_TICKS: u32 = 300;

/// Runs until `stop` says so, and then until what is in flight is done.
pub fn start(machine: &Machine, stop: &watch::Receiver<bool>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for work in Work::ALL {
        for channel in ChannelKind::ALL {
            tasks.spawn(poll(machine.clone(), QueueName { work, channel }, stop.clone()));
        }
    }
    tasks.spawn(pump(machine.clone(), stop.clone()));
    tasks.spawn(tick(machine.clone(), stop.clone()));
    tasks
}

async fn rest(length: Duration, stop: &mut watch::Receiver<bool>) {
    tokio::select! {
        () = tokio::time::sleep(length) => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

async fn poll(machine: Machine, queue: QueueName, mut stop: watch::Receiver<bool>) {
    let mut batches = JoinSet::new();
    while !*stop.borrow() {
        let bell = machine.queue.bell.notified();
        let received = if batches.len() < BATCHES_AT_ONCE {
            machine.queue.receive(queue, BATCH, VISIBILITY).await.unwrap_or_else(|error| {
                tracing::error!(%queue, error = %app::sync_orders::chain(&error), "the queue cannot be read");
                Vec::new()
            })
        } else {
            Vec::new()
        };
        if !received.is_empty() {
            let machine = machine.clone();
            batches.spawn(async move { run_batch(&machine, queue, received).await });
            continue;
        }
        tokio::select! {
            () = bell => {}
            _ = batches.join_next(), if !batches.is_empty() => {}
            () = rest(REST, &mut stop) => {}
        }
    }
    while batches.join_next().await.is_some() {}
}

/// One invocation of a queue's function; what it did not name as failed is deleted.
async fn run_batch(machine: &Machine, queue: QueueName, received: Vec<queue::Received>) {
    let records: Vec<SqsRecord> =
        received.into_iter().map(|message| SqsRecord::delivered(queue, message)).collect();
    let receipts: Vec<(String, String)> =
        records.iter().map(|r| (r.message_id.clone(), r.receipt_handle.clone())).collect();
    let response = invoke(&machine.app, queue.work, SqsEvent { records }).await;
    let failed = |id: &String| response.batch_item_failures.iter().any(|f| f.item_identifier == *id);
    let done = receipts.into_iter().filter(|(id, _)| !failed(id)).map(|(_, receipt)| receipt).collect();
    if let Err(error) = machine.queue.delete(queue, done).await {
        tracing::error!(%queue, error = %app::sync_orders::chain(&error), "messages could not be deleted; they come again");
    }
}

async fn invoke(app: &App, work: Work, event: SqsEvent) -> SqsBatchResponse {
    match work {
        Work::ItemSync => item_sync::handle(app, event).await,
        Work::OrderImport => order_import::handle(app, event).await,
        Work::StockPush => stock_push::handle(app, event).await,
        Work::ShipmentPush => shipment_push::handle(app, event).await,
    }
}

/// The table's stream, to `event-publish` and `stock-fanout`. Where it stands is kept in the queue's file after each batch.
async fn pump(machine: Machine, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match pump_once(&machine).await {
            Ok(true) => {}
            Ok(false) => rest(STREAM_REST, &mut stop).await,
            Err(error) => {
                tracing::error!(error = %format!("{error:#}"), "the stream cannot be passed on; tried again");
                rest(TICK, &mut stop).await;
            }
        }
    }
}

/// Whether there was anything.
async fn pump_once(machine: &Machine) -> anyhow::Result<bool> {
    let _reading = machine.stream.lock().await;
    let after = machine.mark(mark::STREAM_POSITION)?.map(|text| text.parse()).transpose()?;
    let batch = machine.engine.stream_records(&machine.tables.main, after, STREAM_BATCH)?;
    let Some(position) = batch.position.filter(|position| Some(*position) != after) else { return Ok(false) };
    let event: StreamEvent = serde_json::from_value(batch.to_lambda_event())?;
    let told = event.records.iter().filter(|record| event_publish::concerns(record)).cloned().collect();
    event_publish::handle(&EventLog, StreamEvent { records: told }).await;
    let records = event.records.into_iter().filter(stock_fanout::concerns).collect();
    let response = stock_fanout::handle(&machine.app, StreamEvent { records }).await;
    anyhow::ensure!(response.batch_item_failures.is_empty(), "stock-fanout failed");
    machine.set_mark(mark::STREAM_POSITION, &position.to_string())?;
    machine.engine.trim_stream(&machine.tables.main, position)?;
    Ok(true)
}

async fn tick(machine: Machine, mut stop: watch::Receiver<bool>) {
    let mut ticks: u32 = 0;
    while !*stop.borrow() {
        tick_once(&machine, ticks.is_multiple_of(SWEEP_EVERY_TICKS)).await;
        ticks = ticks.wrapping_add(1);
        rest(TICK, &mut stop).await;
    }
}

/// The schedule's tick, and, now and then, what TTL does.
pub async fn tick_once(machine: &Machine, sweep: bool) {
    let event = ScheduleEvent { time: machine.clock.now() };
    if let Err(error) = schedule_dispatch::handle(&machine.app, event).await {
        tracing::error!(error = %app::sync_orders::chain(&error), "the schedule failed; tried again at the next tick");
    }
    if sweep && let Err(error) = machine.sweep_expired() {
        tracing::error!(error = %format!("{error:#}"), "expired rows could not be deleted");
    }
}
