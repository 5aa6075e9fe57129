//! The variables that the template sets are those that the code reads.

use std::collections::BTreeSet;

use aws::config::{VARIABLES, queue_variable};
use domain::ChannelKind;
use serde_json::{Value, json};

use crate::document::{load, pascal, properties};
use crate::function::{calls_channels, logical_id, names};
use crate::queue::{all, condition, stem};

const OPERATOR_KEY_SECRET: &str = "OPERATOR_KEY_SECRET";
const APPLICATION_KEYS_SECRET: &str = "APPLICATION_KEYS_SECRET";
const EVENT_BUS: &str = "EVENT_BUS";

fn keys(variables: &Value) -> BTreeSet<String> {
    variables.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

#[test]
fn variables_are_those_that_are_read() {
    let template = load();
    let set = keys(&template["Globals"]["Function"]["Environment"]["Variables"]);
    let read: BTreeSet<String> = VARIABLES
        .into_iter()
        .filter(|name| ![OPERATOR_KEY_SECRET, APPLICATION_KEYS_SECRET, EVENT_BUS].contains(name))
        .map(str::to_owned)
        .chain(all().map(queue_variable))
        .collect();
    assert_eq!(set, read);
}

#[test]
fn each_is_told_only_what_it_needs_of_secrets_and_buses() {
    let template = load();
    for name in names() {
        let own = properties(&template, &logical_id(name))["Environment"]["Variables"].clone();
        let keys = json!({"Fn::If": [
            "HasApplications", {"Ref": "ApplicationKeysSecret"}, {"Ref": "AWS::NoValue"}
        ]});
        let expected = match name {
            "api" => json!({APPLICATION_KEYS_SECRET: keys, OPERATOR_KEY_SECRET: {"Ref": "OperatorKey"}}),
            "event-publish" => json!({EVENT_BUS: {"Ref": "EventBus"}}),
            _ if calls_channels(name) => json!({APPLICATION_KEYS_SECRET: keys}),
            _ => Value::Null,
        };
        assert_eq!(own, expected, "{name}");
    }
}

#[test]
fn each_queue_variable_has_its_own_queue_while_its_channel_is_enabled() {
    let template = load();
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    for name in all() {
        assert_eq!(
            variables[queue_variable(name)],
            json!({"Fn::If": [
                condition(name.channel), {"Ref": format!("{}Queue", stem(name))}, {"Ref": "AWS::NoValue"}
            ]}),
            "{name}"
        );
    }
}

#[test]
fn the_enabled_channels_are_named_as_the_code_names_them() {
    let template = load();
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    let named: Vec<Value> = ChannelKind::ALL
        .into_iter()
        .map(|channel| json!({"Fn::If": [condition(channel), channel.as_str(), {"Ref": "AWS::NoValue"}]}))
        .collect();
    assert_eq!(variables["ENABLED_CHANNELS"], json!({"Fn::Join": [",", named]}));
}

#[test]
fn parameters_have_no_channel_that_the_code_has_not() {
    let template = load();
    let there: BTreeSet<String> =
        keys(&template["Parameters"]).into_iter().filter(|name| name.starts_with("Enable")).collect();
    let known = ChannelKind::ALL.into_iter().map(|channel| format!("Enable{}", pascal(channel.as_str())));
    assert_eq!(there, known.collect());
}

#[test]
fn e1_amazon_s_countries_are_those_of_the_code_unless_told_otherwise() {
    let template = load();
    let default = template["Parameters"]["AmazonMarketplaces"]["Default"].as_str().unwrap();
    assert_eq!(default.parse(), Ok(channels::Editions::default()));
    let variables = &template["Globals"]["Function"]["Environment"]["Variables"];
    assert_eq!(variables["AMAZON_MARKETPLACES"], json!({"Ref": "AmazonMarketplaces"}));
}

#[test]
fn every_log_level_that_can_be_chosen_can_be_read() {
    for level in load()["Parameters"]["LogLevel"]["AllowedValues"].as_array().unwrap() {
        assert!(level.as_str().unwrap().parse::<aws::telemetry::LogLevel>().is_ok(), "{level}");
    }
}
