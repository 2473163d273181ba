//! A trial as a flagd definition: an experiment with one arm or several against control.
//!
//! Units are admitted and drawn as in a rollout, by two independent hashes. An arm that is closed gives its units what
//! everybody outside the comparison gets, and moves nobody between the others.

use serde_json::{Map, Value as Json, json};

use crate::admission::{Admission, split};
use crate::cbor;
use crate::definition::{Definition, State, check_key};
use crate::fractional;
use crate::rollout::{Arm, RolloutFault, Share};

/// An experiment that is run on a flag.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// The flag's key.
    pub flag_key: String,
    /// What the experiment is called: the salt of both hashes, and the metadata `experiment` of its answers.
    pub name: String,
    /// The attribute of the context that carries the unit; dots descend. A unit is a text or a number.
    pub unit_attribute: String,
    /// The part of all units that is admitted to the comparison.
    pub coverage: Share,
    /// The arms, control first. What control gets is what everybody outside the comparison gets.
    pub arms: Vec<TrialArm>,
    /// Whether admitted units meet their arms: before and after, everybody gets what control gets.
    pub runs: bool,
    /// Names this trial: it travels to clients as the metadata `version`.
    pub version: String,
}

/// One arm of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct TrialArm {
    /// The arm's name, which is also the name of the flag's variant.
    pub name: String,
    /// What its units get.
    pub value: Json,
    /// Its part of the admitted units, over the sum of all weights.
    pub weight: u32,
    /// Whether its units get control's value from now on, and are no longer compared.
    pub closed: bool,
}

/// What is wrong with a trial.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TrialFault {
    /// The flag, its salt or its unit is not one.
    #[error(transparent)]
    Flag(#[from] RolloutFault),
    /// Nothing to compare.
    #[error("arms: give control and at least one other, {given} is too few")]
    TooFewArms {
        /// So many were given.
        given: usize,
    },
    /// An arm's name is the name of a variant.
    #[error("arms: `{name}` is no name for an arm: give each a name of its own, and none `off`")]
    ArmName {
        /// What was given.
        name: String,
    },
    /// An arm's value must be of a type that flagd knows.
    #[error("arms: the value of {name} must be a boolean, a string, a number or an object, not null")]
    NullValue {
        /// Which arm.
        name: String,
    },
    /// A flag has one type.
    #[error("arms: the value of {name} is of another type than control's: a flag has one")]
    MixedValues {
        /// Which arm.
        name: String,
    },
    /// Nobody would be in an arm, or too many parts to draw from.
    #[error("arms: weights must be whole numbers above 0 whose sum is at most {max}", max = fractional::TOTAL_MAX)]
    Weights,
}

impl Trial {
    /// The flagd definition of the flag. As in a rollout, no phase is without targeting.
    ///
    /// # Errors
    /// The first [`TrialFault`] found.
    pub fn definition(&self) -> Result<Definition, TrialFault> {
        self.check()?;
        let targeting = match self.runs {
            true => self.admission().targeting(self.split()),
            false => json!({"if": [true, null]}),
        };
        let outside = self.arms.first().map(|control| control.value.clone()).unwrap_or_default();
        let arms = self.arms.iter().map(|arm| (arm.name.clone(), arm.value.clone()));
        let mut metadata = Map::new();
        metadata.insert("version".to_owned(), json!(self.version));
        metadata.insert("experiment".to_owned(), json!(self.name));
        Ok(Definition {
            state: State::Enabled,
            variants: arms.chain([(Arm::Off.as_str().to_owned(), outside)]).collect(),
            default_variant: Some(Arm::Off.as_str().to_owned()),
            targeting: Some(targeting),
            metadata,
            rest: Map::new(),
        })
    }

    /// The arm of a unit while the trial runs, by the same hashes as the definition, whatever is served now; none when the
    /// unit is not admitted or its arm is closed.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Option<&str> {
        if !self.admission().admits(unit) {
            return None;
        }
        let total = self.arms.iter().map(|arm| arm.weight).sum();
        let mut at = fractional::bucket(cbor::hash_text(&[&self.arm_salt(), unit]), total);
        let drawn = self.arms.iter().find(|arm| match at.checked_sub(arm.weight) {
            Some(beyond) => {
                at = beyond;
                false
            }
            None => true,
        });
        drawn.filter(|arm| !arm.closed).map(|arm| arm.name.as_str())
    }

    fn admission(&self) -> Admission<'_> {
        Admission {
            salt: [&self.name, ":trial:admit:"],
            unit_attribute: &self.unit_attribute,
            coverage: self.coverage,
            first: Share::NONE,
        }
    }

    fn split(&self) -> Json {
        let variant =
            |arm: &TrialArm| if arm.closed { Arm::Off.as_str().to_owned() } else { arm.name.clone() };
        let parts: Vec<(String, u32)> = self.arms.iter().map(|arm| (variant(arm), arm.weight)).collect();
        let parts = parts.iter().map(|(variant, weight)| (variant.as_str(), *weight));
        split(&self.arm_salt(), &self.unit_attribute, parts)
    }

    fn arm_salt(&self) -> String {
        format!("{}:trial:arm:", self.name)
    }

    fn check(&self) -> Result<(), TrialFault> {
        check_key(&self.flag_key).map_err(RolloutFault::FlagKey)?;
        if self.name.is_empty() {
            return Err(RolloutFault::NoName.into());
        }
        if self.unit_attribute.is_empty() {
            return Err(RolloutFault::NoUnitAttribute.into());
        }
        let [control, _, ..] = &self.arms[..] else {
            return Err(TrialFault::TooFewArms { given: self.arms.len() });
        };
        for (place, arm) in self.arms.iter().enumerate() {
            let twice = self.arms[..place].iter().any(|before| before.name == arm.name);
            if twice || arm.name.is_empty() || arm.name == Arm::Off.as_str() {
                return Err(TrialFault::ArmName { name: arm.name.clone() });
            }
            if arm.value.is_null() {
                return Err(TrialFault::NullValue { name: arm.name.clone() });
            }
            if std::mem::discriminant(&arm.value) != std::mem::discriminant(&control.value) {
                return Err(TrialFault::MixedValues { name: arm.name.clone() });
            }
        }
        let total = self.arms.iter().map(|arm| u64::from(arm.weight)).sum::<u64>();
        match self.arms.iter().any(|arm| arm.weight == 0) || total > u64::from(fractional::TOTAL_MAX) {
            true => Err(TrialFault::Weights),
            false => Ok(()),
        }
    }
}
