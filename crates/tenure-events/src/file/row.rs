//! From the columns of a table to an event in the words of the wire.

use serde_json::{Number, Value};

use super::Fault;

/// Fields that a column may have the name of.
pub const FIELDS: [&str; 11] =
    ["type", "id", "at", "unit", "event", "name", "value", "flag", "variant", "revision", "reason"];

const NUMBERS: [&str; 2] = ["at", "value"];

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// There is nothing in it.
    Nothing,
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
}

/// What the columns of a table are, found once.
pub struct Columns {
    places: Vec<Place>,
    /// The type of every row, where no column says it.
    kind: Option<&'static str>,
}

enum Place {
    Field { name: String, is_number: bool },
    Unit(String),
    Attribute(String),
}

impl Columns {
    /// Reads the headings.
    pub fn new<'a>(names: impl Iterator<Item = &'a str>) -> Result<Self, Fault> {
        let names: Vec<&str> = names.map(str::trim).collect();
        let has = |name: &str| names.contains(&name);
        let kind = match (has("type"), has("flag"), has("event") || has("name")) {
            (true, _, _) => None,
            (false, true, false) => Some("exposure"),
            (false, false, true) => Some("outcome"),
            _ => {
                return Err(Fault::Missing(
                    "no column `type`, and `flag` and `event` do not tell exposures from outcomes: add `type` with exposure or outcome",
                ));
            }
        };
        if !names.iter().any(|name| *name == "unit" || name.starts_with("unit.")) {
            return Err(Fault::Missing("no column `unit`; name the column with the unit's id so"));
        }
        let place = |name: &&str| {
            if FIELDS.contains(name) {
                let is_number = NUMBERS.contains(name);
                Ok(Place::Field { name: (*name).to_owned(), is_number })
            } else if let Some(unit_type) = name.strip_prefix("unit.").filter(|rest| !rest.is_empty()) {
                Ok(Place::Unit(unit_type.to_owned()))
            } else if let Some(attribute) = name.strip_prefix("attributes.").filter(|rest| !rest.is_empty()) {
                Ok(Place::Attribute(attribute.to_owned()))
            } else {
                Err(Fault::Column((*name).to_owned()))
            }
        };
        Ok(Self { places: names.iter().map(place).collect::<Result<_, _>>()?, kind })
    }

    /// One row's event as a line of JSON. Empty cells are left out. Units keep the order of their columns, the one of no
    /// stated type first: an event is sorted by its first unit.
    pub fn line(&self, cells: impl Iterator<Item = Cell>) -> String {
        let (mut event, mut units, mut attributes) =
            (Object::default(), Object::default(), Object::default());
        if let Some(kind) = self.kind {
            event.add("type", &Value::from(kind));
        }
        let mut user = None;
        for (place, cell) in self.places.iter().zip(cells) {
            let Some(value) = value_of(cell, matches!(place, Place::Field { is_number: true, .. })) else {
                continue;
            };
            match place {
                Place::Field { name, .. } if name == "unit" => user = Some(value),
                Place::Field { name, .. } => event.add(name, &value),
                Place::Unit(unit_type) => units.add(unit_type, &value),
                Place::Attribute(name) => attributes.add(name, &value),
            }
        }
        match (user, units.0.is_empty()) {
            (Some(user), true) => event.add("unit", &user),
            (Some(user), false) => {
                let mut all = Object::default();
                all.add(crate::UNIT_TYPE_DEFAULT, &user);
                all.0.push(',');
                all.0.push_str(&units.0);
                event.add_object("unit", &all);
            }
            (None, true) => {}
            (None, false) => event.add_object("unit", &units),
        }
        if !attributes.0.is_empty() {
            event.add_object("attributes", &attributes);
        }
        format!("{{{}}}", event.0)
    }
}

/// The inside of a JSON object, in the order in which it was added to.
#[derive(Default)]
struct Object(String);

impl Object {
    fn add(&mut self, name: &str, value: &Value) {
        self.add_text(name, &value.to_string());
    }

    fn add_object(&mut self, name: &str, object: &Self) {
        self.add_text(name, &format!("{{{}}}", object.0));
    }

    fn add_text(&mut self, name: &str, json: &str) {
        if !self.0.is_empty() {
            self.0.push(',');
        }
        self.0.push_str(&Value::from(name).to_string());
        self.0.push(':');
        self.0.push_str(json);
    }
}

/// A text that should be a number and is none stays a text: the receipt says what is wrong with it. An id that is written
/// as a number is its text.
fn value_of(cell: Cell, is_number: bool) -> Option<Value> {
    match cell {
        Cell::Nothing => None,
        Cell::Text(text) if is_number => {
            Some(match text.trim().parse::<f64>().ok().and_then(Number::from_f64) {
                Some(number) => Value::Number(number),
                None => Value::String(text),
            })
        }
        Cell::Text(text) => Some(Value::String(text)),
        Cell::Number(number) if is_number => {
            Some(Number::from_f64(number).map_or_else(|| Value::String(number.to_string()), Value::Number))
        }
        Cell::Number(number) => Some(Value::String(number.to_string())),
    }
}
