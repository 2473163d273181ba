//! As much of the Gherkin language as flagd's testbed uses: tags, backgrounds, scenarios, outlines, tables.

use std::collections::BTreeMap;

/// A scenario with its outline filled in.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    pub name: String,
    pub tags: Vec<String>,
    pub steps: Vec<Step>,
}

/// A step without its keyword, and the table below it.
#[derive(Debug, Clone)]
pub struct Step {
    pub text: String,
    pub table: Vec<Vec<String>>,
}

/// Where the next lines belong.
#[derive(PartialEq)]
enum Part {
    Background,
    Steps,
    Examples,
}

/// The scenarios of one feature file, backgrounds prepended, one for each row of examples.
pub fn scenarios(feature: &str) -> Vec<Scenario> {
    let mut feature_tags = Vec::new();
    let mut background = Vec::new();
    let mut done = Vec::new();
    let mut current = Outline::default();
    let mut tags = Vec::new();
    let mut part = Part::Background;
    // The description of a feature may be a text of its own, between two lines of three quotes.
    let mut described = false;
    for line in feature.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (keyword, rest) = line.split_once(' ').unwrap_or((line, ""));
        described ^= line.starts_with("\"\"\"");
        match keyword {
            _ if described => {}
            _ if line.starts_with('@') => tags.extend(line.split_whitespace().map(str::to_owned)),
            "Feature:" => feature_tags = std::mem::take(&mut tags),
            "Background:" => part = Part::Background,
            "Scenario:" | "Scenario" => {
                done.extend(std::mem::take(&mut current).fill());
                current.scenario.name = rest.trim_start_matches("Outline:").trim().to_owned();
                current.scenario.tags = [feature_tags.clone(), std::mem::take(&mut tags)].concat();
                current.scenario.steps.clone_from(&background);
                part = Part::Steps;
            }
            "Examples:" | "Scenarios:" => {
                current.examples.push(Examples { tags: std::mem::take(&mut tags), rows: Vec::new() });
                part = Part::Examples;
            }
            "Given" | "When" | "Then" | "And" | "But" => {
                let steps =
                    if part == Part::Background { &mut background } else { &mut current.scenario.steps };
                steps.push(Step { text: rest.to_owned(), table: Vec::new() });
            }
            _ if line.starts_with('|') => {
                let row = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
                match (&part, current.examples.last_mut()) {
                    (Part::Examples, Some(examples)) => examples.rows.push(row),
                    _ => current.scenario.steps.last_mut().expect("a table follows a step").table.push(row),
                }
            }
            _ => {}
        }
    }
    done.extend(current.fill());
    done
}

#[derive(Default)]
struct Outline {
    scenario: Scenario,
    examples: Vec<Examples>,
}

struct Examples {
    tags: Vec<String>,
    /// The first row names the columns.
    rows: Vec<Vec<String>>,
}

impl Outline {
    fn fill(self) -> Vec<Scenario> {
        if self.examples.is_empty() {
            return if self.scenario.steps.is_empty() { Vec::new() } else { vec![self.scenario] };
        }
        let mut filled = Vec::new();
        for examples in &self.examples {
            let (names, rows) = examples.rows.split_first().expect("examples have a head");
            for row in rows {
                let values: BTreeMap<String, &String> =
                    names.iter().map(|name| format!("<{name}>")).zip(row).collect();
                let fill = |text: &str| {
                    values.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
                };
                let steps = self.scenario.steps.iter();
                filled.push(Scenario {
                    name: self.scenario.name.clone(),
                    tags: [self.scenario.tags.clone(), examples.tags.clone()].concat(),
                    steps: steps
                        .map(|step| Step { text: fill(&step.text), table: step.table.clone() })
                        .collect(),
                });
            }
        }
        filled
    }
}

/// The texts in quotes, where a backslash keeps a quote or a backslash from meaning more.
pub fn quoted(text: &str) -> Vec<String> {
    let mut texts = Vec::new();
    let mut open: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match (character, &mut open) {
            ('\\', Some(current)) => match characters.next() {
                Some(quote @ ('"' | '\\')) => current.push(quote),
                other => current.extend(['\\'].into_iter().chain(other)),
            },
            ('"', Some(_)) => texts.extend(open.take()),
            ('"', None) => open = Some(String::new()),
            (other, Some(current)) => current.push(other),
            (_, None) => {}
        }
    }
    texts
}

#[test]
fn an_outline_is_filled_row_by_row() {
    let feature = r#"
        @all
        Feature: f
          Background:
            Given a start
          Scenario Outline: one
            When it meets "<a>" and "\"<b>\""
            @some
            Examples:
              | a | b |
              | 1 | 2 |
              |   | 4 |
          Scenario: two
            Then a table
              | x | y |
    "#;
    let scenarios = scenarios(feature);
    let texts: Vec<Vec<&str>> = scenarios
        .iter()
        .map(|scenario| scenario.steps.iter().map(|step| step.text.as_str()).collect())
        .collect();
    assert_eq!(texts[0], ["a start", r#"it meets "1" and "\"2\"""#]);
    assert_eq!(texts[1], ["a start", r#"it meets "" and "\"4\"""#]);
    assert_eq!(texts[2], ["a start", "a table"]);
    assert_eq!(scenarios[0].tags, ["@all", "@some"]);
    assert_eq!(scenarios[2].steps[1].table, [["x", "y"]]);
    assert_eq!(quoted(texts[0][1]), ["1", "\"2\""]);
}
