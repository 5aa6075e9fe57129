//! How new code takes over: a version of each function behind an alias, which everything that calls the function calls.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::document::{attribute, load, pascal, properties, resources, root};
use crate::function::{logical_id, names};

/// AWS's limit of a version's description.
const DESCRIPTION_LENGTH_MAX: u64 = 256;

/// `!Ref <function>.Alias`.
pub fn alias(name: &str) -> Value {
    json!({"Ref": format!("{}.Alias", logical_id(name))})
}

/// The alarms that take a new version of the function back.
fn alarms(name: &str) -> Vec<String> {
    let own = format!("{}FunctionErrorsAlarm", pascal(name));
    let also = match name {
        "webhook-intake" | "api" | "console" => Some("ApiErrorsAlarm"),
        "stock-fanout" | "event-publish" => Some("StreamAgeAlarm"),
        // What watches queues tells after hours, when the deployment is long over.
        _ => None,
    };
    std::iter::once(own).chain(also.map(str::to_owned)).collect()
}

/// Every place that refers to a function, by the path of keys that leads there.
fn mentions(value: &Value, path: &str, found: &mut Vec<(String, Value)>) {
    let is_function = |id: &str| names().any(|name| logical_id(name) == id.split('.').next().unwrap());
    match value {
        Value::Object(entries) => {
            let named = entries.get("Ref").and_then(Value::as_str);
            let named = named.or_else(|| entries.get("Fn::GetAtt").and_then(|parts| parts[0].as_str()));
            if named.is_some_and(is_function) {
                found.push((path.to_owned(), value.clone()));
            }
            for (key, value) in entries {
                mentions(value, &format!("{path}/{key}"), found);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| mentions(value, path, found)),
        _ => {}
    }
}

/// The parameters that a value depends on, through conditions too.
fn parameters(template: &Value, value: &Value, found: &mut BTreeSet<String>) {
    let known = |name: &&str| template["Parameters"][*name].is_object();
    match value {
        Value::Object(entries) => {
            for (key, argument) in entries {
                match (key.as_str(), argument.as_str()) {
                    ("Ref", Some(name)) => found.extend(Some(name).filter(known).map(str::to_owned)),
                    ("Fn::Sub", Some(text)) => {
                        let names = text.split("${").skip(1).map(|rest| rest.split('}').next().unwrap());
                        found.extend(names.filter(known).map(str::to_owned));
                    }
                    ("Fn::If", _) => {
                        let condition = &template["Conditions"][argument[0].as_str().unwrap()];
                        parameters(template, condition, found);
                        parameters(template, argument, found);
                    }
                    _ => parameters(template, argument, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| parameters(template, value, found)),
        _ => {}
    }
}

fn parameters_of(template: &Value, value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    parameters(template, value, &mut found);
    found
}

#[test]
fn every_function_is_published_as_a_version_behind_one_alias() {
    let template = load();
    let globals = &template["Globals"]["Function"];
    assert_eq!(globals["AutoPublishAlias"], "live");
    assert_eq!(
        globals["DeploymentPreference"],
        json!({
            "Type": {"Fn::Sub": "CodeDeployDefault.Lambda${DeploymentWay}"},
            "Role": attribute("DeploymentRole", "Arn"),
        })
    );
    for name in names() {
        let own = properties(&template, &logical_id(name));
        assert_eq!(own["AutoPublishAlias"], Value::Null, "{name}");
        assert_eq!(own["AutoPublishAliasAllProperties"], true, "{name}");
        // With it, code is no longer what a version is told by.
        assert_eq!(own["AutoPublishCodeSha256"], Value::Null, "{name}");
    }
}

#[test]
fn every_function_goes_back_on_its_own_alarm() {
    let template = load();
    for name in names() {
        let preference = &properties(&template, &logical_id(name))["DeploymentPreference"];
        let refs: Vec<Value> = alarms(name).iter().map(|alarm| json!({"Ref": alarm})).collect();
        assert_eq!(
            preference["Alarms"],
            json!({"Fn::If": ["Gradual", refs, [{"Ref": "AWS::NoValue"}]]}),
            "{name}"
        );
        // Called once a minute, its share grows by the minute, or no call would be the new version's.
        let way = match name {
            "schedule-dispatch" => json!({"Fn::If": ["Gradual", "Linear10PercentEvery1Minute", "AllAtOnce"]}),
            _ => Value::Null,
        };
        assert_eq!(preference["Type"], way, "{name}");
        for inherited in ["Role", "Enabled", "Hooks"] {
            assert_eq!(preference[inherited], Value::Null, "{name} has {inherited} of its own");
        }
        for alarm in alarms(name) {
            let watched = &template["Resources"][&alarm];
            assert_eq!(watched["Type"], "AWS::CloudWatch::Alarm", "{alarm}");
            assert_eq!(watched["Condition"], Value::Null, "{alarm} may not exist");
        }
    }
}

#[test]
fn whatever_calls_a_function_calls_its_alias() {
    let template = load();
    let mut called = BTreeMap::<String, usize>::new();
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let mut found = Vec::new();
        mentions(&resource["Properties"], "", &mut found);
        for (path, mention) in found {
            let ends_in_alias = mention["Ref"].as_str().is_some_and(|name| name.ends_with(".Alias"));
            match resource["Type"].as_str().unwrap() {
                // A function's figures are those of all its versions together.
                "AWS::CloudWatch::Alarm" => {
                    assert!(path.ends_with("/Dimensions/Value") && !ends_in_alias, "{id}{path}: {mention}");
                }
                // Moves the alias.
                "AWS::IAM::Role" => assert_eq!(id, "DeploymentRole"),
                kind => {
                    assert!(ends_in_alias, "{id}{path} passes the alias by: {mention}");
                    *called.entry(kind.to_owned()).or_default() += 1;
                }
            }
        }
    }
    let triggers = resources(&template, "AWS::Lambda::EventSourceMapping").len();
    let expected = [
        ("AWS::Lambda::EventSourceMapping", triggers),
        ("AWS::Lambda::Permission", 4),
        ("AWS::ApiGatewayV2::Integration", 4),
    ];
    assert_eq!(called, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
}

/// SAM publishes a version when the template's text changed. A parameter changes what a function is told, and no text: the
/// alias would go on with the version of before, so the version's description has it.
#[test]
fn another_value_of_a_parameter_is_another_version() {
    let template = load();
    let globals = &template["Globals"]["Function"]["Environment"];
    let described_only = BTreeSet::from(["Generation".to_owned()]);
    for name in names() {
        let own = properties(&template, &logical_id(name));
        let told: BTreeSet<String> = [globals, &own["Environment"], &own["Layers"], &own["Description"]]
            .into_iter()
            .flat_map(|value| parameters_of(&template, value))
            .collect();
        let described = parameters_of(&template, &own["VersionDescription"]);
        // A version that differs from the one before in its description alone is refused.
        assert_eq!(described, told, "{name}");
        assert!(described.is_superset(&described_only), "{name} cannot be started anew");
    }
}

#[test]
fn a_version_s_description_has_room_for_every_value() {
    let template = load();
    for name in names() {
        let own = properties(&template, &logical_id(name));
        let join = own["VersionDescription"]["Fn::Join"].clone();
        assert_eq!(join[0], " ");
        let parts = join[1].as_array().unwrap();
        let longest = parts.iter().map(|part| match part["Ref"].as_str() {
            Some(parameter) => longest(&template["Parameters"][parameter]),
            None => part["Fn::Join"][1].as_array().unwrap().len() as u64,
        });
        let needed = longest.sum::<u64>() + parts.len() as u64 - 1;
        assert!(needed <= DESCRIPTION_LENGTH_MAX, "{name}: {needed}");
    }
}

/// How long a parameter's value may be.
fn longest(parameter: &Value) -> u64 {
    if let Some(values) = parameter["AllowedValues"].as_array() {
        return values.iter().map(|value| value.as_str().unwrap().len() as u64).max().unwrap();
    }
    parameter["MaxLength"].as_u64().unwrap()
}

#[test]
fn a_deployment_may_move_our_aliases_and_look_at_alarms() {
    let template = load();
    let role = properties(&template, "DeploymentRole");
    let moved: Vec<Value> = names()
        .flat_map(|name| {
            let id = logical_id(name);
            [attribute(&id, "Arn"), json!({"Fn::Sub": format!("${{{id}.Arn}}:*")})]
        })
        .collect();
    let alarms = "arn:${AWS::Partition}:cloudwatch:${AWS::Region}:${AWS::AccountId}:alarm:*";
    assert_eq!(
        role["Policies"][0]["PolicyDocument"]["Statement"],
        json!([
            {
                "Sid": "Move", "Effect": "Allow", "Resource": moved,
                "Action": ["lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"],
            },
            {
                "Sid": "Watch", "Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms"],
                "Resource": [{"Fn::Sub": alarms}],
            },
        ])
    );
    assert_eq!(role["Policies"].as_array().unwrap().len(), 1);
    assert_eq!(role["ManagedPolicyArns"], Value::Null);
    assert_eq!(
        role["AssumeRolePolicyDocument"]["Statement"],
        json!([{
            "Effect": "Allow", "Principal": {"Service": "codedeploy.amazonaws.com"}, "Action": "sts:AssumeRole"
        }])
    );
}

#[test]
fn production_is_deployed_by_tenths_and_a_first_try_at_once() {
    let template = load();
    let way = &template["Parameters"]["DeploymentWay"];
    assert_eq!(way["Default"], "AllAtOnce");
    assert_eq!(
        template["Conditions"]["Gradual"],
        json!({"Fn::Not": [{"Fn::Equals": [{"Ref": "DeploymentWay"}, "AllAtOnce"]}]})
    );
    let configurations = std::fs::read_to_string(root().join("samconfig.toml")).unwrap();
    for (stage, chosen) in [
        ("dev", None),
        ("staging", Some("Canary10Percent5Minutes")),
        ("prod", Some("Canary10Percent10Minutes")),
    ] {
        let section = configurations.split(&format!("[{stage}.deploy.parameters]")).nth(1).unwrap();
        let section = section.split("\n[").next().unwrap();
        let found = section.split("DeploymentWay=").nth(1).map(|rest| rest.split([' ', '"']).next().unwrap());
        assert_eq!(found, chosen, "{stage}");
        if let Some(chosen) = chosen {
            assert!(way["AllowedValues"].as_array().unwrap().contains(&json!(chosen)), "{stage}");
        }
    }
}
