//! What is wrong with a definition, and where.

use std::fmt;

/// A mistake in a flag set, with its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {message}")]
pub struct Fault {
    /// Where the mistake is, as a JSON path from the top of the document: `$.flags.checkout.variants`.
    pub path: String,
    /// The same place as a JSON pointer (RFC 6901), for programs: `/flags/checkout/variants`.
    pub pointer: String,
    /// What is wrong and what would be right: lower case, no full stop.
    pub message: String,
}

impl Fault {
    pub(crate) fn new(place: Place<'_>, message: impl Into<String>) -> Self {
        Self { path: place.to_string(), pointer: place.pointer(), message: message.into() }
    }
}

/// A position inside a JSON document, kept as links to its parents so that nothing is built until a fault is found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'p> {
    parent: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Top,
    Key(&'p str),
    Index(usize),
}

impl<'p> Place<'p> {
    /// The document itself.
    pub(crate) const TOP: Place<'static> = Place { parent: None, step: Step::Top };

    pub(crate) fn key(&'p self, key: &'p str) -> Place<'p> {
        Place { parent: Some(self), step: Step::Key(key) }
    }

    pub(crate) fn index(&'p self, index: usize) -> Place<'p> {
        Place { parent: Some(self), step: Step::Index(index) }
    }

    fn pointer(&self) -> String {
        let mut pointer = self.parent.map_or_else(String::new, Place::pointer);
        match self.step {
            Step::Top => {}
            Step::Index(index) => pointer.push_str(&format!("/{index}")),
            Step::Key(key) => push_step(&mut pointer, key),
        }
        pointer
    }
}

/// Appends a member's name to a JSON pointer.
pub(crate) fn push_step(pointer: &mut String, key: &str) {
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Top => f.write_str("$"),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) if is_plain(key) => write!(f, ".{key}"),
            Step::Key(key) => write!(f, "[{key:?}]"),
        }
    }
}

/// Keys that need no quotes in a path.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_reads_as_a_json_path() {
        let flags = Place::TOP.key("flags");
        let flag = flags.key("new checkout");
        let targeting = flag.key("targeting");
        let operation = targeting.key("if");
        assert_eq!(operation.index(2).to_string(), r#"$.flags["new checkout"].targeting.if[2]"#);
        assert_eq!(targeting.key("==").index(0).to_string(), r#"$.flags["new checkout"].targeting["=="][0]"#);
        assert_eq!(operation.index(2).pointer(), "/flags/new checkout/targeting/if/2");
        assert_eq!(flags.key("a/b~").pointer(), "/flags/a~1b~0");
    }
}
