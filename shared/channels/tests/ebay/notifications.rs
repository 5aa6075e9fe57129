//! Notifications: where they go, and which are believed.

use channels::ebay::Ebay;
use channels::{Channel, Hint, Notification, WebhookRefused};
use http::{HeaderMap, HeaderName};
use marketplace_sim::ebay::Options;
use marketplace_sim::{Delivery, Fault, SimulatedShop};
use secrecy::SecretString;
use url::Url;

use crate::bench::{Bench, mug};

fn secret() -> SecretString {
    SecretString::from("s3cret".to_owned())
}

fn callback(connection: u32) -> Url {
    format!("https://hub.example/v1/webhooks/con_{connection}").parse().unwrap()
}

async fn ensure(bench: &Bench, connection: u32) -> u32 {
    Ebay.ensure_webhooks(&bench.shop(), &callback(connection), &secret()).await.unwrap().restored
}

async fn read(bench: &Bench, delivery: &Delivery) -> Result<Notification, WebhookRefused> {
    let mut headers = HeaderMap::new();
    for (name, value) in &delivery.headers {
        headers.insert(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
    }
    Ebay.read_webhook(&bench.shop(), &secret(), &headers, &delivery.body).await
}

#[tokio::test]
async fn ebay_s_question_whether_the_address_is_ours_is_answered() {
    let bench = Bench::new().await;
    ensure(&bench, 1).await;
    let challenge = bench.sim.challenge().unwrap();
    let endpoint: Url = challenge.endpoint.parse().unwrap();
    assert_eq!(Ebay.answer_challenge(&secret(), &endpoint, &challenge.query), Some(challenge.answer.clone()));
    assert_ne!(Ebay.answer_challenge(&secret(), &callback(2), &challenge.query), Some(challenge.answer));
    assert_eq!(Ebay.answer_challenge(&secret(), &endpoint, "hello=1"), None);
}

#[tokio::test]
async fn an_address_that_ebay_gave_up_on_is_told_again() {
    let bench = Bench::new().await;
    assert_eq!(ensure(&bench, 1).await, 2);
    bench.sim.mark_destination_down();
    let sold = bench.sim.add(mug(1)).remove(0);
    bench.sim.sell(&[(sold.clone(), 1)]);
    assert!(bench.sim.take_deliveries().is_empty());
    ensure(&bench, 1).await;
    bench.sim.sell(&[(sold, 1)]);
    assert_eq!(bench.sim.take_deliveries().len(), 1);
}

/// eBay has one subscription to a topic for a merchant: it follows the connection's address.
#[tokio::test]
async fn a_subscription_to_another_address_is_moved() {
    let bench = Bench::new().await;
    ensure(&bench, 1).await;
    assert_eq!(ensure(&bench, 2).await, 1, "the application's own stays where it is");
    assert_eq!(ensure(&bench, 2).await, 0);
    let sold = bench.sim.add(mug(1)).remove(0);
    bench.sim.sell(&[(sold, 1)]);
    let urls: Vec<_> = bench.sim.take_deliveries().into_iter().map(|delivery| delivery.url).collect();
    assert_eq!(urls, [callback(2).to_string()]);
}

#[tokio::test]
async fn an_address_that_ebay_cannot_reach_is_refused_with_a_reason() {
    let bench = Bench::new().await;
    let local: Url = "http://127.0.0.1:3000/v1/webhooks/con_1".parse().unwrap();
    assert!(Ebay.ensure_webhooks(&bench.shop(), &local, &secret()).await.is_err());
    let lenient = Bench::with(|options| Options { local_endpoints: true, ..options }).await;
    assert_eq!(Ebay.ensure_webhooks(&lenient.shop(), &local, &secret()).await.unwrap().restored, 2);
}

#[tokio::test]
async fn each_line_of_an_order_is_told_and_leads_to_the_order() {
    let bench = Bench::new().await;
    ensure(&bench, 1).await;
    let (one, two) = (bench.sim.add(mug(1)).remove(0), bench.sim.add(mug(2)).remove(0));
    let order = bench.sim.sell(&[(one, 1), (two, 1)]);
    let deliveries = bench.sim.take_deliveries();
    assert_eq!(deliveries.len(), 2);
    let mut ids = std::collections::BTreeSet::new();
    for delivery in &deliveries {
        let notification = read(&bench, delivery).await.unwrap();
        assert_eq!(notification.hint, Hint::Orders(vec![order.clone()]));
        ids.insert(notification.delivery_id.unwrap());
    }
    assert_eq!(ids.len(), 2, "deliveries are told apart");
}

#[tokio::test]
async fn only_the_merchant_s_own_revocation_counts() {
    let mut bench = Bench::new().await;
    ensure(&bench, 1).await;
    bench.sim.revoke();
    let delivery = bench.sim.take_deliveries().remove(0);
    assert_eq!(read(&bench, &delivery).await.unwrap().hint, Hint::Revoked);
    bench.facts.insert(channels::ACCOUNT.to_owned(), "somebody else".to_owned());
    assert_eq!(read(&bench, &delivery).await.unwrap().hint, Hint::Nothing);
}

#[tokio::test]
async fn a_key_is_asked_for_once_in_an_hour_and_forgers_do_not_have_us_ask() {
    let bench = Bench::new().await;
    ensure(&bench, 1).await;
    let sold = bench.sim.add(mug(1)).remove(0);
    bench.sim.sell(&[(sold, 1)]);
    let delivery = bench.sim.take_deliveries().remove(0);
    bench.take_calls();
    for _ in 0..5 {
        assert!(read(&bench, &delivery).await.is_ok());
    }
    assert_eq!(bench.take_calls(), ["GET public_key/{id}"]);
    bench.pass(std::time::Duration::from_secs(3_601));
    assert!(read(&bench, &delivery).await.is_ok());
    assert_eq!(bench.take_calls(), ["GET public_key/{id}"]);

    let forged = |kid: &str| {
        use base64::Engine as _;
        let header =
            format!("{{\"alg\":\"ecdsa\",\"kid\":\"{kid}\",\"signature\":\"AAAA\",\"digest\":\"SHA1\"}}");
        let header = base64::engine::general_purpose::STANDARD.encode(header);
        Delivery { headers: [("x-ebay-signature".to_owned(), header)].into(), ..delivery.clone() }
    };
    for kid in ["../subscription", "", "a b", &"k".repeat(65)] {
        assert_eq!(read(&bench, &forged(kid)).await, Err(WebhookRefused::BadSignature), "{kid}");
    }
    assert!(bench.take_calls().is_empty());
    for _ in 0..3 {
        assert_eq!(read(&bench, &forged("no-such-key")).await, Err(WebhookRefused::BadSignature));
    }
    assert_eq!(bench.take_calls().len(), 1);
    let mut refused = 0;
    for number in 0..100 {
        refused += u32::from(
            read(&bench, &forged(&format!("k{number}"))).await == Err(WebhookRefused::KeyUnavailable),
        );
    }
    assert!(refused >= 85 && bench.take_calls().len() <= 15, "{refused}");
}

/// Nothing is known of the signature: the channel shall deliver again.
#[tokio::test]
async fn a_key_that_cannot_be_had_now_is_no_refusal() {
    let bench = Bench::new().await;
    ensure(&bench, 1).await;
    let sold = bench.sim.add(mug(1)).remove(0);
    bench.sim.sell(&[(sold, 1)]);
    let delivery = bench.sim.take_deliveries().remove(0);
    bench.sim.faults().push(Fault::Hang);
    assert_eq!(read(&bench, &delivery).await, Err(WebhookRefused::KeyUnavailable));
    assert!(read(&bench, &delivery).await.is_ok());
}
