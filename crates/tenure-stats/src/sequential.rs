//! Group-sequential bounds: how far the estimate must stand out at each planned look, so that all looks
//! together cost the planned error.
//!
//! Lan and DeMets' spending functions, and the exact recursion over the joint density of the looks
//! [Armitage, McPherson, Rowe 1969; Jennison, Turnbull 2000, ch. 19], integrated by Gauss–Legendre panels.
//! Looks are placed by information fraction, never by unit counts.

use serde::{Deserialize, Serialize};

use crate::cannot_say::{CannotSay, finite, positive, probability};
use crate::normal;

/// Error below which a look cannot stop: its bound would lie beyond 8.7 standard errors.
const INCREMENT_MIN: f64 = 1e-18;

/// How the error of one side is spent over the information fraction `t` [Lan, DeMets 1983].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Spending {
    /// `2(1 − Φ(z_{α/2}/√t))`: next to nothing early. The O'Brien–Fleming *type*, not their exact bound.
    ObrienFleming,
    /// `α·ln(1 + (e − 1)t)`: about the same bound at every look.
    Pocock,
    /// `α·t^ρ` [Kim, DeMets 1987].
    Power(f64),
    /// `α(1 − e^{−γt})/(1 − e^{−γ})` [Hwang, Shih, DeCani 1990].
    HwangShihDeCani(f64),
}

impl Spending {
    /// `Ok` when the family's parameter is one: ρ above zero, γ finite.
    pub(crate) fn check(self) -> Result<(), CannotSay> {
        match self {
            Self::ObrienFleming | Self::Pocock => Ok(()),
            Self::Power(rho) => positive(rho).map(drop),
            Self::HwangShihDeCani(gamma) => finite(gamma).map(drop),
        }
    }

    /// The error spent on one side by information fraction `t`, of `alpha` in all.
    pub fn spent(self, alpha: f64, t: f64) -> f64 {
        if t >= 1.0 {
            return alpha;
        }
        if t <= 0.0 {
            return 0.0;
        }
        match self {
            Self::ObrienFleming => 2.0 * normal::sf(normal::isf(0.5 * alpha) / t.sqrt()),
            Self::Pocock => alpha * (std::f64::consts::E - 1.0).mul_add(t, 1.0).ln(),
            Self::Power(rho) => alpha * t.powf(rho),
            Self::HwangShihDeCani(0.0) => alpha * t,
            // Written so that no exponential overflows, whatever γ.
            Self::HwangShihDeCani(gamma) if gamma < 0.0 => {
                alpha * (gamma * (1.0 - t)).exp() * (gamma * t).exp_m1() / gamma.exp_m1()
            }
            Self::HwangShihDeCani(gamma) => alpha * (-gamma * t).exp_m1() / (-gamma).exp_m1(),
        }
    }
}

/// Which sides of the path stop it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Sides {
    /// Only the upper bound.
    Upper,
    /// The upper bound and its mirror image.
    Both,
}

/// The bounds of a planned series of looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Bounds {
    /// The critical value at each look; none where the look cannot stop.
    pub z: Vec<Option<f64>>,
    /// The error of one side spent up to and including each look.
    pub spent: Vec<f64>,
}

/// The bounds that spend `alpha_side` on each stopping side over looks at these information fractions
/// (rising, the last usually 1; at fractions of 1 and above everything is spent).
///
/// Errors: no look, fractions that do not rise, a level outside (0, 1).
///
/// ```
/// use tenure_stats::sequential::{bounds, Sides, Spending};
///
/// let bounds = bounds(Spending::ObrienFleming, 0.025, &[0.5, 1.0], Sides::Upper)?;
/// assert!((bounds.z[1].unwrap() - 1.9685956405936578).abs() < 1e-9);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn bounds(
    spending: Spending,
    alpha_side: f64,
    fractions: &[f64],
    sides: Sides,
) -> Result<Bounds, CannotSay> {
    probability(alpha_side)?;
    spending.check()?;
    let mut path = Path::new(sides, 0.0);
    let mut bounds = Bounds { z: Vec::new(), spent: Vec::new() };
    let mut spent = 0.0;
    for &t in rising(fractions)? {
        let increment = spending.spent(alpha_side, t) - spent;
        let z = path.bound(t, increment);
        if z.is_some() {
            spent += increment;
        }
        bounds.z.push(z);
        bounds.spent.push(spent);
    }
    Ok(bounds)
}

/// The probability of stopping first at one look.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
pub struct Exit {
    /// Through the upper bound.
    pub above: f64,
    /// Through its mirror image; 0 when only the upper bound stops.
    pub below: f64,
}

impl Exit {
    /// Through either.
    pub fn either(&self) -> f64 {
        self.above + self.below
    }
}

/// The probability of stopping first at each look, when the estimate at full information would stand `drift`
/// standard errors above zero: `Z(t_k) ~ N(drift·√t_k, 1)` with `Cov(Z(s), Z(t)) = √(s/t)` [Jennison, Turnbull 2000, ch. 3].
///
/// ```
/// use tenure_stats::sequential::{exit_probabilities, Sides};
///
/// // A fixed 5 % test at each of five equal looks is wrong 14.2 % of the time [Armitage, McPherson, Rowe 1969].
/// let looks = [0.2, 0.4, 0.6, 0.8, 1.0];
/// let exits = exit_probabilities(&looks, &[Some(1.959963984540054); 5], 0.0, Sides::Both)?;
/// let wrong: f64 = exits.iter().map(|exit| exit.either()).sum();
/// assert!((wrong - 0.142).abs() < 5e-4);
/// # Ok::<(), tenure_stats::CannotSay>(())
/// ```
pub fn exit_probabilities(
    fractions: &[f64],
    z: &[Option<f64>],
    drift: f64,
    sides: Sides,
) -> Result<Vec<Exit>, CannotSay> {
    if z.len() != fractions.len() {
        return Err(CannotSay::OutOfRange);
    }
    let mut path = Path::new(sides, finite(drift)?);
    let mut exits = Vec::with_capacity(z.len());
    for (&t, &z) in rising(fractions)?.iter().zip(z) {
        let Some(z) = z else {
            exits.push(Exit { above: 0.0, below: 0.0 });
            continue;
        };
        path.enter(t);
        exits.push(path.exit(z));
        path.close(z);
    }
    Ok(exits)
}

/// The drift at which the path leaves through the upper bound with probability `power`: the root of
/// `Σ P(first exit above at look k) = power`. Its square over that of the fixed test is the design's inflation of the sample.
pub fn drift_for_power(
    fractions: &[f64],
    z: &[Option<f64>],
    power: f64,
    sides: Sides,
) -> Result<f64, CannotSay> {
    probability(power)?;
    let reached = |drift: f64| -> Result<f64, CannotSay> {
        Ok(exit_probabilities(fractions, z, drift, sides)?.iter().map(|exit| exit.above).sum())
    };
    let (mut low, mut high) = (0.0, 1.0);
    while reached(high)? < power {
        (low, high) = (high, 2.0 * high);
        if high > 1e3 {
            return Err(CannotSay::OutOfRange);
        }
    }
    // Power rises smoothly with the drift: false position, halving the weight of an end that stays (Illinois).
    let (mut f_low, mut f_high) = (reached(low)? - power, reached(high)? - power);
    let mut stayed = 0;
    while high - low > 1e-13 * high {
        let middle = (low * f_high - high * f_low) / (f_high - f_low);
        let f = reached(middle)? - power;
        if f.abs() < 1e-14 {
            return Ok(middle);
        }
        if f > 0.0 {
            (high, f_high) = (middle, f);
            f_low *= if stayed == -1 { 0.5 } else { 1.0 };
            stayed = -1;
        } else {
            (low, f_low) = (middle, f);
            f_high *= if stayed == 1 { 0.5 } else { 1.0 };
            stayed = 1;
        }
    }
    Ok(high)
}

/// The expected information at the stop, in units of full information: `t_K − Σ (t_K − t_k)·P(stop at look k)`. A path that
/// never stops carries on to the last look.
pub fn expected_information(fractions: &[f64], exits: &[Exit]) -> f64 {
    let last = fractions.last().copied().unwrap_or(0.0);
    let saved = fractions.iter().zip(exits).map(|(t, exit)| (last - t) * exit.either());
    last - saved.sum::<f64>()
}

/// The constant of Wang and Tsiatis' family, `z_k = C·(k/K)^(Δ − 1/2)` at equally spaced looks (1987), that
/// makes the two-sided error `alpha`. Δ = 0 is O'Brien and Fleming's bound, Δ = 1/2 Pocock's.
pub fn wang_tsiatis(looks: usize, delta: f64, alpha: f64) -> Result<(f64, Vec<f64>), CannotSay> {
    probability(alpha)?;
    if looks == 0 || !delta.is_finite() {
        return Err(CannotSay::OutOfRange);
    }
    let fractions: Vec<f64> = (1..=looks).map(|look| look as f64 / looks as f64).collect();
    let shape = |c: f64| fractions.iter().map(|t| c * t.powf(delta - 0.5)).collect::<Vec<f64>>();
    let error = |c: f64| -> Result<f64, CannotSay> {
        let z: Vec<Option<f64>> = shape(c).into_iter().map(Some).collect();
        let exits = exit_probabilities(&fractions, &z, 0.0, Sides::Both)?;
        Ok((exits.iter().map(Exit::either).sum::<f64>() / alpha).ln())
    };
    // ln(error) is smooth and falls with C: the secant method, from the fixed test and from Bonferroni's.
    let (mut before, mut c) = (normal::critical(alpha), normal::critical(alpha / looks as f64) + 1e-3);
    let mut error_before = error(before)?;
    for _ in 0..60 {
        let error_now = error(c)?;
        if error_now.abs() < 1e-14 || error_now == error_before {
            break;
        }
        let next = c - error_now * (c - before) / (error_now - error_before);
        (before, error_before, c) = (c, error_now, next);
        if (c - before).abs() < 1e-13 {
            break;
        }
    }
    Ok((c, shape(c)))
}

/// The random path of the score `S(t) = Z(t)·√t` through the looks so far: its density on the region where no
/// bound has stopped it. Feed looks in order.
#[derive(Debug, Clone)]
pub struct Path {
    sides: Sides,
    drift: f64,
    /// When `nodes` describe the path; 0 at the start, where it stands at 0.
    from: f64,
    /// Where the path may be at `from`, with the probability mass that each node stands for.
    nodes: Vec<Node>,
    /// The last look's fraction and continuation region, turned into nodes once the next look is known:
    /// the grid must be fine enough for both steps.
    region: Option<Region>,
    /// The look that was entered last.
    t: f64,
    /// The bound of the look that was closed last, next to which that of the next one lies.
    z: f64,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    at: f64,
    mass: f64,
}

#[derive(Debug, Clone, Copy)]
struct Region {
    t: f64,
    low: f64,
    high: f64,
}

/// Beyond this many standard deviations the density is below the last digit.
const REACH: f64 = 9.0;

/// Width of a quadrature panel, in standard deviations of the narrower step: the rule below is exact to 1e-12.
const PANEL: f64 = 2.0;

/// Nodes and weights of the 10-point Gauss–Legendre rule on [−1, 1] (positive half).
const GAUSS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_22, 0.295_524_224_714_752_87),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_35),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

/// Points of the rule, and so nodes of a panel.
const POINTS: usize = 2 * GAUSS.len();

impl Path {
    /// A path that no look has met yet.
    pub fn new(sides: Sides, drift: f64) -> Self {
        let start = Node { at: 0.0, mass: 1.0 };
        Self { sides, drift, from: 0.0, nodes: vec![start], region: None, t: 0.0, z: f64::INFINITY }
    }

    /// Rebuilds the path that met these looks.
    pub fn through(sides: Sides, looks: impl IntoIterator<Item = (f64, Option<f64>)>) -> Self {
        let mut path = Self::new(sides, 0.0);
        for (t, z) in looks {
            if let Some(z) = z {
                path.enter(t);
                path.close(z);
            }
        }
        path
    }

    /// Enters the look at `t`, finds the bound through which `increment` leaves on one side, and closes the
    /// look with it. None, and no look, when the increment is too small to stop anything.
    pub fn bound(&mut self, t: f64, increment: f64) -> Option<f64> {
        if !(INCREMENT_MIN..1.0).contains(&increment) {
            return None;
        }
        self.enter(t);
        let z = self.solve(increment);
        self.close(z);
        Some(z)
    }

    /// Enters the look at `t`, later than the one before.
    pub fn enter(&mut self, t: f64) {
        if let Some(region) = self.region.take() {
            self.nodes = self.spread(&region, t - region.t);
            self.from = region.t;
        }
        self.t = t;
    }

    /// The probability of standing beyond `z` at the look that was entered, having stopped at none before.
    pub fn exit(&self, z: f64) -> Exit {
        let above = self.beyond(z, 1.0);
        let below = if self.sides == Sides::Both { self.beyond(z, -1.0) } else { 0.0 };
        Exit { above, below }
    }

    /// Goes on from the look that was entered, inside the bound `z`.
    pub fn close(&mut self, z: f64) {
        self.z = z;
        let (middle, reach) = (self.drift * self.t, REACH * self.t.sqrt());
        let bound = z * self.t.sqrt();
        let low = if self.sides == Sides::Both { (-bound).max(middle - reach) } else { middle - reach };
        self.region = Some(Region { t: self.t, low, high: bound.min(middle + reach).max(low) });
    }

    /// The bound through which `increment` leaves at the top: Newton's method on the logarithm of the tail,
    /// which is concave and falling: from the left of the root it lands on the right, from there it stays.
    fn solve(&self, increment: f64) -> f64 {
        // Beyond the highest node by 8.9 steps the tail is below any increment, and the density above zero.
        let step = self.t - self.from;
        let highest = self.nodes.last().map_or(0.0, |node| node.at) + self.drift * step;
        let largest = normal::isf(increment).min((highest + 8.9 * step.sqrt()) / self.t.sqrt());
        let mut z = largest.min(self.z);
        for _ in 0..100 {
            let tail = self.beyond(z, 1.0);
            let step =
                tail * (tail / increment).ln() / (self.density(z * self.t.sqrt(), self.t) * self.t.sqrt());
            if !step.is_finite() {
                break;
            }
            z = (z + step).min(largest);
            if step.abs() < 1e-14 * (1.0 + z.abs()) {
                break;
            }
        }
        z
    }

    /// `P(no stop before, side·Z(t) > z)`.
    fn beyond(&self, z: f64, side: f64) -> f64 {
        let step = self.t - self.from;
        let (sd, shift) = (step.sqrt(), self.drift * step);
        let bound = z * self.t.sqrt();
        let tail = |node: &Node| node.mass * normal::sf_quick((bound - side * (node.at + shift)) / sd);
        // Only nodes within reach of the bound count.
        let edge = side * (bound - REACH * sd) - shift;
        let near = self.nodes.partition_point(|node| node.at < edge);
        let near = if side > 0.0 { &self.nodes[near..] } else { &self.nodes[..near] };
        near.iter().map(tail).sum()
    }

    /// The density of the path at `at` and time `t`, having stopped at none before.
    fn density(&self, at: f64, t: f64) -> f64 {
        let step = t - self.from;
        let (sd, origin) = (step.sqrt(), at - self.drift * step);
        let near = self.nodes.partition_point(|node| node.at < origin - REACH * sd);
        let scale = -0.5 / step;
        let kernel =
            self.nodes[near..].iter().take_while(|node| node.at <= origin + REACH * sd).map(|node| {
                let gap = origin - node.at;
                node.mass * (scale * gap * gap).exp()
            });
        kernel.sum::<f64>() / (sd * (2.0 * std::f64::consts::PI).sqrt())
    }

    /// Nodes over a region at its look, fine enough for the step to it and for the step after it.
    fn spread(&self, region: &Region, next_step: f64) -> Vec<Node> {
        let width = PANEL * (region.t - self.from).min(next_step).sqrt();
        let panels = ((region.high - region.low) / width).ceil().max(1.0);
        let half = 0.5 * (region.high - region.low) / panels;
        let panels = panels as usize;
        let step = Step::new(self, region.t, half);
        let mut nodes: Vec<Node> = Vec::with_capacity(POINTS * panels);
        // Without drift and with both bounds the density is even: the right half mirrors the left.
        let even = self.sides == Sides::Both && self.drift == 0.0;
        for panel in 0..panels {
            let middle = region.low + (2 * panel + 1) as f64 * half;
            let mirror = panels - 1 - panel;
            let masses: [f64; POINTS] = if even && mirror < panel {
                std::array::from_fn(|point| nodes[POINTS * (mirror + 1) - 1 - point].mass)
            } else {
                let density = step.densities(middle);
                std::array::from_fn(|point| gauss(point).1 * half * density[point])
            };
            nodes.extend(
                (0..POINTS).map(|point| Node { at: middle + half * gauss(point).0, mass: masses[point] }),
            );
        }
        nodes
    }
}

/// The 10-point rule: the node, on [−1, 1] and rising, and its weight.
fn gauss(point: usize) -> (f64, f64) {
    match point.checked_sub(GAUSS.len()) {
        Some(positive) => GAUSS[positive],
        None => {
            let (x, weight) = GAUSS[GAUSS.len() - 1 - point];
            (-x, weight)
        }
    }
}

/// The step of a path to a look, from the panels of its nodes to panels of another width.
///
/// Between the points `u` and `v` of two panels whose middles are `gap` apart the normal density splits:
/// `e^{−(gap + u − v)²/2s} = e^{−(u − v)²/2s} · e^{−gap²/2s} · e^{−gap·u/s} · e^{gap·v/s}`. The first factor is the same
/// for all pairs of panels, the others cost 11 exponentials a pair instead of 100.
struct Step<'a> {
    path: &'a Path,
    t: f64,
    half: f64,
    from_half: f64,
    /// `e^{−(u − v)²/2s}`, for each `u` of the panels that are stepped to.
    kernel: [[f64; POINTS]; POINTS],
}

impl<'a> Step<'a> {
    fn new(path: &'a Path, t: f64, half: f64) -> Self {
        let from_half = match path.nodes.as_slice() {
            [first, .., last] if path.from > 0.0 => {
                let panels = (path.nodes.len() / POINTS) as f64;
                // Between the outermost nodes lie the panels, less what is outside the first and the last node.
                0.5 * (last.at - first.at) / (panels - 1.0 + gauss(POINTS - 1).0)
            }
            _ => 0.0,
        };
        let scale = -0.5 / (t - path.from);
        let kernel = std::array::from_fn(|to| {
            std::array::from_fn(|from| {
                let apart = half * gauss(to).0 - from_half * gauss(from).0;
                (scale * apart * apart).exp()
            })
        });
        Self { path, t, half, from_half, kernel }
    }

    /// The density at the points of the panel around `middle`.
    fn densities(&self, middle: f64) -> [f64; POINTS] {
        let Self { path, half, from_half, .. } = *self;
        if path.from == 0.0 {
            return std::array::from_fn(|point| path.density(middle + half * gauss(point).0, self.t));
        }
        let step = self.t - path.from;
        let sd = step.sqrt();
        let (origin, reach) = (middle - path.drift * step, REACH * sd + half + from_half);
        let middle_of = |panel: &[Node]| 0.5 * (panel[0].at + panel[POINTS - 1].at);
        let mut densities = [0.0; POINTS];
        for panel in path.nodes.chunks_exact(POINTS) {
            let gap = origin - middle_of(panel);
            if gap < -reach {
                break;
            }
            if gap > reach {
                continue;
            }
            let tilted = tilts(gap * from_half / step);
            let masses: [f64; POINTS] = std::array::from_fn(|from| panel[from].mass * tilted[from]);
            let tilted = tilts(-gap * half / step);
            let common = (-0.5 * gap * gap / step).exp();
            for (to, density) in densities.iter_mut().enumerate() {
                let row = &self.kernel[to];
                let sum: f64 = masses.iter().zip(row).map(|(mass, kernel)| mass * kernel).sum();
                *density += common * tilted[to] * sum;
            }
        }
        densities.map(|density| density / (sd * (2.0 * std::f64::consts::PI).sqrt()))
    }
}

/// `e^{rate·x}` at the points of the rule, which are symmetric.
fn tilts(rate: f64) -> [f64; POINTS] {
    let mut tilts = [0.0; POINTS];
    for (index, (x, _)) in GAUSS.iter().enumerate() {
        let tilt = (rate * x).exp();
        tilts[GAUSS.len() + index] = tilt;
        tilts[GAUSS.len() - 1 - index] = tilt.recip();
    }
    tilts
}

fn rising(fractions: &[f64]) -> Result<&[f64], CannotSay> {
    let mut before = 0.0;
    for &t in fractions {
        if positive(t)? <= before {
            return Err(CannotSay::OutOfRange);
        }
        before = t;
    }
    if fractions.is_empty() { Err(CannotSay::OutOfRange) } else { Ok(fractions) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn refuses_looks_out_of_order() {
        let of = |fractions: &[f64]| bounds(Spending::Pocock, 0.025, fractions, Sides::Both);
        assert_eq!(of(&[]), Err(CannotSay::OutOfRange));
        assert_eq!(of(&[0.5, 0.5]), Err(CannotSay::OutOfRange));
        assert_eq!(of(&[0.5, f64::NAN]), Err(CannotSay::NonFinite));
    }

    #[test]
    fn a_look_that_cannot_stop_has_no_bound() {
        let bounds = bounds(Spending::ObrienFleming, 0.02, &[0.001, 0.5, 1.0], Sides::Both).unwrap();
        assert_eq!((bounds.z[0], bounds.spent[0]), (None, 0.0));
        assert!((bounds.spent[2] - 0.02).abs() < 1e-15);
    }

    #[test]
    fn a_path_rebuilt_is_the_path_walked() {
        let fractions = [0.2, 0.31, 0.5, 0.77];
        let walked = bounds(Spending::Pocock, 0.025, &[0.2, 0.31, 0.5, 0.77, 1.0], Sides::Both).unwrap();
        let mut path = Path::through(Sides::Both, fractions.into_iter().zip(walked.z.iter().copied()));
        let last = path.bound(1.0, 0.025 - walked.spent[3]);
        assert_eq!(last, walked.z[4]);
    }

    #[test]
    fn panel_by_panel_is_node_by_node() {
        for (sides, drift) in [(Sides::Both, 0.0), (Sides::Both, 2.0), (Sides::Upper, -1.0)] {
            let mut path = Path::new(sides, drift);
            for t in [0.3, 0.42, 0.5] {
                path.enter(t);
                path.close(2.4);
            }
            let half = 0.07;
            for middle in [-1.1, 0.0, 0.4, 1.6] {
                let by_panel = Step::new(&path, 0.5, half).densities(middle);
                for (point, density) in by_panel.into_iter().enumerate() {
                    let by_node = path.density(middle + half * gauss(point).0, 0.5);
                    assert!((density / by_node - 1.0).abs() < 1e-13, "{density} {by_node}");
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn the_bounds_cost_what_they_spend(
            steps in prop::collection::vec(0.01..1.0f64, 1..12),
            alpha in 0.001..0.1f64,
            which in 0usize..4,
        ) {
            let spending = [
                Spending::ObrienFleming,
                Spending::Pocock,
                Spending::Power(2.0),
                Spending::HwangShihDeCani(-4.0),
            ][which];
            let total: f64 = steps.iter().sum();
            let mut t = 0.0;
            let fractions: Vec<f64> = steps.iter().map(|step| { t += step / total; t }).collect();
            let bounds = bounds(spending, alpha, &fractions, Sides::Both).unwrap();
            let exits = exit_probabilities(&fractions, &bounds.z, 0.0, Sides::Both).unwrap();
            let above: f64 = exits.iter().map(|exit| exit.above).sum();
            let below: f64 = exits.iter().map(|exit| exit.below).sum();
            let spent = bounds.spent.last().copied().unwrap();
            prop_assert!((above - spent).abs() < 1e-11, "{above} {spent}");
            prop_assert!((below - spent).abs() < 1e-11);
        }
    }
}
