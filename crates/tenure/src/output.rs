//! What the command prints: text for people, JSON for programs, errors to standard error.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;

/// Print a line for people.
pub fn line(text: impl AsRef<str>) {
    // A reader that went away (`| head`) is no fault of ours.
    let _ = writeln!(io::stdout().lock(), "{}", text.as_ref());
}

/// Print one value as one line of JSON.
pub fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string(value)?);
    Ok(())
}

/// Print one value as indented JSON.
pub fn pretty(value: &impl Serialize) -> anyhow::Result<()> {
    line(serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Print a note beside the output, such as progress, to standard error.
pub fn note(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Print an error with its causes.
pub fn error(error: &anyhow::Error) {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    let _ = writeln!(io::stderr().lock(), "error: {text}");
}

/// Does a person read standard output as it comes?
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Print rows under headings, columns aligned; numbers belong to the right and are told by `right`.
pub fn table(headings: &[&str], right: &[usize], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = headings.iter().map(|heading| heading.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let print = |cells: &mut dyn Iterator<Item = &str>| {
        let mut text = String::new();
        for (column, cell) in cells.enumerate() {
            let pad = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
            if column > 0 {
                text.push_str("  ");
            }
            if right.contains(&column) {
                text.push_str(&pad);
                text.push_str(cell);
            } else {
                text.push_str(cell);
                text.push_str(&pad);
            }
        }
        line(text.trim_end());
    };
    print(&mut headings.iter().copied());
    for row in rows {
        print(&mut row.iter().map(String::as_str));
    }
}
