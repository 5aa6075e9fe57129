//! The events that start a function, and the answers AWS expects: of each, the fields we read and nothing else.
//!
//! Names are those of the AWS documentation. Fields that we do not know are ignored, so a new one breaks nothing.

use queue::{QueueName, Received};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::image::Image;

/// Messages of one queue, in their order: at most 10 of a FIFO queue, of one or several groups. Those of another queue
/// have neither order nor group.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SqsEvent {
    #[serde(rename = "Records")]
    pub records: Vec<SqsRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsRecord {
    pub message_id: String,
    pub receipt_handle: String,
    pub body: String,
    pub attributes: SqsAttributes,
    /// Whose last part is the queue's name.
    #[serde(rename = "eventSourceARN")]
    pub event_source_arn: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct SqsAttributes {
    /// This time included.
    #[serde(serialize_with = "as_text", deserialize_with = "from_text")]
    pub approximate_receive_count: u32,
    /// `None` in a queue that is not FIFO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_group_id: Option<String>,
    /// When the message was sent, in milliseconds since 1970. The local queue does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_timestamp: Option<String>,
}

impl SqsRecord {
    /// What AWS would deliver for a message that was received from a queue of our own.
    pub fn delivered(queue: QueueName, message: Received) -> Self {
        Self {
            message_id: message.message_id,
            receipt_handle: message.receipt,
            body: message.body,
            attributes: SqsAttributes {
                approximate_receive_count: message.receive_count,
                message_group_id: Some(message.group),
                sent_timestamp: None,
            },
            event_source_arn: format!("arn:aws:sqs:local:000000000000:{queue}.fifo"),
        }
    }

    pub fn sent_at(&self) -> Option<domain::Timestamp> {
        let millis = self.attributes.sent_timestamp.as_ref()?.parse().ok()?;
        domain::Timestamp::from_millisecond(millis).ok()
    }

    /// Which of our queues the message came from; the deployment may have put its own name before the queue's.
    pub fn queue(&self) -> Option<QueueName> {
        let name = self.event_source_arn.rsplit(':').next()?.strip_suffix(".fifo")?;
        name.char_indices()
            .filter(|&(at, character)| at == 0 || character == '-')
            .find_map(|(at, _)| name.get(at..)?.trim_start_matches('-').parse().ok())
    }
}

/// The messages that were not done; all others are deleted from the queue.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SqsBatchResponse {
    pub batch_item_failures: Vec<BatchItemFailure>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchItemFailure {
    /// A queue's message id, or a stream's sequence number.
    pub item_identifier: String,
}

/// Changes of the main table, in the order in which they happened to each row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StreamEvent {
    #[serde(rename = "Records")]
    pub records: Vec<StreamRecord>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamRecord {
    #[serde(rename = "eventID")]
    pub event_id: String,
    pub event_name: ChangeKind,
    pub dynamodb: StreamChange,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ChangeKind {
    Insert,
    Modify,
    Remove,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamChange {
    pub keys: Image,
    /// Absent when the row was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_image: Option<Image>,
    /// Absent when the row was inserted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_image: Option<Image>,
    pub sequence_number: String,
}

/// The first record that was not done; AWS comes again with it and all after it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StreamBatchResponse {
    pub batch_item_failures: Vec<BatchItemFailure>,
}

impl StreamBatchResponse {
    pub fn all_done() -> Self {
        Self::default()
    }

    pub fn failed_from(record: &StreamRecord) -> Self {
        let item_identifier = record.dynamodb.sequence_number.clone();
        Self { batch_item_failures: vec![BatchItemFailure { item_identifier }] }
    }
}

/// The schedule's tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleEvent {
    /// When it was due, RFC 3339; a late delivery keeps it.
    pub time: domain::Timestamp,
}

fn as_text<S: Serializer>(number: &u32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use domain::ChannelKind;
    use queue::Work;

    use super::*;
    use crate::image::Attribute;

    /// The example of the Lambda documentation for a FIFO queue, cut to the size of a test.
    const SQS: &str = r#"{"Records":[{
        "messageId":"11d6ee51-4cc7-4302-9e22-7cd8afdaadf5","receiptHandle":"AQEB","body":"{}",
        "attributes":{"ApproximateReceiveCount":"3","SentTimestamp":"1573251510774","SequenceNumber":"18849496460467696128",
            "MessageGroupId":"con_1","SenderId":"AIDA","MessageDeduplicationId":"1","ApproximateFirstReceiveTimestamp":"1"},
        "messageAttributes":{},"md5OfBody":"e4e6","eventSource":"aws:sqs",
        "eventSourceARN":"arn:aws:sqs:eu-central-1:123456789012:prod-order-import-shopify.fifo","awsRegion":"eu-central-1"}]}"#;

    /// As the Lambda documentation has it for a table's stream.
    const STREAM: &str = r#"{"Records":[{
        "eventID":"c4ca","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb","awsRegion":"eu-central-1",
        "dynamodb":{"ApproximateCreationDateTime":1428537600,"Keys":{"pk":{"S":"p"},"sk":{"S":"s"}},
            "NewImage":{"pk":{"S":"p"},"sk":{"S":"s"},"v":{"N":"2"}},"OldImage":{"pk":{"S":"p"},"sk":{"S":"s"},"v":{"N":"1"}},
            "SequenceNumber":"4421584500000000017450439091","SizeBytes":59,"StreamViewType":"NEW_AND_OLD_IMAGES"},
        "eventSourceARN":"arn:aws:dynamodb:eu-central-1:123456789012:table/t/stream/2015-06-27T00:48:05.899"}]}"#;

    #[test]
    fn reads_what_sqs_delivers() {
        let event: SqsEvent = serde_json::from_str(SQS).unwrap();
        let record = &event.records[0];
        assert_eq!(record.attributes.approximate_receive_count, 3);
        assert_eq!(record.attributes.message_group_id.as_deref(), Some("con_1"));
        assert_eq!(
            record.queue(),
            Some(QueueName { work: Work::OrderImport, channel: ChannelKind::Shopify })
        );
        let again: SqsEvent = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(again, event);
    }

    #[test]
    fn knows_the_queue_whatever_the_deployment_is_called() {
        let record: SqsRecord = serde_json::from_str::<SqsEvent>(SQS).unwrap().records.remove(0);
        let from =
            |name: &str| SqsRecord { event_source_arn: format!("arn:aws:sqs:r:1:{name}"), ..record.clone() };
        let push = QueueName { work: Work::StockPush, channel: ChannelKind::Woocommerce };
        let cases = [
            ("stock-push-woocommerce.fifo", Some(push)),
            ("my-shop-prod-stock-push-woocommerce.fifo", Some(push)),
            ("stock-push-woocommerce-dead.fifo", None),
            ("restock-push-woocommerce.fifo", None),
            ("stock-push-woocommerce", None),
            ("", None),
        ];
        for (name, expected) in cases {
            assert_eq!(from(name).queue(), expected, "{name}");
        }
    }

    #[test]
    fn a_message_of_our_own_queue_arrives_as_from_sqs() {
        let queue = QueueName { work: Work::ItemSync, channel: ChannelKind::Shopify };
        let message = Received {
            message_id: "m".into(),
            receipt: "r".into(),
            group: "g".into(),
            body: "b".into(),
            receive_count: 2,
            sent_at: None,
        };
        let json = serde_json::to_value(SqsRecord::delivered(queue, message)).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "messageId": "m", "receiptHandle": "r", "body": "b",
                "attributes": {"ApproximateReceiveCount": "2", "MessageGroupId": "g"},
                "eventSourceARN": "arn:aws:sqs:local:000000000000:item-sync-shopify.fifo",
            })
        );
        assert_eq!(serde_json::from_value::<SqsRecord>(json).unwrap().queue(), Some(queue));
    }

    #[test]
    fn reads_what_a_stream_delivers() {
        let event: StreamEvent = serde_json::from_str(STREAM).unwrap();
        let record = &event.records[0];
        assert_eq!(record.event_name, ChangeKind::Modify);
        assert_eq!(record.dynamodb.keys["pk"], Attribute::S("p".into()));
        let version = |image: &Option<Image>| image.as_ref().and_then(|row| row["v"].number());
        assert_eq!(version(&record.dynamodb.old_image), Some(1));
        assert_eq!(version(&record.dynamodb.new_image), Some(2));
        let again: StreamEvent = serde_json::from_str(&serde_json::to_string(&event).unwrap()).unwrap();
        assert_eq!(again, event);
    }

    #[test]
    fn a_failed_stream_batch_names_its_first_failure() {
        let event: StreamEvent = serde_json::from_str(STREAM).unwrap();
        assert_eq!(
            serde_json::to_string(&StreamBatchResponse::failed_from(&event.records[0])).unwrap(),
            r#"{"batchItemFailures":[{"itemIdentifier":"4421584500000000017450439091"}]}"#
        );
        assert_eq!(
            serde_json::to_string(&StreamBatchResponse::all_done()).unwrap(),
            r#"{"batchItemFailures":[]}"#
        );
    }

    #[test]
    fn a_tick_has_its_time() {
        let json = r#"{"version":"0","id":"53dc","detail-type":"Scheduled Event","source":"aws.events","account":"1",
            "time":"2026-11-21T10:00:00Z","region":"eu-central-1","resources":[],"detail":{}}"#;
        let tick: ScheduleEvent = serde_json::from_str(json).unwrap();
        assert_eq!(tick.time, "2026-11-21T10:00:00Z".parse().unwrap());
    }
}
