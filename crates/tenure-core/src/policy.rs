//! Policy: everything a team can reasonably disagree on, as one value under version control.
//!
//! A case keeps the policy it was opened under; setting a policy makes a new revision.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::decide::Ask;
use crate::event::Event;
use crate::refusal::Refusal;
use crate::state::State;
use crate::time::Stamp;

/// What a company may set. Every field has a default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Two-sided error rate of a verdict; each iteration after the first halves it.
    pub alpha: f64,
    /// A sample ratio with a p-value below this makes an outside measurement invalid.
    pub srm_p: f64,
    /// Negative verdicts after which a case cannot iterate any more.
    pub max_negative: u32,
    /// Iterations a case may have in all.
    pub max_iterations: u32,
    /// Largest sum of deviation weights over the whole case.
    pub deviation_budget: u32,
    /// What a deviation weighs.
    pub weights: Weights,
    /// Age of an experiment, in days, over which opening a case warns.
    pub stale_warn_days: u32,
    /// Age of an experiment, in days, over which opening a case is refused.
    pub stale_block_days: u32,
    /// Months of warranty proposed when nobody says otherwise.
    pub warranty_months: u32,
    /// Who has to confirm a decision.
    pub who_confirms: WhoConfirms,
    /// Promises, in working days unless the name says otherwise.
    pub deadlines: Deadlines,
    /// Hours between two looks at a running rollout.
    pub look_every_hours: u32,
    /// Hours a wave runs before the next is started automatically, when the plan does not say.
    pub wave_min_hours: u32,
    /// IANA name of the zone that dates are meant in; whoever calls resolves it.
    pub time_zone: String,
    /// Days that are no working days besides Saturday and Sunday.
    pub holidays: Vec<Date>,
}

/// Weights of deviations, by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Weights {
    /// Looks and behaves the same.
    pub parity: u32,
    /// Small design polish.
    pub polish: u32,
    /// A visible change.
    pub adjustment: u32,
}

/// Who has to confirm a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhoConfirms {
    /// Development lead, product manager and design lead; one person may hold several.
    ThreeDrivers,
    /// The product manager alone.
    ProductManager,
    /// Any one driver.
    OneDriver,
}

/// Promises. A deadline escalates; it never decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deadlines {
    /// To answer a consultation.
    pub consultation: u32,
    /// To estimate a codebase once it is named.
    pub estimate: u32,
    /// To decide, after the cost/benefit.
    pub decision: u32,
    /// To answer buy-in.
    pub buy_in: u32,
    /// To respond to the first pull request.
    pub pull_request: u32,
    /// To hold the QA demo.
    pub qa_demo: u32,
    /// To decide an outcome.
    pub outcome: u32,
    /// To decide a negative outcome.
    pub negative_outcome: u32,
    /// Months in which a justified keep is reviewed.
    pub keep_review_months: u32,
    /// Months after which a parked case is looked at again.
    pub parked_review_months: u32,
    /// Calendar days after a keep in which the flag leaves the code.
    pub flag_gone_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            alpha: 0.05,
            srm_p: 0.001,
            max_negative: 2,
            max_iterations: 3,
            deviation_budget: 5,
            weights: Weights::default(),
            stale_warn_days: 180,
            stale_block_days: 365,
            warranty_months: 6,
            who_confirms: WhoConfirms::ThreeDrivers,
            deadlines: Deadlines::default(),
            look_every_hours: 24,
            wave_min_hours: 48,
            time_zone: "UTC".to_owned(),
            holidays: Vec::new(),
        }
    }
}

impl Default for Weights {
    fn default() -> Self {
        Self { parity: 0, polish: 1, adjustment: 3 }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            consultation: 5,
            estimate: 5,
            decision: 10,
            buy_in: 10,
            pull_request: 2,
            qa_demo: 5,
            outcome: 5,
            negative_outcome: 2,
            keep_review_months: 6,
            parked_review_months: 6,
            flag_gone_days: 30,
        }
    }
}

impl Policy {
    /// The first thing in it that cannot be meant, in words.
    pub fn fault(&self) -> Option<String> {
        if !(self.alpha > 0.0 && self.alpha < 0.5) {
            return Some(format!("policy.alpha is {}: give a share above 0 and below 0.5", self.alpha));
        }
        if !(self.srm_p > 0.0 && self.srm_p < 0.5) {
            return Some(format!("policy.srm_p is {}: give a share above 0 and below 0.5", self.srm_p));
        }
        if self.max_iterations == 0 {
            return Some("policy.max_iterations is 0: a case has at least one iteration".to_owned());
        }
        if self.stale_warn_days > self.stale_block_days {
            return Some("policy.stale_warn_days is above stale_block_days: warn before refusing".to_owned());
        }
        if self.warranty_months == 0 {
            return Some("policy.warranty_months is 0: give at least one month".to_owned());
        }
        if self.look_every_hours == 0 {
            return Some("policy.look_every_hours is 0: give at least one hour".to_owned());
        }
        None
    }
}

/// Sets the policy for cases opened from now on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetPolicy {
    /// The whole policy; a field left out has its default.
    pub policy: Policy,
}

/// The policy was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicySet {
    /// The whole policy.
    pub policy: Policy,
}

impl SetPolicy {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.admin()?;
        if let Some(fault) = self.policy.fault() {
            return Err(Refusal::argument(fault));
        }
        if *ask.state.policy() == self.policy {
            return Ok(Vec::new());
        }
        Ok(vec![PolicySet { policy: self.policy.clone() }.into()])
    }
}

impl PolicySet {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        state.policies.push(self.policy.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partial_policy_takes_defaults_for_the_rest() {
        let policy: Policy =
            serde_json::from_str(r#"{"deviation_budget": 7, "weights": {"polish": 2}}"#).unwrap();
        assert_eq!(policy.deviation_budget, 7);
        assert_eq!(policy.weights, Weights { parity: 0, polish: 2, adjustment: 3 });
        assert_eq!(policy.alpha, 0.05);
    }

    #[test]
    fn a_policy_that_cannot_be_meant_is_named() {
        let check = |policy: Policy, says: &str| {
            let fault = policy.fault().unwrap();
            assert!(fault.contains(says), "{fault}");
        };
        check(Policy { alpha: 0.0, ..Policy::default() }, "alpha");
        check(Policy { srm_p: f64::NAN, ..Policy::default() }, "srm_p");
        check(Policy { max_iterations: 0, ..Policy::default() }, "max_iterations");
        check(Policy { stale_warn_days: 400, ..Policy::default() }, "stale_warn_days");
        assert_eq!(Policy::default().fault(), None);
    }
}
