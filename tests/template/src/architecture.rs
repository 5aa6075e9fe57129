//! Dependencies point inwards: `functions → app → {channels, store, queue} → domain`, `aws` beside `app`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

use crate::document::root;

/// A crate of the workspace.
struct Member {
    /// `functions`, `shared`, `infra` or `tests`.
    folder: String,
    /// What it is built with; what only its tests need is left out.
    dependencies: BTreeSet<String>,
}

fn members() -> BTreeMap<String, Member> {
    let answer = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    let metadata: Value = serde_json::from_slice(&answer.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let manifest = text(&package["manifest_path"]);
            let mut parts = manifest.rsplit('/').skip(2);
            let dependencies = package["dependencies"].as_array().unwrap().iter();
            let member = Member {
                folder: parts.next().unwrap().to_owned(),
                dependencies: dependencies
                    .filter(|dependency| dependency["kind"].is_null())
                    .map(|dependency| text(&dependency["name"]))
                    .collect(),
            };
            (text(&package["name"]), member)
        })
        .collect()
}

/// The crates of ours that a crate may be built with.
fn inwards(name: &str, member: &Member, functions: &BTreeSet<&str>) -> BTreeSet<String> {
    let ours: &[&str] = match (member.folder.as_str(), name) {
        (_, "domain" | "engine" | "slip") => &[],
        (_, "channels") => &["domain"],
        (_, "store" | "queue") => &["domain", "channels"],
        (_, "app") => &["domain", "channels", "store", "queue", "slip"],
        (_, "aws") => &["domain", "channels", "store", "queue", "app"],
        ("functions", _) => &["domain", "channels", "store", "queue", "app", "aws", "slip"],
        (_, "marketplace-sim") => &["domain", "channels"],
        ("infra", _) => &["domain", "channels", "store", "queue", "app", "aws", "engine", "marketplace-sim"],
        ("tests", _) => {
            &["domain", "channels", "store", "queue", "app", "aws", "engine", "marketplace-sim", "local"]
        }
        _ => panic!("{name} is a new kind of crate: say here what it may use"),
    };
    let mut ours: BTreeSet<String> = ours.iter().map(|&name| name.to_owned()).collect();
    if matches!(member.folder.as_str(), "infra" | "tests") && name != "engine" && name != "marketplace-sim" {
        ours.extend(functions.iter().map(|&name| name.to_owned()));
    }
    ours
}

#[test]
fn dependencies_point_inwards() {
    let members = members();
    let all: BTreeSet<String> = members.keys().cloned().collect();
    let functions: BTreeSet<&str> = members
        .iter()
        .filter(|(_, member)| member.folder == "functions")
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(functions.len(), 11);
    for (name, member) in &members {
        let used: BTreeSet<String> = member.dependencies.intersection(&all).cloned().collect();
        let allowed = inwards(name, member, &functions);
        let outwards: Vec<&String> = used.difference(&allowed).collect();
        assert!(outwards.is_empty(), "{name} depends on {outwards:?}");
    }
}

#[test]
fn the_domain_is_pure() {
    let members = members();
    assert_eq!(
        members["domain"].dependencies,
        BTreeSet::from(["jiff".to_owned(), "serde".to_owned(), "thiserror".to_owned()])
    );
}

#[test]
fn each_service_is_spoken_to_in_one_place() {
    let members = members();
    // `aws` makes the clients; the rest use them.
    let table: [(&str, &[&str]); 8] = [
        ("aws-sdk-dynamodb", &["aws", "engine", "store"]),
        ("aws-sdk-sqs", &["aws", "queue"]),
        ("aws-sdk-eventbridge", &["aws"]),
        ("aws-sdk-kms", &["aws", "store"]),
        ("aws-sdk-secretsmanager", &["aws"]),
        ("aws-config", &["aws"]),
        ("lambda_http", &["api", "console", "webhook-intake"]),
        (
            "lambda_runtime",
            &[
                "amazon-notifications",
                "event-publish",
                "item-sync",
                "order-import",
                "schedule-dispatch",
                "shipment-push",
                "stock-fanout",
                "stock-push",
            ],
        ),
    ];
    for (service, expected) in table {
        let users: Vec<&str> = members
            .iter()
            .filter(|(_, member)| member.folder != "tests" && member.dependencies.contains(service))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(users, expected, "{service}");
    }
}

#[test]
fn only_the_channels_go_out_over_http() {
    for (name, member) in members() {
        if matches!(member.folder.as_str(), "functions" | "shared") && name != "channels" {
            assert!(!member.dependencies.contains("reqwest"), "{name}");
        }
    }
}
