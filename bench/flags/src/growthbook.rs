//! crates.io `growthbook-rust-sdk`. Its client gets features only from a server: a thread here is one, for one request.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use growthbook_rust_sdk::client::{GrowthBookClient, GrowthBookClientTrait};
use growthbook_rust_sdk::model_public::GrowthBookAttribute;
use serde_json::{Value as Json, json};

use crate::workload::{Workload, attributes, key, members};
use crate::{Subject, runtime};

pub fn subject(workload: Workload, callers: usize) -> Subject {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let body = document(workload).to_string();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a request");
        let _ = stream.read(&mut [0; 4096]);
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length";
        write!(stream, "{head}: {}\r\n\r\n{body}", body.len()).expect("an answer");
    });
    let never = Some(Duration::from_secs(86_400));
    let client = runtime().block_on(GrowthBookClient::new(&address, "key", never, None)).expect("a client");
    let contexts: Vec<Vec<GrowthBookAttribute>> = (0..callers)
        .map(|caller| GrowthBookAttribute::from(attributes(caller, "id")).expect("attributes"))
        .collect();
    let keys: Vec<String> = (0..workload.flags().len()).map(key).collect();
    Box::new(move |caller| {
        keys.iter().filter(|key| client.is_on(key, Some(contexts[caller].clone()))).count()
    })
}

fn document(workload: Workload) -> Json {
    let mut features = json!({});
    for (index, flag) in workload.flags().into_iter().enumerate() {
        let when = |condition: Json| json!({"defaultValue": false, "rules": [{"force": true, "condition": condition}]});
        features[key(index)] = match flag {
            Workload::Targeting => {
                when(json!({"country": "DE", "plan": {"$in": ["pro", "enterprise"]}, "age": {"$gte": 18}}))
            }
            Workload::Segment(keys) => when(json!({"id": {"$in": members(keys)}})),
            Workload::Rollout => json!({"defaultValue": false, "rules": [
                {"force": true, "coverage": 0.5, "hashAttribute": "id"}
            ]}),
            _ => json!({"defaultValue": true}),
        };
    }
    json!({"features": features})
}
