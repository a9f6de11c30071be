//! Runs the conformance cases: outputs and gradients of the Python reference, file by file.
//!
//! ```text
//! cargo test --release -p e3x --test conformance [-- FILTER...]
//! ```
//!
//! Cases come from `conformance/cases` of this repository and from every folder in the environment
//! variable `E3X_CONFORMANCE_DIR` (a list, separated as in `PATH`). The format is described in
//! `conformance/README.md`. The last line of the output reads `N passed, N failed, N skipped`.
//! The exit code is 1 if a case fails, a folder cannot be read, or no case ran; 2 if the command
//! line is wrong. As in other test programs, a filter that matches no case is not an error.
//!
//! A new operation: write a function in the file of its namespace and name it in the `find` of
//! that file. It must ask for every argument and input of the case; one that is left over fails
//! the case.

mod args;
mod case;
mod check;
mod cli;
mod compare;
mod composites;
mod folders;
mod matrix;
mod models;
mod nn_features;
mod nn_functions;
mod nn_modules;
mod ops;
mod registry;
mod report;
mod run;
mod so3;

use std::process::ExitCode;

fn main() -> ExitCode {
    let options = match cli::Options::parse(std::env::args().skip(1)) {
        Ok(cli::Command::Run(options)) => options,
        Ok(cli::Command::Help) => {
            println!("{}", cli::USAGE);
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("error: {message}\n\n{}", cli::USAGE);
            return ExitCode::from(2);
        }
    };
    let found = folders::find();
    let selected: Vec<_> = found
        .cases
        .iter()
        .filter(|case| options.selects(&case.name))
        .collect();
    if options.list {
        for case in &selected {
            println!("{}: test", case.name);
        }
        return ExitCode::SUCCESS;
    }
    let outcomes = run::all(&selected, options.threads);
    let report = report::Report::new(&outcomes, &found.problems);
    print!("{}", report.render(options.quiet));
    let nothing_selected = selected.is_empty() && options.has_filter() && !found.cases.is_empty();
    let ran = report.num_passed() + report.num_failed() > 0;
    if report.num_failed() > 0 || !(ran || nothing_selected) {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
