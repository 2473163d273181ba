//! Group-sequential bounds, exit probabilities, power and sample sizes.

use serde_json::{Value, json};
use tenure_stats::normal;
use tenure_stats::power::{self, Tails};
use tenure_stats::sequential::{
    Exit, Sides, Spending, bounds, drift_for_power, exit_probabilities, expected_information, wang_tsiatis,
};

use crate::Method;
use crate::case::{self, Case, Found, json as number, not_compared};

pub fn method(name: &str) -> Option<Method> {
    Some(match name {
        "lan_demets_bounds" => lan_demets,
        "wang_tsiatis_bounds" => wang_tsiatis_constant,
        "gst_power" => gst_power,
        "gst_exit_probs" => exits,
        "rpact_characteristics" => characteristics,
        "rpact_sample_size_rates" => rates,
        "rpact_sample_size_means" => means,
        _ => return None,
    })
}

fn spending(case: &Case) -> Spending {
    let parameter = || case.number("spending_par");
    match case.word("spending") {
        "obf" | "obrien_fleming" | "asOF" => Spending::ObrienFleming,
        "pocock" | "asP" => Spending::Pocock,
        "power" | "kim_demets" | "asKD" => Spending::Power(parameter()),
        "hsd" | "hwang_shih_decani" | "asHSD" => Spending::HwangShihDeCani(parameter()),
        other => panic!("{}: no spending function {other}", case.id),
    }
}

fn lan_demets(case: &Case) -> Found {
    let fractions = case.numbers("information_fractions");
    let alpha = case.number("alpha_per_side");
    let two_sided = case.input["two_sided_symmetric"].as_bool().unwrap_or(false);
    let sides = if two_sided { Sides::Both } else { Sides::Upper };
    let found = bounds(spending(case), alpha, &fractions, sides).unwrap();
    let z: Vec<_> = found.z.iter().map(|z| number(z.unwrap_or(f64::NAN))).collect();
    let nominal: Vec<_> = found.z.iter().map(|z| number(z.map_or(f64::NAN, normal::sf))).collect();
    let spent: Vec<_> = fractions.iter().map(|t| spending(case).spent(alpha, *t)).collect();
    let z = without_drifting_bounds(case, z);
    Found::about_one(json!({ "z": z, "nominal_p_per_side": nominal, "cumulative_alpha_per_side": spent }))
}

/// The files' notes: the rpact rows are to be compared only where z < 4.5; above, its own integration drifts.
fn without_drifting_bounds(case: &Case, z: Vec<Value>) -> Vec<Value> {
    if !case.id.starts_with("rpact") {
        return z;
    }
    let pick = |found: Value| match found.as_f64() {
        Some(z) if z >= 4.5 => not_compared("a bound of rpact above z = 4.5, where it drifts"),
        _ => found,
    };
    z.into_iter().map(pick).collect()
}

fn wang_tsiatis_constant(case: &Case) -> Found {
    let looks = case.count("K") as usize;
    let (c, z) = wang_tsiatis(looks, case.number("delta"), case.number("alpha_two_sided")).unwrap();
    Found::about_one(json!({ "C": c, "z": z }))
}

fn gst_power(case: &Case) -> Found {
    let fractions = case.numbers("information_fractions");
    let (alpha, power) = (case.number("alpha_per_side"), case.number("power"));
    let z = bounds(spending(case), alpha, &fractions, Sides::Both).unwrap().z;
    let design = Design::new(&fractions, &z, Sides::Both, alpha, power);
    let mut sum = 0.0;
    let cumulative = design.exits(1.0).into_iter().map(|exit| {
        sum += exit.above;
        sum
    });
    Found::about_one(json!({
        "z": z.iter().map(|z| number(z.unwrap_or(f64::NAN))).collect::<Vec<_>>(),
        "drift": design.drift,
        "inflation_vs_fixed": design.inflation(),
        "cumulative_power_upper": cumulative.collect::<Vec<_>>(),
        "expected_information_H1_vs_fixed": design.expected(1.0),
        "expected_information_H0_vs_fixed": design.expected(0.0),
        "type1": design.exits(0.0).iter().map(Exit::either).sum::<f64>(),
    }))
}

fn exits(case: &Case) -> Found {
    // A look without a bound cannot stop.
    let z: Vec<_> = case.input["z"].as_array().unwrap().iter().map(case::number).collect();
    let sides =
        if case.input["two_sided_symmetric"] == Value::Bool(false) { Sides::Upper } else { Sides::Both };
    let exits =
        exit_probabilities(&case.numbers("information_fractions"), &z, case.number("drift"), sides).unwrap();
    let side = |of: fn(&Exit) -> f64| exits.iter().map(of).collect::<Vec<_>>();
    Found::about_one(json!({ "upper": side(|exit| exit.above), "lower": side(|exit| exit.below) }))
}

/// A design at the drift that gives it its power.
struct Design<'a> {
    fractions: &'a [f64],
    z: &'a [Option<f64>],
    sides: Sides,
    drift: f64,
    fixed: f64,
}

impl<'a> Design<'a> {
    fn new(fractions: &'a [f64], z: &'a [Option<f64>], sides: Sides, alpha_side: f64, power: f64) -> Self {
        let drift = drift_for_power(fractions, z, power, sides).unwrap();
        let fixed = power::drift(alpha_side, power, Tails::One).unwrap();
        Self { fractions, z, sides, drift, fixed }
    }

    fn exits(&self, share: f64) -> Vec<Exit> {
        exit_probabilities(self.fractions, self.z, share * self.drift, self.sides).unwrap()
    }

    fn inflation(&self) -> f64 {
        (self.drift / self.fixed).powi(2)
    }

    fn expected(&self, share: f64) -> f64 {
        self.inflation() * expected_information(self.fractions, &self.exits(share))
    }
}

/// The bounds of a design by its rpact name.
fn rpact_bounds(case: &Case) -> (Vec<f64>, Vec<Option<f64>>, Sides, f64) {
    let fractions = case.numbers("information_fractions");
    let sided = case.number("sided");
    let alpha_side = case.number_or("alpha", 0.05) / sided;
    let sides = if sided == 2.0 { Sides::Both } else { Sides::Upper };
    let parameter = || {
        let named = ["gammaA", "spending_par"].into_iter().find_map(|name| case::number(&case.input[name]));
        named.unwrap_or_else(|| noted(case, "gammaA"))
    };
    let spending = match case.word("design") {
        "asOF" => Some(Spending::ObrienFleming),
        "asP" => Some(Spending::Pocock),
        "asKD" => Some(Spending::Power(parameter())),
        "asHSD" => Some(Spending::HwangShihDeCani(parameter())),
        _ => None,
    };
    let z = match (spending, case.word("design")) {
        (Some(spending), _) => bounds(spending, alpha_side, &fractions, sides).unwrap().z,
        (None, name @ ("OF" | "P")) if sides == Sides::Both => {
            let delta = if name == "P" { 0.5 } else { 0.0 };
            wang_tsiatis(fractions.len(), delta, 2.0 * alpha_side).unwrap().1.into_iter().map(Some).collect()
        }
        (None, name @ ("OF" | "P")) => one_sided(&fractions, if name == "P" { 0.5 } else { 0.0 }, alpha_side),
        (None, other) => panic!("{}: no design {other}", case.id),
    };
    (fractions, z, sides, alpha_side)
}

/// Wang and Tsiatis' bounds on one side: the constant by bisection.
fn one_sided(fractions: &[f64], delta: f64, alpha: f64) -> Vec<Option<f64>> {
    let shape = |c: f64| fractions.iter().map(|t| Some(c * t.powf(delta - 0.5))).collect::<Vec<_>>();
    let error = |c: f64| {
        let exits = exit_probabilities(fractions, &shape(c), 0.0, Sides::Upper).unwrap();
        exits.iter().map(Exit::either).sum::<f64>()
    };
    let (mut low, mut high) = (0.0, 12.0);
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if error(middle) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    shape(high)
}

fn characteristics(case: &Case) -> Found {
    let (fractions, z, sides, alpha) = rpact_bounds(case);
    let design = Design::new(&fractions, &z, sides, alpha, case.number("power"));
    let values = [
        design.drift.powi(2),
        design.inflation(),
        design.expected(1.0),
        design.expected(0.5),
        design.expected(0.0),
    ];
    Found::exact(json!({ "values": values }))
}

/// A number that follows a word of the note: "control 0.1 treatment 0.11 power .8".
fn noted(case: &Case, word: &str) -> f64 {
    let mut words = case.word("note").split_whitespace().skip_while(|found| *found != word).skip(1);
    let found = words.next().map(|number| number.trim_end_matches(';'));
    found
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{}: no {word} in its note", case.id))
}

fn sample_sizes(case: &Case, fixed: f64) -> Found {
    let (fractions, z, sides, alpha) = rpact_bounds(case);
    let design = Design::new(&fractions, &z, sides, alpha, noted(case, "power"));
    Found::exact(json!({ "values": [fixed, fixed * design.inflation(), fixed * design.expected(1.0)] }))
}

/// Two rates with the variance under equality for the error and the variance as planned for the power.
fn rates(case: &Case) -> Found {
    let (control, treatment) = (noted(case, "control"), noted(case, "treatment"));
    let pooled = 0.5 * (control + treatment);
    let critical = normal::isf(case.number_or("alpha", 0.05) / case.number("sided"));
    let spread = critical * (2.0 * pooled * (1.0 - pooled)).sqrt()
        + normal::ppf(noted(case, "power"))
            * (control * (1.0 - control) + treatment * (1.0 - treatment)).sqrt();
    sample_sizes(case, 2.0 * (spread / (treatment - control)).powi(2))
}

fn means(case: &Case) -> Found {
    let alpha = case.number_or("alpha", 0.05) / case.number("sided");
    let drift = power::drift(alpha, noted(case, "power"), Tails::One).unwrap();
    let variance = noted(case, "sd").powi(2);
    sample_sizes(
        case,
        2.0 * power::treatment_units(noted(case, "delta"), variance, variance, 1.0, drift).unwrap(),
    )
}
