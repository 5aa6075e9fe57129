//! Each crate under `functions/` is a Lambda function of the template, and nothing else is.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::document::{attribute, load, pascal, properties, resources, root, text};

/// The functions in the order in which data flows, with the seconds each may have.
const FUNCTIONS: [(&str, RangeInclusive<u64>); 11] = [
    // Within its minute.
    ("schedule-dispatch", 10..=59),
    ("item-sync", 60..=300),
    ("order-import", 60..=300),
    ("amazon-notifications", 10..=60),
    // Channels hang up after 5 to 10.
    ("webhook-intake", 5..=10),
    ("stock-fanout", 10..=60),
    ("event-publish", 10..=60),
    ("stock-push", 30..=120),
    ("shipment-push", 30..=120),
    // API Gateway hangs up after 30.
    ("api", 5..=29),
    ("console", 5..=29),
];

/// `ItemSyncFunction` for `item-sync`.
pub fn logical_id(name: &str) -> String {
    format!("{}Function", pascal(name))
}

pub fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|(name, _)| *name)
}

/// Whether the function speaks to channels, and so needs the keys of our applications there.
pub fn calls_channels(name: &str) -> bool {
    !matches!(name, "schedule-dispatch" | "amazon-notifications" | "stock-fanout" | "event-publish")
}

pub fn timeout_s(template: &Value, name: &str) -> u64 {
    properties(template, &logical_id(name))["Timeout"].as_u64().unwrap()
}

#[test]
fn every_crate_is_a_function_and_every_function_a_crate() {
    let template = load();
    let folders: BTreeSet<String> = std::fs::read_dir(root().join("functions"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let deployed: BTreeSet<String> =
        resources(&template, "AWS::Serverless::Function").into_iter().map(|(id, _)| id).collect();
    assert_eq!(folders, names().map(str::to_owned).collect());
    assert_eq!(deployed, names().map(logical_id).collect());
    for name in names() {
        let properties = properties(&template, &logical_id(name));
        assert_eq!(properties["CodeUri"], format!("functions/{name}"), "{name}");
        assert_eq!(
            template["Resources"][logical_id(name)]["Metadata"],
            json!({"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": name}}),
            "{name}"
        );
    }
}

#[test]
fn the_template_is_read_in_the_order_of_the_data() {
    let text = text();
    let places: Vec<usize> =
        names().map(|name| text.find(&format!("\n  {}:", logical_id(name))).unwrap()).collect();
    assert!(places.is_sorted(), "{places:?}");
}

#[test]
fn all_run_on_arm_with_bounded_memory_and_time() {
    let template = load();
    let globals = &template["Globals"]["Function"];
    assert_eq!(globals["Runtime"], "provided.al2023");
    assert_eq!(globals["Architectures"], json!(["arm64"]));
    for (name, seconds) in FUNCTIONS {
        let properties = properties(&template, &logical_id(name));
        for inherited in ["Runtime", "Architectures", "Handler"] {
            assert_eq!(properties[inherited], Value::Null, "{name} has a {inherited} of its own");
        }
        assert!((128..=1024).contains(&properties["MemorySize"].as_u64().unwrap()), "{name}");
        assert!(seconds.contains(&timeout_s(&template, name)), "{name}");
    }
}

#[test]
fn each_logs_to_a_group_of_its_own_that_forgets() {
    let template = load();
    for name in names() {
        let group = format!("{}Logs", pascal(name));
        let logging = &properties(&template, &logical_id(name))["LoggingConfig"];
        assert_eq!(logging["LogGroup"], json!({"Ref": group}), "{name}");
        let group = properties(&template, &group);
        assert_eq!(
            group["LogGroupName"],
            json!({"Fn::Sub": format!("/masterstock/${{AWS::StackName}}/{name}")})
        );
        assert_eq!(group["RetentionInDays"], json!({"Ref": "LogRetentionDays"}), "{name}");
    }
}

#[test]
fn the_schedule_ticks_every_minute() {
    let events = &properties(&load(), &logical_id("schedule-dispatch"))["Events"];
    let ticks: Vec<&Value> = events.as_object().unwrap().values().collect();
    assert_eq!(ticks.len(), 1);
    assert_eq!(ticks[0]["Type"], "Schedule");
    assert_eq!(ticks[0]["Properties"]["Schedule"], "rate(1 minute)");
}

#[test]
fn each_has_a_role_of_its_own() {
    let template = load();
    for name in names() {
        let role = attribute(&format!("{}Role", pascal(name)), "Arn");
        assert_eq!(properties(&template, &logical_id(name))["Role"], role, "{name}");
    }
    // And what moves their aliases.
    assert_eq!(resources(&template, "AWS::IAM::Role").len(), FUNCTIONS.len() + 1);
}
