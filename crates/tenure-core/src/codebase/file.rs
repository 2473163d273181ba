//! A file of owner processes, in TOML: several codebases, each with its items in order, and what the handles of a
//! `CODEOWNERS` file are called here. Reading it gives every fault with its line, not only the first.
//!
//! ```toml
//! [codebases.boards-web]
//! team = "boards"             # the product team it belongs to; may be left out
//! path = "apps/boards"        # where it is in its repository, for CODEOWNERS; the whole when left out
//! items = [
//!   "qa_demo",
//!   { name = "pr_review", kind = "pull_request", within_days = 2 },
//!   { name = "accessibility" },
//! ]
//!
//! [handles]
//! "@octocat" = "ada"
//! "@company/boards" = ["ada", "grace"]
//! "grace@example.com" = "grace"
//! ```

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::codeowners::{CodeOwners, Handles, Owned};
use super::{DefineCodebase, ItemKind, ItemTemplate, item_fault};
use crate::id::{AccountId, CodebaseId, TeamId};

/// Something in the file that cannot be meant, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub sentence: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.sentence)
    }
}

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct File {
    /// Codebases, in alphabetical order.
    pub codebases: Vec<Entry>,
    /// What the handles of a `CODEOWNERS` file are called here.
    pub handles: Handles,
}

/// One codebase of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The command that defines it.
    pub define: DefineCodebase,
    /// Where it is in its repository; empty for the whole.
    pub path: String,
}

impl Entry {
    /// Who owns it by a `CODEOWNERS` file: the accounts that its handles stand for, and handles that stand for nobody.
    pub fn owners(&self, codeowners: &CodeOwners, handles: &Handles) -> Owned {
        handles.resolve(codeowners.owners_of(&self.path))
    }
}

/// Reads a file of owner processes; every fault in it, in the order of its lines.
pub fn parse(text: &str) -> Result<File, Vec<Fault>> {
    let mut reading = Reading { text, faults: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        reading.fault(error.span().unwrap_or(0..0), error.message().to_owned());
    }
    let mut file = File::default();
    if reading.faults.is_empty() {
        for (key, value) in document.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("codebases", DeValue::Table(codebases)) => {
                    file.codebases =
                        codebases.iter().filter_map(|(name, value)| reading.codebase(name, value)).collect();
                }
                ("handles", DeValue::Table(handles)) => {
                    for (handle, accounts) in handles {
                        reading.handle(&mut file.handles, handle, accounts);
                    }
                }
                ("codebases" | "handles", _) => {
                    reading.fault(value.span(), format!("{} is no table: write [{0}]", key.get_ref()));
                }
                (other, _) => reading.fault(
                    key.span(),
                    format!("`{other}` is unknown: a file has [codebases.NAME] and [handles]"),
                ),
            }
        }
        if file.codebases.is_empty() && reading.faults.is_empty() {
            reading.fault(0..0, "no codebase is defined: write [codebases.NAME] with its items".to_owned());
        }
    }
    if reading.faults.is_empty() {
        return Ok(file);
    }
    reading.faults.sort_by_key(|fault| fault.line);
    Err(reading.faults)
}

struct Reading<'a> {
    text: &'a str,
    faults: Vec<Fault>,
}

type Key<'i> = Spanned<std::borrow::Cow<'i, str>>;
type Value<'i> = Spanned<DeValue<'i>>;

impl Reading<'_> {
    fn fault(&mut self, span: Range<usize>, sentence: String) {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        self.faults.push(Fault { line, sentence });
    }

    /// The value, or a fault where it stands.
    fn good<T>(&mut self, span: Range<usize>, value: Result<T, impl fmt::Display>) -> Option<T> {
        value.map_err(|fault| self.fault(span, fault.to_string())).ok()
    }

    fn text(&mut self, name: &str, value: &Value<'_>) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        self.good(value.span(), text.ok_or_else(|| format!("{name} is no text: write {name} = \"…\"")))
    }

    fn codebase(&mut self, name: &Key<'_>, value: &Value<'_>) -> Option<Entry> {
        let codebase = self.good(name.span(), CodebaseId::new(name.get_ref().as_ref()));
        let DeValue::Table(table) = value.get_ref() else {
            self.fault(
                value.span(),
                format!("codebase {} is no table: write [codebases.{0}]", name.get_ref()),
            );
            return None;
        };
        let (mut items, mut team, mut path) = (Vec::new(), None, String::new());
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "items" => items = self.items(value),
                "team" => {
                    let name = self.text("team", value);
                    team = name.and_then(|name| self.good(value.span(), TeamId::new(name)));
                }
                "path" => path = self.text("path", value).unwrap_or_default(),
                other => self
                    .fault(key.span(), format!("`{other}` is unknown: a codebase has items, team and path")),
            }
        }
        let listed = table.keys().find(|key| key.get_ref() == "items").map(Spanned::span);
        let fault = match listed {
            None => Some("has no items: write items = [\"qa_demo\", …]".to_owned()),
            Some(_) => item_fault(&items),
        };
        if let Some(fault) = fault {
            self.fault(listed.unwrap_or(name.span()), format!("codebase {}: {fault}", name.get_ref()));
        }
        Some(Entry { define: DefineCodebase { codebase: codebase?, items, team }, path })
    }

    fn items(&mut self, value: &Value<'_>) -> Vec<ItemTemplate> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().filter_map(|item| self.item(item)).collect(),
            _ => {
                self.fault(value.span(), "items is no list: write items = [\"qa_demo\", …]".to_owned());
                Vec::new()
            }
        }
    }

    fn item(&mut self, value: &Value<'_>) -> Option<ItemTemplate> {
        let table = match value.get_ref() {
            DeValue::String(name) => return Some(ItemTemplate::named(name.as_ref())),
            DeValue::Table(table) => table,
            _ => {
                self.fault(value.span(), "an item is its name or {name, kind, within_days}".to_owned());
                return None;
            }
        };
        let (mut name, mut kind, mut within_days) = (None, None, None);
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "name" => name = self.text("name", value),
                "kind" => {
                    let text = self.text("kind", value)?;
                    let known = ItemKind::ALL.into_iter().find(|kind| kind.name() == text);
                    let names = ItemKind::ALL.map(ItemKind::name).join(", ");
                    kind = self.good(
                        value.span(),
                        known.ok_or_else(|| format!("kind `{text}` is unknown: use one of {names}")),
                    );
                }
                "within_days" => {
                    let days = value.get_ref().as_integer().and_then(|days| days.as_str().parse().ok());
                    let days = days.filter(|days| (1..=260).contains(days));
                    within_days = self.good(
                        value.span(),
                        days.ok_or("within_days is no number of working days: give 1 to 260"),
                    );
                }
                other => self.fault(
                    key.span(),
                    format!("`{other}` is unknown: an item has name, kind and within_days"),
                ),
            }
        }
        let name = self.good(value.span(), name.ok_or("an item has no name: write name = \"…\""))?;
        Some(ItemTemplate { kind: kind.unwrap_or_else(|| ItemKind::of(&name)), name, within_days })
    }

    fn handle(&mut self, handles: &mut Handles, handle: &Key<'_>, value: &Value<'_>) {
        let values = match value.get_ref() {
            DeValue::Array(accounts) => accounts.iter().collect(),
            _ => vec![value],
        };
        for value in values {
            let account = self.text("an account", value);
            if let Some(account) = account.and_then(|name| self.good(value.span(), AccountId::new(name))) {
                handles.add(handle.get_ref(), account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
[codebases.boards-web]
team = "boards"
path = "apps/boards"
items = ["qa_demo", { name = "pr_review", within_days = 3 }, { name = "accessibility", kind = "custom" }]

[codebases.identity-core]
items = ["pr_review"]

[handles]
"@octocat" = "ada"
"@company/boards" = ["ada", "grace"]
"#;

    #[test]
    fn a_file_defines_several_codebases_and_their_owners() {
        let file = parse(WHOLE).unwrap();
        let names: Vec<&str> = file.codebases.iter().map(|entry| entry.define.codebase.as_str()).collect();
        assert_eq!(names, ["boards-web", "identity-core"]);
        let boards = &file.codebases[0];
        let items: Vec<(&str, ItemKind, Option<u32>)> = boards
            .define
            .items
            .iter()
            .map(|item| (item.name.as_str(), item.kind, item.within_days))
            .collect();
        assert_eq!(
            items,
            [
                ("qa_demo", ItemKind::QaDemo, None),
                ("pr_review", ItemKind::PullRequest, Some(3)),
                ("accessibility", ItemKind::Custom, None),
            ]
        );
        let codeowners = CodeOwners::parse("* @nobody\n/apps/boards/ @company/boards\n");
        let owned = boards.owners(&codeowners, &file.handles);
        assert_eq!(owned.accounts.iter().map(AccountId::as_str).collect::<Vec<_>>(), ["ada", "grace"]);
        assert_eq!(owned.unknown, Vec::<String>::new());
        let owned = file.codebases[1].owners(&codeowners, &file.handles);
        assert_eq!((owned.accounts.len(), owned.unknown), (0, vec!["@nobody".to_owned()]));
    }

    #[test]
    fn every_fault_is_told_with_its_line() {
        let check = |text: &str, expected: &[&str]| {
            let faults: Vec<String> = parse(text).unwrap_err().iter().map(ToString::to_string).collect();
            assert_eq!(faults.len(), expected.len(), "{faults:?}");
            for (fault, expected) in faults.iter().zip(expected) {
                assert!(fault.starts_with(expected), "{fault}");
            }
        };
        check("", &["line 1: no codebase"]);
        check("[codebases.a\n", &["line 1: "]);
        check("x = 1\n[codebases.a]\nitems = [\"b\"]\n", &["line 1: `x` is unknown"]);
        check("[codebases.a]\nitems = \"b\"\n", &["line 2: items is no list"]);
        check("[codebases.a]\nteam = \"b\"\n", &["line 1: codebase a: has no items"]);
        check(
            "[codebases.a]\nitems = [\n \"b\",\n {kind = \"custom\"},\n {name = \"c\", kind = \"fun\"},\n 7,\n]\nowner = 1\n",
            &["line 4: an item has no name", "line 5: kind `fun`", "line 6: an item is", "line 8: `owner`"],
        );
        check("[codebases.a]\nitems = [\"b\", \"b\"]\n", &["line 2: codebase a: items names one item twice"]);
        check("[codebases.a]\nitems = [{name = \"b\", within_days = 0}]\n", &["line 2: within_days"]);
        check("[codebases.\" \"]\nitems = [\"b\"]\n", &["line 1: codebase ` ` is empty"]);
        check("[codebases.a]\nitems = [\"b\"]\n[handles]\n\"@x\" = 3\n", &["line 4: an account is no text"]);
    }
}
