//! Each function's role has what the function does, by name.

use std::collections::{BTreeMap, BTreeSet};

use queue::Work;
use serde_json::{Value, json};
use store::table::MAIN;

use crate::document::{attribute, load, pascal, properties, resources};
use crate::function::{calls_channels, names};
use crate::queue::{all, condition, stem};

/// The statements of a function's role: action to resources.
fn grants(template: &Value, name: &str) -> BTreeMap<String, Vec<Value>> {
    let role = properties(template, &format!("{}Role", pascal(name)));
    let mut grants = BTreeMap::<String, Vec<Value>>::new();
    for policy in role["Policies"].as_array().unwrap() {
        for statement in policy["PolicyDocument"]["Statement"].as_array().unwrap() {
            // One that depends on a condition: as it is where it holds.
            let statement = statement["Fn::If"].get(1).unwrap_or(statement);
            assert_eq!(statement["Effect"], "Allow", "{name}");
            for action in statement["Action"].as_array().unwrap() {
                let resources = statement["Resource"].as_array().unwrap().iter().cloned();
                grants.entry(action.as_str().unwrap().to_owned()).or_default().extend(resources);
            }
        }
    }
    grants
}

/// The roles of the functions, by logical id.
fn roles(template: &Value) -> Vec<(String, Value)> {
    let mut roles = resources(template, "AWS::IAM::Role");
    roles.retain(|(id, _)| id != "DeploymentRole");
    roles
}

/// As a role names the queues of a kind of work.
fn queues(works: &[Work]) -> BTreeSet<String> {
    ends_of(works, "Queue")
}

/// As a role names the queues of a kind of work, or their dead letters.
fn ends_of(works: &[Work], end: &str) -> BTreeSet<String> {
    all()
        .filter(|name| works.contains(&name.work))
        .map(|name| {
            let arn = attribute(&format!("{}{end}", stem(name)), "Arn");
            json!({"Fn::If": [condition(name.channel), arn, {"Ref": "AWS::NoValue"}]}).to_string()
        })
        .collect()
}

fn as_set(resources: Option<&Vec<Value>>) -> BTreeSet<String> {
    resources.into_iter().flatten().map(Value::to_string).collect()
}

/// Whether the table's stream starts the function.
fn reads_stream(name: &str) -> bool {
    matches!(name, "stock-fanout" | "event-publish")
}

#[test]
fn one_function_tells_events_and_on_our_bus_only() {
    let template = load();
    for name in names() {
        let bus = vec![attribute("EventBus", "Arn")];
        let expected = (name == "event-publish").then_some(&bus);
        assert_eq!(grants(&template, name).get("events:PutEvents"), expected, "{name}");
    }
}

#[test]
fn no_role_reaches_beyond_named_resources() {
    let template = load();
    for (id, role) in roles(&template) {
        assert_eq!(role["Properties"]["ManagedPolicyArns"], Value::Null, "{id}");
        let policies = role["Properties"]["Policies"].to_string();
        assert!(!policies.contains('*'), "{id} has a wildcard: {policies}");
        assert!(!policies.contains("NotAction") && !policies.contains("NotResource"), "{id}");
    }
    for kind in ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"] {
        assert!(resources(&template, kind).is_empty(), "{kind}");
    }
}

#[test]
fn only_lambda_takes_the_roles() {
    for (id, role) in roles(&load()) {
        assert_eq!(
            role["Properties"]["AssumeRolePolicyDocument"]["Statement"],
            json!([{
                "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"
            }]),
            "{id}"
        );
    }
}

#[test]
fn each_writes_to_its_own_log_only() {
    let template = load();
    for name in names() {
        let grants = grants(&template, name);
        let group = vec![attribute(&format!("{}Logs", pascal(name)), "Arn")];
        for action in ["logs:CreateLogStream", "logs:PutLogEvents"] {
            assert_eq!(grants.get(action), Some(&group), "{name}");
        }
    }
}

#[test]
fn each_takes_from_its_own_queues_and_sends_onwards_only() {
    use Work::{ItemSync, OrderImport, ShipmentPush, StockPush};
    let template = load();
    let table: [(&str, &[Work], &[Work]); 11] = [
        ("schedule-dispatch", &[], &[ItemSync, OrderImport, StockPush, ShipmentPush]),
        ("item-sync", &[ItemSync], &[ItemSync]),
        ("order-import", &[OrderImport], &[OrderImport, StockPush, ShipmentPush]),
        ("amazon-notifications", &[], &[ItemSync, OrderImport]),
        ("webhook-intake", &[], &[ItemSync, OrderImport]),
        ("stock-fanout", &[], &[StockPush]),
        ("event-publish", &[], &[]),
        ("stock-push", &[StockPush], &[StockPush]),
        ("shipment-push", &[ShipmentPush], &[ShipmentPush]),
        ("api", &[], &[ItemSync, OrderImport, StockPush, ShipmentPush]),
        ("console", &[], &[ItemSync, OrderImport, StockPush, ShipmentPush]),
    ];
    for (name, takes, sends) in table {
        let grants = grants(&template, name);
        // What is given up is listed and put back by people alone.
        let dead = if name == "api" { ends_of(&Work::ALL, "DeadLetters") } else { BTreeSet::new() };
        let (mut takes, mut sends) = (queues(takes), queues(sends));
        if name == "amazon-notifications" {
            // Of queues that exist only while Amazon is enabled, in statements that do.
            takes = BTreeSet::from([attribute("AmazonNotificationsQueue", "Arn").to_string()]);
            let amazon = ["ItemSyncAmazonQueue", "OrderImportAmazonQueue"];
            sends = amazon.map(|id| attribute(id, "Arn").to_string()).into();
        }
        let looks = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"];
        for action in looks {
            let taken = takes.union(&dead).cloned().collect();
            assert_eq!(as_set(grants.get(action)), taken, "{name} {action}");
        }
        assert_eq!(as_set(grants.get("sqs:GetQueueAttributes")), takes, "{name}");
        if reads_stream(name) {
            sends.insert(attribute(&format!("{}DeadLetters", pascal(name)), "Arn").to_string());
        }
        assert_eq!(as_set(grants.get("sqs:SendMessage")), sends, "{name}");
    }
}

#[test]
fn who_needs_no_secret_can_open_none() {
    let template = load();
    for name in names() {
        let grants = grants(&template, name);
        let can = |action: &str| grants.contains_key(action);
        let personal = attribute("PersonalTable", "Arn").to_string();
        let secrets = as_set(grants.get("secretsmanager:GetSecretValue"));
        let keys: BTreeSet<String> = [json!({"Ref": "ApplicationKeysSecret"}).to_string()].into();
        let expected = if calls_channels(name) { keys } else { BTreeSet::new() };
        let operator = json!({"Ref": "OperatorKey"}).to_string();
        let others: BTreeSet<String> = secrets.iter().filter(|one| **one != operator).cloned().collect();
        assert_eq!(others, expected, "{name}");
        let buyers = grants.iter().filter(|(_, on)| as_set(Some(on)).contains(&personal)).count() > 0;
        // (opens seals, makes seals, touches buyers' data, reads the operator's key)
        let expected = match name {
            // Deletes what has expired, and can open none of it.
            "schedule-dispatch" => (false, false, true, false),
            "stock-fanout" | "event-publish" => (false, false, false, false),
            "amazon-notifications" => (false, false, false, false),
            "webhook-intake" => (true, false, false, false),
            "item-sync" => (true, true, false, false),
            "order-import" | "stock-push" | "shipment-push" => (true, true, true, false),
            "console" => (true, true, true, false),
            _ => (true, true, true, true),
        };
        let found = (can("kms:Decrypt"), can("kms:GenerateDataKey"), buyers, secrets.contains(&operator));
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn each_does_to_the_tables_what_its_use_cases_do() {
    const SYNC: [&str; 6] = ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"];
    const ALL: [&str; 7] =
        ["GetItem", "BatchGetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem"];
    const BUYERS: [&str; 4] = ["GetItem", "PutItem", "UpdateItem", "DeleteItem"];
    let template = load();
    // A write whose answer was lost is looked into, so whoever writes reads. Only linking demands that another row (the
    // item) stands: it happens in item syncs and by a person. (main table, its index, personal table)
    let table: [(&str, [&[&str]; 3]); 11] = [
        (
            "schedule-dispatch",
            [
                &["BatchGetItem", "GetItem", "PutItem", "Query", "UpdateItem"],
                &["Query"],
                &["DeleteItem", "Query", "UpdateItem"],
            ],
        ),
        ("item-sync", [&ALL, &[], &[]]),
        ("order-import", [&SYNC, &[], &BUYERS]),
        ("amazon-notifications", [&["GetItem", "PutItem", "Query", "UpdateItem"], &[], &[]]),
        ("webhook-intake", [&["GetItem", "PutItem", "UpdateItem"], &[], &[]]),
        ("stock-fanout", [&["DeleteItem", "GetItem", "PutItem", "Query"], &[], &[]]),
        ("event-publish", [&[], &[], &[]]),
        ("stock-push", [&SYNC, &["Query"], &BUYERS]),
        (
            "shipment-push",
            [
                &["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"],
                &[],
                // Asks Amazon to send goods to a buyer; an order that is over by it ends.
                &["GetItem", "UpdateItem"],
            ],
        ),
        ("api", [&ALL, &["Query"], &["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem"]]),
        ("console", [&ALL, &["Query"], &["GetItem", "UpdateItem"]]),
    ];
    let index = json!({"Fn::Sub": format!("${{MainTable.Arn}}/index/{}", MAIN.index.unwrap().name)});
    for (name, [main, on_index, personal]) in table {
        let grants = grants(&template, name);
        let granted = |resource: &Value| -> BTreeSet<String> {
            let on = grants.iter().filter(|(_, resources)| resources.contains(resource));
            on.map(|(action, _)| action.strip_prefix("dynamodb:").unwrap().to_owned()).collect()
        };
        let expected = |actions: &[&str]| actions.iter().map(|&action| action.to_owned()).collect();
        assert_eq!(granted(&attribute("MainTable", "Arn")), expected(main), "{name}, main table");
        assert_eq!(granted(&index), expected(on_index), "{name}, index");
        assert_eq!(granted(&attribute("PersonalTable", "Arn")), expected(personal), "{name}, personal table");
        let stream = granted(&attribute("MainTable", "StreamArn"));
        let reader = ["DescribeStream", "GetRecords", "GetShardIterator", "ListStreams"];
        assert_eq!(stream, expected(if reads_stream(name) { &reader } else { &[] }), "{name}, stream");
    }
}
