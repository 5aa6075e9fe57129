//! Working through a batch of messages: what the queue functions have in common.

use std::collections::BTreeSet;
use std::time::Duration;

use app::metric::{Metric, elapsed_ms, record};
use app::work::{Attempt, Next};
use app::{App, AppError};
use domain::ChannelKind;
use futures_util::future::{BoxFuture, join_all};
use queue::Message;
use queue::message::Task;

use crate::batch::{by_group, response};
use crate::event::{SqsBatchResponse, SqsEvent, SqsRecord};

/// How long a function works before it queues what is left. A call to a channel that began just before may take 30 s
/// more, so the function's timeout is above the sum.
pub const WORK_MAX: Duration = Duration::from_secs(45);

/// Does the messages' work, each connection's in its order, different connections' side by side: a shop that hangs holds
/// up only its own. Neighbours that ask for the same thing are done as one.
pub async fn work_through(
    app: &App,
    event: SqsEvent,
    perform: impl for<'a> Fn(&'a App, &'a Message, &'a Attempt) -> BoxFuture<'a, Result<(), AppError>> + Sync,
) -> SqsBatchResponse {
    let deadline = app.clock.now().checked_add(WORK_MAX).unwrap_or_else(|_| app.clock.now());
    let groups = by_group(&event).into_iter().map(|(_, records)| group(app, records, deadline, &perform));
    let done: BTreeSet<String> = join_all(groups).await.into_iter().flatten().collect();
    response(&event, &done)
}

/// A group's messages in order, until one fails. The ids of those done.
async fn group(
    app: &App,
    records: Vec<&SqsRecord>,
    deadline: domain::Timestamp,
    perform: &(impl for<'a> Fn(&'a App, &'a Message, &'a Attempt) -> BoxFuture<'a, Result<(), AppError>> + Sync),
) -> Vec<String> {
    let mut done = Vec::new();
    let mut rest = merged(records).into_iter();
    while let Some((message, records)) = rest.next() {
        let receive_count = records.iter().map(|r| r.attributes.approximate_receive_count).max().unwrap_or(1);
        let attempt = Attempt { deadline, receive_count };
        let next = match &message {
            Ok(message) => match perform(app, message, &attempt).await {
                Ok(()) => {
                    record_latency(app, message, &records);
                    None
                }
                Err(error) => {
                    let channel =
                        records.first().and_then(|record| record.queue()).map(|queue| queue.channel);
                    next(message, &error, &attempt, channel)
                }
            },
            // It can only become a dead letter; the sooner the better for those behind it.
            Err(error) => {
                tracing::error!(error = %app::sync_orders::chain(error), "a message cannot be read");
                Some(Duration::ZERO)
            }
        };
        let Some(wait) = next else {
            done.extend(records.iter().map(|record| record.message_id.clone()));
            continue;
        };
        // All that is left of the group rests as long: those behind would only wait for the first.
        let waiting = records.into_iter().chain(rest.by_ref().flat_map(|(_, records)| records));
        for record in waiting {
            let Some(queue) = record.queue() else { continue };
            if let Err(error) = app.queue.change_visibility(queue, &record.receipt_handle, wait).await {
                // Then the queue's own visibility timeout decides.
                tracing::warn!(error = %app::sync_orders::chain(&error), "a message's rest could not be set");
            }
        }
        break;
    }
    done
}

/// How long a change of stock waited until it was told, from the first of the messages that were done as one.
fn record_latency(app: &App, message: &Message, records: &[&SqsRecord]) {
    let first = records.iter().filter_map(|record| record.sent_at()).min();
    if let (Task::PushListings { .. }, Some(sent_at)) = (&message.task, first) {
        let channel = records.first().and_then(|record| record.queue()).map(|queue| queue.channel);
        record(Metric::PushLatency, channel, elapsed_ms(sent_at, app.clock.now()));
    }
}

/// How long the message rests before it is tried again; `None` if that is of no use.
fn next(
    message: &Message,
    error: &AppError,
    attempt: &Attempt,
    channel: Option<ChannelKind>,
) -> Option<Duration> {
    let connection = &message.connection_id;
    let cause = app::sync_orders::chain(error);
    match error.next(attempt.receive_count) {
        Next::Again(wait) if !attempt.is_last() => {
            let (code, wait_s) = (error.code(), wait.as_secs());
            tracing::warn!(%connection, code, receive_count = attempt.receive_count, wait_s, error = %cause, "work is tried again");
            Some(wait)
        }
        _ => {
            record(Metric::GivenUp, channel, 1);
            tracing::error!(%connection, code = error.code(), error = %cause, "work is given up");
            None
        }
    }
}

type Unit<'a> = (Result<Message, queue::message::UnreadableMessage>, Vec<&'a SqsRecord>);

fn merged(records: Vec<&SqsRecord>) -> Vec<Unit<'_>> {
    let mut units: Vec<Unit<'_>> = Vec::new();
    for record in records {
        let message = Message::decode(&record.body);
        if let (Ok(message), Some((Ok(last), records))) = (&message, units.last_mut())
            && last.absorb(message)
        {
            records.push(record);
            continue;
        }
        units.push((message, vec![record]));
    }
    units
}
