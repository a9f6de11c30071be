//! The command line: the flags of Rust's own test programs, as far as they mean something here.

/// Shown by `--help` and after a wrong command line.
pub const USAGE: &str = "\
Usage: cargo test --release -p e3x --test conformance [-- [FILTER...] [OPTIONS]]

Runs the cases whose name <operation>/<number> contains one of the filters (all without a filter).

Options:
    --exact             filters are whole names
    --skip FILTER       leave out cases whose name contains FILTER
    --list              print the names of the cases and stop
    --test-threads N    number of threads
    -q, --quiet         do not print the table of operations
    --ignored           run nothing: no case is marked as ignored
    --nocapture, --no-capture, --show-output, --include-ignored, --test, --bench,
    --color WHEN, --format FORMAT, --report-time, -Z OPTION
                        accepted as in other test programs, without effect
    -h, --help          print this

Environment:
    E3X_CONFORMANCE_DIR further folders of cases, separated as in PATH; relative ones may start in
                        the root of the workspace";

/// What the command line asks for.
pub enum Command {
    Run(Options),
    Help,
}

/// Options of a run.
#[derive(Debug, Default)]
pub struct Options {
    filters: Vec<String>,
    skip: Vec<String>,
    exact: bool,
    ignored: bool,
    pub list: bool,
    pub quiet: bool,
    pub threads: Option<usize>,
}

impl Options {
    /// Reads the arguments after the name of the program.
    pub fn parse(args: impl IntoIterator<Item = String>) -> Result<Command, String> {
        let mut options = Self::default();
        let mut args = args.into_iter();
        while let Some(arg) = args.next() {
            let (flag, inline) = match arg.split_once('=') {
                Some((flag, value)) if flag.starts_with("--") => (flag, Some(value.to_string())),
                _ => (arg.as_str(), None),
            };
            let mut value = || {
                let value = inline.clone().or_else(|| args.next());
                value.ok_or_else(|| format!("{flag} needs a value"))
            };
            match flag {
                "-h" | "--help" => return Ok(Command::Help),
                "--exact" => options.exact = true,
                "--ignored" => options.ignored = true,
                "--list" => options.list = true,
                "-q" | "--quiet" => options.quiet = true,
                "--skip" => options.skip.push(value()?),
                "--test-threads" => {
                    let threads = value()?;
                    let threads = threads.parse().ok().filter(|&n: &usize| n > 0);
                    options.threads = Some(threads.ok_or("--test-threads needs a number above 0")?);
                }
                "--color" | "--format" | "-Z" => drop(value()?),
                "--nocapture" | "--no-capture" | "--show-output" | "--include-ignored"
                | "--test" | "--bench" | "--report-time" => {}
                _ if flag.starts_with('-') => return Err(format!("unknown option {flag}")),
                _ => options.filters.push(arg),
            }
        }
        Ok(Command::Run(options))
    }

    /// Whether the command line restricts the cases.
    pub fn has_filter(&self) -> bool {
        self.ignored || !self.filters.is_empty() || !self.skip.is_empty()
    }

    /// Whether a case of this name is to be run.
    pub fn selects(&self, name: &str) -> bool {
        let matches = |filter: &String| {
            if self.exact {
                name == filter
            } else {
                name.contains(filter.as_str())
            }
        };
        let named = self.filters.is_empty() || self.filters.iter().any(matches);
        named && !self.ignored && !self.skip.iter().any(matches)
    }
}
