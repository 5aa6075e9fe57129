//! Rubbish in, a problem out: on every route of the document, never a failure of ours.

use serde_json::{Value, json};

use crate::world::{OPERATOR_KEY, World};

const IDS: [&str; 7] = ["itm_1", "lst_x_1", "ord_x_1", "%00", "%2E%2E", "a%2Fb", "%C3%BC"];

fn rubbish() -> Vec<Value> {
    let raw = |text: &str| Value::String(text.to_owned());
    vec![
        raw("{"),
        raw("\u{0}"),
        raw("{\"a\":1}{"),
        raw(&"[".repeat(5_000)),
        raw("1e999"),
        raw("{\"lines\":[{\"delta\":99999999999999999999999}]}"),
        raw("{\"kind\":\"items\",\"from\":\"9999-99-99\"}"),
        raw("{\"name\":\"\\ud800\"}"),
        Value::Null,
        json!([]),
        json!(7),
        json!([[], {}, null]),
        json!({"": ""}),
        json!({"name": null, "sku": {}, "lines": "x", "credentials": [], "listing_ids": {}}),
        json!({"name": "x".repeat(100_000)}),
    ]
}

#[tokio::test]
async fn every_route_refuses_rubbish_in_problems() {
    let world = World::new().await;
    let document = world.get("/openapi.json").await.ok();
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let method = method.to_uppercase();
            let key = if path == "/v1/organizations" { OPERATOR_KEY } else { world.key.as_str() };
            let ids: &[&str] = if path.contains("{id}") { &IDS } else { &["none"] };
            for id in ids {
                let path = path.replace("{id}", id).replace("{line_id}", id);
                for body in rubbish() {
                    let body = (method != "GET").then_some(body);
                    let answer = world.request(Some(key), &method, &path, body.clone(), &[]).await;
                    tried += 1;
                    assert!(answer.status < 500, "{method} {path} {body:?}: {}", answer.body);
                    if answer.status >= 400 {
                        assert_eq!(
                            answer.header("content-type"),
                            "application/problem+json",
                            "{method} {path}"
                        );
                        assert!(answer.body["code"].is_string(), "{method} {path}");
                    }
                    if method == "GET" {
                        break;
                    }
                }
            }
            for query in
                ["limit=%ff", "cursor=%00", "q=%F0%9F%92%A9", "a[]=1&a[]=2", "&&=", "limit=-1", "cursor=e30"]
            {
                let path = format!("{}?{query}", path.replace("{id}", "itm_1"));
                let body = (method != "GET").then(|| json!({}));
                let answer = world.request(Some(key), &method, &path, body, &[]).await;
                assert!(answer.status < 500, "{method} {path}: {}", answer.body);
            }
        }
    }
    assert!(tried > 300, "{tried}");
}
