//! What Amazon's queue delivers, and which connections hear of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use app::connection::{ConnectionPatch, NewConnection};
use app::connection_settings::SettingsPatch;
use app::organization::{NewOrganization, OrganizationPatch};
use app::{App, AppError, Clock, Ids, Settings};
use async_trait::async_trait;
use aws::event::SqsEvent;
use bytes::Bytes;
use channels::Transport;
use channels::transport::TransportError;
use domain::sync::Trigger;
use domain::{ChannelKind, ConnectionId, Name, OrganizationId, Timestamp};
use engine::{Engine, EngineFaults, Fault};
use http::{Request, Response};
use marketplace_sim::SimulatedShop;
use marketplace_sim::amazon::{AmazonShop, SELLER};
use queue::local::LocalQueue;
use queue::message::Task;
use queue::{Message, Queue as _, QueueName, Work};
use serde_json::{Value, json};
use store::{Sealer, Store, Tables};

const ORDERS: QueueName = QueueName { work: Work::OrderImport, channel: ChannelKind::Amazon };
const AMERICA: &str = "ATVPDKIKX0DER";
const GERMANY: &str = "A1PA6795UKMFR9";

struct Still(Timestamp);

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _length: Duration) {}
}

struct Direct(AmazonShop);

#[async_trait]
impl Transport for Direct {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        Ok(self.0.handle(request))
    }
}

/// A seller of America and Germany, connected by whoever the test says.
struct Stage {
    app: App,
    queue: Arc<LocalQueue>,
    shop: Arc<Direct>,
    faults: EngineFaults,
}

impl Stage {
    async fn new() -> Self {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
        let shop = AmazonShop::new(Arc::new(move || now), "USD").in_marketplaces(&[AMERICA, GERMANY]);
        let shop = Arc::new(Direct(shop));
        let faults = EngineFaults::default();
        let tables = Tables { main: "main".to_owned(), personal: "personal".to_owned() };
        let client = Engine::memory().unwrap().client_with(&faults);
        let store = Store::new(client, tables, Sealer::local([7; 32]));
        store.create_tables().await.unwrap();
        let queue = LocalQueue::in_memory(Arc::new(move || now), NonZeroU32::new(5).unwrap()).unwrap();
        let queue = Arc::new(queue);
        let ids = Ids::from_fn(|_| uuid::Uuid::new_v4());
        let clock = Arc::new(Still(now));
        let settings = Settings { editions: "US,DE".parse().unwrap(), ..Settings::default() };
        let app = App::new(store, queue.clone(), shop.clone(), clock, ids, settings);
        Self { app, queue, shop, faults }
    }

    async fn organization(&self) -> OrganizationId {
        let new = NewOrganization {
            name: Name::parse("Outfitters").unwrap(),
            base_currency: "USD".parse().unwrap(),
            country: "US".to_owned(),
            time_zone: "America/New_York".to_owned(),
            privacy_policy_starts_at: None,
        };
        let (organization, _) = self.app.create_organization(new).await.unwrap();
        let taxes = OrganizationPatch { taxes_enabled: Some(true), ..OrganizationPatch::default() };
        self.app.change_organization(&organization.id, None, &taxes).await.unwrap();
        organization.id
    }

    async fn connect(&self, organization: &OrganizationId, marketplace: &str) -> ConnectionId {
        let credentials = self.shop.0.credentials().into_iter();
        let new = NewConnection {
            channel: ChannelKind::Amazon,
            name: Name::parse("On Amazon").unwrap(),
            endpoint: None,
            marketplace: vec![marketplace.to_owned()],
            credentials: credentials.map(|(field, value)| (field, value.into())).collect(),
            settings: SettingsPatch::default(),
            fba: None,
        };
        self.app.connect(organization, new).await.unwrap().id
    }

    /// A batch as a queue that is not FIFO delivers it; which of them, by their place, come again.
    async fn deliver(&self, bodies: &[Value]) -> Vec<usize> {
        let record = |(at, body): (usize, &Value)| {
            json!({
                "messageId": at.to_string(), "receiptHandle": "r", "body": body.to_string(),
                "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1795262400000", "SenderId": "437568002678"},
                "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:prod-amazon-notifications",
            })
        };
        let records: Vec<Value> = bodies.iter().enumerate().map(record).collect();
        let event: SqsEvent = serde_json::from_value(json!({ "Records": records })).unwrap();
        let answer = amazon_notifications::handle(&self.app, event).await;
        answer.batch_item_failures.iter().map(|failed| failed.item_identifier.parse().unwrap()).collect()
    }

    /// Who was told to fetch which order, once each.
    async fn told(&self) -> Vec<(ConnectionId, String)> {
        let received = self.queue.receive(ORDERS, 10, Duration::from_secs(60)).await.unwrap();
        let mut told: Vec<_> = received
            .iter()
            .map(|message| {
                let message = Message::decode(&message.body).unwrap();
                let Task::FetchOrders { external_ids, trigger: Trigger::Webhook } = message.task else {
                    panic!("{message:?}");
                };
                (message.connection_id, external_ids.join(" "))
            })
            .collect();
        self.queue
            .delete(ORDERS, received.into_iter().map(|message| message.receipt).collect())
            .await
            .unwrap();
        told.sort();
        told
    }
}

fn order_change(seller: &str, order: &str) -> Value {
    json!({
        "NotificationType": "ORDER_CHANGE",
        "Payload": {"OrderChangeNotification": {"SellerId": seller, "AmazonOrderId": order}},
        "NotificationMetadata": {"NotificationId": format!("n-{order}")},
    })
}

#[tokio::test]
async fn each_connection_of_the_seller_hears_of_it_and_nobody_else() {
    let stage = Stage::new().await;
    let (first, second) = (stage.organization().await, stage.organization().await);
    let america = stage.connect(&first, AMERICA).await;
    let germany = stage.connect(&first, GERMANY).await;
    let foreign = stage.connect(&second, AMERICA).await;
    let off = stage.connect(&second, GERMANY).await;
    stage.app.disable_connection(&second, &off).await.unwrap();

    // Twice, as a queue without order may.
    let change = order_change(SELLER, "1-1");
    assert_eq!(stage.deliver(&[change.clone(), change]).await, Vec::<usize>::new());
    let told: BTreeSet<_> = stage.told().await.into_iter().collect();
    let expected = [america.clone(), germany.clone(), foreign.clone()].map(|id| (id, "1-1".to_owned()));
    assert_eq!(told, BTreeSet::from(expected));

    stage.app.delete_connection(&first, &germany, None).await.unwrap();
    stage.app.delete_connection(&second, &foreign, None).await.unwrap();
    assert_eq!(stage.deliver(&[order_change(SELLER, "1-2")]).await, Vec::<usize>::new());
    assert_eq!(stage.told().await, [(america, "1-2".to_owned())]);
}

#[tokio::test]
async fn what_concerns_nobody_is_dropped_and_what_cannot_be_read_stays() {
    let stage = Stage::new().await;
    let organization = stage.organization().await;
    let connection = stage.connect(&organization, AMERICA).await;
    let batch = [
        order_change("NOBODY", "1-1"),
        json!({"hello": 1}),
        json!({"NotificationType": "FEED_PROCESSING_FINISHED", "Payload": {}}),
        json!({
            "notificationType": "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY",
            "payload": {"applicationOAuthClientSecretExpiry": {"clientSecretExpiryTime": "2027-05-01T00:00:00Z"}},
        }),
        json!({"NotificationType": "ORDER_CHANGE", "Payload": {"OrderChangeNotification": {"AmazonOrderId": "1-2"}}}),
        order_change(SELLER, "1-3"),
    ];
    assert_eq!(stage.deliver(&batch).await, [1, 4]);
    assert_eq!(stage.told().await, [(connection, "1-3".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_queued_comes_again_alone() {
    let stage = Stage::new().await;
    let organization = stage.organization().await;
    let connection = stage.connect(&organization, AMERICA).await;
    // The store tries eight times.
    stage.faults.next("Query", 8, Fault::InternalServerError);
    let batch = [order_change(SELLER, "1-1"), order_change(SELLER, "1-2")];
    assert_eq!(stage.deliver(&batch).await, [0]);
    assert_eq!(stage.faults.pending(), 0);
    assert_eq!(stage.told().await, [(connection.clone(), "1-2".to_owned())]);
    assert_eq!(stage.deliver(&batch[..1]).await, Vec::<usize>::new());
    assert_eq!(stage.told().await, [(connection, "1-1".to_owned())]);
}

/// Its listings and orders are that seller's: another's keys would mix two shops, and take the notifications away.
#[tokio::test]
async fn a_connection_is_not_given_to_another_seller() {
    let stage = Stage::new().await;
    let organization = stage.organization().await;
    let connection = stage.connect(&organization, AMERICA).await;
    let mut keys = stage.shop.0.credentials();
    keys.insert("selling_partner_id".to_owned(), "A2OTHERSELLER".to_owned());
    let credentials = keys.into_iter().map(|(field, value)| (field, value.into())).collect();
    let patch = ConnectionPatch { credentials: Some(credentials), ..ConnectionPatch::default() };
    let refused = stage.app.change_connection(&organization, &connection, None, patch).await;
    assert!(matches!(refused, Err(AppError::Conflict { code: "another_account", .. })), "{refused:?}");
    assert_eq!(stage.deliver(&[order_change(SELLER, "1-1")]).await, Vec::<usize>::new());
    assert_eq!(stage.told().await, [(connection, "1-1".to_owned())]);
}
