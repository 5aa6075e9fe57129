//! The world: merchants with their shops, the hub's parts with every seam between them, and what is known of all.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use api::ApiSettings;
use app::connection::NewConnection;
use app::connection_settings::SettingsPatch;
use app::item::{NewItem, OpeningStock};
use app::location::NewLocation;
use app::organization::{NewOrganization, OrganizationPatch};
use app::{App, Ids, Settings};
use axum::Router;

use domain::availability::LocationKind;
use domain::bundle::Component;
use domain::schedule::SyncInterval;
use domain::stock::Actor;
use domain::{ConnectionId, ItemId, ListingId, LocationId, Name, OrganizationId, Quantity, Sku};
use engine::Engine;
use marketplace_sim::{Delivery, Goods, Sold, Variation};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
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
    processes: Vec<Process>,
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

fn setup() -> Actor {
    Actor::ApiKey("key_setup".to_owned())
}

fn blank(merchant: usize, n: i64) -> anyhow::Result<NewItem> {
    Ok(NewItem {
        sku: Sku::parse(&format!("SKU-{merchant}-{n}"))?,
        name: Name::parse(&format!("Thing {n}"))?,
        selling_price: None,
        purchase_price: None,
        opening_stock_value: None,
        barcode: None,
        group: None,
        reorder_level: None,
        opening_stock: Vec::new(),
        components: Vec::new(),
    })
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

    /// A merchant comes, with items and shops that sell them.
    async fn found(&mut self, shops: Vec<Arc<Shop>>) -> anyhow::Result<()> {
        let app = self.processes[0].app.clone();
        let number = self.merchants.len();
        let american = shops.iter().any(|shop| shop.kind.fba);
        let (organization, key) = app
            .create_organization(NewOrganization {
                name: Name::parse(&format!("Merchant {number}"))?,
                base_currency: if american { "USD" } else { "EUR" }.parse()?,
                country: if american { "US" } else { "DE" }.to_owned(),
                time_zone: if american { "America/New_York" } else { "Europe/Berlin" }.to_owned(),
                privacy_policy_starts_at: None,
            })
            .await?;
        let key = key.secret.expose_secret().to_owned();
        // Where a channel collects taxes itself.
        let taxes = OrganizationPatch { taxes_enabled: Some(true), ..OrganizationPatch::default() };
        app.change_organization(&organization.id, None, &taxes).await?;
        let primary = organization.primary_location_id.clone();
        let store = NewLocation {
            name: Name::parse("Back store")?,
            kind: LocationKind::Warehouse,
            address: None,
            is_primary: false,
        };
        let back = app.create_location(&organization.id, store).await?.id;
        let mut at_amazon = None;
        if american {
            let held = NewLocation {
                name: Name::parse("At Amazon")?,
                kind: LocationKind::Fba,
                address: None,
                is_primary: false,
            };
            let held = app.create_location(&organization.id, held).await?.id;
            self.mirror.known.entry(organization.id.clone()).or_default().apart.insert(held.clone());
            self.model.apart.insert(held.clone());
            at_amazon = Some(held);
        }
        let simple = self.chance.between(2, 3);
        let mut items: Vec<(Sku, ItemId)> = Vec::new();
        for n in 0..simple {
            let quantity = self.chance.between(0, 12);
            let new = NewItem {
                opening_stock: vec![OpeningStock {
                    location_id: primary.clone(),
                    quantity: Quantity::new(quantity)?,
                }],
                ..blank(number, n)?
            };
            let made = app.create_item(&organization.id, &setup(), new).await?;
            self.model.opening.insert((made.id.clone(), primary.clone()), quantity);
            items.push((made.sku, made.id));
        }
        // Bundles of simple items, the second also of the first bundle.
        for n in simple..simple + self.chance.weighted(&[(4, 0), (4, 1), (3, 2)]) {
            let mut parts = BTreeMap::new();
            for _ in 0..self.chance.between(1, 2) {
                let (_, part) = self.chance.pick(&items).unwrap();
                parts.insert(part.clone(), self.chance.between(1, 3));
            }
            let component = |(item, n): (&ItemId, &i64)| {
                Ok(Component { item_id: item.clone(), quantity: Quantity::new(*n)? })
            };
            let components: anyhow::Result<Vec<Component>> = parts.iter().map(component).collect();
            let new = NewItem { components: components?, ..blank(number, n)? };
            let made = app.create_item(&organization.id, &setup(), new).await?;
            let mut flat = BTreeMap::new();
            for (part, n) in parts {
                let below = self.model.bundles.get(&part).cloned();
                for (simple, each) in below.unwrap_or_else(|| BTreeMap::from([(part, 1)])) {
                    *flat.entry(simple).or_default() += n * each;
                }
            }
            self.trace.note(format_args!("{} is a bundle of {flat:?}", made.id));
            self.model.bundles.insert(made.id.clone(), flat);
            items.push((made.sku, made.id));
        }
        let mut connected = Vec::new();
        for shop in shops {
            self.stock(&shop, &items);
            let settings = SettingsPatch {
                sync_interval_minutes: Some(SyncInterval::try_from(30)?),
                import: app::connection_settings::ImportPatch { out_of_stock: Some(true), archived: None },
                ..SettingsPatch::default()
            };
            let credentials = shop.sim.credentials().into_iter();
            let new = NewConnection {
                channel: shop.kind.channel,
                name: Name::parse(&shop.host)?,
                endpoint: Some(format!("https://{}", shop.host)),
                marketplace: shop.kind.marketplaces.iter().map(|id| (*id).to_owned()).collect(),
                credentials: credentials.map(|(field, value)| (field, value.into())).collect(),
                settings,
                fba: at_amazon.clone().filter(|_| shop.kind.fba),
            };
            let connection = app.connect(&organization.id, new).await.context("connecting")?.id;
            self.trace.note(format_args!("{} is {connection}", shop.host));
            shop.sim.register_endpoint(&format!("https://hub.example/v1/webhooks/{connection}"));
            connected.push(Connected { host: shop.host.clone(), connection });
        }
        self.merchants.push(Merchant {
            locations: vec![primary, back],
            at_amazon,
            organization: organization.id,
            key,
            shops: connected,
            items,
        });
        Ok(())
    }

    /// What lies at Amazon is followed from here on.
    async fn count_held(&mut self) -> anyhow::Result<()> {
        for merchant in 0..self.merchants.len() {
            let Some(at_amazon) = self.merchants[merchant].at_amazon.clone() else { continue };
            let mut items = BTreeSet::new();
            for shop in &self.merchants[merchant].shops {
                let shop = self.shop(&shop.host).clone();
                for sold in shop.on_sale().into_iter().filter(|sold| shop.holds(sold)) {
                    let item =
                        self.item_of(&shop.host, &sold).context("goods at Amazon that are not linked")?;
                    let there = shop.sim.quantity(&sold).unwrap_or(0);
                    self.model.opening.insert((item.clone(), at_amazon.clone()), there);
                    items.insert(item);
                }
            }
            if !items.is_empty() {
                let body = json!({ "item_ids": items, "fulfilment": "fba" });
                let path = "/v1/items/mark-fulfilment";
                let id = self.begin_request(merchant, "POST", path, Some(body), None);
                self.complete(id).await?;
                for item in items {
                    let organization = self.merchants[merchant].organization.clone();
                    self.check_place(&organization, &(item, at_amazon.clone()))?;
                }
            }
        }
        Ok(())
    }

    /// Puts some of the items on sale, now and then two of them as variations of one product.
    fn stock(&self, shop: &Shop, items: &[(Sku, ItemId)]) {
        let mut sold = Vec::new();
        let mut goods: Vec<&(Sku, ItemId)> = items.iter().filter(|_| self.chance.happens(750)).collect();
        if goods.is_empty() {
            goods.extend(items.first());
        }
        let price = || "9.90".to_owned();
        let grouped = if goods.len() > 2 && !shop.kind.whole && self.chance.happens(300) {
            goods.split_off(goods.len() - 2)
        } else {
            Vec::new()
        };
        for (sku, item) in goods {
            let new = Goods {
                sku: Some(sku.as_str().to_owned()),
                title: format!("{sku} at {}", shop.host),
                price: price(),
                quantity: Some(self.chance.between(0, 12)),
                ..Goods::default()
            };
            // A bundle is packed by the merchant.
            if shop.kind.fba && !self.model.bundles.contains_key(item) && self.chance.happens(600) {
                let new = shop.sim.add_fba(new);
                shop.held.lock().unwrap().extend(new.iter().cloned());
                sold.extend(new);
            } else {
                sold.extend(shop.sim.add(new));
            }
        }
        if !grouped.is_empty() {
            let variation = |(n, (sku, _)): (usize, &&(Sku, ItemId))| Variation {
                sku: Some(sku.as_str().to_owned()),
                price: price(),
                quantity: Some(self.chance.between(0, 12)),
                attributes: vec![("Size".to_owned(), ["S", "M"][n].to_owned())],
            };
            sold.extend(shop.sim.add(Goods {
                title: format!("Group at {}", shop.host),
                price: price(),
                variations: grouped.iter().enumerate().map(variation).collect(),
                ..Goods::default()
            }));
        }
        *shop.on_sale.lock().unwrap() = sold;
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
