//! The world: merchants with their shops, the hub's parts with every seam between them, and what is known of all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::ensure;
use api::ApiSettings;
use app::{App, Ids, Settings};
use axum::Router;

use domain::{ConnectionId, ItemId, ListingId, LocationId, OrganizationId, Sku};
use engine::Engine;
use marketplace_sim::{Delivery, Sold};
use serde_json::Value;
use store::{Sealer, Store, Tables};
use uuid::Uuid;

use crate::chance::Chance;
use crate::fault::{Rates, Weather};
use crate::gate::{Gate, JobId};
use crate::job::{Begun, Job, Planned};
use crate::mirror::Mirror;
use crate::model::{Model, ToShow};
use crate::oversell::Tally;
use crate::person::{Document, Request};
use crate::planted::Planted;
use crate::queue::SimulatedQueue;
use crate::run::{About, Options};
use crate::shops::{AMERICAN, KINDS, Kind};
use crate::street::{Shop, Street};
use crate::table::TableSeam;
use crate::time::SimulatedTime;
use crate::trace::Trace;

const MAIN: &str = "main";

/// Two instances of each function: what one has learned the other has not.
const PROCESSES: usize = 2;

/// One process of the hub.
#[derive(Clone)]
pub struct Process {
    pub app: App,
    pub intake: Router,
}

/// A shop of a merchant, connected.
pub struct Connected {
    pub host: String,
    pub connection: ConnectionId,
}

pub struct Merchant {
    pub organization: OrganizationId,
    /// The secret of an API key.
    pub key: String,
    /// The primary one first; without Amazon's.
    pub locations: Vec<LocationId>,
    /// Where goods that lie at Amazon are counted.
    pub at_amazon: Option<LocationId>,
    pub shops: Vec<Connected>,
    pub items: Vec<(Sku, ItemId)>,
}

/// What goes on in one run.
pub struct World {
    pub chance: Chance,
    pub time: SimulatedTime,
    pub trace: Trace,
    pub gate: Gate,
    pub weather: Weather,
    pub queue: SimulatedQueue,
    pub street: Arc<Street>,
    pub mirror: Mirror,
    pub model: Model,
    pub tally: Tally,
    pub observer: Store,
    pub merchants: Vec<Merchant>,
    pub jobs: Vec<Job>,
    /// All that ever ran.
    pub begun: BTreeMap<JobId, Begun>,
    /// Notifications on their way, with the shop that sends them.
    pub notifications: Vec<(String, Delivery)>,
    /// Stream records that were passed on, the last few.
    pub passed_on: VecDeque<Value>,
    /// By which rule each listing was to show what was available, since when; `None`: it showed no number of ours.
    pub desired: BTreeMap<ListingId, Vec<(i64, Option<ToShow>)>>,
    /// Connections of which it was said what to do with numbers that were edited in the shop.
    pub left_to_people: BTreeSet<ConnectionId>,
    /// Listings that were unlinked at some time.
    pub taken_apart: BTreeSet<ListingId>,
    /// Listings whose number was edited by hand and not set by the hub since.
    pub edited: BTreeSet<ListingId>,
    /// Those that were at any time.
    pub was_edited: BTreeSet<ListingId>,
    /// Connections whose grant was taken back at some time.
    pub revoked: BTreeSet<ConnectionId>,
    /// Since when a shop's listing has offered more than there is.
    pub too_high: BTreeMap<(String, ListingId), i64>,
    /// What was asked under each key.
    pub requests: BTreeMap<String, Request>,
    /// Of those that nobody has answered.
    pub unanswered: BTreeSet<String>,
    /// Of what was posted: what can be done with it next.
    pub documents: Vec<Document>,
    /// Plans that were made.
    pub plans: Vec<Planned>,
    pub made: u64,
    /// When the last wait for all to be done began.
    pub quieted_ms: i64,
    pub about: About,
    /// One for all: its document takes long to make, and it learns nothing of channels.
    pub api: Router,
    pub processes: Vec<Process>,
    factory: Factory,
}

/// What a new process is made of.
struct Factory {
    seed: u64,
    started: u64,
    store: Store,
    queue: SimulatedQueue,
    street: Arc<Street>,
    time: SimulatedTime,
    /// Of the processes' clocks.
    clocks: Chance,
    apart_ms: i64,
    ids: Ids,
}

/// The same in each run of a seed, and unlike each other.
fn ids(seed: u64) -> Ids {
    let made = AtomicU64::new(0);
    Ids::from_fn(move |now| {
        let n = made.fetch_add(1, Ordering::Relaxed);
        let text = format!("{seed} {n}");
        let random = Uuid::new_v5(&Uuid::NAMESPACE_OID, text.as_bytes()).as_u128() & (u128::MAX >> 48);
        let now_ms = u128::try_from(now.as_millisecond()).unwrap_or(0);
        Uuid::from_u128(now_ms << 80 | random)
    })
}

fn tables() -> Tables {
    Tables { main: MAIN.to_owned(), personal: "personal".to_owned() }
}

impl Factory {
    fn start(&mut self) -> Process {
        self.started += 1;
        let mut name = [0; 16];
        name[..8].copy_from_slice(&self.seed.to_be_bytes());
        name[8..].copy_from_slice(&self.started.to_be_bytes());
        let store = self.store.clone().in_process(name);
        let settings = Settings {
            public_url: Some("https://hub.example/".parse().unwrap()),
            custom_endpoints: true,
            applications: Default::default(),
            // Of its shops, one is German.
            editions: "US,GB,IN,DE".parse().unwrap(),
        };
        let ahead_ms = self.clocks.between(-self.apart_ms, self.apart_ms);
        let app = App::new(
            store,
            Arc::new(self.queue.clone()),
            Arc::<Street>::clone(&self.street),
            Arc::new(self.time.ahead_by(ahead_ms)),
            self.ids.clone(),
            settings,
        );
        let intake = webhook_intake::router(app.clone());
        Process { app, intake }
    }
}

impl World {
    /// Merchants with their shops, everything fetched, linked and in sync; then the weather is let loose.
    pub async fn new(seed: u64, options: Options) -> anyhow::Result<Self> {
        let chance = Chance::of(seed);
        let time = SimulatedTime::begin();
        let trace = Trace::new(time);
        let mut rates = Rates::drawn(&chance);
        if options.about == About::Tokens {
            rates = Rates { interleaved: 700, ..Rates::default() };
        }
        let weather = Weather::new(rates, chance.branch(), time);
        trace.note(format_args!("seed {seed}: {rates:?}"));
        let gate = Gate::default();
        let queue = SimulatedQueue::new(time, gate.clone(), weather.clone(), chance.branch(), trace.clone());
        let engine = Engine::memory_with_clock(move || app::Clock::now(&time).as_second())?;
        let merchants = chance.weighted(&[(15, 1), (4, 2), (1, 3)]);
        let mut shops = Vec::new();
        for merchant in 0..merchants {
            let most = if merchants == 1 { 2 } else { 1 };
            let american = match options.about {
                About::Everything => chance.happens(200),
                about => about == About::Fba,
            };
            let least = if options.about == About::Fba { 2 } else { 1 };
            for _ in 0..chance.weighted(&[(3, most), (1, most + 1)]).max(least) {
                let here = shops.iter().filter(|(of, _): &&(usize, Arc<Shop>)| *of == merchant).count();
                let kinds: Vec<Kind> = match american {
                    true => AMERICAN.iter().filter(|kind| !kind.fba).copied().collect(),
                    false => {
                        let any = options.about != About::Tokens;
                        KINDS.iter().filter(|kind| any || kind.grant.changes()).copied().collect()
                    }
                };
                // Whoever sells there sells on Amazon.
                let kind = if american && here == 0 { AMERICAN[0] } else { *chance.pick(&kinds).unwrap() };
                let wrong_s = chance.weighted(&[(4, 0), (2, 3), (2, -4), (1, 9), (1, -9)]);
                let host = format!("m{merchant}s{}.example", shops.len());
                trace.note(format_args!("{host} is on {}, its clock is {wrong_s} s ahead", kind.channel));
                shops.push((merchant, Shop::open(&host, kind, wrong_s, time)));
            }
        }
        let street = Street::new(
            shops.iter().map(|(_, shop)| Arc::clone(shop)),
            gate.clone(),
            weather.clone(),
            trace.clone(),
        );
        let seam =
            TableSeam::new(gate.clone(), weather.clone(), time, trace.clone(), Planted::new(options.bug));
        let writes = Arc::clone(&seam.writes);
        let mut factory = Factory {
            seed,
            started: 0,
            store: Store::new(seam.client(&engine), tables(), Sealer::local([7; 32])),
            queue: queue.clone(),
            street: Arc::clone(&street),
            time,
            clocks: chance.branch(),
            apart_ms: i64::try_from(rates.apart_ms).unwrap(),
            ids: ids(seed),
        };
        let observer = Store::new(engine.client(), tables(), Sealer::local([7; 32])).in_process([255; 16]);
        observer.create_tables().await?;
        let processes: Vec<Process> = (0..PROCESSES).map(|_| factory.start()).collect();
        let api = api::router(processes[0].app.clone(), ApiSettings::default());
        let mut world = Self {
            chance,
            time,
            trace,
            gate,
            weather,
            queue,
            street,
            mirror: Mirror::new(engine, MAIN, observer.clone(), writes),
            model: Model::default(),
            tally: Tally::default(),
            observer,
            merchants: Vec::new(),
            jobs: Vec::new(),
            begun: BTreeMap::new(),
            notifications: Vec::new(),
            passed_on: VecDeque::new(),
            desired: BTreeMap::new(),
            left_to_people: BTreeSet::new(),
            taken_apart: BTreeSet::new(),
            edited: BTreeSet::new(),
            was_edited: BTreeSet::new(),
            revoked: BTreeSet::new(),
            too_high: BTreeMap::new(),
            requests: BTreeMap::new(),
            unanswered: BTreeSet::new(),
            documents: Vec::new(),
            plans: Vec::new(),
            made: 0,
            quieted_ms: 0,
            about: options.about,
            api,
            processes,
            factory,
        };
        for merchant in 0..merchants {
            let own: Vec<Arc<Shop>> =
                shops.iter().filter(|(of, _)| *of == merchant).map(|(_, shop)| Arc::clone(shop)).collect();
            world.found(own).await?;
        }
        // The first sync of each connection begins half an hour after it was made.
        tokio::time::advance(Duration::from_secs(30 * 60)).await;
        world.quiet(true).await?;
        for merchant in &world.merchants {
            let known = &world.mirror.known[&merchant.organization];
            ensure!(
                known.items.values().any(|stock| !stock.links.is_empty()),
                "nothing was linked at the beginning"
            );
        }
        world.count_held().await?;
        world.trace.note("--- the weather is let loose");
        world.weather.set_calm(false);
        Ok(world)
    }

    pub fn process(&self) -> (usize, Process) {
        let n = self.chance.index(self.processes.len());
        (n, self.processes[n].clone())
    }

    /// What it had learned is gone.
    pub fn restart(&mut self, process: usize) {
        self.processes[process] = self.factory.start();
    }

    pub fn shop(&self, host: &str) -> &Arc<Shop> {
        &self.street.shops[host]
    }

    /// The merchant and the connection of a shop.
    pub fn seller(&self, host: &str) -> (&Merchant, &Connected) {
        self.merchants
            .iter()
            .find_map(|merchant| Some((merchant, merchant.shops.iter().find(|shop| shop.host == host)?)))
            .unwrap()
    }

    pub fn listing(&self, host: &str, sold: &Sold) -> ListingId {
        let (_, shop) = self.seller(host);
        ListingId::of(&shop.connection, &sold.external_id, sold.variation_id.as_deref()).unwrap()
    }

    /// The item that a listing sells, as the hub has it, or had it last.
    pub fn item_of(&self, host: &str, sold: &Sold) -> Option<ItemId> {
        let (merchant, _) = self.seller(host);
        let listing = self.listing(host, sold);
        let known = self.mirror.known.get(&merchant.organization)?;
        let found = known.listings.get(&listing)?;
        found.item_id.clone().or_else(|| found.rejected_item_ids.first().cloned())
    }

    pub async fn pass(&mut self, length: Duration) {
        tokio::time::advance(length).await;
        self.end_overdue();
    }
}
