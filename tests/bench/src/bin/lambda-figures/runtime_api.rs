//! A stand-in of Lambda's runtime API that never has work, and of the secrets that a function reads at its start.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

/// The first thing that a function did of its own.
pub enum Seen {
    /// It asked for work.
    Poll(Instant),
    /// It said that it cannot start, in its words.
    Failed(String),
}

/// Its threads end with the process.
pub struct RuntimeApi {
    address: SocketAddr,
    seen: Receiver<Seen>,
}

impl RuntimeApi {
    pub fn open() -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (tell, seen) = channel();
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let tell = tell.clone();
                thread::spawn(move || serve(stream, &tell));
            }
        });
        Ok(Self { address, seen })
    }

    pub fn address(&self) -> String {
        self.address.to_string()
    }

    pub fn first(&self, within: Duration) -> Option<Seen> {
        self.seen.recv_timeout(within).ok()
    }
}

struct Request {
    line: String,
    target: String,
    body: String,
}

/// Requests of one connection, until it closes. An answer to the question for work never comes.
fn serve(stream: TcpStream, tell: &Sender<Seen>) {
    let Ok(mut answers) = stream.try_clone() else { return };
    let mut requests = BufReader::new(stream);
    while let Some(request) = read(&mut requests) {
        let body = if request.line.contains("/invocation/next") {
            // Whoever waited may be gone: then nobody is to be told.
            drop(tell.send(Seen::Poll(Instant::now())));
            continue;
        } else if request.line.contains("/init/error") {
            drop(tell.send(Seen::Failed(request.body)));
            "{}"
        } else if request.target.ends_with("GetSecretValue") {
            r#"{"ARN":"bench","Name":"bench","SecretString":"an-operators-key-of-some-length"}"#
        } else {
            "{}"
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length:";
        if write!(answers, "{head} {}\r\n\r\n{body}", body.len()).is_err() {
            return;
        }
    }
}

fn read(requests: &mut BufReader<TcpStream>) -> Option<Request> {
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
