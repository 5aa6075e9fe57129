//! One operation of DynamoDB's JSON protocol, from body to answer, as dynoxide's own server does
//! it.

use dynoxide::actions::transact_write_items::TransactWriteItemsRequest;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::token::{Tokens, is_token};

/// An answer that is an error: HTTP status and DynamoDB's error JSON.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// Runs `operation` on its JSON body.
pub(crate) fn run(
    database: &Database,
    tokens: &mut Tokens,
    operation: &str,
    body: &str,
) -> Result<String, Refusal> {
    let answer = match operation {
        "BatchGetItem" => call(body, |r| database.batch_get_item(r)),
        "BatchWriteItem" => call(body, |r| database.batch_write_item(r)),
        "CreateTable" => call(body, |r| database.create_table(r)),
        "DeleteItem" => call(body, |r| database.delete_item(r)),
        "DeleteTable" => call(body, |r| database.delete_table(r)),
        "DescribeTable" => call(body, |r| database.describe_table(r)),
        "DescribeTimeToLive" => call(body, |r| database.describe_time_to_live(r)),
        "GetItem" => call(body, |r| database.get_item(r)),
        "ListTables" => call(body, |r| database.list_tables(r)),
        "ListTagsOfResource" => call(body, |r| database.list_tags_of_resource(r)),
        "PutItem" => call(body, |r| database.put_item(r)),
        "Query" => call(body, |r| database.query(r)),
        "Scan" => call(body, |r| database.scan(r)),
        "TagResource" => call(body, |r| database.tag_resource(r)),
        "TransactGetItems" => call(body, |r| database.transact_get_items(r)),
        "TransactWriteItems" => tokens.once(body, |body| {
            call(body, |mut r: TransactWriteItemsRequest| {
                r.client_request_token = r.client_request_token.filter(|token| !is_token(token));
                database.transact_write_items(r)
            })
        }),
        "UntagResource" => call(body, |r| database.untag_resource(r)),
        "UpdateItem" => call(body, |r| database.update_item(r)),
        "UpdateTable" => call(body, |r| database.update_table(r)),
        "UpdateTimeToLive" => call(body, |r| database.update_time_to_live(r)),
        _ => {
            return Err(Refusal {
                status: 400,
                body: r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.to_owned(),
            });
        }
    };
    answer.map_err(|error| {
        let error = enveloped(operation, error);
        Refusal { status: error.status_code(), body: error.to_json() }
    })
}

/// Whether the operation may leave records on a stream.
pub(crate) fn changes_items(operation: &str) -> bool {
    matches!(operation, "BatchWriteItem" | "DeleteItem" | "PutItem" | "TransactWriteItems" | "UpdateItem")
}

fn call<Q: DeserializeOwned, A: Serialize>(
    body: &str,
    work: impl FnOnce(Q) -> dynoxide::Result<A>,
) -> dynoxide::Result<String> {
    let request = serde_json::from_str(body).map_err(|error| unreadable(&error.to_string()))?;
    serde_json::to_string(&work(request)?)
        .map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// dynoxide's request types refuse a request by a serde error whose text starts with the kind of
/// DynamoDB error it stands for.
fn unreadable(message: &str) -> DynoxideError {
    let text = message.rsplit_once(" at line ").map_or(message, |(text, _)| text);
    let Some((kind, rest)) = text.split_once(':') else {
        return DynoxideError::ValidationException(text.to_owned());
    };
    match kind {
        "VALIDATION" | "VALIDATION_AS_READ" => DynoxideError::ValidationException(rest.to_owned()),
        "VALIDATION_REQUEST" => DynoxideError::EnvelopedValidation(rest.to_owned()),
        "SERIALIZATION" | "SERIALIZATION_AS_READ" => DynoxideError::SerializationException(rest.to_owned()),
        _ => DynoxideError::ValidationException(text.to_owned()),
    }
}

/// The three single writes wrap a refused request member in a counting sentence.
fn enveloped(operation: &str, error: DynoxideError) -> DynoxideError {
    match (operation, error) {
        ("PutItem" | "UpdateItem" | "DeleteItem", DynoxideError::EnvelopedValidation(message)) => {
            DynoxideError::ValidationException(format!("1 validation error detected: {message}"))
        }
        (_, error) => error,
    }
}
