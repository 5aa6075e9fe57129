//! The tables of the template are those of the code.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::{Value, json};
use store::changed::changed_item;
use store::happened::is_told_of;
use store::table::{MAIN, PERSONAL, TableDefinition};

use crate::document::{attribute, load, parse, properties, root};
use crate::release::alias;

fn key_schema(partition: &str, sort: &str) -> Value {
    json!([{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}])
}

fn check(id: &str, definition: &TableDefinition) {
    let template = load();
    let table = properties(&template, id);
    assert_eq!(table["KeySchema"], key_schema(definition.partition_key, definition.sort_key), "{id}");
    let mut keys = vec![definition.partition_key, definition.sort_key];
    let indexes: Value = match &definition.index {
        None => Value::Null,
        Some(index) => {
            keys.extend([index.partition_key, index.sort_key]);
            json!([{
                "IndexName": index.name,
                "KeySchema": key_schema(index.partition_key, index.sort_key),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }])
        }
    };
    assert_eq!(table["GlobalSecondaryIndexes"], indexes, "{id}");
    let attributes: Vec<Value> =
        keys.into_iter().map(|name| json!({"AttributeName": name, "AttributeType": "S"})).collect();
    assert_eq!(table["AttributeDefinitions"], Value::Array(attributes), "{id}");
    let stream =
        if definition.stream { json!({"StreamViewType": "NEW_AND_OLD_IMAGES"}) } else { Value::Null };
    assert_eq!(table["StreamSpecification"], stream, "{id}");
    assert_eq!(
        table["TimeToLiveSpecification"],
        json!({"AttributeName": definition.ttl_attribute, "Enabled": true}),
        "{id}"
    );
    assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
    assert_eq!(table["SSESpecification"], json!({"SSEEnabled": true, "SSEType": "KMS"}), "{id}");
    assert_eq!(table["DeletionProtectionEnabled"], true, "{id}");
}

#[test]
fn both_are_as_the_code_defines_them() {
    check("MainTable", &MAIN);
    check("PersonalTable", &PERSONAL);
}

#[test]
fn stock_can_be_restored_and_buyers_cannot() {
    let template = load();
    for (id, kept) in [("MainTable", true), ("PersonalTable", false)] {
        assert_eq!(
            properties(&template, id)["PointInTimeRecoverySpecification"],
            json!({"PointInTimeRecoveryEnabled": kept}),
            "{id}"
        );
    }
}

#[test]
fn what_is_kept_outlives_the_stack() {
    let template = load();
    for id in ["MainTable", "PersonalTable", "SealingKey", "OperatorKey"] {
        for policy in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert_eq!(template["Resources"][id][policy], "Retain", "{id} {policy}");
        }
    }
}

/// The template that `infra/restored-table` makes of ours.
fn with_restored_table(more: &[&str]) -> Value {
    let made = Command::new(root().join("infra/restored-table"))
        .args(["restored", "arn:restored", "arn:restored/stream"])
        .args(more)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    parse(&String::from_utf8(made.stdout).unwrap())
}

#[test]
fn a_restored_table_takes_the_place_of_the_stack_s_own_everywhere() {
    let ours = load();
    let (without, import) = (with_restored_table(&[]), with_restored_table(&["import"]));
    for (template, has_table) in [(&without, false), (&import, true)] {
        let mut rest = template.clone();
        let table = rest["Resources"].as_object_mut().unwrap().remove("MainTable");
        assert_eq!(table.as_ref(), has_table.then_some(&ours["Resources"]["MainTable"]));
        rest["Outputs"].as_object_mut().unwrap().remove("MainTable");
        assert!(!rest.to_string().contains("MainTable"), "a reference to the stack's own is left");
        assert_eq!(properties(template, "StockFanoutTrigger")["EventSourceArn"], "arn:restored/stream");
        assert_eq!(template["Globals"]["Function"]["Environment"]["Variables"]["MAIN_TABLE"], "restored");
    }
    let ids = |template: &Value| template["Resources"].as_object().unwrap().len();
    assert_eq!((ids(&without) + 1, ids(&import)), (ids(&ours), ids(&ours)));
}

#[test]
fn the_stream_starts_the_fan_out_and_gives_up_in_time() {
    let trigger = properties(&load(), "StockFanoutTrigger");
    assert_eq!(trigger["FunctionName"], alias("stock-fanout"));
    assert_eq!(trigger["EventSourceArn"], attribute("MainTable", "StreamArn"));
    assert_eq!(trigger["BisectBatchOnFunctionError"], true);
    assert!(trigger["MaximumRetryAttempts"].as_u64().unwrap() > 0);
    // A stream keeps a day; what is given up must still be readable by who looks after it.
    assert!(trigger["MaximumRecordAgeInSeconds"].as_u64().unwrap() <= 6 * 3600);
    assert_eq!(
        trigger["DestinationConfig"]["OnFailure"]["Destination"],
        attribute("StockFanoutDeadLetters", "Arn")
    );
}

/// Whether the trigger's filters let a change through.
fn passes(filters: &[Value], event_name: &str, sk: &str) -> bool {
    filters.iter().any(|filter| {
        let has = |list: &Value, holds: &dyn Fn(&Value) -> bool| list.as_array().unwrap().iter().any(holds);
        has(&filter["eventName"], &|name| name == event_name)
            && has(&filter["dynamodb"]["Keys"]["sk"]["S"], &|rule| {
                sk.starts_with(rule["prefix"].as_str().unwrap())
            })
    })
}

#[test]
fn the_stream_lets_through_all_that_events_are_told_of() {
    let filters: Vec<Value> = properties(&load(), "EventPublishTrigger")["FilterCriteria"]["Filters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|filter| serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap())
        .collect();
    // More needs a larger quota.
    assert!(filters.len() <= 5);
    for (pk, sk) in [
        ("O#1", "CON#con_1"),
        ("O#1#ORD", "ord_1"),
        ("O#1#SYN", "syn_1"),
        ("O#1#I#2", "LVL#loc_1"),
        ("O#1#I#2", "LOW"),
        ("O#1#C#2#LST", "lst_2_3"),
    ] {
        assert!(is_told_of(pk, sk) && passes(&filters, "MODIFY", sk), "{pk} {sk}");
    }
    for sk in ["ORG", "MOV#0000000000001#1", "LNK#lst_1_2", "SKU", "CONSTATE#con_1", "CONSEC#con_1", "itm_1"]
    {
        assert!(!is_told_of("O#1", sk) && !passes(&filters, "MODIFY", sk), "{sk}");
    }
}

#[test]
fn the_stream_lets_through_what_the_fan_out_acts_upon_and_nothing_else() {
    let trigger = properties(&load(), "StockFanoutTrigger");
    let filters: Vec<Value> = trigger["FilterCriteria"]["Filters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|filter| serde_json::from_str(filter["Pattern"].as_str().unwrap()).unwrap())
        .collect();
    let mut acted_upon = BTreeSet::new();
    for sk in ["FACT", "LVL#loc_1", "LNK#lst_1_2", "MOV#0000000000001#1", "SKU", "itm_1"] {
        for (event_name, inserted) in [("INSERT", true), ("MODIFY", false)] {
            let acts = changed_item("O#1#I#2", sk, inserted).is_some();
            assert_eq!(passes(&filters, event_name, sk), acts, "{event_name} of {sk}");
            if acts {
                acted_upon.insert((sk, event_name));
            }
        }
        assert!(!passes(&filters, "REMOVE", sk), "{sk}");
    }
    let expected = [
        ("FACT", "INSERT"),
        ("FACT", "MODIFY"),
        ("LNK#lst_1_2", "INSERT"),
        ("LVL#loc_1", "INSERT"),
        ("LVL#loc_1", "MODIFY"),
    ];
    assert_eq!(acted_upon, BTreeSet::from(expected));
}
