//! Which way an HTTP request takes.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::{load, properties, resources};
use crate::release::alias;

#[test]
fn notifications_go_to_the_intake_pages_to_the_console_and_all_else_to_the_api() {
    let template = load();
    let mut ways = BTreeMap::new();
    for (_, route) in resources(&template, "AWS::ApiGatewayV2::Route") {
        let target = route["Properties"]["Target"]["Fn::Sub"].as_str().unwrap();
        let integration = target.strip_prefix("integrations/${").and_then(|id| id.strip_suffix('}')).unwrap();
        let integration = properties(&template, integration);
        assert_eq!(integration["IntegrationType"], "AWS_PROXY");
        assert_eq!(integration["PayloadFormatVersion"], "2.0");
        ways.insert(
            route["Properties"]["RouteKey"].as_str().unwrap().to_owned(),
            integration["IntegrationUri"].clone(),
        );
    }
    let intake = alias("webhook-intake");
    let mut expected: BTreeMap<String, Value> = BTreeMap::from([
        ("$default".into(), alias("api")),
        ("POST /v1/webhooks/{connection_id}".into(), intake.clone()),
        ("GET /v1/webhooks/{connection_id}".into(), intake),
    ]);
    let console = alias("console");
    let own = ["GET /", "GET /assets/{name}", "ANY /sign-in", "POST /sign-out"].map(str::to_owned);
    let sections = ["orders", "listings", "items", "stock", "connections"];
    let pages = sections.iter().flat_map(|at| [format!("ANY /{at}"), format!("ANY /{at}/{{proxy+}}")]);
    expected.extend(own.into_iter().chain(pages).map(|way| (way, console.clone())));
    assert_eq!(ways, expected);
}

#[test]
fn the_gateway_may_call_all_three() {
    let template = load();
    let mut called: Vec<Value> = resources(&template, "AWS::Lambda::Permission")
        .into_iter()
        .map(|(id, permission)| {
            let source = &permission["Properties"]["SourceArn"]["Fn::Sub"];
            assert!(source.as_str().unwrap().contains(":${HttpApi}/"), "{id}");
            permission["Properties"]["FunctionName"].clone()
        })
        .collect();
    called.sort_by_key(Value::to_string);
    assert_eq!(called, ["api", "console", "webhook-intake"].map(alias));
}

#[test]
fn the_gateway_throttles_and_logs_nobody() {
    let stage = properties(&load(), "HttpStage");
    assert_eq!(stage["StageName"], "$default");
    assert!(stage["DefaultRouteSettings"]["ThrottlingRateLimit"].is_object());
    let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
    serde_json::from_str::<Value>(format).unwrap();
    for personal in ["sourceIp", "userAgent", "identity", "authorizer"] {
        assert!(!format.contains(personal), "{personal}");
    }
}
