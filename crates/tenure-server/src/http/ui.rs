//! The web UI: its files inside the binary, and the one page that every address of it opens.
//!
//! The UI speaks to the documented API like any other client; nothing here knows what it shows. A debug build reads
//! `ui/dist` when asked, so that it need not be there to compile; a release build of the binary fails without it.

use std::borrow::Cow;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::problem::Problem;

/// What the pages may load: their own files, and nothing written into the page. Styles may stand in it: the component
/// library sets lengths and colours as style attributes, which no hash or nonce can allow.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../ui/dist"]
#[allow_missing = true]
struct Files;

/// Paths of programs: a page is never the answer there.
const OF_PROGRAMS: [&str; 2] = ["/api/", "/ofrep/"];

/// A file of the UI, or its page where a browser asks for anything else that is no path of programs.
pub async fn serve(request: Request) -> Response {
    let path = request.uri().path();
    let none = || Problem::NotFound { what: "page", id: path.to_owned() }.into_response();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return none();
    }
    if let Some(file) = Files::get(path.trim_start_matches('/')) {
        return answer(path, file, request.headers());
    }
    let is_program = OF_PROGRAMS.iter().any(|of| path.starts_with(of));
    if is_program || !wants_html(request.headers()) {
        return none();
    }
    match Files::get("index.html") {
        Some(page) => answer("/index.html", page, request.headers()),
        None => (StatusCode::OK, Html(WITHOUT)).into_response(),
    }
}

fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accepts| accepts.to_str().ok()).unwrap_or_default();
    accepts.contains("text/html")
}

fn answer(path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..16]));
    // A hashed name never changes its content; the page itself is asked about each time.
    let kept = if path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let seen = headers.get(header::IF_NONE_MATCH).is_some_and(|seen| seen.as_bytes() == etag.as_bytes());
    let mut response = match seen {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => match file.data {
            Cow::Borrowed(bytes) => bytes.into_response(),
            Cow::Owned(bytes) => bytes.into_response(),
        },
    };
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    set.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        set.insert(header::ETAG, etag);
    }
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// What stands where the UI was not built in.
const WITHOUT: &str = "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Tenure</title><style>body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:4rem auto;padding:0 1rem}code,pre{background:#8882;border-radius:4px;padding:.1rem .3rem}</style></head><body><h1>Tenure is running</h1><p>This build has no web UI in it. To get it, build it once with Node 22 or later; a debug build then serves it at once, a release build takes it in:</p><pre>npm --prefix ui ci\nnpm --prefix ui run build</pre><p>Without it: <a href=\"/status\">what the cases are doing</a>, <a href=\"/openapi.json\">the API</a>, and the command line, <code>tenure --help</code>.</p></body></html>";

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(path: &str, accepts: &str) -> Response {
        let request = Request::builder().uri(path).header(header::ACCEPT, accepts);
        serve(request.body(axum::body::Body::empty()).unwrap()).await
    }

    #[tokio::test]
    async fn a_browser_gets_a_page_anywhere_and_a_program_a_problem() {
        for path in ["/", "/cases/PC-1", "/flags"] {
            assert_eq!(get(path, "text/html,*/*;q=0.8").await.status(), StatusCode::OK, "{path}");
            assert_eq!(get(path, "application/json").await.status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert_eq!(get("/api/v1/nothing", "text/html").await.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn only_hashed_files_are_kept_for_ever() {
        let file = || EmbeddedFile {
            data: Cow::Borrowed(b"x"),
            metadata: rust_embed::Metadata::__rust_embed_new([7; 32], None, None),
        };
        let check = |path: &str, kept: &str, content_type: &str| {
            let sent = answer(path, file(), &HeaderMap::new());
            assert_eq!(sent.headers()[header::CACHE_CONTROL], kept);
            assert_eq!(sent.headers()[header::CONTENT_TYPE], content_type);
            let mut seen = HeaderMap::new();
            seen.insert(header::IF_NONE_MATCH, sent.headers()[header::ETAG].clone());
            assert_eq!(answer(path, file(), &seen).status(), StatusCode::NOT_MODIFIED);
        };
        check(
            "/assets/index-4f2a.js",
            "public, max-age=31536000, immutable",
            "text/javascript; charset=utf-8",
        );
        check("/index.html", "no-cache", "text/html; charset=utf-8");
        assert!(!CONTENT_SECURITY_POLICY.contains("script-src 'self' 'unsafe-inline'"));
    }
}
