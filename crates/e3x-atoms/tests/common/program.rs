//! The program `ethanol` and folders to run it in.
//!
//! Cargo builds examples together with the tests, but not for `--test ethanol_cli` alone; then run
//! `cargo build --release --example ethanol` first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use e3x_atoms::extxyz::{KeyNames, write_all};
use tempfile::TempDir;

use super::ethanol;

/// A small model on a few frames, with little to do afterwards.
pub const TINY: &str = "--train 20 --valid 5 --batch 5 --features 8 --max-degree 1 --iterations 2 --basis 6 --md-steps 20";

fn program() -> Command {
    // target/release/deps/ethanol_cli-... -> target/release/examples/ethanol
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(Path::parent).unwrap();
    let name = format!("ethanol{}", std::env::consts::EXE_SUFFIX);
    let program = folder.join("examples").join(name);
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --release --example ethanol`",
        program.display()
    );
    let mut command = Command::new(program);
    command.env("RAYON_NUM_THREADS", "1").stdin(Stdio::null());
    command
}

/// A folder with a small data set and room for a run.
pub struct Place {
    pub folder: TempDir,
    pub data: PathBuf,
    pub out: PathBuf,
}

impl Place {
    /// An empty out folder.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data.extxyz");
        write_all(&data, &ethanol(30), &KeyNames::default()).unwrap();
        let out = folder.path().join("out");
        Self { folder, data, out }
    }

    /// A place where a run of two epochs has ended.
    pub fn with_run() -> Self {
        let place = Self::new();
        assert_success(&place.run(&format!("{TINY} --epochs 2")));
        place
    }

    /// The program on the data of this place, unless `args` name others.
    pub fn command(&self, args: &str) -> Command {
        let mut command = program();
        command.args(args.split_whitespace());
        if !args.contains("--data") {
            command.arg("--data").arg(&self.data);
        }
        if !args.contains("--out") {
            command.arg("--out").arg(&self.out);
        }
        command.current_dir(self.folder.path());
        command
    }

    /// Runs [`Place::command`] to its end.
    pub fn run(&self, args: &str) -> Output {
        self.command(args).output().unwrap()
    }

    /// A file of the out folder.
    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.out.join(name)).unwrap()
    }

    /// All files in the out folder.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let Ok(entries) = std::fs::read_dir(&self.out) else {
            return BTreeMap::new();
        };
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names
            .map(|name| {
                let content = self.read(&name);
                (name, content)
            })
            .collect()
    }
}

/// Output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Asserts that the program ended well and wrote nothing for the eyes only.
#[track_caller]
pub fn assert_success(output: &Output) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    // Not a terminal: no progress bars, no colours.
    assert_eq!(stderr, "");
    assert!(!stdout.contains(['\r', '\u{1b}']), "{stdout}");
}

/// Asserts that the program fails, says why, and does not panic.
#[track_caller]
pub fn assert_refused(place: &Place, args: &str, named: &str) {
    let output = place.run(args);
    let stderr = text(&output.stderr);
    assert!(!output.status.success(), "{args} succeeded");
    assert!(
        stderr.contains("error: ") && stderr.contains(named),
        "{args}: {stderr}"
    );
    assert!(!stderr.contains("panicked"), "{args}: {stderr}");
    assert!(!text(&output.stdout).contains("epoch "), "{args} trained");
}
