//! What a browser does without JavaScript: keeps cookies, sends forms, follows redirects.

use std::collections::BTreeSet;

use app::organization::NewApiKey;
use axum::Router;
use axum::body::{Body, to_bytes};
use console::ConsoleSettings;
use http::{HeaderMap, Request};
use store::api_key::Scope;
use tower::ServiceExt as _;

use crate::world::World;

pub struct Browser {
    router: Router,
    cookies: String,
    csrf: String,
}

/// A key to be made.
pub fn key_of(name: &str, scopes: BTreeSet<Scope>) -> NewApiKey {
    NewApiKey { name: name.to_owned(), scopes, id: None }
}

#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
}

impl Page {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> &Self {
        assert!(self.html.contains(text), "{text:?} is not in {}: {}", self.status, self.html);
        self
    }

    #[track_caller]
    pub fn hides(&self, text: &str) -> &Self {
        assert!(!self.html.contains(text), "{text:?} is in {}: {}", self.status, self.html);
        self
    }

    #[track_caller]
    pub fn ok(&self) -> &Self {
        assert_eq!(self.status, 200, "{}", self.html);
        self
    }

    /// What stands between two texts, the first time.
    #[track_caller]
    pub fn between(&self, before: &str, after: &str) -> String {
        let start = self.html.find(before).unwrap_or_else(|| panic!("{before:?} is not in {}", self.html));
        let rest = &self.html[start + before.len()..];
        rest[..rest.find(after).unwrap()].to_owned()
    }

    /// The first address in it that ends so.
    #[track_caller]
    pub fn path_ending(&self, end: &str) -> String {
        let found = self.html.split('"').find(|part| part.starts_with('/') && part.ends_with(end));
        found.unwrap_or_else(|| panic!("nothing ends in {end:?}: {}", self.html)).to_owned()
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        let set = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        let mut pairs = set.filter_map(|text| text.split(';').next()?.split_once('='));
        pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }
}

impl Browser {
    pub fn stranger(world: &World) -> Self {
        let router = console::router(world.app.clone(), ConsoleSettings::default());
        Self { router, cookies: String::new(), csrf: String::new() }
    }

    pub async fn signed_in(world: &World) -> Self {
        Self::signed_in_with(world, &world.key).await
    }

    pub async fn signed_in_with(world: &World, key: &str) -> Self {
        let mut browser = Self::stranger(world);
        let answer = browser.send("POST", "/sign-in", Some(&[("key", key)]), &[]).await;
        let token = answer.cookie("session").expect("a session");
        browser.cookies = format!("session={token}");
        let page = browser.get("/").await;
        browser.csrf = page.between("name=\"csrf\" value=\"", "\"");
        browser
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        form: Option<&[(&str, &str)]>,
        headers: &[(&str, &str)],
    ) -> Page {
        let mut request = Request::builder().method(method).uri(path);
        if !self.cookies.is_empty() {
            request = request.header("cookie", &self.cookies);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match form {
            Some(fields) => {
                request = request.header("content-type", "application/x-www-form-urlencoded");
                let encoded =
                    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                Body::from(encoded)
            }
            None => Body::empty(),
        };
        self.answer(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send("GET", path, None, &[]).await
    }

    /// Without the session's token.
    pub async fn post_bare(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.send("POST", path, Some(fields), &[]).await
    }

    /// As a form with a file sends it.
    pub async fn post_file(&self, path: &str, name: &str, content: &[u8]) -> Page {
        const BOUNDARY: &str = "----boundary7MA4YWxkTrZu0gW";
        let field = |name: &str, value: &str| {
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let mut body = field("csrf", &self.csrf).into_bytes();
        body.extend(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"items.csv\"\r\n\
                 Content-Type: text/csv\r\n\r\n"
            )
            .into_bytes(),
        );
        body.extend(content);
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("cookie", &self.cookies)
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
            .body(Body::from(body));
        self.answer(request.unwrap()).await
    }

    async fn answer(&self, request: Request<Body>) -> Page {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let html = String::from_utf8_lossy(&bytes).into_owned();
        Page { status: parts.status.as_u16(), headers: parts.headers, html }
    }

    /// As a form of ours sends it; where that leads elsewhere, the page there, with its notice.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut all = vec![("csrf", self.csrf.as_str())];
        all.extend(fields);
        let answer = self.post_bare(path, &all).await;
        if answer.status != 303 {
            return answer;
        }
        let notice = answer.cookie("notice").map(|value| format!("; notice={value}")).unwrap_or_default();
        let next = Self {
            router: self.router.clone(),
            cookies: format!("{}{notice}", self.cookies),
            csrf: String::new(),
        };
        next.get(answer.header("location")).await
    }
}
