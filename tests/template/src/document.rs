//! `template.yaml` as JSON, the short forms of CloudFormation's functions written out: `!Ref x` is `{"Ref": "x"}`.

use std::path::{Path, PathBuf};

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub fn text() -> String {
    std::fs::read_to_string(root().join("template.yaml")).unwrap()
}

pub fn load() -> Value {
    parse(&text())
}

pub fn parse(text: &str) -> Value {
    let documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    to_json(&documents[0])
}

/// The resources of a type, by logical id.
pub fn resources(template: &Value, kind: &str) -> Vec<(String, Value)> {
    let all = template["Resources"].as_object().unwrap();
    all.iter()
        .filter(|(_, resource)| resource["Type"] == kind)
        .map(|(id, resource)| (id.clone(), resource.clone()))
        .collect()
}

/// A resource's properties; a panic that names what is missing.
#[track_caller]
pub fn properties(template: &Value, id: &str) -> Value {
    let resource = &template["Resources"][id];
    assert!(resource.is_object(), "template.yaml has no {id}");
    resource["Properties"].clone()
}

/// `item-sync` as in a logical id: `ItemSync`.
pub fn pascal(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let (first, rest) = word.split_at(1);
            first.to_uppercase() + rest
        })
        .collect()
}

/// `!GetAtt <id>.<attribute>`.
pub fn attribute(id: &str, name: &str) -> Value {
    json!({"Fn::GetAtt": [id, name]})
}

fn to_json(node: &Yaml<'_>) -> Value {
    match node {
        Yaml::Value(scalar) => match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(yes) => json!(yes),
            Scalar::Integer(number) => json!(number),
            Scalar::FloatingPoint(number) => panic!("{number}: the template has no fractions"),
            Scalar::String(text) => json!(text),
        },
        Yaml::Sequence(nodes) => nodes.iter().map(to_json).collect(),
        Yaml::Mapping(entries) => {
            let entries =
                entries.iter().map(|(key, value)| (key.as_str().unwrap().to_owned(), to_json(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tag, node) => function(&tag.suffix, to_json(node)),
        // A scalar with a tag of its own is kept as it stands.
        Yaml::Representation(text, _, Some(tag)) => function(&tag.suffix, json!(text)),
        other => panic!("not expected in the template: {other:?}"),
    }
}

fn function(tag: &str, argument: Value) -> Value {
    match (tag, argument.as_str()) {
        ("Ref", _) => json!({"Ref": argument}),
        ("GetAtt", Some(path)) => json!({"Fn::GetAtt": path.split('.').collect::<Vec<_>>()}),
        _ => json!({format!("Fn::{tag}"): argument}),
    }
}

#[test]
fn short_forms_are_written_out() {
    let yaml = "a: !Ref B\nc: !GetAtt D.Arn\ne: !If [F, !Sub 'x-${G}', !Ref AWS::NoValue]\nh: !Not [!Equals ['', 1]]\n";
    let node = &Yaml::load_from_str(yaml).unwrap()[0];
    assert_eq!(
        to_json(node),
        json!({
            "a": {"Ref": "B"},
            "c": {"Fn::GetAtt": ["D", "Arn"]},
            "e": {"Fn::If": ["F", {"Fn::Sub": "x-${G}"}, {"Ref": "AWS::NoValue"}]},
            "h": {"Fn::Not": [{"Fn::Equals": ["", 1]}]},
        })
    );
}
