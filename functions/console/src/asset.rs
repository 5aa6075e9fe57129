//! What pages are dressed with: built in, named after its content, kept by browsers for a year.

use std::io::Write;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderValue, StatusCode};

/// A file of the binary.
struct Asset {
    /// With the beginning of its SHA-256.
    path: String,
    media_type: &'static str,
    plain: Bytes,
    gzip: Option<Bytes>,
}

/// Where each is.
pub struct Paths {
    pub css: &'static str,
    pub icon: &'static str,
    pub htmx: &'static str,
    pub script: &'static str,
}

const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        asset("console", "css", "text/css; charset=utf-8", include_bytes!("../assets/console.css")),
        asset("icon", "svg", "image/svg+xml", include_bytes!("../assets/icon.svg")),
        asset("htmx", "js", JAVASCRIPT, include_bytes!("../assets/htmx.js")),
        asset("console", "js", JAVASCRIPT, include_bytes!("../assets/console.js")),
    ]
});

pub static PATHS: LazyLock<Paths> = LazyLock::new(|| {
    let [css, icon, htmx, script] = &*ASSETS;
    Paths { css: &css.path, icon: &icon.path, htmx: &htmx.path, script: &script.path }
});

fn asset(name: &str, end: &str, media_type: &'static str, content: &'static [u8]) -> Asset {
    let digest = app::secret::digest_of(content);
    let short = digest.get(..16).unwrap_or_default();
    let plain = Bytes::from_static(content);
    Asset { path: format!("/assets/{name}-{short}.{end}"), media_type, gzip: gzip(&plain), plain }
}

/// What a browser unpacks; `None` where it cannot be packed.
pub fn gzip(plain: &[u8]) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).ok()?;
    encoder.finish().ok().map(Bytes::from)
}

/// Whether the browser unpacks gzip.
pub fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        parts.next() == Some("gzip") && parts.next() != Some("q=0")
    })
}

pub async fn serve(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some(asset) = ASSETS.iter().find(|asset| asset.path.strip_prefix("/assets/") == Some(&name)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut response = match &asset.gzip {
        Some(packed) if takes_gzip(&headers) => {
            let mut response = packed.clone().into_response();
            response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            response
        }
        _ => asset.plain.clone().into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
    response
}
