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

/// The columns that prose fills.
const WIDTH: usize = 100;

/// Print prose, broken at spaces; lines after the first begin with `indent` spaces.
pub fn prose(indent: usize, text: &str) {
    let mut shown = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let added = word.chars().count() + 1;
        if length + added > WIDTH && length > 0 {
            line(shown.trim_end());
            shown = " ".repeat(indent);
            length = indent;
        }
        shown.push_str(word);
        shown.push(' ');
        length += added;
    }
    line(shown.trim_end());
}

/// A whole number as a person writes it: 1,234,567.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// So many of something, in words.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A p-value: four decimals, or two significant digits of a small one.
pub fn p_value(p: f64) -> String {
    if p >= 0.001 {
        format!("{p:.4}")
    } else if p > 0.0 {
        format!("{p:.1e}")
    } else {
        "below 1e-300".to_owned()
    }
}

/// Print rows under headings, columns aligned; numbers belong to the right and are told by `right`.
pub fn table(headings: &[&str], right: &[usize], rows: &[Vec<String>]) {
    let headings = headings.iter().map(|heading| (*heading).to_owned()).collect();
    aligned(right, &[vec![headings], rows.to_vec()].concat());
}

/// Print rows with their columns aligned.
pub fn aligned(right: &[usize], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = vec![0; rows.iter().map(Vec::len).max().unwrap_or(0)];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    for row in rows {
        let mut text = String::new();
        for (column, cell) in row.iter().enumerate() {
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
    }
}
