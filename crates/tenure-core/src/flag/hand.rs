//! Flags set by hand: as rules or as flagd definitions, by environment, with every version that was in force lately, so that
//! each change can be read and taken back.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value as Json;
use tenure_flags::authoring::{Authored, FlagType, Source};

use crate::codebase::stated;
use crate::decide::Ask;
use crate::event::Event;
use crate::flag::production;
use crate::id::{ChangeRequestId, EnvironmentId, FlagKey, TeamId};
use crate::person::{Role, Seat};
use crate::refusal::{Refusal, RefusalCode};
use crate::state::State;
use crate::time::Stamp;

/// So many versions of a flag are kept in each environment; older ones are in the journal.
pub const VERSIONS_MAX: usize = 50;
/// The longest flag, in bytes of JSON, lists that are kept elsewhere not counted.
const SOURCE_BYTES_MAX: usize = 256 * 1024;
/// The most tags of a flag.
const TAGS_MAX: usize = 20;

/// A flag set by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlainFlag {
    /// What people say about it.
    #[serde(default)]
    pub about: About,
    /// Its versions by environment, oldest first; the last is in force.
    #[serde(default)]
    pub versions: BTreeMap<EnvironmentId, Vec<Version>>,
}

/// What people say about a flag, whatever it serves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct About {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// The team that answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<TeamId>,
    /// How long it is meant to live; unsaid when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifetime: Option<Lifetime>,
}

/// How long a flag is meant to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lifetime {
    /// For good, such as a switch for operations.
    Permanent,
    /// Through this day.
    Until(Date),
}

/// A flag in an environment, from an entry on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Version {
    /// The entry that brought it.
    pub entry: u64,
    /// When, and by whom.
    pub stamp: Stamp,
    /// What is served; nothing when the flag was taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Compact>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The entry that it took back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<u64>,
    /// The change request it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ChangeRequestId>,
}

/// A source kept as the text of its JSON: ten thousand flags as trees would fill the memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compact(Arc<str>);

impl Compact {
    /// Keeps a source.
    pub fn of(source: &Source) -> Self {
        // By way of a tree, whose members are sorted: the text is the same however it came here.
        Self(serde_json::json!(source).to_string().into())
    }

    /// The source.
    pub fn source(&self) -> Option<Source> {
        serde_json::from_str(&self.0).ok()
    }

    /// Whether its text holds another; for finding what may refer to a name.
    pub fn mentions(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

impl Serialize for Compact {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<Json>(&self.0).map_err(serde::ser::Error::custom)?.serialize(to)
    }
}

impl JsonSchema for Compact {
    fn schema_name() -> Cow<'static, str> {
        Source::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Source::json_schema(generator)
    }
}

impl<'de> Deserialize<'de> for Compact {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Json::deserialize(from).map(|json| Self(json.to_string().into()))
    }
}

impl PlainFlag {
    /// What several environments serve is kept once.
    fn share(&self, version: &mut Version) {
        let mut known = self.versions.values().flatten().filter_map(|version| version.source.as_ref());
        if let Some(same) = known.find(|known| Some(*known) == version.source.as_ref()) {
            version.source = Some(same.clone());
        }
    }

    /// The same flag as it came from elsewhere, with what several environments serve kept once.
    pub(crate) fn shared(mut self) -> Self {
        for (environment, versions) in std::mem::take(&mut self.versions) {
            let mut kept = Vec::with_capacity(versions.len());
            for mut version in versions {
                self.share(&mut version);
                kept.push(version);
            }
            self.versions.insert(environment, kept);
        }
        self
    }

    /// The version in force in an environment, also when it says that the flag was taken away.
    pub fn latest(&self, environment: &EnvironmentId) -> Option<&Version> {
        self.versions.get(environment)?.last()
    }

    /// How it is written in an environment now.
    pub fn source(&self, environment: &EnvironmentId) -> Option<Source> {
        self.latest(environment)?.source.as_ref()?.source()
    }

    /// Whether it is served in an environment.
    pub fn is_in(&self, environment: &EnvironmentId) -> bool {
        self.latest(environment).is_some_and(|version| version.source.is_some())
    }

    /// What was served in an environment from an entry on, as far as it is kept; nothing in it when the flag was taken away.
    pub fn version(&self, environment: &EnvironmentId, entry: u64) -> Option<&Version> {
        self.versions.get(environment)?.iter().find(|version| version.entry == entry)
    }

    /// What was served before an entry; none when that is not kept any more.
    pub fn before(&self, environment: &EnvironmentId, entry: u64) -> Option<Option<Source>> {
        let versions = self.versions.get(environment)?;
        let at = versions.iter().position(|version| version.entry == entry)?;
        match at.checked_sub(1) {
            Some(at) => Some(versions[at].source.as_ref().and_then(Compact::source)),
            None if versions.len() < VERSIONS_MAX => Some(None),
            None => None,
        }
    }

    /// The environments it is served in, and since when without a break, as far as its versions are kept.
    pub fn in_force_since(&self) -> impl Iterator<Item = (&EnvironmentId, Timestamp)> {
        self.versions.iter().filter_map(|(environment, versions)| {
            let served = versions.iter().rev().take_while(|version| version.source.is_some());
            Some((environment, served.last()?.stamp.at))
        })
    }

    /// The environments it is served in, with the version there.
    pub fn in_force(&self) -> impl Iterator<Item = (&EnvironmentId, &Version)> {
        let last =
            self.versions.iter().filter_map(|(environment, versions)| Some((environment, versions.last()?)));
        last.filter(|(_, version)| version.source.is_some())
    }

    /// The type of its variants, wherever it is served.
    fn kind(&self, key: &FlagKey, but: &EnvironmentId) -> Option<(FlagType, EnvironmentId)> {
        self.in_force().filter(|(environment, _)| *environment != but).find_map(|(environment, version)| {
            let definition = version.source.as_ref()?.source()?;
            let definition = definition.definition(key.as_str(), &tenure_flags::authoring::NoLists).ok()?;
            Some((FlagType::of(definition.variants.values().next()?)?, environment.clone()))
        })
    }
}

/// How a flag is to be written: one of the two.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Writing {
    /// A flagd definition.
    #[serde(default, skip_serializing_if = "Json::is_null")]
    pub definition: Json,
    /// Variants, targets and rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authored: Option<Box<Authored>>,
}

impl Writing {
    pub(crate) fn source(&self) -> Result<Source, Refusal> {
        match (&self.authored, self.definition.is_null()) {
            (Some(authored), true) => Ok(Source::Authored(authored.clone())),
            (None, false) => Ok(Source::Definition(self.definition.clone())),
            _ => Err(Refusal::argument(
                "either definition (flagd) or authored (rules) says what the flag serves",
            )),
        }
    }

    fn of(source: Source) -> Self {
        match source {
            Source::Definition(definition) => Self { definition, authored: None },
            Source::Authored(authored) => Self { definition: Json::Null, authored: Some(authored) },
        }
    }
}

/// Sets a flag by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetFlag {
    /// Its key.
    pub key: FlagKey,
    /// What it serves: `definition` or `authored`.
    #[serde(flatten)]
    pub writing: Writing,
    /// Where; `production` when left out.
    #[serde(default = "production")]
    pub environment: EnvironmentId,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Takes a flag that was set by hand away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArchiveFlag {
    /// Its key.
    pub key: FlagKey,
    /// Where; everywhere when left out.
    #[serde(default)]
    pub environment: Option<EnvironmentId>,
    /// Why.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Takes changes of a flag back: it serves what it served before an entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RevertFlag {
    /// Its key.
    pub key: FlagKey,
    /// The entry of the first change to take back.
    pub entry: u64,
    /// Where; `production` when left out.
    #[serde(default = "production")]
    pub environment: EnvironmentId,
    /// Why.
    pub reason: String,
}

/// Says what a flag is for, whose it is and how long it is meant to live. What is left out stays as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DescribeFlag {
    /// Its key.
    pub key: FlagKey,
    /// What it is for.
    #[serde(default)]
    pub description: Option<String>,
    /// Words to find it by, all of them.
    #[serde(default)]
    pub tags: Option<BTreeSet<String>>,
    /// The team that answers for it.
    #[serde(default)]
    pub owner: Option<TeamId>,
    /// How long it is meant to live.
    #[serde(default)]
    pub lifetime: Option<Lifetime>,
}

/// A flag was set by hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagSetByHand {
    /// Its key.
    pub key: FlagKey,
    /// What it serves.
    #[serde(flatten)]
    pub writing: Writing,
    /// Where.
    pub environment: EnvironmentId,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The entry that this takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<u64>,
    /// The change request it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ChangeRequestId>,
}

/// A flag that was set by hand was taken away.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagArchived {
    /// Its key.
    pub key: FlagKey,
    /// Where; everywhere when none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentId>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The entry that this takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reverts: Option<u64>,
    /// The change request it came by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<ChangeRequestId>,
}

/// It was said what a flag is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagDescribed {
    /// Its key.
    pub key: FlagKey,
    /// What is said now.
    pub about: About,
}

/// Who may change flags.
pub(crate) fn flag_setters() -> Vec<Seat> {
    let mut seats = [Role::Admin, Role::Developer, Role::DevelopmentLead].map(Seat::Somewhere).to_vec();
    seats.push(Seat::System);
    seats
}

/// What an entry says besides what is served.
#[derive(Default)]
pub(crate) struct Because {
    pub reason: Option<String>,
    pub request: Option<ChangeRequestId>,
}

impl Because {
    fn of(reason: Option<&str>) -> Self {
        Self { reason: stated(reason).map(str::to_owned), request: None }
    }
}

/// A flag that belongs to a case is raised by its rollout only, and one that an experiment is run on by that.
fn free_of_others(ask: &Ask<'_>, key: &FlagKey) -> Result<(), Refusal> {
    if let Some(run) = ask.state.run_of_flag(key).filter(|run| run.ended.is_none()) {
        let whose = format!("another key: experiment {} is run on this one until it ends", run.experiment);
        return Err(Refusal::exists("flag", key).missing([whose]).since(run.planned.at));
    }
    let Some(case) = ask.state.case_of_flag(key) else { return Ok(()) };
    let refusal = Refusal::exists("flag", key)
        .missing([format!("another key: this one belongs to case {}, whose rollout raises it", case.id)]);
    Err(match &case.flag {
        Some(flag) => refusal.since(flag.stamp.at),
        None => refusal,
    })
}

/// What setting a flag records; nothing when it is set so already.
pub(crate) fn set(
    ask: &Ask<'_>,
    key: &FlagKey,
    environment: &EnvironmentId,
    writing: &Writing,
    because: Because,
) -> Result<Vec<Event>, Refusal> {
    free_of_others(ask, key)?;
    ask.environment_in_use(environment)?;
    let source = writing.source()?;
    check(ask, key, environment, &source)?;
    let flag = ask.state.flags.get(key);
    if flag.and_then(|flag| flag.source(environment)).as_ref() == Some(&source) {
        return Ok(Vec::new());
    }
    let Because { reason, request } = because;
    let (key, environment, writing) = (key.clone(), environment.clone(), writing.clone());
    Ok(vec![FlagSetByHand { key, writing, environment, reason, reverts: None, request }.into()])
}

/// A flag is set when it can be served: it is well-formed, its rule compiles, and it has one type everywhere.
fn check(ask: &Ask<'_>, key: &FlagKey, environment: &EnvironmentId, source: &Source) -> Result<(), Refusal> {
    let bytes = serde_json::to_string(source).map_or(0, |text| text.len());
    if bytes > SOURCE_BYTES_MAX {
        return Err(Refusal::argument(format!(
            "the flag has {bytes} bytes, at most {SOURCE_BYTES_MAX} are allowed: use segments for long lists"
        )));
    }
    let place = match source {
        Source::Definition(_) => "definition",
        Source::Authored(_) => "authored",
    };
    let segments = ask.state.segments.iter().map(|(name, segment)| (name.as_str(), &segment.version.holds));
    let kind = source
        .check(key.as_str(), segments)
        .map_err(|fault| Refusal::argument(format!("{place}: {fault}")))?;
    let other = ask.state.flags.get(key).and_then(|flag| flag.kind(key, environment));
    match other.filter(|(other, _)| *other != kind) {
        Some((other, elsewhere)) => Err(Refusal::argument(format!(
            "{place}: the flag is a {} here and a {} in {elsewhere}: it has one type, choose another key",
            kind.name(),
            other.name()
        ))),
        None => Ok(()),
    }
}

/// What taking a flag away in one environment records; nothing when it was taken away before.
pub(crate) fn archive(
    ask: &Ask<'_>,
    key: &FlagKey,
    environment: Option<&EnvironmentId>,
    because: Because,
) -> Result<Vec<Event>, Refusal> {
    let flag = ask.state.flags.get(key).ok_or_else(|| Refusal::not_found("flag", key))?;
    if let Some(environment) = environment
        && flag.latest(environment).is_none()
    {
        return Err(Refusal::not_found(&format!("flag {key} in"), environment));
    }
    if !flag.in_force().any(|(at, _)| environment.is_none_or(|environment| environment == at)) {
        return Ok(Vec::new());
    }
    let Because { reason, request } = because;
    let (key, environment) = (key.clone(), environment.cloned());
    Ok(vec![FlagArchived { key, environment, reason, reverts: None, request }.into()])
}

/// What going back to before an entry records.
pub(crate) fn revert(
    ask: &Ask<'_>,
    key: &FlagKey,
    environment: &EnvironmentId,
    entry: u64,
    because: Because,
) -> Result<Vec<Event>, Refusal> {
    let flag = ask.state.flags.get(key).ok_or_else(|| Refusal::not_found("flag", key))?;
    free_of_others(ask, key)?;
    ask.environment_in_use(environment)?;
    if flag.version(environment, entry).is_none() {
        return Err(Refusal::not_found(&format!("change of flag {key} in {environment} by entry"), entry)
            .missing([format!(
                "one of its last {VERSIONS_MAX} changes there; the flag's history lists them"
            )]));
    }
    let Some(before) = flag.before(environment, entry) else {
        return Err(Refusal::not_found(
            &format!("version of flag {key} in {environment} before entry"),
            entry,
        )
        .missing(["set_flag with what the journal says it was".to_owned()]));
    };
    if before == flag.source(environment) {
        return Ok(Vec::new());
    }
    let Because { reason, request } = because;
    let (key, environment) = (key.clone(), environment.clone());
    let reverts = Some(entry);
    Ok(match before {
        Some(source) => {
            // Segments may have gone since.
            check(ask, &key, &environment, &source)?;
            let writing = Writing::of(source);
            vec![FlagSetByHand { key, writing, environment, reason, reverts, request }.into()]
        }
        None => {
            vec![FlagArchived { key, environment: Some(environment), reason, reverts, request }.into()]
        }
    })
}

impl SetFlag {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        ask.seated(&flag_setters(), None, "set a flag")?;
        free_of_others(ask, &self.key)?;
        ask.changes_directly(&self.environment)?;
        set(ask, &self.key, &self.environment, &self.writing, Because::of(self.reason.as_deref()))
    }
}

impl ArchiveFlag {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let flag = ask.state.flags.get(&self.key).ok_or_else(|| Refusal::not_found("flag", &self.key))?;
        ask.seated(&flag_setters(), None, "archive a flag")?;
        for (environment, _) in flag.in_force() {
            if self.environment.as_ref().is_none_or(|wanted| wanted == environment) {
                ask.changes_directly(environment)?;
            }
        }
        archive(ask, &self.key, self.environment.as_ref(), Because::of(self.reason.as_deref()))
    }
}

impl RevertFlag {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        if !ask.state.flags.contains_key(&self.key) {
            return Err(Refusal::not_found("flag", &self.key));
        }
        ask.seated(&flag_setters(), None, "revert a flag")?;
        ask.changes_directly(&self.environment)?;
        let because = Because::of(Some(&self.reason));
        if because.reason.is_none() {
            return Err(Refusal::new(RefusalCode::ReasonMissing, "a change is taken back with a reason")
                .missing(["reason: why"]));
        }
        revert(ask, &self.key, &self.environment, self.entry, because)
    }
}

impl DescribeFlag {
    pub(crate) fn decide(&self, ask: &Ask<'_>) -> Result<Vec<Event>, Refusal> {
        let flag = ask.state.flags.get(&self.key).ok_or_else(|| Refusal::not_found("flag", &self.key))?;
        if let Some(owner) = &self.owner {
            ask.team(owner)?;
        }
        ask.seated(&flag_setters(), None, "describe a flag")?;
        let mut about = flag.about.clone();
        if let Some(description) = &self.description {
            about.description = stated(Some(description)).map(str::to_owned);
        }
        if let Some(tags) = &self.tags {
            about.tags = tags.iter().map(|tag| tag.trim().to_owned()).collect();
        }
        about.owner = self.owner.clone().or(about.owner);
        about.lifetime = self.lifetime.or(about.lifetime);
        if about.tags.len() > TAGS_MAX || about.tags.iter().any(String::is_empty) {
            return Err(Refusal::argument(format!("tags: at most {TAGS_MAX}, none of them empty")));
        }
        if about == flag.about {
            return Ok(Vec::new());
        }
        Ok(vec![FlagDescribed { key: self.key.clone(), about }.into()])
    }
}

impl State {
    fn add_version(&mut self, key: &FlagKey, environment: &EnvironmentId, mut version: Version) {
        let flag = Arc::make_mut(self.flags.entry(key.clone()).or_default());
        flag.share(&mut version);
        let versions = flag.versions.entry(environment.clone()).or_default();
        if versions.len() >= VERSIONS_MAX {
            versions.remove(0);
        }
        // Most flags have a version or two in an environment: no room is held for more.
        versions.reserve_exact(1);
        versions.push(version);
    }
}

impl FlagSetByHand {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let source = self.writing.source().ok().map(|source| Compact::of(&source));
        let version = Version {
            entry: state.seq + 1,
            stamp: stamp.clone(),
            source,
            reason: self.reason.clone(),
            reverts: self.reverts,
            request: self.request.clone(),
        };
        state.add_version(&self.key, &self.environment, version);
    }
}

impl FlagArchived {
    pub(crate) fn apply(&self, state: &mut State, stamp: &Stamp) {
        let Some(flag) = state.flags.get(&self.key) else { return };
        let places: Vec<EnvironmentId> = flag
            .in_force()
            .map(|(environment, _)| environment)
            .filter(|environment| self.environment.as_ref().is_none_or(|wanted| wanted == *environment))
            .cloned()
            .collect();
        for environment in places {
            let version = Version {
                entry: state.seq + 1,
                stamp: stamp.clone(),
                source: None,
                reason: self.reason.clone(),
                reverts: self.reverts,
                request: self.request.clone(),
            };
            state.add_version(&self.key, &environment, version);
        }
    }
}

impl FlagDescribed {
    pub(crate) fn apply(&self, state: &mut State, _: &Stamp) {
        if let Some(flag) = state.flags.get_mut(&self.key).map(Arc::make_mut) {
            flag.about = self.about.clone();
        }
    }
}
