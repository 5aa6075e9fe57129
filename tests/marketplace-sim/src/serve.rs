//! A simulated shop behind a real HTTP server on the loopback interface. Who opens its page of consent has agreed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode};
use tokio::net::TcpListener;
use url::Url;

use crate::{Fault, SimulatedShop};

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Served {
    pub address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Served {
    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the shop on `address`; port 0 for any.
pub async fn serve(shop: Arc<dyn SimulatedShop>, address: SocketAddr) -> std::io::Result<Served> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(answer).with_state(shop);
    let task = tokio::spawn(async move {
        // Ends only with the task.
        let _ = axum::serve(listener, router).await;
    });
    Ok(Served { address, task })
}

async fn answer(State(shop): State<Arc<dyn SimulatedShop>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, 8 * 1024 * 1024).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let opened = if parts.method == Method::GET { page(&parts) } else { None };
    if let Some(back) = opened.and_then(|page| shop.consent(&page)) {
        return (StatusCode::FOUND, [("location", back.to_string())]).into_response();
    }
    let handle = || shop.handle(http::Request::from_parts(parts, body));
    match shop.faults().take() {
        Fault::Pass => handle().map(Body::from),
        Fault::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            (status, "<html><body>out of order</body></html>").into_response()
        }
        Fault::Throttle { retry_after_s } => {
            let mut response = StatusCode::TOO_MANY_REQUESTS.into_response();
            if let Some(seconds) = retry_after_s {
                response.headers_mut().insert("retry-after", seconds.into());
            }
            response
        }
        Fault::Html => {
            (StatusCode::OK, [("content-type", "text/html")], "<html>Welcome</html>").into_response()
        }
        Fault::Hang => never().await,
        Fault::DropAnswer => {
            drop(handle());
            never().await
        }
        Fault::Cut => handle().map(|body: Bytes| Body::from(body.slice(..body.len() / 2))).into_response(),
    }
}

/// The address of a page, as the browser has it that opens it.
fn page(parts: &Parts) -> Option<Url> {
    if parts.uri.scheme().is_some() {
        return parts.uri.to_string().parse().ok();
    }
    let host = parts.headers.get("host")?.to_str().ok()?;
    format!("http://{host}{}", parts.uri.path_and_query()?).parse().ok()
}

/// Longer than any client waits.
async fn never() -> Response {
    tokio::time::sleep(Duration::from_secs(600)).await;
    StatusCode::GATEWAY_TIMEOUT.into_response()
}
