//! The table the tests use: keys `pk` and `sk`, index `by_group` on `group` and `sk`, a stream.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection, ProjectionType, Put, ScalarAttributeType, StreamSpecification, StreamViewType,
    TransactWriteItem,
};

pub const TABLE: &str = "things";

pub async fn create(client: &Client) {
    let mut request = client
        .create_table()
        .table_name(TABLE)
        .billing_mode(BillingMode::PayPerRequest)
        .key_schema(key("pk", KeyType::Hash))
        .key_schema(key("sk", KeyType::Range))
        .global_secondary_indexes(
            GlobalSecondaryIndex::builder()
                .index_name("by_group")
                .key_schema(key("group", KeyType::Hash))
                .key_schema(key("sk", KeyType::Range))
                .projection(Projection::builder().projection_type(ProjectionType::KeysOnly).build())
                .build()
                .unwrap(),
        )
        .stream_specification(
            StreamSpecification::builder()
                .stream_enabled(true)
                .stream_view_type(StreamViewType::NewAndOldImages)
                .build()
                .unwrap(),
        );
    for name in ["pk", "sk", "group"] {
        request = request.attribute_definitions(
            AttributeDefinition::builder()
                .attribute_name(name)
                .attribute_type(ScalarAttributeType::S)
                .build()
                .unwrap(),
        );
    }
    request.send().await.unwrap();
}

fn key(name: &str, kind: KeyType) -> KeySchemaElement {
    KeySchemaElement::builder().attribute_name(name).key_type(kind).build().unwrap()
}

pub fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub fn n(number: i64) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub async fn put(client: &Client, sk: &str, count: i64) {
    client
        .put_item()
        .table_name(TABLE)
        .item("pk", s("p"))
        .item("sk", s(sk))
        .item("count", n(count))
        .send()
        .await
        .unwrap();
}

pub async fn count(client: &Client, sk: &str) -> Option<String> {
    let answer = client
        .get_item()
        .table_name(TABLE)
        .key("pk", s("p"))
        .key("sk", s(sk))
        .consistent_read(true)
        .send()
        .await
        .unwrap();
    Some(answer.item?["count"].as_n().unwrap().clone())
}

/// An insert of `sk` for a transaction, refused when it exists.
pub fn insert(sk: &str, filler: usize) -> TransactWriteItem {
    TransactWriteItem::builder()
        .put(
            Put::builder()
                .table_name(TABLE)
                .item("pk", s("p"))
                .item("sk", s(sk))
                .item("count", n(1))
                .item("filler", s("x".repeat(filler)))
                .condition_expression("attribute_not_exists(pk)")
                .build()
                .unwrap(),
        )
        .build()
}
