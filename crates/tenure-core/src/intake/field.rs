//! A value in a document together with its path, so that every fault names its place.

use serde_json::Value as Json;

use super::Fault;

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub path: String,
    pub value: &'a Json,
}

impl<'a> Field<'a> {
    pub fn root(value: &'a Json) -> Self {
        Self { path: String::new(), value }
    }

    pub fn fault(&self, says: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), says: says.into() }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// A member that is there and not null.
    pub fn get(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name).filter(|value| !value.is_null())?;
        Some(Self { path: self.path_of(name), value })
    }

    /// The first of several members that is there, for documents of several versions.
    pub fn any(&self, names: &[&str]) -> Option<Self> {
        names.iter().find_map(|name| self.get(name))
    }

    pub fn need(&self, name: &str) -> Result<Self, Fault> {
        self.get(name).ok_or_else(|| Fault { path: self.path_of(name), says: "it is missing".to_owned() })
    }

    /// The items of a list; none when it is not there.
    pub fn items(&self, name: &str) -> Vec<Self> {
        let list = self.get(name);
        let items = list.as_ref().and_then(|list| list.value.as_array()).map_or(&[][..], Vec::as_slice);
        let path = self.path_of(name);
        items.iter().enumerate().map(|(at, value)| Field { path: format!("{path}[{at}]"), value }).collect()
    }

    /// The text of a member that says something.
    pub fn text(&self, name: &str) -> Option<String> {
        let text = self.get(name)?.value.as_str()?.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }

    /// A number, or a text that is one.
    pub fn number(&self) -> Result<f64, Fault> {
        let read = self.value.as_f64().or_else(|| self.value.as_str()?.trim().parse().ok());
        read.filter(|number| number.is_finite())
            .ok_or_else(|| self.fault(format!("{} is no number", self.value)))
    }

    /// A whole number from 0 on.
    pub fn count(&self) -> Result<u64, Fault> {
        let number = self.number()?;
        if number < 0.0 || number.fract() != 0.0 || number > 9e15 {
            return Err(self.fault(format!("{number} is no count: give a whole number from 0 on")));
        }
        Ok(number as u64)
    }

    pub fn number_of(&self, name: &str) -> Result<Option<f64>, Fault> {
        self.get(name).map(|field| field.number()).transpose()
    }
}
