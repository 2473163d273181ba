//! Every rule of the process by which a winning experiment becomes a productionised feature.
//!
//! [`decide`] turns a command into events or a refusal, [`apply`] turns a recorded event into state,
//! [`plan::plan`] says what is due. All three are pure: time is an argument. The crate knows nothing about SQL, HTTP,
//! async or clocks.
//!
//! One noun a file: a concept's words, its commands with their guards, its events and what they change stand together.
//! The order in which a command is checked is told in [`decide`]'s file; what must hold after every entry is in
//! [`invariant`]; the process as data is in the `scenarios` folder of the project, run by [`scenario`].
//!
//! ```
//! use serde_json::json;
//! use tenure_core::{Actor, Command, Now, Recorded, RefusalCode, State, apply, decide};
//!
//! let mut state = State::default();
//! let now = Now::from("2026-02-16T09:00:00Z".parse::<jiff::Timestamp>()?);
//! let grant = Command::parse("grant_role", json!({"account": "ada", "role": "development_lead"}))?;
//! for event in decide(&state, &Actor::System, now, &grant).map_err(|refusal| refusal.sentence)? {
//!     let recorded = Recorded { seq: state.seq + 1, at: now.at, actor: Actor::System.account(), event };
//!     apply(&mut state, &recorded);
//! }
//!
//! let open = Command::parse("open_case", json!({"case": "PC-1", "experiment": "EXP-1"}))?;
//! let refusal = decide(&state, &Actor::of("ada".parse()?), now, &open).unwrap_err();
//! assert_eq!(refusal.code, RefusalCode::NotFound);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod accountability;
mod apply;
pub mod baseline;
pub mod board;
pub mod bug;
pub mod building;
pub mod calendar;
pub mod case;
pub mod change_request;
pub mod choice;
pub mod code_reference;
pub mod codebase;
mod command;
mod comparison;
pub mod consultation;
pub mod cost_benefit;
mod decide;
pub mod decision;
pub mod delegation;
pub mod deputy;
pub mod design;
pub mod desk;
pub mod deviation;
pub mod dispute;
pub mod document;
pub mod environment;
pub mod estimate;
mod event;
pub mod experiment;
pub mod filter;
pub mod flag;
pub mod follow_up;
mod forecast;
pub mod hand_over;
pub mod health;
pub mod hold;
pub mod id;
pub mod intake;
pub mod invariant;
pub mod invitation;
pub mod ledger_diff;
pub mod look;
pub mod measurement;
pub mod metric;
pub mod narration;
pub mod notice;
pub mod notification;
pub mod onus;
pub mod outcome;
pub mod pace;
pub mod person;
pub mod plan;
pub mod platform_change;
pub mod platform_fit;
pub mod policy;
pub mod portfolio;
pub mod question;
pub mod refusal;
mod remedy;
pub mod rerun;
pub mod rollout;
pub mod run;
pub mod scenario;
pub mod segment;
pub mod sign_off;
pub mod snapshot;
mod state;
pub mod succession;
mod task;
pub mod team;
pub mod time;
pub mod view;
pub mod waiting;
pub mod warranty;
pub mod weighing;

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
