//! The reference pages that are made from the source: `make docs` writes them, a test keeps them fresh.

use std::process::ExitCode;

use clap::CommandFactory;

use crate::output;

/// Which page.
#[derive(Debug, clap::Args)]
pub struct Args {
    page: Page,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Page {
    Cli,
    Configuration,
    Policy,
    Refusals,
}

/// Print a page.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let page = match args.page {
        Page::Cli => cli(),
        Page::Configuration => tenure_server::config::reference_page(),
        Page::Policy => tenure_core::policy::file::reference_markdown(),
        Page::Refusals => tenure_core::refusal::reference_page(),
    };
    output::line(page.trim_end());
    Ok(ExitCode::SUCCESS)
}

fn cli() -> String {
    let mut page = String::from(
        "# The command line\n\nExit status: 0 done, 1 refused or failed, 2 usage. Commands that talk to a server find it by `--url` or `TENURE_URL`, and carry `--token` or `TENURE_TOKEN`.\n",
    );
    let mut command = crate::Cli::command().term_width(100);
    command.build();
    describe(&mut command, &mut page);
    page
}

fn describe(command: &mut clap::Command, page: &mut String) {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    page.push_str(&format!("\n## `{name}`\n\n```text\n{}\n```\n", help.trim_end()));
    for inner in
        command.get_subcommands_mut().filter(|inner| !inner.is_hide_set() && inner.get_name() != "help")
    {
        describe(inner, page);
    }
}
