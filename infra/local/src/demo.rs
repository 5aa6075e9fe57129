//! The demo: simulated shops of one merchant that sell by themselves.
//!
//! The shops live in memory and end with the process; the hub's state does not. After a restart new shops take their
//! place, stocked with what the hub has and linked by SKU.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use app::Clock;
use app::adjustment::{Amount, NewAdjustment, NewLine};
use app::bulk_listing::BulkAction;
use app::connection::NewConnection;
use app::connection_settings::SettingsPatch;
use app::organization::OrganizationPatch;
use domain::listing::{ListingStatus, Match};
use domain::stock::Actor;
use domain::sync::{SyncKind, Trigger};
use domain::{ChannelKind, MatchKey, Name, OrganizationId};
use marketplace_sim::amazon::AmazonShop;
use marketplace_sim::ebay::{self, EbayShop};
use marketplace_sim::etsy::EtsyShop;
use marketplace_sim::shopify::ShopifyShop;
use marketplace_sim::woocommerce::{Options, WoocommerceShop};
use marketplace_sim::{Goods, Served, SimulatedShop, Sold, serve};
use store::connection::Connection;
use store::item::ItemFilter;
use store::listing::ListingFilter;
use store::stock::Freshness;
use store::{Page, PageRequest};
use tokio::sync::watch;
use uuid::Uuid;

use crate::machine::Machine;

const PAUSE_BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// What is on sale: SKU, title, price, opening stock, and in which shops.
const GOODS: [(&str, &str, &str, i64, bool, bool); 8] = [
    ("MUG-RED", "Mug, red", "9.50", 24, true, true),
    ("MUG-BLUE", "Mug, blue", "9.50", 18, true, true),
    ("TEE-S", "Shirt, small", "19.00", 30, true, true),
    ("TEE-M", "Shirt, medium", "19.00", 30, true, true),
    ("TEE-L", "Shirt, large", "19.00", 25, true, true),
    ("BAG-01", "Canvas bag", "14.00", 12, true, false),
    ("LAMP-07", "Desk lamp", "49.00", 8, false, true),
    ("BOOK-A5", "Notebook A5", "6.00", 40, false, true),
];

struct DemoShop {
    shop: Arc<dyn SimulatedShop>,
    connection: Connection,
    on_sale: Vec<Sold>,
    _server: Served,
}

/// Sells until `stop`.
pub async fn run(
    machine: Machine,
    organization: OrganizationId,
    pause: Duration,
    mut stop: watch::Receiver<bool>,
) {
    if let Err(error) = try_run(&machine, &organization, pause, &mut stop).await {
        tracing::error!(error = %format!("{error:#}"), "the demo ended");
    }
}

async fn try_run(
    machine: &Machine,
    organization: &OrganizationId,
    pause: Duration,
    stop: &mut watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let actor = Actor::ApiKey("key_demo".to_owned());
    retire(machine, organization).await?;
    let clock = {
        let clock = machine.clock.clone();
        Arc::new(move || clock.now())
    };
    let own = Options { currency: "USD".to_owned(), ..Options::new(clock.clone()) };
    let on_ebay = ebay::Options {
        marketplace: "EBAY_US".to_owned(),
        currency: "USD".to_owned(),
        local_endpoints: true,
        ..ebay::Options::new(clock.clone())
    };
    let shops: [(ChannelKind, &str, Arc<dyn SimulatedShop>); 5] = [
        (ChannelKind::Woocommerce, "Own shop", Arc::new(WoocommerceShop::new(own))),
        (ChannelKind::Shopify, "Second shop", Arc::new(ShopifyShop::new(clock.clone()))),
        (ChannelKind::Ebay, "On eBay", Arc::new(EbayShop::new(on_ebay))),
        (ChannelKind::Amazon, "On Amazon", Arc::new(AmazonShop::new(clock.clone(), "USD"))),
        (ChannelKind::Etsy, "Craft shop", Arc::new(EtsyShop::new(clock))),
    ];
    // Amazon collects taxes itself.
    let taxes = OrganizationPatch { taxes_enabled: Some(true), ..OrganizationPatch::default() };
    machine.app.change_organization(organization, None, &taxes).await?;
    let mut open = Vec::new();
    for (kind, name, shop) in shops {
        let demo = connect(machine, organization, kind, name, shop).await?;
        if let Some(base) = &machine.app.settings.public_url {
            // What a merchant does by hand on a channel that takes no subscriptions from an application.
            let hook = base.join(&format!("v1/webhooks/{}", demo.connection.id))?;
            demo.shop.register_endpoint(hook.as_str());
        }
        first_syncs(machine, &demo.connection, stop).await?;
        confirm_unmatched(machine, organization, &demo.connection, &actor).await?;
        open.push(demo);
    }
    tracing::info!(target: "demo", "all shops are linked; from here on they sell");
    let client = reqwest::Client::new();
    let mut turn: u64 = 0;
    while !*stop.borrow() {
        turn += 1;
        act(machine, organization, &open, turn, &actor).await?;
        for demo in &open {
            deliver(machine, &client, demo.connection.channel, demo.shop.as_ref()).await;
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
    Ok(())
}

/// The connections of an earlier run, whose shops are gone.
async fn retire(machine: &Machine, organization: &OrganizationId) -> anyhow::Result<()> {
    let app = &machine.app;
    for old in app.store.connections(organization).await? {
        let filter = ListingFilter {
            status: Some(ListingStatus::Linked),
            connection_id: Some(old.id.clone()),
            ..ListingFilter::default()
        };
        loop {
            let page =
                app.store.listings(organization, &filter, &PageRequest { limit: 200, cursor: None }).await?;
            if page.data.is_empty() {
                break;
            }
            for listing in page.data {
                app.unlink_listing(organization, &listing.id).await?;
            }
        }
        app.delete_connection(organization, &old.id, None).await?;
    }
    Ok(())
}

async fn connect(
    machine: &Machine,
    organization: &OrganizationId,
    channel: ChannelKind,
    name: &str,
    shop: Arc<dyn SimulatedShop>,
) -> anyhow::Result<DemoShop> {
    let stocked = stock_of(machine, organization).await?;
    let mut on_sale = Vec::new();
    for (sku, title, price, opening, own, second) in GOODS {
        let sells = match channel {
            ChannelKind::Woocommerce => own,
            ChannelKind::Shopify => second,
            _ => own && second,
        };
        if sells {
            let quantity = stocked.get(&MatchKey::of(sku)).copied().unwrap_or(opening);
            on_sale.extend(shop.add(Goods {
                sku: Some(sku.to_owned()),
                title: title.to_owned(),
                price: price.to_owned(),
                quantity: Some(quantity.max(1)),
                ..Goods::default()
            }));
        }
    }
    let server = serve(Arc::clone(&shop), SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
    let new = NewConnection {
        channel,
        name: Name::parse(name)?,
        endpoint: Some(server.url()),
        marketplace: Vec::new(),
        credentials: shop.credentials().into_iter().map(|(field, value)| (field, value.into())).collect(),
        settings: SettingsPatch::default(),
        fba: None,
    };
    let connection =
        machine.app.connect(organization, new).await.context("the demo's shop did not connect")?;
    tracing::info!(target: "demo", shop = name, channel = %channel, address = %server.url(), "connected");
    Ok(DemoShop { shop, connection, on_sale, _server: server })
}

/// What the hub has available of each SKU.
async fn stock_of(
    machine: &Machine,
    organization: &OrganizationId,
) -> anyhow::Result<BTreeMap<MatchKey, i64>> {
    let store = &machine.app.store;
    let request = PageRequest { limit: 200, cursor: None };
    let mut stock = BTreeMap::new();
    for item in store.items(organization, &ItemFilter::default(), &request).await?.data {
        let levels = store.item_stock(organization, &item.id, Freshness::Consistent).await?.levels;
        stock.insert(item.sku.match_key(), levels.iter().map(domain::stock::Level::available).sum());
    }
    Ok(stock)
}

/// Now, and not in half an hour as for a real shop.
async fn first_syncs(
    machine: &Machine,
    connection: &Connection,
    stop: &watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let app = &machine.app;
    for kind in [SyncKind::Items, SyncKind::Orders] {
        let sync = app.start_sync(connection, kind, Trigger::Initial, None).await?;
        while !*stop.borrow() {
            let stored = app.store.sync(&connection.organization_id, &sync.id).await?;
            if stored.is_none_or(|sync| sync.state.is_finished()) {
                break;
            }
            tokio::time::sleep(PAUSE_BETWEEN_LOOKS).await;
        }
    }
    Ok(())
}

/// What a merchant would click: listings that match nothing become items.
async fn confirm_unmatched(
    machine: &Machine,
    organization: &OrganizationId,
    connection: &Connection,
    actor: &Actor,
) -> anyhow::Result<()> {
    let app = &machine.app;
    let filter = ListingFilter {
        status: Some(ListingStatus::Unconfirmed),
        found: Some(Match::Unmatched),
        connection_id: Some(connection.id.clone()),
        ..ListingFilter::default()
    };
    let request = PageRequest { limit: 200, cursor: None };
    let Page { data, .. } = app.store.listings(organization, &filter, &request).await?;
    let ids: Vec<_> = data.into_iter().map(|listing| listing.id).collect();
    let outcomes = app.bulk_listings(organization, actor, BulkAction::Confirm, &ids, None).await?;
    let confirmed = outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    tracing::info!(target: "demo", shop = connection.name.as_str(), confirmed, "unmatched listings confirmed as items");
    Ok(())
}

/// One thing that happens in a shop, or in the stockroom.
async fn act(
    machine: &Machine,
    organization: &OrganizationId,
    open: &[DemoShop],
    turn: u64,
    actor: &Actor,
) -> anyhow::Result<()> {
    let dice = Uuid::new_v4().as_u128();
    let pick = |length: usize, shift: u32| {
        usize::try_from((dice >> shift) % u128::try_from(length.max(1)).unwrap_or(1)).unwrap_or(0)
    };
    let Some(demo) = open.get(pick(open.len(), 0)) else { return Ok(()) };
    let name = demo.connection.name.as_str();
    if turn.is_multiple_of(9) {
        return restock(machine, organization, pick(GOODS.len(), 8), actor).await;
    }
    if turn.is_multiple_of(5)
        && let Some(order) = demo.shop.orders().last()
    {
        demo.shop.cancel(order);
        tracing::info!(target: "demo", shop = name, order, "a buyer cancels");
        return Ok(());
    }
    let Some(sold) = demo.on_sale.get(pick(demo.on_sale.len(), 16)) else { return Ok(()) };
    let units = u32::try_from(pick(3, 24)).unwrap_or(0) + 1;
    if demo.shop.quantity(sold).unwrap_or(0) < i64::from(units) {
        return Ok(());
    }
    let order = demo.shop.sell(&[(sold.clone(), units)]);
    tracing::info!(target: "demo", shop = name, order, units, listing = sold.external_id, "a buyer orders");
    Ok(())
}

async fn restock(
    machine: &Machine,
    organization: &OrganizationId,
    which: usize,
    actor: &Actor,
) -> anyhow::Result<()> {
    let Some((sku, ..)) = GOODS.get(which) else { return Ok(()) };
    let app = &machine.app;
    let key = MatchKey::of(sku);
    let items = app.store.items_by_sku(organization, &[key.clone()].into()).await?;
    let Some(item) = items.get(&key) else { return Ok(()) };
    let location_id = app.organization(organization).await?.primary_location_id;
    let delivery = NewAdjustment {
        location_id,
        lines: vec![NewLine { item_id: item.clone(), amount: Amount::Delta(10) }],
        reason: Some("delivery".to_owned()),
        reference: None,
        allow_negative: false,
        id: None,
    };
    app.adjust_stock(organization, actor, &delivery).await?;
    tracing::info!(target: "demo", sku, units = 10, "a delivery is put on the shelf");
    Ok(())
}

/// What the shop's webhooks would send.
pub async fn deliver(
    machine: &Machine,
    client: &reqwest::Client,
    channel: ChannelKind,
    shop: &dyn SimulatedShop,
) {
    for delivery in shop.take_deliveries() {
        // To a queue of ours, which on one machine is a call.
        if delivery.url.starts_with("arn:") {
            let taken = machine.app.take_account_notification(channel, &delivery.body).await;
            if let Err(error) = taken {
                tracing::warn!(target: "demo", %error, "a notification was not taken");
            }
            continue;
        }
        let mut request = client.post(&delivery.url).body(delivery.body.clone());
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        if let Err(error) = request.send().await {
            tracing::warn!(target: "demo", %error, "a notification was not delivered");
        }
    }
}
