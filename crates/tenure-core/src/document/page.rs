//! What a document is made of, whatever it is printed in: sections of paragraphs, facts, tables, lists and plots.
//!
//! The HTML and the Markdown of a dossier are two printings of one list of sections, so that neither says more.

use super::plot::Plot;

/// One section.
#[derive(Clone, Debug)]
pub(crate) struct Section {
    /// Its anchor.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it holds, in order.
    pub blocks: Vec<Block>,
}

/// One part of a section.
#[derive(Clone, Debug)]
pub(crate) enum Block {
    /// A smaller heading.
    Heading(String),
    /// A paragraph.
    Text(String),
    /// Something to be noticed.
    Notice(String),
    /// Names and their values.
    Facts(Vec<(String, Value)>),
    /// A table.
    Table(Table),
    /// A list.
    List(Vec<String>),
    /// Effects on one axis.
    Plot(Plot),
    /// So much of so much.
    Meter(Meter),
}

/// How a value is meant to be taken; never told by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// As wished for.
    Good,
    /// To be watched.
    Watch,
    /// Against what was wished for.
    Bad,
}

impl Tone {
    /// The tone's class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Good => "good",
            Self::Watch => "watch",
            Self::Bad => "bad",
        }
    }
}

/// A text and how it is meant to be taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Value {
    /// What it says.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

impl Value {
    pub fn good(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Good }
    }

    pub fn watch(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Watch }
    }

    pub fn bad(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: Tone::Bad }
    }
}

impl<T: Into<String>> From<T> for Value {
    fn from(text: T) -> Self {
        Self { text: text.into(), tone: Tone::Plain }
    }
}

/// A table. Its first column names the rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// What it shows.
    pub caption: &'static str,
    /// The columns' names, and what they hold.
    pub columns: Vec<(&'static str, Column)>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// An empty table. A column whose name ends in `#` holds numbers, one that ends in `~` short texts.
    pub fn new<const N: usize>(caption: &'static str, columns: [&'static str; N]) -> Self {
        let columns = columns.map(|name| match (name.strip_suffix('#'), name.strip_suffix('~')) {
            (Some(name), _) => (name, Column::Number),
            (_, Some(name)) => (name, Column::Short),
            _ => (name, Column::Text),
        });
        Self { caption, columns: columns.to_vec(), rows: Vec::new() }
    }

    pub fn row<const N: usize>(&mut self, cells: [Value; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row of {} fills its columns", self.caption);
        self.rows.push(cells.to_vec());
    }

    /// The cells of a row, each with what its column holds.
    pub fn cells<'a>(&'a self, row: &'a [Value]) -> impl Iterator<Item = (&'a Value, Column)> {
        row.iter().zip(&self.columns).map(|(cell, (_, column))| (cell, *column))
    }
}

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Text that may go over several lines.
    Text,
    /// Text on one line, such as who and when.
    Short,
    /// Numbers, which end at the same place.
    Number,
}

impl Column {
    /// The column's class in the style sheet.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Short => "short",
            Self::Number => "number",
        }
    }
}

/// So much of so much.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    /// What it says in words.
    pub text: String,
    /// The filled part, from 0 to 1.
    pub filled: f64,
    /// How that is meant.
    pub tone: Tone,
}

impl Meter {
    /// The filled part in percent.
    pub fn percent(&self) -> String {
        format!("{:.1}", 100.0 * self.filled.clamp(0.0, 1.0))
    }

    /// The same as twenty characters.
    pub fn bar(&self) -> String {
        let filled = (20.0 * self.filled.clamp(0.0, 1.0)).round() as usize;
        format!("{}{}", "█".repeat(filled), "░".repeat(20 - filled))
    }
}

impl Section {
    pub fn new(id: &'static str, title: &'static str) -> Self {
        Self { id, title, blocks: Vec::new() }
    }

    pub fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    pub fn notice(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Notice(text.into()));
    }

    /// Adds what there is to say, and nothing when that is nothing.
    pub fn facts(&mut self, facts: Vec<(&str, Value)>) {
        let facts: Vec<_> = facts
            .into_iter()
            .filter(|(_, value)| !value.text.is_empty())
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        if !facts.is_empty() {
            self.blocks.push(Block::Facts(facts));
        }
    }

    /// Adds the table, or what there is to say instead when it has no rows.
    pub fn table(&mut self, table: Table, otherwise: &str) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        } else if !otherwise.is_empty() {
            self.text(otherwise);
        }
    }

    pub fn list(&mut self, items: Vec<String>) {
        if !items.is_empty() {
            self.blocks.push(Block::List(items));
        }
    }
}
