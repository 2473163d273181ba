//! The policy file: TOML with a company's policy and what teams say otherwise. Read with line numbers, all faults at once;
//! its example and its reference page are made from the table by which it is checked.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use serde_json::{Map, Number, Value as Json};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{self, KEYS, Key};
use super::{KeyFault, Overrides, Policy, SetPolicy};
use crate::id::TeamId;

/// A policy file that was read: the company's policy, and what teams say otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PolicyFile {
    /// The company's.
    pub policy: Policy,
    /// What teams say otherwise, as it is written.
    pub overrides: BTreeMap<TeamId, Overrides>,
    /// The policies of those teams, whole.
    pub teams: BTreeMap<TeamId, Policy>,
}

impl PolicyFile {
    /// A team's policy.
    pub fn of(&self, team: &TeamId) -> &Policy {
        self.teams.get(team).unwrap_or(&self.policy)
    }

    /// The command that puts it in force for new cases.
    pub fn command(&self) -> SetPolicy {
        SetPolicy { policy: self.policy.clone(), teams: self.overrides.clone() }
    }
}

/// Something in a policy file that cannot be meant. Shown as `LINE: KEY: what to do`, so that the name of the file and a
/// colon go before it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// The key, such as `deadlines.buy_in`; empty when the file is no TOML there.
    pub key: String,
    /// What to do about it.
    pub says: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.line)?;
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.says)
    }
}

/// Reads a policy file, or says everything in it that cannot be meant, in the order of its lines.
pub fn parse(text: &str) -> Result<PolicyFile, Vec<Fault>> {
    let (table, broken) = DeTable::parse_recoverable(text);
    let mut reading = Reading { text, faults: Vec::new(), lines: BTreeMap::new() };
    for fault in broken {
        let line = fault.span().map_or(1, |span| reading.line(span.start));
        let says = fault.message().trim().to_owned();
        reading.faults.push(Fault { line, key: String::new(), says });
    }
    let mut overrides = BTreeMap::new();
    let mut company = Map::new();
    for (name, value) in table.get_ref() {
        match (name.get_ref().as_ref(), value.get_ref()) {
            ("teams", DeValue::Table(teams)) => reading.teams(teams, &mut overrides),
            ("teams", _) => {
                reading.fault(name, "teams", "write [teams.NAME] and the team's keys below".to_owned())
            }
            _ => reading.entry("", name, value, &mut company),
        }
    }
    let policy = reading.merged("", &Policy::default(), &company);
    let teams = overrides
        .iter()
        .map(|(team, own)| (team.clone(), reading.merged(&format!("teams.{team}."), &policy, &own.0)))
        .collect();
    let mut faults = reading.faults;
    if faults.is_empty() {
        return Ok(PolicyFile { policy, overrides, teams });
    }
    faults.sort();
    faults.dedup();
    Err(faults)
}

/// A file on its way to a policy: what is wrong so far, and on which line each key stands.
struct Reading<'a> {
    text: &'a str,
    faults: Vec<Fault>,
    lines: BTreeMap<String, usize>,
}

impl Reading<'_> {
    fn line(&self, at: usize) -> usize {
        1 + self.text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count()
    }

    fn fault<T>(&mut self, at: &Spanned<T>, key: impl Into<String>, says: String) {
        let line = self.line(at.span().start);
        self.faults.push(Fault { line, key: key.into(), says });
    }

    fn teams(&mut self, teams: &DeTable<'_>, overrides: &mut BTreeMap<TeamId, Overrides>) {
        for (name, value) in teams {
            let path = format!("teams.{}", name.get_ref());
            match (TeamId::new(name.get_ref().as_ref()), value.get_ref()) {
                (Err(fault), _) => self.fault(name, path, fault.to_string()),
                (Ok(_), value) if value.as_table().is_none() => {
                    self.fault(name, path, "this is a team's section, with keys of its own".to_owned());
                }
                (Ok(team), value) => {
                    self.lines.insert(format!("{path}."), self.line(name.span().start));
                    let mut own = Map::new();
                    for (name, value) in value.as_table().into_iter().flatten() {
                        self.entry(&format!("{path}."), name, value, &mut own);
                    }
                    overrides.insert(team, Overrides(own));
                }
            }
        }
    }

    /// One key, or one section with its keys.
    fn entry(
        &mut self,
        prefix: &str,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
        into: &mut Map<String, Json>,
    ) {
        let own: &str = name.get_ref();
        match value.get_ref() {
            DeValue::Table(section) if key::sections().any(|known| known == own) => {
                let mut keys = Map::new();
                for (name, value) in section {
                    let path = format!("{own}.{}", name.get_ref());
                    if let Some(value) = self.value(prefix, &path, name, value) {
                        keys.insert(name.get_ref().to_string(), value);
                    }
                }
                into.insert(own.to_owned(), Json::Object(keys));
            }
            _ => {
                if let Some(value) = self.value(prefix, own, name, value) {
                    into.insert(own.to_owned(), value);
                }
            }
        }
    }

    /// The value of a key, when both can be meant.
    fn value(
        &mut self,
        prefix: &str,
        path: &str,
        name: &Spanned<std::borrow::Cow<'_, str>>,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Json> {
        let full = format!("{prefix}{path}");
        self.lines.insert(full.clone(), self.line(name.span().start));
        let json = as_json(value.get_ref());
        match key::fault_at(path, &json) {
            None => Some(json),
            Some(KeyFault { says, .. }) => {
                // An unknown key is wrong where its name stands, a wrong value where the value does.
                if key::find(path).is_some() {
                    self.fault(value, full, says);
                } else {
                    self.fault(name, full, says);
                }
                None
            }
        }
    }

    /// A policy with some keys otherwise; what does not go together is a fault of the line that names it.
    fn merged(&mut self, prefix: &str, policy: &Policy, own: &Map<String, Json>) -> Policy {
        policy.with(&Overrides(own.clone())).unwrap_or_else(|faults| {
            for KeyFault { key, says } in faults {
                let full = format!("{prefix}{key}");
                let section = self.lines.get(prefix).copied();
                let line = self.lines.get(&full).copied().or(section).unwrap_or(1);
                self.faults.push(Fault { line, key: full, says });
            }
            policy.clone()
        })
    }
}

fn as_json(value: &DeValue<'_>) -> Json {
    match value {
        DeValue::String(text) => Json::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(&number.as_str().replace('_', ""), number.radix())
            .map_or(Json::Null, |number| Json::Number(number.into())),
        DeValue::Float(number) => number
            .as_str()
            .replace('_', "")
            .parse()
            .ok()
            .and_then(Number::from_f64)
            .map_or(Json::Null, Json::Number),
        DeValue::Boolean(value) => Json::Bool(*value),
        DeValue::Datetime(date) => Json::String(date.to_string()),
        DeValue::Array(items) => Json::Array(items.iter().map(|item| as_json(item.get_ref())).collect()),
        DeValue::Table(table) => {
            let entries = table.iter();
            Json::Object(
                entries.map(|(name, value)| (name.get_ref().to_string(), as_json(value.get_ref()))).collect(),
            )
        }
    }
}

/// The key that is written most like a text. A name without its section is compared with names alone too.
pub(super) fn nearest(text: &str) -> &'static str {
    let apart = |key: &Key| {
        let bare = if text.contains('.') { usize::MAX } else { distance(text, key.place().1) };
        bare.min(distance(text, key.path))
    };
    KEYS.iter().min_by_key(|key| apart(key)).map_or("", |key| key.path)
}

/// How many letters are added, left out or changed from one text to another [Levenshtein 1966].
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (at, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// A value as it is written in the file.
fn written(key: &Key, value: &Json) -> String {
    match value {
        // Dates are written without quotes.
        Json::Array(items) if key.path == "holidays" => {
            let dates: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
            format!("[{}]", dates.join(", "))
        }
        Json::Array(items) => {
            format!("[{}]", items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        value => value.to_string(),
    }
}

/// A policy file with every key, its meaning and its default. It reads as the default policy.
pub fn example() -> String {
    let mut file = String::from(
        "# Tenure's policy: what a team can reasonably disagree on. A key left out has the value shown here.\n\
         # It holds for cases opened after it is set; a case keeps the policy it was opened under.\n\
         # What the process forbids (keeping a negative, exposure without sign-off …) is no policy.\n",
    );
    let mut section = None;
    for key in KEYS {
        let (of, name) = key.place();
        if of != section {
            let _ = write!(file, "\n[{}]\n", of.unwrap_or_default());
            section = of;
        }
        let _ = write!(
            file,
            "\n# {} Give {}.\n{name} = {}\n",
            key.says,
            key.wanted(),
            written(key, &key.default())
        );
    }
    file.push_str(
        "\n# A team may differ in any key; what it leaves out is as above.\n\
         #\n\
         # [teams.boards]\n\
         # warranty_months = 12\n\
         # time_zone = \"Europe/Berlin\"\n\
         # holidays = [2026-12-25, 2026-12-26]\n\
         #\n\
         # [teams.boards.deadlines]\n\
         # buy_in = 5\n",
    );
    file
}

/// The reference page of the policy file, in Markdown.
pub fn reference_markdown() -> String {
    let mut page = String::from(
        "# Policy file\n\n\
         TOML. A key left out has its default; `[teams.NAME]`, with `[teams.NAME.weights]` and `[teams.NAME.deadlines]`, overrides \
         any key for the cases of one experiment team and for the days of one product team. A file with a fault is refused whole, \
         with every fault and its line.\n\n\
         A policy holds for the cases opened after it is set. `change_case_policy` changes that of a case that runs, with a reason: \
         a driver may adopt the policy in force, an administrator may set single keys. `alpha` and `srm_p` stay as they were from \
         the first wave of an iteration to its end.\n\n\
         | key | default | may be | meaning |\n|---|---|---|---|\n",
    );
    for key in KEYS {
        let default = written(key, &key.default());
        let _ = writeln!(page, "| `{}` | `{default}` | {} | {} |", key.path, key.wanted(), key.says);
    }
    let _ = write!(page, "\n## Every key with its default\n\n```toml\n{}```\n", example());
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::WhoConfirms;

    #[test]
    fn the_example_is_the_default_policy() {
        assert_eq!(parse(&example()).unwrap(), PolicyFile::default());
    }

    #[test]
    fn every_key_of_a_policy_is_in_the_table() {
        let mut paths = Vec::new();
        for (name, value) in key::as_json(&Policy::default()) {
            match value {
                Json::Object(section) => paths.extend(section.keys().map(|key| format!("{name}.{key}"))),
                _ => paths.push(name),
            }
        }
        let mut known: Vec<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
        paths.sort();
        known.sort();
        assert_eq!(paths, known);
    }

    #[test]
    fn teams_differ_in_what_they_say() {
        let file = parse(
            "deviation_budget = 7\nwho_confirms = \"one_driver\"\n\n[teams.boards]\nalpha = 0.01\n\n\
             [teams.boards.deadlines]\nbuy_in = 3\n\n[teams.identity]\nholidays = [2026-12-25]\n",
        )
        .unwrap();
        let team = |name: &str| file.of(&TeamId::new(name).unwrap());
        assert_eq!((team("boards").deviation_budget, team("boards").alpha), (7, 0.01));
        assert_eq!((team("boards").deadlines.buy_in, team("boards").deadlines.estimate), (3, 5));
        assert_eq!(team("identity").holidays, [jiff::civil::date(2026, 12, 25)]);
        assert_eq!((team("identity").alpha, team("somebody").alpha), (0.05, 0.05));
        assert_eq!(team("somebody").who_confirms, WhoConfirms::OneDriver);
    }

    #[test]
    fn all_faults_are_said_with_their_lines() {
        let faults = parse(
            "alpha = 0.7\ndeviation_bugdet = 5\nwho_confirms = \"nobody\"\ntime_zone = \"Europe/Berlim\"\n\
             weekend = [\"caturday\"]\nholidays = [2026-12-25, 2026-12-25]\n\n[deadlines]\nbuy_in = 0\nestimate = \"5\"\nqa = 3\n\n\
             [teams.boards]\nstale_warn_days = 400\n\n[teams.boards.weights]\npolish = 1.5\n\n[teams.\" \"]\nalpha = 0.1\n",
        )
        .unwrap_err();
        let said: Vec<String> = faults.iter().map(|fault| format!("policy.toml:{fault}")).collect();
        insta::assert_snapshot!(said.join("\n"));
    }

    #[test]
    fn a_file_that_is_no_toml_names_its_lines() {
        let faults = parse("alpha = \nmax_negative = 2\n[deadlines\nbuy_in = 999\n").unwrap_err();
        assert!(faults.iter().any(|fault| fault.line == 1 && fault.key.is_empty()), "{faults:?}");
        assert!(faults.iter().any(|fault| fault.line == 3), "{faults:?}");
        assert!(parse("teams = 3").unwrap_err()[0].to_string().starts_with("1: teams: write [teams.NAME]"));
        assert!(parse("weights = 3").unwrap_err()[0].to_string().contains("section"));
    }

    #[test]
    fn distances_are_small_for_slips() {
        assert_eq!(
            (distance("", "abc"), distance("buyin", "buy_in"), distance("kitten", "sitting")),
            (3, 1, 3)
        );
        assert_eq!(
            (nearest("buy_inn"), nearest("deadlines.buyin")),
            ("deadlines.buy_in", "deadlines.buy_in")
        );
    }
}
