//! The transport to the real network.
//!
//! Shops' addresses are typed in by merchants, so each is checked: a literal address before the request, a name when it
//! is resolved (the addresses checked are the ones connected to, so a name cannot change its mind in between). Redirects
//! are answers like others and never followed. No proxy is used: behind one the check would see nothing.

use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use url::Host;

use crate::transport::{RESPONSE_BYTES_MAX, Transport, TransportError};

/// From the first byte sent to the last byte read. Slow shops take 10 s for a batch of 100; beyond this the outcome is
/// taken as unknown, and a worker's own time must be longer.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Which addresses may be spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Public ones, over https.
    Public,
    /// Any, over http too: for shops on the deployment's own network, and for simulated ones. Credentials of a channel
    /// that signs its requests (WooCommerce's OAuth 1.0a) are safe over http, the data of buyers is not.
    AllowPrivate,
}

/// Speaks to the network.
#[derive(Debug, Clone)]
pub struct NetworkTransport {
    client: reqwest::Client,
    policy: AddressPolicy,
    bytes_max: usize,
}

impl NetworkTransport {
    /// Fails where the platform's certificates cannot be read.
    pub fn new(policy: AddressPolicy) -> Result<Self, reqwest::Error> {
        Self::with_limits(policy, TIMEOUT, RESPONSE_BYTES_MAX)
    }

    fn with_limits(
        policy: AddressPolicy,
        timeout: Duration,
        bytes_max: usize,
    ) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("masterstock/", env!("CARGO_PKG_VERSION")))
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .https_only(policy == AddressPolicy::Public)
            .dns_resolver(Arc::new(Resolver { policy }))
            .build()?;
        Ok(Self { client, policy, bytes_max })
    }
}

#[async_trait]
impl Transport for NetworkTransport {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, TransportError> {
        let request = reqwest::Request::try_from(request).map_err(classify)?;
        if self.policy == AddressPolicy::Public {
            let literal = match request.url().host() {
                Some(Host::Ipv4(ip)) => Some(IpAddr::V4(ip)),
                Some(Host::Ipv6(ip)) => Some(IpAddr::V6(ip)),
                Some(Host::Domain(_)) | None => None,
            };
            if request.url().scheme() != "https" || literal.is_some_and(|ip| !is_public(ip)) {
                return Err(TransportError::AddressRefused);
            }
        }
        let mut answer = self.client.execute(request).await.map_err(classify)?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        // Counted as it is read and after decompression: a length in a header proves nothing.
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > self.bytes_max {
                return Err(TransportError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body.freeze()).map_err(|error| TransportError::Connection(Some(error.into())))
    }
}

/// The address is stripped from the error: its query may hold a key.
fn classify(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if inner.is::<Refused>() {
            return TransportError::AddressRefused;
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        TransportError::Timeout(Some(error.into()))
    } else {
        TransportError::Connection(Some(error.into()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the name has no address that may be spoken to")]
struct Refused;

struct Resolver {
    policy: AddressPolicy,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(Box::new(allowed(found, policy)?.into_iter()) as Addrs)
        })
    }
}

/// A name with a private address beside public ones is refused whole: which of them is connected to would be chance.
fn allowed(found: Vec<SocketAddr>, policy: AddressPolicy) -> Result<Vec<SocketAddr>, Refused> {
    match policy {
        AddressPolicy::Public if found.iter().any(|address| !is_public(address.ip())) => Err(Refused),
        AddressPolicy::Public | AddressPolicy::AllowPrivate => Ok(found),
    }
}

/// Whether an address is one of the public internet, by IANA's registries of special-purpose addresses.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let special = match ip.octets() {
        [0 | 10 | 127, ..] => true,
        [100, b, ..] => (64..128).contains(&b),
        [169, 254, ..] | [192, 168, ..] => true,
        [172, b, ..] => (16..32).contains(&b),
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [192, 88, 99, _] => true,
        [198, 18 | 19, ..] => true,
        [first, ..] => first >= 224,
    };
    !special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        // IPv4 in IPv6: mapped, compatible (loopback and unspecified among them), NAT64, 6to4.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => is_public_v4(embedded(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // Teredo and the other protocol assignments; documentation.
        [0x2001, second, ..] if second < 0x200 || second == 0xdb8 => false,
        // Global unicast is 2000::/3; unique-local, link-local, site-local and multicast are outside it.
        [first, ..] => (0x2000..0x4000).contains(&first) && first != 0x3fff,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn only_public_addresses_are_public() {
        let public = [
            "1.1.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::808:808",
        ];
        let special = [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::10.0.0.1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ];
        for ip in public {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in special {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn one_private_address_spoils_a_name() {
        let found = || ["1.1.1.1:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap()].to_vec();
        assert!(allowed(found(), AddressPolicy::Public).is_err());
        assert_eq!(allowed(found(), AddressPolicy::AllowPrivate).unwrap().len(), 2);
    }

    /// A server for one request; it answers `answer`, or nothing at all.
    async fn server(answer: Option<&'static str>) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://localhost:{}/x", listener.local_addr().unwrap().port());
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            match answer {
                Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                None => drop(stream.read(&mut request).await),
            }
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        (address, task)
    }

    fn get(address: &str) -> Request<Bytes> {
        Request::get(address).body(Bytes::new()).unwrap()
    }

    fn transport(policy: AddressPolicy) -> NetworkTransport {
        NetworkTransport::with_limits(policy, TIMEOUT, 10).unwrap()
    }

    #[tokio::test]
    async fn loopback_is_for_those_who_allow_it() {
        let (address, task) = server(Some("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-a: b\r\n\r\nhi")).await;
        for refused in [
            address.clone(),
            address.replace("http:", "https:"),
            "https://127.0.0.1/".to_owned(),
            "https://0x7f.1/".to_owned(),
            "https://[::1]/".to_owned(),
        ] {
            let error = transport(AddressPolicy::Public).send(get(&refused)).await.unwrap_err();
            assert!(matches!(error, TransportError::AddressRefused), "{refused}: {error:?}");
        }
        let answer = transport(AddressPolicy::AllowPrivate).send(get(&address)).await.unwrap();
        assert_eq!((answer.body().as_ref(), answer.headers()["x-a"].to_str().unwrap()), (&b"hi"[..], "b"));
        assert!(task.await.unwrap().contains("masterstock/"));
    }

    #[tokio::test]
    async fn an_answer_that_is_too_long_is_not_read() {
        let (address, _task) = server(Some("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n01234567890")).await;
        let error = transport(AddressPolicy::AllowPrivate).send(get(&address)).await.unwrap_err();
        assert!(matches!(error, TransportError::TooLarge), "{error:?}");
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer() {
        let (address, _task) =
            server(Some("HTTP/1.1 302 Found\r\nlocation: http://10.0.0.1/\r\ncontent-length: 0\r\n\r\n"))
                .await;
        let answer = transport(AddressPolicy::AllowPrivate).send(get(&address)).await.unwrap();
        assert_eq!(answer.status(), 302);
    }

    #[tokio::test]
    async fn silence_is_a_timeout_and_a_closed_port_is_not() {
        let (address, _task) = server(None).await;
        let hasty = NetworkTransport::with_limits(AddressPolicy::AllowPrivate, Duration::from_millis(20), 10)
            .unwrap();
        let error = hasty.send(get(&address)).await.unwrap_err();
        assert!(matches!(error, TransportError::Timeout(_)), "{error:?}");
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = closed.local_addr().unwrap().port();
        drop(closed);
        let error = transport(AddressPolicy::AllowPrivate)
            .send(get(&format!("http://127.0.0.1:{port}/?key=s3cret")))
            .await
            .unwrap_err();
        assert!(matches!(error, TransportError::Connection(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("s3cret"));
    }
}
