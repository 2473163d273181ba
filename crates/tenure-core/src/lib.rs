//! Every rule of the process by which a winning experiment becomes a productionised feature.
//!
//! [`decide`] turns a command into events or a refusal, [`apply`] turns a recorded event into state, [`plan`] says what is
//! due. All three are pure: time is an argument. The crate knows nothing about SQL, HTTP, async or clocks.
//!
//! One noun a file: a concept's words, its commands with their guards, its events and what they change stand together.

mod apply;
pub mod baseline;
pub mod bug;
pub mod building;
pub mod case;
pub mod choice;
pub mod codebase;
mod command;
pub mod consultation;
pub mod cost_benefit;
mod decide;
pub mod decision;
pub mod delegation;
pub mod design;
pub mod deviation;
pub mod estimate;
mod event;
pub mod experiment;
pub mod flag;
pub mod follow_up;
pub mod hold;
pub mod id;
pub mod invariant;
pub mod look;
pub mod measurement;
pub mod metric;
pub mod notice;
pub mod onus;
pub mod outcome;
pub mod person;
pub mod plan;
pub mod platform_change;
pub mod policy;
pub mod portfolio;
pub mod refusal;
pub mod rollout;
pub mod scenario;
pub mod sign_off;
mod state;
pub mod team;
pub mod time;
pub mod view;
pub mod waiting;
pub mod warranty;

pub use apply::{Recorded, apply};
pub use case::{Case, Stage};
pub use command::{BadCommand, Command};
pub use decide::decide;
pub use event::{DecodeError, Event};
pub use person::{Actor, SYSTEM};
pub use policy::Policy;
pub use refusal::{Refusal, RefusalCode};
pub use state::State;
pub use time::Now;
