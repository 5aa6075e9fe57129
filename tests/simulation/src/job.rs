//! Functions that run: what each is invoked with, how far it is let, and what AWS does with what comes of it.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use app::{AppError, Clock};
use aws::event::{ScheduleEvent, SqsBatchResponse, SqsEvent, SqsRecord, StreamBatchResponse, StreamEvent};
use axum::body::Body;
use bytes::Bytes;
use domain::OrganizationId;
use http::Request;
use marketplace_sim::Delivery;
use queue::{QueueName, Work};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use tower::ServiceExt as _;

use crate::gate::{JobId, Role, Standing};
use crate::model::{Deed, Posted};
use crate::queue::batch_max;
use crate::world::{Process, World};

/// What a function answered.
pub enum Ended {
    Batch(SqsBatchResponse),
    Stream(StreamBatchResponse),
    Tick(Result<(), AppError>),
    Http(u16, Bytes),
}

/// Why it was invoked, for what happens after.
pub enum Purpose {
    /// Message ids, receipts and groups.
    Batch(Vec<(String, String, String)>),
    /// Records that are passed on for the first time.
    Stream(Vec<Value>),
    Tick,
    Notify(String, Delivery),
    /// Under this key.
    Post(String),
    /// What a request would change: nothing is to change by the asking.
    Plan(Planned),
    Ask,
}

/// A request of which the plan is wanted first.
#[derive(Debug, Clone)]
pub struct Planned {
    pub merchant: usize,
    pub method: &'static str,
    pub path: String,
    pub body: Option<Value>,
    /// By its answer.
    pub plan: Option<String>,
}

/// What ran, and since when.
#[derive(Debug, Clone)]
pub struct Begun {
    /// With its id.
    pub name: String,
    pub at_ms: i64,
}

pub struct Job {
    pub id: JobId,
    pub role: Role,
    /// Whose work it is, where that is known beforehand.
    pub organizations: BTreeSet<OrganizationId>,
    purpose: Purpose,
    future: Pin<Box<dyn Future<Output = Ended> + Send>>,
    deadline: Instant,
    process: usize,
}

enum Driven {
    Ended(Ended),
    OutOfLeave,
    Dead,
}

/// As in `template.yaml`.
fn timeout(role: Role) -> Duration {
    Duration::from_secs(match role {
        Role::ItemSync | Role::OrderImport | Role::StockPush | Role::ShipmentPush => 90,
        Role::Schedule => 50,
        Role::StockFanout => 30,
        Role::Api => 29,
        Role::Webhook => 10,
    })
}

impl World {
    pub fn has(&self, role: Role) -> bool {
        self.jobs.iter().any(|job| job.role == role)
    }

    fn begin<F: Future<Output = Ended> + Send + 'static>(
        &mut self,
        role: Role,
        name: String,
        purpose: Purpose,
        organizations: BTreeSet<OrganizationId>,
        make: impl FnOnce(Process) -> F,
    ) -> JobId {
        self.made += 1;
        let id = self.made;
        let (process, of) = self.process();
        let lives = self.weather.lives();
        self.gate.admit(id, role, lives);
        let fate = lives.map_or_else(String::new, |lives| format!(", dies after {lives} effects"));
        let begun = Begun { name: format!("[{id}] {name}"), at_ms: self.time.elapsed_ms() };
        self.trace.note(format_args!("{}{fate}", begun.name));
        self.begun.insert(id, begun);
        self.jobs.push(Job {
            id,
            role,
            organizations,
            purpose,
            future: Box::pin(make(of)),
            deadline: Instant::now() + timeout(role),
            process,
        });
        id
    }

    /// Messages of a queue, to its function. `None`: there were none.
    pub fn begin_batch(&mut self, queue: QueueName) -> Option<JobId> {
        let received = self.queue.take(queue, batch_max(queue.work));
        if received.is_empty() {
            return None;
        }
        let named: Vec<String> = received
            .iter()
            .map(|message| format!("#{}×{}", message.message_id, message.receive_count))
            .collect();
        let receipts = received
            .iter()
            .map(|message| (message.message_id.clone(), message.receipt.clone(), message.group.clone()))
            .collect();
        let organizations = received
            .iter()
            .filter_map(|message| queue::Message::decode(&message.body).ok())
            .map(|message| message.organization_id)
            .collect();
        let role = match queue.work {
            Work::ItemSync => Role::ItemSync,
            Work::OrderImport => Role::OrderImport,
            Work::StockPush => Role::StockPush,
            Work::ShipmentPush => Role::ShipmentPush,
        };
        let records = received.into_iter().map(|message| SqsRecord::delivered(queue, message)).collect();
        let event = SqsEvent { records };
        let name = format!("{queue} {}", named.join(" "));
        let id = self.begin(role, name, Purpose::Batch(receipts), organizations, move |process| async move {
            let app = &process.app;
            Ended::Batch(match queue.work {
                Work::ItemSync => item_sync::handle(app, event).await,
                Work::OrderImport => order_import::handle(app, event).await,
                Work::StockPush => stock_push::handle(app, event).await,
                Work::ShipmentPush => shipment_push::handle(app, event).await,
            })
        });
        Some(id)
    }

    /// Records of the table's stream, to `stock-fanout`: new ones, some of those before once more, or both.
    pub fn begin_fan_out(&mut self) -> Option<JobId> {
        let mut records: Vec<Value> = Vec::new();
        if self.weather.happens(|rates| rates.stream_repeated) && !self.passed_on.is_empty() {
            let from = self.chance.index(self.passed_on.len());
            records.extend(self.passed_on.iter().skip(from).cloned());
        }
        let most = usize::try_from(self.chance.between(1, 100)).unwrap();
        let backlog = &mut self.mirror.backlog;
        let new: Vec<Value> = backlog.drain(..most.min(backlog.len())).collect();
        records.extend(new.iter().cloned());
        let read = |record: &Value| serde_json::from_value(record.clone()).unwrap();
        let records: Vec<_> = records.iter().map(read).filter(stock_fanout::concerns).collect();
        if records.is_empty() {
            return None;
        }
        let name = format!("stock-fanout of {} records", records.len());
        let begun = self.begin(
            Role::StockFanout,
            name,
            Purpose::Stream(new),
            BTreeSet::new(),
            |process| async move {
                Ended::Stream(stock_fanout::handle(&process.app, StreamEvent { records }).await)
            },
        );
        Some(begun)
    }

    pub fn begin_tick(&mut self) -> JobId {
        let event = ScheduleEvent { time: self.time.now() };
        let name = "schedule-dispatch".to_owned();
        self.begin(Role::Schedule, name, Purpose::Tick, BTreeSet::new(), |process| async move {
            Ended::Tick(schedule_dispatch::handle(&process.app, event).await)
        })
    }

    pub fn begin_notification(&mut self, host: String, delivery: Delivery) -> JobId {
        let organizations = BTreeSet::from([self.seller(&host).0.organization.clone()]);
        if delivery.url.starts_with("arn:") {
            return self.begin_queued_notification(host, delivery, organizations);
        }
        let url: url::Url = delivery.url.parse().unwrap();
        let mut request = Request::post(url.path());
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(delivery.body.clone())).unwrap();
        let topic = ["x-shopify-topic", "x-wc-webhook-topic"]
            .into_iter()
            .find_map(|name| delivery.headers.get(name))
            .map_or("of something", String::as_str);
        let name = format!("notification {topic} from {host}");
        let purpose = Purpose::Notify(host, delivery);
        self.begin(Role::Webhook, name, purpose, organizations, |process| answer(process.intake, request))
    }

    /// One that comes through a queue of ours.
    fn begin_queued_notification(
        &mut self,
        host: String,
        delivery: Delivery,
        organizations: BTreeSet<OrganizationId>,
    ) -> JobId {
        let connection = self.seller(&host).1.connection.clone();
        let (name, body) = (format!("notification from {host}"), delivery.body.clone());
        let purpose = Purpose::Notify(host, delivery);
        self.begin(Role::Webhook, name, purpose, organizations, move |process| async move {
            let taken = process.app.take_queued_notification(&connection, &body).await;
            Ended::Http(if taken.is_ok() { 204 } else { 503 }, Bytes::new())
        })
    }

    /// A merchant's request; `key`: its `Idempotency-Key`.
    pub fn begin_request(
        &mut self,
        merchant: usize,
        method: &str,
        path: &str,
        body: Option<Value>,
        key: Option<&str>,
    ) -> JobId {
        let Self { merchants, .. } = self;
        let of = &merchants[merchant];
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {}", of.key));
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let text = body.as_ref().map_or_else(String::new, |body| match path {
            // Secrets are not for the trace.
            _ if body.get("credentials").is_some() => " with new credentials".to_owned(),
            _ => format!(" {body}"),
        });
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let request =
            request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
        let organizations = BTreeSet::from([of.organization.clone()]);
        let name = format!("{method} {path}{text}");
        let purpose = key.map_or(Purpose::Ask, |key| Purpose::Post(key.to_owned()));
        let api = self.api.clone();
        self.begin(Role::Api, name, purpose, organizations, |_| answer(api, request))
    }

    /// What a request would change.
    pub fn begin_plan(&mut self, wanted: Planned) -> JobId {
        let path = format!("{}?dry_run=true", wanted.path);
        let id = self.begin_request(wanted.merchant, wanted.method, &path, wanted.body.clone(), None);
        if let Some(job) = self.jobs.iter_mut().find(|job| job.id == id) {
            job.purpose = Purpose::Plan(wanted);
        }
        id
    }

    /// Lets a function go on, `leave` passings or to its end, and looks at what it did.
    pub async fn drive(&mut self, id: JobId, leave: u64) -> anyhow::Result<()> {
        let Some(at) = self.jobs.iter().position(|job| job.id == id) else { return Ok(()) };
        let gate = self.gate.clone();
        gate.allow(id, leave);
        let job = &mut self.jobs[at];
        if Instant::now() >= job.deadline {
            self.kill(id, "ran out of time");
            return Ok(());
        }
        let future = &mut job.future;
        let polled = timeout_at(
            job.deadline,
            poll_fn(|context| match gate.within(id, || future.as_mut().poll(context)) {
                Poll::Ready(ended) => Poll::Ready(Driven::Ended(ended)),
                Poll::Pending => match gate.standing(id) {
                    Standing::Dead => Poll::Ready(Driven::Dead),
                    Standing::OutOfLeave => Poll::Ready(Driven::OutOfLeave),
                    Standing::Busy => Poll::Pending,
                },
            }),
        )
        .await;
        self.look(Some(at)).await?;
        match polled {
            Ok(Driven::Ended(ended)) => self.finish(at, ended),
            Ok(Driven::OutOfLeave) => Ok(()),
            Ok(Driven::Dead) => {
                self.kill(id, "is killed");
                Ok(())
            }
            Err(_) => {
                self.kill(id, "ran out of time");
                Ok(())
            }
        }
    }

    /// To its end, however that comes.
    pub async fn complete(&mut self, id: JobId) -> anyhow::Result<()> {
        while self.jobs.iter().any(|job| job.id == id) {
            self.drive(id, u64::MAX).await?;
        }
        Ok(())
    }

    pub fn end_overdue(&mut self) {
        let now = Instant::now();
        let overdue: Vec<JobId> =
            self.jobs.iter().filter(|job| job.deadline <= now).map(|job| job.id).collect();
        for id in overdue {
            self.kill(id, "ran out of time");
        }
    }

    fn kill(&mut self, id: JobId, how: &str) {
        let Some(at) = self.jobs.iter().position(|job| job.id == id) else { return };
        let job = self.jobs.remove(at);
        let passed = self.gate.dismiss(id);
        self.street.ended(id, true);
        self.trace.note(format_args!("{} {how} after {passed} calls", self.begun[&id].name));
        self.restart(job.process);
        match job.purpose {
            // What is in flight is visible again after a while; AWS comes again with the stretch of the stream.
            Purpose::Stream(records) => self.mirror.put_back(records),
            Purpose::Notify(host, delivery) => self.deliver_again(host, delivery),
            Purpose::Batch(_) | Purpose::Tick | Purpose::Post(_) | Purpose::Plan(_) | Purpose::Ask => {}
        }
    }

    fn deliver_again(&mut self, host: String, delivery: Delivery) {
        if self.chance.happens(500) {
            self.notifications.push((host, delivery));
        }
    }

    fn finish(&mut self, at: usize, ended: Ended) -> anyhow::Result<()> {
        let job = self.jobs.remove(at);
        let passed = self.gate.dismiss(job.id);
        self.street.ended(job.id, false);
        let outcome = match (job.purpose, ended) {
            (Purpose::Batch(receipts), Ended::Batch(response)) => self.delete_done(receipts, &response),
            (Purpose::Stream(records), Ended::Stream(response)) => {
                if response.batch_item_failures.is_empty() {
                    self.passed_on.extend(records);
                    while self.passed_on.len() > 30 {
                        self.passed_on.pop_front();
                    }
                    "passed on".to_owned()
                } else {
                    self.mirror.put_back(records);
                    "failed".to_owned()
                }
            }
            (Purpose::Tick, Ended::Tick(result)) => match result {
                Ok(()) => "done".to_owned(),
                Err(error) => format!("failed: {}", app::sync_orders::chain(&error)),
            },
            (Purpose::Notify(host, delivery), Ended::Http(status, _)) => {
                if status >= 500 {
                    self.deliver_again(host, delivery);
                }
                format!("answered {status}")
            }
            (Purpose::Post(key), Ended::Http(status, body)) => {
                let code = problem(&body);
                self.answered(&key, status, &code, &body)?;
                format!("answered {status} {code}")
            }
            (Purpose::Plan(wanted), Ended::Http(status, body)) => {
                let body: Value = serde_json::from_slice(&body).unwrap_or_default();
                let plan = body["plan_id"].as_str().map(str::to_owned);
                self.plans.extend(plan.is_some().then_some(Planned { plan, ..wanted }));
                format!("answered {status} with a plan of {}", body["totals"]["changed"])
            }
            (_, Ended::Http(status, body)) => format!("answered {status} {}", problem(&body)),
            _ => "ended otherwise than it began".to_owned(),
        };
        self.trace.note(format_args!("[{}] {outcome} after {passed} calls", job.id));
        Ok(())
    }

    /// What the trigger of a queue does with an answer.
    fn delete_done(
        &mut self,
        receipts: Vec<(String, String, String)>,
        response: &SqsBatchResponse,
    ) -> String {
        let mut failed: BTreeSet<String> =
            response.batch_item_failures.iter().map(|failure| failure.item_identifier.clone()).collect();
        let honest = failed.len();
        if self.weather.happens(|rates| rates.partly_failed) && !receipts.is_empty() {
            // From some message on nothing of its group is deleted.
            let from = self.chance.index(receipts.len());
            let group = receipts[from].2.clone();
            failed.extend(
                receipts.iter().skip(from).filter(|(.., of)| *of == group).map(|(id, ..)| id.clone()),
            );
        }
        let done: Vec<String> = receipts
            .iter()
            .filter(|(id, ..)| !failed.contains(id))
            .map(|(_, receipt, _)| receipt.clone())
            .collect();
        self.queue.done(&done);
        format!("{} done, {honest} failed, {} come again all the same", done.len(), failed.len() - honest)
    }

    /// What an answer says of a posting. The table was looked at before: what it has not shown by now is not done.
    fn answered(&mut self, key: &str, status: u16, code: &str, body: &Bytes) -> anyhow::Result<()> {
        let Some(posting) = self.model.postings.get_mut(key) else { return Ok(()) };
        if status >= 500 || code == "idempotency_key_in_use" {
            return Ok(());
        }
        self.unanswered.remove(key);
        let request = &self.requests[key];
        match (status, posting.posted) {
            (200 | 201, before) => {
                posting.posted = Posted::Yes;
                let places = match &posting.deed {
                    Deed::Moves(moves) if before != Posted::Yes => moves.clone(),
                    _ => Vec::new(),
                };
                let organization = self.merchants[request.merchant].organization.clone();
                for (place, _) in places {
                    self.check_place(&organization, &place)?;
                }
                let body: Value = serde_json::from_slice(body).unwrap_or_default();
                let document = body["id"].as_str().unwrap_or_default().to_owned();
                self.follow_document(key, document);
            }
            // Its first answer got lost with the function; what it changed cannot be changed twice.
            (409, Posted::Yes) if request.once => {}
            (_, Posted::Yes) => {
                anyhow::bail!("{key} was posted and is answered with {status} {code}")
            }
            _ => posting.posted = Posted::No,
        }
        Ok(())
    }
}

fn problem(body: &Bytes) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["code"].as_str().unwrap_or_default().to_owned()
}

async fn answer(router: axum::Router, request: Request<Body>) -> Ended {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Ended::Http(status, body)
}
