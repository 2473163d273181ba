//! Files attached to an item of an owner process: kept for their case, read back as they came, refused where the command is.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::seed;
use crate::server::{Answer, TestServer, read};

const TO_TESTS: &str = "codebase=boards-web&item=qa_demo&file=tests.png";

async fn attach(test: &TestServer, case: &str, query: &str, bytes: &[u8]) -> Answer {
    let url = test.url(&format!("/api/v1/cases/{case}/attachments?{query}"));
    let request = test.http.post(url).bearer_auth(&test.admin).header("content-type", "image/png");
    read(request.body(bytes.to_vec()).send().await.unwrap()).await
}

fn attached(case: &Value) -> Vec<Value> {
    let items = case["checklists"]["boards-web"]["items"].as_array().unwrap();
    let evidence = items.iter().flat_map(|item| item["evidence"].as_array().cloned().unwrap_or_default());
    evidence.map(|evidence| evidence["attachment"].clone()).collect()
}

#[tokio::test]
async fn a_file_is_attached_and_read_back_as_it_came() {
    let test = TestServer::start().await;
    seed::to_building(&test, "PC-1", "EXP-1", "invite-v1").await;
    let bytes = [0x89, b'P', b'N', b'G', 0, 255];
    let done = attach(&test, "PC-1", TO_TESTS, &bytes).await;
    assert_eq!(done.status, StatusCode::OK, "{done:?}");
    assert_eq!(done.body["entries"][0]["kind"], "evidence_attached");
    let case = test.get("/api/v1/cases/PC-1").await.body;
    let file = attached(&case).remove(0);
    assert_eq!((&file["file"], &file["media_type"]), (&json!("tests.png"), &json!("image/png")));
    let digest = file["blob"].as_str().unwrap();
    assert_eq!(digest.len(), 64, "its digest, not its bytes: {file}");

    let url = test.url(&format!("/api/v1/cases/PC-1/attachments/{digest}"));
    let response = test.http.get(&url).bearer_auth(&test.admin).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "image/png");
    assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"tests.png\"");
    assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert_eq!(response.bytes().await.unwrap(), bytes.as_slice());

    // The same file by the command; another case's file is none of this case.
    let again =
        |case: &str| json!({"case": case, "codebase": "boards-web", "item": "qa_demo", "attachment": file});
    test.does("attach_evidence", again("PC-1")).await;
    seed::to_building(&test, "PC-2", "EXP-2", "invite-v2").await;
    let foreign = test.give("attach_evidence", again("PC-2")).await;
    assert_eq!(
        (foreign.status, &foreign.body["field"]),
        (StatusCode::BAD_REQUEST, &json!("attachment.blob"))
    );
    let elsewhere = test.get(&format!("/api/v1/cases/PC-2/attachments/{digest}")).await;
    assert_eq!(elsewhere.status, StatusCode::NOT_FOUND);

    // Erased, the entry stays and the file is gone.
    test.server.live().store.erase_blobs_of("case/PC-1", test.server.live().clock.now()).await.unwrap();
    let erased = test.get(&format!("/api/v1/cases/PC-1/attachments/{digest}")).await;
    assert_eq!(erased.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_cannot_be_attached_says_why() {
    let test = TestServer::start().await;
    seed::to_building(&test, "PC-1", "EXP-1", "invite-v1").await;
    let check = async |case: &str, query: &str, bytes: &[u8], status: u16, says: &str| {
        let answer = attach(&test, case, query, bytes).await;
        assert_eq!(answer.status.as_u16(), status, "{answer:?}");
        let named = answer.body["field"].as_str().or(answer.body["code"].as_str());
        assert_eq!(named, Some(says), "{answer:?}");
    };
    check("PC-1", "codebase=boards-web&item=qa_demo&file=../etc/passwd", b"x", 400, "file").await;
    check("PC-1", "codebase=boards-web&item=qa_demo&file=", b"x", 400, "file").await;
    check("PC-1", "codebase=boards-web&item=qa_demo", b"x", 400, "query").await;
    check("PC-1", TO_TESTS, b"", 400, "body").await;
    check("PC-9", TO_TESTS, b"x", 404, "not_found").await;
    check("PC-1", "codebase=boards-web&item=moon&file=a.txt", b"x", 409, "not_found").await;
    check("PC-1", TO_TESTS, &vec![0; tenure_store::BLOB_BYTES_MAX + 1], 413, "too_large").await;
    test.does("withdraw_case", json!({"case": "PC-1", "reason": "no longer wanted"})).await;
    check("PC-1", TO_TESTS, b"x", 409, "wrong_state").await;
    let unknown =
        test.send(Method::GET, "/api/v1/cases/PC-1/attachments/blob", Some(&test.admin), None).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
