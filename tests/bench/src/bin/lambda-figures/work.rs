//! The first piece of work of each function, of which it must ask AWS something.

use anyhow::Context;
use aws::event::StreamEvent;
use bench::{BenchClock, Wire, World};
use domain::{ConnectionId, OrganizationId, SyncId};
use queue::message::{Message, Task};
use queue::{QueueName, Work};
use serde_json::{Value, json};

/// What stands in the table's stream once an item is made with its opening stock.
pub fn stream() -> anyhow::Result<StreamEvent> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let wire = Wire::new(|_| unreachable!("no shop is called"));
        let world = World::new(BenchClock::default(), wire).await?;
        world.item(1, 5).await?;
        world.stream()
    })
}

/// The event that starts the function.
pub fn first(function: &str, stream: &StreamEvent) -> anyhow::Result<String> {
    let event = match function {
        "schedule-dispatch" => json!({ "time": "2026-01-01T00:00:00Z" }),
        "stock-fanout" | "event-publish" => serde_json::to_value(stream)?,
        "api" => http("GET", "/v1/items", json!({ "authorization": "Bearer a-key-that-nobody-has" })),
        "console" => http("GET", "/", json!({ "cookie": "session=a-session-that-nobody-has" })),
        "webhook-intake" => http("POST", "/v1/webhooks/con_1", json!({})),
        "amazon-notifications" => {
            let told = json!({
                "NotificationType": "ORDER_CHANGE",
                "Payload": {"OrderChangeNotification": {"SellerId": "A3TH9S8BH6GOGM", "AmazonOrderId": "1"}},
            });
            let arn = "arn:aws:sqs:eu-central-1:123456789012:amazon-notifications";
            messages(arn, &told.to_string())
        }
        _ => {
            let queue: QueueName = format!("{function}-shopify")
                .parse()
                .ok()
                .with_context(|| format!("no work is known for {function}"))?;
            let arn = format!("arn:aws:sqs:eu-central-1:123456789012:{queue}.fifo");
            messages(&arn, &message(queue.work)?)
        }
    };
    Ok(event.to_string())
}

fn message(work: Work) -> anyhow::Result<String> {
    let sync_id: SyncId = "syn_1".parse()?;
    let task = match work {
        Work::ItemSync => Task::SyncItems { sync_id },
        Work::OrderImport => Task::SyncOrders { sync_id },
        Work::StockPush => Task::SweepStock { sync_id },
        Work::ShipmentPush => Task::PushShipments,
    };
    let organization: OrganizationId = "org_1".parse()?;
    let connection: ConnectionId = "con_1".parse()?;
    Ok(Message::new(organization, connection, task).encode()?)
}

fn messages(arn: &str, body: &str) -> Value {
    json!({"Records": [{
        "messageId": "1", "receiptHandle": "1", "body": body, "eventSourceARN": arn,
        "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "con_1"},
    }]})
}

/// As API Gateway sends it, version 2.0.
fn http(method: &str, path: &str, headers: Value) -> Value {
    let mut headers = headers;
    headers["host"] = "stock.example".into();
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
        "requestContext": {
            "accountId": "123456789012", "apiId": "bench", "domainName": "stock.example", "domainPrefix": "stock",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1", "userAgent": "bench"},
            "requestId": "1", "routeKey": "$default", "stage": "$default",
            "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_u64,
        },
        "body": "{}", "isBase64Encoded": false,
    })
}
