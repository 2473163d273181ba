//! Text inside Markdown: what a person wrote stays text, and can neither start a table nor a tag.

use std::fmt::{self, Write};

use askama::filters::Escaper;

/// Escapes a text for the middle of a line of CommonMark or a cell of a table; its line breaks become spaces.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Markdown;

impl Escaper for Markdown {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        let mut before = None;
        let mut rest = text.chars().peekable();
        while let Some(char) = rest.next() {
            let after = rest.peek().copied();
            match char {
                '\r' | '\n' | '\t' => {
                    if before != Some(' ') {
                        dest.write_char(' ')?;
                    }
                    before = Some(' ');
                    continue;
                }
                '\\' | '`' | '*' | '<' | '|' | '[' | ']' => dest.write_char('\\')?,
                // Inside a word an underscore is a letter: `qa_demo`.
                '_' if !(is_word(before) && is_word(after)) => dest.write_char('\\')?,
                '~' if after == Some('~') || before == Some('~') => dest.write_char('\\')?,
                '&' if after.is_some_and(|next| next == '#' || next.is_ascii_alphabetic()) => {
                    dest.write_char('\\')?;
                }
                '#' | '>' if before.is_none() => dest.write_char('\\')?,
                '-' | '+' if before.is_none() && after == Some(' ') => dest.write_char('\\')?,
                '.' | ')' if after == Some(' ') && starts_with_number(text, before) => {
                    dest.write_char('\\')?;
                }
                _ => {}
            }
            dest.write_char(char)?;
            before = Some(char);
        }
        Ok(())
    }
}

fn is_word(char: Option<char>) -> bool {
    char.is_some_and(char::is_alphanumeric)
}

/// Whether the text before its first `.` or `)` is a number, which would begin a list.
fn starts_with_number(text: &str, before: Option<char>) -> bool {
    let head = text.split(['.', ')']).next().unwrap_or_default();
    before.is_some_and(|char| char.is_ascii_digit()) && head.chars().all(|char| char.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, escaped: &str) {
        let mut got = String::new();
        Markdown.write_escaped_str(&mut got, text).unwrap();
        assert_eq!(got, escaped);
    }

    #[test]
    fn a_text_stays_text() {
        check("plain, 12 % (boards-web)", "plain, 12 % (boards-web)");
        check("<script>alert(1)</script>", "\\<script>alert(1)\\</script>");
        check("a | b\n| --- |", "a \\| b \\| --- \\|");
        check("qa_demo _now_ **loud**", "qa_demo \\_now\\_ \\*\\*loud\\*\\*");
        check("[here](javascript:x)", "\\[here\\](javascript:x)");
        check("# not a heading", "\\# not a heading");
        check("- no list", "\\- no list");
        check("1. no list. really", "1\\. no list. really");
        check("+1.60 pp", "+1.60 pp");
        check("&lt; R&D & Co", "\\&lt; R\\&D & Co");
        check("~~gone~~", "\\~\\~gone\\~\\~");
        check("a\r\n\r\nb", "a b");
    }
}
