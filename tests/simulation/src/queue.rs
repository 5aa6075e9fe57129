//! The simulated queues: SQS's FIFO semantics, and what SQS is allowed to do with a message.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use queue::limit::DEDUPLICATION_INTERVAL;
use queue::{Outgoing, Queue, QueueError, QueueName, Received, Work};

use crate::chance::Chance;
use crate::fault::Weather;
use crate::gate::{Gate, Passing};
use crate::time::SimulatedTime;
use crate::trace::Trace;

/// As in `template.yaml`.
pub const VISIBILITY: Duration = Duration::from_secs(540);
const RECEIVES_MAX: u32 = 20;

#[derive(Debug, Clone)]
struct Kept {
    queue: QueueName,
    group: String,
    body: String,
    visible_at_ms: i64,
    receive_count: u32,
}

#[derive(Debug, Default)]
struct State {
    messages: BTreeMap<u64, Kept>,
    dead: BTreeMap<u64, Kept>,
    seen: BTreeMap<(QueueName, String), i64>,
    made: u64,
    /// Bodies since the last time asked, for whoever looks at what is on the queues.
    sent: Vec<(QueueName, String)>,
}

#[derive(Clone)]
pub struct SimulatedQueue {
    state: Arc<Mutex<State>>,
    time: SimulatedTime,
    gate: Gate,
    weather: Weather,
    chance: Chance,
    trace: Trace,
}

impl SimulatedQueue {
    pub fn new(time: SimulatedTime, gate: Gate, weather: Weather, chance: Chance, trace: Trace) -> Self {
        Self { state: Arc::default(), time, gate, weather, chance, trace }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues from which something can be received now.
    pub fn ready(&self) -> BTreeSet<QueueName> {
        let now_ms = self.time.elapsed_ms();
        let state = self.state();
        let ready = state.messages.iter().filter(|(id, kept)| is_ready(&state, **id, kept, now_ms));
        ready.map(|(_, kept)| kept.queue).collect()
    }

    /// When the next message becomes visible that is not now.
    pub fn next_at_ms(&self) -> Option<i64> {
        let now_ms = self.time.elapsed_ms();
        self.state().messages.values().map(|kept| kept.visible_at_ms).filter(|at| *at > now_ms).min()
    }

    pub fn is_empty(&self) -> bool {
        self.state().messages.is_empty()
    }

    /// Groups that have work of this kind left, or in flight.
    pub fn groups_with(&self, work: Work) -> BTreeSet<String> {
        let state = self.state();
        let kept = state.messages.values().filter(|kept| kept.queue.work == work);
        kept.map(|kept| kept.group.clone()).collect()
    }

    pub fn dead_bodies(&self) -> Vec<String> {
        self.state().dead.values().map(|kept| kept.body.clone()).collect()
    }

    pub fn take_sent(&self) -> Vec<(QueueName, String)> {
        std::mem::take(&mut self.state().sent)
    }

    /// What a trigger is invoked with: up to `max` messages of some groups, each group's in its order.
    pub fn take(&self, queue: QueueName, max: usize) -> Vec<Received> {
        let now_ms = self.time.elapsed_ms();
        let mut state = self.state();
        let spent = |kept: &Kept| {
            kept.queue == queue && kept.visible_at_ms <= now_ms && kept.receive_count >= RECEIVES_MAX
        };
        let spent: Vec<u64> =
            state.messages.iter().filter(|(_, kept)| spent(kept)).map(|(id, _)| *id).collect();
        for id in spent {
            if let Some(kept) = state.messages.remove(&id) {
                self.trace.note(format_args!("dead letter #{id} of {queue}: {}", kept.body));
                state.dead.insert(id, kept);
            }
        }
        let groups: BTreeSet<String> = state
            .messages
            .iter()
            .filter(|(id, kept)| kept.queue == queue && is_ready(&state, **id, kept, now_ms))
            .map(|(_, kept)| kept.group.clone())
            .collect();
        let groups: Vec<String> = groups.into_iter().collect();
        let first = self.chance.index(groups.len());
        let mut taken = Vec::new();
        for n in 0..groups.len() {
            let group = &groups[(first + n) % groups.len()];
            if n > 0 && self.chance.happens(500) {
                continue;
            }
            let ids: Vec<u64> = state
                .messages
                .iter()
                .filter(|(_, kept)| kept.queue == queue && kept.group == *group)
                .map(|(id, _)| *id)
                .collect();
            for id in ids {
                let Some(kept) = state.messages.get_mut(&id) else { continue };
                if taken.len() >= max || kept.visible_at_ms > now_ms {
                    break;
                }
                kept.receive_count += 1;
                kept.visible_at_ms = now_ms + ms(VISIBILITY);
                taken.push(Received {
                    message_id: id.to_string(),
                    receipt: format!("{id}.{}", kept.receive_count),
                    group: group.clone(),
                    body: kept.body.clone(),
                    receive_count: kept.receive_count,
                    sent_at: None,
                });
            }
        }
        taken
    }

    /// What the trigger deletes of its own accord.
    pub fn done(&self, receipts: &[String]) {
        let now_ms = self.time.elapsed_ms();
        let mut state = self.state();
        for receipt in receipts {
            if let Some(id) = held(&state, receipt, now_ms) {
                state.messages.remove(&id);
            }
        }
    }

    fn put(&self, queue: QueueName, message: &Outgoing) {
        let now_ms = self.time.elapsed_ms();
        let mut state = self.state();
        state.sent.push((queue, message.body.clone()));
        let known = (queue, message.deduplication_id.clone());
        let again = state.seen.get(&known).is_some_and(|until| *until > now_ms);
        let doubled = self.weather.doubles_message();
        if again && !doubled {
            self.trace.note(format_args!("  {queue} has it already: {}", shortened(&message.body)));
            return;
        }
        state.seen.entry(known).or_insert(now_ms + ms(DEDUPLICATION_INTERVAL));
        let copies = if doubled { 2 } else { 1 };
        for _ in 0..copies {
            state.made += 1;
            let id = state.made;
            let visible_at_ms = now_ms + self.weather.delays_message_ms();
            let kept = Kept {
                queue,
                group: message.group.clone(),
                body: message.body.clone(),
                visible_at_ms,
                receive_count: 0,
            };
            self.trace.note(format_args!("  → {queue} #{id}: {}", shortened(&kept.body)));
            state.messages.insert(id, kept);
        }
        state.seen.retain(|_, until| *until > now_ms);
    }
}

fn shortened(body: &str) -> &str {
    body.split_once("\"task\":").map_or(body, |(_, task)| task)
}

fn ms(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap()
}

/// In flight by this receipt.
fn held(state: &State, receipt: &str, now_ms: i64) -> Option<u64> {
    let (id, count) = receipt.split_once('.')?;
    let (id, count): (u64, u32) = (id.parse().ok()?, count.parse().ok()?);
    let kept = state.messages.get(&id)?;
    (kept.receive_count == count && kept.visible_at_ms > now_ms).then_some(id)
}

/// Visible, and nothing of its group is before it or in flight.
fn is_ready(state: &State, id: u64, kept: &Kept, now_ms: i64) -> bool {
    let blocks = |other: &u64, of: &Kept| {
        of.queue == kept.queue
            && of.group == kept.group
            && of.visible_at_ms > now_ms
            && (*other < id || of.receive_count > 0)
    };
    kept.visible_at_ms <= now_ms && !state.messages.iter().any(|(other, of)| blocks(other, of))
}

fn failed(operation: &'static str, queue: QueueName) -> QueueError {
    QueueError { operation, queue: queue.to_string(), source: "injected: the queue does not answer".into() }
}

#[async_trait]
impl Queue for SimulatedQueue {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), QueueError> {
        let job = self.gate.pass(Passing::Effect).await;
        let trouble = self.weather.of_queue(job);
        if trouble.before {
            self.trace.note(format_args!("  {queue} cannot be reached"));
            return Err(failed("send", queue));
        }
        for message in &messages {
            self.put(queue, message);
        }
        if trouble.after {
            self.trace.note(format_args!("  {queue} took it and did not answer"));
            return Err(failed("send", queue));
        }
        Ok(())
    }

    async fn receive(
        &self,
        queue: QueueName,
        max: u32,
        _visibility: Duration,
    ) -> Result<Vec<Received>, QueueError> {
        Ok(self.take(queue, usize::try_from(max).unwrap()))
    }

    async fn delete(&self, _queue: QueueName, receipts: Vec<String>) -> Result<(), QueueError> {
        self.gate.pass(Passing::Effect).await;
        self.done(&receipts);
        Ok(())
    }

    async fn change_visibility(
        &self,
        queue: QueueName,
        receipt: &str,
        visibility: Duration,
    ) -> Result<(), QueueError> {
        let job = self.gate.pass(Passing::Effect).await;
        if self.weather.of_queue(job).before {
            return Err(failed("change the visibility", queue));
        }
        let now_ms = self.time.elapsed_ms();
        let mut state = self.state();
        if let Some(kept) = held(&state, receipt, now_ms).and_then(|id| state.messages.get_mut(&id)) {
            kept.visible_at_ms = now_ms + ms(visibility);
        }
        Ok(())
    }

    async fn dead_letters(&self, queue: QueueName, max: u32) -> Result<Vec<Received>, QueueError> {
        let dead = self.state().dead.clone();
        let of_queue = dead.into_iter().filter(|(_, kept)| kept.queue == queue);
        let letter = |(id, kept): (u64, Kept)| Received {
            message_id: id.to_string(),
            receipt: String::new(),
            group: kept.group,
            body: kept.body,
            receive_count: kept.receive_count,
            sent_at: None,
        };
        Ok(of_queue.map(letter).take(usize::try_from(max).unwrap()).collect())
    }

    async fn redrive(&self, queue: QueueName, message_id: &str) -> Result<bool, QueueError> {
        self.gate.pass(Passing::Effect).await;
        let visible_at_ms = self.time.elapsed_ms();
        let mut state = self.state();
        let found =
            message_id.parse().ok().filter(|id| state.dead.get(id).is_some_and(|kept| kept.queue == queue));
        let Some(kept) = found.and_then(|id: u64| state.dead.remove(&id)) else { return Ok(false) };
        state.made += 1;
        let id = state.made;
        state.messages.insert(id, Kept { visible_at_ms, receive_count: 0, ..kept });
        Ok(true)
    }
}

/// Messages of one invocation, as in `template.yaml`.
pub fn batch_max(work: Work) -> usize {
    match work {
        Work::ItemSync => 1,
        Work::OrderImport | Work::StockPush | Work::ShipmentPush => 10,
    }
}
