//! How often the interval of a lift covers the lift that is there, at one fixed look.

use tenure_stats::comparison;
use tenure_stats::estimate;
use tenure_stats::verdict::ALPHA;

use super::law::{Conversion, Law, OrdersPerVisit, Revenue};
use super::{Measure, ProofError, Setting, Study, Target, indicator};

pub(super) const COVERAGE: Study = Study {
    name: "coverage",
    shows: "the 95 % interval of a lift covers the true lift in 94.5 to 96.5 % of experiments",
    settings: || {
        let conversion = |p: f64| (Conversion(p), Conversion(1.1 * p));
        let revenue = |buyers: f64, sigma: f64| {
            let of = |buyers| Revenue { buyers, sigma, cap: f64::INFINITY };
            (of(buyers), of((1.1 * buyers).min(1.0)))
        };
        let orders = OrdersPerVisit::new()?;
        Ok(vec![
            fixed("10 % convert, lift 10 %, 2,000 units an arm", 2_000, conversion(0.1)),
            fixed("10 % convert, lift 10 %, 300 units an arm", 300, conversion(0.1)),
            fixed("0.5 % convert, lift 10 %, 10,000 units an arm", 10_000, conversion(0.005)),
            fixed("log-normal revenue, all buy, no lift, 2,000 units an arm", 2_000, revenue(1.0, 1.0)),
            fixed("log-normal revenue, 10 % buy, lift 10 %, 10,000 units an arm", 10_000, revenue(0.1, 1.2)),
            fixed("orders per visit, no lift, 1,000 units an arm", 1_000, (orders.clone(), orders)),
        ])
    },
};

const MEASURES: [Measure; 4] = [
    Measure::share("covers the true lift", Target::Between(0.945, 0.965)),
    Measure::contrast("lies above it"),
    Measure::contrast("lies below it"),
    Measure::contrast("the first-order delta interval would have covered"),
];

fn fixed<L: Law + Send + Sync + 'static>(of: &str, units: u64, (control, treatment): (L, L)) -> Setting {
    let lift = treatment.population().value / control.population().value - 1.0;
    Setting::new(of, MEASURES, move |chance| {
        let mut level = |law: &L| -> Result<_, ProofError> {
            let mut tally = L::Tally::default();
            law.add(chance, units, &mut tally)?;
            L::level(&tally)
        };
        let (control, treatment) = (level(&control)?, level(&treatment)?);
        let shown = comparison::compare_levels(L::KIND, &control, &treatment, 1.0 - ALPHA)?;
        // A level known too loosely has no lift, and so no interval that could miss it.
        let Some(relative) = shown.relative else { return Ok(vec![1.0, 0.0, 0.0, 1.0]) };
        let [low, high] = relative.interval;
        let delta = estimate::relative_delta(&control, &treatment)?.normal().interval(1.0 - ALPHA);
        Ok(vec![
            indicator((low..=high).contains(&lift)),
            indicator(low > lift),
            indicator(high < lift),
            indicator((delta[0]..=delta[1]).contains(&lift)),
        ])
    })
}
