//! The page at `/status`: what every case is doing, as plain HTML that needs no script.
//!
//! It shows stages and numbers, and nothing that people wrote. It needs a session or a token like any other page, unless
//! the configuration makes it public.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::response::{Html, IntoResponse, Response};
use jiff::tz::TimeZone;
use tenure_core::measurement::verdict_name;
use tenure_core::metric::MetricKind;
use tenure_core::view::Summary;
use tenure_core::{Case, Stage, State};
use tenure_stats::comparison::Absolute;

use crate::auth::{Allowed, Read};
use crate::live::Live;
use crate::problem::Problem;

/// How many cases are shown; the API has all.
const CASES_MAX: usize = 200;

/// The page, or how to get to see it.
pub async fn status_page(
    axum::extract::State(live): axum::extract::State<Arc<Live>>,
    allowed: Result<Allowed<Read>, Problem>,
) -> Response {
    match allowed {
        Err(problem) if !live.config.status_page_public => {
            let mut answer = Html(format!("{HEAD}{CLOSED}")).into_response();
            *answer.status_mut() = problem.into_response().status();
            answer
        }
        _ => Html(page(&live)).into_response(),
    }
}

fn page(live: &Live) -> String {
    let now = live.clock.now();
    let (cases, total) = {
        let state = live.state();
        let mut cases: Vec<(Summary, MetricKind)> =
            state.cases.values().map(|case| (state.summary(case, now), kind(&state, case))).collect();
        cases.sort_by_key(|(case, _)| (order(case.stage), case.stage_since));
        let total = cases.len();
        cases.truncate(CASES_MAX);
        (cases, total)
    };
    let mut page = String::with_capacity(16_384);
    page.push_str(HEAD);
    let date = now.to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string();
    let _ = write!(
        page,
        "<header><h1>Tenure</h1><p>{total} cases · {} entries in the journal · {date}</p></header><main>",
        live.seq()
    );
    if cases.is_empty() {
        page.push_str(EMPTY);
    }
    for (case, kind) in &cases {
        show(&mut page, case, *kind);
    }
    page.push_str("</main><footer><a href=\"/openapi.json\">API</a> · <a href=\"/metrics\">metrics</a> · <a href=\"/readyz\">readiness</a></footer></body></html>");
    page
}

/// The kind of a case's primary metric: a proportion's changes are shown in percentage points.
fn kind(state: &State, case: &Case) -> MetricKind {
    state.experiments.get(&case.experiment).map_or(MetricKind::Mean, |experiment| experiment.metric.kind)
}

fn show(page: &mut String, case: &Summary, kind: MetricKind) {
    let stage = case.stage.name();
    let _ = write!(
        page,
        "<article><div class=\"top\"><h2>{}</h2><span class=\"stage {stage}\">{}</span>",
        escape(case.id.as_str()),
        stage.replace('_', " ")
    );
    if case.held {
        page.push_str("<span class=\"stage held\">held</span>");
    }
    let _ = write!(
        page,
        "</div><p class=\"meter\"><meter min=\"0\" max=\"100\" value=\"{0:.0}\"></meter> {0:.0} % of customers meet it</p>",
        case.exposure_percent
    );
    axis(page, case, kind);
    match &case.blocker {
        Some(wait) => {
            let late = if wait.overdue { " class=\"late\"" } else { "" };
            let _ = write!(page, "<p{late}>Waits on {}</p>", escape(&who(case)));
        }
        None => page.push_str("<p class=\"quiet\">Nothing waits.</p>"),
    }
    page.push_str("</article>");
}

/// Who is waited on and since when; what people wrote stays behind the sign-in.
fn who(case: &Summary) -> String {
    let Some(wait) = &case.blocker else { return String::new() };
    let who: Vec<&str> = wait.who.iter().map(|who| who.seat.as_str()).collect();
    let since = wait.since.to_zoned(TimeZone::UTC).date();
    let due = wait.due.map(|due| format!(", promised by {due}")).unwrap_or_default();
    format!("{} ({}), since {since}{due}", who.join(" or "), wait.command.replace('_', " "))
}

/// Promise and delivery on one axis, each a point with its interval.
fn axis(page: &mut String, case: &Summary, kind: MetricKind) {
    let promise = case.promise.as_ref().and_then(|promise| promise.absolute);
    let delivery = case.delivery.as_ref().and_then(|delivery| delivery.absolute);
    let Some(promise) = promise else { return };
    let shown: Vec<(&str, Absolute)> = [("won", Some(promise)), ("delivered", delivery)]
        .into_iter()
        .filter_map(|(name, at)| Some((name, at?)))
        .collect();
    let ends = shown.iter().flat_map(|(_, at)| at.interval).chain([0.0]);
    let (low, high) = ends.fold((f64::MAX, f64::MIN), |(low, high), end| (low.min(end), high.max(end)));
    let (width, label) = (360.0, 80.0);
    let x =
        |value: f64| label + (value - low) / (high - low).max(f64::MIN_POSITIVE) * (width - label - 100.0);
    let height = 8 + 22 * shown.len();
    let _ = write!(
        page,
        "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\"><line class=\"zero\" x1=\"{1:.1}\" x2=\"{1:.1}\" y1=\"0\" y2=\"{height}\"/>",
        escape(&describe(&shown, kind)),
        x(0.0)
    );
    for (row, (name, at)) in shown.iter().enumerate() {
        let y = 15 + 22 * row;
        let [from, to] = at.interval.map(x);
        let _ = write!(
            page,
            "<text x=\"0\" y=\"{}\">{name}</text><line class=\"{name}\" x1=\"{from:.1}\" x2=\"{to:.1}\" y1=\"{y}\" y2=\"{y}\"/><circle class=\"{name}\" cx=\"{:.1}\" cy=\"{y}\" r=\"4\"/><text class=\"number\" x=\"{width}\" y=\"{}\">{}</text>",
            y + 4,
            x(at.estimate),
            y + 4,
            signed(at.estimate, kind)
        );
    }
    page.push_str("</svg>");
    if let Some(delivery) = &case.delivery {
        let _ = write!(
            page,
            "<p class=\"verdict {}\">{}</p>",
            verdict_name(delivery.verdict),
            escape(&delivery.sentence)
        );
    }
}

fn describe(shown: &[(&str, Absolute)], kind: MetricKind) -> String {
    let parts: Vec<String> = shown
        .iter()
        .map(|(name, at)| {
            format!(
                "{name} {}, interval {} to {}",
                signed(at.estimate, kind),
                signed(at.interval[0], kind),
                signed(at.interval[1], kind)
            )
        })
        .collect();
    parts.join("; ")
}

fn signed(value: f64, kind: MetricKind) -> String {
    match kind {
        MetricKind::Proportion => format!("{:+.2} pp", 100.0 * value),
        _ => format!("{value:+.4}"),
    }
}

/// What moves comes first, what has ended last.
fn order(stage: Stage) -> u8 {
    match stage {
        Stage::RollingOut => 0,
        Stage::Outcome => 1,
        Stage::Ready | Stage::Building | Stage::BuyIn | Stage::Preparation => 2,
        Stage::Productionised | Stage::Removing => 3,
        Stage::Parked | Stage::Rerunning => 4,
        Stage::Closed | Stage::Removed | Stage::Retired => 5,
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const CLOSED: &str = "<main><article class=\"empty\"><h2>Tenure is running</h2><p>What its cases are doing is shown to accounts. Use the command line with a token:</p><pre>export TENURE_TOKEN=…\ntenure case list</pre><p class=\"quiet\">To open this page to everybody who reaches this address, set <code>status_page_public = true</code>.</p></article></main></body></html>";

const EMPTY: &str = "<article class=\"empty\"><h2>No case yet</h2><p>Register an experiment that won, then open a case for it:</p><pre>tenure import experiment.csv --experiment EXP-1 --team growth …\ntenure do open_case case=PC-1 experiment=EXP-1</pre></article>";

const HEAD: &str = r#"<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="5"><title>Tenure</title><style>
:root{color-scheme:light dark;--ink:#1c2430;--soft:#5d6878;--paper:#f6f7f9;--card:#fff;--line:#dde2e9;--won:#8a94a6;--good:#14804a;--bad:#c0352b;--wait:#9a6700;--live:#2458c5}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf1;--soft:#9aa5b5;--paper:#12161c;--card:#1b212a;--line:#2d3642;--won:#7d899b;--good:#3fbf7f;--bad:#f0776d;--wait:#d9a441;--live:#7ba7ff}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header,main,footer{max-width:1120px;margin:0 auto;padding:0 20px}header{padding-top:28px}h1{margin:0;font-size:26px;letter-spacing:-.02em}header p,footer,.quiet{color:var(--soft)}footer{padding-bottom:32px}a{color:var(--live)}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(330px,1fr));gap:16px;margin-block:20px}
article{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px}article.empty{grid-column:1/-1}pre{background:var(--paper);padding:12px;border-radius:8px;overflow:auto}
.top{display:flex;gap:8px;align-items:center}h2{margin:0;font-size:16px;flex:1;overflow-wrap:anywhere}.stage{font-size:12px;padding:2px 10px;border-radius:99px;border:1px solid var(--line);color:var(--soft);white-space:nowrap}
.stage.rolling_out{color:var(--live);border-color:var(--live)}.stage.outcome,.stage.buy_in{color:var(--wait);border-color:var(--wait)}.stage.productionised{color:var(--good);border-color:var(--good)}.stage.removing,.stage.held{color:var(--bad);border-color:var(--bad)}
p{margin:8px 0 0}.meter{color:var(--soft);font-size:13px}meter{width:90px;height:10px;vertical-align:middle}svg{width:100%;margin-top:10px;font:12px system-ui,sans-serif}text{fill:var(--soft)}.number{text-anchor:end;fill:var(--ink)}
line{stroke-width:3;stroke-linecap:round}.zero{stroke:var(--line);stroke-width:1}line.won{stroke:var(--won)}circle.won{fill:var(--won)}line.delivered{stroke:var(--live)}circle.delivered{fill:var(--live)}
.verdict{font-size:13px;color:var(--soft)}.verdict.positive{color:var(--good)}.verdict.negative{color:var(--bad)}.late{color:var(--wait)}
</style></head><body>"#;
