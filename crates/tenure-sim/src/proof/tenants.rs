//! Tenants are randomised and users are measured: few units, unequal in size, each with a rate of its own.

use rand_distr::{Beta, LogNormal, Poisson};
use tenure_stats::cluster::{self, Arm, Headline};
use tenure_stats::estimate::{Kind, Level, Scale};
use tenure_stats::verdict::{ALPHA, Direction, Look, Plan, Wave};
use tenure_stats::wave::Epoch;
use tenure_stats::{normal, proportion};

use super::chance::Chance;
use super::{Measure, ProofError, Setting, Study, Target, indicator, watch};

pub(super) const TENANTS: Study = Study {
    name: "tenants",
    shows: "5 to 40 tenants an arm, no effect: at most 7 % of rollouts are called different",
    settings: || {
        let mut settings = Vec::new();
        for tenants in [5, 10, 20, 40] {
            settings.push(tenants_an_arm("there from the start", tenants, false)?);
            settings.push(tenants_an_arm("arriving over 20 of 28 days", tenants, true)?);
        }
        Ok(settings)
    },
};

const LOOKS: usize = 28;

/// Users of a tenant over the whole time: log-normal, this many at the median.
const USERS_MEDIAN: f64 = 60.0;
const USERS_SIGMA: f64 = 1.0;

/// A tenant's own rate is beta distributed around 20 % with a standard deviation of 9 points.
const RATE_ALPHA: f64 = 4.0;
const RATE_BETA: f64 = 16.0;

/// A tenant: from when on its users come, how many of them a look with and without success, and how many came so far.
struct Tenant {
    from: usize,
    successes_a_look: Poisson<f64>,
    others_a_look: Poisson<f64>,
    successes: f64,
    users: f64,
}

fn tenants_an_arm(when: &str, count: usize, arriving: bool) -> Result<Setting, ProofError> {
    let users =
        LogNormal::new(USERS_MEDIAN.ln(), USERS_SIGMA).map_err(|_| ProofError::Law("a log-normal"))?;
    let rates = Beta::new(RATE_ALPHA, RATE_BETA).map_err(|_| ProofError::Law("a beta"))?;
    let plan = plan(count)?;
    let measures = [
        Measure::share("a difference is declared", Target::AtMost(0.07)),
        Measure::contrast("a test of the users at the end, as if they were randomised, would have"),
    ];
    Ok(Setting::new(format!("{count} tenants an arm, {when}"), measures, move |chance| {
        // A fifth is there at once, the others come evenly over the first 20 days.
        let from = |index: usize| if arriving { (25 * index / count).saturating_sub(5) } else { 0 };
        let mut arm = || -> Result<Vec<Tenant>, ProofError> {
            let mut tenant = |index| Tenant::new(from(index), chance.draw(&users), chance.draw(&rates));
            (0..count).map(&mut tenant).collect()
        };
        let mut arms = [arm()?, arm()?];
        let mut looks = Vec::with_capacity(LOOKS);
        // What is headlined is chosen at the first look that has tenants in both arms, and kept.
        let mut frozen = None;
        for look in 0..LOOKS {
            for tenant in arms.iter_mut().flatten().filter(|tenant| tenant.from <= look) {
                tenant.come(chance);
            }
            let of = |arm: &[Tenant]| Arm::of(arm.iter().map(|tenant| (tenant.successes, tenant.users)));
            let (control, treatment) = (of(&arms[0])?, of(&arms[1])?);
            if frozen.is_none() && control.tenants.n() > 0 && treatment.tenants.n() > 0 {
                frozen = Some(cluster::headline(&control, &treatment));
            }
            looks.push(at(frozen, &control, &treatment, look + 1 == LOOKS));
        }
        let ended = watch::watch(&plan, &looks)?;
        Ok(vec![indicator(ended.by_difference()), indicator(users_differ(&arms)?)])
    }))
}

impl Tenant {
    /// With so many users over the whole time, at this rate. Of a Poisson number of users, those with success and the
    /// others are Poisson numbers of their own.
    fn new(from: usize, users: f64, rate: f64) -> Result<Self, ProofError> {
        let a_look =
            |share: f64| Poisson::new(share * users / LOOKS as f64).map_err(|_| ProofError::Law("a Poisson"));
        let (successes_a_look, others_a_look) = (a_look(rate)?, a_look(1.0 - rate)?);
        Ok(Self { from, successes_a_look, others_a_look, successes: 0.0, users: 0.0 })
    }

    fn come(&mut self, chance: &mut Chance) {
        let successes: f64 = chance.draw(&self.successes_a_look);
        self.successes += successes;
        self.users += successes + chance.draw(&self.others_a_look);
    }
}

/// The look at two arms: one epoch of the levels that are headlined, once they are levels.
fn at(headline: Option<Headline>, control: &Arm, treatment: &Arm, last: bool) -> Look {
    let level = |arm: &Arm| arm.level(headline?).ok();
    let epoch = level(control).zip(level(treatment)).map(|(control, treatment)| Epoch {
        index: 0,
        control,
        treatment,
        treatment_share: 0.5,
    });
    Look {
        epochs: epoch.into_iter().collect(),
        wave: Wave::Measured,
        minimum_duration_passed: true,
        largest_duration_reached: last,
        fault: None,
        original: None,
    }
}

/// The plan counts on the spread of rates between tenants alone, as an experiment with many users a tenant gives it.
fn plan(tenants: usize) -> Result<Plan, ProofError> {
    let sum = RATE_ALPHA + RATE_BETA;
    let rate = RATE_ALPHA / sum;
    let level = Level { n: 1, value: rate, variance: rate * (1.0 - rate) / (sum + 1.0) };
    let se = Plan::se_at(Scale::Absolute, &level, &level, tenants as u64, tenants as u64)?;
    Ok(Plan::new(Kind::Mean, Direction::Increase, Scale::Absolute, ALPHA, 1, se)?)
}

/// What counting users instead of tenants says at the end.
fn users_differ(arms: &[Vec<Tenant>; 2]) -> Result<bool, ProofError> {
    let level = |arm: &[Tenant]| {
        let users: f64 = arm.iter().map(|tenant| tenant.users).sum();
        let rate = arm.iter().map(|tenant| tenant.successes).sum::<f64>() / users.max(1.0);
        Level { n: users as u64, value: rate, variance: rate * (1.0 - rate) }
    };
    let score = proportion::score(&level(&arms[0]), &level(&arms[1]));
    Ok(score.is_ok_and(|z| normal::two_sided(z) < ALPHA))
}
