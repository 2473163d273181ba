//! The same handler over four places to write to, and 64 connections that send batches as fast as they are answered.
//!
//! `bench-ingest SINK BATCH SECONDS FOLDER`; SINK is `log`, `file`, `bytes`, `sqlite` or a `postgres://` URL. The answer to a
//! batch follows its sync; an event that comes again is not there twice: by a unique key in the databases, by the log's own
//! rules in the log. `file` is the same handler, which then appends the bytes of the request to a file; `bytes` appends
//! them unread, which is what no one can be faster than.

mod load;
mod sink;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use jiff::Timestamp;
use tenure_events::Event;
use tenure_events::wire::{self, Origin};

use sink::Sink;

/// The product's; every sink's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [sink, batch, seconds, folder] = &arguments[..] else {
        bail!("bench-ingest SINK BATCH SECONDS FOLDER");
    };
    let (batch, seconds): (usize, u64) = (batch.parse()?, seconds.parse()?);
    let server = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let address = server.block_on(async {
        let sink = Arc::new(Sink::open(sink, Path::new(folder)).await?);
        let routes = axum::Router::new().route("/api/v1/events", post(ingest)).with_state(sink);
        let routes = routes.layer(DefaultBodyLimit::max(16 << 20));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        tokio::spawn(async move { axum::serve(listener, routes).await });
        anyhow::Ok(address)
    })?;
    let client = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut latencies = client.block_on(load::send(address, batch, Duration::from_secs(seconds)))?;
    latencies.sort_unstable();
    let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied();
    let p99 = at(0.99).context("nothing was answered")?;
    let p50 = at(0.5).context("nothing was answered")?;
    println!(
        "{sink}\t{batch}\t{:.0} events/s\tp50 {:.1} ms\tp99 {:.1} ms",
        (latencies.len() * batch) as f64 / seconds as f64,
        p50.as_secs_f64() * 1e3,
        p99.as_secs_f64() * 1e3,
        sink = sink.split(':').next().unwrap_or_default(),
    );
    Ok(())
}

async fn ingest(State(sink): State<Arc<Sink>>, body: Bytes) -> Result<String, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    if let Sink::Bytes(file) = &*sink {
        return file.append(body).await.map(|()| String::new()).map_err(failed);
    }
    let origin = Origin { received_at: Timestamp::now(), source: "api", events_max: 10_000 };
    let read = wire::parse_json(&body, origin).map_err(|_| StatusCode::BAD_REQUEST)?;
    let events: Vec<Event> =
        read.into_iter().collect::<Result<_, _>>().map_err(|_| StatusCode::BAD_REQUEST)?;
    let accepted = events.len();
    sink.append(events, body).await.map_err(failed)?;
    Ok(format!("{{\"accepted\":{accepted},\"refused\":[]}}"))
}
