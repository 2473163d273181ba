//! A rollout as a flagd definition: which units are admitted, and which arm each admitted unit is in.
//!
//! Admission and arm are two independent hashes of the unit. Raising coverage only admits more units: it moves nobody
//! between arms. A new iteration draws new arms, because the arm's salt names it.

use serde_json::{Value as Json, json};

use crate::admission::{Admission, split};
use crate::cbor;
use crate::context::Context;
use crate::definition::{Definition, Metadata, State, check_key};
use crate::fractional;

/// A part of all units, exact to a millionth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u32);

impl Share {
    /// Nobody.
    pub const NONE: Self = Self(0);
    /// Everybody.
    pub const ALL: Self = Self(Self::MILLION);
    /// One half.
    pub const HALF: Self = Self(Self::MILLION / 2);

    const MILLION: u32 = 1_000_000;

    /// A share of so many millionths.
    ///
    /// # Errors
    /// More than a million.
    pub fn from_millionths(millionths: u32) -> Result<Self, RolloutFault> {
        if millionths > Self::MILLION {
            return Err(RolloutFault::Share { percent: f64::from(millionths) / 1e4 });
        }
        Ok(Self(millionths))
    }

    /// A share of so many hundredths, rounded to a millionth.
    ///
    /// # Errors
    /// Not between 0 and 100.
    pub fn from_percent(percent: f64) -> Result<Self, RolloutFault> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(RolloutFault::Share { percent });
        }
        // Between 0 and a million, so the cast cannot cut.
        Ok(Self((percent * 1e4).round() as u32))
    }

    /// The share in millionths.
    #[must_use]
    pub fn millionths(self) -> u32 {
        self.0
    }

    /// The share in hundredths.
    #[must_use]
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 1e4
    }

    /// What is left to the whole, in millionths.
    pub(crate) fn rest(self) -> u32 {
        Self::MILLION - self.0
    }

    /// Whether a unit with this hash is in the part of this size that begins at `from`.
    pub(crate) fn holds(self, hash: u32, from: Self) -> bool {
        fractional::bucket(hash, Self::MILLION).checked_sub(from.0).is_some_and(|beyond| beyond < self.0)
    }
}

/// What is wrong with a rollout.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RolloutFault {
    /// The flag's key cannot be a key.
    #[error("flag key: {0}")]
    FlagKey(&'static str),
    /// The name is the salt of the hashes.
    #[error("rollout: must not be empty")]
    NoName,
    /// There is nothing to hash.
    #[error("unit attribute: must not be empty")]
    NoUnitAttribute,
    /// Not a share.
    #[error("share: must be between 0 and 100 percent, not {percent}")]
    Share {
        /// What was given.
        percent: f64,
    },
    /// The salt must say something.
    #[error("salt: must not be empty; leave it out to use the rollout's name")]
    NoSalt,
    /// The group is the salt of its hash.
    #[error("exclusion group: must not be empty")]
    NoGroup,
    /// More units than the range holds.
    #[error("coverage: must not exceed the {width} percent of the range in group `{group}`, not {percent}")]
    BeyondRange {
        /// The exclusion group.
        group: String,
        /// What fits into the range.
        width: f64,
        /// What was given.
        percent: f64,
    },
    /// Nobody could be compared with anybody.
    #[error("treatment share: must leave units in both arms, not {percent} percent")]
    OneArm {
        /// What was given.
        percent: f64,
    },
    /// A variant's value must be of a type that flagd knows.
    #[error("{variant} value: must be a boolean, a string, a number or an object, not null")]
    NullValue {
        /// Which of the two values.
        variant: &'static str,
    },
    /// A flag has one type.
    #[error("treatment and control value: must be of the same type")]
    MixedValues,
}

/// A feature on its way from the old value to the new one.
#[derive(Debug, Clone, PartialEq)]
pub struct Rollout {
    /// The key of the flag that is raised.
    pub flag_key: String,
    /// What the rollout is called: the metadata `rollout` of its answers.
    pub name: String,
    /// The salt of both hashes; without one it is the name. Linked flags share it, and with the same iteration their arms.
    pub salt: Option<String>,
    /// Counts from 1; every iteration draws new arms.
    pub iteration: u32,
    /// The attribute of the context that carries the unit; dots descend. A unit is a text or a number.
    pub unit_attribute: String,
    /// The part of all units that is admitted to the comparison.
    pub coverage: Share,
    /// The group of rollouts that must not meet in one unit, if it is in one.
    pub exclusion: Option<Exclusion>,
    /// The part of the admitted units that gets the new value.
    pub treatment_share: Share,
    /// The new value.
    pub treatment: Json,
    /// The old value, which the control arm and everybody outside the comparison get.
    pub control: Json,
    /// How far the rollout is.
    pub phase: Phase,
    /// Names this state of the rollout: it travels to clients as the metadata `version`.
    pub version: String,
}

/// A rollout's place in an exclusion group: the units that it may admit.
///
/// All rollouts of a group hash a unit alike, so those whose ranges are disjoint never admit the same unit, provided that
/// their unit is the same attribute. A range takes no part in drawing the arms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exclusion {
    /// The salt of the hash that the rollouts of the group share.
    pub group: String,
    /// Where the range begins: so much of all units lies before it.
    pub from: Share,
    /// Where the range ends; what lies at this share is not in it any more.
    pub to: Share,
}

impl Exclusion {
    /// The largest coverage that the range has room for.
    #[must_use]
    pub fn width(&self) -> Share {
        Share(self.to.0.saturating_sub(self.from.0))
    }

    /// Whether no unit is in both ranges. Ranges of different groups are not disjoint, unless one is empty.
    #[must_use]
    pub fn is_disjoint(&self, other: &Self) -> bool {
        let apart = self.group == other.group && (self.to <= other.from || other.to <= self.from);
        apart || self.width() == Share::NONE || other.width() == Share::NONE
    }
}

/// How far a rollout is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Admitted units are split over the arms.
    Measuring,
    /// Everybody gets the new value, also those without a unit: the case was kept.
    Everyone,
    /// Everybody gets the new value, also those without a unit, but who is in control at this treatment share: the case was
    /// kept, and some are held back. A share that grew takes the new value from nobody.
    Holdback,
    /// Everybody gets the old value: before the first wave, on hold, or removed.
    Nobody,
}

/// Where a unit is in a rollout that is being measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Arm {
    /// Gets the new value.
    Treatment,
    /// Gets the old value and is compared.
    Control,
    /// Gets the old value and is not compared.
    Off,
}

impl Arm {
    /// The arm's name, which is also the name of the flag's variant.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Treatment => "treatment",
            Self::Control => "control",
            Self::Off => "off",
        }
    }
}

impl Phase {
    /// Whether two arms are served, and who meets one of them is worth knowing.
    #[must_use]
    pub fn compares(self) -> bool {
        matches!(self, Self::Measuring | Self::Holdback)
    }
}

impl Rollout {
    /// The flagd definition of the flag.
    ///
    /// A context without the unit attribute gets the variant `off` with reason DEFAULT. No phase is without targeting,
    /// since a flag without it has reason STATIC and clients would cache its value.
    ///
    /// # Errors
    /// The first [`RolloutFault`] found.
    pub fn definition(&self) -> Result<Definition, RolloutFault> {
        self.check()?;
        let targeting = match self.phase {
            Phase::Measuring => self.admission().targeting(self.split()),
            Phase::Holdback => json!({"if": [
                {"missing": [self.unit_attribute]},
                Arm::Treatment.as_str(),
                self.split()
            ]}),
            Phase::Everyone => json!({"if": [true, Arm::Treatment.as_str()]}),
            Phase::Nobody => json!({"if": [true, null]}),
        };
        let variants =
            [(Arm::Treatment, &self.treatment), (Arm::Control, &self.control), (Arm::Off, &self.control)];
        Ok(Definition {
            state: State::Enabled,
            variants: variants
                .into_iter()
                .map(|(arm, value)| (arm.as_str().to_owned(), value.clone()))
                .collect(),
            default_variant: Some(Arm::Off.as_str().to_owned()),
            targeting: Some(targeting),
            metadata: self.metadata(),
            rest: serde_json::Map::new(),
        })
    }

    /// The arm of a unit while the rollout is measured, by the same hashes as the definition, whatever the phase is now.
    #[must_use]
    pub fn arm(&self, unit: &str) -> Arm {
        if !self.admission().admits(unit) {
            return Arm::Off;
        }
        if self.treatment_share.holds(cbor::hash_text(&[&self.arm_salt(), unit]), Share::NONE) {
            Arm::Treatment
        } else {
            Arm::Control
        }
    }

    /// The unit of a context, as the definition sees it. `None`: the attribute is absent, empty, or neither a text nor
    /// a number.
    #[must_use]
    pub fn unit(&self, context: &Context<'_>) -> Option<String> {
        context.unit(&self.unit_attribute)
    }

    fn check(&self) -> Result<(), RolloutFault> {
        check_key(&self.flag_key).map_err(RolloutFault::FlagKey)?;
        if self.name.is_empty() {
            return Err(RolloutFault::NoName);
        }
        if self.unit_attribute.is_empty() {
            return Err(RolloutFault::NoUnitAttribute);
        }
        if self.salt.as_ref().is_some_and(String::is_empty) {
            return Err(RolloutFault::NoSalt);
        }
        if let Some(exclusion) = &self.exclusion {
            self.check_range(exclusion)?;
        }
        if self.treatment_share == Share::NONE || self.treatment_share == Share::ALL {
            return Err(RolloutFault::OneArm { percent: self.treatment_share.percent() });
        }
        for (variant, value) in [("treatment", &self.treatment), ("control", &self.control)] {
            if value.is_null() {
                return Err(RolloutFault::NullValue { variant });
            }
        }
        if std::mem::discriminant(&self.treatment) != std::mem::discriminant(&self.control) {
            return Err(RolloutFault::MixedValues);
        }
        Ok(())
    }

    fn check_range(&self, exclusion: &Exclusion) -> Result<(), RolloutFault> {
        if exclusion.group.is_empty() {
            return Err(RolloutFault::NoGroup);
        }
        if self.coverage > exclusion.width() {
            return Err(RolloutFault::BeyondRange {
                group: exclusion.group.clone(),
                width: exclusion.width().percent(),
                percent: self.coverage.percent(),
            });
        }
        Ok(())
    }

    fn admission(&self) -> Admission<'_> {
        Admission {
            salt: self.admission_salt(),
            unit_attribute: &self.unit_attribute,
            coverage: self.coverage,
            first: self.first_admitted(),
        }
    }

    /// The arm of a unit that is admitted.
    fn split(&self) -> Json {
        let (treatment, control) = (self.treatment_share.millionths(), self.treatment_share.rest());
        split(
            &self.arm_salt(),
            &self.unit_attribute,
            [(Arm::Treatment.as_str(), treatment), (Arm::Control.as_str(), control)],
        )
    }

    fn metadata(&self) -> Metadata {
        let members = json!({"version": self.version, "rollout": self.name, "iteration": self.iteration});
        match members {
            Json::Object(members) => members,
            _ => Metadata::new(),
        }
    }

    /// Where the admitted units begin among all units in the order of the admission's hash.
    fn first_admitted(&self) -> Share {
        self.exclusion.as_ref().map_or(Share::NONE, |exclusion| exclusion.from)
    }

    fn salt(&self) -> &str {
        self.salt.as_deref().unwrap_or(&self.name)
    }

    /// In two pieces, since a great many units may be asked for.
    fn admission_salt(&self) -> [&str; 2] {
        match &self.exclusion {
            Some(exclusion) => [&exclusion.group, ":group:"],
            None => [self.salt(), ":admit:"],
        }
    }

    fn arm_salt(&self) -> String {
        format!("{}:{}:arm:", self.salt(), self.iteration)
    }
}
