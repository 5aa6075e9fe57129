//! A running hub: its process and data directory, or where it is deployed; its keys.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

use crate::answer::Answer;
use crate::eventually;

/// How long a start may take, in a debug build on a busy machine.
const START: Duration = Duration::from_secs(60);
const LOG_LINES_SHOWN: usize = 80;

pub struct Hub {
    /// `None` for one that was deployed, which no test ends.
    process: Option<Process>,
    /// `http://127.0.0.1:<port>`; another after each restart.
    pub address: String,
    pub key: String,
    pub operator_key: String,
    client: reqwest::Client,
}

struct Process {
    dir: TempDir,
    child: Child,
    options: Vec<String>,
}

impl Hub {
    /// An empty organization in a fresh directory.
    pub async fn start() -> Self {
        Self::start_with(&["--no-demo"]).await
    }

    pub async fn start_with(options: &[&str]) -> Self {
        let dir = TempDir::new().expect("a folder");
        let options: Vec<String> = options.iter().map(ToString::to_string).collect();
        let (child, said) = spawn(&dir, &options).await;
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client");
        let key = said.key.expect("the first start shows a key");
        let operator_key = said.operator_key.expect("the first start shows the operator's key");
        let process = Some(Process { dir, child, options });
        Self { process, address: said.address, key, operator_key, client }
    }

    /// A new organization of the one that listens on this port of this machine, under a host name of its own.
    pub async fn deployed(host: &str, port: u16, operator_key: &str) -> Self {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(60))
            .resolve(host, SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        let mut hub = Self {
            process: None,
            address: format!("http://{host}:{port}"),
            key: String::new(),
            operator_key: operator_key.to_owned(),
            client: client.build().expect("a client"),
        };
        let body = json!({ "name": "Deployed", "base_currency": "USD", "country": "US", "time_zone": "America/New_York" });
        let request = hub.request_as(operator_key, Method::POST, "/v1/organizations").json(&body);
        let made = hub.send(request).await.done();
        hub.key = made["api_key"].as_str().expect("a key").to_owned();
        hub
    }

    fn process(&mut self) -> &mut Process {
        self.process.as_mut().expect("a process of the test's own")
    }

    /// `kill -9`: nothing is ended, nothing is flushed.
    pub async fn kill(&mut self) {
        let child = &mut self.process().child;
        child.kill().expect("it ran");
        child.wait().expect("it ran");
    }

    /// Starts again on the same directory, after [`Hub::kill`] or [`Hub::stop`]. The keys it showed, if any.
    pub async fn restart(&mut self, more: &[&str]) -> Option<(String, String)> {
        let process = self.process();
        let mut options = process.options.clone();
        options.extend(more.iter().map(ToString::to_string));
        let (child, said) = spawn(&process.dir, &options).await;
        process.child = child;
        self.address = said.address;
        said.key.zip(said.operator_key)
    }

    pub async fn kill_and_restart(&mut self) {
        self.kill().await;
        self.restart(&[]).await;
    }

    /// SIGTERM, as `docker stop` or systemd send it.
    pub async fn stop(&mut self, deadline: Duration) -> ExitStatus {
        let child = &mut self.process().child;
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(sent.success());
        eventually("the hub ends after SIGTERM", deadline, async || {
            child.try_wait().expect("it ran").ok_or_else(|| "still running".to_owned())
        })
        .await
    }

    pub fn log(&self) -> String {
        let log = self.process.as_ref().map(|process| std::fs::read_to_string(log_file(&process.dir)));
        log.transpose().ok().flatten().unwrap_or_default()
    }

    /// The hub's clock moves on; what was due by then has been started when this returns.
    pub async fn advance(&self, by: SignedDuration) {
        self.post("/_local/clock", json!({ "advance": by.to_string() })).await.done();
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.expect("an answer");
        Answer::read(response).await.expect("a whole answer")
    }

    /// A request with the merchant's key.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.request_as(&self.key, method, path)
    }

    pub fn request_as(&self, key: &str, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.unsigned(method, path).bearer_auth(key)
    }

    /// A request without a key.
    pub fn unsigned(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    pub async fn get(&self, path: &str) -> Value {
        self.send(self.request(Method::GET, path)).await.done()
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.post_once(&Uuid::new_v4().to_string(), path, body).await
    }

    /// With an idempotency key of the caller's.
    pub async fn post_once(&self, key: &str, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).header("idempotency-key", key).json(&body);
        self.send(request).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(self.request(Method::PATCH, path).json(&body)).await
    }

    /// Every record of a list, over all its pages.
    pub async fn list(&self, path: &str) -> Vec<Value> {
        let mut records = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let mut parameters = vec![("limit", "200")];
            parameters.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
            let request = self.request(Method::GET, &with_parameters(path, &parameters));
            let page = self.send(request).await.done();
            records.extend(page["data"].as_array().expect("a list").iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = Some(next.to_owned()),
                None => return records,
            }
        }
    }

    /// Every record of a list that comes in one piece.
    pub async fn whole(&self, path: &str) -> Vec<Value> {
        self.get(path).await["data"].as_array().expect("a list").clone()
    }

    /// A new item with stock at the primary location; its id.
    pub async fn item(&self, sku: &str, name: &str, on_hand: i64) -> String {
        let location = self.primary_location().await;
        let body = json!({
            "sku": sku, "name": name, "selling_price": { "amount": "9.50", "currency": "USD" },
            "opening_stock": [{ "location_id": location, "quantity": on_hand }],
        });
        self.post("/v1/items", body).await.done()["id"].as_str().expect("an id").to_owned()
    }

    pub async fn primary_location(&self) -> String {
        self.get("/v1/organization").await["primary_location_id"].as_str().expect("an id").to_owned()
    }

    pub async fn adjustment(&self, line: Value) -> Value {
        json!({ "location_id": self.primary_location().await, "lines": [line], "reason": "counted" })
    }

    pub async fn item_by_sku(&self, sku: &str) -> Option<Value> {
        let found = self.get(&with_parameters("/v1/items", &[("sku", sku)])).await;
        found["data"].as_array().expect("a list").first().cloned()
    }

    /// Syncs now, and waits until it is done; the sync as it ended.
    pub async fn sync(&self, connection: &str, kind: &str) -> Value {
        let path = format!("/v1/connections/{connection}/sync");
        let started = self.post(&path, json!({ "kind": kind })).await;
        assert_eq!(started.status, 202, "{}", started.body);
        self.finished(started.body["id"].as_str().expect("an id")).await
    }

    pub async fn finished(&self, sync: &str) -> Value {
        eventually(&format!("{sync} ends"), crate::SOON, async || {
            let sync = self.get(&format!("/v1/syncs/{sync}")).await;
            if sync["finished_at"].is_string() { Ok(sync) } else { Err(sync.to_string()) }
        })
        .await
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let Some(process) = &mut self.process else { return };
        // It may have ended already.
        let _ = process.child.kill();
        let _ = process.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let last = lines.len().saturating_sub(LOG_LINES_SHOWN);
            eprintln!("--- the hub's log ends\n{}\n---", lines[last..].join("\n"));
        }
    }
}

/// The path with more query parameters.
fn with_parameters(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut url: reqwest::Url = format!("http://hub{path}").parse().expect("a path");
    url.query_pairs_mut().extend_pairs(parameters);
    format!("{}?{}", url.path(), url.query().unwrap_or_default())
}

struct Said {
    address: String,
    key: Option<String>,
    operator_key: Option<String>,
}

fn log_file(dir: &TempDir) -> PathBuf {
    dir.path().join("log.txt")
}

async fn spawn(dir: &TempDir, options: &[String]) -> (Child, Said) {
    let log = std::fs::OpenOptions::new().create(true).append(true).open(log_file(dir)).expect("a log");
    let mut child = Command::new(binary())
        .args(["--port", "0", "--data-dir"])
        .arg(dir.path().join("data"))
        .args(options)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .expect("the hub starts");
    let output = BufReader::new(child.stdout.take().expect("its output"));
    let (sender, lines) = mpsc::channel();
    // Reads to the end: whoever does not read a pipe stops its writer one day.
    std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    let mut said = Said { address: String::new(), key: None, operator_key: None };
    eventually("the hub says where it listens", START, async || {
        while let Ok(line) = lines.try_recv() {
            if let Some(address) = line.strip_prefix("Listening on ") {
                said.address = address.to_owned();
            } else if let Some(key) = line.strip_prefix("API key: ") {
                said.key = Some(key.to_owned());
            } else if let Some(key) = line.strip_prefix("Operator key: ") {
                said.operator_key = Some(key.to_owned());
            } else if line.starts_with("Data: ") {
                return Ok(());
            }
        }
        Err(std::fs::read_to_string(log_file(dir)).unwrap_or_default())
    })
    .await;
    (child, said)
}

/// `src/bin/hub.rs`: `<target>/<profile>/hub`, beside the `deps` that hold the test itself.
fn binary() -> PathBuf {
    let test = std::env::current_exe().expect("the test's own path");
    test.ancestors().nth(2).expect("the profile's folder").join("hub")
}
