//! The data API through the SDK client.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use engine::Engine;

use crate::table::{TABLE, count, create, insert, n, put, s};

#[tokio::test]
async fn the_data_api_works_in_memory_and_on_file() {
    let directory = tempfile::tempdir().unwrap();
    for engine in [Engine::memory().unwrap(), Engine::open(directory.path().join("data.db")).unwrap()] {
        let client = engine.client();
        create(&client).await;
        put(&client, "a", 1).await;
        assert_eq!(count(&client, "a").await.as_deref(), Some("1"));
        assert_eq!(count(&client, "b").await, None);

        let refused = client
            .put_item()
            .table_name(TABLE)
            .item("pk", s("p"))
            .item("sk", s("a"))
            .condition_expression("attribute_not_exists(pk)")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await
            .unwrap_err()
            .into_service_error();
        match refused {
            PutItemError::ConditionalCheckFailedException(error) => {
                assert_eq!(error.item.unwrap()["count"], n(1));
            }
            other => panic!("{other:?}"),
        }

        client
            .transact_write_items()
            .transact_items(insert("b", 0))
            .transact_items(insert("c", 0))
            .send()
            .await
            .unwrap();
        let cancelled = client
            .transact_write_items()
            .transact_items(insert("d", 0))
            .transact_items(insert("c", 0))
            .send()
            .await
            .unwrap_err()
            .into_service_error();
        match cancelled {
            TransactWriteItemsError::TransactionCanceledException(error) => {
                let codes: Vec<_> =
                    error.cancellation_reasons().iter().map(|reason| reason.code().unwrap()).collect();
                assert_eq!(codes, ["None", "ConditionalCheckFailed"]);
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(count(&client, "d").await, None);

        let found = client
            .query()
            .table_name(TABLE)
            .key_condition_expression("pk = :p AND sk > :a")
            .expression_attribute_values(":p", s("p"))
            .expression_attribute_values(":a", s("a"))
            .send()
            .await
            .unwrap();
        let keys: Vec<_> = found.items().iter().map(|item| &item["sk"]).collect();
        assert_eq!(keys, [&s("b"), &s("c")]);
    }
}

#[tokio::test]
async fn an_index_holds_only_items_with_its_key() {
    let client = Engine::memory().unwrap().client();
    create(&client).await;
    put(&client, "outside", 1).await;
    client
        .update_item()
        .table_name(TABLE)
        .key("pk", s("q"))
        .key("sk", s("inside"))
        .update_expression("SET #g = :g")
        .expression_attribute_names("#g", "group")
        .expression_attribute_values(":g", s("g"))
        .send()
        .await
        .unwrap();
    let found = client
        .query()
        .table_name(TABLE)
        .index_name("by_group")
        .key_condition_expression("#g = :g")
        .expression_attribute_names("#g", "group")
        .expression_attribute_values(":g", s("g"))
        .send()
        .await
        .unwrap();
    assert_eq!(found.count(), 1);
    assert_eq!(found.items()[0]["sk"], s("inside"));
}

#[tokio::test]
async fn a_file_keeps_its_items_and_a_copy_of_them_opens() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("kept.db");
    let engine = Engine::open(&path).unwrap();
    let client = engine.client();
    create(&client).await;
    put(&client, "a", 7).await;
    engine.back_up(directory.path().join("copy.db")).unwrap();
    put(&client, "b", 8).await;
    drop((engine, client));

    let kept = Engine::open(&path).unwrap().client();
    assert_eq!(count(&kept, "a").await.as_deref(), Some("7"));
    assert_eq!(count(&kept, "b").await.as_deref(), Some("8"));
    let copy = Engine::open(directory.path().join("copy.db")).unwrap().client();
    assert_eq!(count(&copy, "a").await.as_deref(), Some("7"));
    assert_eq!(count(&copy, "b").await, None);
}

#[tokio::test]
async fn databases_in_memory_are_apart() {
    let first = Engine::memory().unwrap().client();
    let second = Engine::memory().unwrap().client();
    create(&first).await;
    create(&second).await;
    put(&first, "a", 1).await;
    assert_eq!(count(&second, "a").await, None);
}

#[tokio::test]
async fn refusals_carry_dynamodbs_code_and_status() {
    let client = Engine::memory().unwrap().client();
    create(&client).await;
    let cases = [
        (
            "no key",
            client.put_item().table_name(TABLE).item("pk", s("p")).send().await.unwrap_err(),
            "ValidationException",
        ),
        (
            "no table",
            client.put_item().table_name("absent").item("pk", s("p")).send().await.unwrap_err(),
            "ResourceNotFoundException",
        ),
        (
            "a number that is none",
            client
                .put_item()
                .table_name(TABLE)
                .item("pk", s("p"))
                .item("sk", s("a"))
                .item("count", aws_sdk_dynamodb::types::AttributeValue::N("x".into()))
                .send()
                .await
                .unwrap_err(),
            "ValidationException",
        ),
    ];
    for (name, error, code) in cases {
        assert_eq!(error.raw_response().unwrap().status().as_u16(), 400, "{name}");
        let error = error.into_service_error();
        assert_eq!(error.meta().code(), Some(code), "{name}: {error:?}");
        let message = error.meta().message().unwrap_or_default();
        assert!(!message.contains("VALIDATION") && !message.contains(" at line "), "{name}: {message}");
    }
    let unknown = client.list_backups().send().await.unwrap_err();
    assert_eq!(unknown.into_service_error().meta().code(), Some("UnknownOperationException"));
}
