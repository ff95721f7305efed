//! `earmark`: voiceprint matching for call centers. One file a command in `commands/`.

mod commands;
mod exit;
mod folder;
mod models;
mod output;
mod parallel;
mod prints;
mod progress;
mod setup;
mod stop;
mod verdict_json;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Voiceprint matching for call centers: is the caller the customer, a listed complaint agent, or
/// somebody else?
#[derive(Parser)]
#[command(name = "earmark", version, arg_required_else_help = true, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(commands::serve::Serve),
    Enroll(commands::enroll::Enroll),
    ListProxy(commands::list_proxy::ListProxy),
    Screen(commands::screen::Screen),
    Extract(commands::extract::Extract),
    Evaluate(commands::evaluate::Evaluate),
    Adapt(commands::adapt::Adapt),
    Demo(commands::demo::Demo),
    DemoCall(commands::demo_call::DemoCall),
    Model(commands::model::Model),
    Simulate(commands::simulate::Simulate),
    Watch(commands::watch::Watch),
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Serve(command) => command.run(),
        Command::Enroll(command) => command.run(),
        Command::ListProxy(command) => command.run(),
        Command::Screen(command) => command.run(),
        Command::Extract(command) => command.run(),
        Command::Evaluate(command) => command.run(),
        Command::Adapt(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::DemoCall(command) => command.run(),
        Command::Model(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Watch(command) => command.run(),
    };
    exit::report(result)
}
