//! The seam below the store: the SDK's network, which is a call into the engine, by way of the gate and the weather.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use app::Clock;
use aws_smithy_runtime_api::client::auth::AuthSchemeId;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use engine::{Engine, EngineFaults};
use serde_json::Value;

use crate::fault::Weather;
use crate::gate::{Gate, Passing};
use crate::planted::{Meddling, Planted};
use crate::time::SimulatedTime;
use crate::trace::Trace;

/// How long an eventually consistent read may lag behind.
pub const LAG_MS: i64 = 1_000;

/// Answers of eventually consistent reads, with the time of each, by what was asked.
type Answered = BTreeMap<String, (i64, String)>;

#[derive(Debug, Clone)]
pub struct TableSeam {
    pub gate: Gate,
    pub weather: Weather,
    pub time: SimulatedTime,
    pub trace: Trace,
    pub planted: Planted,
    faults: EngineFaults,
    answered: Arc<Mutex<Answered>>,
    /// Writes that passed, whether or not they were done.
    pub writes: Arc<AtomicU64>,
}

impl TableSeam {
    pub fn new(gate: Gate, weather: Weather, time: SimulatedTime, trace: Trace, planted: Planted) -> Self {
        let faults = EngineFaults::new();
        Self { gate, weather, time, trace, planted, faults, answered: Arc::default(), writes: Arc::default() }
    }

    /// A client whose every call passes here.
    pub fn client(&self, engine: &Engine) -> aws_sdk_dynamodb::Client {
        let below = engine.http_client(&self.faults);
        let seam = self.clone();
        let client: SharedHttpClient = http_client_fn(move |settings, components| {
            let below = below.http_connector(settings, components);
            SharedHttpConnector::new(Connector { seam: seam.clone(), below })
        });
        // Nobody looks at a signature here, and making one costs a tenth of a run.
        let config = engine.config(&self.faults).http_client(client);
        let config = config.allow_no_auth().auth_scheme_preference([AuthSchemeId::new("noAuth")]).build();
        aws_sdk_dynamodb::Client::from_conf(config)
    }
}

#[derive(Debug, Clone)]
struct Connector {
    seam: TableSeam,
    below: SharedHttpConnector,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move { this.answer(request).await })
    }
}

fn is_write(operation: &str) -> bool {
    matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem" | "TransactWriteItems" | "BatchWriteItem")
}

impl Connector {
    async fn answer(
        &self,
        mut request: HttpRequest,
    ) -> Result<HttpResponse, aws_smithy_runtime_api::client::result::ConnectorError> {
        let seam = &self.seam;
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        let passing = if is_write(&operation) { Passing::Effect } else { Passing::Read };
        let passed = seam.gate.pass(passing).await;
        if passing == Passing::Effect {
            seam.writes.fetch_add(1, Ordering::Relaxed);
        }
        let Some(job) = passed else { return self.below.call(request).await };
        if let Some(fault) = seam.weather.of_table(&operation) {
            seam.trace.note(format_args!("  [{job}] {operation} meets {fault:?}"));
            seam.faults.next(&operation, 1, fault);
            return self.below.call(request).await;
        }
        if seam.planted.is_one() {
            let body: Value = body_of(&request);
            match seam.planted.before_table(&seam.gate, job, seam.time.now(), &operation, &body) {
                Meddling::Nothing => {}
                Meddling::Instead(answer) => return Ok(answer_with(&answer.to_string())),
                Meddling::Ask(other) => {
                    let other = other.to_string();
                    request.headers_mut().insert("content-length", other.len().to_string());
                    *request.body_mut() = SdkBody::from(other);
                }
                Meddling::AlsoAsk(operation, also) => {
                    let mut more = request.try_clone().expect("a body in memory");
                    more.headers_mut().insert("x-amz-target", format!("DynamoDB_20120810.{operation}"));
                    *more.body_mut() = SdkBody::from(also.to_string());
                    let answer = self.below.call(request).await;
                    seam.writes.fetch_add(1, Ordering::Relaxed);
                    let _ = self.below.call(more).await;
                    return answer;
                }
            }
            let asked = body_of(&request);
            let answer = self.below.call(request).await?;
            return Ok(
                match seam.planted.after_table(&seam.gate, job, &operation, &asked, &text_of(&answer)) {
                    Some(other) => answer_with(&other.to_string()),
                    None => answer,
                },
            );
        }
        if seam.weather.rates().stale_read == 0 || !may_lag(&operation, &request) {
            return self.below.call(request).await;
        }
        self.read_that_may_lag(&operation, request).await
    }

    async fn read_that_may_lag(
        &self,
        operation: &str,
        request: HttpRequest,
    ) -> Result<HttpResponse, aws_smithy_runtime_api::client::result::ConnectorError> {
        let seam = &self.seam;
        let asked = format!("{operation} {}", ordered(&body_of(&request)));
        let now_ms = seam.time.elapsed_ms();
        let before = seam.answered.lock().unwrap_or_else(PoisonError::into_inner).get(&asked).cloned();
        if let Some((_, answer)) = before.filter(|(at_ms, _)| now_ms - at_ms <= LAG_MS)
            && seam.weather.reads_stale()
        {
            return Ok(answer_with(&answer));
        }
        let answer = self.below.call(request).await?;
        if answer.status().is_success() {
            let mut answered = seam.answered.lock().unwrap_or_else(PoisonError::into_inner);
            answered.retain(|_, (at_ms, _)| now_ms - *at_ms <= LAG_MS);
            answered.insert(asked, (now_ms, text_of(&answer)));
        }
        Ok(answer)
    }
}

/// An index is never consistent, a table is where it was asked to be.
fn may_lag(operation: &str, request: &HttpRequest) -> bool {
    let text = std::str::from_utf8(request.body().bytes().unwrap_or_default()).unwrap_or_default();
    matches!(operation, "Query" | "GetItem") && !text.contains("\"ConsistentRead\":true")
}

fn body_of(request: &HttpRequest) -> Value {
    serde_json::from_slice(request.body().bytes().unwrap_or_default()).unwrap_or_default()
}

fn text_of(response: &HttpResponse) -> String {
    String::from_utf8_lossy(response.body().bytes().unwrap_or_default()).into_owned()
}

/// The SDK writes maps in no order.
fn ordered(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: BTreeMap<&String, String> =
                members.iter().map(|(name, value)| (name, ordered(value))).collect();
            format!("{members:?}")
        }
        Value::Array(members) => format!("{:?}", members.iter().map(ordered).collect::<Vec<_>>()),
        other => other.to_string(),
    }
}

fn answer_with(body: &str) -> HttpResponse {
    let response = http::Response::builder()
        .status(200)
        .header("content-type", "application/x-amz-json-1.0")
        .header("content-length", body.len())
        .body(SdkBody::from(body))
        .unwrap();
    HttpResponse::try_from(response).unwrap()
}
