//! Which way an HTTP request takes.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::document::{load, properties, resources, root};
use crate::release::alias;

const TEAMS: &str = "TeamsSignIn";

/// The routes of an API, with what each leads to.
fn ways(template: &Value, api: &str) -> BTreeMap<String, Value> {
    let mut ways = BTreeMap::new();
    for (_, route) in resources(template, "AWS::ApiGatewayV2::Route") {
        if route["Properties"]["ApiId"] != json!({"Ref": api}) {
            continue;
        }
        let target = route["Properties"]["Target"]["Fn::Sub"].as_str().unwrap();
        let integration = target.strip_prefix("integrations/${").and_then(|id| id.strip_suffix('}')).unwrap();
        let integration = properties(template, integration);
        assert_eq!(integration["IntegrationType"], "AWS_PROXY");
        assert_eq!(integration["PayloadFormatVersion"], "2.0");
        ways.insert(
            route["Properties"]["RouteKey"].as_str().unwrap().to_owned(),
            integration["IntegrationUri"].clone(),
        );
    }
    ways
}

#[test]
fn notifications_go_to_the_intake_pages_to_the_console_and_all_else_to_the_api() {
    let ways = ways(&load(), "HttpApi");
    let intake = alias("webhook-intake");
    let mut expected: BTreeMap<String, Value> = BTreeMap::from([
        ("$default".into(), alias("api")),
        ("POST /v1/webhooks/{connection_id}".into(), intake.clone()),
        ("GET /v1/webhooks/{connection_id}".into(), intake),
    ]);
    let console = alias("console");
    let own = [
        "GET /",
        "GET /assets/{name}",
        "ANY /sign-in",
        "GET /sign-in/{proxy+}",
        "POST /sign-out",
        "GET /exports/{file}",
    ];
    let own = own.map(str::to_owned);
    let sections = ["orders", "listings", "items", "stock", "connections", "keys", "contacts"];
    let pages = sections.iter().flat_map(|at| [format!("ANY /{at}"), format!("ANY /{at}/{{proxy+}}")]);
    expected.extend(own.into_iter().chain(pages).map(|way| (way, console.clone())));
    assert_eq!(ways, expected);
}

/// A page without a way to it is the API's 404.
#[test]
fn every_page_of_the_console_has_its_way() {
    let ways = ways(&load(), "HttpApi");
    let source = std::fs::read_to_string(root().join("functions/console/src/lib.rs")).unwrap();
    let pages: Vec<&str> =
        source.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(pages.len() > 60, "{pages:?}");
    for page in pages {
        let leads = |way: &str| {
            let path = way.split(' ').nth(1).unwrap_or_default();
            path == page || path.strip_suffix("{proxy+}").is_some_and(|above| page.starts_with(above))
        };
        let found =
            ways.iter().find(|(way, _)| leads(way)).unwrap_or_else(|| panic!("no way leads to {page}"));
        assert_eq!(*found.1, alias("console"), "{page}");
    }
}

/// A token is asked for on every way of the team's API, and on none of the other.
#[test]
fn a_team_s_tokens_are_verified_by_the_gateway_or_there_is_no_such_api() {
    let template = load();
    assert_eq!(ways(&template, "TeamApi"), BTreeMap::from([("$default".to_owned(), alias("api"))]));
    for (id, route) in resources(&template, "AWS::ApiGatewayV2::Route") {
        let of_team = route["Properties"]["ApiId"] == json!({"Ref": "TeamApi"});
        let (kind, authorizer) =
            (&route["Properties"]["AuthorizationType"], &route["Properties"]["AuthorizerId"]);
        let expected = if of_team {
            (json!("JWT"), json!({"Ref": "TeamAuthorizer"}))
        } else {
            (Value::Null, Value::Null)
        };
        assert_eq!((kind, authorizer), (&expected.0, &expected.1), "{id}");
    }
    let authorizer = properties(&template, "TeamAuthorizer");
    assert_eq!(authorizer["AuthorizerType"], "JWT");
    assert_eq!(authorizer["IdentitySource"], json!(["$request.header.Authorization"]));
    assert_eq!(
        authorizer["JwtConfiguration"],
        json!({"Issuer": {"Ref": "OidcIssuer"}, "Audience": [{"Ref": "OidcAudience"}]})
    );
    let stage = properties(&template, "TeamStage");
    assert_eq!(
        stage["StageVariables"],
        json!({"oidc_issuer": {"Ref": "OidcIssuer"}, "oidc_audience": {"Ref": "OidcAudience"},
            "oidc_organization_claim": {"Ref": "OidcOrganizationClaim"}, "oidc_scopes_claim": {"Ref": "OidcScopesClaim"}})
    );
    // Off, and with no claim assumed, unless a deployment says otherwise; all of it or nothing.
    for parameter in ["OidcIssuer", "OidcAudience", "OidcOrganizationClaim", "OidcScopesClaim"] {
        assert_eq!(template["Parameters"][parameter]["Default"], "", "{parameter}");
        assert!(template["Rules"]["WholeOidc"].to_string().contains(parameter), "{parameter}");
    }
    for (id, resource) in template["Resources"].as_object().unwrap() {
        let condition = if id.starts_with("Team") { json!(TEAMS) } else { Value::Null };
        if id.starts_with("Team") || resource["Type"].as_str().unwrap().starts_with("AWS::ApiGatewayV2") {
            assert_eq!(resource["Condition"], condition, "{id}");
        }
    }
    assert_eq!(template["Outputs"]["TeamUrl"]["Condition"], TEAMS);
    assert_eq!(properties(&template, "HttpStage")["StageVariables"]["Fn::If"][0], TEAMS);
}

#[test]
fn the_gateway_may_call_all_three() {
    let template = load();
    let mut called: Vec<Value> = resources(&template, "AWS::Lambda::Permission")
        .into_iter()
        .map(|(id, permission)| {
            let source = &permission["Properties"]["SourceArn"]["Fn::Sub"];
            let api = if id == "TeamPermission" { ":${TeamApi}/*/$default" } else { ":${HttpApi}/" };
            assert!(source.as_str().unwrap().contains(api), "{id}");
            permission["Properties"]["FunctionName"].clone()
        })
        .collect();
    called.sort_by_key(Value::to_string);
    assert_eq!(called, ["api", "api", "console", "webhook-intake"].map(alias));
}

#[test]
fn the_gateway_throttles_and_logs_nobody() {
    for name in ["HttpStage", "TeamStage"] {
        let stage = properties(&load(), name);
        assert_eq!(stage["StageName"], "$default");
        assert!(stage["DefaultRouteSettings"]["ThrottlingRateLimit"].is_object());
        let format = stage["AccessLogSettings"]["Format"].as_str().unwrap();
        serde_json::from_str::<Value>(format).unwrap();
        for personal in ["sourceIp", "userAgent", "identity", "authorizer"] {
            assert!(!format.contains(personal), "{name}: {personal}");
        }
    }
}
