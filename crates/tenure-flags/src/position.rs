//! Where the values of a JSON text stand: lines and columns by JSON pointer, and members that are named twice, of which a
//! JSON reader keeps only the last.
//!
//! The text has been read by a JSON reader before, which has refused what is not JSON and what nests without end.

use std::collections::BTreeMap;

use crate::fault::push_step;

/// A place in a text that people can go to. Both count from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub line: usize,
    pub column: usize,
}

/// The places of all values of one text.
#[derive(Debug)]
pub(crate) struct Outline<'t> {
    text: Lines<'t>,
    top: Node,
    /// Pointer and byte of every member whose name stands earlier in its object.
    repeated: Vec<(String, usize)>,
}

/// One value. For a member of an object, `start` is that of its name: that is where people look.
#[derive(Debug)]
struct Node {
    start: usize,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Nothing,
    Elements(Vec<Node>),
    Members(BTreeMap<String, Node>),
}

impl<'t> Outline<'t> {
    pub(crate) fn read(text: &'t str) -> Self {
        let mut scanner = Scanner { text, at: 0, pointer: String::new(), repeated: Vec::new() };
        let top = scanner.value();
        Self { text: Lines::of(text), top, repeated: scanner.repeated }
    }

    /// The position of the value at `pointer`, or of the nearest value around it that is there.
    ///
    /// Flags may also stand in an array and carry their `key`: their pointers are mended to name the index.
    pub(crate) fn locate(&self, pointer: &str) -> (String, Position) {
        let mut node = Some(&self.top);
        let mut start = self.top.start;
        let mut found = String::new();
        for step in pointer.split('/').skip(1) {
            let mut step = step.replace("~1", "/").replace("~0", "~");
            node = match node.map(|node| &node.inner) {
                Some(Inner::Members(members)) => members.get(&step),
                Some(Inner::Elements(elements)) => {
                    if found == "/flags"
                        && let Some(index) = elements.iter().position(|flag| self.is_keyed(flag, &step))
                    {
                        step = index.to_string();
                    }
                    step.parse().ok().and_then(|index: usize| elements.get(index))
                }
                Some(Inner::Nothing) | None => None,
            };
            start = node.map_or(start, |node| node.start);
            push_step(&mut found, &step);
        }
        (found, self.text.position(start))
    }

    /// Pointer and position of every member whose name stands earlier in its object.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = (&str, Position)> {
        self.repeated.iter().map(|(pointer, start)| (pointer.as_str(), self.text.position(*start)))
    }

    fn is_keyed(&self, flag: &Node, key: &str) -> bool {
        let Inner::Members(members) = &flag.inner else { return false };
        members.get("key").is_some_and(|member| {
            let mut scanner = Scanner {
                text: self.text.text,
                at: member.start,
                pointer: String::new(),
                repeated: Vec::new(),
            };
            scanner.string();
            scanner.expect(b':');
            scanner.string() == key
        })
    }
}

/// A text and where its lines begin.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    pub(crate) fn of(text: &'t str) -> Self {
        let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { text, starts: std::iter::once(0).chain(breaks.map(|(index, _)| index + 1)).collect() }
    }

    /// The line and column of a byte.
    pub(crate) fn position(&self, byte: usize) -> Position {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.get(start..byte).unwrap_or_default();
        Position { line, column: before.chars().count() + 1 }
    }

    /// The position of a byte that is given by its line and its place in it, both from 1.
    pub(crate) fn in_line(&self, line: usize, byte: usize) -> Position {
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or(0);
        self.position((start + byte.saturating_sub(1)).min(self.text.len()))
    }
}

/// Reads places only; values were read before.
struct Scanner<'t> {
    text: &'t str,
    at: usize,
    pointer: String,
    repeated: Vec<(String, usize)>,
}

impl Scanner<'_> {
    fn value(&mut self) -> Node {
        self.space();
        let start = self.at;
        let inner = match self.peek() {
            Some(b'{') => Inner::Members(self.members()),
            Some(b'[') => Inner::Elements(self.elements()),
            Some(b'"') => {
                self.string();
                Inner::Nothing
            }
            _ => {
                self.at = (self.at + 1).min(self.text.len());
                self.skip(|byte| !matches!(byte, b',' | b']' | b'}') && !byte.is_ascii_whitespace());
                Inner::Nothing
            }
        };
        Node { start, inner }
    }

    fn members(&mut self) -> BTreeMap<String, Node> {
        let mut members = BTreeMap::new();
        while self.has_next(b'}') {
            let start = self.at;
            let name = self.string();
            self.expect(b':');
            let mut node = self.inside(&name);
            node.start = start;
            if members.contains_key(&name) {
                let mut pointer = self.pointer.clone();
                push_step(&mut pointer, &name);
                self.repeated.push((pointer, start));
            }
            members.insert(name, node);
        }
        members
    }

    fn elements(&mut self) -> Vec<Node> {
        let mut elements = Vec::new();
        while self.has_next(b']') {
            elements.push(self.inside(&elements.len().to_string()));
        }
        elements
    }

    /// Goes over an opening mark or a comma to the next value, if there is one before the closing mark.
    fn has_next(&mut self, close: u8) -> bool {
        self.space();
        if self.peek() != Some(close) {
            self.at = (self.at + 1).min(self.text.len());
            self.space();
        }
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                false
            }
            Some(_) => true,
            None => false,
        }
    }

    fn inside(&mut self, step: &str) -> Node {
        let outer = self.pointer.len();
        push_step(&mut self.pointer, step);
        let node = self.value();
        self.pointer.truncate(outer);
        node
    }

    fn string(&mut self) -> String {
        self.space();
        let start = self.at;
        self.at += 1;
        loop {
            self.skip(|byte| !matches!(byte, b'"' | b'\\'));
            match self.peek() {
                Some(b'\\') => self.at += 2,
                _ => break,
            }
        }
        self.at = (self.at + 1).min(self.text.len());
        self.text.get(start..self.at).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    fn expect(&mut self, mark: u8) {
        self.space();
        if self.peek() == Some(mark) {
            self.at += 1;
        }
    }

    fn space(&mut self) {
        self.skip(|byte| byte.is_ascii_whitespace());
    }

    fn skip(&mut self, wanted: impl Fn(u8) -> bool) {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        self.at += rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{
  "flags": {
    "größe": {"é": [1, {"a\"b": "}"}], "état": true},
    "x/y": [],
    "größe": {"é": 2}
  }
}"#;

    #[test]
    fn a_pointer_leads_to_line_and_column() {
        let check = |pointer: &str, line: usize, column: usize| {
            let (found, position) = Outline::read(TEXT).locate(pointer);
            assert_eq!((found.as_str(), position), (pointer, Position { line, column }), "{pointer}");
        };
        check("", 1, 1);
        check("/flags", 2, 3);
        check("/flags/x~1y", 4, 5);
        check("/flags/größe/é", 5, 15);
        // What is missing is looked for around it.
        check("/flags/größe/état/deep", 5, 5);
        check("/absent", 1, 1);
    }

    #[test]
    fn flags_in_an_array_are_found_by_their_key() {
        let text = "{\"flags\": [\n{\"key\": \"a\"},\n{\"state\": 1, \"key\" : \"b\"}]}";
        let outline = Outline::read(text);
        assert_eq!(
            outline.locate("/flags/b/state"),
            ("/flags/1/state".into(), Position { line: 3, column: 2 })
        );
    }

    #[test]
    fn a_name_that_stands_twice_is_told() {
        let outline = Outline::read(TEXT);
        let repeated: Vec<_> = outline.repeated().collect();
        assert_eq!(repeated, [("/flags/größe", Position { line: 5, column: 5 })]);
        assert_eq!(Outline::read(r#"[{"a": 1}, {"a": 1, "b": {"a": 2}}]"#).repeated().count(), 0);
    }

    #[test]
    fn any_text_comes_to_an_end() {
        for text in [
            "", "{", "[", "\"", "\"\\", "{\"a", "{\"a\"", "{\"a\":", "[1,", "}", "nul", "{1:2}", "{\"é",
            "[}", "[,]", "{,}",
        ] {
            Outline::read(text).locate("/flags/a/0");
        }
    }
}
