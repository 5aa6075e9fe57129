//! The weather: what goes wrong between a function and what it calls, and how often in this run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use engine::Fault as TableFault;
use marketplace_sim::Fault as ChannelFault;

use crate::chance::Chance;
use crate::gate::JobId;
use crate::time::SimulatedTime;

/// How often, in a thousand.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// A call to the table that is refused, or whose answer is lost.
    pub table: u64,
    /// An eventually consistent read that shows what was there up to a second ago.
    pub stale_read: u64,
    pub queue: u64,
    pub doubled: u64,
    pub delayed: u64,
    /// A batch of which a part comes again though it was done.
    pub partly_failed: u64,
    pub channel: u64,
    /// A look at a channel's orders that shows what was there up to a minute ago.
    pub stale_page: u64,
    /// A function that dies after one of its effects.
    pub killed: u64,
    /// A function that is left standing between two effects while others run.
    pub interleaved: u64,
    pub notification_lost: u64,
    pub notification_doubled: u64,
    pub notification_reordered: u64,
    pub stream_repeated: u64,
    /// Of the steps: a channel goes down, the table is busy, a grant is taken back.
    pub outage: u64,
    pub busy: u64,
    pub revoked: u64,
    /// By how many milliseconds, at most, the clock of a process is wrong.
    pub apart_ms: u64,
}

impl Rates {
    /// Some runs are calm, some have one kind of trouble, most have several.
    pub fn drawn(chance: &Chance) -> Self {
        let stormy = chance.weighted(&[(1, 0), (3, 300), (6, 650)]);
        let rate = |high: u64| {
            if chance.happens(stormy) { chance.below(high) + 1 } else { 0 }
        };
        Self {
            table: rate(40),
            stale_read: rate(300),
            queue: rate(80),
            doubled: rate(150),
            delayed: rate(300),
            partly_failed: rate(200),
            channel: rate(150),
            stale_page: rate(200),
            killed: rate(300),
            interleaved: rate(700),
            notification_lost: rate(700),
            notification_doubled: rate(300),
            notification_reordered: rate(500),
            stream_repeated: rate(200),
            outage: rate(20),
            busy: rate(20),
            revoked: rate(6),
            apart_ms: rate(3_000),
        }
    }
}

/// What happens to a call to a queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueueTrouble {
    pub before: bool,
    pub after: bool,
}

#[derive(Debug)]
struct Inner {
    rates: Rates,
    chance: Chance,
    time: SimulatedTime,
    calm: AtomicBool,
    busy_until_ms: AtomicI64,
    met: AtomicU64,
}

/// Clones share it.
#[derive(Debug, Clone)]
pub struct Weather(Arc<Inner>);

impl Weather {
    /// Calm until it is let loose.
    pub fn new(rates: Rates, chance: Chance, time: SimulatedTime) -> Self {
        let inner = Inner {
            rates,
            chance,
            time,
            calm: AtomicBool::new(true),
            busy_until_ms: AtomicI64::new(0),
            met: AtomicU64::new(0),
        };
        Self(Arc::new(inner))
    }

    pub fn set_calm(&self, calm: bool) {
        self.0.calm.store(calm, Ordering::Relaxed);
        self.0.busy_until_ms.store(0, Ordering::Relaxed);
    }

    /// As drawn; nothing while it is calm.
    pub fn rates(&self) -> Rates {
        if self.0.calm.load(Ordering::Relaxed) { Rates::default() } else { self.0.rates }
    }

    /// Faults that happened.
    pub fn met(&self) -> u64 {
        self.0.met.load(Ordering::Relaxed)
    }

    pub fn happens(&self, rate: impl FnOnce(&Rates) -> u64) -> bool {
        let rate = rate(&self.rates());
        let happens = rate > 0 && self.0.chance.happens(rate);
        if happens {
            self.0.met.fetch_add(1, Ordering::Relaxed);
        }
        happens
    }

    /// Every call to the table is refused for this long.
    pub fn table_busy_for(&self, length_ms: i64) {
        self.0.busy_until_ms.store(self.0.time.elapsed_ms() + length_ms, Ordering::Relaxed);
    }

    pub fn of_table(&self, operation: &str) -> Option<TableFault> {
        if self.0.time.elapsed_ms() < self.0.busy_until_ms.load(Ordering::Relaxed) {
            return Some(TableFault::Throttled);
        }
        if !self.happens(|rates| rates.table) {
            return None;
        }
        let conflict = if operation == "TransactWriteItems" { 6 } else { 0 };
        Some(match self.0.chance.weighted(&[(3, 0), (2, 1), (2, 2), (2, 3), (3, 4), (2, 5), (conflict, 6)]) {
            0 => TableFault::Throttled,
            1 => TableFault::ThroughputExceeded,
            2 => TableFault::InternalServerError,
            3 => TableFault::Unreachable,
            4 => TableFault::AnswerLost,
            5 => TableFault::AnswerTimedOut,
            _ => TableFault::conflict_on(0),
        })
    }

    pub fn reads_stale(&self) -> bool {
        self.happens(|rates| rates.stale_read)
    }

    /// Nothing for those who are not simulated.
    pub fn of_queue(&self, job: Option<JobId>) -> QueueTrouble {
        if job.is_none() || !self.happens(|rates| rates.queue) {
            return QueueTrouble::default();
        }
        let before = self.0.chance.happens(500);
        QueueTrouble { before, after: !before }
    }

    pub fn doubles_message(&self) -> bool {
        self.happens(|rates| rates.doubled)
    }

    pub fn delays_message_ms(&self) -> i64 {
        if self.happens(|rates| rates.delayed) { self.0.chance.between(1, 120_000) } else { 0 }
    }

    pub fn of_channel(&self) -> ChannelFault {
        if !self.happens(|rates| rates.channel) {
            return ChannelFault::Pass;
        }
        match self.0.chance.below(8) {
            0 => ChannelFault::Status(500),
            1 => ChannelFault::Status(503),
            2 => ChannelFault::Throttle {
                retry_after_s: Some(u32::try_from(self.0.chance.below(20)).unwrap()),
            },
            3 => ChannelFault::Throttle { retry_after_s: None },
            4 => ChannelFault::Html,
            5 => ChannelFault::Hang,
            6 => ChannelFault::DropAnswer,
            _ => ChannelFault::Cut,
        }
    }

    /// How long a call to a channel takes that is answered.
    pub fn channel_takes_ms(&self) -> u64 {
        self.0.chance.below(400) + 20
    }

    /// After how many effects a function dies, if it is to die.
    pub fn lives(&self) -> Option<u64> {
        self.happens(|rates| rates.killed).then(|| self.0.chance.below(14))
    }
}
