//! Watching a rollout: waves, the shrinking interval, the verdict. A live view in a terminal, a line a look elsewhere.

use std::time::Duration;

use ratatui::Frame;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Chart, Dataset, Gauge, GraphType, Paragraph, Wrap};
use serde_json::Value;
use tenure_sim::traffic::Tally;

use crate::client::Client;
use crate::output;

/// How often the server is asked.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Why watching ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The rollout is no longer rolling out: a verdict fell, or somebody stopped it.
    Verdict,
    /// The reader left.
    Left,
}

/// Watch until the case leaves the rollout, or the reader leaves. `tally` is traffic that this process sends itself.
pub async fn watch(client: &Client, case: &str, tally: Option<&Tally>) -> anyhow::Result<Ended> {
    if output::is_terminal() {
        in_terminal(client, case, tally).await
    } else {
        in_lines(client, case, tally).await
    }
}

/// What is shown: the case, its looks, and the traffic of this process.
struct Seen {
    case: Value,
    looks: Value,
    tally: Option<Tally>,
}

impl Seen {
    async fn ask(client: &Client, case: &str, tally: Option<&Tally>) -> anyhow::Result<Self> {
        let looks = client.get(&format!("/api/v1/cases/{case}/looks")).await?;
        let case = client.get(&format!("/api/v1/cases/{case}")).await?;
        Ok(Self { case, looks, tally: tally.cloned() })
    }

    fn is_rolling(&self) -> bool {
        matches!(self.case["stage"].as_str(), Some("ready" | "rolling_out"))
    }

    fn sentence(&self) -> &str {
        self.looks["latest"]["judged"]["sentence"].as_str().unwrap_or("no look yet")
    }

    fn replication(&self) -> &str {
        self.looks["latest"]["replication"]["sentence"].as_str().unwrap_or("")
    }

    /// Units, estimate and interval of each look.
    fn track(&self) -> Vec<(f64, f64, [f64; 2])> {
        let points = self.looks["track"].as_array().into_iter().flatten();
        points
            .filter_map(|point| {
                let interval = [point["interval"][0].as_f64()?, point["interval"][1].as_f64()?];
                Some((point["units"].as_f64()?, point["estimate"].as_f64()?, interval))
            })
            .collect()
    }

    /// Each wave's percent and kind, and which one runs.
    fn waves(&self) -> (Vec<(f64, String)>, Option<u64>) {
        let waves = self.case["plan"]["waves"].as_array().into_iter().flatten();
        let waves = waves
            .map(|wave| {
                (wave["percent"].as_f64().unwrap_or(0.0), wave["kind"].as_str().unwrap_or("-").to_owned())
            })
            .collect();
        (waves, self.case["running"]["wave"].as_u64())
    }

    fn traffic(&self) -> String {
        let Some(tally) = &self.tally else { return String::new() };
        let now = tally.read();
        format!(
            "{} customers over OFREP · {} treated · {} control · {} outcomes · {} failed",
            now.evaluated, now.treated, now.control, now.acted, now.failed
        )
    }
}

async fn in_lines(client: &Client, case: &str, tally: Option<&Tally>) -> anyhow::Result<Ended> {
    let mut shown = (Value::Null, Value::Null);
    loop {
        let seen = Seen::ask(client, case, tally).await?;
        let latest = &seen.looks["latest"];
        let now = (latest["number"].clone(), seen.case["exposure_percent"].clone());
        if now != shown {
            let exposed = seen.case["exposure_percent"].as_f64().unwrap_or_default();
            output::line(format!(
                "{}  {exposed:>3.0} % exposed  {:<15}  {}",
                latest["on"].as_str().unwrap_or("          "),
                latest["verdict"].as_str().unwrap_or("-"),
                seen.sentence()
            ));
            shown = now;
        }
        if !seen.is_rolling() {
            output::line(seen.replication());
            return Ok(Ended::Verdict);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

async fn in_terminal(client: &Client, case: &str, tally: Option<&Tally>) -> anyhow::Result<Ended> {
    let mut terminal = ratatui::try_init()?;
    let ended = loop {
        let seen = match Seen::ask(client, case, tally).await {
            Ok(seen) => seen,
            Err(error) => break Err(error),
        };
        if let Err(error) = terminal.draw(|frame| draw(frame, &seen)) {
            break Err(error.into());
        }
        if !seen.is_rolling() {
            break Ok((Ended::Verdict, Some(seen)));
        }
        if left()? {
            break Ok((Ended::Left, None));
        }
        tokio::time::sleep(ASK_EVERY).await;
    };
    ratatui::restore();
    let (ended, seen) = ended?;
    if let Some(seen) = seen {
        // The screen is gone; what it ended with stays.
        output::line(seen.sentence());
        output::line(seen.replication());
    }
    Ok(ended)
}

/// Did the reader press `q`, escape or control-C?
fn left() -> anyhow::Result<bool> {
    while event::poll(Duration::ZERO)? {
        if let Event::Key(key) = event::read()? {
            let interrupted = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
            if interrupted || matches!(key.code, KeyCode::Char('q') | KeyCode::Esc) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn draw(frame: &mut Frame<'_>, seen: &Seen) {
    let rows = Layout::vertical([
        Constraint::Length(2),
        Constraint::Length(3),
        Constraint::Min(10),
        Constraint::Length(6),
        Constraint::Length(1),
    ])
    .split(frame.area());
    let title = seen.case["of_experiment"]["title"].as_str().unwrap_or("");
    let on = seen.looks["latest"]["on"].as_str().unwrap_or("");
    let heading = Line::from(vec![
        Span::from(seen.case["id"].as_str().unwrap_or("").to_owned()).bold(),
        Span::from(format!("  {title}  ")),
        Span::from(on.to_owned()).dim(),
    ]);
    frame.render_widget(Paragraph::new(vec![heading, Line::from(seen.traffic()).dim()]), rows[0]);
    draw_waves(frame, rows[1], seen);
    draw_track(frame, rows[2], seen);
    let verdict = seen.looks["latest"]["verdict"].as_str().unwrap_or("immature").replace('_', " ");
    let text = vec![Line::from(seen.sentence().to_owned()), Line::from(seen.replication().to_owned()).dim()];
    let block = Block::bordered().title(format!(" {verdict} ")).border_style(colour(&verdict));
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }).block(block), rows[3]);
    frame.render_widget(Paragraph::new("q leaves").dim(), rows[4]);
}

fn colour(verdict: &str) -> Style {
    match verdict {
        "positive" => Style::new().fg(Color::Green),
        "negative" | "invalid" => Style::new().fg(Color::Red),
        _ => Style::new().fg(Color::Blue),
    }
}

fn draw_waves(frame: &mut Frame<'_>, area: Rect, seen: &Seen) {
    let (waves, running) = seen.waves();
    let steps: Vec<String> = waves
        .iter()
        .zip(0u64..)
        .map(|((percent, kind), place)| {
            let step = format!("{percent:.0} % {kind}");
            if Some(place) == running { format!("[{step}]") } else { step }
        })
        .collect();
    let exposed = seen.case["exposure_percent"].as_f64().unwrap_or_default();
    let gauge = Gauge::default()
        .block(Block::bordered().title(format!(" waves: {} ", steps.join(" → "))))
        .gauge_style(Style::new().fg(Color::Blue))
        .ratio((exposed / 100.0).clamp(0.0, 1.0))
        .label(format!("{exposed:.0} % of customers meet it"));
    frame.render_widget(gauge, area);
}

/// The confidence sequence: the estimate between the ends of its interval, by units measured.
fn draw_track(frame: &mut Frame<'_>, area: Rect, seen: &Seen) {
    let track = seen.track();
    let line = |pick: fn(&(f64, f64, [f64; 2])) -> f64| {
        track.iter().map(|point| (point.0, pick(point))).collect::<Vec<(f64, f64)>>()
    };
    let (low, high) = (line(|point| point.2[0]), line(|point| point.2[1]));
    let estimate = line(|point| point.1);
    let units = track.last().map_or(1.0, |point| point.0).max(1.0);
    // The first intervals are so wide that the later ones would be a line: the axis follows the later half.
    let later = &track[track.len() / 2..];
    let top = later.iter().map(|point| point.2[1]).fold(0.05, f64::max) * 1.1;
    let bottom = later.iter().map(|point| point.2[0]).fold(-0.05, f64::min) * 1.1;
    let zero = [(0.0, 0.0), (units, 0.0)];
    let dataset = |name: &'static str, data, colour| {
        Dataset::default()
            .name(name)
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(colour)
            .data(data)
    };
    let sets = vec![
        dataset("no change", &zero, Style::new().dim()),
        dataset("interval", &low, Style::new().fg(Color::Cyan)),
        dataset("", &high, Style::new().fg(Color::Cyan)),
        dataset("effect", &estimate, Style::new().fg(Color::Green).bold()),
    ];
    let labels = |from: f64, to: f64| vec![format!("{from:+.2}"), format!("{to:+.2}")];
    let chart = Chart::new(sets)
        .block(Block::bordered().title(" effect with the interval that may be looked at any time "))
        .x_axis(
            Axis::default()
                .title("units")
                .bounds([0.0, units])
                .labels(["0".to_owned(), format!("{units:.0}")]),
        )
        .y_axis(Axis::default().bounds([bottom, top]).labels(labels(bottom, top)));
    frame.render_widget(chart, area);
}
