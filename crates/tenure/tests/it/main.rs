//! The whole product at work: the real server, real OpenFeature clients, the command itself.

mod clients;
mod commands;
mod growth_team;
mod whole_loop;
