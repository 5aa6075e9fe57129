//! A queue, its dead letters and its trigger for each kind of work of each channel.

use std::collections::BTreeSet;

use app::work::Attempt;
use domain::ChannelKind;
use queue::{QueueName, Work};
use serde_json::{Value, json};

use crate::document::{attribute, load, pascal, properties, resources};
use crate::function::timeout_s;
use crate::release::alias;

/// `ItemSyncShopify`: what the logical ids of a queue begin with.
pub fn stem(name: QueueName) -> String {
    pascal(&name.to_string())
}

/// `ShopifyEnabled`.
pub fn condition(channel: ChannelKind) -> String {
    format!("{}Enabled", pascal(channel.as_str()))
}

pub fn all() -> impl Iterator<Item = QueueName> {
    Work::ALL
        .into_iter()
        .flat_map(|work| ChannelKind::ALL.into_iter().map(move |channel| QueueName { work, channel }))
}

#[test]
fn there_are_queues_for_all_work_of_all_channels_and_no_others() {
    let template = load();
    let there: BTreeSet<String> =
        resources(&template, "AWS::SQS::Queue").into_iter().map(|(id, _)| id).collect();
    let mut expected: BTreeSet<String> = all()
        .flat_map(|name| [format!("{}Queue", stem(name)), format!("{}DeadLetters", stem(name))])
        .collect();
    expected.extend(["StockFanoutDeadLetters".into(), "EventPublishDeadLetters".into()]);
    expected.extend(["AmazonNotificationsQueue".into(), "AmazonNotificationsDeadLetters".into()]);
    assert_eq!(there, expected);
}

#[test]
fn a_queue_exists_only_while_its_channel_is_enabled() {
    let template = load();
    for name in all() {
        for part in ["Queue", "DeadLetters", "Trigger"] {
            let resource = &template["Resources"][format!("{}{part}", stem(name))];
            assert_eq!(resource["Condition"], condition(name.channel), "{name} {part}");
        }
    }
    for channel in ChannelKind::ALL {
        let parameter = format!("Enable{}", pascal(channel.as_str()));
        assert_eq!(
            template["Conditions"][condition(channel)],
            json!({"Fn::Equals": [{"Ref": parameter}, "true"]})
        );
        assert_eq!(template["Parameters"][&parameter]["AllowedValues"], json!(["true", "false"]));
    }
}

#[test]
fn queues_keep_order_and_give_up_into_dead_letters() {
    let template = load();
    for name in all() {
        let queue = properties(&template, &format!("{}Queue", stem(name)));
        let dead = properties(&template, &format!("{}DeadLetters", stem(name)));
        for (part, end) in [(&queue, ""), (&dead, "-dead")] {
            assert_eq!(
                part["QueueName"],
                json!({"Fn::Sub": format!("${{AWS::StackName}}-{name}{end}.fifo")})
            );
            assert_eq!(part["FifoQueue"], true, "{name}{end}");
            assert_eq!(part["SqsManagedSseEnabled"], true, "{name}{end}");
            // 14 days, the longest there is.
            assert_eq!(part["MessageRetentionPeriod"], 1_209_600, "{name}{end}");
        }
        let redrive = &queue["RedrivePolicy"];
        assert_eq!(redrive["deadLetterTargetArn"], attribute(&format!("{}DeadLetters", stem(name)), "Arn"));
        assert!(
            redrive["maxReceiveCount"].as_u64().unwrap() > u64::from(Attempt::GIVE_UP_RECEIVES),
            "{name}: a message would die before the code gives it up where the merchant sees it"
        );
        assert_eq!(dead["RedrivePolicy"], Value::Null, "{name}");
    }
}

#[test]
fn a_message_stays_hidden_for_six_runs() {
    let template = load();
    for name in all() {
        let visibility_s =
            properties(&template, &format!("{}Queue", stem(name)))["VisibilityTimeout"].as_u64();
        let run_s = timeout_s(&template, name.work.as_str());
        assert!(visibility_s.unwrap() >= 6 * run_s, "{name}");
    }
}

#[test]
fn a_run_has_time_for_its_work_and_one_call_more() {
    let template = load();
    for work in Work::ALL {
        let needed = aws::worker::WORK_MAX + channels::network::TIMEOUT;
        assert!(timeout_s(&template, work.as_str()) > needed.as_secs(), "{}", work.as_str());
    }
}

#[test]
fn each_queue_triggers_its_function() {
    let template = load();
    for name in all() {
        let trigger = properties(&template, &format!("{}Trigger", stem(name)));
        assert_eq!(trigger["FunctionName"], alias(name.work.as_str()), "{name}");
        assert_eq!(trigger["EventSourceArn"], attribute(&format!("{}Queue", stem(name)), "Arn"), "{name}");
        // 10 is the most of a FIFO queue, 2 the least concurrency that can be set.
        assert!((1..=10).contains(&trigger["BatchSize"].as_u64().unwrap()), "{name}");
        let concurrency = trigger["ScalingConfig"]["MaximumConcurrency"].as_u64().unwrap();
        assert!((2..=1000).contains(&concurrency), "{name}");
    }
}

#[test]
fn every_trigger_takes_partial_failure() {
    let triggers = resources(&load(), "AWS::Lambda::EventSourceMapping");
    // Beside the queues' own the table's stream has two, and Amazon's notifications one.
    assert_eq!(triggers.len(), all().count() + 3);
    for (id, trigger) in triggers {
        let answers = &trigger["Properties"]["FunctionResponseTypes"];
        assert_eq!(*answers, json!(["ReportBatchItemFailures"]), "{id}");
    }
}

#[test]
fn amazon_s_own_queue_is_written_by_amazon_alone_and_gives_up_soon() {
    let template = load();
    for part in ["Queue", "Policy", "DeadLetters", "Trigger"] {
        let resource = &template["Resources"][format!("AmazonNotifications{part}")];
        assert_eq!(resource["Condition"], condition(ChannelKind::Amazon), "{part}");
    }
    assert_eq!(
        template["Outputs"]["AmazonNotificationQueueArn"]["Condition"],
        condition(ChannelKind::Amazon)
    );

    let queue = properties(&template, "AmazonNotificationsQueue");
    assert_eq!(queue["FifoQueue"], Value::Null, "Amazon does not write to one");
    let run_s = timeout_s(&template, "amazon-notifications");
    let hidden_s = queue["VisibilityTimeout"].as_u64().unwrap();
    assert!(hidden_s >= 6 * run_s);
    let redrive = &queue["RedrivePolicy"];
    assert_eq!(redrive["deadLetterTargetArn"], attribute("AmazonNotificationsDeadLetters", "Arn"));
    // Long enough for a table that was away, no storm for what nobody can read.
    assert!((600..=3600).contains(&(hidden_s * redrive["maxReceiveCount"].as_u64().unwrap())));
    for id in ["AmazonNotificationsQueue", "AmazonNotificationsDeadLetters"] {
        let queue = properties(&template, id);
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
        assert_eq!(queue["MessageRetentionPeriod"], 1_209_600, "{id}");
    }

    let policy = properties(&template, "AmazonNotificationsPolicy");
    assert_eq!(policy["Queues"], json!([{"Ref": "AmazonNotificationsQueue"}]));
    let amazon = "arn:${AWS::Partition}:iam::${AmazonSenderAccount}:root";
    assert_eq!(
        policy["PolicyDocument"]["Statement"],
        json!([{
            "Sid": "Amazon", "Effect": "Allow", "Principal": {"AWS": {"Fn::Sub": amazon}},
            "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
            "Resource": attribute("AmazonNotificationsQueue", "Arn"),
        }])
    );
    assert_eq!(resources(&template, "AWS::SQS::QueuePolicy").len(), 1, "all others are written by roles");

    let trigger = properties(&template, "AmazonNotificationsTrigger");
    assert_eq!(trigger["FunctionName"], alias("amazon-notifications"));
    assert_eq!(trigger["EventSourceArn"], attribute("AmazonNotificationsQueue", "Arn"));
}
