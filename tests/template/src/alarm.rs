//! What wakes the operator: each alarm has its line in the runbook, each thing that can stop has its alarm.

use std::collections::{BTreeMap, BTreeSet};

use app::metric::Metric;
use domain::ChannelKind;
use queue::Work;
use serde_json::{Value, json};

use crate::document::{attribute, load, pascal, properties, resources, root};
use crate::function::{logical_id, names};
use crate::queue::{all, condition, stem};

const NAMESPACE: &str = "Masterstock/${AWS::StackName}";

fn alarms(template: &Value) -> BTreeMap<String, Value> {
    resources(template, "AWS::CloudWatch::Alarm")
        .into_iter()
        .map(|(id, alarm)| (id, alarm["Properties"].clone()))
        .collect()
}

/// The metrics that an alarm computes with: the condition each stands under, and the metric.
fn computed(alarm: &Value) -> Vec<(Option<String>, Value)> {
    let metrics = alarm["Metrics"].as_array().unwrap().iter().filter(|metric| metric["Expression"].is_null());
    metrics
        .map(|metric| match metric["Fn::If"].as_array() {
            Some(choice) => {
                assert_eq!(choice[2], json!({"Ref": "AWS::NoValue"}));
                (Some(choice[0].as_str().unwrap().to_owned()), choice[1]["MetricStat"]["Metric"].clone())
            }
            None => (None, metric["MetricStat"]["Metric"].clone()),
        })
        .collect()
}

fn dimension(metric: &Value) -> Value {
    metric["Dimensions"][0]["Value"].clone()
}

#[test]
fn every_alarm_has_its_line_in_the_runbook_and_every_line_its_alarm() {
    let runbook = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let lines: Vec<Vec<&str>> = runbook
        .lines()
        .filter(|line| line.starts_with("| `") && line.contains("Alarm`"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    for line in &lines {
        assert_eq!(line.len(), 3, "not an alarm, what it means and what to do: {line:?}");
        assert!(line.iter().all(|cell| !cell.is_empty()), "{line:?}");
    }
    let written: Vec<String> = lines.iter().map(|line| line[0].trim_matches('`').to_owned()).collect();
    let alarms = alarms(&load());
    assert_eq!(written.len(), written.iter().collect::<BTreeSet<_>>().len(), "an alarm has two lines");
    assert_eq!(written.into_iter().collect::<BTreeSet<_>>(), alarms.keys().cloned().collect());
    for (id, alarm) in alarms {
        assert_eq!(alarm["AlarmDescription"], format!("docs/operations.md: {id}"));
    }
}

#[test]
fn every_alarm_is_told_when_it_comes_and_when_it_goes() {
    let template = load();
    for (id, alarm) in alarms(&template) {
        for actions in ["AlarmActions", "OKActions"] {
            assert_eq!(alarm[actions], json!([{"Ref": "AlarmTopic"}]), "{id}");
        }
        // Silence is bad news of the schedule only.
        let missing = if id == "ScheduleSilentAlarm" { "breaching" } else { "notBreaching" };
        assert_eq!(alarm["TreatMissingData"], missing, "{id}");
        assert!(alarm["DatapointsToAlarm"].as_u64() <= alarm["EvaluationPeriods"].as_u64(), "{id}");
        // CloudWatch computes with ten metrics at most, the result among them.
        assert!(alarm["Metrics"].as_array().is_none_or(|metrics| metrics.len() <= 10), "{id}");
    }
    assert_eq!(template["Resources"]["AlarmMail"]["Condition"], "AlarmsMailed");
    assert_eq!(properties(&template, "AlarmMail")["Endpoint"], json!({"Ref": "AlarmEmail"}));
}

#[test]
fn every_queue_is_watched_for_dead_letters_and_for_age() {
    let alarms = alarms(&load());
    for work in Work::ALL {
        for (end, part, metric_name) in [
            ("DeadLettersAlarm", "DeadLetters", "ApproximateNumberOfMessagesVisible"),
            ("AgeAlarm", "Queue", "ApproximateAgeOfOldestMessage"),
        ] {
            let id = format!("{}{end}", pascal(work.as_str()));
            let watched = computed(&alarms[&id]);
            for (_, metric) in &watched {
                assert_eq!(
                    (&metric["Namespace"], &metric["MetricName"]),
                    (&json!("AWS/SQS"), &json!(metric_name)),
                    "{id}"
                );
            }
            let watched: BTreeSet<String> = watched
                .into_iter()
                .map(|(when, metric)| format!("{} {}", when.unwrap(), dimension(&metric)))
                .collect();
            let expected = all().filter(|name| name.work == work).map(|name| {
                format!(
                    "{} {}",
                    condition(name.channel),
                    attribute(&format!("{}{part}", stem(name)), "QueueName")
                )
            });
            assert_eq!(watched, expected.collect(), "{id}");
        }
    }
    for (end, part) in [("DeadLettersAlarm", "DeadLetters"), ("AgeAlarm", "Queue")] {
        let id = format!("AmazonNotifications{end}");
        let watched = attribute(&format!("AmazonNotifications{part}"), "QueueName");
        assert_eq!(dimension(&alarms[&id]), watched, "{id}");
        assert_eq!(load()["Resources"][&id]["Condition"], condition(ChannelKind::Amazon), "{id}");
    }
    for stream in ["StockFanout", "EventPublish"] {
        let alarm = &alarms[&format!("{stream}DeadLettersAlarm")];
        assert_eq!(dimension(alarm), attribute(&format!("{stream}DeadLetters"), "QueueName"));
    }
}

#[test]
fn every_function_is_watched_for_errors_and_throttles_and_the_streams_for_age() {
    let alarms = alarms(&load());
    for name in names() {
        let id = format!("{}ErrorsAlarm", logical_id(name));
        assert_eq!(alarms[&id]["Namespace"], "AWS/Lambda", "{id}");
        assert_eq!(alarms[&id]["MetricName"], "Errors", "{id}");
        // Of all versions together.
        assert_eq!(
            alarms[&id]["Dimensions"],
            json!([{"Name": "FunctionName", "Value": {"Ref": logical_id(name)}}]),
            "{id}"
        );
    }
    // CloudWatch computes with ten metrics. Of Amazon's notifications the queue's alarms tell; what the console cannot
    // answer is a 5xx of the gateway, which has its alarm.
    let every: BTreeSet<String> = names()
        .filter(|name| !["amazon-notifications", "console"].contains(name))
        .map(|name| json!({"Ref": logical_id(name)}).to_string())
        .collect();
    assert_eq!(
        alarms["ApiErrorsAlarm"]["Dimensions"],
        json!([{"Name": "ApiId", "Value": {"Ref": "HttpApi"}}])
    );
    let streams = ["stock-fanout", "event-publish"].map(|name| json!({"Ref": logical_id(name)}).to_string());
    for (id, metric_name, functions) in
        [("FunctionThrottlesAlarm", "Throttles", every), ("StreamAgeAlarm", "IteratorAge", streams.into())]
    {
        let mut watched = BTreeSet::new();
        for (_, metric) in computed(&alarms[id]) {
            assert_eq!(metric["MetricName"], metric_name, "{id}");
            watched.insert(dimension(&metric).to_string());
        }
        assert_eq!(watched, functions, "{id}");
    }
}

#[test]
fn our_own_alarms_are_of_figures_that_the_code_tells() {
    let template = load();
    let known: BTreeSet<&str> = Metric::ALL.into_iter().map(Metric::name).collect();
    for (id, alarm) in alarms(&template) {
        if alarm["Namespace"]["Fn::Sub"] == NAMESPACE {
            assert!(known.contains(alarm["MetricName"].as_str().unwrap()), "{id}");
            // A figure has no dimension; an alarm that names one would never see it.
            assert_eq!(alarm["Dimensions"], Value::Null, "{id}");
        }
    }
    let namespace = &template["Globals"]["Function"]["Environment"]["Variables"]["METRIC_NAMESPACE"];
    assert_eq!(*namespace, json!({"Fn::Sub": NAMESPACE}));
}

#[test]
fn the_dashboard_shows_every_figure() {
    let body = properties(&load(), "Dashboard")["DashboardBody"]["Fn::Sub"].as_str().unwrap().to_owned();
    let dashboard: Value = serde_json::from_str(&body).unwrap();
    let shown: BTreeSet<&str> = dashboard["widgets"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|widget| widget["properties"]["metrics"].as_array().unwrap())
        .filter(|metric| metric[0] == NAMESPACE)
        .map(|metric| metric[1].as_str().unwrap())
        .collect();
    assert_eq!(shown, Metric::ALL.into_iter().map(Metric::name).collect());
}
