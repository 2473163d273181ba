//! The confidence sequence: what Tenure's own looks of an iteration saw, one below the other, and how sure each was.

use tenure_stats::estimate::{Scale, lift_of};
use tenure_stats::{number, sentence};

use super::effect::{Axis, axis};
use crate::document::Printed;
use crate::document::page::{Block, Section, Table};
use crate::document::plot::{Mark, Plot, Row};
use crate::measurement::Point;

/// The most looks that are shown; of more every so manieth is, and the last.
const SHOWN_MAX: usize = 14;

/// Adds the looks of the present iteration; nothing while there is no row of them.
pub(super) fn confidence_sequence(it: Printed<'_>, section: &mut Section) {
    let case = &it.file.case;
    let track: Vec<&Point> = case.measurements.track.iter().filter(|point| point.own).collect();
    let Some(design) = case.measurements.design.as_ref().filter(|_| track.len() > 1) else { return };
    let (kind, scale) = (design.plan.kind, design.plan.scale);
    let Axis { what, unit, times } = axis(scale, kind);
    let on_axis = |value: f64| times * if scale == Scale::Relative { lift_of(value) } else { value };
    let mut table = Table::new("Looks, oldest first", ["Look at~", "Matured units#", "Effect and interval"]);
    let mut rows = Vec::new();
    let shown = shown(&track);
    for point in &shown {
        let (change, bounds) = sentence::change_and_interval(kind, scale, point.estimate, point.interval);
        let (at, units) = (it.minute(point.at), number::count(point.units));
        let says = format!("{change} ({bounds})");
        table.row([at.clone().into(), units.clone().into(), says.clone().into()]);
        rows.push(Row {
            label: at,
            note: format!("{units} units"),
            estimate: on_axis(point.estimate),
            interval: point.interval.map(on_axis),
            says,
            mark: Mark::Open,
        });
    }
    section.heading(format!("Confidence sequence of iteration {}", case.iteration));
    let left_out = match track.len() - shown.len() {
        0 => String::new(),
        more => format!(" {more} looks between these are left out."),
    };
    section.text(format!(
        "The intervals may be watched at any time: at most {} of rollouts have a look whose interval misses the effect.{left_out}",
        number::percent(design.plan.alpha)
    ));
    section.blocks.push(Block::Plot(Plot { id: "looks", axis: format!("{what} at each look"), unit, rows }));
    section.table(table, "");
}

/// At most so many of the looks, evenly, and always the last.
fn shown<'a>(track: &[&'a Point]) -> Vec<&'a Point> {
    let every = track.len().div_ceil(SHOWN_MAX).max(1);
    let last = track.len().saturating_sub(1);
    track
        .iter()
        .enumerate()
        .filter(|(at, _)| (last - at).is_multiple_of(every))
        .map(|(_, point)| *point)
        .collect()
}
