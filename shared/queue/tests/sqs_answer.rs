//! What SQS answers only now and then: a batch that fails in part, a receipt that is stale, a refusal.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use domain::ChannelKind;
use queue::sqs::{QueueUrls, Sqs};
use queue::{Outgoing, Queue, QueueName, Work};
use serde_json::{Value, json};

const NAME: QueueName = QueueName { work: Work::StockPush, channel: ChannelKind::Shopify };
const DISABLED: QueueName = QueueName { work: Work::StockPush, channel: ChannelKind::Woocommerce };

/// Answers in turn, and keeps what it was asked.
#[derive(Debug, Clone)]
struct Canned {
    answers: Arc<Mutex<VecDeque<(u16, Value)>>>,
    asked: Arc<Mutex<Vec<Value>>>,
}

impl HttpConnector for Canned {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let asked = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        self.asked.lock().unwrap().push(asked);
        let (status, body) =
            self.answers.lock().unwrap().pop_front().expect("asked more often than expected");
        HttpConnectorFuture::ready(Ok(HttpResponse::new(
            status.try_into().unwrap(),
            SdkBody::from(body.to_string()),
        )))
    }
}

fn sqs(answers: impl IntoIterator<Item = (u16, Value)>) -> (Sqs, Canned) {
    let canned =
        Canned { answers: Arc::new(Mutex::new(answers.into_iter().collect())), asked: Arc::default() };
    let connector = SharedHttpConnector::new(canned.clone());
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .endpoint_url("http://sqs.invalid")
        .region(Region::new("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .http_client(http_client_fn(move |_, _| connector.clone()))
        .build();
    let urls = QueueUrls { url: "http://sqs.invalid/1/first.fifo".into(), dead_letter_url: None };
    (Sqs::new(aws_sdk_sqs::Client::from_conf(config), BTreeMap::from([(NAME, urls)])), canned)
}

fn answer(successful: &[&str], failed: &[(&str, &str, bool)]) -> (u16, Value) {
    let successful: Vec<_> =
        successful.iter().map(|id| json!({ "Id": id, "MessageId": id, "MD5OfMessageBody": "" })).collect();
    let failed: Vec<_> = failed
        .iter()
        .map(|(id, code, sender_fault)| json!({ "Id": id, "Code": code, "SenderFault": sender_fault }))
        .collect();
    (200, json!({ "Successful": successful, "Failed": failed }))
}

fn messages(bodies: &[&str]) -> Vec<Outgoing> {
    bodies
        .iter()
        .map(|body| Outgoing { group: "g".into(), deduplication_id: (*body).into(), body: (*body).into() })
        .collect()
}

/// The field of the entries of each call.
fn entries(canned: &Canned, field: &str) -> Vec<Vec<String>> {
    let asked = canned.asked.lock().unwrap();
    let of_call = |call: &Value| {
        let entries = call["Entries"].as_array().unwrap();
        entries.iter().map(|entry| entry[field].as_str().unwrap().to_owned()).collect()
    };
    asked.iter().map(of_call).collect()
}

#[tokio::test(start_paused = true)]
async fn what_failed_of_a_batch_is_sent_again() {
    let (sqs, canned) = sqs([
        answer(&["0"], &[("1", "InternalError", false), ("2", "ServiceUnavailable", false)]),
        answer(&["2"], &[("1", "InternalError", false)]),
        answer(&["1"], &[]),
    ]);
    sqs.send(NAME, messages(&["a", "b", "c"])).await.unwrap();
    assert_eq!(entries(&canned, "MessageBody"), [vec!["a", "b", "c"], vec!["b", "c"], vec!["b"]]);
    assert_eq!(entries(&canned, "MessageDeduplicationId")[2], ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_keeps_failing_is_an_error() {
    let failing = || answer(&[], &[("0", "InternalError", false)]);
    let (sqs, canned) = sqs([failing(), failing(), failing(), failing()]);
    let error = sqs.send(NAME, messages(&["a"])).await.unwrap_err();
    assert_eq!(error.to_string(), "could not send on queue stock-push-shopify");
    assert_eq!(error.source.to_string(), "1 of a batch refused, the first with InternalError");
    assert_eq!(canned.asked.lock().unwrap().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_is_our_fault_is_not_sent_again() {
    let (sqs, canned) =
        sqs([answer(&[], &[("0", "InternalError", false), ("1", "InvalidMessageContents", true)])]);
    let error = sqs.send(NAME, messages(&["a", "b"])).await.unwrap_err();
    assert_eq!(error.source.to_string(), "2 of a batch refused, the first with InvalidMessageContents");
    assert_eq!(canned.asked.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn deleting_passes_over_stale_receipts_and_repeats_the_rest() {
    let (sqs, canned) = sqs([
        answer(&["0"], &[("1", "ReceiptHandleIsInvalid", true), ("2", "InternalError", false)]),
        answer(&["2"], &[]),
    ]);
    sqs.delete(NAME, vec!["x".into(), "y".into(), "z".into()]).await.unwrap();
    assert_eq!(entries(&canned, "ReceiptHandle"), [vec!["x", "y", "z"], vec!["z"]]);
}

#[tokio::test(start_paused = true)]
async fn changing_the_visibility_passes_over_a_stale_receipt_only() {
    let expired = "Value abc for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.";
    let cases = [
        (400, json!({ "__type": "com.amazonaws.sqs#ReceiptHandleIsInvalid", "message": "no" }), true),
        (400, json!({ "__type": "com.amazonaws.sqs#MessageNotInflight", "message": "no" }), true),
        (400, json!({ "__type": "com.amazonaws.sqs#InvalidParameterValue", "message": expired }), true),
        (400, json!({ "__type": "com.amazonaws.sqs#InvalidParameterValue", "message": "other" }), false),
        (403, json!({ "__type": "com.amazonaws.sqs#AccessDenied", "message": "no" }), false),
    ];
    for (status, body, passed) in cases {
        let (sqs, _) = sqs([(status, body.clone())]);
        let changed = sqs.change_visibility(NAME, "x", Duration::ZERO).await;
        assert_eq!(changed.is_ok(), passed, "{body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_without_its_group_is_an_error_not_a_guess() {
    let message = json!({ "MessageId": "1", "ReceiptHandle": "r", "Body": "b", "Attributes": {
        "MessageGroupId": "g", "ApproximateReceiveCount": "2"
    } });
    for attribute in ["MessageGroupId", "ApproximateReceiveCount"] {
        let mut without = message.clone();
        without["Attributes"].as_object_mut().unwrap().remove(attribute);
        let (sqs, _) = sqs([(200, json!({ "Messages": [without] }))]);
        assert!(sqs.receive(NAME, 1, Duration::ZERO).await.is_err(), "{attribute}");
    }
    let (sqs, canned) = sqs([(200, json!({ "Messages": [message] })), (200, json!({}))]);
    let received = sqs.receive(NAME, 3, Duration::from_millis(1_500)).await.unwrap();
    assert_eq!((received[0].group.as_str(), received[0].receive_count), ("g", 2));
    assert_eq!(sqs.receive(NAME, 3, Duration::ZERO).await.unwrap(), []);
    let asked = canned.asked.lock().unwrap();
    assert_eq!((&asked[0]["MaxNumberOfMessages"], &asked[0]["VisibilityTimeout"]), (&json!(3), &json!(2)));
}

#[tokio::test]
async fn a_queue_that_is_not_configured_is_an_error() {
    let (sqs, _) = sqs([]);
    assert!(sqs.send(DISABLED, messages(&["a"])).await.is_err());
    assert!(sqs.receive(DISABLED, 1, Duration::ZERO).await.is_err());
    assert!(sqs.delete(DISABLED, vec!["x".into()]).await.is_err());
    assert!(sqs.change_visibility(DISABLED, "x", Duration::ZERO).await.is_err());
    assert!(sqs.dead_letters(DISABLED, 1).await.is_err());
    assert!(sqs.dead_letters(NAME, 1).await.is_err());
}
