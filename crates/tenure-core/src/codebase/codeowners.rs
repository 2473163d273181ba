//! `CODEOWNERS`: who owns which path, as GitHub and GitLab read it.
//!
//! GitHub: patterns as in `.gitignore` without `!` and ranges; the last that matches decides. GitLab: the last that
//! matches in each section decides, a section may give default owners, and `!` takes a path out of a section.
//! [GitHub, "About code owners"; GitLab, "Code Owners syntax and error handling"]

use std::collections::{BTreeMap, BTreeSet};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::id::AccountId;

/// A `CODEOWNERS` file.
#[derive(Clone, Debug, Default)]
pub struct CodeOwners {
    /// Its sections, in order; the first has no name.
    sections: Vec<Section>,
    /// Lines that say nothing that can be meant; they are passed over, as GitHub and GitLab do.
    pub faults: Vec<Fault>,
}

/// A line that was passed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub sentence: String,
}

#[derive(Clone, Debug, Default)]
struct Section {
    /// In lower case: names are compared without case.
    name: String,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    pattern: Pattern,
    /// What it gives; none when it takes the path out.
    owners: Option<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Pattern {
    matcher: Gitignore,
    /// `docs/*` means the files in `docs`, and not those in folders below it.
    shallow: bool,
}

/// The accounts that the owners of a path stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owned {
    /// Accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Owners that the table of handles does not know.
    pub unknown: Vec<String>,
}

/// What handles (`@user`, `@company/team`, an e-mail address) are called here; compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Handles(BTreeMap<String, BTreeSet<AccountId>>);

impl Handles {
    /// Says that a handle stands for an account; a team's handle may stand for several.
    pub fn add(&mut self, handle: &str, account: AccountId) {
        self.0.entry(handle.to_lowercase()).or_default().insert(account);
    }

    /// The accounts that owners stand for.
    pub fn resolve(&self, owners: impl IntoIterator<Item = String>) -> Owned {
        let mut owned = Owned::default();
        for owner in owners {
            match self.0.get(&owner.to_lowercase()) {
                Some(accounts) => owned.accounts.extend(accounts.iter().cloned()),
                None => owned.unknown.push(owner),
            }
        }
        owned
    }
}

impl CodeOwners {
    /// Reads a file. It is GitLab's when it has a section, a role (`@@maintainer`) or an exclusion, else GitHub's.
    pub fn parse(text: &str) -> Self {
        let gitlab = text.lines().map(str::trim_start).any(|line| {
            header(line).is_some()
                || line.starts_with('!')
                || (!line.starts_with('#') && line.contains(" @@"))
        });
        Self::read(text, gitlab)
    }

    fn read(text: &str, gitlab: bool) -> Self {
        let mut file = Self { sections: vec![Section::default()], faults: Vec::new() };
        let (mut here, mut defaults) = (0, Vec::new());
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some((name, owners)) = header(line).filter(|_| gitlab) {
                here = file.section(&name);
                defaults = owners;
                continue;
            }
            match Rule::read(line, &defaults, gitlab) {
                Ok(rule) => file.sections[here].rules.push(rule),
                Err(sentence) => file.faults.push(Fault { line: at + 1, sentence }),
            }
        }
        file
    }

    /// The section of a name; sections of one name are one.
    fn section(&mut self, name: &str) -> usize {
        let name = name.to_lowercase();
        match self.sections.iter().position(|section| section.name == name) {
            Some(at) => at,
            None => {
                self.sections.push(Section { name, rules: Vec::new() });
                self.sections.len() - 1
            }
        }
    }

    /// Who owns a path: a file, or a folder as a whole; the root of the repository when it is empty.
    ///
    /// Handles as they are written, each once, in the order of the file. Empty when nobody owns it.
    pub fn owners_of(&self, path: &str) -> Vec<String> {
        let path = path.trim().trim_start_matches("./").trim_matches('/');
        let mut owners: Vec<String> = Vec::new();
        for section in &self.sections {
            let rule = section.rules.iter().rev().find(|rule| rule.pattern.matches(path));
            for owner in rule.and_then(|rule| rule.owners.as_ref()).into_iter().flatten() {
                if !owners.contains(owner) {
                    owners.push(owner.clone());
                }
            }
        }
        owners
    }
}

/// The name and default owners of a section's header: `[Name]`, `^[Optional]`, `[Name][2] @owner`.
fn header(line: &str) -> Option<(String, Vec<String>)> {
    let rest = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?;
    let (name, mut rest) = rest.split_once(']')?;
    if let Some(approvals) = rest.strip_prefix('[') {
        let (number, after) = approvals.split_once(']')?;
        number.trim().parse::<u32>().ok()?;
        rest = after;
    }
    let named = !name.trim().is_empty() && (rest.is_empty() || rest.starts_with(char::is_whitespace));
    named.then(|| (name.trim().to_owned(), owners(rest)))
}

fn owners(text: &str) -> Vec<String> {
    let words = text.split_whitespace().take_while(|word| !word.starts_with('#'));
    words.map(str::to_owned).collect()
}

/// `@user`, `@company/team`, `@@role`, or an e-mail address.
fn is_owner(word: &str) -> bool {
    match word.strip_prefix("@@").or_else(|| word.strip_prefix('@')) {
        Some(name) => !name.is_empty() && !name.contains('@'),
        None => word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()),
    }
}

impl Rule {
    fn read(line: &str, defaults: &[String], gitlab: bool) -> Result<Self, String> {
        let (pattern, rest) = split(line);
        let given = owners(rest);
        if let Some(word) = given.iter().find(|word| !is_owner(word)) {
            return Err(format!("`{word}` is no owner: write @user, @company/team or an e-mail address"));
        }
        let exclusion = pattern.strip_prefix('!');
        let pattern = match exclusion {
            Some(_) if !gitlab => {
                return Err(format!("`{pattern}` begins with !, which takes nothing out here"));
            }
            Some(pattern) => Pattern::new(pattern, gitlab)?,
            None => Pattern::new(&pattern, gitlab)?,
        };
        let owners = if given.is_empty() { defaults.to_vec() } else { given };
        Ok(Self { pattern, owners: exclusion.is_none().then_some(owners) })
    }
}

/// The pattern, whose spaces are written `\ `, and what follows it.
fn split(line: &str) -> (String, &str) {
    let mut pattern = String::new();
    let mut letters = line.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => match letters.next() {
                Some((_, escaped @ (' ' | '#'))) => pattern.push(escaped),
                Some((_, escaped)) => pattern.extend(['\\', escaped]),
                None => pattern.push('\\'),
            },
            letter if letter.is_whitespace() => return (pattern, &line[at..]),
            letter => pattern.push(letter),
        }
    }
    (pattern, "")
}

impl Pattern {
    fn new(pattern: &str, gitlab: bool) -> Result<Self, String> {
        if !gitlab && pattern.contains(['[', ']']) {
            return Err(format!("`{pattern}` holds a range, which is not read here"));
        }
        // GitLab reads a path that does not begin with a slash as one in any folder.
        let anywhere = gitlab && pattern.contains('/') && !pattern.starts_with(['/', '*']);
        let glob = if anywhere { format!("**/{pattern}") } else { pattern.to_owned() };
        let glob = match glob.strip_prefix(['#', '!']) {
            Some(_) => format!("\\{glob}"),
            None => glob,
        };
        let shallow = glob.ends_with("/*");
        let mut builder = GitignoreBuilder::new("");
        let matcher = builder.add_line(None, &glob).and_then(|builder| builder.build());
        let matcher = matcher.map_err(|fault| format!("`{pattern}` is no pattern: {fault}"))?;
        if matcher.is_empty() {
            return Err(format!("`{pattern}` is no pattern"));
        }
        Ok(Self { matcher, shallow })
    }

    /// Whether it matches the path, or a folder that the path is in.
    fn matches(&self, path: &str) -> bool {
        if path.is_empty() {
            return self.matcher.matched("any", false).is_ignore() && !self.shallow;
        }
        let is = |path: &str, folder: bool| self.matcher.matched(path, folder).is_ignore();
        if is(path, false) || is(path, true) {
            return true;
        }
        let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
        !self.shallow && folders.into_iter().any(|folder| is(folder, true))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, &[&str])]) {
        let file = CodeOwners::parse(text);
        for (path, owners) in expected {
            assert_eq!(file.owners_of(path), *owners, "{path} in {text}");
        }
    }

    /// The example of GitHub's documentation, in its order.
    #[test]
    fn github_the_last_match_decides() {
        let text = "
# Each line is a file pattern followed by one or more owners.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
";
        check(
            text,
            &[
                ("README.md", &["@global-owner1", "@global-owner2"]),
                ("src/main.js", &["@js-owner"]),
                ("a/b.go", &["docs@example.com"]),
                ("deep/a.txt", &["@octo-org/octocats"]),
                ("build/logs/today/x.js", &["@octocat"]),
                ("docs/getting-started.md", &["@doctocat"]),
                ("lib/docs/x.md", &["@global-owner1", "@global-owner2"]),
                ("x/apps/y/z.c", &["@octocat"]),
                ("scripts/run", &["@doctocat", "@octocat"]),
                ("deeply/nested/logs/x", &["@octocat"]),
                ("apps/github/x.js", &[]),
                ("/apps/other", &["@octocat"]),
            ],
        );
        check("docs/* @writer\n", &[("docs/a.md", &["@writer"]), ("docs/build-app/a.md", &[])]);
        check(
            "/docs/ @writer\n*.md @reader",
            &[("docs/a.md", &["@reader"]), ("docs", &["@writer"]), ("", &[])],
        );
        check("* @all", &[("", &["@all"]), ("any/where", &["@all"])]);
    }

    #[test]
    fn github_lines_that_cannot_be_meant_are_passed_over_and_told() {
        let file = CodeOwners::parse("*.js js-owner\n[a-z].md @x\n*.rs @ferris\n\\#hash\\ file @hash\n");
        assert_eq!(file.faults.iter().map(|fault| fault.line).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(file.owners_of("x.rs"), ["@ferris"]);
        assert_eq!(file.owners_of("#hash file"), ["@hash"]);
        assert_eq!(file.owners_of("x.js"), Vec::<String>::new());
    }

    #[test]
    fn gitlab_every_section_has_its_say() {
        let text = "
* @default
README.md @@maintainer

[Documentation][2] @docs-team
docs/
*.md @writer

^[Database] @dba
model/db/ @db/team
/config/db/
!/config/db/generated.rb

[DOCUMENTATION]
/docs/legal/ legal@example.com
";
        check(
            text,
            &[
                ("lib/a.rb", &["@default"]),
                ("README.md", &["@@maintainer", "@writer"]),
                ("docs/a.txt", &["@default", "@docs-team"]),
                ("internal/docs/a.txt", &["@default", "@docs-team"]),
                ("docs/legal/terms.md", &["@default", "legal@example.com"]),
                ("app/model/db/x.rb", &["@default", "@db/team"]),
                ("config/db/x.rb", &["@default", "@dba"]),
                ("config/db/generated.rb", &["@default"]),
            ],
        );
    }

    #[test]
    fn handles_stand_for_accounts_whatever_their_case() {
        let mut handles = Handles::default();
        handles.add("@Octo-Org/Boards", AccountId::new("ada").unwrap());
        handles.add("@octo-org/boards", AccountId::new("grace").unwrap());
        let owned = handles.resolve(["@octo-org/BOARDS".to_owned(), "@stranger".to_owned()]);
        assert_eq!(owned.accounts.len(), 2);
        assert_eq!(owned.unknown, ["@stranger"]);
    }
}
