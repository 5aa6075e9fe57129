//! A run: steps under the weather of its seed, then calm, then all must be right.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use queue::QueueName;

use crate::gate::Role;
use crate::oversell::Tally;
use crate::planted::Bug;
use crate::trace::Trace;
use crate::world::World;

/// What a run is made of besides its seed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    pub bug: Option<Bug>,
    pub about: About,
}

/// What a run looks for above all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum About {
    #[default]
    Everything,
    /// Every shop's tokens end and are replaced by each renewal, functions often meet them ended at once, and nothing else goes
    /// wrong.
    Tokens,
    /// Every merchant has goods at Amazon and another shop, and often sends some there or has some sent from there.
    Fba,
}

/// How a run ended.
#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    /// Of all that happened: the same for the same seed.
    pub hash: u64,
    pub tally: Tally,
    /// The law that was broken.
    pub broken: Option<String>,
    pub trace: String,
}

/// Runs a seed, on this thread, in no time.
pub fn run(seed: u64, options: Options) -> Report {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let held = Mutex::new(None);
    let caught = catch_unwind(AssertUnwindSafe(|| runtime.block_on(lived(seed, options, &held))));
    caught.unwrap_or_else(|_| {
        let trace = held.into_inner().unwrap_or_else(PoisonError::into_inner);
        let (hash, text) = trace.map_or((0, String::new()), |trace: Trace| (trace.hash(), trace.text()));
        let broken = Some("something panicked".to_owned());
        Report { seed, hash, tally: Tally::default(), broken, trace: text }
    })
}

/// `held`: where the trace is, should what is run panic.
async fn lived(seed: u64, options: Options, held: &Mutex<Option<Trace>>) -> Report {
    let mut world = match World::new(seed, options).await {
        Ok(world) => world,
        Err(error) => {
            let broken = Some(format!("the world could not be made: {error:#}"));
            return Report { seed, hash: 0, tally: Tally::default(), broken, trace: String::new() };
        }
    };
    *held.lock().unwrap() = Some(world.trace.clone());
    let ended = world.live().await;
    let broken = ended.err().map(|error| format!("{error:#}"));
    if let Some(broken) = &broken {
        world.trace.note(format_args!("BROKEN: {broken}"));
    }
    world.tally.faults = world.weather.met();
    world.tally.functions = world.made;
    Report { seed, hash: world.trace.hash(), tally: world.tally, broken, trace: world.trace.text() }
}

/// What may happen in a step.
#[derive(Debug, Clone, Copy)]
enum Happening {
    Sale,
    UnpaidSale,
    OrderChanges,
    ShopEdited,
    Request,
    /// Only where a run is about that.
    AmazonAsked,
    Messages,
    Stream,
    Tick,
    Notification,
    Trouble,
}

const HAPPENINGS: [(u64, Happening); 10] = [
    (14, Happening::Sale),
    (5, Happening::UnpaidSale),
    (12, Happening::OrderChanges),
    (2, Happening::ShopEdited),
    (12, Happening::Request),
    (26, Happening::Messages),
    (14, Happening::Stream),
    (6, Happening::Tick),
    (14, Happening::Notification),
    (4, Happening::Trouble),
];

impl World {
    async fn live(&mut self) -> anyhow::Result<()> {
        let steps = self.chance.between(25, 70);
        for _ in 0..steps {
            self.tally.steps += 1;
            self.step().await?;
            self.follow_left_out();
            self.watch_numbers();
        }
        self.settle().await
    }

    async fn step(&mut self) -> anyhow::Result<()> {
        let wait_ms = match self.chance.below(100) {
            0..30 => 0,
            30..60 => self.chance.between(1, 3_000),
            60..85 => self.chance.between(1_000, 40_000),
            85..97 => self.chance.between(10_000, 600_000),
            _ => self.chance.between(600_000, 2_400_000),
        };
        if wait_ms > 0 {
            self.pass(Duration::from_millis(wait_ms.unsigned_abs())).await;
        }
        if self.about == About::Tokens && self.chance.happens(120) {
            self.meet_ended_tokens().await?;
        }
        let happening = match self.about {
            About::Fba if self.chance.happens(300) => Happening::AmazonAsked,
            _ => self.chance.weighted(&HAPPENINGS),
        };
        let begun = match happening {
            Happening::Sale => {
                self.buy(true).await;
                None
            }
            Happening::UnpaidSale => {
                self.buy(false).await;
                None
            }
            Happening::OrderChanges => {
                self.change_order().await;
                None
            }
            Happening::ShopEdited => {
                self.edit_shop();
                None
            }
            Happening::Request => self.ask(),
            Happening::AmazonAsked => self.ask_of_amazon(self.chance.index(self.merchants.len())),
            Happening::Messages => {
                let ready: Vec<QueueName> = self.queue.ready().into_iter().collect();
                self.chance.pick(&ready).copied().and_then(|queue| self.begin_batch(queue))
            }
            Happening::Stream if self.has(Role::StockFanout) => None,
            Happening::Stream => self.begin_fan_out(),
            Happening::Tick => Some(self.begin_tick()),
            Happening::Notification => self.notify(),
            Happening::Trouble => {
                self.trouble();
                None
            }
        };
        if let Some(id) = begun
            && !self.weather.happens(|rates| rates.interleaved)
        {
            self.complete(id).await?;
        }
        let running: Vec<u64> = self.jobs.iter().map(|job| job.id).collect();
        for id in running {
            match self.chance.below(10) {
                0..=1 => {}
                2..=7 => {
                    let leave = self.chance.below(9) + 1;
                    self.drive(id, leave).await?;
                }
                _ => self.complete(id).await?,
            }
        }
        Ok(())
    }

    /// After an hour or two no token is good any more, and each connection has work on several queues: its functions take
    /// turns, a call or a few at a time.
    async fn meet_ended_tokens(&mut self) -> anyhow::Result<()> {
        let wait_s = self.chance.between(3_500, 7_500);
        self.pass(Duration::from_secs(wait_s.unsigned_abs())).await;
        let tick = self.begin_tick();
        self.complete(tick).await?;
        for queue in self.queue.ready() {
            self.begin_batch(queue);
        }
        while !self.jobs.is_empty() {
            let running: Vec<u64> = self.jobs.iter().map(|job| job.id).collect();
            let leave = self.chance.below(3) + 1;
            self.drive(running[self.chance.index(running.len())], leave).await?;
        }
        Ok(())
    }

    /// What the shops want to tell sets out; some of it gets lost, comes twice, or overtakes the rest.
    fn notify(&mut self) -> Option<u64> {
        let shops: Vec<_> = self.street.shops.values().cloned().collect();
        for shop in shops {
            for delivery in shop.sim.take_deliveries() {
                if self.weather.happens(|rates| rates.notification_lost) {
                    continue;
                }
                if self.weather.happens(|rates| rates.notification_doubled) {
                    self.notifications.push((shop.host.clone(), delivery.clone()));
                }
                self.notifications.push((shop.host.clone(), delivery));
            }
        }
        if self.notifications.is_empty() {
            return None;
        }
        let at = if self.weather.happens(|rates| rates.notification_reordered) {
            self.chance.index(self.notifications.len())
        } else {
            0
        };
        let (host, delivery) = self.notifications.remove(at);
        Some(self.begin_notification(host, delivery))
    }

    fn trouble(&mut self) {
        let hosts: Vec<String> = self.street.shops.keys().cloned().collect();
        let host = self.chance.pick(&hosts).unwrap().clone();
        let rates = self.weather.rates();
        let drawn = self.chance.below(20);
        if drawn < rates.outage {
            let length_ms = self.chance.weighted(&[(5, 60_000), (3, 1_800_000), (1, 24 * 3_600_000)]);
            self.trace.note(format_args!("{host} goes down for {} s", length_ms / 1_000));
            self.shop(&host).go_down_for(length_ms);
        }
        if self.chance.below(20) < rates.busy {
            let length_ms = self.chance.between(500, 20_000);
            self.trace.note(format_args!("the table is busy for {length_ms} ms"));
            self.weather.table_busy_for(length_ms);
        }
        if self.chance.below(20) < rates.revoked {
            let sim = self.shop(&host).sim.clone();
            if sim.admit() {
                self.trace.note(format_args!("{host} takes its grant back"));
                let connection = self.seller(&host).1.connection.clone();
                self.revoked.insert(connection);
                sim.revoke();
            }
        }
    }
}
