//! Claiming a server, signing in and out, tokens that end.

use reqwest::{Method, StatusCode, header};
use serde_json::json;

use crate::server::TestServer;

#[tokio::test]
async fn a_server_is_claimed_once() {
    let test = TestServer::start().await;
    let again =
        json!({"code": "whatever", "login": "other@example.com", "password": "correct horse battery"});
    let answer = test.send(Method::POST, "/api/v1/setup", None, Some(&again)).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(answer.body["detail"].as_str().unwrap().contains("claimed already"), "{answer:?}");
    assert_eq!(test.server.setup_code(), None);
}

#[tokio::test]
async fn a_session_reads_and_a_write_needs_its_csrf_value() {
    let test = TestServer::start().await;
    let wrong = json!({"login": "admin@example.com", "password": "correct horse batterx"});
    let answer = test.send(Method::POST, "/api/v1/session", None, Some(&wrong)).await;
    assert_eq!(
        (answer.status, &answer.body["detail"]),
        (StatusCode::UNAUTHORIZED, &json!("login or password is wrong"))
    );

    let right = json!({"login": "Admin@example.com", "password": "correct horse battery"});
    let signed_in = test.send(Method::POST, "/api/v1/session", None, Some(&right)).await;
    assert_eq!(signed_in.status, StatusCode::CREATED);
    let cookie = signed_in.headers[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    let csrf = signed_in.body["csrf"].as_str().unwrap();

    let me = test.send_with(Method::GET, "/api/v1/session", None, None, &[("cookie", cookie)]).await;
    assert_eq!(
        (me.status, &me.body["account"], &me.body["roles"]),
        (StatusCode::OK, &json!("admin"), &json!(["admin"]))
    );
    assert_eq!(me.body["csrf"], csrf, "a page that is loaded again can go on");
    assert_eq!(me.body["may"], json!(["flags", "company", "accounts"]));
    let by_token = test.get("/api/v1/session").await;
    assert_eq!(by_token.body["csrf"], json!(null));

    let team = json!({"do": "define_team", "with": {"team": "growth"}});
    let check = async |headers: &[(&str, &str)], status: StatusCode| {
        let answer = test.send_with(Method::POST, "/api/v1/commands", None, Some(&team), headers).await;
        assert_eq!(answer.status, status, "{answer:?}");
    };
    check(&[("cookie", cookie)], StatusCode::FORBIDDEN).await;
    check(&[("cookie", cookie), ("x-csrf-token", "guessed")], StatusCode::FORBIDDEN).await;
    check(&[("cookie", cookie), ("x-csrf-token", csrf)], StatusCode::OK).await;

    let headers = [("cookie", cookie), ("x-csrf-token", csrf)];
    let out = test.send_with(Method::DELETE, "/api/v1/session", None, None, &headers).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    let after = test.send_with(Method::GET, "/api/v1/session", None, None, &[("cookie", cookie)]).await;
    assert_eq!(after.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn signing_out_everywhere_ends_every_session() {
    let test = TestServer::start_with(|config| config.secure_cookies = true).await;
    let right = json!({"login": "admin@example.com", "password": "correct horse battery"});
    let mut sessions = Vec::new();
    for _ in 0..2 {
        let signed_in = test.send(Method::POST, "/api/v1/session", None, Some(&right)).await;
        let cookie = signed_in.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
        assert!(cookie.contains("Secure"), "{cookie}");
        let cookie = cookie.split(';').next().unwrap().to_owned();
        sessions.push((cookie, signed_in.body["csrf"].as_str().unwrap().to_owned()));
    }
    let headers = [("cookie", sessions[0].0.as_str()), ("x-csrf-token", sessions[0].1.as_str())];
    let path = "/api/v1/session?everywhere=true";
    let out = test.send_with(Method::DELETE, path, None, None, &headers).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT, "{out:?}");
    for (cookie, _) in &sessions {
        let after = test.send_with(Method::GET, "/api/v1/session", None, None, &[("cookie", cookie)]).await;
        assert_eq!(after.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let test = TestServer::start().await;
    let right = json!({"login": "admin@example.com", "password": "correct horse battery"});
    let signed_in = test.send(Method::POST, "/api/v1/session", None, Some(&right)).await;
    let cookie =
        signed_in.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let status = async || {
        test.send_with(Method::GET, "/api/v1/session", None, None, &[("cookie", &cookie)]).await.status
    };
    assert_eq!(status().await, StatusCode::OK);
    test.server.live().clock.step_to("2026-03-02T21:00:01Z".parse().unwrap());
    assert_eq!(status().await, StatusCode::UNAUTHORIZED, "twelve hours have passed");
}

#[tokio::test]
async fn a_revoked_token_ends_at_once() {
    let test = TestServer::start().await;
    let made = test.post("/api/v1/tokens", &json!({"name": "reader", "scopes": ["read"]})).await;
    let (token, id) = (made.body["token"].as_str().unwrap(), made.body["info"]["id"].as_str().unwrap());
    assert_eq!(test.send(Method::GET, "/api/v1/cases", Some(token), None).await.status, StatusCode::OK);
    let listed = test.get("/api/v1/tokens").await;
    assert!(!listed.body.to_string().contains(token), "a list never holds a secret");
    let path = format!("/api/v1/tokens/{id}");
    assert_eq!(
        test.send(Method::DELETE, &path, Some(&test.admin), None).await.status,
        StatusCode::NO_CONTENT
    );
    let answer = test.send(Method::GET, "/api/v1/cases", Some(token), None).await;
    assert_eq!(
        (answer.status, &answer.body["detail"]),
        (StatusCode::UNAUTHORIZED, &json!("the token was revoked; create a new one"))
    );
}
