//! The SDK's HTTP client that is a function call: reads the operation and the body from the
//! request, lets a planned fault act, runs the operation and answers as the service would.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;

use crate::Engine;
use crate::dispatch::Refusal;
use crate::fault::{EngineFaults, Fault, Outcome};

const TARGET_PREFIX: &str = "DynamoDB_20120810.";

pub(crate) fn http_client(engine: Engine, faults: EngineFaults) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(InProcess { engine, faults });
    http_client_fn(move |_, _| connector.clone())
}

#[derive(Debug)]
struct InProcess {
    engine: Engine,
    faults: EngineFaults,
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(self.answer(&request))
    }
}

impl InProcess {
    fn answer(&self, request: &HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let operation = request
            .headers()
            .get("x-amz-target")
            .and_then(|target| target.strip_prefix(TARGET_PREFIX))
            .unwrap_or_default();
        let body = request.body().bytes().unwrap_or_default();
        let body = std::str::from_utf8(body).map_err(|error| ConnectorError::user(error.into()))?;

        let outcome = self.faults.next_for(operation);
        match outcome {
            Outcome::Refuse(fault) => match fault.refusal(body) {
                Some(refusal) => response(Err(refusal)),
                None => Err(lost(&fault)),
            },
            Outcome::LoseAnswer(fault) => {
                // The work is done; only the news of it is lost.
                let _ = self.run(operation, body);
                Err(lost(&fault))
            }
            Outcome::Serve => response(self.run(operation, body)),
        }
    }

    fn run(&self, operation: &str, body: &str) -> Result<String, Refusal> {
        let meter = &self.engine.inner.meter;
        match meter.ask(operation, body) {
            Some(asked) => {
                let answer = self.engine.run(operation, &asked.body);
                meter.record(operation, &asked, answer)
            }
            None => self.engine.run(operation, body),
        }
    }
}

fn lost(fault: &Fault) -> ConnectorError {
    match fault {
        Fault::AnswerTimedOut => ConnectorError::timeout("injected: no answer in time".into()),
        _ => ConnectorError::io("injected: connection closed".into()),
    }
}

fn response(answer: Result<String, Refusal>) -> Result<HttpResponse, ConnectorError> {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err(refusal) => (refusal.status, refusal.body),
    };
    let request_id = NEXT.fetch_add(1, Ordering::Relaxed);
    http::Response::builder()
        .status(status)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amzn-requestid", format!("ENGINE{request_id:020}"))
        .header("content-length", body.len())
        .body(SdkBody::from(body))
        .map_err(|error| ConnectorError::other(error.into(), None))
        .and_then(|response| {
            HttpResponse::try_from(response).map_err(|error| ConnectorError::other(error.into(), None))
        })
}
