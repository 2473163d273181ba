//! A company's journal: cases walked through the process by real commands, until each has its share of entries.

use anyhow::{Context as _, Result, bail};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tenure_core::id::AccountId;
use tenure_core::{Actor, Command, Event, Recorded, State};
use tenure_store::{NewEntry, Store};

/// Who works there, and as what. The same few people carry every case: the largest desks there can be.
const PEOPLE: &[(&str, &[&str])] = &[
    ("dana", &["development_lead"]),
    ("pim", &["product_manager"]),
    ("dee", &["design_lead"]),
    ("dov", &["developer"]),
    ("oda", &["product_owner:boards"]),
    ("cas", &["codebase_owner:boards-web"]),
];
/// Entries that are appended at once.
const BATCH: usize = 5_000;
/// How far a case gets, by its number: most are kept, as in a company that has used this for years.
const ENDS: [End; 10] = [
    End::Preparation,
    End::Parked,
    End::Building,
    End::RollingOut,
    End::RollingOut,
    End::Productionised,
    End::Productionised,
    End::Productionised,
    End::Productionised,
    End::Closed,
];

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Preparation,
    Parked,
    Building,
    RollingOut,
    Productionised,
    Closed,
}

/// Writes a journal, and holds the state it leads to.
pub struct Company<'s> {
    store: &'s Store,
    pub state: State,
    now: Timestamp,
    pending: Vec<NewEntry>,
}

impl<'s> Company<'s> {
    /// Its people, teams and codebases.
    pub async fn found(store: &'s Store) -> Result<Self> {
        let now = "2024-01-01T09:00:00Z".parse()?;
        let mut company = Self { store, state: State::default(), now, pending: Vec::new() };
        for (person, roles) in PEOPLE {
            for role in *roles {
                company.does("system", "grant_role", json!({"account": person, "role": role})).await?;
            }
        }
        for team in ["growth", "boards"] {
            company.does("system", "define_team", json!({"team": team})).await?;
        }
        let codebase = json!({"codebase": "boards-web", "items": ["qa_demo", "pr_review"]});
        company.does("system", "define_codebase", codebase).await?;
        Ok(company)
    }

    /// One more case, with about so many entries.
    pub async fn carries(&mut self, number: usize, entries: u64) -> Result<()> {
        let before = self.state.seq;
        let (case, end) = (format!("PC-{number:05}"), ENDS[number % ENDS.len()]);
        self.prepare(&case, number, end).await?;
        if end > End::Parked {
            self.build(&case, end).await?;
        }
        if end > End::Building {
            self.roll_out(&case, end).await?;
        }
        // What a case gathers over the years, whatever its stage.
        let mut more = 0;
        while self.state.seq < before + entries {
            more += 1;
            self.gathers(&case, more, end).await?;
        }
        if end == End::Closed {
            let (begun, warranty) = (self.now, SignedDuration::from_hours(24 * 220));
            self.now += warranty;
            self.does("cas", "confirm_removed", json!({"case": case, "codebase": "boards-web"})).await?;
            self.does("dana", "close_case", json!({"case": case})).await?;
            self.now = begun;
        }
        Ok(())
    }

    async fn prepare(&mut self, case: &str, number: usize, end: End) -> Result<()> {
        let experiment = format!("EXP-{number:05}");
        let ended = self.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        let measurement = json!({"control": [20140, 2417], "treatment": [20065, 2729], "planned_n": 0});
        let register =
            json!({"experiment": experiment, "team": "growth", "ended": ended, "measurement": measurement});
        self.does("pim", "register_experiment", register).await?;
        self.does("dana", "open_case", json!({"case": case, "experiment": experiment})).await?;
        self.does("dana", "request_consultation", json!({"case": case, "team": "boards"})).await?;
        if end == End::Preparation {
            return Ok(());
        }
        let answer = json!({"case": case, "team": "boards", "codebases": ["boards-web"]});
        self.does("oda", "answer_consultation", answer).await?;
        let estimate = json!({"case": case, "codebase": "boards-web", "days": [9, 14, 22], "maintenance_days_per_year": 4});
        self.does("dana", "submit_estimate", estimate).await?;
        let weighing = json!({"case": case, "benefit_per_year": 51840, "one_off_cost": 12350, "maintenance_per_year": 2600});
        self.does("pim", "set_cost_benefit", weighing).await?;
        let decision = match end {
            End::Parked => json!({"case": case, "kind": "park", "reason": "dear", "unblock": ["renderer"]}),
            _ => json!({"case": case, "kind": "proceed", "reason": "it pays"}),
        };
        self.does("pim", "decide", decision).await?;
        for driver in ["dana", "dee"] {
            self.does(driver, "confirm_decision", json!({"case": case})).await?;
        }
        Ok(())
    }

    async fn build(&mut self, case: &str, end: End) -> Result<()> {
        self.does("dee", "request_buy_in", json!({"case": case, "team": "boards"})).await?;
        self.does("oda", "answer_buy_in", json!({"case": case, "team": "boards", "answer": "approve"}))
            .await?;
        self.does("dov", "log_deviation", json!({"case": case, "kind": "polish", "description": "spacing"}))
            .await?;
        self.does("dana", "reserve_backlog", json!({"case": case, "days": 14})).await?;
        if end == End::Building {
            return Ok(());
        }
        self.does(
            "dov",
            "create_flag",
            json!({"case": case, "key": format!("flag-{}", case.to_lowercase())}),
        )
        .await?;
        for item in ["qa_demo", "pr_review"] {
            let passed = json!({"case": case, "codebase": "boards-web", "item": item, "result": "passed"});
            self.does("cas", "checklist", passed).await?;
        }
        self.does("dov", "finish_building", json!({"case": case})).await?;
        self.does("dana", "propose_warranty", json!({"case": case, "months": 6})).await?;
        self.does("oda", "agree_warranty", json!({"case": case, "team": "boards"})).await?;
        let plan = json!({"case": case, "waves": [[5, "safety"], [50, "measure"]]});
        self.does("dana", "set_rollout_plan", plan).await
    }

    async fn roll_out(&mut self, case: &str, end: End) -> Result<()> {
        let begun = self.now;
        self.does("dana", "start_wave", json!({"case": case})).await?;
        self.does("dana", "start_wave", json!({"case": case})).await?;
        for look in 1..=40_u64 {
            self.now += SignedDuration::from_hours(12);
            let n = 200 * look;
            let epochs =
                json!([{"epoch": 1, "control": [n, n * 12 / 100], "treatment": [n, n * 121 / 1000]}]);
            let measurement = json!({"epochs": epochs, "engine": "bench 1"});
            self.does("system", "record_measurement", json!({"case": case, "measurement": measurement}))
                .await?;
        }
        if end > End::RollingOut {
            let epochs = json!([{"epoch": 1, "control": [40_000, 4_800], "treatment": [40_000, 5_400]}]);
            let measurement = json!({"epochs": epochs, "engine": "bench 1"});
            self.does("system", "record_measurement", json!({"case": case, "measurement": measurement}))
                .await?;
            self.does("pim", "decide_outcome", json!({"case": case, "kind": "keep"})).await?;
        }
        self.now = begun;
        Ok(())
    }

    async fn gathers(&mut self, case: &str, number: u64, end: End) -> Result<()> {
        let bug = format!("BUG-{case}-{number}");
        match end {
            End::RollingOut | End::Productionised | End::Closed if number % 2 == 0 => {
                self.does("oda", "report_bug", json!({"case": case, "bug": bug, "description": "a glitch"}))
                    .await?;
                self.does("dov", "fix_bug", json!({"case": case, "bug": bug})).await
            }
            End::Building => {
                let evidence = format!("https://review.example/{number}");
                let attach =
                    json!({"case": case, "codebase": "boards-web", "item": "qa_demo", "evidence": evidence});
                self.does("dov", "attach_evidence", attach).await
            }
            _ => {
                let follow_up = format!("FU-{case}-{number}");
                self.does("dov", "add_follow_up", json!({"case": case, "follow_up": follow_up})).await
            }
        }
    }

    async fn does(&mut self, by: &str, name: &str, with: Value) -> Result<()> {
        // A minute an entry: never two at the same instant.
        self.now += SignedDuration::from_secs(1);
        let command = Command::parse(name, with)?;
        let account = AccountId::new(by)?;
        let actor = Actor::of(account.clone());
        let events = tenure_core::decide(&self.state, &actor, self.now, &command)
            .map_err(|refusal| anyhow::anyhow!("{by} {name}: {refusal}"))?;
        if events.is_empty() {
            bail!("{by} {name} changed nothing");
        }
        for event in events {
            self.record(&account, event)?;
        }
        if self.pending.len() >= BATCH { self.flush().await } else { Ok(()) }
    }

    fn record(&mut self, account: &AccountId, event: Event) -> Result<()> {
        let entry = NewEntry::new(
            self.now,
            account.as_str(),
            event.stream(),
            event.kind(),
            event.version(),
            &event.body(),
        )?;
        self.pending.push(entry);
        let recorded = Recorded { seq: self.state.seq + 1, at: self.now, actor: account.clone(), event };
        tenure_core::apply(&mut self.state, &recorded);
        Ok(())
    }

    /// Append what is pending.
    pub async fn flush(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        let expected = i64::try_from(self.state.seq)? - i64::try_from(pending.len())?;
        self.store.append(expected, &pending, None).await.context("the journal takes the entries")?;
        Ok(())
    }
}
