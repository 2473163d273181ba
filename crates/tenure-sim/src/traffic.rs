//! Customers who reach a flag over OFREP and send what they do over HTTP, as real applications would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures::StreamExt;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::population::Population;

/// Where the customers go and how many come.
#[derive(Debug, Clone)]
pub struct Traffic {
    /// The server.
    pub url: String,
    /// A token with the scopes `evaluate` and `ingest`.
    pub token: String,
    /// The flag they meet.
    pub flag: String,
    /// The outcome they send.
    pub event: String,
    /// Customers a second, on the wall's clock.
    pub per_second: u32,
    /// The most requests in flight.
    pub in_flight_max: usize,
}

/// What has happened so far. Cloning shares it.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    evaluated: AtomicU64,
    treated: AtomicU64,
    control: AtomicU64,
    acted: AtomicU64,
    failed: AtomicU64,
    stopped: AtomicBool,
}

/// [`Tally`] at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Counted {
    /// Customers whose evaluation was answered.
    pub evaluated: u64,
    /// Of them, in treatment.
    pub treated: u64,
    /// Of them, in control.
    pub control: u64,
    /// Outcomes the server accepted.
    pub acted: u64,
    /// Requests that failed.
    pub failed: u64,
}

impl Tally {
    /// The counts now.
    pub fn read(&self) -> Counted {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            evaluated: get(&self.counts.evaluated),
            treated: get(&self.counts.treated),
            control: get(&self.counts.control),
            acted: get(&self.counts.acted),
            failed: get(&self.counts.failed),
        }
    }

    /// No customer comes after this.
    pub fn stop(&self) {
        self.counts.stopped.store(true, Ordering::Relaxed);
    }

    fn is_stopped(&self) -> bool {
        self.counts.stopped.load(Ordering::Relaxed)
    }
}

impl Traffic {
    /// Send customers `first..first + count` (or until the tally is stopped), at the rate asked for.
    pub async fn send(&self, population: &Population, first: u64, count: u64, tally: &Tally) {
        // The process may have a TLS provider already: the first one stays.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::new();
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        let per_tick = u64::from(self.per_second).div_ceil(20).max(1);
        let mut next = first;
        while next < first + count && !tally.is_stopped() {
            tick.tick().await;
            let until = (next + per_tick).min(first + count);
            futures::stream::iter(next..until)
                .for_each_concurrent(self.in_flight_max, |index| self.visit(&http, population, index, tally))
                .await;
            next = until;
        }
    }

    /// One customer: meets the flag, then does the thing or not.
    async fn visit(&self, http: &reqwest::Client, population: &Population, index: u64, tally: &Tally) {
        let unit = population.unit(index);
        let Some(variant) = self.evaluate(http, &unit).await else {
            tally.counts.failed.fetch_add(1, Ordering::Relaxed);
            return;
        };
        tally.counts.evaluated.fetch_add(1, Ordering::Relaxed);
        let treated = match variant.as_str() {
            "treatment" => {
                tally.counts.treated.fetch_add(1, Ordering::Relaxed);
                true
            }
            "control" => {
                tally.counts.control.fetch_add(1, Ordering::Relaxed);
                false
            }
            _ => return,
        };
        if !population.acts(index, treated) {
            return;
        }
        let counter = if self.report(http, &unit).await { &tally.counts.acted } else { &tally.counts.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    async fn evaluate(&self, http: &reqwest::Client, unit: &str) -> Option<String> {
        let answer = http
            .post(format!("{}/ofrep/v1/evaluate/flags/{}", self.url, self.flag))
            .bearer_auth(&self.token)
            .json(&json!({"context": {"targetingKey": unit}}))
            .send()
            .await
            .ok()?;
        if answer.status() != StatusCode::OK {
            return None;
        }
        let body: Value = answer.json().await.ok()?;
        Some(body.get("variant")?.as_str()?.to_owned())
    }

    async fn report(&self, http: &reqwest::Client, unit: &str) -> bool {
        let answer = http
            .post(format!("{}/api/v1/events", self.url))
            .bearer_auth(&self.token)
            .json(&json!([{"type": "outcome", "id": format!("{unit}-{}", self.event), "unit": {"user": unit}, "event": self.event, "value": 1.0}]))
            .send()
            .await;
        answer.is_ok_and(|answer| answer.status().is_success())
    }
}
