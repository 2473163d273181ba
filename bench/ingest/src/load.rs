//! 64 connections, each of which sends its next batch when the one before was answered.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CONNECTIONS: u64 = 64;
/// Where a number of its own is written into each event.
const MARK: &str = "################";

/// How long each batch took.
pub async fn send(address: SocketAddr, batch: usize, time: Duration) -> Result<Vec<Duration>> {
    let mut connections = JoinSet::new();
    let end = Instant::now() + time;
    for place in 0..CONNECTIONS {
        connections.spawn(connection(address, batch, place << 40, end));
    }
    let mut latencies = Vec::new();
    while let Some(done) = connections.join_next().await {
        latencies.extend(done??);
    }
    Ok(latencies)
}

async fn connection(address: SocketAddr, batch: usize, first: u64, end: Instant) -> Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let event = format!(
        r#"{{"type":"outcome","id":"{MARK}","unit":"customer-{MARK}","event":"purchase","value":12.5,"at":"2026-03-01T12:00:00Z","attributes":{{"country":"SE"}}}}"#
    );
    let event = event.replace("2026-03-01T12:00:00Z", &jiff::Timestamp::now().to_string());
    let body = format!("[{}]", vec![event; batch].join(","));
    let head = format!(
        "POST /api/v1/events HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let mut request = (head + &body).into_bytes();
    let marks: Vec<usize> = {
        let text = String::from_utf8_lossy(&request).into_owned();
        text.match_indices(MARK).map(|(at, _)| at).collect()
    };
    let (mut next, mut latencies, mut answer) = (first, Vec::new(), vec![0; 4_096]);
    while Instant::now() < end {
        for at in &marks {
            next += 1;
            request[*at..at + MARK.len()].copy_from_slice(&id_of(next));
        }
        let started = Instant::now();
        stream.write_all(&request).await?;
        let mut read = 0;
        loop {
            let got = stream.read(&mut answer[read..]).await?;
            if got == 0 {
                bail!("the server closed the connection");
            }
            read += got;
            if is_whole(&answer[..read])? {
                break;
            }
        }
        latencies.push(started.elapsed());
    }
    Ok(latencies)
}

/// Ids come in no order, as UUIDs do; no two numbers have the same (the finaliser of SplitMix64 can be undone).
fn id_of(number: u64) -> [u8; MARK.len()] {
    let mut mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    std::array::from_fn(|at| b"0123456789abcdef"[(mixed >> (4 * at)) as usize & 0xf])
}

fn is_whole(answer: &[u8]) -> Result<bool> {
    let text = std::str::from_utf8(answer)?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return Ok(false) };
    if !head.starts_with("HTTP/1.1 200") {
        bail!("{}", head.lines().next().unwrap_or_default());
    }
    let length = head
        .lines()
        .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    Ok(body.len() >= length.context("no content-length")?.parse::<usize>()?)
}
