//! A channel asks by `GET` whether the address is ours, and is answered where it may ask.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use app::connection::NewConnection;
use app::connection_settings::SettingsPatch;
use app::organization::NewOrganization;
use app::{App, Clock, Ids, Settings};
use async_trait::async_trait;
use axum::body::Body;
use bytes::Bytes;
use channels::Transport;
use channels::transport::TransportError;
use domain::{ChannelKind, Name, Timestamp};
use engine::{Engine, EngineFaults};
use http::{Request, Response, StatusCode};
use marketplace_sim::SimulatedShop;
use marketplace_sim::ebay::{EbayShop, Options};
use queue::local::LocalQueue;
use store::{Sealer, Store, Tables};
use tower::ServiceExt as _;

struct Still(Timestamp);

#[async_trait]
impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0
    }

    async fn sleep(&self, _length: Duration) {}
}

struct Direct(Arc<EbayShop>);

#[async_trait]
impl Transport for Direct {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        Ok(self.0.handle(request))
    }
}

async fn asked(app: &App, path: &str) -> (StatusCode, String) {
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    let response = webhook_intake::router(app.clone()).oneshot(request).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn the_connection_s_own_address_is_confirmed_and_nothing_else_is() {
    let now: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    let shop = Arc::new(EbayShop::new(Options::new(Arc::new(move || now))));
    let tables = Tables { main: "main".to_owned(), personal: "personal".to_owned() };
    let client = Engine::memory().unwrap().client_with(&EngineFaults::default());
    let store = Store::new(client, tables, Sealer::local([7; 32]));
    store.create_tables().await.unwrap();
    let queue = LocalQueue::in_memory(Arc::new(move || now), NonZeroU32::new(5).unwrap()).unwrap();
    let ids = Ids::from_fn(|_| uuid::Uuid::new_v4());
    let public_url = Some("https://hub.example/".parse().unwrap());
    let settings = Settings { public_url, ..Settings::default() };
    let app =
        App::new(store, Arc::new(queue), Arc::new(Direct(shop.clone())), Arc::new(Still(now)), ids, settings);
    let new = NewOrganization {
        name: Name::parse("Outfitters").unwrap(),
        base_currency: "EUR".parse().unwrap(),
        country: "DE".to_owned(),
        time_zone: "Europe/Berlin".to_owned(),
        privacy_policy_starts_at: None,
    };
    let (organization, _) = app.create_organization(new).await.unwrap();
    let new = NewConnection {
        channel: ChannelKind::Ebay,
        name: Name::parse("On eBay").unwrap(),
        endpoint: None,
        marketplace: vec!["EBAY_DE".to_owned()],
        credentials: shop.credentials().into_iter().map(|(field, value)| (field, value.into())).collect(),
        settings: SettingsPatch::default(),
        fba: None,
    };
    let connection = app.connect(&organization.id, new).await.unwrap();
    let path = format!("/v1/webhooks/{}", connection.id);

    let (status, body) = asked(&app, &format!("{path}?challenge_code=71745723-d031")).await;
    assert_eq!(status, StatusCode::OK);
    let secret = app.store.webhook_secret(&organization.id, &connection.id).await.unwrap().unwrap();
    let callback = format!("https://hub.example{path}").parse().unwrap();
    let adapter = channels::adapter(ChannelKind::Ebay);
    let expected = adapter.answer_challenge(&secret, &callback, "challenge_code=71745723-d031").unwrap();
    assert_eq!(body, expected);

    for other in
        [path.as_str(), "/v1/webhooks/con_nobody?challenge_code=1", "/v1/webhooks/rubbish?challenge_code=1"]
    {
        assert_eq!(asked(&app, other).await.0, StatusCode::NOT_FOUND, "{other}");
    }
}
