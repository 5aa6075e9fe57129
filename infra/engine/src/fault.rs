//! Faults a test plans for coming requests: what AWS does to a client and the engine never does.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::dispatch::Refusal;

/// What happens to a request instead of its ordinary answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// `ThrottlingException`; nothing is done.
    Throttled,
    /// `ProvisionedThroughputExceededException`; nothing is done.
    ThroughputExceeded,
    /// `InternalServerError` (HTTP 500); nothing is done.
    InternalServerError,
    /// `TransactionCanceledException` with these reason codes in the order of the transaction's
    /// actions; missing ones are `None`. Nothing is done.
    TransactionCanceled(Vec<String>),
    /// The connection fails before the request arrives; nothing is done.
    Unreachable,
    /// The work is done, and then the connection fails: the client cannot know which.
    AnswerLost,
    /// The work is done, and the client stops waiting for the answer.
    AnswerTimedOut,
}

impl Fault {
    /// A transaction that met another one on its action `index` (from 0): `TransactionConflict`.
    #[must_use]
    pub fn conflict_on(index: usize) -> Self {
        let mut codes = vec!["None".to_owned(); index];
        codes.push("TransactionConflict".to_owned());
        Self::TransactionCanceled(codes)
    }

    fn does_the_work(&self) -> bool {
        matches!(self, Self::AnswerLost | Self::AnswerTimedOut)
    }

    /// The error answer, or `None` when the fault is one of the connection.
    pub(crate) fn refusal(&self, request: &str) -> Option<Refusal> {
        let (status, kind, message) = match self {
            Self::Throttled => {
                (400, "ThrottlingException", "The request was denied due to request throttling.")
            }
            Self::ThroughputExceeded => (
                400,
                "ProvisionedThroughputExceededException",
                "The level of configured provisioned throughput for the table was exceeded.",
            ),
            Self::InternalServerError => (500, "InternalServerError", "Internal server error"),
            Self::TransactionCanceled(codes) => return Some(cancelled(codes, request)),
            Self::Unreachable | Self::AnswerLost | Self::AnswerTimedOut => return None,
        };
        let body = json!({
            "__type": format!("com.amazonaws.dynamodb.v20120810#{kind}"),
            "message": message,
        });
        Some(Refusal { status, body: body.to_string() })
    }
}

fn cancelled(codes: &[String], request: &str) -> Refusal {
    let actions = serde_json::from_str::<Value>(request)
        .ok()
        .and_then(|body| Some(body.get("TransactItems")?.as_array()?.len()))
        .unwrap_or_default();
    let codes: Vec<&str> = codes
        .iter()
        .map(String::as_str)
        .chain(std::iter::repeat("None"))
        .take(actions.max(codes.len()))
        .collect();
    let reasons: Vec<Value> = codes
        .iter()
        .map(|code| match *code {
            "None" => json!({ "Code": "None" }),
            code => json!({ "Code": code, "Message": format!("injected: {code}") }),
        })
        .collect();
    let body = json!({
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "Message": format!(
            "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
            codes.join(", ")
        ),
        "CancellationReasons": reasons,
    });
    Refusal { status: 400, body: body.to_string() }
}

/// The faults planned for the clients that share this handle; clones share the plan.
///
/// A plan counts attempts: each of the SDK's own retries is a request of its own.
#[derive(Clone, Debug, Default)]
pub struct EngineFaults {
    plans: Arc<Mutex<VecDeque<Plan>>>,
}

#[derive(Debug)]
struct Plan {
    operation: String,
    skip: u32,
    times: u32,
    fault: Fault,
}

pub(crate) enum Outcome {
    Serve,
    Refuse(Fault),
    LoseAnswer(Fault),
}

impl EngineFaults {
    /// An empty plan.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The next `times` requests of `operation` (`"PutItem"`) meet `fault`, after those already
    /// planned for it.
    pub fn next(&self, operation: &str, times: u32, fault: Fault) {
        self.after(operation, 0, times, fault);
    }

    /// Like [`EngineFaults::next`], once `skip` requests of `operation` have been served.
    pub fn after(&self, operation: &str, skip: u32, times: u32, fault: Fault) {
        if times > 0 {
            self.plans().push_back(Plan { operation: operation.to_owned(), skip, times, fault });
        }
    }

    /// How many planned faults have not happened yet. A test ends with 0, or its fault was never
    /// met.
    #[must_use]
    pub fn pending(&self) -> u32 {
        self.plans().iter().map(|plan| plan.times).sum()
    }

    /// Forgets what has not happened yet.
    pub fn clear(&self) {
        self.plans().clear();
    }

    pub(crate) fn next_for(&self, operation: &str) -> Outcome {
        let mut plans = self.plans();
        let Some(at) = plans.iter().position(|plan| plan.operation == operation) else {
            return Outcome::Serve;
        };
        let Some(plan) = plans.get_mut(at) else {
            return Outcome::Serve;
        };
        if plan.skip > 0 {
            plan.skip -= 1;
            return Outcome::Serve;
        }
        plan.times = plan.times.saturating_sub(1);
        let fault = plan.fault.clone();
        if plan.times == 0 {
            plans.remove(at);
        }
        if fault.does_the_work() { Outcome::LoseAnswer(fault) } else { Outcome::Refuse(fault) }
    }

    fn plans(&self) -> std::sync::MutexGuard<'_, VecDeque<Plan>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
