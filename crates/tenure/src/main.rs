//! The `tenure` command: parses arguments, calls the crates, prints for people or as JSON.
//!
//! Exit status: 0 done, 1 refused or failed, 2 usage.

mod analyze;
mod client;
mod codebase;
mod demo;
mod environment;
mod evaluate;
mod event;
mod experiment;
mod flag;
mod import;
mod journal;
mod openapi;
mod output;
mod plan;
mod policy;
mod process;
mod reference;
mod relay;
mod replicate;
mod scenario;
mod segment;
mod serve;
mod simulate;
mod token;
mod watch;
mod webhook;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Many small texts are made and dropped at once by several threads: it takes a fifth less of the processor than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Carry a winning experiment to a productionised feature.
#[derive(Debug, Parser)]
#[command(name = "tenure", version, arg_required_else_help = true, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the server: API, flags (OFREP), events, clockwork
    Serve(serve::Args),
    /// Run a relay: serve flags from what another server tells, also while that is away
    Relay(relay::Args),
    /// Open a seeded company and watch a live rollout until its verdict
    Demo(demo::Args),
    /// Claim a new server: make its first account and an API token
    Setup(token::SetupArgs),
    /// Make, list and revoke API tokens
    #[command(subcommand)]
    Token(token::Command),
    /// Post entries to programs and chats, signed and delivered at least once
    #[command(subcommand)]
    Webhook(webhook::Command),
    /// How you are told: channel, at once or weekly, what is muted
    #[command(subcommand)]
    Notifications(webhook::NotificationsCommand),
    /// Register an experiment from a file of units, or send a file of events
    Import(import::Args),
    /// Erase a unit's events, read how the event log is
    #[command(subcommand)]
    Events(event::Command),
    /// Read cases and see what waits on whom
    #[command(subcommand)]
    Case(process::CaseCommand),
    /// What waits on you, oldest first, each with the command that answers it
    Next(process::NextArgs),
    /// Experiments: those that were registered, and those that are run here
    #[command(subcommand)]
    Experiment(experiment::Command),
    /// Owner processes from a file, owners from CODEOWNERS
    #[command(subcommand)]
    Codebase(codebase::Command),
    /// Check, show and set the policy: deadlines, weights, who confirms, age limits
    #[command(subcommand)]
    Policy(policy::Command),
    /// Give a command of the process, such as `open_case` or `answer_buy_in`
    Do(process::DoArgs),
    /// Flags: list, set, compare, request changes, import, export, find in code
    #[command(subcommand)]
    Flag(flag::Command),
    /// Where flags are served, and how many people approve a change there
    #[command(subcommand)]
    Environment(environment::Command),
    /// Named sets of units that the rules of flags refer to
    #[command(subcommand)]
    Segment(segment::Command),
    /// Compare two arms from a file of units, or of cumulative looks
    Analyze(analyze::Args),
    /// Tell whether a rollout's effect is the same as the experiment's
    Replicate(replicate::Args),
    /// Tell what a rollout's question costs: units, days, and the price of looking
    Plan(plan::Args),
    /// Prove by simulation that the statistics keep their error
    Simulate(simulate::Args),
    /// Evaluate flags of a definition file, a line of input at a time
    Evaluate(evaluate::Args),
    /// Run scenario files of the process
    #[command(subcommand)]
    Scenario(scenario::Command),
    /// Verify and read the journal
    #[command(subcommand)]
    Journal(journal::Command),
    /// Print the OpenAPI description of the server's API
    Openapi,
    /// Print a generated reference page
    #[command(hide = true)]
    Reference(reference::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Serve(args) => serve::run(args),
        Command::Relay(args) => relay::run(args),
        Command::Demo(args) => demo::run(args),
        Command::Setup(args) => token::setup(args),
        Command::Token(command) => token::run(command),
        Command::Webhook(command) => webhook::run(command),
        Command::Notifications(command) => webhook::notifications(command),
        Command::Import(args) => import::run(args),
        Command::Events(command) => event::run(command),
        Command::Case(command) => process::case(command),
        Command::Next(args) => process::next(args),
        Command::Experiment(command) => experiment::run(command),
        Command::Codebase(command) => codebase::run(command),
        Command::Policy(command) => policy::run(command),
        Command::Do(args) => process::give(args),
        Command::Flag(command) => flag::run(command),
        Command::Environment(command) => environment::run(command),
        Command::Segment(command) => segment::run(command),
        Command::Analyze(args) => analyze::run(args),
        Command::Replicate(args) => replicate::run(args),
        Command::Plan(args) => plan::run(args),
        Command::Simulate(args) => simulate::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Scenario(command) => scenario::run(command),
        Command::Journal(command) => journal::run(command),
        Command::Openapi => openapi::run(),
        Command::Reference(args) => reference::run(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            match error.downcast_ref::<client::Problem>() {
                // A program that asked for JSON reads the refusal where it reads the answer.
                Some(problem) if std::env::args().any(|argument| argument == "--json") => {
                    let _ = output::json(&problem.body);
                }
                _ => output::error(&error),
            }
            ExitCode::FAILURE
        }
    }
}
