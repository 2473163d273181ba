//! Effects with their intervals on one axis: as a drawing for a page, and as lines of text.
//!
//! Knows nothing about cases: it is given labels and numbers.

/// How an effect is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// What was promised: hollow.
    Promise,
    /// What it should have been once its selection is taken off: a diamond.
    Corrected,
    /// What was delivered, and is good: filled.
    Good,
    /// What was delivered, and is not told from nothing: filled.
    Open,
    /// What was delivered, and is bad: filled.
    Bad,
}

/// One effect.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Row {
    /// Whose it is.
    pub label: String,
    /// What is to be known of it, such as "self-reported"; may be empty.
    pub note: String,
    /// The effect in the axis's unit.
    pub estimate: f64,
    /// Its interval in the same unit, low and high.
    pub interval: [f64; 2],
    /// Effect and interval in words.
    pub says: String,
    /// How it is marked.
    pub mark: Mark,
}

/// Effects on one axis.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plot {
    /// What tells it from the other plots of a page.
    pub id: &'static str,
    /// What the axis measures.
    pub axis: String,
    /// What is behind a tick's number: `%`, `pp`, or nothing.
    pub unit: &'static str,
    /// The effects, from top to bottom.
    pub rows: Vec<Row>,
}

/// The axis of a plot: its ends, and round numbers on it.
#[derive(Clone, Debug, PartialEq)]
struct Axis {
    low: f64,
    high: f64,
    ticks: Vec<f64>,
    decimals: usize,
}

/// The number of steps wanted between the ends of an axis.
const STEPS: f64 = 5.0;

impl Axis {
    /// The axis that shows every interval and 0, with ticks at multiples of 1, 2 or 5 times a power of ten.
    fn of(rows: &[Row]) -> Self {
        let ends = || rows.iter().flat_map(|row| [row.interval[0], row.interval[1], row.estimate]);
        // Beyond this a width is no number any more, and below it a step is nothing.
        let finite = || ends().filter(|end| end.abs() < 1e300);
        let (low, high) = (finite().fold(0.0, f64::min), finite().fold(0.0, f64::max));
        let high = if high - low > 1e-300 { high } else { low + 1.0 };
        let width = high - low;
        let rough = width / STEPS;
        let power = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|one| one * power >= rough).unwrap_or(10.0) * power;
        let (first, last) = ((low / step).floor() as i64, ((high / step).ceil() as i64).max(1));
        let decimals = (-step.log10().floor()).clamp(0.0, 12.0) as usize;
        Self {
            low: first as f64 * step,
            high: last as f64 * step,
            ticks: (first..=last).map(|at| at as f64 * step).collect(),
            decimals,
        }
    }

    /// Where a value is, from 0 at the low end to 1 at the high one.
    fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    fn name(&self, tick: f64, unit: &str) -> String {
        let number = format!("{:.*}", self.decimals, tick.abs());
        let sign = match tick {
            tick if tick < 0.0 => "−",
            tick if tick > 0.0 => "+",
            _ => "",
        };
        if unit.is_empty() { format!("{sign}{number}") } else { format!("{sign}{number} {unit}") }
    }
}

/// A plot as a drawing, in units of its view box.
#[derive(Clone, Debug)]
pub(crate) struct Drawing {
    pub width: f64,
    pub height: f64,
    /// Where the axis begins and ends, and the line of its numbers.
    pub left: f64,
    pub right: f64,
    pub foot: f64,
    /// Where 0 is.
    pub zero: f64,
    /// Ticks: where, and which number.
    pub ticks: Vec<(f64, String)>,
    pub rows: Vec<DrawnRow>,
}

/// One effect of a drawing.
#[derive(Clone, Debug)]
pub(crate) struct DrawnRow {
    pub y: f64,
    pub x: f64,
    pub low: f64,
    pub high: f64,
    pub label: String,
    pub note: String,
    pub says: String,
    pub mark: Mark,
}

impl DrawnRow {
    /// The class of the mark in the style sheet.
    pub const fn class(&self) -> &'static str {
        match self.mark {
            Mark::Promise => "promise",
            Mark::Corrected => "corrected",
            Mark::Good => "good",
            Mark::Open => "watch",
            Mark::Bad => "bad",
        }
    }

    /// Whether the mark is a diamond.
    pub fn is_diamond(&self) -> bool {
        self.mark == Mark::Corrected
    }
}

impl Plot {
    /// The plot as a drawing.
    pub fn drawing(&self) -> Drawing {
        const WIDTH: f64 = 760.0;
        const LEFT: f64 = 190.0;
        const RIGHT: f64 = 730.0;
        const TOP: f64 = 16.0;
        const ROW: f64 = 46.0;
        let axis = Axis::of(&self.rows);
        let x = |value: f64| tenth(LEFT + (RIGHT - LEFT) * axis.at(value));
        let foot = TOP + ROW * self.rows.len() as f64 + 4.0;
        let rows = self.rows.iter().enumerate().map(|(at, row)| DrawnRow {
            y: TOP + ROW * (at as f64 + 0.5),
            x: x(row.estimate),
            low: x(row.interval[0]).min(x(row.interval[1])),
            high: x(row.interval[0]).max(x(row.interval[1])),
            label: row.label.clone(),
            note: row.note.clone(),
            says: row.says.clone(),
            mark: row.mark,
        });
        Drawing {
            width: WIDTH,
            height: foot + 42.0,
            left: LEFT,
            right: RIGHT,
            foot,
            zero: x(0.0),
            ticks: axis.ticks.iter().map(|tick| (x(*tick), axis.name(*tick, self.unit))).collect(),
            rows: rows.collect(),
        }
    }

    /// The plot as lines of text: labels, a line an effect, and the axis below.
    pub fn lines(&self) -> Vec<String> {
        const COLUMNS: usize = 49;
        let axis = Axis::of(&self.rows);
        let column = |value: f64| (axis.at(value) * (COLUMNS - 1) as f64).round() as usize;
        let margin = self.rows.iter().map(|row| row.label.chars().count()).max().unwrap_or(0);
        let mut lines: Vec<String> = Vec::new();
        for row in &self.rows {
            let mut cells = vec![' '; COLUMNS];
            cells[column(0.0)] = '│';
            let ends = row.interval.map(column);
            let (low, high) = (ends[0].min(ends[1]), ends[0].max(ends[1]));
            cells[low..=high].fill('─');
            cells[low] = '├';
            cells[high] = '┤';
            cells[column(row.estimate)] = match row.mark {
                Mark::Promise => '○',
                Mark::Corrected => '◇',
                Mark::Good | Mark::Open | Mark::Bad => '●',
            };
            let drawn: String = cells.into_iter().collect();
            lines.push(format!("{:margin$}  {}", row.label, drawn.trim_end()));
        }
        let mut ruler = vec!['─'; COLUMNS];
        let mut names = vec![' '; COLUMNS + 12];
        let mut free = 0;
        for tick in &axis.ticks {
            let at = column(*tick);
            ruler[at] = '┴';
            let name: Vec<char> = axis.name(*tick, self.unit).chars().collect();
            let start = at.saturating_sub(name.len() / 2);
            if start >= free && start + name.len() <= names.len() {
                free = start + name.len() + 1;
                for (offset, char) in name.into_iter().enumerate() {
                    names[start + offset] = char;
                }
            }
        }
        for cells in [ruler, names] {
            let drawn: String = cells.into_iter().collect();
            lines.push(format!("{:margin$}  {}", "", drawn.trim_end()));
        }
        lines
    }

    /// The plot in words, for who cannot see it.
    pub fn words(&self) -> String {
        let rows = self.rows.iter().map(|row| format!("{}: {}", row.label, row.says));
        rows.collect::<Vec<_>>().join("; ")
    }
}

/// To a tenth of a unit: enough for a drawing, and short.
fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn row(low: f64, estimate: f64, high: f64) -> Row {
        Row {
            label: "delivered".to_owned(),
            note: String::new(),
            estimate,
            interval: [low, high],
            says: String::new(),
            mark: Mark::Good,
        }
    }

    #[test]
    fn an_axis_shows_everything_and_zero_at_round_numbers() {
        let check = |rows: &[Row], ticks: &[&str]| {
            let axis = Axis::of(rows);
            let names: Vec<String> = axis.ticks.iter().map(|tick| axis.name(*tick, "")).collect();
            assert_eq!(names, ticks);
        };
        check(&[row(0.95, 1.6, 2.25)], &["0.0", "+0.5", "+1.0", "+1.5", "+2.0", "+2.5"]);
        check(&[row(-4.0, -2.0, 3.0)], &["−4", "−2", "0", "+2", "+4"]);
        check(&[row(120.0, 400.0, 900.0)], &["0", "+200", "+400", "+600", "+800", "+1000"]);
        check(&[], &["0.0", "+0.2", "+0.4", "+0.6", "+0.8", "+1.0"]);
    }

    #[test]
    fn a_text_plot_keeps_its_columns() {
        let promise = Row { label: "won".to_owned(), mark: Mark::Promise, ..row(0.95, 1.6, 2.25) };
        let plot =
            Plot { id: "effects", axis: String::new(), unit: "pp", rows: vec![promise, row(-0.4, 0.3, 1.0)] };
        insta::assert_snapshot!(plot.lines().join("\n"));
    }

    proptest! {
        #[test]
        fn no_numbers_break_it(values in prop::collection::vec(prop::array::uniform3(prop::num::f64::ANY), 0..4)) {
            let rows = values.iter().map(|[low, estimate, high]| row(low.min(*high), *estimate, low.max(*high)));
            let plot = Plot { id: "effects", axis: String::new(), unit: "%", rows: rows.collect() };
            let drawing = plot.drawing();
            prop_assert!(drawing.rows.iter().all(|row| row.x.is_finite() && row.low <= row.high));
            prop_assert!(drawing.ticks.len() < 20);
            prop_assert!(!plot.lines().is_empty());
        }
    }
}
