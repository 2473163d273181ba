//! Every documented route refuses a caller without a credential, and one whose token does not reach that far. The routes
//! that need none are a golden list: a new one has to be written down here.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::server::TestServer;

/// Routes that anybody may call, and why.
const OPEN: &[&str] = &[
    "get /api/v1/sign-off/link",  // the link is the credential: it opens one invitation
    "get /healthz",               // is the process alive: says nothing else
    "get /metrics",               // counters, scraped from inside the network
    "get /ofrep/v1/stream",       // the signed ticket is the credential: it tells that flags changed
    "get /readyz",                // is it ready
    "post /api/v1/session",       // signing in
    "post /api/v1/setup",         // needs the setup code instead
    "post /api/v1/sign-off/link", // the link is the credential
];

/// What a token of each scope is refused for: every scope but the one a route asks for.
const SCOPES: [&str; 6] = ["evaluate", "ingest", "sync", "read", "write", "admin"];

struct Route {
    method: Method,
    path: String,
    scope: Option<String>,
}

impl Route {
    fn name(&self) -> String {
        format!("{} {}", self.method.as_str().to_lowercase(), self.path)
    }
}

/// The routes as the description of the API has them, with placeholders filled.
fn routes() -> Vec<Route> {
    let api: Value = serde_json::from_str(&tenure_server::openapi_json().unwrap()).unwrap();
    let mut routes = Vec::new();
    for (path, operations) in api["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let scope = operation["security"].as_array().and_then(|schemes| {
                schemes.iter().find_map(|scheme| Some(scheme["token"][0].as_str()?.to_owned()))
            });
            routes.push(Route {
                method: method.to_uppercase().parse().unwrap(),
                path: path.replace(['{', '}'], ""),
                scope,
            });
        }
    }
    routes
}

#[tokio::test]
async fn every_route_refuses_who_may_not() {
    let test = TestServer::start().await;
    let mut tokens = Vec::new();
    for scope in SCOPES {
        tokens.push((scope, test.token(&[scope]).await));
    }
    let mut open = Vec::new();
    for route in routes() {
        let body = json!({});
        let send = async |token: Option<&str>| {
            let body = (route.method != Method::GET).then_some(&body);
            test.send(route.method.clone(), &route.path, token, body).await
        };
        let Some(needed) = &route.scope else {
            open.push(route.name());
            continue;
        };
        let answer = send(None).await;
        assert_eq!(
            answer.status,
            StatusCode::UNAUTHORIZED,
            "{} without a credential: {answer:?}",
            route.name()
        );
        assert_eq!(answer.body["code"], "unauthenticated");
        let answer = send(Some("tnr_wrong")).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{} with a wrong token", route.name());
        for (scope, token) in tokens.iter().filter(|(scope, _)| scope != needed) {
            let answer = send(Some(token)).await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{} with scope {scope}: {answer:?}",
                route.name()
            );
            let detail = answer.body["detail"].as_str().unwrap();
            assert_eq!(detail, format!("this needs the scope {needed}; the credential has {scope}"));
        }
    }
    open.sort();
    assert_eq!(open, OPEN, "the routes that need no credential");
}

#[tokio::test]
async fn the_status_page_is_closed_unless_made_public() {
    let closed = TestServer::start().await;
    let answer = closed.send(Method::GET, "/status", None, None).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(closed.get("/status").await.status, StatusCode::OK);
    let public = TestServer::start_with(|config| config.status_page_public = true).await;
    assert_eq!(public.send(Method::GET, "/status", None, None).await.status, StatusCode::OK);
}
