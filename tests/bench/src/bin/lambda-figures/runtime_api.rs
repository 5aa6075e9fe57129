//! A stand-in of Lambda's runtime API that has one piece of work, and of AWS behind TLS: it answers for the secrets that a
//! function reads at its start, and takes the first call of the work.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Where a system keeps the authorities that it trusts; a function reads all of them before its first call.
const SYSTEM_ROOTS: &str = "/etc/ssl/certs/ca-certificates.crt";

/// What a function did.
pub enum Seen {
    /// It asked for work.
    Poll(Instant),
    /// It called AWS for the work.
    Call,
    /// It said that it cannot start, in its words.
    Failed(String),
}

/// A name and a key for `localhost`, which the functions are told to trust.
pub struct Identity {
    config: Arc<ServerConfig>,
    roots: tempfile::NamedTempFile,
}

impl Identity {
    pub fn new() -> anyhow::Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(anyhow::Error::msg)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)?;
        let mut roots = tempfile::NamedTempFile::new()?;
        match fs::read(SYSTEM_ROOTS) {
            Ok(system) => roots.write_all(&system)?,
            Err(_) => println!(
                "There is no {SYSTEM_ROOTS}: first calls read one certificate instead of a system's."
            ),
        }
        roots.write_all(made.cert.pem().as_bytes())?;
        Ok(Self { config: Arc::new(config), roots })
    }

    /// The authorities to trust, this one among them.
    pub fn roots(&self) -> &Path {
        self.roots.path()
    }
}

/// Its threads end with the process.
pub struct RuntimeApi {
    runtime: SocketAddr,
    aws: SocketAddr,
    seen: Receiver<Seen>,
    work: Sender<String>,
}

impl RuntimeApi {
    pub fn open(identity: &Identity) -> anyhow::Result<Self> {
        let (runtime, aws) = (listen()?, listen()?);
        let (tell, seen) = channel();
        let (work, works) = channel();
        let works = Arc::new(Mutex::new(works));
        let this = Self { runtime: runtime.local_addr()?, aws: aws.local_addr()?, seen, work };
        let told = tell.clone();
        thread::spawn(move || {
            for stream in runtime.incoming().map_while(Result::ok) {
                let (tell, works) = (told.clone(), Arc::clone(&works));
                thread::spawn(move || serve(stream, |request| answer_runtime(&request, &tell, &works)));
            }
        });
        let config = Arc::clone(&identity.config);
        thread::spawn(move || {
            for stream in aws.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                let Ok(connection) = ServerConnection::new(Arc::clone(&config)) else { return };
                let stream = StreamOwned::new(connection, stream);
                thread::spawn(move || serve(stream, |request| Some(answer_aws(&request, &tell))));
            }
        });
        Ok(this)
    }

    /// Host and port of the runtime API.
    pub fn runtime(&self) -> String {
        self.runtime.to_string()
    }

    /// The address of AWS.
    pub fn aws(&self) -> String {
        format!("https://localhost:{}", self.aws.port())
    }

    /// What was done next.
    pub fn next(&self, within: Duration) -> Option<Seen> {
        self.seen.recv_timeout(within).ok()
    }

    /// Whoever waits for work is given this event.
    pub fn give(&self, event: String) -> anyhow::Result<()> {
        self.work.send(event).ok().context("nobody waits for work")
    }
}

fn listen() -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
}

struct Request {
    line: String,
    target: String,
    body: String,
}

/// Headers of an answer beside its length, each with its end of line, and its body.
type Answer = (&'static str, String);

/// `None`: it gets no answer.
fn answer_runtime(request: &Request, tell: &Sender<Seen>, works: &Mutex<Receiver<String>>) -> Option<Answer> {
    const WORK: &str = "content-type: application/json\r\nlambda-runtime-aws-request-id: bench\r\n\
        lambda-runtime-deadline-ms: 32503680000000\r\n\
        lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-central-1:123456789012:function:bench\r\n";
    if request.line.contains("/invocation/next") {
        // Whoever waited may be gone: then nobody is to be told.
        drop(tell.send(Seen::Poll(Instant::now())));
        return Some((WORK, works.lock().ok()?.recv().ok()?));
    }
    if request.line.contains("/init/error") {
        drop(tell.send(Seen::Failed(request.body.clone())));
    }
    Some(("content-type: application/json\r\n", "{}".to_owned()))
}

fn answer_aws(request: &Request, tell: &Sender<Seen>) -> Answer {
    let body = if request.target.ends_with("GetSecretValue") {
        r#"{"ARN":"bench","Name":"bench","SecretString":"an-operators-key-of-some-length"}"#
    } else {
        drop(tell.send(Seen::Call));
        "{}"
    };
    ("content-type: application/x-amz-json-1.1\r\n", body.to_owned())
}

/// Requests of one connection, until it closes.
fn serve<S: Read + Write>(stream: S, answer: impl Fn(Request) -> Option<Answer>) {
    let mut stream = BufReader::new(stream);
    while let Some(request) = read(&mut stream) {
        let Some((headers, body)) = answer(request) else { return };
        let whole = format!("HTTP/1.1 200 OK\r\n{headers}content-length: {}\r\n\r\n{body}", body.len());
        if stream.get_mut().write_all(whole.as_bytes()).and_then(|()| stream.get_mut().flush()).is_err() {
            return;
        }
    }
}

fn read(requests: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    requests.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
    let (mut target, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        requests.read_line(&mut header).ok().filter(|bytes| *bytes > 0)?;
        let Some((name, value)) = header.split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().ok()?,
            "x-amz-target" => target = value.trim().to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    requests.read_exact(&mut body).ok()?;
    Some(Request { line, target, body: String::from_utf8_lossy(&body).into_owned() })
}
